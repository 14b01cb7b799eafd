"""Source lines: hand-assembled line tables of each DWARF version, and the kernels' read twice."""

from __future__ import annotations

import posixpath
import struct
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simcore.elf import Image, load_image
from tests.unit.elf_builder import (
    CODE,
    END_SEQUENCE,
    FLASH,
    ElfBuilder,
    line_unit,
    runnable,
    set_address,
    sleb,
    special,
    uleb,
)

PREBUILT = sorted((Path(__file__).parents[2] / "kernels" / "prebuilt").glob("*.elf"))

# Two instructions of main (at FLASH + 8, four bytes): line 5, then line 6.
PROGRAM = set_address(FLASH + 8) + special(0, 4) + special(2, 1) + b"\2\1" + END_SEQUENCE
NAMES_2_TO_4 = b"inc\0/abs\0\0" + b"".join(
    name + b"\0" + bytes((directory, 0, 0))
    for name, directory in [(b"a.c", 0), (b"b.h", 1), (b"c.h", 2), (b"/d.h", 1)]
) + b"\0"  # fmt: skip


def image_with(tmp_path: Path, builder: ElfBuilder, **sections: bytes) -> Image:
    for name, data in sections.items():
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


def unit_info(version: int, line_offset: int = 0) -> dict[str, bytes]:
    """.debug_info with one compile unit: comp_dir "/home/x", stmt_list, and abbreviations."""
    # Abbreviation 1 is another one; 2 has name (strp), an implicit constant, comp_dir, stmt_list.
    abbrev = b"\1\x24\0\x03\x08\0\0" + b"\2\x11\1\x03\x0e\x13\x21\x0c\x1b\x08\x10\x17\0\0" + b"\0"
    value = b"\2" + bytes(4) + b"/home/x\0" + struct.pack("<I", line_offset)
    head = struct.pack("<HIB", version, 0, 4)
    if version == 5:
        head = struct.pack("<HBBI", 5, 1, 4, 0)
    return {
        "debug_info": struct.pack("<I", len(head + value)) + head + value,
        "debug_abbrev": abbrev,
        "debug_str": b"unit.c\0",
    }


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
    image = image_with(tmp_path, runnable(), debug_line=unit, **unit_info(version))
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
    image = image_with(tmp_path, runnable(), debug_line=unit, **unit_info(4))
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
    image = image_with(tmp_path, runnable(), debug_line=unit, **unit_info(4))
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
    image = image_with(tmp_path, runnable(), debug_line=wide + line_unit(4, NAMES_2_TO_4, b""))
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


def test_code_at_address_0_is_told_from_discarded_functions_by_its_end(tmp_path: Path) -> None:
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


def test_lines_are_decoded_on_the_first_question_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simcore import dwarf_lines

    built: list[object] = []
    original = dwarf_lines.LineTable

    def counted(*arguments: object) -> object:
        built.append(arguments)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(dwarf_lines, "LineTable", counted)
    image = image_with(tmp_path, runnable(), debug_line=line_unit(4, NAMES_2_TO_4, PROGRAM))
    assert not built
    image.line_at(FLASH + 8)
    image.line_at(FLASH + 10)
    assert len(built) == 1


# -- against pyelftools, which nobody here wrote --------------------------------------------------


@pytest.mark.parametrize("path", PREBUILT, ids=lambda path: path.stem)
def test_every_row_of_the_kernels_equals_what_pyelftools_reads(path: Path) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    image = load_image(path)
    code = [(s.address, s.address + s.size) for s in image.sections if s.executable and s.allocated]
    compared = 0
    with path.open("rb") as stream:
        dwarf = elffile.ELFFile(stream).get_dwarf_info()
        for unit in dwarf.iter_CUs():
            program = dwarf.line_program_for_CU(unit)
            top = unit.get_top_DIE().attributes
            base = top["DW_AT_comp_dir"].value if "DW_AT_comp_dir" in top else b""
            entries = program.get_entries()
            states = [entry.state for entry in entries if entry.state is not None]
            for state, following in pairwise(states):
                inside = any(low <= state.address < high for low, high in code)
                if state.end_sequence or not inside or following.address == state.address:
                    continue
                expected = (pyelftools_path(program.header, state.file, base), state.line)
                got = image.line_at(state.address)
                assert got == (expected if state.line else None)
                assert image.line_at(following.address - 1) == got
                compared += 1
    assert compared > 200


def pyelftools_path(header: Any, file: int, base: bytes) -> str:
    first = 0 if header.version >= 5 else 1
    entry = header.file_entry[file - first]
    parts = [base]
    if header.version >= 5:
        parts += [header.include_directory[0], header.include_directory[entry.dir_index]]
    elif entry.dir_index:
        parts.append(header.include_directory[entry.dir_index - 1])
    return posixpath.normpath(posixpath.join(*(p.decode() for p in parts), entry.name.decode()))


@pytest.mark.parametrize("path", PREBUILT, ids=lambda path: path.stem)
def test_segments_and_symbols_of_the_kernels_equal_what_pyelftools_reads(path: Path) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    image = load_image(path)
    with path.open("rb") as stream:
        elf = elffile.ELFFile(stream)
        loads = sorted(
            (s["p_paddr"], s["p_vaddr"], s.data(), s["p_memsz"])
            for s in elf.iter_segments("PT_LOAD")
            if s["p_memsz"]
        )
        assert loads == [(s.address, s.run_address, s.data, s.memory_size) for s in image.segments]
        functions = {
            (s.name, s["st_value"] & ~1, s["st_size"])
            for s in elf.get_section_by_name(".symtab").iter_symbols()
            if s["st_info"]["type"] == "STT_FUNC" and s["st_shndx"] != "SHN_UNDEF"
        }
    ours = {(s.name, s.address, s.size) for s in image.symbols if s.kind == "function"}
    assert ours == functions
    assert {start for _, start, _ in functions} <= {f.start for f in image.functions}
