"""The page of a trend: a chart per metric with a point where a run changed, and the steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simcore.checking.history import append
from simcore.checking.trend import TrendStep, read_steps, run_changes
from simcore.log_text import one_line
from simcore.report import RenderOptions
from simcore.report.trend import render
from simcore.report.trend.charts import charts
from tests.unit.checking.test_history import commit, entry
from tests.unit.report.test_report_html import HOSTILE, Page


def steps(folder: Path, *runs: dict[str, int]) -> list[TrendStep]:
    path = folder / "h.jsonl"
    for number, cycles in enumerate(runs, 1):
        append(path, entry(number, **cycles))
    return read_steps([str(path)])


def test_one_run_is_drawn_in_its_unit_with_a_point_at_each_change(tmp_path: Path) -> None:
    found = steps(tmp_path, {"a": 1000}, {"a": 1000}, {"a": 1100}, {"a": 1050}, {"a": 1050})
    drawn, still = charts(found, run_changes(found))
    assert [chart.name for chart in drawn] == ["cycles", "energy"]
    assert "instructions" in still
    cycles = drawn[0]
    # spare of 8 at both ends: from 980 by 20s would be more than five ticks
    assert [tick.text for tick in cycles.ticks] == ["950", "1,000", "1,050", "1,100", "1,150"]
    assert [(p.x, p.color) for p in cycles.points] == [
        (0, "s-0"), (50, "worse"), (75, "better"), (100, "s-0"),
    ]  # fmt: skip
    assert [round(p.y) for p in cycles.points] == [75, 25, 50, 50]
    assert cycles.points[1].hint == (
        "000000000 Change 3. a: cycles 1,000 to 1,100 (+10.0 %); dot +100; issue +100"
    )
    # a flat piece is one line: 0 to 1, 1 to 2, 2 to 3, 3 to 4
    assert [(s.x1, s.x2) for s in cycles.segments] == [(0, 25), (25, 50), (50, 75), (75, 100)]
    assert len(drawn[1].segments) == 1
    assert cycles.legend == {}


def test_several_runs_are_drawn_against_their_first_values(tmp_path: Path) -> None:
    found = steps(tmp_path, {"a": 1000, "b": 50_000}, {"a": 1100, "b": 49_000})
    cycles = charts(found, run_changes(found))[0][0]
    assert [tick.text for tick in cycles.ticks] == ["-5 %", "0 %", "+5 %", "+10 %", "+15 %"]
    assert cycles.legend == {"a": "s-0", "b": "s-1"}


def test_of_many_runs_those_that_changed_have_the_colours(tmp_path: Path) -> None:
    first = {f"r{n}": 1000 for n in range(12)}
    found = steps(tmp_path, first, first | {"r11": 1200})
    cycles = charts(found, run_changes(found))[0][0]
    assert "r11" in cycles.legend
    assert cycles.legend["4 others"] == "s-other"


def test_the_page_lists_the_steps_the_latest_first_and_is_escaped(tmp_path: Path) -> None:
    found = steps(tmp_path, {"a": 1000}, {"a": 1100}, {"a": 1100}, {"a": 1050, "b": 5000})
    named = replace(found[1], commit=replace(commit(2), subject=HOSTILE))
    page = Page(render([found[0], named, *found[2:]], "html", RenderOptions()))
    rows = [row[:3] for row in page.rows["steps"][1:]]
    assert rows == [
        ["000000000 Change 4, 2026-11-04", "a", "-4.55 % 1,100 to 1,050"],
        ["000000000 Change 4, 2026-11-04", "b added", ""],
        [f"000000000 {one_line(HOSTILE)}, 2026-11-02", "a", "+10.0 % 1,000 to 1,100"],
    ]
    assert "1 check changed nothing." in page.source
    assert HOSTILE not in page.source


@pytest.mark.parametrize("runs", [[{"a": 1000}], [{"a": 1000}] * 3])
def test_a_trend_of_one_check_or_without_a_change_says_so(
    tmp_path: Path, runs: list[dict[str, int]]
) -> None:
    found = steps(tmp_path, *runs)
    assert "<p>Nothing changed.</p>" in render(found, "html", RenderOptions())
    assert render(found, "text", RenderOptions()).endswith("Nothing changed.\n")


def test_as_text_it_is_a_table_of_the_steps(tmp_path: Path) -> None:
    found = steps(tmp_path, {"a": 1000}, {"a": 1100})
    lines = render(found, "text", RenderOptions()).splitlines()
    assert lines[0] == "1 run over 2 checks, 000000000 to 000000000"
    assert lines[-1].split() == ["000000000", "a", "+10.0", "%", "dot", "+100"]
