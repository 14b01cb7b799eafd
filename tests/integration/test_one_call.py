"""One call that is counted alone: which one, and that its counts are those of it and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore.cli.main import main
from simcore.costs.profile import Profile
from simcore.errors import ConfigError, ExitCode
from tests.integration.assembled import PROLOGUE, TICK, Build
from tests.integration.programs import FIRMWARE
from tests.integration.test_tasks import build as build_kernel

#: step(n) is 3 + 5 n instructions, n + 2 loads (two by POP) and n + 2 stores. The first
#: of five calls has n = 10, the others n = 4; 5 instructions stand before the first.
FIVE = """
    movs r4, #0
again:
    movs r0, #4
    cbnz r4, 1f
    movs r0, #10
1:  bl step
    adds r4, #1
    cmp r4, #5
    bne again
    {behind}
    movs r0, #0
    b exit_r0
    .type step, %function
step:
    push {{r4, lr}}
    mov r1, #0x20000000
2:  ldr r2, [r1]
    adds r2, #1
    str r2, [r1]
    subs r0, #1
    bne 2b
    pop {{r4, pc}}
    .ltorg
    .size step, . - step
    .type never, %function
never:
    bx lr
    .size never, . - never
"""
SECOND, FIRST = 3 + 5 * 4, 3 + 5 * 10


@pytest.fixture
def five(build: Build) -> str:
    return build(FIVE.format(behind="")).path


def test_the_second_call_is_counted_and_nothing_else(five: str) -> None:
    profile = simcore.profile(five, per="step")
    per, totals = profile.per, profile.totals
    assert per is not None
    assert (per.function, per.call, per.calls, per.returned) == ("step", 2, 5, True)
    assert (totals.instructions, totals.reads, totals.writes) == (SECOND, 4 + 2, 4 + 2)
    assert per.setup_instructions == 5
    assert [(row.name, row.calls) for row in profile.functions if row.calls] == [("step", 1)]
    assert sum(node.instructions for node in profile.call_tree) == SECOND


def test_a_call_costs_what_the_operation_of_it_costs_in_the_whole_run(five: str) -> None:
    whole = simcore.profile(five, ops=("step",))
    profile = simcore.profile(five, ops=("step",), per="step", instructions=True, timeline=True)
    per, totals = profile.per, profile.totals
    assert per is not None
    assert whole.per is None
    row = whole.ops[1]
    assert (row.instructions, row.cycles, row.energy_j) == (
        totals.instructions, totals.cycles, totals.energy_j,
    )  # fmt: skip
    cycles = [op.cycles for op in whole.ops]
    assert (per.first_cycles, per.minimum_cycles, per.maximum_cycles) == (
        cycles[0], min(cycles), max(cycles),
    )  # fmt: skip
    assert [(op.name, op.cycles) for op in profile.ops] == [("step[0]", totals.cycles)]
    assert sum(row.executions for row in profile.instructions or ()) == SECOND
    assert profile.timeline is not None
    assert max(span.end for span in profile.timeline.spans) == totals.cycles


def test_calls_are_those_behind_from_and_in_front_of_until(five: str) -> None:
    late = simcore.profile(five, per="step", from_="step@4")
    assert late.per is not None
    assert (late.per.call, late.per.calls, late.per.setup_instructions) == (2, 2, 0)
    only = simcore.profile(five, per="step", until="step@2")
    assert only.per is not None
    assert (only.per.call, only.per.calls, only.totals.instructions) == (1, 1, FIRST)


@pytest.mark.parametrize(
    ("spins", "call", "instructions", "returned"),
    [("r4, #0", 1, 5, False), ("r4, #1", 1, 4, True), ("r4, #2", 2, 4, True)],
)
def test_a_call_that_does_not_come_back_is_counted_only_where_no_other_did(
    build: Build, spins: str, call: int, instructions: int, returned: bool
) -> None:
    """loop() is four instructions; where it spins, CMP, BNE, B and what is counted of B."""
    text = f"""
    movs r4, #0
    bl loop
    movs r4, #1
    bl loop
    movs r4, #2
    bl loop
    .type loop, %function
loop:
    cmp {spins}
    bne 1f
    b .
1:  nop
    bx lr
    .size loop, . - loop
    """
    profile = simcore.profile(build(text).path, per="loop", max_instructions=1000)
    per = profile.per
    assert per is not None
    assert (per.call, per.returned) == (call, returned)
    assert profile.exit.reason == "loop"
    if returned:
        assert profile.totals.instructions == instructions
    else:
        assert per.first_cycles is per.minimum_cycles is None
        assert "which had not come back when the run ended" in per.lines[0]


@pytest.mark.parametrize(("function", "calls"), [("fibonacci", 1), ("dive", 1), ("is_even", 1)])
def test_of_recursion_the_outermost_call_counts_and_longjmp_ends_it(
    function: str, calls: int
) -> None:
    """dive() calls itself 20 times and leaves by longjmp()."""
    elf = FIRMWARE / "calls.elf"
    whole = simcore.profile(elf, ops=(function,))
    profile = simcore.profile(elf, per=function)
    assert profile.per is not None
    assert (profile.per.calls, profile.per.returned) == (calls, True)
    row = next(op for op in whole.ops if op.name == f"{function}[0]")
    assert (row.instructions, row.cycles) == (profile.totals.instructions, profile.totals.cycles)


def test_what_interrupts_the_call_counts(build: Build) -> None:
    """The handler is three instructions; a tick comes every 10,000 cycles."""
    text = (
        TICK
        + FIVE.format(behind="").replace("movs r0, #4", "ldr r0, =20000")
        + """
    .type systick, %function
