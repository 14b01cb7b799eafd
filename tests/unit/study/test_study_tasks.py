"""Runs of a study: what they leave when their worker is ended."""

from __future__ import annotations

import hashlib
import io
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from simcore.errors import ExitCode
from simcore.study import tasks

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware" / "prebuilt"


def test_a_run_that_is_interrupted_is_no_failure_of_its_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = SimpleNamespace(end=SimpleNamespace(status=ExitCode.INTERRUPTED, text="interrupted"))
    monkeypatch.setattr(tasks, "_of_command", lambda task, console: [ended])
    with pytest.raises(KeyboardInterrupt):
        tasks.execute(tasks.Task("a.elf", "", "stm32f746", "", ()))


def test_a_run_without_a_list_of_layers_makes_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elf = FIRMWARE / "markers.elf"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    sha256 = hashlib.sha256(elf.read_bytes()).hexdigest()
    task = tasks.Task(str(elf), sha256, "stm32f746", "", ())
    assert tasks._of_command(task, io.BytesIO())
