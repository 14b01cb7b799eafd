"""A line program of .debug_line (DWARF 5, 6.2; versions 2 to 5, both formats) -> rows by address.

A program is a list of sequences, one for each section that its unit has code in: with
-ffunction-sections one for each function. Where they begin and end is found by a regular expression
over the opcodes, at the speed of C; rows are made of a sequence when one of its addresses is asked
for. So a byte of a program costs 35 ns when an address of its unit is asked for, and 110 ns more
when one of its sequence is; a row takes 24 bytes of memory.
"""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from simcore.elf.dwarf_forms import (
    BROKEN,
    LINE_STRP,
    MAX_LEB_BYTES,
    STRING,
    STRP,
    initial_length,
    number,
    past_string,
    sleb,
    text_at,
    uleb,
    value_of,
)
from simcore.elf.units import Section

MAX_LINE: Final = 1 << 31
_RUN: Final = 1 << 12  # opcodes that one match takes: sre keeps a place to go back to for each
_PATH, _DIRECTORY = 1, 2  # DW_LNCT_*
_SET_ADDRESS: Final = re.compile(rb"(?:[\x05\x0c][\x80-\xff]*[\x00-\x7f]|[\x06\x07\x0a\x0b])*"
                                 rb"\x00\x05\x02(?s:(....))")  # fmt: skip


class BackwardsError(ValueError):
    """Addresses of a sequence that fall: 6.2.2 says that they only grow."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A sequence: of rows that begin at one address the last, of equal ones the first."""

    start: int
    end: int
    addresses: array[int]
    files: array[int]
    lines: array[int]

    def at(self, address: int) -> tuple[int, int]:
        """File and line; line 0 is none."""
        index = bisect_right(self.addresses, address) - 1
        return self.files[index], self.lines[index]


