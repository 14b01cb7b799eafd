"""Source lines: address -> (file, line), by the units of .debug_info and their line programs.

A unit's program is read when an address in the unit is first asked for, see line_program.py. What
cannot be read is told by name, of those addresses that lack a line for it.
"""

from __future__ import annotations

import posixpath
import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from operator import itemgetter
from typing import Final

from simcore.elf.debug_sections import DebugSections
from simcore.elf.dwarf_forms import BROKEN
from simcore.elf.image import MAX_NAME_BYTES, Image, printable
from simcore.elf.line_program import LineProgram, Rows, program_end
from simcore.elf.units import Unit, Units
from simcore.records import dataclass

_MAX_NESTING: Final = 1 << 10  # units whose ranges hold one address that are looked through
_MOST_EMPTY: Final = 1 << 6  # sequences without code that are passed over
_MOST_NAMED: Final = 3  # things that a warning names
_ABSOLUTE_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\")
# Names of source files that an object's symbols may give; what LTO makes has others.
_SOURCE: Final = re.compile(r"\.(c|cc|cpp|cxx|c\+\+|s|asm|rs|m)$", re.IGNORECASE)
_BY_START: Final = itemgetter(0)


@dataclass(slots=True)
class Source:
    """A unit and its line program, or why that cannot be read; neither where it has none."""

    unit: Unit
    program: LineProgram | None
    problem: str | None
    rows_at_zero: Rows | None = None  # of code that begins at address 0


