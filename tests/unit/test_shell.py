"""Builds of the user: what they print stays small, and nothing of them outlives the command."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from simcore.shell import SHOWN, run_build


def test_a_build_that_ends_well_has_nothing_to_say(tmp_path: Path) -> None:
    assert run_build('echo "$WHERE" >here', {"WHERE": "x y"}, tmp_path) is None
    assert (tmp_path / "here").read_text() == "x y\n"


def test_of_a_failed_build_the_status_and_the_end_of_its_output_are_told() -> None:
    assert run_build("echo one; echo two >&2; exit 3") == "ended with status 3: one two"
    assert run_build("exit 4") == "ended with status 4: it printed nothing"
    assert run_build("kill -9 $$") == "was ended by signal 9: it printed nothing"
    said = run_build("yes 'a line of a very long log' | head -200000; exit 1")
    assert said is not None
    assert len(said) < SHOWN + 40


def test_an_interrupted_build_takes_all_that_it_started_with_it(tmp_path: Path) -> None:
    started = tmp_path / "started"

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_build(f"sleep 100 & echo $! >{tmp_path}/pid; touch {started}; sleep 100")
    finally:
        signal.signal(signal.SIGINT, before)
        watcher.join()
    child = int((tmp_path / "pid").read_text())
    for _ in range(200):  # it is nobody's child any more, and is reaped when init comes to it
        if not is_running(child):
            return
        time.sleep(0.01)
    pytest.fail(f"{child} goes on")


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
