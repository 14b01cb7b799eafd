"""Commands of the user that build: run to their end, or ended with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

SHOWN: Final = 300  # characters of the end of what a failed build printed
_KEPT_BYTES: Final = 16 << 10  # of what it printed
_GRACE_S: Final = 2.0  # between asking to end and killing


def run_build(
    command: str, told: Mapping[str, str] | None = None, folder: Path | None = None
) -> str | None:
    """Run a command by sh, with ``told`` in its environment; its output is not shown.

    Returns None when it ends well, else how it ended and the end of what it printed, in one line.
    When this process is interrupted, all that the command started is ended before.
    """
    tail = b""
    with subprocess.Popen(
        ["sh", "-c", command], env={**os.environ, **(told or {})}, cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as build:  # fmt: skip
        assert build.stdout is not None
        try:
            while printed := os.read(build.stdout.fileno(), _KEPT_BYTES):
                tail = (tail + printed)[-_KEPT_BYTES:]
            status = build.wait()
        except BaseException:
            _end(build)
            raise
    if not status:
        return None
    end = " ".join(tail.decode(errors="replace").split())[-SHOWN:] or "it printed nothing"
    how = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
    return f"{how}: {end}"


def _end(build: subprocess.Popen[bytes]) -> None:
    """End a build and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(build.pid, number)
        with suppress(subprocess.TimeoutExpired):
            build.wait(_GRACE_S)
