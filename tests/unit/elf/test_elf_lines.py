"""Source lines: hand-assembled line tables of each DWARF version, and what binutils read."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from pathlib import Path

import pytest

from simcore.elf import Image, load_image
from simcore.elf.line_program import LineProgram
from simcore.elf.lines import LineTable
from simcore.elf.units import Section
from tests.unit.elf_builder import (
    ABSOLUTE,
    CODE,
    END_SEQUENCE,
    FILE,
    FLASH,
    LOCAL,
    ElfBuilder,
    line_unit,
    line_units,
    runnable,
    set_address,
    sleb,
    special,
    uleb,
)

SAMPLE = Path(__file__).parents[2] / "data" / "elf_sample"

# Two instructions of main (at FLASH + 8, four bytes): line 5, then line 6.
PROGRAM = set_address(FLASH + 8) + special(0, 4) + special(2, 1) + b"\2\1" + END_SEQUENCE
NAMES_2_TO_4 = b"inc\0/abs\0\0" + b"".join(
    name + b"\0" + bytes((directory, 0, 0))
    for name, directory in [(b"a.c", 0), (b"b.h", 1), (b"c.h", 2), (b"/d.h", 1)]
) + b"\0"  # fmt: skip


def image_with(tmp_path: Path, builder: ElfBuilder, **sections: bytes) -> Image:
    for name, data in (line_units(0) | sections).items():
        builder.section(f".{name}", data)
    path = tmp_path / "lines.elf"
    path.write_bytes(builder.build().data)
    return load_image(path)


def names_5() -> tuple[bytes, bytes]:
    """Directory and file tables of DWARF 5 in three forms, and their .debug_line_str."""
    strings = b"/home/x\0inc\0a.c\0"
    directories = b"\1" + uleb(1) + uleb(0x1F) + b"\2" + struct.pack("<II", 0, 8)
    # path as line_strp, directory as udata, and an MD5 (data16) that must be skipped
    files = b"\3" + b"".join(uleb(n) for n in (1, 0x1F, 2, 0x0F, 5, 0x1E)) + b"\2"
    for directory in (0, 1):
        files += struct.pack("<I", 12) + uleb(directory) + bytes(16)
    return directories + files, strings


@pytest.mark.parametrize("version", [2, 3, 4])
def test_each_instruction_has_its_line(tmp_path: Path, version: int) -> None:
    image = image_with(tmp_path, runnable(), debug_line=line_unit(version, NAMES_2_TO_4, PROGRAM))
    assert [image.line_at(FLASH + offset) for offset in (7, 8, 9, 10, 11, 12)] == [
        None, ("a.c", 5), ("a.c", 5), ("a.c", 6), ("a.c", 6), None,
    ]  # fmt: skip


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_files_before_version_5_lie_in_the_compilation_directory(
    tmp_path: Path, version: int
) -> None:
    program = set_address(FLASH + 8)
    for file in (1, 2):
        program += b"\4" + uleb(file) + special(0, 1) + b"\2\1"
    unit = line_unit(4, NAMES_2_TO_4, program + END_SEQUENCE)
    image = image_with(
        tmp_path, runnable(), debug_line=unit, **line_units(0, version=version, directory="/home/x")
    )
    assert image.line_at(FLASH + 8) == ("/home/x/a.c", 2)
    assert image.line_at(FLASH + 10) == ("/home/x/inc/b.h", 3)


@pytest.mark.parametrize(
    ("file", "path"), [(3, "/abs/c.h"), (4, "/d.h"), (0, None), (5, None), (10**6, None)]
)
def test_absolute_names_stand_alone_and_unknown_files_give_no_line(
    tmp_path: Path, file: int, path: str | None
) -> None:
    program = set_address(FLASH + 8) + b"\4" + uleb(file) + special(0, 1) + b"\2\2" + END_SEQUENCE
    unit = line_unit(4, NAMES_2_TO_4, program)
    image = image_with(tmp_path, runnable(), debug_line=unit, **line_units(0, directory="/home/x"))
    assert image.line_at(FLASH + 8) == ((path, 2) if path else None)


def test_version_5_counts_files_and_directories_from_0(tmp_path: Path) -> None:
    names, strings = names_5()
    program = set_address(FLASH + 8)
    for file in (0, 1):
        program += b"\4" + uleb(file) + special(0, 1) + b"\2\1"
    unit = line_unit(5, names, program + END_SEQUENCE)
    image = image_with(tmp_path, runnable(), debug_line=unit, debug_line_str=strings)
    assert image.line_at(FLASH + 8) == ("/home/x/a.c", 2)
    assert image.line_at(FLASH + 10) == ("/home/x/inc/a.c", 3)


def test_paths_are_normalised_and_windows_paths_kept(tmp_path: Path) -> None:
    names = b"..\0\0" + b"a.c\0\1\0\0" + b"C:\\src\\b.c\0\1\0\0" + b"\0"
    program = set_address(FLASH + 8)
    for file in (1, 2):
        program += b"\4" + uleb(file) + special(0, 1) + b"\2\1"
    unit = line_unit(4, names, program + END_SEQUENCE)
    image = image_with(tmp_path, runnable(), debug_line=unit, **line_units(0, directory="/home/x"))
    assert image.line_at(FLASH + 8) == ("/home/a.c", 2)
    assert image.line_at(FLASH + 10) == ("C:\\src\\b.c", 3)


def test_all_opcodes_move_the_row_as_the_standard_says(tmp_path: Path) -> None:
    builder = ElfBuilder(entry=FLASH + 1)
    builder.text(CODE * 200)
    unknown_extended = b"\0\x03\x80ab"
    program = (
        set_address(FLASH) + unknown_extended
        + b"\3" + sleb(99) + b"\1"                 # advance_line, copy: FLASH, line 100
        + b"\2" + uleb(70) + b"\5\x11" + b"\6\7"   # advance_pc 140, column, negate_stmt, block
        + b"\3" + sleb(-60) + b"\x0a\x0b\1"        # prologue_end, epilogue_begin: line 40
        + b"\x08" + b"\x0c\1" + special(0, 1)      # const_add_pc: (255-13)//14*2 = 34; isa; line 41
        + b"\x09\x10\0" + special(2, -5)           # fixed_advance_pc 16, then 2 more: line 36
        + b"\2\1" + END_SEQUENCE
    )  # fmt: skip
    image = image_with(tmp_path, builder, debug_line=line_unit(3, NAMES_2_TO_4, program))
    rows = [(0, 100), (140, 40), (140 + 34, 41), (140 + 34 + 16 + 2, 36)]
    for (start, line), (end, _) in zip(rows, [*rows[1:], (194, 0)], strict=True):
        assert image.line_at(FLASH + start) == ("a.c", line)
        assert image.line_at(FLASH + end - 1) == ("a.c", line)
    assert image.line_at(FLASH + 194) is None


def test_of_rows_at_one_address_the_last_holds_and_line_0_is_unknown(tmp_path: Path) -> None:
    program = set_address(FLASH + 8) + special(0, 4) + special(0, 4) + special(2, -9 + 5)
    program += b"\3" + sleb(-5) + b"\1" + b"\2\1" + END_SEQUENCE
    image = image_with(tmp_path, runnable(), debug_line=line_unit(4, NAMES_2_TO_4, program))
    assert image.line_at(FLASH + 8) == ("a.c", 9)
    assert image.line_at(FLASH + 10) is None  # 9 - 4 - 5 = 0


def test_the_64_bit_format_is_read(tmp_path: Path) -> None:
    unit = line_unit(4, NAMES_2_TO_4, PROGRAM)
    wide = b"\xff\xff\xff\xff" + struct.pack("<Q", len(unit)) + unit[4:6]
    wide += struct.pack("<II", *struct.unpack("<I", unit[6:10]), 0) + unit[10:]
    image = image_with(tmp_path, runnable(), debug_line=wide, **line_units(0, wide=True))
    assert image.line_at(FLASH + 8) == ("a.c", 5)


def sequence(start: int, size: int, line: int) -> bytes:
    return (
        set_address(start) + b"\3" + sleb(line - 1) + b"\1" + b"\2" + uleb(size // 2) + END_SEQUENCE
    )


def test_sequences_of_discarded_functions_are_passed_over(tmp_path: Path) -> None:
    # GNU ld leaves them at 0, lld at the end of the address space.
    program = sequence(0, 4, 77) + sequence(0xFFFFFFFE, 0, 78) + sequence(FLASH + 8, 4, 5)
    image = image_with(tmp_path, runnable(), debug_line=line_unit(4, NAMES_2_TO_4, program))
    assert image.line_at(0) is None
    assert image.line_at(FLASH + 8) == ("a.c", 5)


def itcm() -> ElfBuilder:
    """Two functions of eight bytes at address 0; `first` comes from real.c."""
    builder = ElfBuilder(entry=1)
    builder.text(CODE * 4, 0, ".itcm")
    builder.symbol("real.c", 0, 0, FILE, LOCAL, ABSOLUTE)
    builder.mapping("t", 0)
    builder.symbol("first", 1, 8)
    builder.symbol("second", 9, 8)
    return builder


def functions_unit(name: str, lines: int, *functions: tuple[str, int, int, int]) -> bytes:
    """A unit of DWARF 4 by ABBREVIATIONS. Functions: name, declaring line, address and size."""
    body = struct.pack("<HIB", 4, 0, 4) + b"\1" + name.encode() + b"\0" + struct.pack("<I", lines)
    for function, line, address, size in functions:
        body += b"\2" + function.encode() + b"\0" + struct.pack("<BII", line, address, size)
    return struct.pack("<I", len(body) + 1) + body + b"\0"


# 1: compile unit with name (string) and stmt_list; 2: subprogram with name, decl_line, low, high.
ABBREVIATIONS = (
    b"\1\x11\1\x03\x08\x10\x17\0\0" + b"\2\x2e\0\x03\x08\x3b\x0b\x11\x01\x12\x06\0\0" + b"\0"
)


UnitAtZero = tuple[str, bytes, list[tuple[str, int, int, int]]]


def image_at_zero(tmp_path: Path, *units: UnitAtZero) -> Image:
    """An image of itcm() with units: name, line program, functions."""
    info, line = b"", b""
    for name, program, functions in units:
        info += functions_unit(name, len(line), *functions)
        line += line_unit(4, NAMES_2_TO_4, program)
    return image_with(
        tmp_path, itcm(), debug_line=line, debug_info=info, debug_abbrev=ABBREVIATIONS
    )


GONE = ("gone", 77, 0, 8)
FIRST = ("first", 5, 0, 8)


@pytest.mark.parametrize(
    ("units", "line"),
    [
        pytest.param([("real.c", sequence(0, 8, 77), [GONE])], None, id="only-a-discarded-one"),
        pytest.param(
            [("other.c", sequence(0, 8, 77), [GONE]), ("real.c", sequence(0, 8, 5), [FIRST])], 5,
            id="of-the-same-size-in-another-unit",
        ),
        pytest.param(
            [("real.c", sequence(0, 8, 77) + sequence(0, 8, 5), [GONE, FIRST])], 5,
            id="of-the-same-size-in-the-unit",
        ),
        pytest.param(
            [("other.c", sequence(0, 8, 77), [("first", 77, 0, 8)]),
             ("real.c", sequence(0, 8, 5), [FIRST])], 5, id="of-the-same-name-in-another-file",
        ),
        pytest.param(
            [("real.c", sequence(0, 16, 77), [("first", 77, 0, 16)])], None, id="of-another-size"
        ),
        pytest.param([("real.c", sequence(0, 16, 5), [FIRST])], 5, id="functions-in-one-section"),
        pytest.param([("real.c", sequence(0, 8, 5), [])], 5, id="assembly-of-that-file"),
        pytest.param([("other.c", sequence(0, 8, 5), [])], None, id="assembly-of-another-file"),
    ],
)  # fmt: skip
def test_lines_at_address_0_are_those_of_the_function_whose_symbol_is_there(
    tmp_path: Path, units: list[UnitAtZero], line: int | None
) -> None:
    image = image_at_zero(tmp_path, *units)
    assert image.line_at(0) == image.line_at(6) == (("a.c", line) if line else None)


def test_code_at_address_0_without_names_of_functions_is_told_by_its_end(tmp_path: Path) -> None:
    builder = ElfBuilder(entry=1)
    builder.text(CODE * 4, 0, ".itcm")
    builder.symbol("first", 1, 8)
    builder.symbol("second", 9, 8)
    program = sequence(0, 6, 77) + sequence(0, 8, 5) + sequence(0, 12, 78) + sequence(8, 8, 6)
    image = image_with(tmp_path, builder, debug_line=line_unit(4, NAMES_2_TO_4, program))
    assert image.line_at(0) == ("a.c", 5)
    assert image.line_at(7) == ("a.c", 5)
    assert image.line_at(8) == ("a.c", 6)


def test_compressed_debug_sections_are_read(tmp_path: Path) -> None:
    unit = line_unit(4, NAMES_2_TO_4, PROGRAM)
    builder = runnable()
    packed = struct.pack("<III", 1, len(unit), 1) + zlib.compress(unit)
    builder.section(".debug_line", packed, 0, 0x800)
    assert image_with(tmp_path, builder).line_at(FLASH + 8) == ("a.c", 5)


def test_a_file_without_debug_information_has_no_lines(tmp_path: Path) -> None:
    assert image_with(tmp_path, runnable()).line_at(FLASH + 8) is None


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Offsets in .debug_line of the programs that are read, as they are."""
    offsets: list[int] = []

    def counted(section: Section, offset: int) -> LineProgram:
        offsets.append(offset)
        return LineProgram(section, offset)

    monkeypatch.setattr("simcore.elf.lines.LineProgram", counted)
    return offsets


