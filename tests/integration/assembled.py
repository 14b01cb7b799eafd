"""Programs of a few instructions, assembled by a test and run: see conftest.build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simcore.cpu_model import CpuModel
from simcore.elf import Image, load_image
from simcore.machine import EndedRun, RunOptions, run
from simcore.run.options import Streams
from simcore.run.spec import RunSpec, given

CLOCK_HZ = 200_000_000
Build = Callable[..., Image]

# What every program below starts with. exit_r0 ends with the value of r0 as exit code.
PROLOGUE = """
    .syntax unified
    .thumb
    .section .isr_vector, "a"
    .global __isr_vector
__isr_vector:
    .word 0x20010000, reset, nmi, hard_fault, mem_manage, bus_fault, usage_fault, 0, 0, 0, 0, svc
    .word 0, 0, pendsv, systick, irq0, irq1, irq2, irq3
    .weak nmi, hard_fault, mem_manage, bus_fault, usage_fault, svc, pendsv, systick
    .weak irq0, irq1, irq2, irq3
    .text
    .macro semihost number
    movs r0, #\\number
    bkpt 0xab
    .endm
    .type exit_r0, %function
exit_r0:
    ldr r1, =0x20026
    push {r0}
    push {r1}
    mov r1, sp
    semihost 0x20
    b .
    .ltorg
    .global reset
    .type reset, %function
reset:
"""
#: Switches SysTick on, with an interrupt every 10,000 cycles.
TICK = """
        ldr r0, =0xe000e010
        ldr r1, =9999
        str r1, [r0, #4]
        movs r1, #7
        str r1, [r0]
"""


def go(image: Image | Path, model: CpuModel, **options: Any) -> EndedRun:
    program = image if isinstance(image, Image) else load_image(image)
    options.setdefault("max_instructions", 20_000_000)
    streams = Streams(options.pop("stdin", None), options.pop("stdout", None))
    return run(program, model, RunOptions(CLOCK_HZ, given(RunSpec, options), streams=streams))


def instructions(result: EndedRun) -> int:
    return result.counters.total()["instructions"]