class LineTable:
    """Lines by address of an image, from the debug sections of its own file or another one.

    Runs in several threads may share a table.
    """

    def __init__(self, sections: DebugSections, image: Image) -> None:
        self._sections, self._image = sections, image
        self._lock = threading.Lock()
        self._units: Units | None = None
        # Start, end, unit (its number); by start. The furthest end up to each.
        self._ranges: list[tuple[int, int, int]] = []
        self._reach: list[int] = []
        self._alone: list[bool] = []  # whether no other range has a part of it
        # Where the rows found last hold for all: from, to, rows, whose they are.
        self._last: tuple[int, int, Rows, Source] | None = None
        self._anywhere: list[int] = []  # units that do not say where their code is
        # Where sequences of these begin, and the unit; None until one is looked for.
        self._loose: list[tuple[int, int]] | None = None
        self._loose_problems: list[str] = []
        self._found: list[Unit] = []
        self._sources: dict[int, Source] = {}
        self._programs: dict[int, LineProgram | str] = {}  # by offset, or why it cannot be read
        self._taken: list[tuple[int, int]] = []  # bytes of .debug_line that are programs
        self._paths: dict[tuple[int, int, int], str | None] = {}

    def line_at(self, address: int) -> tuple[str, int] | None:
        """Return the source file and line of the instruction at `address`, None if unknown."""
        with self._lock:
            return self._line_at(address)

    def lacking(self, addresses: Iterable[int]) -> tuple[str, ...]:
        """Say what the debug information of functions lacks, by their addresses: a line for each.

        Nothing of code that was compiled without it.
        """
        with self._lock:
            asked = list(addresses)
            without = [tuple(self._reasons(one)) for one in asked if self._line_at(one) is None]
            split = {unit for one in asked for unit in self._units_with(one)}
            split_units = sum(self._found[unit].is_split for unit in split)
        said = []
        reasons = tuple(dict.fromkeys(reason for found in without for reason in found))
        if reasons:
            count = sum(map(bool, without))
            shown = "; ".join(reasons[:_MOST_NAMED])
            more = len(reasons) - _MOST_NAMED
            said.append(
                f"no source lines for {count} function{'s' * (count > 1)} that ran: {shown}"
                + (f"; and {more} more" if more > 0 else "")
            )
        if split_units:
            said.append(
                f"split debug information: that of {split_units}"
                f" unit{'s' * (split_units > 1)} is in .dwo files, which are not read; source lines"
                " are whole, inlined frames are missing"
            )
        return tuple(said)

    def _line_at(self, address: int) -> tuple[str, int] | None:
        last = self._last
        if last is None or not last[0] <= address < last[1]:
            self._last = last = self._find(address)
        if last is None:
            return None
        file, line = last[2].at(address)
        path = self._path(last[3], file) if line else None
        return (path, line) if path else None

    def _find(self, address: int) -> tuple[int, int, Rows, Source] | None:
        self._find_units()
        for number in self._units_at(address):
            source = self._source(number)
            rows = self._rows(source, address)
            if rows is not None:
                index = bisect_right(self._ranges, address, key=_BY_START) - 1
                start, end, _ = self._ranges[index] if index >= 0 else (0, 0, 0)
                if address < end and self._alone[index]:
                    return max(start, rows.start), min(end, rows.end), rows, source
                return address, address + 1, rows, source
        return None

    def _reasons(self, address: int) -> Iterator[str]:
        for name in ("info", "abbrev", "line"):
            if name in self._sections.lost:
                yield self._sections.lost[name]
                return
        for number in self._units_at(address):
            source = self._source(number)
            problem = source.problem
            if source.program is not None:
                problem = source.program.problem(address)
            if problem:
                yield f"the line program of {self._name(source.unit)} {problem}"
        yield from self._loose_problems
        for offset, problem in (self._units.broken if self._units else {}).items():
            yield f"the unit at .debug_info+{offset:#x} {problem}"

    def _name(self, unit: Unit) -> str:
        name = _text(self._units.name(unit)) if self._units else ""
        return posixpath.basename(name) or f"the unit at .debug_info+{unit.offset:#x}"

    # -- units ---------------------------------------------------------------------------------

    def _find_units(self) -> None:
        if self._units is not None:
            return
        self._units = Units(self._sections.get)
        for number, unit in enumerate(self._units):
            self._found.append(unit)
            try:
                ranges = self._units.ranges(unit)
            except BROKEN:
                ranges = []
            for start, end in ranges:
                if start < end and self._image.is_code(start, end):
                    self._ranges.append((start, end, number))
            if not ranges:
                self._anywhere.append(number)
        self._ranges.sort()
        self._reach = list(accumulate((end for _, end, _ in self._ranges), max))
        behind = [start for start, _, _ in self._ranges[1:]]
        self._alone = [
            (not index or self._reach[index - 1] <= start)
            and (index == len(behind) or end <= behind[index])
            for index, (start, end, _) in enumerate(self._ranges)
        ]

    def _units_at(self, address: int) -> Iterator[int]:
        """Units that may hold an address, in the file's order; last those that do not say so."""
        yield from self._units_with(address)
        if self._loose is None:
            self._loose = []
            for number in self._anywhere:
                source = self._source(number)
                if source.program is not None:
                    self._loose += ((start, number) for start in source.program.starts)
                elif source.problem and len(self._loose_problems) <= _MOST_NAMED:
                    self._loose_problems.append(
                        f"the line program of {self._name(source.unit)} {source.problem}"
                    )
            self._loose.sort()
        last = bisect_right(self._loose, (address, len(self._found))) - 1
        found = []
        for start, number in self._loose[max(last - _MAX_NESTING, 0) : last + 1]:
            if start == self._loose[last][0]:
                found.append(number)
        yield from dict.fromkeys(found)

    def _units_with(self, address: int) -> list[int]:
        """Units that say that they hold an address."""
        last = bisect_right(self._ranges, address, key=_BY_START) - 1
        found = set()
        for index in range(last, max(last - _MAX_NESTING, -1), -1):
            if self._reach[index] <= address:
                break
            if address < self._ranges[index][1]:
                found.add(self._ranges[index][2])
        return sorted(found)

    def _source(self, number: int) -> Source:
        if number not in self._sources:
            self._sources[number] = self._read(self._found[number])
        return self._sources[number]

    def _read(self, unit: Unit) -> Source:
        offset = unit.program
        if offset is None:
            return Source(unit, None, None)
        if offset not in self._programs:
            self._programs[offset] = self._program(offset)
        program = self._programs[offset]
        if isinstance(program, str):
            return Source(unit, None, program)
        return Source(unit, program, None, self._rows_at_zero(unit, program))

    def _program(self, offset: int) -> LineProgram | str:
        """The program, or why it cannot be read. No byte is read for two of them."""
        if not self._sections.get("line"):
            return "is missing"
        index = bisect_left(self._taken, (offset, 0))
        try:
            end = program_end(self._sections.get("line"), offset)
            if (index and self._taken[index - 1][1] > offset) or (
                index < len(self._taken) and self._taken[index][0] < end
            ):
                return "lies in another one"
            self._taken.insert(index, (offset, end))
            return LineProgram(self._sections.get, offset)
        except BROKEN as error:
            return str(error) if type(error) is ValueError else "is cut off"

    # -- rows ----------------------------------------------------------------------------------

    def _rows(self, source: Source, address: int) -> Rows | None:
        """The sequence that holds an address: of several that begin together the first."""
        program = source.program
        if program is None:
            return None
        below = address
        for _ in range(_MOST_EMPTY):
            start = program.start_before(below)
            if start is None:
                return None
            below = start - 1  # for one before it, where these are broken or empty
            if start == 0:
                rows = source.rows_at_zero
                return rows if rows is not None and address < rows.end else None
            sequences = [
                rows
                for rows in program.starting_at(start)
                if self._image.is_code(rows.start, rows.end)
            ]
            for rows in sequences:
                if address < rows.end:
                    return rows
            if sequences:
                return None
        return None

    def _rows_at_zero(self, unit: Unit, program: LineProgram) -> Rows | None:
        """The sequence of the code at address 0, such as in ITCM, if the unit has it.

        GNU ld leaves there what it knows of discarded functions. The unit of the real one has a
        function at 0 that is named and as long as the symbol there, and comes from the file that
        the symbols name.
        """
        image, units = self._image, self._units
        found = [rows for rows in program.starting_at(0) if image.is_code(0, rows.end)]
        if not found or units is None:
            return None
        file, own = image.file_at(0), posixpath.basename(_text(units.name(unit)))
        if file and _SOURCE.search(file) and _SOURCE.search(own) and file != own:
            return None
        functions = units.subprograms_at(unit, 0)
        if functions is None:  # assembly; its symbols say where it is from
            return found[0] if file in (None, own) else None
        sizes = {
            symbol.name: symbol.size
            for symbol in image.symbols
            if symbol.address == 0 and symbol.section and symbol.kind != "object"
        }
        fitting = [
            (abs((function.line or 0) - rows.at(0)[1]), index)
            for function in functions
            for index, rows in enumerate(found)
            if any(sizes.get(name) in (0, function.end) for name in function.names)
            and function.end <= rows.end
        ]
        return found[min(fitting)[1]] if fitting else None

    def _path(self, source: Source, file: int) -> str | None:
        if source.program is None or self._units is None:
            return None
        key = source.program.offset, source.unit.offset, file
        if key not in self._paths:
            try:
                entry = source.program.files.entry(file)
            except BROKEN:
                entry = None
            base = entry[2] if entry else b""
            if source.program.files.version < 5:
                base = self._units.directory(source.unit)
            self._paths[key] = _joined(entry[0], entry[1], base) if entry else None
        return self._paths[key]


def _joined(name: bytes, directory: bytes, base: bytes) -> str | None:
    path = _text(name)
    if not path:
        return None
    path = _under(_text(base), _under(_text(directory), path))
    return path if _ABSOLUTE_WINDOWS.match(path) else posixpath.normpath(path)


def _text(name: bytes) -> str:
    return printable(name[:MAX_NAME_BYTES].decode("utf-8", "replace"))


def _under(directory: str, path: str) -> str:
    if not directory or path.startswith("/") or _ABSOLUTE_WINDOWS.match(path):
        return path
    return f"{directory.rstrip('/')}/{path}"
