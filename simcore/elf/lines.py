"""Source lines: the DWARF line programs that pyelftools decodes -> (file, line) of an address.

A unit is decoded when an address in it is first asked for. Section numbers are those of DWARF 5.
"""

from __future__ import annotations

import posixpath
import re
import threading
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, pairwise
from operator import itemgetter
from typing import Any, Final

from simcore.elf.image import MAX_NAME_BYTES, printable
from simcore.elf.stream import attempt

_MAX_UNITS: Final = 1 << 14  # compilation units; a firmware has hundreds
# A row costs pyelftools about 500 bytes of memory. The largest known units (amalgamated C) have
# half of this.
_MAX_PROGRAM_BYTES: Final = 1 << 19
_MAX_NESTING: Final = 64  # ranges inside ranges that are looked through
_MAX_LINE: Final = 1 << 31
_ABSOLUTE_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\")
_BY_START: Final = itemgetter(0)


@dataclass(slots=True)
class _Files:
    """The file names of one line program."""

    header: Any
    base: Any  # DW_AT_comp_dir of the unit
    paths: dict[int, str | None] = field(default_factory=dict)

    def path(self, file: int) -> str | None:
        if file not in self.paths:
            self.paths[file] = attempt(partial(self._join, file), None)
        return self.paths[file]

    def _join(self, file: int) -> str | None:
        # Version 5 counts from 0, and directory 0 is that of the compilation; before it, they count
        # from 1, and 0 stands for a directory that only .debug_info names (6.2.4).
        first = 0 if self.header["version"] >= 5 else 1
        directories = self.header.get("include_directory") or ()
        files = self.header.get("file_entry") or ()
        if not first <= file < len(files) + first:
            return None
        entry = files[file - first]
        path = _text(entry["name"])
        if not path:
            return None
        if first <= entry["dir_index"] < len(directories) + first:
            path = _under(_text(directories[entry["dir_index"] - first]), path)
        path = _under(_text(self.base if first else directories[0] if directories else b""), path)
        return path if _ABSOLUTE_WINDOWS.match(path) else posixpath.normpath(path)


