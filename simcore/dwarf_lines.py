"""Source lines: .debug_line of DWARF 2 to 5 -> (file, line) of a code address.

Only the line tables are read, plus the compilation directory for tables before DWARF 5, which do
not carry it (GCC writes such tables for units of version 5 too). The tables may come from any tool
and any attacker, so each byte of .debug_line is decoded at most once, a unit that makes no sense is
skipped by its length, and file names are looked up only when an address asks for them. Section
numbers are those of the DWARF 5 standard.
"""

from __future__ import annotations

import posixpath
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from operator import le
from typing import Final

from simcore.dwarf_forms import (
    FORM_UDATA,
    Buffer,
    Name,
    abbreviation,
    behind_text,
    name_at,
    number,
    read_uleb128,
    skip_form,
    unit_length,
)
from simcore.elf_tables import text_at

_LNCT_PATH, _LNCT_DIRECTORY_INDEX = 1, 2
_AT_STMT_LIST, _AT_COMP_DIR = 0x10, 0x1B
_UT_COMPILE, _UT_PARTIAL = 1, 3
MAX_LINE_BYTES: Final = 1 << 23  # of .debug_line, at most 8 million rows; the rest is not read
_NO_FILE: Final = 0xFFFFFFFF
_ABSOLUTE_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\")

# What a decoder meets when the bytes are not what they should be.
_BROKEN: Final = (IndexError, ValueError, KeyError, OverflowError, ZeroDivisionError)

# First address, end, then the rows: addresses, files, lines. The last row ends the sequence.
_Sequence = tuple[int, int, "array[int]", "array[int]", "array[int]"]


@dataclass(slots=True)
class _Unit:
    """Names of one line table: directories, and files as (name, directory index)."""

    offset: int
    version: int
    directories: list[Name] = field(default_factory=list)
    files: list[tuple[Name, int]] = field(default_factory=list)