@dataclass(slots=True)
class FileTable:
    """Directories and files of a header, read when a file is first asked for."""

    section: Section
    data: memoryview  # up to the end of the header
    at: int
    version: int
    word: int
    address: int
    _directories: list[bytes] | None = None
    _files: list[tuple[bytes | tuple[int, int], int]] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The number of the first file and directory."""
        return 0 if self.version >= 5 else 1

    def add(self, entry: tuple[bytes, int]) -> None:
        """A file that DW_LNE_define_file names (version 4 and before)."""
        self._read()
        self._files.append(entry)

    def entry(self, file: int) -> tuple[bytes, bytes, bytes] | None:
        """Name, directory and the directory that both may be relative to; None if unknown.

        Version 5 counts from 0, and directory 0 is that of the compilation; before it, they count
        from 1, and 0 stands for a directory that only .debug_info names (6.2.4).
        """
        directories = self._read()
        if not self.first <= file < len(self._files) + self.first:
            return None
        name, directory = self._files[file - self.first]
        inside = self.first <= directory < len(directories) + self.first
        base = directories[0] if self.version >= 5 and directories else b""
        return (
            name if isinstance(name, bytes) else self._name(*name),
            directories[directory - self.first] if inside else b"",
            base,
        )

    def _name(self, form: int, value: int) -> bytes:
        if form == STRING:
            return text_at(self.data, value)
        if form in (STRP, LINE_STRP):
            return text_at(self.section("str" if form == STRP else "line_str"), value)
        return b""

    def _read(self) -> list[bytes]:
        if self._directories is None:
            self._directories = []
            try:
                if self.version >= 5:
                    self._read_5()
                else:
                    self._read_2()
            except BROKEN:
                pass  # what was read holds
        return self._directories

    def _read_2(self) -> None:
        data, at, directories = self.data, self.at, self._directories
        while data[at] and directories is not None:
            directories.append(text_at(data, at))
            at = past_string(data, at)
        at += 1
        while data[at]:
            entry, at = _file_entry(data, at)
            self._files.append(entry)

    def _read_5(self) -> None:
        at = self.at
        for table in ("directories", "files"):
            count, at = self.data[at], at + 1
            formats = []
            for _ in range(count):
                content, at = uleb(self.data, at)
                form, at = uleb(self.data, at)
                formats.append((content, form))
            count, at = uleb(self.data, at)
            if count > len(self.data) - at:
                raise ValueError(f"more {table} than bytes")
            for _ in range(count):
                name, directory, begin = (0, 0), 0, at
                for content, form in formats:
                    form, value, at = value_of(form, self.data, at, self.word, self.address)
                    if content == _PATH:
                        name = form, value
                    elif content == _DIRECTORY:
                        directory = value
                if at == begin:
                    raise ValueError(f"{table} without bytes")
                if table == "files":
                    self._files.append((name, directory))
                elif self._directories is not None:
                    self._directories.append(self._name(*name))


class LineProgram:
    """A program, by the address at which sequences begin.

    Raises BROKEN for a header that cannot be. `end` is where the next program may begin.
    """

    def __init__(self, section: Section, offset: int) -> None:
        data = section("line")
        length, word, at = initial_length(data, offset)
        if length > len(data) - at:
            raise ValueError("is cut off")
        self.offset, self.end = offset, at + length
        data = data[: self.end]
        version, at = number(data, at, 2)
        if not 2 <= version <= 5:
            raise ValueError(f"has the unknown version {version}")
        address = 4
        if version >= 5:
            address, at = data[at], at + 2
        length, at = number(data, at, word)
        first = at + length
        if first > len(data):
            raise ValueError("has a header that is cut off")
        self._step, at = data[at], at + 1
        operations = 1
        if version >= 4:
            operations, at = data[at], at + 1
        if operations > 1:
            raise ValueError("is for a processor with several operations in an instruction")
        line_base, line_range, base = struct.unpack_from("<bBB", data, at + 1)
        if not line_range or not base:
            raise ValueError("has a header that cannot be")
        at += 4
        self._base, self._lengths = base, bytes(data[at : at + base - 1])
        if len(self._lengths) != base - 1:
            raise ValueError("has a header that is cut off")
        self._data = data
        self.files = FileTable(section, data[:first], at + base - 1, version, word, address)
        self._advances = [0] * base + [
            (code - base) // line_range * self._step for code in range(base, 256)
        ]
        self._moves = [0] * base + [
            line_base + (code - base) % line_range for code in range(base, 256)
        ]
        self._rows: dict[int, Rows | None] = {}  # by where they begin in the section
        self._problem: str | None = None  # of what lies behind the sequences
        self._broken: dict[int, str] = {}  # sequences that cannot be
        sequences = self._sequences(first)
        order = sorted(range(len(sequences)), key=lambda index: sequences[index][0])
        self._sorted = [sequences[index] for index in order]  # of equal starts in the file's order
        self._starts = [start for start, _, _ in self._sorted]

    def __bool__(self) -> bool:
        return bool(self._starts)

    def starting_at(self, start: int) -> list[Rows]:
        """The sequences that begin at an address, in the order of the file."""
        index, found = bisect_left(self._starts, start), []
        while index < len(self._starts) and self._starts[index] == start:
            rows = self._decoded(index)
            if rows is not None:
                found.append(rows)
            index += 1
        return found

    def start_before(self, address: int) -> int | None:
        """Where the last sequences begin that begin at or before an address."""
        index = bisect_right(self._starts, address) - 1
        return self._starts[index] if index >= 0 else None

    def problem(self, address: int) -> str | None:
        """Why there is no row for an address, None when nothing is broken."""
        index = bisect_right(self._starts, address) - 1
        broken = self._broken.get(self._sorted[index][1]) if index >= 0 else None
        return broken or self._problem

    # -- sequences ---------------------------------------------------------------------------------

    def _sequences(self, first: int) -> list[tuple[int, int, int]]:
        """Start address, and first and last byte in the section, of each sequence."""
        data, at, end = self._data, first, self.end
        opcodes = _opcodes(self._base, self._lengths)
        found: list[tuple[int, int, int]] = []
        try:
            while at < end:
                run = opcodes.match(data, at)
                if run and run.end() > at:
                    at = run.end()
                    continue
                if data[at]:
                    raise ValueError("is cut off")
                size, behind = uleb(data, at + 1)
                if not size or behind + size > end:
                    raise ValueError("is broken")
                at = behind + size
                if data[behind] == 1:  # DW_LNE_end_sequence
                    start = self._start(first, at)
                    if start is not None:
                        found.append((start, first, at))
                    first = at
                elif data[behind] == 3:  # DW_LNE_define_file
                    self.files.add(_file_entry(data[:at], behind + 1)[0])
            if first < end:
                raise ValueError("ends within a function")
        except BROKEN as error:
            self._problem = f"{error} at byte {at - self.offset}"
        return found

    def _start(self, at: int, end: int) -> int | None:
        """The address at which a sequence begins, None for one without any code."""
        found = _SET_ADDRESS.match(self._data, at, end)
        if found:
            return int.from_bytes(found[1], "little")
        rows = self._row_bytes(at, end)
        return rows.start if rows is not None else 0 if at in self._broken else None

    def _decoded(self, index: int) -> Rows | None:
        _, at, end = self._sorted[index]
        if at not in self._rows:
            self._rows[at] = self._row_bytes(at, end)
        return self._rows[at]

    def _row_bytes(self, at: int, end: int) -> Rows | None:
        try:
            return self._run(at, end)
        except BackwardsError:
            self._broken[at] = "has addresses that fall"
        except BROKEN:
            self._broken[at] = f"is broken behind byte {at - self.offset}"
        return None

    def _run(self, at: int, end: int) -> Rows | None:
        """Run the state machine (6.2.2) over one sequence. Raises BROKEN."""
        data, base, step = bytes(self._data[at:end]), self._base, self._step
        at, end = 0, end - at
        advances, moves = self._advances, self._moves
        addresses, files, lines = array("q"), array("q"), array("q")
        address, file, line = 0, 1, 1
        last, last_file, last_line = -1, 0, -1
        while at < end:
            code = data[at]
            at += 1
            if code >= base:
                address += advances[code]
                line += moves[code]
            elif code == 5 or code == 12:  # set_column, set_isa
                while data[at] > 0x7F:
                    at += 1
                at += 1
                continue
            elif code == 3:  # advance_line
                value = data[at]
                if value < 0x80:
                    line += value - (value << 1 & 0x80)
                    at += 1
                    continue
                value, at = sleb(data, at)
                line += value
                continue
            elif code in (6, 7, 10, 11):  # negate_stmt, basic_block, prologue_end, epilogue_begin
                continue
            elif code == 2:  # advance_pc
                value, at = uleb(data, at)
                address += value * step
                continue
            elif code == 0:
                size, at = uleb(data, at)
                kind = data[at]
                if kind == 1:  # end_sequence
                    if last < 0 or address == addresses[0]:
                        return None
                    if address < last:
                        raise BackwardsError
                    return Rows(addresses[0], address, addresses, files, lines)
                if kind == 2:  # set_address
                    address, _ = number(data, at + 1, size - 1)
                at += size
                continue
            elif code == 4:  # set_file
                file, at = uleb(data, at)
                continue
            elif code == 8:  # const_add_pc
                address += advances[255]
                continue
            elif code == 9:  # fixed_advance_pc
                value, at = number(data, at, 2)
                address += value
                continue
            elif code != 1:  # one that a later version knows
                for _ in range(self._lengths[code - 1]):
                    _, at = uleb(data, at)
                continue
            # A special opcode, or copy
            if address != last:
                if address < last:
                    raise BackwardsError
                if file == last_file and line == last_line:
                    continue
                addresses.append(address)
                files.append(file)
                lines.append(line if 0 < line < MAX_LINE else 0)
                last = address
            elif file != last_file or line != last_line:
                files[-1] = file
                lines[-1] = line if 0 < line < MAX_LINE else 0
            last_file, last_line = file, line
        raise ValueError("no end")


@lru_cache(maxsize=16)
def _opcodes(base: int, lengths: bytes) -> re.Pattern[bytes]:
    """Opcodes up to an extended one that may be of interest, up to so many of them.

    Their first bytes differ, so that there is one way to match.
    """
    number_ = rb"[\x80-\xff]{0,%d}[\x00-\x7f]" % (MAX_LEB_BYTES - 1)
    by_shape: dict[bytes, bytes] = {}
    for code in range(1, base):
        count = 0 if code in (1, 6, 7, 8, 10, 11) else 1 if code in (2, 3, 4, 5, 12) else None
        if code == 9:
            shape = b".."
        else:
            shape = number_ * (lengths[code - 1] if count is None else count)
        by_shape[shape] = by_shape.get(shape, b"") + b"\\x%02x" % code
    # set_address and discriminators, the usual ones of extended opcodes
    parts = [rb"\x00(?:\x05\x02....|\x02\x04.|\x03\x04..|\x04\x04...)"]
    parts += [b"[" + codes + b"]" + shape for shape, codes in by_shape.items()]
    special = rb"[\x%02x-\xff]+" % base
    return re.compile(b"(?:" + b"|".join([special, *parts]) + b"){0,%d}" % _RUN, re.DOTALL)


def _file_entry(data: memoryview, at: int) -> tuple[tuple[bytes, int], int]:
    """Name and directory of a file as versions before 5 have it, and where that ends."""
    name, at = text_at(data, at), past_string(data, at)
    directory, at = uleb(data, at)
    for _ in range(2):  # time and size
        _, at = uleb(data, at)
    return (name, directory), at
