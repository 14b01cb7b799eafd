"""QEMU with caches of the Cortex-M7's kind, for scripts/bench: a plugin in C counts misses."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from scripts.bench_cpu import Spent, spent_by
from tests.oracle import qemu

_CACHES = r"""
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

SHOWN int qemu_plugin_install(
    uint64_t id, const void *info, int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
    return 0;
}
"""


def build_plugin(folder: Path) -> Path | None:
    """The plugin, or None where there is no QEMU or no compiler."""
    if shutil.which(qemu.QEMU) is None:
        return None
    try:
        return qemu.build_plugin(folder / "caches.so", _CACHES)
    except (subprocess.CalledProcessError, FileNotFoundError):
        return None


def spent_by_qemu(elf: Path, plugin: Path) -> Spent | None:
    """Time of a run, QEMU's start included; None when it does not end well."""
    try:
        return spent_by([*qemu.MACHINE, "-kernel", str(elf), "-plugin", f"file={plugin}"])
    except subprocess.SubprocessError:
        return None