class LineTable:
    """Rows of all line programs by address.

    `sections` maps ".debug_line" and friends to their bytes; `is_code(start, end)` says whether a
    sequence can be real: linkers leave the sequences of discarded functions at 0 or at the end of
    the address space.
    """

    def __init__(self, sections: Mapping[str, Buffer], is_code: Callable[[int, int], bool]) -> None:
        self._sections = sections
        self._units: list[_Unit] = []
        self._files: list[tuple[int, int]] = []  # (unit index, file index)
        self._paths: dict[int, str | None] = {}
        self._directories: dict[int, str] | None = None
        sequences: list[_Sequence] = []
        self._read_units(sections.get(".debug_line", b""), sequences)
        sequences.sort(key=lambda sequence: sequence[:2])
        self._addresses, self._file_of, self._line_of = array("I"), array("I"), array("I")
        end_of_last = 0
        for start, end, addresses, files, lines in sequences:
            if start >= end_of_last and start < end and is_code(start, end):
                end_of_last = end
                self._addresses.extend(addresses)
                self._file_of.extend(files)
                self._line_of.extend(lines)

    def line_at(self, address: int) -> tuple[str, int] | None:
        """Return the source file and line of the instruction at `address`, None if unknown."""
        index = bisect_right(self._addresses, address) - 1
        if index < 0 or self._file_of[index] == _NO_FILE or self._line_of[index] == 0:
            return None
        file = self._file_of[index]
        if file not in self._paths:
            self._paths[file] = self._path(*self._files[file])
        path = self._paths[file]
        return (path, self._line_of[index]) if path else None

    # -- names ---------------------------------------------------------------------------------

    def _path(self, unit_index: int, file: int) -> str | None:
        unit = self._units[unit_index]
        index = file if unit.version >= 5 else file - 1
        if not 0 <= index < len(unit.files):
            return None
        name_at, directory = unit.files[index]
        path = self._text(name_at)
        if not path:
            return None
        index = directory if unit.version >= 5 else directory - 1
        if 0 <= index < len(unit.directories):
            path = _join(self._text(unit.directories[index]), path)
        base = (
            self._text(unit.directories[0])
            if unit.version >= 5 and unit.directories
            else self._compilation_directory(unit.offset)
        )
        path = _join(base, path)
        return path if _ABSOLUTE_WINDOWS.match(path) else posixpath.normpath(path)

    def _text(self, name: Name) -> str:
        return text_at(self._sections.get(name[0], b""), name[1])

    def _compilation_directory(self, line_offset: int) -> str:
        if self._directories is None:
            self._directories = {}
            with suppress(*_BROKEN):  # the directories found so far still hold
                self._read_directories(self._directories)
        return self._directories.get(line_offset, "")

    def _read_directories(self, found: dict[int, str]) -> None:
        """Read DW_AT_comp_dir of each unit of .debug_info (7.5.1.1) by its line table."""
        info, abbrev = self._sections[".debug_info"], self._sections[".debug_abbrev"]
        # Units may share an abbreviation table, and hostile ones could all scan a long one.
        budget = 64 * len(abbrev) + 4096
        position = 0
        while position + 11 <= len(info):
            wide, length, at = unit_length(info, position)
            position = at + length
            word = 8 if wide else 4
            version = number(info, at, 2)
            if 2 <= version <= 4:
                abbrev_at, address_size = number(info, at + 2, word), info[at + 2 + word]
                at += 3 + word
            elif version == 5 and info[at + 2] in (_UT_COMPILE, _UT_PARTIAL):
                address_size, abbrev_at = info[at + 3], number(info, at + 4, word)
                at += 4 + word
            else:
                continue
            code, at = read_uleb128(info, at)
            attributes, scanned = abbreviation(abbrev, abbrev_at, code, budget)
            budget -= scanned
            line_offset, directory = None, ""
            for name, form in attributes:
                start = at
                at = skip_form(info, at, form, word, address_size)
                if name == _AT_STMT_LIST:
                    line_offset = number(info, start, at - start)
                elif name == _AT_COMP_DIR:
                    directory = self._text(name_at(info, start, form, word, ".debug_info"))
            if line_offset is not None:
                found.setdefault(line_offset, directory)

    # -- line programs -------------------------------------------------------------------------

    def _read_units(
        self,
        data: Buffer,
        sequences: list[_Sequence],
    ) -> None:
        position = 0
        while position + 4 <= len(data) and position < MAX_LINE_BYTES:
            try:
                wide, length, at = unit_length(data, position)
            except _BROKEN:
                return
            end = min(at + length, len(data), MAX_LINE_BYTES)
            with suppress(*_BROKEN):  # sequences finished before the broken byte are kept
                self._read_unit(data, position, at, end, 8 if wide else 4, sequences)
            position = max(end, position + 4)

    def _read_unit(
        self,
        data: Buffer,
        offset: int,
        at: int,
        end: int,
        word: int,
        sequences: list[_Sequence],
    ) -> None:
        """Decode one unit (6.2.4 header, 6.2.5 program)."""
        version = number(data, at, 2)
        if not 2 <= version <= 5:
            return
        at += 2 if version < 5 else 4  # address_size, segment_selector_size
        program = at + word + number(data, at, word)
        at += word
        minimum_length = data[at]
        at += 2 if version >= 4 else 1  # maximum_operations_per_instruction: 1 on Arm
        line_base = data[at + 1] - ((data[at + 1] & 0x80) << 1)
        line_range, opcode_base = data[at + 2], data[at + 3]
        lengths = bytes(data[at + 4 : at + 3 + opcode_base])
        at += 3 + max(opcode_base, 1)
        unit = _Unit(offset, version)
        self._units.append(unit)
        if version >= 5:
            at = self._read_entries(data, at, program, word, unit, directories=True)
            self._read_entries(data, at, program, word, unit, directories=False)
        else:
            at = _read_names(data, at, program, unit)
        self._run(
            data, program, end, unit, minimum_length, line_base, line_range, lengths, sequences
        )

    def _read_entries(
        self, data: Buffer, at: int, end: int, word: int, unit: _Unit, *, directories: bool
    ) -> int:
        """Read a directory or file table of DWARF 5 (6.2.4.1)."""
        formats = []
        count = data[at]
        at += 1
        for _ in range(count):
            content, at = read_uleb128(data, at)
            form, at = read_uleb128(data, at)
            formats.append((content, form))
        count, at = read_uleb128(data, at)
        if count > end - at or (count and not formats):
            raise ValueError("more names than bytes")
        for _ in range(count):
            name, directory, before = (".debug_line", 0), 0, at
            for content, form in formats:
                start = at
                at = skip_form(data, at, form, word, 4)
                if content == _LNCT_PATH:
                    name = name_at(data, start, form, word, ".debug_line")
                elif content == _LNCT_DIRECTORY_INDEX:
                    directory = (
                        read_uleb128(data, start)[0]
                        if form == FORM_UDATA
                        else number(data, start, at - start)
                    )
            if at == before or at > end:
                raise ValueError("an entry without bytes")
            if directories:
                unit.directories.append(name)
            else:
                unit.files.append((name, directory))
        return at

    def _run(
        self,
        data: Buffer,
        at: int,
        end: int,
        unit: _Unit,
        minimum_length: int,
        line_base: int,
        line_range: int,
        lengths: bytes,
        sequences: list[_Sequence],
    ) -> None:
        """Run one line number program (6.2.5): one row per special opcode, copy or end_sequence."""
        opcode_base = len(lengths) + 1
        advance, line_add = _special_opcodes(opcode_base, minimum_length, line_base, line_range)
        unit_index = len(self._units) - 1
        file_ids: dict[int, int] = {}

        def file_id(file: int) -> int:
            if file not in file_ids:
                file_ids[file] = len(self._files)
                self._files.append((unit_index, file))
            return file_ids[file]

        address, line, file = 0, 1, file_id(1)
        # A row that does not fit 32 bits raises OverflowError: the program makes no sense.
        addresses, files, lines = array("I"), array("I"), array("I")
        while at < end:
            op = data[at]
            at += 1
            if op >= opcode_base or op == 1:  # special opcode or DW_LNS_copy
                address += advance[op]
                line += line_add[op]
                addresses.append(address)
                files.append(file)
                lines.append(line)
            elif op == 2:  # DW_LNS_advance_pc
                value, at = read_uleb128(data, at)
                address += value * minimum_length
            elif op == 3:  # DW_LNS_advance_line
                value, after = read_uleb128(data, at)
                bits = 7 * (after - at)
                line += value - (1 << bits) if value >> (bits - 1) else value
                at = after
            elif op == 4:  # DW_LNS_set_file
                value, at = read_uleb128(data, at)
                file = file_id(value)
            elif op == 8:  # DW_LNS_const_add_pc
                address += advance[255]
            elif op == 9:  # DW_LNS_fixed_advance_pc
                address += number(data, at, 2)
                at += 2
            elif op:  # columns, flags, and opcodes of later standards
                for _ in range(lengths[op - 1]):
                    _, at = read_uleb128(data, at)
            else:
                size, at = read_uleb128(data, at)
                extended = data[at]
                if extended == 1:  # DW_LNE_end_sequence
                    _finish(addresses, files, lines, address, sequences)
                    address, line, file = 0, 1, file_id(1)
                    addresses, files, lines = array("I"), array("I"), array("I")
                elif extended == 2:  # DW_LNE_set_address
                    address = number(data, at + 1, size - 1)
                elif extended == 3:  # DW_LNE_define_file, before version 5
                    _read_file(data, at + 1, unit)
                if size == 0:
                    raise ValueError("an extended opcode without bytes")
                at += size


