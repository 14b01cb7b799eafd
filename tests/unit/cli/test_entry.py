"""Ctrl-C before the command's own code runs, and behind it, is one line and exit 130."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
