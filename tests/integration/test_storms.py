"""Interrupt storms and handlers that never return: how the run ends, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from simcore.cpu_model import CpuModel
from simcore.machine import EndedRun
from tests.integration.assembled import Build, go

#: A vector table of its own for 96 interrupts, all with the handler `storm`; r5 is free for it.
TABLE = """
    ldr r0, =0xe000ed08
    ldr r1, =table
    str r1, [r0]
    ldr r0, =0xe000e100
    mov r1, #-1
    str r1, [r0]
    str r1, [r0, #4]
    str r1, [r0, #8]
"""
HANDLER = """
    .ltorg
    .type storm, %function
storm:
    {handler}
    bx lr
    .ltorg
    .type work, %function
work:
    adds r4, #1
    b work
    .balign 512
table:
    .word 0x20010000, reset
    .rept 110
    .word storm + 1
    .endr
"""
TIM6 = """
    ldr r5, =0x40001000
    movs r1, #99
    str r1, [r5, #0x2c]
    movs r1, #1
    str r1, [r5, #0x0c]
    str r1, [r5]
"""
USART = "ldr r5, =0x40011000\n movs r1, #0x89\n str r1, [r5]\n"
PEND = "ldr r0, =0xe000ed04\n mov r1, #0x10000000\n str r1, [r0]\n"
TICK = "ldr r0, =0xe000e010\n movs r1, #{}\n str r1, [r0, #4]\n movs r1, #7\n str r1, [r0]\n"
SLOW = "mov r0, #100\n 9: subs r0, #1\n bne 9b\n"
#: What the program does, what its handler does, what it is run with, and what the warning says.
STORMS: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "a timer's flag is not cleared": (
        TIM6, "", {}, "interrupt 54 (storm", "its handler leaves a flag of TIM6 set",
    ),
    "a serial port has room": (
        USART, "", {}, "interrupt 37 (storm", "its handler leaves a flag of USART1 set",
    ),
    "--irq is faster than the handler": (
        "", SLOW, {"irq": ("3=500ns",)}, "interrupt 3 (storm", "--irq pends it every 100 cycles",
    ),
    "PendSV pends itself": (PEND, PEND, {}, "PendSV (storm", "the program pends it again"),
    "SysTick is too fast": (TICK.format(40), SLOW, {}, "SysTick (storm", "a longer period"),
    "an interrupt sets itself pending": (
        "ldr r0, =0xe000ef00\n movs r1, #9\n str r1, [r0]\n",
        "ldr r0, =0xe000ef00\n movs r1, #9\n str r1, [r0]\n",
        {}, "interrupt 9 (storm", "the program pends it again",
    ),
}  # fmt: skip


def run(build: Build, model: CpuModel, text: str, handler: str, **options: Any) -> EndedRun:
    image = build(TABLE + text + "b work\n" + HANDLER.format(handler=handler))
    return go(image, model, **options)


@pytest.mark.parametrize("name", STORMS)
def test_a_storm_is_stopped_and_named(build: Build, model: CpuModel, name: str) -> None:
    text, handler, options, *words = STORMS[name]
    result = run(build, model, text, handler, max_instructions=50_000_000, **options)
    assert result.exit_reason == "storm"
    (warning,) = [one for one in result.warnings if "100,000 times" in one]
    assert all(word in warning for word in words)
    assert "while work" in warning or "while reset" in warning


def test_a_limit_that_comes_first_names_the_storm_too(build: Build, model: CpuModel) -> None:
    result = run(build, model, TIM6, "", max_instructions=100_000)
    assert result.exit_reason == "max-instructions"
    assert [one for one in result.warnings if "interrupt 54" in one and "TIM6" in one]


def test_handlers_that_chain_each_other_are_told_at_the_limit(
    build: Build, model: CpuModel
) -> None:
    swap = "mrs r0, ipsr\n sub r0, #16\n eor r0, #1\n ldr r1, =0xe000ef00\n str r0, [r1]\n"
    start = "ldr r1, =0xe000ef00\n movs r0, #2\n str r0, [r1]\n"
    result = run(build, model, start, swap, max_instructions=100_000)
    assert [one for one in result.warnings if "came one behind the other" in one]


#: Much work in handlers, none of it a storm: what the program does and its handler.
BUSY = {
    "each wakes a sleeper": ("1: wfi\n b 1b\n", ""),
    "and all is done on exit": ("ldr r0, =0xe000ed10\n movs r1, #2\n str r1, [r0]\n wfi\n", ""),
    "an instruction runs in between": ("", "ldr r0, =0xe000ed04\n"),
    "text goes out without end": (
        "ldr r5, =0x40011000\n movs r1, #40\n str r1, [r5, #0x0c]\n movs r1, #0x89\n"
        " str r1, [r5]\n",
        "str r1, [r5, #0x28]\n",
    ),
}


@pytest.mark.parametrize("name", BUSY)
def test_much_work_in_handlers_is_no_storm(build: Build, model: CpuModel, name: str) -> None:
    text, handler = BUSY[name]
    result = run(build, model, text, handler, irq=("3=400ns",), for_s=0.05, max_instructions=None)
    assert result.exit_reason == "for"
    assert not [one for one in result.warnings if "one behind the other" in one]


def test_the_end_in_a_handler_that_never_returns_is_told(build: Build, model: CpuModel) -> None:
    result = run(build, model, TIM6, "b .")
    assert result.exit_reason == "loop"
    (warning,) = [one for one in result.warnings if "never returns" in one]
    assert warning.startswith("that is in interrupt 54 (storm")


def test_a_loop_that_waits_for_an_interrupt_which_nothing_raises_is_told_of_it(
    build: Build, model: CpuModel
) -> None:
    image = build("ldr r0, =0xe000e100\n movs r1, #6\n str r1, [r0]\n b .\n")  # interrupts 1 and 2
    result = go(image, model)
    assert result.exit_reason == "loop"
    (warning,) = [one for one in result.warnings if "nothing here raised" in one]
    assert warning.startswith("the program has enabled interrupt 1, interrupt 2, which")


def test_one_that_others_interrupt_is_told_at_the_limit(build: Build, model: CpuModel) -> None:
    urgent = "ldr r0, =0xe000e400\n movs r1, #0x80\n strb r1, [r0, #54]\n"
    handler = "mrs r0, ipsr\n cmp r0, #70\n it ne\n bxne lr\n b .\n"
    text = urgent + TIM6 + TICK.format(200).replace("movs r1, #200", "mov r1, #20000")
    result = run(build, model, text, handler, max_instructions=3_000_000)
    assert result.exit_reason == "max-instructions"
    assert [one for one in result.warnings if "has not returned for" in one]
