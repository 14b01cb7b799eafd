"""scripts/bench: rows against their limits and their history, and the C++ program's sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import bench_program, bench_rows
from scripts.bench_cpu import Spent


def judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ratios: dict[str, float], commit: str
) -> int:
    def rows(*_: object) -> object:
        return iter((name, bench_rows.Ratio(ratio, ratio)) for name, ratio in ratios.items())

    monkeypatch.setattr(bench_rows, "measure_rows", rows)
    monkeypatch.setattr(bench_rows, "commit_of", lambda _: commit)
    history = tmp_path / "history.jsonl"
    return bench_rows.judge_rows(lambda *_: Spent(1.0, 1.0), 1, tmp_path, history)


def test_a_row_breaks_its_limit_is_missing_or_slower_than_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {name: limit / 2 for name, limit in bench_rows.LIMITS.items()}
    assert judged(tmp_path, monkeypatch, good, "one") == 0
    assert judged(tmp_path, monkeypatch, {**good, "mixed": 3.0}, "one") == 1
    assert "mixed                                     3.00    3.00  at most 2.5: BROKEN by 20%" in (
        capsys.readouterr().out
    )
    del good["mixed"]
    assert judged(tmp_path, monkeypatch, good, "one") == 1


def test_a_history_is_compared_with_the_last_of_another_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {name: limit / 2 for name, limit in bench_rows.LIMITS.items()}
    assert judged(tmp_path, monkeypatch, good, "one") == 0
    with (tmp_path / "history.jsonl").open("a") as damaged:
        damaged.write("{\n[]\n")
    slower = {**good, "mixed": good["mixed"] * 1.2}
    assert judged(tmp_path, monkeypatch, slower, "two") == 1
    assert "was 1.25, SLOWER" in capsys.readouterr().out
    assert judged(tmp_path, monkeypatch, slower, "two") == 1  # not with itself
    assert judged(tmp_path, monkeypatch, slower, "three") == 0
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["commit"] for line in (lines[0], *lines[3:])] == [
        "one", "two", "two", "three",
    ]  # fmt: skip


def test_the_program_has_as_many_units_as_it_says(tmp_path: Path) -> None:
    sources = bench_program.write_sources(tmp_path)
    assert len(sources) == bench_program.UNITS + 1 > 50
    assert not any("@" in source.read_text() for source in sources)
    assert sources[7].read_text() != sources[8].read_text()
