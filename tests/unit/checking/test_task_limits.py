"""Limits on tasks, baselines that keep them, and what a comparison tells of them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.checking.limits import parse_limits
from simcore.checking.results import MetricValue, failure_text
from simcore.checking.settings import load_settings
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import Comparison, compare
from simcore.comparison.summary import Summary, summarize
from simcore.costs.profile import Profile
from simcore.costs.tasks import StackFrame, TaskCosts
from simcore.errors import ConfigError
from simcore.plain import from_plain, to_plain
from simcore.report import RenderOptions
from simcore.report.comparison import render
from simcore.report.comparison.html import render as page
from tests.unit.handmade import kernel_profile

MAIN = TaskCosts("(main)", "main", "role", 0, 10, 40, 1e-9, 0, 0, None, 64, None, ())
FRAMES = (StackFrame("audio", 400),)
AUDIO = TaskCosts("audio", "task", "kernel", 7, 500, 900, 2e-8, 300, 200, 250, 400, 512, FRAMES)
IDLE = replace(AUDIO, name="idle", cycles=60, longest_response_cycles=0, stack_used_bytes=None)


def run_of(*tasks: TaskCosts) -> Profile:
    return replace(kernel_profile(), tasks=(MAIN, *tasks))


def judged(text: str, after: Profile, before: Profile | None = None) -> list[MetricValue]:
    comparison = None if before is None else compare(before, after)
    values = judge(summarize(after), comparison, parse_limits(text, "--limit"))
    return [value for value in values if value.kind == "task"]


def test_limits_name_tasks_by_name_or_pattern_in_time_bytes_and_cycles() -> None:
    # 200 cycles at the profile's clock against a limit of 199 cycles and of the time of 200.
    seconds = 200 / kernel_profile().cpu.clock_hz
    text = f"task=a*:response={seconds},stack=400,wait=299cycles,switches=7,woken=250cycles"
    response, stack, wait, switches, woken = judged(text, run_of(AUDIO, IDLE))
    rows = (response, stack, wait, switches, woken)
    assert [value.row for value in rows] == ["audio"] * 5
    assert [value.failed for value in rows] == [False, False, True, False, False]
    assert failure_text(wait) == "wait-cycles of audio 300, limit wait=299cycles"
    assert stack.accuracy == "exact"
    assert stack.unit == "B"


def test_a_percentage_is_against_the_baseline_and_a_missing_task_fails() -> None:
    slower = replace(AUDIO, cycles=946)  # 5.1 % above 900
    (cycles,) = judged("task=audio:cycles=5%", run_of(slower), run_of(AUDIO))
    assert (cycles.before, cycles.after, cycles.failed) == (900, 946, True)
    (gone,) = judged("task=audio:cycles=5%", run_of(IDLE), run_of(AUDIO))
    assert (gone.after, gone.failed) == (None, True)
    (unknown,) = judged("task=idle:stack=4K", run_of(IDLE))
    assert unknown.failed  # nobody knows how deep its stack was


def test_a_task_has_metrics_of_its_own() -> None:
    with pytest.raises(ConfigError, match="a task has the metrics cycles, instructions, energy"):
        parse_limits("task=audio:latency=5us", "--limit")


def test_a_baseline_keeps_tasks_and_one_without_them_still_loads() -> None:
    summary = summarize(run_of(AUDIO))
    plain = to_plain(summary)
    assert from_plain(Summary, plain) == summary
    del plain["tasks"]
    old = from_plain(Summary, plain)
    assert old.tasks is None
    changes = compare(old, summary).tasks
    assert changes is not None
    assert {change.status for change in changes} == {"added"}
    assert summarize(kernel_profile()).tasks is None


def compared() -> Comparison:
    deeper = replace(AUDIO, cycles=1000, stack_used_bytes=448)
    return compare(run_of(AUDIO, IDLE), run_of(deeper, replace(IDLE, name="logger")))


def test_a_comparison_shows_the_tasks_that_changed_in_every_format() -> None:
    comparison = compared()
    assert not comparison.identical
    text = render(comparison, "text", RenderOptions(width=140))
    tasks = text[text.index("Tasks") :]
    row = next(line for line in tasks.splitlines() if line.startswith("audio"))
    assert row.split()[:4] == ["audio", "900", "1,000", "+100"]
    assert "448 B" in row
    assert "logger (added)" in tasks
    assert "idle (removed)" in tasks
    assert "(main)" not in tasks
    out = render(comparison, "csv", RenderOptions(section="tasks"))
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(out))}
    assert rows["audio"]["before.stack_used_bytes"] == "400"
    assert rows["audio"]["after.stack_used_bytes"] == "448"
    assert rows["logger"]["before.cycles"] == ""
    assert from_plain(Comparison, to_plain(comparison)).tasks == comparison.tasks
    html = page(comparison, run_of(AUDIO, IDLE), run_of(AUDIO))
    assert 'id="tasks-section"' in html
    assert "logger" in html


def test_settings_have_limits_by_task(tmp_path: Path) -> None:
    file = tmp_path / "mcusim.toml"
    file.write_text('[tasks]\naudio = "response=1ms,stack=512"\n"id*" = "cycles=5%"\n')
    limits = [limit for group in load_settings(file).limits for limit in group]
    assert [(limit.kind, limit.row, limit.metric.name) for limit in limits] == [
        ("task", "audio", "response"),
        ("task", "audio", "stack"),
        ("task", "id*", "cycles"),
    ]
