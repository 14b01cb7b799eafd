"""Tasks in the text report, on the page and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from simcore.costs.profile import Profile
from simcore.costs.tasks import StackFrame, TaskCosts
from simcore.report import RenderOptions
from simcore.report.profile import render
from simcore.report.profile.task_tables import chain_text
from tests.unit.handmade import kernel_profile

FRAMES = tuple(StackFrame(name, size) for name, size in [("main", 32), ("parse", 120), ("dot", 8)])
MAIN = TaskCosts("(main)", "main", "role", 0, 10, 40, 1e-9, 0, 0, None, 160, None, FRAMES)
AUDIO = TaskCosts(
    "audio", "task", "kernel", 7, 500, 900, 2e-8, 300, 200, None, 400, 512, FRAMES[1:]
)


def with_tasks(*tasks: TaskCosts) -> Profile:
    return replace(kernel_profile(), tasks=tasks)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (60, "main 32 B > parse 120 B > dot 8 B"),
        (33, "main 32 B > parse 120 B > dot 8 B"),
        (32, "... 2 calls 152 B ... > dot 8 B"),
        (20, "... > dot 8 B"),
    ],
)
def test_calls_are_shortened_in_the_middle(width: int, expected: str) -> None:
    assert chain_text(FRAMES, width) == expected
    assert len(expected) <= width


def test_the_outermost_and_the_innermost_calls_stay() -> None:
    frames = [StackFrame("begin", 8), *(StackFrame("rec", 40) for _ in range(20))]
    text = chain_text(frames, 70)
    assert text == "begin 8 B > rec 40 B > ... 17 calls 680 B ... > rec 40 B > rec 40 B"


def test_text_shows_each_stack_with_its_calls() -> None:
    text = render(with_tasks(MAIN, AUDIO), "text", RenderOptions(width=100))
    assert "audio   parse 120 B > dot 8 B\n(main)  main 32 B > parse 120 B > dot 8 B\n" in text
    single = render(with_tasks(MAIN), "text", RenderOptions(width=100))
    assert "Tasks" not in single
    line = next(line for line in single.splitlines() if line.startswith("stack high water"))
    assert line.endswith("exact: main 32 B > parse 120 B > dot 8 B")
    narrow = render(with_tasks(MAIN), "text", RenderOptions(width=72))
    line = next(line for line in narrow.splitlines() if line.startswith("stack high water"))
    assert line.endswith("exact: ... > dot 8 B")
    assert len(line) <= 72


def test_tasks_are_a_table_of_csv_and_of_the_page() -> None:
    profile = with_tasks(MAIN, AUDIO)
    rows = list(csv.DictReader(io.StringIO(render(profile, "csv", RenderOptions(section="tasks")))))
    assert [(row["name"], row["stack_used_bytes"]) for row in rows] == [
        ("(main)", "160"),
        ("audio", "400"),
    ]
    page = render(profile, "html")
    assert 'id="task-table"' in page
    assert page.index('id="deepest-stacks"') > page.index('id="task-table"')
    assert "parse" in page