systick:
    movs r0, #1
    nop
    bx lr
    .ltorg
    """
    )
    profile = simcore.profile(build(text).path, per="step")
    ticks = sum(row.count for row in profile.interrupts or ())
    assert ticks > 2
    assert profile.totals.instructions == 3 + 5 * 20000 + 3 * ticks


def test_a_handler_can_be_the_call(build: Build) -> None:
    text = (
        TICK
        + """
    movs r5, #0
1:  cmp r5, #3
    bne 1b
    movs r0, #0
    b exit_r0
    .ltorg
    .type systick, %function
systick:
    adds r5, #1
    bx lr
    .size systick, . - systick
    """
    )
    profile = simcore.profile(build(text).path, per="systick")
    assert profile.per is not None
    assert (profile.per.call, profile.per.calls, profile.totals.instructions) == (2, 3, 2)


def test_calls_of_several_tasks_overlap(arm_gcc: Callable[..., Path], tmp_path: Path) -> None:
    elf = build_kernel(arm_gcc, tmp_path, "freertos")
    profile = simcore.profile(elf, per="step")
    assert profile.per is not None
    assert profile.per.returned
    whole = simcore.profile(elf)
    calls = sum(row.calls for row in whole.functions if row.name == "step")
    assert profile.per.calls == calls
    assert profile.totals.instructions < whole.totals.instructions // calls * 4


def test_a_capture_has_the_call_of_any_function(five: str, tmp_path: Path) -> None:
    capture = tmp_path / "run.mcu"
    simcore.record(five, capture)
    assert simcore.replay(capture, per="step") == simcore.profile(five, per="step")
    assert simcore.replay(capture).per is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per": "stop"}, "--per 'stop' is no function of .*; did you mean 'step'"),
        ({"per": "inference"}, "has neither MicroInterpreter::Invoke.* nor a function 'inference'"),
        ({"per": "never"}, "never was not called in this run; without --per"),
        ({"per": "never", "from_": "step@2"}, "was not called in this run behind --from step@2"),
        ({"per": "step", "task": "x"}, "--per 'step' and --task"),
    ],
)
def test_a_call_that_cannot_be_is_refused(five: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simcore.profile(five, **options)


def test_a_function_that_is_inlined_everywhere_has_no_call(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    start, source = tmp_path / "start.S", tmp_path / "main.c"
    start.write_text(PROLOGUE + " bl main\n b exit_r0\n")
    source.write_text(
        "volatile int x;\nstatic inline __attribute__((always_inline)) void both(void) { x++; }\n"
        "int main(void) { both(); both(); return 0; }\n"
    )
    link = "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x08000100"
    options = ["-nostdlib", "-O1", "-g", link, "-Wl,-Tbss=0x20000000", start, source]
    elf = arm_gcc(tmp_path / "inlined.elf", options)
    with pytest.raises(ConfigError, match=r"'both': is inlined wherever it is called, .* in main"):
        simcore.profile(elf, per="both")


def test_a_fault_before_the_call_is_told_with_the_whole_run(build: Build) -> None:
    text = "udf #0\n .type never, %function\nnever: bx lr\n .size never, . - never\n"
    profile = simcore.profile(build(text).path, per="never")
    assert profile.exit.status is ExitCode.FAULT
    assert profile.per is None
    assert any("the run ended before it was called" in one for one in profile.warnings)


def test_the_report_says_of_which_call_it_is(
    five: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["profile", five, "--per", "step"]) == ExitCode.OK
    per = simcore.profile(five, per="step").per
    assert per is not None
    text = " ".join(capsys.readouterr().out.split())
    assert (
        f"Costs of one call of step, number 2 of 5; the first took {per.first_cycles:,} cycles, all"
        f" {per.minimum_cycles:,} to {per.maximum_cycles:,}. Set-up: {per.setup_cycles:,} cycles, 5"
        " instructions, before the first call."
    ) in text
    saved = [tmp_path / f"{name}.json" for name in ("one", "whole")]
    simcore.profile(five, per="step").save(saved[0])
    simcore.profile(five).save(saved[1])
    assert Profile.load(saved[0]).per == per
    assert main(["compare", *map(str, saved)]) == ExitCode.USAGE
    said = capsys.readouterr()
    assert "the counted part is a steady call of step and the whole run" in said.out + said.err
