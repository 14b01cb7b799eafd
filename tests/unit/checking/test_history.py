"""Histories of checks: a line per commit, and what changed from one to the next."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.checking.history import (
    MOST_FUNCTIONS,
    HistoryEntry,
    append,
    new_entry,
    read_history,
)
from simcore.checking.trend import TrendStep, read_steps, run_changes
from simcore.cli.main import main
from simcore.comparison.summary import Summary
from simcore.errors import ConfigError
from simcore.repository import Commit
from tests.unit.checking.test_verdicts import function, run


def commit(number: int, *, changed: bool = False) -> Commit:
    return Commit(
        f"{number:040x}", f"2026-11-{number:02}T12:00:00+00:00", f"Change {number}", changed
    )


def summary(cycles: int, conv: int = 500) -> Summary:
    causes = {"issue": cycles - 100, "load": 100}
    rows = (function("conv", conv), function("dot", cycles - conv))
    return run(rows, cycles=cycles, cycles_by_cause=causes)


def entry(number: int, **cycles: int) -> HistoryEntry:
    return new_entry(commit(number), {name: summary(n) for name, n in cycles.items()})


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Five commits: a costs 100 more at the second, b comes at the third and goes at the fifth."""
    path = tmp_path / "history.jsonl"
    for number, runs in enumerate(
        [{"a": 1000}, {"a": 1100}, {"a": 1100, "b": 700}, {"a": 1100, "b": 700}, {"a": 1045}], 1
    ):
        append(path, entry(number, **runs))
    return path


def test_a_line_is_added_for_each_commit_and_stays_as_it_is(history: Path) -> None:
    before = history.read_text()
    assert [json.loads(line)["commit"]["subject"] for line in before.splitlines()] == [
        f"Change {n}" for n in range(1, 6)
    ]
    append(history, entry(6, a=1045))
    assert history.read_text().startswith(before)


def test_the_same_commit_has_one_line_with_the_runs_of_all_its_checks(history: Path) -> None:
    append(history, entry(5, c=900))
    append(history, replace(entry(5, a=9), commit=commit(5, changed=True)))
    found = read_history(history)
    assert [list(one.runs) for one in found[-2:]] == [["a", "c"], ["a"]]
    assert len(found) == 6


def test_checks_at_one_time_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append(path, entry(1, **{f"r{n}": 500 + n})), range(24)))
    (one,) = read_history(path)
    assert len(one.runs) == 24


def test_of_many_functions_the_dearest_are_kept_and_the_others_did_not_change() -> None:
    def many(more: int) -> Summary:
        rows = tuple(function(f"f{n:02}", 100 + n + more * (n == 5)) for n in range(60))
        return run(rows, cycles=10_000 + more, cycles_by_cause={"issue": 9000, "load": 1000})

    entries = [new_entry(commit(1 + n), {"a": many(more)}) for n, more in enumerate((0, 300))]
    kept = [entry.runs["a"].functions for entry in entries]
    assert [len(one) for one in kept] == [MOST_FUNCTIONS] * 2
    assert (min(kept[0].values()), "f12" in kept[0], "f12" in kept[1]) == (112, True, False)
    steps = [TrendStep("", entry.commit, entry.runs) for entry in entries]
    (change,) = run_changes(steps)
    assert change.functions == (("f05", 405),)  # f12 left the list: nobody knows that it changed
    assert entries[0].runs["a"].causes == {"issue": 9000, "load": 1000}


def test_what_changed_is_told_for_each_step_and_run(history: Path) -> None:
    changes = run_changes(read_steps([str(history)]))
    assert [(c.step, c.run, c.status) for c in changes] == [
        (1, "a", "same"), (2, "b", "added"), (4, "a", "same"), (4, "b", "removed"),
    ]  # fmt: skip
    first, *_ = changes
    assert list(first.metrics) == [("cycles", 1000, 1100)]
    assert (list(first.functions), list(first.causes)) == ([("dot", 100)], [("issue", 100)])
    only = run_changes(read_steps([str(history)], "b*"))
    assert {change.run for change in only} == {"b"}


def test_another_part_is_no_change_of_the_program(history: Path) -> None:
    moved = entry(6, a=2000)
    runs = {"a": replace(moved.runs["a"], clock_hz=1)}
    append(history, replace(moved, runs=runs))
    last = run_changes(read_steps([str(history)]))[-1]
    assert (last.metrics, last.elsewhere) == ((), "handmade at 100000000 Hz before")


def test_json_lines_reports_are_steps_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    names = []
    for number, cycles in enumerate((100, 130)):
        value = {"kind": "total", "metric": "cycles", "after": cycles}
        reason = {"function": "dot", "cycles_difference": 30}
        line = {"type": "run", "name": "k", "cpu": {"name": "p", "clock_hz": 5}, "values": [value],
                "reasons": [reason] * number}  # fmt: skip
        file = tmp_path / f"build-{number}.jsonl"
        file.write_text(f"{json.dumps(line)}\n{json.dumps({'type': 'check'})}\n")
        names.append(str(file))
    (change,) = run_changes(read_steps(names))
    assert (change.metrics, change.told) == ((("cycles", 100, 130),), ("dot +30 cycles",))
    assert main(["trend", *names, "--format", "text"]) == 0
    out = capfd.readouterr().out
    assert "build-0 to build-1" in out
    assert "+30.0 %" in out
    assert "dot +30 cycles" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no history and no report of a check"),
        ("{}\n", "no history and no report of a check"),
        ("nonsense\n", "line 1 is no JSON"),
        ("[1]\n", "line 1 is no JSON object"),
        ("<<<<<<< HEAD\n", "line 1 is a mark of a merge: keep the lines of both"),
        ('{"schema": "mcusim.history/1"}\n', "line 1 is corrupt"),
        ('{"type": "run"}\n', "line 1 is no run of a check"),
    ],
)
def test_what_is_no_history_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    file = tmp_path / "h.jsonl"
    file.write_text(text)
    assert main(["trend", str(file)]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_a_history_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere/h\.jsonl: cannot write the history"):
        append(tmp_path / "nowhere" / "h.jsonl", entry(1, a=1000))
