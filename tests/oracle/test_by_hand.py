"""Results of instructions worked out by hand from the Armv7-M manual (DDI 0403E).

The engine and QEMU share code, so that they can be wrong alike. Each row is the code, the registers
that it begins with, what r0 and r1 hold behind it, and where the value comes from: the section of
the instruction in A7.7, by its name, and how the number follows.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from simcore.cpu_model import load_cpu_model
from simcore.elf import load_image
from simcore.machine import RunOptions, run
from simcore.run.options import Streams
from simcore.run.spec import RunSpec

BY_HAND = {
    # SSAT: 300 saturates to 2^7 - 1, and Q, bit 27 of APSR, is set.
    "ssat r0, #8, r2\n mrs r1, apsr\n and r1, #0x08000000": ((300, 0, 0), 127, 0x0800_0000),
    # UADD8: bytes 80+80 and ff+01 carry (GE 3 and 2), 01+7f and 02+01 do not; SEL takes by GE.
    "uadd8 r0, r2, r3\n mvn r1, r4\n sel r1, r4, r1": (
        (0x80FF_0102, 0x8001_7F01, 0xAAAA_AAAA), 0x0000_8003, 0xAAAA_5555,
    ),
    # QADD: 2^31 - 1 and 1 saturate; QSUB: -2^31 less 1 does.
    "qadd r0, r2, r3\n qsub r1, r4, r3": ((0x7FFF_FFFF, 1, 0x8000_0000), 0x7FFF_FFFF, 0x8000_0000),
    # SMLAD: 2 * 4 + 3 * 5 + 10; SMUSD: 3 * 5 - 2 * 4.
    "smlad r0, r2, r3, r4\n smusd r1, r2, r3": ((0x0002_0003, 0x0004_0005, 10), 33, 7),
    # UMAAL: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
    "mov r0, r2\n mov r1, r2\n umaal r0, r1, r2, r2": (
        (0xFFFF_FFFF, 0, 0), 0xFFFF_FFFF, 0xFFFF_FFFF,
    ),
    # BFI: bits 11 to 4 become 05; SBFX of bits 7 to 4, 1000b: -8.
    "mov r0, r2\n bfi r0, r3, #4, #8\n sbfx r1, r4, #4, #4": (
        (0xFFFF_FFFF, 0x105, 0x80), 0xFFFF_F05F, 0xFFFF_FFF8,
    ),
    # LSLS moves bit 31 into C; RRX takes C into bit 31.
    "lsls r0, r2, #1\n rrx r1, r3": ((0x8000_0001, 2, 0), 2, 0x8000_0001),
    # SDIV: -2^31 / -1 is 2^31, cut to 32 bits; by 0 it is 0 when DIV_0_TRP is 0.
    "sdiv r0, r2, r3\n sdiv r1, r2, r4": ((0x8000_0000, 0xFFFF_FFFF, 0), 0x8000_0000, 0),
    # IT: EQ after equal values; the flags of the 16-bit ADD inside of it stay.
    "mov r0, #0\n mov r1, #0\n cmp r2, r2\n itte eq\n addeq r0, r2\n addeq r1, r3\n movne r1, r4": (
        (5, 7, 9), 5, 7,
    ),
    # Little-endian bytes 44 33 22 11 88 ...: a word from the second one.
    "strd r2, r3, [r5]\n ldr r0, [r5, #1]\n ldrsb r1, [r5, #4]": (
        (0x1122_3344, 0x5566_7788, 0), 0x8811_2233, 0xFFFF_FF88,
    ),
    # STREX without an open exclusive access (A3.4.1): returns 1 and stores nothing.
    "str r2, [r5]\n clrex\n strex r0, r3, [r5]\n ldr r1, [r5]": ((17, 18, 0), 1, 17),
    # VCVT towards zero: 3.9 to 3; VCVTR to nearest, ties to even: 2.5 to 2.
    "vmov s0, r2\n vcvt.s32.f32 s1, s0\n vmov r0, s1\n vmov s0, r3\n vcvtr.s32.f32 s1, s0\n"
    " vmov r1, s1": ((0x4079_999A, 0x4020_0000, 0), 3, 2),
    # VFMA rounds once: with a = 1 + 2^-12, a * a - (1 + 2^-11) = 2^-24; VMLA rounds a * a first, a
    # tie to even that loses it: 0.
    "vmov s0, r2\n vmov s1, r3\n vmov.f32 s2, s1\n vfma.f32 s1, s0, s0\n vmla.f32 s2, s0, s0\n"
    " vmov r0, s1\n vmov r1, s2": ((0x3F80_0800, 0xBF80_1000, 0), 0x3380_0000, 0),
}  # fmt: skip

_START = """
    .syntax unified
    .thumb
    .section .isr_vector, "a"
    .word 0x20000800, reset
    .text
    .global reset
    .type reset, %function
reset:
    ldr r0, =0xe000ed88
    mov r1, #0xf00000
    str r1, [r0]
    dsb
    isb
    ldr r5, =0x20000100
    ldr r6, =0x20000000
"""
_CASE = """
    ldr r2, ={}
    ldr r3, ={}
    ldr r4, ={}
    {}
    ldr r2, ={}
    ldr r3, ={}
    movs r4, #46
    cmp r0, r2
    it ne
    movne r4, #48
    cmp r1, r3
    it ne
    movne r4, #49
    strb r4, [r6], #1
    b 1f
    .ltorg
1:
"""
_END = """
    movs r0, #0
    strb r0, [r6]
    movs r0, #4
    ldr r1, =0x20000000
    bkpt 0xab
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    b .
    .ltorg
"""


def test_results_are_those_worked_out_from_the_manual(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    cases = "".join(
        _CASE.format(*given, code, first, second)
        for code, (given, first, second) in BY_HAND.items()
    )
    source = tmp_path / "a.S"
    source.write_text(_START + cases + _END)
    link = "-Wl,--entry=reset,--section-start=.isr_vector=0,-Ttext=0x100,-Tbss=0x20000000"
    elf = arm_gcc(tmp_path / "a.elf", ["-nostdlib", link, source])
    out = io.BytesIO()
    model = load_cpu_model("generic-m7")
    options = RunOptions(
        model.max_clock_hz, RunSpec(max_instructions=10_000), streams=Streams(stdout=out)
    )
    assert run(load_image(elf), model, options).exit_code == 0
    told = dict(zip(BY_HAND, out.getvalue().decode(), strict=True))
    assert {code: mark for code, mark in told.items() if mark != "."} == {}
