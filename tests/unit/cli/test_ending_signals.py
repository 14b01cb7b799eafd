"""SIGTERM and SIGHUP end a command as Ctrl-C does, each with its own status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENDED = """
import os, signal, sys, time
from simcore import interrupts
from simcore.cli import entry
import simcore.cli.main as commands
def main():
    interrupts.hear_ending()
    try:
        os.kill(os.getpid(), {number})
        time.sleep(60)
    except KeyboardInterrupt:
        interrupts.tell()
        os.write(2, b"mcusim: error: interrupted\\n")
        return 130
    return 0
commands.main = main
entry.run()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_status_is_that_of_the_signal(
    number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # nohup lets what it starts ignore one
    request.addfinalizer(lambda: signal.signal(number, before))
    code = ENDED.format(number=int(number))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (128 + number, "mcusim: error: interrupted\n")


def test_what_nohup_has_ignored_stays_ignored() -> None:
    code = ENDED.format(number=int(signal.SIGHUP)).replace("time.sleep(60)", "pass")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited
    try:
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert ended.returncode == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_said_once(tmp_path: Path, unbuffered: str) -> None:
    """What Python still holds of the document is not flushed again as it ends."""
    code = """
import resource
from simcore.errors import ConfigError
from simcore.files import write_stdout
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    write_stdout("x" * 100_000)
except ConfigError:
    raise SystemExit(2) from None
"""
    with (tmp_path / "full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert (ended.returncode, ended.stderr) == (2, b"")
