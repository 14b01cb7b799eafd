"""Tasks of a kernel of 200 lines: names, calls, stacks, time, and what the program counts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest

import simcore
from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.profile import document
from tests.integration.assembled import PROLOGUE
from tests.integration.programs import CHECKOUT

SOURCE = CHECKOUT / "tests" / "firmware" / "rtos.c"
LINK = "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x08000100,-Tbss=0x20000000"
STACK_BYTES = 192 * 4
TASKS = ("filter", "deep", "once")
KERNELS = {"unknown": 0, "freertos": 1, "threadx": 2}


def build(arm_gcc: Callable[..., Path], folder: Path, kernel: str) -> Path:
    start = folder / "start.S"
    start.write_text(PROLOGUE + " bl main\n b exit_r0\n")
    options = ["-nostdlib", "-O1", LINK, f"-DKERNEL={KERNELS[kernel]}", start, SOURCE]
    return arm_gcc(folder / "rtos.elf", options)


@pytest.fixture(scope="module", params=KERNELS)
def run(
    request: pytest.FixtureRequest,
    arm_gcc: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Profile, dict[str, tuple[int, int]]]:
    """The kernel's name, the profile, and calls and bytes of stack by task as it counts them."""
    program = build(arm_gcc, tmp_path_factory.mktemp("rtos"), request.param)
    out = BytesIO()
    profile = simcore.profile(program, stdout=out, instructions=True)
    assert profile.exit.code == 0
    lines = [line.split() for line in out.getvalue().decode().splitlines()]
    return request.param, profile, {name: (int(n), int(used)) for name, n, used in lines}


def test_each_task_has_its_calls_and_its_stack(
    run: tuple[str, Profile, dict[str, tuple[int, int]]],
) -> None:
    kernel, profile, counted = run
    rows = {task.name: task for task in profile.tasks}
    assert set(rows) == {"(main)", "(interrupts)", *TASKS, "report"}
    named_by = "function" if kernel == "unknown" else "kernel"
    calls = dict.fromkeys(rows, 0)
    for node in profile.call_tree:
        if node.function is not None and profile.functions[node.function].name == "step":
            calls[profile.tasks[node.task].name] += node.calls
    for name, (count, used) in counted.items():
        if name == "woken":
            continue
        # One may have begun and not be counted yet when another task ends the run.
        assert count <= calls[name] <= count + (name == "filter")
        row = rows[name]
        assert row.named_by == named_by
        # Painting sees no word that a function reserves and does not write.
        found = row.stack_used_bytes
        assert found is not None
        assert used <= found <= used + 8
        assert row.stack_bytes == (STACK_BYTES if kernel != "unknown" else None)
    assert calls["deep"] == 20 * 6
    assert calls["once"] == 10


def test_tasks_sum_to_the_run_and_take_turns(
    run: tuple[str, Profile, dict[str, tuple[int, int]]],
) -> None:
    _, profile, _ = run
    assert sum(task.cycles for task in profile.tasks) == profile.totals.cycles
    assert sum(task.instructions for task in profile.tasks) == profile.totals.instructions
    rows = {task.name: task for task in profile.tasks}
    assert rows["once"].switches == 1 + 10  # it waits for a tick 10 times
    assert abs(rows["deep"].switches - rows["filter"].switches) <= 1  # they go round
    assert rows["(main)"].switches == rows["(interrupts)"].switches == 0
    assert rows["filter"].longest_wait_cycles > 0


def test_a_task_is_as_late_as_it_finds_after_a_tick_that_it_waited_for(
    run: tuple[str, Profile, dict[str, tuple[int, int]]],
) -> None:
    kernel, profile, counted = run
    rows = {task.name: task for task in profile.tasks}
    assert rows["deep"].longest_woken_cycles is None
    found = rows["once"].longest_woken_cycles
    if kernel == "unknown":
        assert found is None
        return
    # It reads the time behind the return to it, the tick reads it behind the store that wakes it.
    assert found is not None
    assert 1000 < counted["woken"][0] - 80 < found < counted["woken"][0] + 10


def test_the_deepest_calls_of_a_task_take_its_stack(
    run: tuple[str, Profile, dict[str, tuple[int, int]]],
) -> None:
    kernel, profile, _ = run
    row = next(task for task in profile.tasks if task.name == "deep")
    names = [call.function for call in row.deepest]
    assert names[0] == "deep"
    assert names.count("recursion") == 6
    # FreeRTOS begins 8 bytes below the end of the stack's memory.
    begins = 8 if kernel == "freertos" else 0
    assert sum(call.bytes for call in row.deepest) == (row.stack_used_bytes or 0) - begins


def test_every_format_has_a_level_for_the_task(
    run: tuple[str, Profile, dict[str, tuple[int, int]]],
) -> None:
    _, profile, _ = run
    options = RenderOptions()

    def text(name: str) -> str:
        found = document(profile, name, options)
        return found if isinstance(found, str) else gzip.decompress(found).decode("latin-1")

    stacks = [line.rsplit(" ", 1)[0].split(";") for line in text("collapsed").splitlines()]
    assert {stack[0] for stack in stacks} == {task.name for task in profile.tasks}
    assert ["deep", "deep", "recursion", "step"] in stacks
    assert "PendSV" not in text("collapsed").replace("(interrupts);pendsv", "")
    names = [one["name"] for one in json.loads(text("speedscope"))["profiles"]]
    assert "cycles of deep" in names
    assert "task" in text("pprof")
    assert "Tasks" in text("text")


def test_a_trace_has_each_switch_with_its_cause(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    program = build(arm_gcc, tmp_path, "freertos")
    profile = simcore.profile(program, stdout=BytesIO(), timeline=True)
    timeline = profile.timeline
    assert timeline is not None
    assert timeline.dropped == 0
    found = document(profile, "trace", RenderOptions())
    assert isinstance(found, str)
    events = json.loads(found)["traceEvents"]
    switches = [event for event in events if event["ph"] == "i"]
    rows = {task.name: task for task in profile.tasks}
    for name, row in rows.items():
        assert sum(one["args"]["to"] == name for one in switches) == row.switches
    assert {one["args"]["by"] for one in switches} <= {"pendsv", "svc", "start"}
    assert all(
        before["args"]["to"] == after["args"]["from"] for before, after in pairwise(switches)
    )
    # While one task has the processor, no span of another is open.
    ran = sorted(
        (span.start, span.end, profile.call_tree[span.node].task)
        for span in timeline.spans
        if profile.call_tree[span.node].parent is not None
        and profile.tasks[profile.call_tree[span.node].task].kind == "task"
    )
    assert ran
    for one, other in pairwise(ran):
        assert one[2] == other[2] or one[1] <= other[0]
