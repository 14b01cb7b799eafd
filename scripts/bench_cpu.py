"""Time of a command: of the processor, user and system, its children included, and of the clock."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

TIMEOUT_S = 600


class Spent(NamedTuple):
    """What something took."""

    cpu_s: float
    wall_s: float

    def with_(self, other: Spent) -> Spent:
        """Both, one behind the other."""
        return Spent(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s)


def spent_by(command: Sequence[str], more: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end. Raises SubprocessError when it fails or hangs."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        command,
        check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
        env={**os.environ, **(more or {})},
    )  # fmt: skip
    wall_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Spent(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall_s)
