"""Program headers -> segments, or the reason why they cannot be loaded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from simcore.elf.image import Segment
from simcore.errors import ElfError

ADDRESS_SPACE: Final = 1 << 32


class _Load(NamedTuple):
    """A PT_LOAD row: addresses, the bytes that the file holds at `offset`, and those in memory."""

    load: int
    run: int
    offset: int
    size: int
    memory: int
    flags: int


def load_segments(
    programs: Iterable[Mapping[str, Any]], data: bytes, header_end: int, first_section: int
) -> list[Segment]:
    """Return the PT_LOAD segments by load address; refuse what cannot be loaded.

    Only bytes that are in the file can be missing or collide. A range of zeros may enclose other
    segments (a NOLOAD section before .data, .bss behind it): what is left of it comes in pieces.

    GNU ld maps the ELF header into the first segment when the page has room below the first
    section. A programmer writes sections, never that header, so it is cut off here too:
    `header_end` and `first_section` are file offsets.
    """
    claimed = 0
    loads: list[_Load] = []
    for index, row in enumerate(programs):
        run, load, offset = row["p_vaddr"], row["p_paddr"], row["p_offset"]
        size, memory = row["p_filesz"], row["p_memsz"]
        if row["p_type"] != "PT_LOAD" or memory == 0:
            continue
        if size > memory:
            raise ElfError(
                f"segment {index} holds {size} bytes for {memory} bytes of memory; link it again"
            )
        if size and offset + size > len(data):
            raise ElfError(
                f"truncated: segment {index} ends at byte {offset + size} of a file of "
                f"{len(data)} bytes; copy or link it again"
            )
        if load + size > ADDRESS_SPACE or run + memory > ADDRESS_SPACE:
            raise ElfError(
                f"segment {index} at 0x{run:08x} of {memory} bytes ends beyond the 32-bit "
                "address space; check the linker script"
            )
        claimed += size
        if claimed > len(data):
            raise ElfError("the segments claim more bytes than the file has; link it again")
        if offset == 0 and size:
            cut = first_section if first_section < size else size if size <= header_end else 0
            offset, run, load, size, memory = cut, run + cut, load + cut, size - cut, memory - cut
            if memory == 0:
                continue
        loads.append(_Load(load, run, offset, size, memory, row["p_flags"]))
    if not loads:
        raise ElfError("no loadable segment; link it with a linker script for the part")
    held = [row for row in loads if row.size]
    _refuse_overlap(sorted((row.load, row.size) for row in held), "load")
    _refuse_overlap(sorted((row.run, row.size) for row in held), "run")
    return sorted(
        (
            Segment(part.load, part.run, data[part.offset : part.offset + part.size], part.memory,
                    bool(part.flags & 1), bool(part.flags & 2))
            for part in _apart(loads)
        ),
        key=lambda segment: (segment.address, segment.run_address),
    )  # fmt: skip


def _apart(loads: Iterable[_Load]) -> Iterator[_Load]:
    """The rows with their ranges of zeros cut to what no other row holds before them."""
    rows = sorted(loads)
    taken = _Ranges()
    for row in rows:
        taken.fill(row.run, row.run + row.size)
    for row in rows:
        free = taken.fill(row.run + row.size, row.run + row.memory)
        tail = row.size
        if free and free[0][0] == row.run + row.size:
            tail = free.pop(0)[1] - row.run
        if tail:
            yield row._replace(memory=tail)
        for start, end in free:
            load = row.load + start - row.run
            yield row._replace(load=load, run=start, size=0, memory=end - start)


class _Ranges:
    """A set of addresses as sorted ranges that do not touch what lies between them."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def fill(self, start: int, end: int) -> list[tuple[int, int]]:
        """Add [start, end); return the parts of it that were not there, in order."""
        if start >= end:
            return []
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        edges = [start, *self._ends[first:last]], [*self._starts[first:last], end]
        self._starts[first:last] = [min(start, *self._starts[first:last], end)]
        self._ends[first:last] = [max(start, *self._ends[first:last], end)]
        return [(low, high) for low, high in zip(*edges, strict=True) if low < high]


def _refuse_overlap(ranges: list[tuple[int, int]], which: str) -> None:
    for (first, size), (second, _) in pairwise(ranges):
        if first + size > second:
            raise ElfError(
                f"segments overlap: {which} addresses 0x{first:08x}..0x{first + size:08x} and "
                f"0x{second:08x}; check the linker script (overlays are not supported)"
            )
