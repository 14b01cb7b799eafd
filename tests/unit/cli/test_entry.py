"""Ctrl-C before the command's own code runs, and behind it, is one line and exit 130."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.tools import GUARD_S, ctrl_c_interrupts

PRESSED = """
import os, signal, sys, types
def press():
    os.kill(os.getpid(), signal.SIGINT)
    return 0
class Main(types.ModuleType):
    def __getattr__(self, name):
        if name == "main":
            return {main}
        raise AttributeError(name)
sys.modules["simcore.cli.main"] = Main("simcore.cli.main")
from simcore.cli import entry
{before}
entry.run()
"""


@pytest.fixture(autouse=True)
def pressable() -> Iterator[None]:
    with ctrl_c_interrupts():
        yield


def run(main: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = PRESSED.format(main=main, before=before)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "main", ["press() or press", "press"], ids=["imports", "main's first line"]
)
def test_ctrl_c_is_one_line_wherever_it_comes(main: str) -> None:
    ended = run(main)
    assert (ended.returncode, ended.stderr) == (130, "mcusim: error: interrupted\n")


def test_who_ignores_ctrl_c_has_it_ignored() -> None:
    ended = run("press", "signal.signal(signal.SIGINT, signal.SIG_IGN)")
    assert (ended.returncode, ended.stderr) == (0, "")


TWICE = """
import os, signal, sys, threading, time
from simcore import interrupts
from simcore.cli import entry
import simcore.cli.main
from simcore.parallel import Pool
def main():
    wait = lambda: (time.sleep({delay}), os.kill(os.getpid(), signal.SIGINT))
    try:
        with Pool(2) as pool:
            for _ in pool.run(time.sleep, [0, 60, 60]):
                threading.Thread(target=wait).start()
                os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        interrupts.tell()
        os.write(2, b"mcusim: error: interrupted\\n")
        return 130
simcore.cli.main.main = main
if __name__ == "__main__":
    entry.run()
"""


@pytest.mark.parametrize("delay", [0, 0.003, 0.02])
def test_a_second_ctrl_c_waits_for_what_the_first_ends(delay: float) -> None:
    code = TWICE.format(delay=delay)
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=GUARD_S
    )
    assert (ended.returncode, ended.stderr) == (130, "mcusim: error: interrupted\n")


def test_a_third_ctrl_c_kills() -> None:
    code = """
import os, signal, time
from simcore import interrupts
signal.signal(signal.SIGINT, interrupts.hear)
try:
    os.kill(os.getpid(), signal.SIGINT)
finally:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=GUARD_S
    )
    assert (ended.returncode, ended.stderr) == (130, "mcusim: error: interrupted\n")


def test_ctrl_c_in_what_python_calls_itself_is_not_lost() -> None:
    """Python drops what is raised in the callback of a weak reference, as at each import."""
    before = """
import time, weakref
class Gone: pass
def drop():
    from simcore import interrupts
    try:
        gone = Gone()
        kept = weakref.ref(gone, lambda _: press())
        del gone
        time.sleep(60)
    except KeyboardInterrupt:
        interrupts.tell()
        os.write(2, b"heard\\n")
        return 130
"""
    ended = run("drop", before)
    assert (ended.returncode, ended.stderr) == (130, "heard\n")
