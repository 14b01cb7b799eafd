"""Debug information in a file of its own, and in compressed sections: found, taken or said."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import pytest

from simcore.elf import Image, load_files, load_image
from simcore.errors import ElfError
from tests.unit.elf_builder import (
    ALLOC,
    CODE,
    COMPRESSED,
    END_SEQUENCE,
    EXEC,
    FLASH,
    NOBITS,
    NOTE,
    ElfBuilder,
    line_unit,
    line_units,
    runnable,
    set_address,
    special,
)

NAMES = b"\0a.c\0\0\0\0\0"
LINES = line_unit(4, NAMES, set_address(FLASH + 8) + special(0, 4) + b"\2\2" + END_SEQUENCE)
PLACE = ("a.c", 5)


def build_id(text: bytes) -> bytes:
    return struct.pack("<III", 4, len(text), 3) + b"GNU\0" + text


def debug_only(note: bytes = b"", size: int = len(CODE)) -> bytes:
    """What objcopy --only-keep-debug leaves of runnable() with lines."""
    builder = ElfBuilder()
    index = builder.section(".text", b"", FLASH + 8, ALLOC | EXEC, type=NOBITS, size=size)
    builder.mapping("t", FLASH + 8, index)
    builder.symbol("main", FLASH + 9, len(CODE), section=index)
    if note:
        builder.section(".note.gnu.build-id", note, type=NOTE)
    for name, data in {"debug_line": LINES, **line_units(0)}.items():
        builder.section(f".{name}", data)
    return builder.build().data


def link(name: bytes, data: bytes) -> bytes:
    return (name + b"\0").ljust((len(name) + 4) // 4 * 4, b"\0") + struct.pack(
        "<I", zlib.crc32(data)
    )


def program(folder: Path, *, section: bytes = b"", note: bytes = b"", symbols: bool = True) -> Path:
    """runnable() without debug information, with a debug link or a build id."""
    builder = runnable()
    builder.symbol_table = symbols
    if section:
        builder.section(".gnu_debuglink", section)
    if note:
        builder.section(".note.gnu.build-id", note, type=NOTE)
    path = folder / "program.elf"
    path.write_bytes(builder.build().data)
    return path


@pytest.mark.parametrize("symbols", [True, False])
@pytest.mark.parametrize("where", [".", ".debug", "named"])
def test_the_file_of_a_debug_link_is_found(tmp_path: Path, where: str, symbols: bool) -> None:
    data = debug_only()
    (tmp_path / "named").mkdir()
    (tmp_path / where).mkdir(exist_ok=True)
    (tmp_path / where / "program.debug").write_bytes(data)
    elf = program(tmp_path, section=link(b"program.debug", data), symbols=symbols)
    image = load_image(elf, debug_dir=str(tmp_path / "named"))
    assert image.line_at(FLASH + 8) == PLACE
    assert image.warnings == ()
    assert "main" in [function.name for function in image.functions]


def test_a_file_is_found_by_the_build_id(tmp_path: Path) -> None:
    note = build_id(bytes.fromhex("abcdef01"))
    path = tmp_path / "all" / ".build-id" / "ab" / "cdef01.debug"
    path.parent.mkdir(parents=True)
    elf = program(tmp_path, note=note)
    path.write_bytes(debug_only(note))
    assert load_image(elf, debug_dir=str(tmp_path / "all")).line_at(FLASH + 8) == PLACE
    assert load_image(elf).line_at(FLASH + 8) is None
    path.write_bytes(debug_only(build_id(b"\xab\xcd\xef\x02")))
    image = load_image(elf, debug_dir=str(tmp_path / "all"))
    assert image.line_at(FLASH + 8) is None
    assert image.warnings == (
        "cdef01.debug is of another build (build id abcdef02) and is not used: --debug-file"
        " cdef01.debug takes it all the same",
    )


def test_a_file_of_another_crc_is_not_taken_unless_it_is_told(tmp_path: Path) -> None:
    data = debug_only()
    elf = program(tmp_path, section=link(b"program.debug", data + b"more"))
    (tmp_path / "program.debug").write_bytes(data)
    image = load_image(elf)
    assert image.line_at(FLASH + 8) is None
    (warning,) = image.warnings
    assert warning.startswith("program.debug is of another build (CRC ")
    told = load_image(elf, debug_file=tmp_path / "program.debug")
    assert (told.line_at(FLASH + 8), told.warnings) == (PLACE, ())


@pytest.mark.parametrize(
    "name", [b"../secret", b"/etc/passwd", b"a/b", b"..", b"..\\x", b"a\x1bb"], ids=repr
)
def test_a_link_that_is_a_path_is_not_followed(tmp_path: Path, name: bytes) -> None:
    data = debug_only()
    inner = tmp_path / "inner"
    inner.mkdir()
    for place in (tmp_path / "secret", inner / "..\\x", inner / "a\x1bb"):
        place.write_bytes(data)
    (inner / "a").mkdir()
    (inner / "a" / "b").write_bytes(data)
    files = load_files(program(inner, section=link(name, data)))
    assert files.names == ()
    (warning,) = files.warnings
    assert "is no plain file name and is not looked for" in warning
    assert warning.isprintable()


def test_a_link_to_a_file_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    (warning,) = load_image(program(tmp_path, section=link(b"x.debug", b""))).warnings
    assert warning == (
        "its source lines are in x.debug, which is neither beside it nor in .debug there:"
        " --debug-file FILE or --debug-dir FOLDER says where it is"
    )


def test_a_debug_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ElfError, match="nowhere: no such folder; check --debug-dir"):
        load_image(program(tmp_path), debug_dir=str(tmp_path / "nowhere"))


@pytest.mark.parametrize("section", [b"", b"x", b"\0" * 16, b"\xff" * 600])
def test_a_broken_link_is_none(tmp_path: Path, section: bytes) -> None:
    image = load_image(program(tmp_path, section=section or b"\0"))
    assert image.debug_link is None or "not looked for" in image.warnings[0]


def test_a_file_of_another_build_that_is_told_is_warned_of(tmp_path: Path) -> None:
    elf = program(tmp_path)
    (tmp_path / "other.debug").write_bytes(debug_only(size=64))
    (warning,) = load_image(elf, debug_file=tmp_path / "other.debug").warnings
    assert "other.debug is of another build than" in warning


def test_a_file_with_debug_information_only_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "program.debug"
    path.write_bytes(debug_only())
    with pytest.raises(ElfError, match=r"program\.debug: holds debug information only .objcopy"):
        load_image(path)


# -- compressed sections ---------------------------------------------------------------------------


def with_section(tmp_path: Path, name: str, data: bytes, flags: int = 0) -> Image:
    builder = runnable()
    builder.section(name, data, 0, flags)
    for other, content in line_units(0).items():
        builder.section(f".{other}", content)
    path = tmp_path / "compressed.elf"
    path.write_bytes(builder.build().data)
    return load_image(path)


def test_zdebug_sections_are_read(tmp_path: Path) -> None:
    packed = b"ZLIB" + struct.pack(">Q", len(LINES)) + zlib.compress(LINES)
    assert with_section(tmp_path, ".zdebug_line", packed).line_at(FLASH + 8) == PLACE


def zstd_raw(data: bytes) -> bytes:
    """A frame of Zstandard (RFC 8878) with one raw block."""
    header = b"\x28\xb5\x2f\xfd" + b"\x60" + struct.pack("<H", len(data) - 256)
    return header + struct.pack("<I", len(data) << 3 | 1)[:3] + data


def zstd_section() -> bytes:
    padded = LINES + bytes(300)
    return struct.pack("<III", 2, len(padded), 1) + zstd_raw(padded)


def test_sections_compressed_by_zstd_are_read(tmp_path: Path) -> None:
    image = with_section(tmp_path, ".debug_line", zstd_section(), COMPRESSED)
    assert image.line_at(FLASH + 8) == PLACE


def test_without_a_package_for_zstd_the_way_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("compression", "backports", "backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    image = with_section(tmp_path, ".debug_line", zstd_section(), COMPRESSED)
    assert image.lacking_lines([FLASH + 8]) == (
        "no source lines for 1 function that ran: .debug_line is compressed by zstd: pip install"
        " 'mcusim[zstd]', or arm-none-eabi-objcopy --decompress-debug-sections",
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (struct.pack("<III", 7, 9, 1) + b"x", "unknown method (7)"),
        (struct.pack("<III", 1, 1 << 30, 1) + b"x", "inflates to 1073741824 bytes"),
        (struct.pack("<III", 1, 9, 1) + b"x", "does not inflate"),
        (struct.pack("<III", 2, 9, 1) + b"x", "does not inflate"),
        (b"\1", "is cut off"),
    ],
)
def test_a_section_that_does_not_inflate_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    image = with_section(tmp_path, ".debug_line", data, COMPRESSED)
    (warning,) = image.lacking_lines([FLASH + 8])
    assert said in warning


def test_what_is_broken_is_said_of_functions_that_lack_lines_only(tmp_path: Path) -> None:
    image = with_section(tmp_path, ".debug_line", LINES[:-4])
    assert image.lacking_lines([FLASH + 8]) == (
        "no source lines for 1 function that ran: the line program of unit.c is cut off",
    )
    assert with_section(tmp_path, ".debug_line", LINES).lacking_lines([FLASH + 8, FLASH]) == ()
