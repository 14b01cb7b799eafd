"""Programs of a few instructions, assembled by a test and run: see conftest.build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simcore.cpu_model import CpuModel
from simcore.elf import Image, load_image
from simcore.machine import RunOptions, RunResult, run

CLOCK_HZ = 200_000_000
Build = Callable[..., Image]

# What every program below starts with. exit_r0 ends with the value of r0 as exit code.
PROLOGUE = """
    .syntax unified
    .thumb
    .section .isr_vector, "a"
    .global __isr_vector
__isr_vector:
    .word 0x20010000, reset, 0, 0, 0, 0, 0, 0, 0, 0, 0, svc, 0, 0, 0, systick
    .weak svc, systick
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


def go(image: Image | Path, model: CpuModel, **options: Any) -> RunResult:
    program = image if isinstance(image, Image) else load_image(image)
    options.setdefault("max_instructions", 20_000_000)
    return run(program, model, RunOptions(clock_hz=CLOCK_HZ, **options))


def instructions(result: RunResult) -> int:
    return result.counters.total()["instructions"]