@lru_cache(maxsize=64)
def _special_opcodes(
    opcode_base: int, minimum_length: int, line_base: int, line_range: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return by opcode what a row advances the address and the line (6.2.5.1), 0 for copy."""
    if line_range == 0:
        raise ValueError("line_range is 0")
    steps = [divmod(op - opcode_base, line_range) for op in range(256)]
    addresses = [quotient * minimum_length for quotient, _ in steps]
    lines = [line_base + remainder for _, remainder in steps]
    if opcode_base > 1:
        addresses[1] = lines[1] = 0  # DW_LNS_copy
    return tuple(addresses), tuple(lines)


def _finish(
    addresses: array[int],
    files: array[int],
    lines: array[int],
    end: int,
    sequences: list[_Sequence],
) -> None:
    """Keep a finished sequence: its rows by address and a last one that ends it."""
    if not addresses or not all(map(le, addresses, islice(addresses, 1, None))):
        return  # no rows, or rows that run backwards, which the standard forbids (6.2.5)
    if end < addresses[-1]:
        return
    start = addresses[0]
    addresses.append(end)
    files.append(_NO_FILE)
    lines.append(0)
    sequences.append((start, end, addresses, files, lines))


def _join(directory: str, path: str) -> str:
    if not directory or path.startswith("/") or _ABSOLUTE_WINDOWS.match(path):
        return path
    return f"{directory.rstrip('/')}/{path}"


def _read_names(data: Buffer, at: int, end: int, unit: _Unit) -> int:
    """Read include_directories and file_names before version 5."""
    while at < end and data[at]:
        unit.directories.append((".debug_line", at))
        at = behind_text(data, at)
    at += 1
    while at < end and data[at]:
        at = _read_file(data, at, unit)
    if at >= end:
        raise ValueError("names without end")
    return at + 1


def _read_file(data: Buffer, at: int, unit: _Unit) -> int:
    name = (".debug_line", at)
    directory, at = read_uleb128(data, behind_text(data, at))
    _, at = read_uleb128(data, at)  # time
    _, at = read_uleb128(data, at)  # length
    unit.files.append((name, directory))
    return at
