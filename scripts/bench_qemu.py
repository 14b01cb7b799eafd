"""QEMU with caches of the Cortex-M7's kind, for scripts/bench: a plugin in C counts misses.

The plugin is ours, of the few calls of QEMU's plugin interface (docs/devel/tcg-plugins.rst), which
it declares itself: Debian packages no header of it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from scripts.bench_cpu import Spent, spent_by

_PLUGIN = r"""
#include <stdint.h>
#include <stddef.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void tb_cb(uint64_t id, struct qemu_plugin_tb *tb);
typedef void exec_cb(unsigned vcpu, void *data);
typedef struct qemu_plugin_insn insn_t;
typedef void mem_cb(unsigned vcpu, uint32_t info, uint64_t address, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_cb *cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(insn_t *insn, exec_cb *cb, int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(insn_t *insn, mem_cb *cb, int flags, int rw, void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { LINE = 32, DATA_SETS = 32, CODE_SETS = 64 };  /* 4 KB each, as the STM32F746 has */
static uint32_t data[DATA_SETS][4], code[CODE_SETS][2];
static volatile uint64_t misses;

static void touch(uint32_t *ways, int count, uint32_t line)
{
    int at = 0;
    while (at < count - 1 && ways[at] != line)
        at++;
    misses += ways[at] != line;
    for (; at > 0; at--)
        ways[at] = ways[at - 1];
    ways[0] = line;
}

static void on_access(unsigned vcpu, uint32_t info, uint64_t address, void *none)
{
    (void)vcpu, (void)info, (void)none;
    touch(data[address / LINE % DATA_SETS], 4, (uint32_t)address / LINE + 1);
}

static void on_fetch(unsigned vcpu, void *address)
{
    (void)vcpu;
    touch(code[(uintptr_t)address / LINE % CODE_SETS], 2, (uintptr_t)address / LINE + 1);
}

static void on_block(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        void *address = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_fetch, 0, address);
        qemu_plugin_register_vcpu_mem_cb(insn, on_access, 0, 3, NULL);
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(
    uint64_t id, const void *info, int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
    return 0;
}
"""


def build_plugin(folder: Path) -> Path | None:
    """The plugin, or None where there is no QEMU or no compiler."""
    if shutil.which("qemu-system-arm") is None or shutil.which("gcc") is None:
        return None
    source, made = folder / "caches.c", folder / "caches.so"
    source.write_text(_PLUGIN)
    command = [
        "gcc",
        "-O2",
        "-shared",
        "-fPIC",
        "-fvisibility=hidden",
        str(source),
        "-o",
        str(made),
    ]
    return None if subprocess.run(command, capture_output=True).returncode else made


def spent_by_qemu(elf: Path, plugin: Path) -> Spent | None:
    """Time of a run, QEMU's start included; None when it does not end well."""
    machine = ["qemu-system-arm", "-M", "mps2-an500", "-nographic", "-monitor", "none"]
    machine += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
    try:
        return spent_by([*machine, "-kernel", str(elf), "-plugin", f"file={plugin}"])
    except subprocess.SubprocessError:
        return None
