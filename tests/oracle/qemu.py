"""QEMU with a plugin of ours in C, of the few calls of QEMU's plugin interface.

docs/devel/tcg-plugins.rst of QEMU describes them. They are declared here: Debian packages no header
of it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

QEMU = "qemu-system-arm"
#: A machine with memory at 0 and at 0x20000000, without display, monitor and serial lines.
MACHINE = (
    QEMU, "-M", "mps2-an500", "-nographic", "-monitor", "none", "-serial", "none",
    "-semihosting-config", "enable=on,target=native",
)  # fmt: skip
GUARD_S = 120

_DECLARATIONS = r"""
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void tb_cb(uint64_t id, struct qemu_plugin_tb *tb);
typedef void exit_cb(uint64_t id, void *data);
typedef void exec_cb(unsigned vcpu, void *data);
typedef void mem_cb(unsigned vcpu, uint32_t info, uint64_t address, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_cb *cb);
void qemu_plugin_register_atexit_cb(uint64_t id, exit_cb *cb, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb *cb, int flags,
                                            void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, mem_cb *cb, int flags, int rw,
                                      void *data);
unsigned qemu_plugin_mem_size_shift(uint32_t info);
_Bool qemu_plugin_mem_is_store(uint32_t info);

#define SHOWN __attribute__((visibility("default")))
SHOWN int qemu_plugin_version = 1;

static void on_fetch(unsigned vcpu, void *data);
static void on_access(unsigned vcpu, uint32_t info, uint64_t address, void *data);

static void on_block(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        void *address = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_fetch, 0, address);
        qemu_plugin_register_vcpu_mem_cb(insn, on_access, 0, 3, address);
    }
}
"""

_COUNTS = r"""
enum { HALFWORDS = 1 << 20 };    /* of code, from address 0 on */
typedef unsigned long long count;
static struct counts { count ran, reads, writes, read_bytes, write_bytes; } at[HALFWORDS];

static void on_fetch(unsigned vcpu, void *address)
{
    (void)vcpu;
    at[(uintptr_t)address / 2 % HALFWORDS].ran++;
}

static void on_access(unsigned vcpu, uint32_t info, uint64_t where, void *address)
{
    (void)vcpu, (void)where;
    struct counts *c = &at[(uintptr_t)address / 2 % HALFWORDS];
    int is_store = qemu_plugin_mem_is_store(info);
    *(is_store ? &c->writes : &c->reads) += 1;
    *(is_store ? &c->write_bytes : &c->read_bytes) += 1u << qemu_plugin_mem_size_shift(info);
}

static void on_end(uint64_t id, void *name)
{
    (void)id;
    FILE *out = fopen(name, "w");
    for (uint32_t i = 0; out && i < HALFWORDS; i++)
        if (at[i].ran)
            fprintf(out, "%u %llu %llu %llu %llu %llu\n", 2 * i, at[i].ran, at[i].reads,
                    at[i].writes, at[i].read_bytes, at[i].write_bytes);
    if (out)
        fclose(out);
}

SHOWN int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
    if (argc > 0)
        qemu_plugin_register_atexit_cb(id, on_end, argv[0] + sizeof "out=" - 1);
    return argc < 1;
}
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What an instruction did."""

    executions: int = 0
    """An IT block's skipped ones among them."""
    reads: int = 0
    writes: int = 0
    read_bytes: int = 0
    write_bytes: int = 0


def build_plugin(made: Path, code: str) -> Path:
    """A plugin of these C functions, on_fetch() and on_access() among them. Raises
    CalledProcessError or FileNotFoundError where no compiler makes it."""
    source = made.with_suffix(".c")
    source.write_text(_DECLARATIONS + code)
    command = ["gcc", "-O2", "-shared", "-fPIC", "-fvisibility=hidden"]
    command += [str(source), "-o", str(made)]
    subprocess.run(command, capture_output=True, check=True)
    return made


def run_qemu(elf: Path, *options: str) -> str:
    """What a program prints and QEMU says. Raises AssertionError when it does not end well."""
    done = subprocess.run(
        [*MACHINE, "-kernel", str(elf), *options],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=GUARD_S, check=False,
    )  # fmt: skip
    told = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, told
    return told


def counted_by_qemu(elf: Path, folder: Path) -> dict[int, Counts]:
    """What each instruction did, by its address, in a run of a program whose code is below 2 MiB.
    Of exceptions, QEMU tells no access that enters or leaves one.

    Raises AssertionError when the run does not end well.
    """
    plugin, out = build_plugin(folder / "counts.so", _COUNTS), folder / "counts.txt"
    run_qemu(elf, "-plugin", f"{plugin},out={out}")
    rows = (map(int, line.split()) for line in out.read_text().splitlines())
    return {address: Counts(*counts) for address, *counts in rows}
