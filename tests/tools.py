"""What tests share that start other programs: are they there, what do they say, are they done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: Seconds a test waits for what has to come. It is no limit of speed: nothing that is waited for
#: takes ten, so only what would never come, on a machine however busy, is given up.
GUARD_S = 600


def needs(program: str, package: str) -> None:
    """Skip the test where a program is missing that a Debian package brings.

    Where MCUSIM_STRICT_TESTS is set (.ci/run), fail instead.
    """
    if shutil.which(program) is None:
        message = f"needs {program}: apt-get install {package}"
        if os.environ.get("MCUSIM_STRICT_TESTS"):
            pytest.fail(message)
        pytest.skip(message)


def run_tool(command: list[str | Path], package: str, **options: Any) -> str:
    """What a program of a Debian package prints on stdout; it has to succeed and to say nothing on
    stderr."""
    needs(str(command[0]), package)
    done = subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=GUARD_S,
        **options,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
    text: str = done.stdout
    return text


def wait_until(condition: Callable[[], object], process: subprocess.Popen[Any]) -> None:
    """Wait for what a process brings about; it fails the test when it ends before."""
    until = time.monotonic() + GUARD_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@contextmanager
def ctrl_c_interrupts() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt here, and ends what is started here.

    A shell starts what it runs in the background with SIGINT ignored, and that is inherited.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
