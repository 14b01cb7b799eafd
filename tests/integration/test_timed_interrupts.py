"""Interrupts that time brings: how late they come, `--irq`, and what it refuses."""

from __future__ import annotations

import pytest

from simcore.cpu_model import CpuModel
from simcore.errors import ConfigError
from tests.integration.assembled import Build, go

ENABLE = """
    .global TIM2_IRQHandler
    .equ TIM2_IRQHandler, irq0
    movs r4, #0
    ldr r0, =0xe000e100
    movs r1, #3
    str r1, [r0]
    dsb
    isb
"""
HANDLER = """
    .ltorg
    .type irq0, %function
irq0:
    adds r4, #1
    bx lr
    .type irq1, %function
irq1:
    adds r4, #100
    bx lr
"""
COUNT = "ldr r2, =100000\n1: subs r2, #1\n bne 1b\n mov r0, r4\n b exit_r0\n"


@pytest.mark.parametrize(
    ("irq", "count"),
    [
        # the loop takes 200,000 cycles at 200 MHz, 1 ms
        (("0=100us",), 10),
        (("0=100us,50us",), 10),
        (("0=100us,850us",), 2),
        (("0=10kHz,50us",), 10),
        (("0=2ms",), 0),
        (("0=200us", "1=400us"), 205),
        (("2=100us",), 0),  # not enabled
    ],
)
def test_an_interrupt_comes_every_period(
    build: Build, model: CpuModel, irq: tuple[str, ...], count: int
) -> None:
    result = go(build(ENABLE + COUNT + HANDLER), model, irq=irq)
    assert (result.exit_reason, result.exit_code) == ("exit", count)
    assert result.clock_dependent or not count


@pytest.mark.parametrize(
    ("irq", "message"),
    [
        ("400=1ms", "the part has interrupts 0 to 97 only"),
        ("iqr0=1ms", "no handler of that name is in the vector table; did you mean 'irq0'"),
        ("irq0", "not NAME=PERIOD"),
        ("=1ms", "not NAME=PERIOD"),
        ("0=often", "'often' is not a time such as 1ms"),
        ("0=1ms,", "'' is not a time"),
        ("0=10ns", "faster than any handler"),
        ("0=10MHz", "faster than any handler"),
        ("0=0Hz", "faster than any handler"),
        ("0=48kHz,96kHz", "a run has one rate; 'mcusim whatif' takes several"),
    ],
)
def test_an_interrupt_that_cannot_be_is_refused(
    build: Build, model: CpuModel, irq: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        go(build(ENABLE + COUNT + HANDLER), model, irq=(irq,))


def test_sleep_ends_with_a_timed_interrupt(build: Build, model: CpuModel) -> None:
    text = ENABLE + "wfi\n wfi\n mov r0, r4\n b exit_r0\n" + HANDLER
    result = go(build(text), model, irq=("irq0=100us",))
    assert result.exit_code == 2
    slept = result.counters.total()["cycles.sleep"]
    assert 39_000 < slept < 40_000


STRAIGHT = {
    "one cycle each": ("adds r5, #1\n" * 400, 1),
    "divides": ("mvn r3, #0\n movs r2, #3\n" + "udiv r5, r3, r2\n" * 100, 20),
    "loads": ("ldr r6, =0x20000800\n" + "ldr r5, [r6]\n adds r3, r5, #1\n" * 200, 2),
    "IT blocks": (("cmp r5, r5\n ittt eq\n" + "addeq r3, #1\n" * 3) * 80, 4),
}  # fmt: skip


@pytest.mark.parametrize("name", STRAIGHT)
def test_a_tick_inside_straight_code_comes_behind_the_running_instruction(
    build: Build, model: CpuModel, name: str
) -> None:
    """All in TCM: nothing waits for memory. From the tick to the handler's read of the counter are
    12 cycles of entry, the instruction that was running, 8 cycles, and at most 8 of the handler."""
    body, longest = STRAIGHT[name]
    period = 2003  # prime, so that ticks fall everywhere
    text = f"""
        ldr r0, =code
        movs r1, #0
        ldr r2, =code_end
    2:  ldr r3, [r0], #4
        str r3, [r1], #4
        cmp r0, r2
        blo 2b
        movs r0, #1
        bx r0
        .ltorg
        .type systick, %function
    systick:
        ldr r0, =0xe000e018
        b .
        .ltorg
        .balign 4
    code:
        ldr r0, =0xe000e010
        ldr r1, ={period - 1}
        str r1, [r0, #4]
        movs r7, #0
        ldr r8, =0x20000040
        ldr r9, =0x20000400
        mov r10, #0
        ldr r1, =0xe000ed08
        str r9, [r1]
        adr r1, tick + 1
        str r1, [r9, #60]
        movs r1, #7
        str r1, [r0]
    1:  {body}
        cmp r7, #50
        blo 1b
        mov r0, r10
        ldr r1, =exit_r0
        bx r1
        .ltorg
        .balign 4
    tick:
        mov r0, #0xe000e000
        ldr r0, [r0, #0x18]
        ldr r1, ={period - 1}
        subs r0, r1, r0
        cmp r0, r10
        it hi
        movhi r10, r0
        adds r7, #1
        bx lr
        .ltorg
        .balign 4
    code_end:
    """
    result = go(build(text.replace("b .\n", "bx lr\n")), model)
    assert result.exit_reason == "exit"
    assert result.exit_code is not None
    assert 12 <= result.exit_code <= 12 + longest + 8 + 8


@pytest.mark.parametrize("end", ["wfi", "wfe", "svc #0"])
def test_a_block_that_the_engine_leaves_by_itself_is_interrupted_inside(
    build: Build, model: CpuModel, end: str
) -> None:
    """The handler ends the run with where it interrupts, in instructions from the block's begin."""
    body = "adds r5, #1\n" * 200
    text = f"""
        b 1f
        .ltorg
    1:  {body}
        {end}
        b .
        .type irq0, %function
    irq0:
        ldr r0, [sp, #24]
        ldr r1, =1b
        subs r0, r1
        lsrs r0, #1
        bl exit_r0
        .type svc, %function
    svc:
        bx lr
        .ltorg
    """
    result = go(build(ENABLE + text), model, irq=("0=500ns",))
    assert result.exit_reason == "exit"
    assert 10 < (result.exit_code or 0) < 150  # due at cycle 100 of the run, in waits of flash
