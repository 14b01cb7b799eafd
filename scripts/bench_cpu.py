"""Processor time of a command, user and system, its children included."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Mapping, Sequence

TIMEOUT_S = 600


def cpu_seconds(command: Sequence[str], more: Mapping[str, str] | None = None) -> float:
    """Run a command to its end. Raises SubprocessError when it fails or hangs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
        env={**os.environ, **(more or {})},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
