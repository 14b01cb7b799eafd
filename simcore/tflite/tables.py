"""Tables of a flatbuffer, read with every offset held against the bytes that there are.

The generated classes of the PyPI package `tflite` follow offsets without a look at the buffer: a
damaged file makes them raise struct.error or IndexError, or read a vector of 2^31 elements. Here
each step is checked, so that damage is one exception. Layout: flatbuffers.dev/internals.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

MAX_ELEMENTS: Final = 1 << 22  # of all vectors but those of bytes, together


class DamagedError(Exception):
    """Bytes that are no flatbuffer; the message says what is wrong."""


class Buffer:
    """The bytes, and how many elements of vectors may still be read: vectors may share bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = MAX_ELEMENTS

    def unsigned(self, at: int, size: int = 4) -> int:
        return int.from_bytes(self.data[at : self._end(at, size)], "little")

    def signed(self, at: int, size: int = 4) -> int:
        return int.from_bytes(self.data[at : self._end(at, size)], "little", signed=True)

    def root(self) -> FlatTable:
        """The table that the file begins with."""
        return self.table(self._follow(0))

    def table(self, at: int) -> FlatTable:
        """The table at a place, whose list of fields is checked."""
        fields = at - self.signed(at)
        size = self.unsigned(fields, 2)
        if size < 4 or size % 2:
            raise DamagedError(f"the table at byte {at} has a list of fields of {size} bytes")
        self._end(fields, size)
        return FlatTable(self, at, fields, size // 2 - 2)

    def _end(self, at: int, size: int) -> int:
        if at < 0 or at + size > len(self.data):
            raise DamagedError(f"an offset leads to byte {at} of {len(self.data)}")
        return at + size

    def _follow(self, at: int) -> int:
        """Where the offset at a place leads."""
        return at + self.unsigned(at)

    def vector(self, at: int, element_bytes: int) -> tuple[int, int]:
        """First byte and number of elements of the vector that the offset at a place leads to."""
        start = self._follow(at)
        count = self.unsigned(start)
        self._end(start + 4, count * element_bytes)
        if element_bytes > 1:
            self._left -= count
            if self._left < 0:
                raise DamagedError(f"its vectors have more than {MAX_ELEMENTS:,} elements in sum")
        return start + 4, count


class FlatTable:
    """A table; fields have numbers, and a field that is not there has its default."""

    __slots__ = ("_at", "_buffer", "_count", "_fields")

    def __init__(self, buffer: Buffer, at: int, fields: int, count: int) -> None:
        self._buffer = buffer
        self._at = at
        self._fields = fields
        self._count = count

    def _place(self, field: int) -> int | None:
        """Where a field lies."""
        if field >= self._count:
            return None
        offset = self._buffer.unsigned(self._fields + 4 + 2 * field, 2)
        return self._at + offset if offset else None

    def measure(self) -> None:
        """Hold the bytes of its fields, as many as it says, against those that there are."""
        size = self._buffer.unsigned(self._fields + 2, 2)
        self._buffer._end(self._at, size)

    def signed(self, field: int, size: int = 4, default: int = 0) -> int:
        """A signed number of ``size`` bytes."""
        at = self._place(field)
        return default if at is None else self._buffer.signed(at, size)

    def unsigned(self, field: int, size: int = 4, default: int = 0) -> int:
        """A number of ``size`` bytes."""
        at = self._place(field)
        return default if at is None else self._buffer.unsigned(at, size)

    def real(self, field: int, default: float = 0.0) -> float:
        """A float of 4 bytes."""
        at = self._place(field)
        if at is None:
            return default
        (value,) = struct.unpack("<f", self._buffer.unsigned(at).to_bytes(4, "little"))
        return float(value)

    def text(self, field: int, most: int = 1024) -> str:
        """A text, "" if there is none; its first ``most`` bytes."""
        return self.raw(field, most).decode("utf-8", "replace")

    def raw(self, field: int, most: int | None = None) -> bytes:
        """A vector of bytes."""
        start, size = self.span(field)
        return self._buffer.data[start : start + (size if most is None else min(size, most))]

    def span(self, field: int) -> tuple[int, int]:
        """First byte and size of a vector of bytes; (0, 0) if there is none."""
        at = self._place(field)
        return (0, 0) if at is None else self._buffer.vector(at, 1)

    def integers(self, field: int, size: int = 4) -> tuple[int, ...]:
        """A vector of signed numbers of ``size`` bytes each."""
        return self._numbers(field, size, {4: "i", 8: "q"}[size])

    def reals(self, field: int) -> tuple[float, ...]:
        """A vector of floats of 4 bytes each."""
        return self._numbers(field, 4, "f")

    def _numbers(self, field: int, size: int, form: str) -> tuple[Any, ...]:
        at = self._place(field)
        if at is None:
            return ()
        start, count = self._buffer.vector(at, size)
        return struct.unpack_from(f"<{count}{form}", self._buffer.data, start)

    def table(self, field: int) -> FlatTable | None:
        """The table that a field leads to."""
        at = self._place(field)
        return None if at is None else self._buffer.table(self._buffer._follow(at))

    def tables(self, field: int, what: str, most: int) -> Iterator[FlatTable]:
        """A vector of tables, of which a model has at most ``most``."""
        at = self._place(field)
        if at is None:
            return
        start, count = self._buffer.vector(at, 4)
        if count > most:
            raise DamagedError(f"{count:,} {what} are too many (limit {most:,})")
        for place in range(start, start + 4 * count, 4):
            yield self._buffer.table(self._buffer._follow(place))
