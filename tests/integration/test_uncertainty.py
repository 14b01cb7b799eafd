"""--uncertainty: one execution under every answer to what no source decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore import profiler
from simcore.cli.main import main
from tests.integration.programs import FIRMWARE, KERNELS


def test_the_interval_holds_the_cycles_and_changes_nothing_else(tmp_path: Path) -> None:
    elf = FIRMWARE / "calls.elf"
    plain, asked = simcore.profile(elf), simcore.profile(elf, uncertainty=True)
    found = asked.cycles_interval
    assert found is not None
    assert found.low_cycles <= asked.totals.cycles <= found.high_cycles
    assert found.low_cycles < found.high_cycles
    assert asked.totals == plain.totals
    assert asked.functions == plain.functions
    capture = tmp_path / "calls.mcu"
    simcore.record(elf, capture)
    assert simcore.replay(capture, uncertainty=True).cycles_interval == found


def test_what_a_program_does_not_use_moves_nothing() -> None:
    found = simcore.profile(KERNELS / "conv2d_s8_small.elf", uncertainty=True).cycles_interval
    assert found is not None
    widths = {q.name: q.high_cycles - q.low_cycles for q in found.questions}
    assert widths["exception"] == widths["unaligned"] == 0
    assert widths["pair_fetch"] > 0
    assert list(widths.values()) == sorted(widths.values(), reverse=True)


def test_a_check_run_again_does_not_time_the_other_answers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither in the same folder nor in another; another clock is one more."""
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))
    asked: list[int] = []

    def counted(*arguments: Any) -> Any:
        answers = other_answers(*arguments)
        asked.append(len(answers))
        return answers

    other_answers = profiler.other_answers
    monkeypatch.setattr(profiler, "other_answers", counted)
    elf = FIRMWARE / "calls.elf"
    found = simcore.profile(elf, uncertainty=True).cycles_interval
    asked.clear()
    documents = []
    for name, options in (("one", []), ("one", []), ("two", []), ("two", ["--clock", "100MHz"])):
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / name)
        command = ["check", str(elf), "--uncertainty", "--no-baseline", "--format", "json"]
        assert main([*command, "--jobs", "1", *options]) == 0
        documents.append(capfd.readouterr().out)
    assert documents[0] == documents[1] == documents[2]
    interval = json.loads(documents[0])["runs"][0]["cycles_interval"]
    assert found is not None
    assert (interval["low_cycles"], interval["high_cycles"]) == (
        found.low_cycles,
        found.high_cycles,
    )
    assert len(asked) == 2
    assert min(asked) > 10
