"""The limit of host memory that a run may take, looked at while it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Of a run that says nothing of it: twice what the largest program of the tests takes.
DEFAULT_BYTES = 2_000_000_000
_STATM = Path("/proc/self/statm")  # sizes in pages, the second is what is resident: proc(5)


def resident_bytes() -> int:
    """Memory of this process that is in RAM; on macOS the most that ever was, getrusage(2)."""
    try:
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024)


class MemoryLimit:
    """So many bytes more than the process has now; DEFAULT_BYTES when None."""

    def __init__(self, limit: int | None) -> None:
        self._most = resident_bytes() + (DEFAULT_BYTES if limit is None else limit)

    def is_passed(self) -> bool:
        """Whether this process has more than that by now."""
        return resident_bytes() > self._most
