"""Program headers -> segments, or the reason why they cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from simcore.elf.image import Segment
from simcore.errors import ElfError

ADDRESS_SPACE: Final = 1 << 32


def load_segments(
    programs: Iterable[Mapping[str, Any]], data: bytes, header_end: int, first_section: int
) -> list[Segment]:
    """Return the PT_LOAD segments by load address; refuse what cannot be loaded.

    GNU ld maps the ELF header into the first segment when the page has room below the first
    section. A programmer writes sections, never that header, so it is cut off here too:
    `header_end` and `first_section` are file offsets.
    """
    claimed = 0
    loads: list[tuple[int, int, int, int, int, int]] = []
    for index, row in enumerate(programs):
        run, load, offset = row["p_vaddr"], row["p_paddr"], row["p_offset"]
        size, memory = row["p_filesz"], row["p_memsz"]
        if row["p_type"] != "PT_LOAD" or memory == 0:
            continue
        if size > memory:
            raise ElfError(
                f"segment {index} holds {size} bytes for {memory} bytes of memory; link it again"
            )
        if offset + size > len(data):
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
        loads.append((load, run, offset, size, memory, row["p_flags"]))
    if not loads:
        raise ElfError("no loadable segment; link it with a linker script for the part")
    loads.sort()
    _refuse_overlap([(load, size) for load, _, _, size, _, _ in loads if size], "load")
    _refuse_overlap(sorted((run, memory) for _, run, _, _, memory, _ in loads), "run")
    return [
        Segment(load, run, data[offset : offset + size], memory, bool(flags & 1), bool(flags & 2))
        for load, run, offset, size, memory, flags in loads
    ]


def _refuse_overlap(ranges: list[tuple[int, int]], which: str) -> None:
    for (first, size), (second, _) in pairwise(ranges):
        if first + size > second:
            raise ElfError(
                f"segments overlap: {which} addresses 0x{first:08x}..0x{first + size:08x} and "
                f"0x{second:08x}; check the linker script (overlays are not supported)"
            )
