"""Threads that PendSV switches between: each has its calls, its stack, and its part of the time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import simcore
from tests.integration.assembled import PROLOGUE
from tests.integration.programs import CHECKOUT

SOURCE = CHECKOUT / "tests" / "firmware" / "threads.c"
LINK = "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x08000100,-Tbss=0x20000000"


@pytest.fixture(params=[(), ("-DPROCESS_STACK",)], ids=["main-stack", "process-stack"])
def program(request: pytest.FixtureRequest, arm_gcc: Callable[..., Path], tmp_path: Path) -> Path:
    start = tmp_path / "start.S"
    start.write_text(PROLOGUE + " bl main\n cpsid i\n b exit_r0\n")
    options = ["-nostdlib", "-O1", LINK, *request.param, start, SOURCE]
    return arm_gcc(tmp_path / "threads.elf", options)


def test_each_thread_has_its_own_calls(program: Path) -> None:
    profile = simcore.profile(program)
    assert (profile.exit.reason, profile.exit.code) == ("exit", 100)
    rows = {row.name: row for row in profile.functions}
    assert rows["step_a"].calls == 100
    assert (rows["thread_a"].calls, rows["thread_b"].calls) == (1, 1)
    switches = rows["pendsv"].calls
    assert switches > 10
    assert rows["swap"].calls == switches
    # the two threads take turns of one tick, so each has half of the time
    for name in ("thread_a", "thread_b"):
        assert 0.4 < rows[name].cycles_total / profile.totals.cycles < 0.6
    callers: dict[str, str | None] = {}
    for node in profile.call_tree:
        if node.function is not None and node.parent is not None:
            above = profile.call_tree[node.parent].function
            caller = None if above is None else profile.functions[above].name
            callers[profile.functions[node.function].name] = caller
    assert (callers["step_a"], callers["step_b"]) == ("thread_a", "thread_b")
    assert callers["thread_b"] is None  # nobody called it: an exception returned to it


def test_the_stack_high_water_is_that_of_the_main_stack(program: Path) -> None:
    profile = simcore.profile(program)
    # main's and a handler's frames; the stacks of the threads are data
    assert profile.totals.stack_high_water_bytes is not None
    assert 8 <= profile.totals.stack_high_water_bytes < 400


def test_each_thread_has_its_own_operations(arm_gcc: Callable[..., Path], tmp_path: Path) -> None:
    start = tmp_path / "start.S"
    start.write_text(PROLOGUE + " bl main\n cpsid i\n b exit_r0\n")
    include = f"-I{CHECKOUT / 'kernels' / 'include'}"
    options = ["-nostdlib", "-O1", LINK, "-DMARKED", include, start, SOURCE]
    profile = simcore.profile(arm_gcc(tmp_path / "threads.elf", options))
    ops = {op.name: op for op in profile.ops}
    rows = {row.name: row for row in profile.functions}
    assert ops["turn_a"].invocations == rows["step_a"].calls == 100
    for name in "ab":
        turn, step = ops[f"turn_{name}"], rows[f"step_{name}"]
        # what interrupts a turn is not in it: turns are alike, and all but a few instructions of it
        assert turn.instructions > 0.97 * step.instructions
        assert turn.minimum_cycles is not None
        assert turn.maximum_cycles is not None
        assert turn.maximum_cycles < 1.5 * turn.minimum_cycles or name == "b"
    assert (
        "mcusim_op_end has nothing to end once, first in thread_b while operation turn_a is open in"
        " another task: it ends where it began" in profile.warnings
    )
