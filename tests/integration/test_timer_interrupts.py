"""Timers of described devices that interrupt in modelled time."""

from __future__ import annotations

import pytest

from simcore.cpu_model import CpuModel, load_cpu_model
from tests.integration.assembled import Build, go

TIM2, TIM6 = 0x4000_0000, 0x4000_1000
NUMBERS = {"TIM2": (TIM2, 28), "TIM6": (TIM6, 54)}  # RM0385 chapter NVIC
TURNS = 100 * 20  # core cycles: 100 counts of a clock divided by 20; no bus is divided at reset


@pytest.fixture
def model() -> CpuModel:
    return load_cpu_model("stm32f746")


def program(base: int, number: int, text: str, *, handler: str = "", dier: int = 1) -> str:
    """A timer that begins anew each 2,000 cycles, its interrupt enabled; r4 counts interrupts."""
    return f"""
        ldr r0, =0xe000ed08
        ldr r1, =table
        str r1, [r0]
        ldr r0, =0xe000e100
        movs r1, #{1 << number % 32:#x}
        str r1, [r0, #{number // 32 * 4}]
        ldr r5, ={base:#x}
        movs r1, #19
        str r1, [r5, #0x28]
        movs r1, #99
        str r1, [r5, #0x2c]
        movs r1, #{dier}
        str r1, [r5, #0x0c]
        ldr r6, =0xe000edfc
        ldr r1, =0x01000000
        str r1, [r6]
        ldr r6, =0xe0001000
        movs r1, #1
        str r1, [r6]
        movs r7, #0
        movs r1, #1
        str r1, [r5]
        ldr r6, [r6, #4]
        {text}
        .ltorg
        .type tick, %function
    tick:
        mvn r2, #1
        str r2, [r5, #0x10]
        adds r7, #1
        {handler}
        bx lr
        .ltorg
        .balign 512
    table:
        .rept 80
        .word tick + 1
        .endr
    """


#: Cycles since the timer was let go.
ELAPSED = "ldr r0, =0xe0001004\n ldr r0, [r0]\n subs r0, r6\n"


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("waits", ["b 1b", "wfi\n b 1b"], ids=["a loop", "sleep"])
def test_an_update_interrupts_each_time(
    build: Build, model: CpuModel, name: str, waits: str
) -> None:
    text = f"1: cmp r7, #10\n bge 2f\n {waits}\n 2: {ELAPSED} bl exit_r0"
    result = go(build(program(*NUMBERS[name], text)), model)
    assert result.exit_reason == "exit"
    # The tenth comes after 20,000 cycles; entry, the handler and the loop take less than 200.
    assert 10 * TURNS <= (result.exit_code or 0) < 10 * TURNS + 200


def test_a_branch_to_itself_is_left_by_a_timer(build: Build, model: CpuModel) -> None:
    leave = "cmp r7, #3\n it eq\n beq done"
    done = f"\n done: {ELAPSED} bl exit_r0"
    result = go(build(program(TIM6, 54, "b ." + done, handler=leave)), model)
    assert result.exit_reason == "exit"
    assert 3 * TURNS <= (result.exit_code or 0) < 3 * TURNS + 100


@pytest.mark.parametrize(
    ("before", "dier"),
    [("", 0), ("movs r1, #0\n str r1, [r5]\n", 1), ("movs r1, #0\n str r1, [r5, #0x2c]\n", 1)],
    ids=["not enabled", "stopped", "nothing to count to"],
)
def test_a_timer_that_does_not_interrupt_lets_a_loop_end_the_run(
    build: Build, model: CpuModel, before: str, dier: int
) -> None:
    result = go(build(program(TIM6, 54, before + "b .", dier=dier)), model)
    assert result.exit_reason == "loop"


def test_the_flag_is_cleared_by_zeros_and_set_by_no_write(build: Build, model: CpuModel) -> None:
    wait = """
        cpsid i
        movw r1, #6000
    1:  subs r1, #1
        bne 1b
        mvn r2, #2
        str r2, [r5, #0x10]
        ldr r0, [r5, #0x10]
        mvn r2, #1
        str r2, [r5, #0x10]
        ldr r1, [r5, #0x10]
        add r0, r0, r1, lsl #16
        bl exit_r0
    """
    result = go(build(program(TIM6, 54, wait)), model)
    assert result.exit_code == 1  # set behind a write that clears another, clear behind its own


def test_what_follows_in_the_block_of_a_timers_register_is_counted(
    build: Build, model: CpuModel
) -> None:
    # Clearing the flag of a timer that counts asks for the time three times, at one instruction.
    loads = "ldr r3, [r2]\n" * 5
    text = f"ldr r2, =0x20020000\n movs r1, #0\n str r1, [r5, #0x10]\n {loads}"
    image = build(program(*NUMBERS["TIM2"], f"{text} movs r0, #0\n bl exit_r0\n"))
    assert go(image, model).counters.total()["sram1.reads"] == 5