def two_units(tmp_path: Path, *, ranges: bool) -> Image:
    """Two functions of four bytes, each in its own unit: lines 5 and 50."""
    builder = ElfBuilder(entry=FLASH + 1)
    builder.text(CODE * 2)
    first = line_unit(4, NAMES_2_TO_4, sequence(FLASH, 4, 5))
    second = line_unit(4, NAMES_2_TO_4, sequence(FLASH + 4, 4, 50))
    sections = {"debug_line": first + second} | line_units(0, len(first))
    if ranges:
        # Name (string), stmt_list, low_pc (addr) and high_pc (data4)
        sections["debug_abbrev"] = b"\1\x11\0\x03\x08\x10\x17\x11\x01\x12\x06\0\0\0"
        sections["debug_info"] = b""
        for line, start in ((0, FLASH), (len(first), FLASH + 4)):
            body = struct.pack("<HIB", 4, 0, 4) + b"\1a.c\0" + struct.pack("<III", line, start, 4)
            sections["debug_info"] += struct.pack("<I", len(body)) + body
    return image_with(tmp_path, builder, **sections)


def test_only_the_unit_that_holds_an_address_is_decoded_and_once(
    tmp_path: Path, decoded: list[int]
) -> None:
    image = two_units(tmp_path, ranges=True)
    assert len(decoded) == 0
    assert image.line_at(FLASH + 4) == image.line_at(FLASH + 6) == ("a.c", 50)
    assert len(decoded) == 1
    assert image.line_at(FLASH) == ("a.c", 5)
    assert image.line_at(FLASH + 8) is None
    assert len(decoded) == 2