class LineTable:
    """Lines by address.

    `open_dwarf()` gives a pyelftools DWARFInfo; `forms` its names of DW_FORM codes;
    `is_code(start, end)` says whether a sequence can be real: linkers leave those of discarded
    functions at 0 or at the end of the address space. Runs in several threads may share a table.
    """

    def __init__(
        self,
        open_dwarf: Callable[[], Any],
        forms: Callable[[], Mapping[int, str]],
        is_code: Callable[[int, int], bool],
    ) -> None:
        self._open_dwarf, self._forms, self._is_code = open_dwarf, forms, is_code
        self._lock = threading.Lock()
        self._dwarf: Any = None
        # Start, end, unit (its offset in .debug_info); by start
        self._ranges: list[tuple[int, int, int]] | None = None
        self._anywhere: list[int] = []  # units that do not say where their code is
        self._decoded: set[int] = set()
        self._programs: set[int] = set()  # offsets in .debug_line
        # Start, end, rows (address, file, line), files; by start, without overlap
        self._sequences: list[tuple[int, int, list[tuple[int, int, int]], _Files]] = []

    def line_at(self, address: int) -> tuple[str, int] | None:
        """Return the source file and line of the instruction at `address`, None if unknown."""
        with self._lock:
            return self._line_at(address)

    def _line_at(self, address: int) -> tuple[str, int] | None:
        if self._ranges is None:
            self._ranges = []
            attempt(self._find_units, None)
            self._ranges.sort()
        index = self._sequence_at(address)
        if index is None:
            for unit in self._units_at(address):
                if unit not in self._decoded:
                    self._decoded.add(unit)
                    attempt(partial(self._decode, unit), None)
            index = self._sequence_at(address)
        if index is None:
            return None
        _, _, rows, files = self._sequences[index]
        _, file, line = rows[bisect_right(rows, address, key=_BY_START) - 1]
        path = files.path(file) if 0 < line < _MAX_LINE else None
        return (path, line) if path else None

    def _sequence_at(self, address: int) -> int | None:
        index = bisect_right(self._sequences, address, key=_BY_START) - 1
        return index if index >= 0 and address < self._sequences[index][1] else None

    def _units_at(self, address: int) -> Iterator[int]:
        ranges = self._ranges or []
        last = bisect_right(ranges, address, key=_BY_START) - 1
        for index in range(last, max(last - _MAX_NESTING, -1), -1):
            if address < ranges[index][1]:
                yield ranges[index][2]
        yield from self._anywhere
        self._anywhere = []

    # -- units ---------------------------------------------------------------------------------

    def _find_units(self) -> None:
        """Say where each unit's code is: by .debug_aranges (6.1.2), else by the unit itself."""
        self._dwarf = self._open_dwarf()
        aranges = attempt(self._dwarf.get_aranges, None)
        covered = set()
        for entry in aranges.entries if aranges else ():
            covered.add(entry.info_offset)
            self._add_range(entry.begin_addr, entry.begin_addr + entry.length, entry.info_offset)
        for unit in islice(self._dwarf.iter_CUs(), _MAX_UNITS):
            if unit.cu_offset in covered:
                continue
            ranges: list[tuple[int, int]] = attempt(partial(self._unit_ranges, unit), [])
            for start, end in ranges:
                self._add_range(start, end, unit.cu_offset)
            if not ranges:
                self._anywhere.append(unit.cu_offset)

    def _add_range(self, start: int, end: int, unit: int) -> None:
        if self._ranges is not None and start < end and self._is_code(start, end):
            self._ranges.append((start, end, unit))

    def _unit_ranges(self, unit: Any) -> list[tuple[int, int]]:
        """Return the code ranges of a unit by its DW_AT_ranges or low_pc and high_pc (3.1.1)."""
        top = unit.get_top_DIE().attributes
        base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
        if "DW_AT_ranges" not in top:
            high = top["DW_AT_high_pc"]
            return [(base, high.value + (0 if high.form == "DW_FORM_addr" else base))]
        found = []
        lists = self._dwarf.range_lists()
        for entry in lists.get_range_list_at_offset(top["DW_AT_ranges"].value, unit):
            if hasattr(entry, "base_address"):
                base = entry.base_address
            else:
                low = 0 if entry.is_absolute else base
                found.append((low + entry.begin_offset, low + entry.end_offset))
        return found

    # -- line programs -------------------------------------------------------------------------

    def _decode(self, offset: int) -> None:
        unit = self._dwarf.get_CU_at(offset)
        top = unit.get_top_DIE().attributes
        program_offset = top["DW_AT_stmt_list"].value
        if program_offset in self._programs:
            return  # partial and type units share the program of another
        self._programs.add(program_offset)
        _refuse_endless_header(
            self._dwarf.debug_line_sec, unit.structs, program_offset, self._forms()
        )
        program = self._dwarf.line_program_for_CU(unit)
        base = top["DW_AT_comp_dir"].value if "DW_AT_comp_dir" in top else b""
        files = _Files(program.header, base)
        rows: list[tuple[int, int, int]] = []
        for state in (entry.state for entry in program.get_entries()):
            if state is None:
                continue
            if state.end_sequence:
                self._add_sequence(rows, state.address, files)
                rows = []
            else:
                rows.append((state.address, state.file, state.line))

    def _add_sequence(self, rows: list[tuple[int, int, int]], end: int, files: _Files) -> None:
        """Keep a sequence unless it runs backwards, is no code, or overlaps a known one."""
        if not rows or any(row > after for (row, *_), (after, *_) in pairwise(rows)):
            return
        start = rows[0][0]
        if not start < end or end < rows[-1][0] or not self._is_code(start, end):
            return
        index = bisect_right(self._sequences, start, key=_BY_START)
        before, behind = (
            self._sequences[max(index - 1, 0) : index],
            self._sequences[index : index + 1],
        )
        if (before and before[0][1] > start) or (behind and behind[0][0] < end):
            return
        insort(self._sequences, (start, end, rows, files), key=_BY_START)


def _refuse_endless_header(section: Any, structs: Any, at: int, forms: Mapping[int, str]) -> None:
    """Raise ValueError for a line program header (6.2.4) that pyelftools would not survive.

    Entries of a format without fields, or of fields without bytes, cost it time and memory by
    their count alone, which may be 2^64, without any read that a stream could refuse.
    """
    stream, uleb128 = section.stream, structs.the_Dwarf_uleb128
    stream.seek(at)
    length = structs.Dwarf_initial_length("").parse_stream(stream)
    end = stream.tell() + length
    if length > _MAX_PROGRAM_BYTES or end > section.size:
        raise ValueError("a line program that is too long")
    if structs.the_Dwarf_uint16.parse_stream(stream) < 5:
        return
    word = structs.dwarf_format // 8
    *_, opcode_base = stream.read(2 + word + 6)  # two sizes, header_length, six numbers
    stream.read(max(opcode_base - 1, 0))  # standard_opcode_lengths
    for table in ("directories", "files"):
        formats = []
        for _ in range(stream.read(1)[0]):
            uleb128.parse_stream(stream)  # content type
            formats.append(structs.Dwarf_dw_form[forms[uleb128.parse_stream(stream)]])
        count = uleb128.parse_stream(stream)
        if count > end - stream.tell() or (count and not formats):
            raise ValueError(f"more {table} than bytes")
        if table == "directories":
            for _ in range(count):
                for form in formats:
                    form.parse_stream(stream)


def _text(name: Any) -> str:
    """Return a name as text; what a broken table gives in its place is no name."""
    return printable(name[:MAX_NAME_BYTES].decode("utf-8", "replace")) if name else ""


def _under(directory: str, path: str) -> str:
    if not directory or path.startswith("/") or _ABSOLUTE_WINDOWS.match(path):
        return path
    return f"{directory.rstrip('/')}/{path}"
