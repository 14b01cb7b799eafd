"""Bytes with a budget: what keeps pyelftools within bounded time on files that lie.

pyelftools believes every count, length and offset that it reads. LEB128 numbers without end, tables
that overlap a thousand times, sub-sections that lead back to themselves and strings without
terminator all make it ask the stream again and again, so the stream is where they are stopped.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final, TypeVar

_T = TypeVar("_T")

_UNIT_BYTES: Final = 256  # a long read costs a unit of the budget for each of these
_MAX_LEB128_BYTES: Final = 4096


class BudgetError(Exception):
    """More was read than a sound table of that size needs."""


class Budget:
    """Reads that are left to all streams that share it."""

    def __init__(self, reads: int) -> None:
        self.left = reads


class BoundedStream(io.BytesIO):
    """A stream of bytes whose every read is paid from `budget`."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        super().__init__(data)
        self.budget = budget
        self._high_bytes = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._high_bytes = 0
        return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.budget.left -= 1 + len(data) // _UNIT_BYTES
        if self.budget.left < 0:
            raise BudgetError
        # A LEB128 number is read byte by byte and shifted each time: quadratic in its length.
        if len(data) == 1 and data > b"\x7f":
            self._high_bytes += 1
            if self._high_bytes > _MAX_LEB128_BYTES:
                raise BudgetError
        else:
            self._high_bytes = 0
        return data


def attempt(parse: Callable[[], _T], default: _T) -> _T:
    """Return what `parse` reads of something that only names things, `default` if it is broken."""
    try:
        return parse()
    except Exception:
        # What pyelftools raises on broken bytes has no common base: its own errors, those of
        # construct and zlib, AssertionError, KeyError, TypeError, UnicodeError, MemoryError ...
        return default