def test_units_that_do_not_say_where_their_code_is_are_all_looked_through(
    tmp_path: Path, decoded: list[int]
) -> None:
    image = two_units(tmp_path, ranges=False)
    assert image.line_at(FLASH + 4) == ("a.c", 50)
    assert image.line_at(FLASH) == ("a.c", 5)
    assert len(decoded) == 2


def test_a_thread_waits_for_the_lines_that_another_one_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of one process share what they read of a program."""
    reading, slow = threading.Event(), LineTable._find_units

    def find_units(table: LineTable) -> None:
        reading.set()
        time.sleep(0.05)
        slow(table)

    monkeypatch.setattr(LineTable, "_find_units", find_units)
    image = image_with(tmp_path, runnable(), debug_line=line_unit(4, NAMES_2_TO_4, PROGRAM))
    first = threading.Thread(target=image.line_at, args=(FLASH + 8,))
    first.start()
    assert reading.wait(10)
    assert image.line_at(FLASH + 8) == ("a.c", 5)
    first.join()


# -- against binutils: tests/data/elf_sample/make.sh made the files and what the tools say ---------

SAMPLES = [SAMPLE / f"sample{version}.elf" for version in (4, 5)]


def tool_output(path: Path, tool: str) -> list[list[str]]:
    """Lines of what `tool` said of an ELF file, split at white space."""
    text = path.with_suffix(f".{tool}.txt").read_text()
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("aranges", [True, False])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_address_has_the_line_that_addr2line_gives(
    tmp_path: Path, path: Path, aranges: bool
) -> None:
    # Without .debug_aranges, as Clang writes it, the units say themselves where their code is.
    data = path.read_bytes()
    assert data.count(b".debug_aranges\0") == 1
    if not aranges:
        data = data.replace(b".debug_aranges\0", b".other_aranges\0")
    (tmp_path / "sample.elf").write_bytes(data)
    image = load_image(tmp_path / "sample.elf")
    rows = tool_output(path, "addr2line")
    known = [row for row in rows if not row[1].startswith("?")]
    assert len(known) > 30
    for address, place, *_ in rows:
        file, _, line = place.rpartition(":")
        expected = None if file == "??" or line == "?" else (file, int(line))
        assert image.line_at(int(address, 16)) == expected, address


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_segments_and_symbols_are_those_that_readelf_lists(path: Path) -> None:
    image = load_image(path)
    rows = tool_output(path, "readelf")
    # LOAD offset address load-address file-size memory-size flags
    loads = [(int(r[3], 16), int(r[2], 16), int(r[4], 16), int(r[5], 16)) for r in rows
             if r[0] == "LOAD"]  # fmt: skip
    assert [
        (s.address, s.run_address, len(s.data), s.memory_size) for s in image.segments
    ] == sorted(loads)
    # number: address size type binding visibility section name
    kinds = {"FUNC": "function", "OBJECT": "object", "NOTYPE": "label"}
    listed = {
        (r[7], int(r[1], 16) & ~(r[3] == "FUNC"), int(r[2], 0), kinds[r[3]], r[4].lower())
        for r in rows
        if len(r) == 8 and r[0][-1] == ":" and r[3] in kinds and r[6] != "UND" and r[7][0] != "$"
    }
    assert {(s.name, s.address, s.size, s.kind, s.binding) for s in image.symbols} == listed
    assert next(row[-1] for row in rows if "NT_GNU_BUILD_ID" in row) == image.build_id


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_section_bytes_are_those_that_objdump_shows(path: Path) -> None:
    image = load_image(path)
    checked = 0
    for address, *words in tool_output(path, "objdump"):
        expected = bytes.fromhex("".join(words))
        assert image.read(int(address, 16), len(expected)) == expected
        checked += len(expected)
    assert checked == sum(s.size for s in image.sections if s.name in (".text", ".data"))
