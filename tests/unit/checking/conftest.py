"""Fixtures of checks whose runs are replaced by hand-made ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.cli.main import main
from tests.unit.checking.faked import Check, Runs


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    """Fake runs in an empty folder."""
    fake = Runs()
    monkeypatch.setattr("simcore.profiler.profile", fake)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return fake


@pytest.fixture
def check(runs: Runs, capfd: pytest.CaptureFixture[str]) -> Check:
    """Runs the command in this process: exit status, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(["check", "--jobs", "1", *arguments])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def baseline(check: Check) -> str:
    """The baseline 'main' of a.elf, b.elf and gone.elf."""
    assert check("a.elf", "b.elf", "bad.elf", "--save-baseline", "main")[0] == 0
    return "main"
