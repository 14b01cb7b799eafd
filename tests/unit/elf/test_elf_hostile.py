"""The loader on files that are wrong: one line with path, reason and advice, in bounded time."""

from __future__ import annotations

import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.elf import Image, Symbol, load_image
from simcore.elf.functions import CodeMap, build_functions, code_sections
from simcore.errors import ElfError, ExitCode
from tests.cost import costs_at_most, cpu_ratio
from tests.unit.elf_builder import (
    ALLOC,
    ARM_ATTRIBUTES,
    CODE,
    COMPRESSED,
    END_SEQUENCE,
    EXEC,
    FLASH,
    HEADER_BYTES,
    LOCAL,
    NOBITS,
    NOTE,
    NOTYPE,
    RAM,
    WRITE,
    ElfBuilder,
    address_ranges,
    attributes,
    line_unit,
    line_units,
    runnable,
    set_address,
    special,
)

PREBUILT = Path(__file__).parents[3] / "kernels" / "prebuilt"
# Bound of one load and its lines, in pieces of standard_work(): a good file of this size takes two,
# those that use up their budget of reads some 250.
BOUNDED = 1000

Refusal = Callable[[bytes], str]
Accepted = Callable[[bytes], Image]


@pytest.fixture
def refusal(tmp_path: Path) -> Refusal:
    """Load bytes that must be refused; return the message behind the path."""

    def load(data: bytes) -> str:
        path = tmp_path / "bad.elf"
        path.write_bytes(data)
        with pytest.raises(ElfError) as caught:
            load_image(path)
        return checked(caught.value, path)

    return load


@pytest.fixture
def accepted(tmp_path: Path) -> Accepted:
    def load(data: bytes) -> Image:
        path = tmp_path / "odd.elf"
        path.write_bytes(data)
        with costs_at_most(BOUNDED):
            image = load_image(path)
            image.line_at(FLASH)
        return image

    return load


def checked(error: ElfError, path: Path | str) -> str:
    """Assert that a message is one line that begins with the path and advises; return the rest."""
    message = str(error)
    prefix = f"{path}: "
    assert message.startswith(prefix)
    assert message.isprintable()  # no line break, no escape sequence
    assert len(message) - len(prefix) < 200
    assert error.exit_code == ExitCode.USAGE
    return message[len(prefix) :]


# -- no file --------------------------------------------------------------------------------------


def path_refusal(path: Path) -> str:
    with pytest.raises(ElfError) as caught:
        load_image(path)
    return checked(caught.value, path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert path_refusal(tmp_path / "absent.elf") == "no such file; check the path"


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in path_refusal(tmp_path)


def test_a_device_and_a_pipe_are_refused_without_reading_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in path_refusal(tmp_path / "pipe")
    assert "not a regular file" in path_refusal(Path("/dev/zero"))


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.elf"
    path.write_bytes(runnable().build().data)
    path.chmod(0)
    with not_as_root():
        assert "permission denied" in path_refusal(path)


@contextmanager
def not_as_root() -> Iterator[None]:
    """Root reads everything, so it is nobody for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_permission_denied_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.elf"
    path.write_bytes(b"")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert path_refusal(path) == "permission denied; make it readable"


def test_other_errors_of_the_system_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be read" in path_refusal(tmp_path / "loop")
    assert "cannot be read" in path_refusal(tmp_path / ("x" * 300))


def test_a_path_through_a_file_and_a_path_with_nul_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be read" in path_refusal(tmp_path / "file" / "x.elf")
    with pytest.raises(ElfError):
        load_image(f"{tmp_path}/a\0b")


def test_a_path_with_control_characters_is_shown_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ElfError) as caught:
        load_image(tmp_path / "a\nb\x1b[31m.elf")
    assert str(caught.value) == f"{tmp_path}/a?b?[31m.elf: no such file; check the path"


def test_a_file_too_large_for_a_microcontroller_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.elf"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    assert "too large" in path_refusal(path)


# -- not an executable for this machine -----------------------------------------------------------


def test_an_empty_file_is_refused(refusal: Refusal) -> None:
    assert refusal(b"").startswith("the file is empty")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"MZ\x90\0" + bytes(100), "not an ELF file; give"),
        (b"\x7fEL", "not an ELF file; give"),
        (bytes(64), "not an ELF file; give"),
        (b"!<arch>\nx", "archive"),
        (b"#!/bin/sh\n", "a script"),
    ],
)
def test_other_formats_are_refused_by_name(refusal: Refusal, data: bytes, reason: str) -> None:
    assert reason in refusal(data)


@pytest.mark.parametrize(
    ("machine", "name"),
    [(62, "x64"), (183, "AArch64"), (243, "RISC-V"), (9999, "another machine")],
)
def test_another_machine_is_refused_by_name(refusal: Refusal, machine: int, name: str) -> None:
    message = refusal(ElfBuilder(machine=machine).build().data)
    assert name in message
    assert f"e_machine {machine}" in message


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"elf_class": 2}, "not a 32-bit little-endian ELF"),
        ({"elf_class": 0}, "not a 32-bit little-endian ELF"),
        ({"encoding": 0}, "not a 32-bit little-endian ELF"),
        ({"encoding": 2}, "big-endian"),
        ({"flags": 0x05800000}, "big-endian code (BE8)"),
        ({"kind": 1}, "relocatable"),
        ({"kind": 3}, "shared library or position-independent"),
        ({"kind": 4}, "core dump"),
        ({"kind": 0xFE00}, "type 65024"),
    ],
)
def test_other_kinds_of_elf_are_refused(
    refusal: Refusal, changes: dict[str, int], reason: str
) -> None:
    builder = runnable()
    for name, value in changes.items():
        setattr(builder, name, value)
    assert reason in refusal(builder.build().data)


@pytest.mark.parametrize("profile", ["A", "R", "S"])
def test_code_for_another_profile_is_refused(refusal: Refusal, profile: str) -> None:
    builder = runnable()
    builder.section(".ARM.attributes", attributes(profile, 10), type=ARM_ATTRIBUTES)
    assert "R-profile" in (message := refusal(builder.build().data)) or "A-profile" in message


def test_code_for_the_m_profile_is_not_refused(accepted: Accepted) -> None:
    builder = runnable()
    builder.section(".ARM.attributes", attributes("M"), type=ARM_ATTRIBUTES)
    assert accepted(builder.build().data).warnings == ()


def test_arm_state_code_is_refused_by_its_mapping_symbol(refusal: Refusal) -> None:
    builder = runnable()
    index = builder.text(CODE, FLASH + 0x100, ".arm_code")
    builder.mapping("a", FLASH + 0x100, index)
    assert refusal(builder.build().data).startswith("Arm-state code at 0x08000100")


def test_an_arm_mapping_symbol_without_code_is_not_refused(accepted: Accepted) -> None:
    builder = runnable()
    builder.mapping("a", FLASH + 12, 2)  # at the end of .text
    builder.mapping("a", FLASH + 8, 2)  # where $t says Thumb: an empty input section
    assert len(accepted(builder.build().data).functions) == 1


def test_an_arm_state_entry_without_vector_table_is_no_start(accepted: Accepted) -> None:
    builder = ElfBuilder(entry=0x8000)
    builder.text(CODE, 0x8000)
    why = accepted(builder.build().data).no_start
    assert why is not None
    assert "entry point 0x00008000 is Arm state" in why


@pytest.mark.parametrize("entry", [0, 0x9001, RAM + 1])
def test_an_entry_outside_the_code_without_vector_table_is_no_start(
    accepted: Accepted, entry: int
) -> None:
    builder = ElfBuilder(entry=entry)
    builder.text(CODE, 0x8000)
    builder.section(".data", bytes(4), RAM, ALLOC | WRITE)
    why = accepted(builder.build().data).no_start
    assert why is not None
    assert "lies in no executable segment" in why


# -- truncated ------------------------------------------------------------------------------------


def test_every_truncation_is_refused_in_one_line(refusal: Refusal) -> None:
    data = runnable().build().data
    for size in range(len(data)):
        message = refusal(data[:size])
        if size >= 20:
            assert message.startswith("truncated")


def test_a_segment_beyond_the_file_is_refused(refusal: Refusal) -> None:
    built = runnable().build()
    assert "segment 1 ends at byte" in refusal(built.patched((HEADER_BYTES + 32 + 4, "<I", 10_000)))


def test_tables_beyond_the_file_are_refused_however_large_they_claim_to_be(
    refusal: Refusal,
) -> None:
    built = runnable().build()
    assert "program headers end at byte" in refusal(built.patched((44, "<H", 0xFFFF)))
    assert "section headers end at byte" in refusal(built.patched((48, "<H", 0xFFFF)))
    huge = built.patched((48, "<H", 0), (built.section_headers + 20, "<I", 0xFFFFFFFF))
    assert "section headers end at byte" in refusal(huge)
    assert "section headers end" in refusal(built.patched((32, "<I", 0xFFFFFFFF)))


@pytest.mark.parametrize(("offset", "what"), [(42, "program headers"), (46, "section headers")])
def test_headers_of_another_size_are_refused(refusal: Refusal, offset: int, what: str) -> None:
    assert what in refusal(runnable().build().patched((offset, "<H", 8)))


# -- segments -------------------------------------------------------------------------------------


def test_no_loadable_segment_is_refused(refusal: Refusal) -> None:
    builder = ElfBuilder()
    builder.section(".comment", b"GCC\0")
    assert refusal(builder.build().data).startswith("no loadable segment")
    builder.section(".text", b"", FLASH, ALLOC | EXEC)  # a PT_LOAD without memory
    assert refusal(builder.build().data).startswith("no loadable segment")


def test_segments_that_overlap_by_load_address_are_refused(refusal: Refusal) -> None:
    builder = runnable()
    builder.section(".data", bytes(8), RAM, ALLOC | WRITE, load_address=FLASH + 11)
    message = refusal(builder.build().data)
    assert "load addresses 0x08000008..0x0800000c and 0x0800000b" in message


def test_segments_that_overlap_by_run_address_are_refused(refusal: Refusal) -> None:
    builder = runnable()
    builder.section(".data", bytes(8), RAM, ALLOC | WRITE, load_address=FLASH + 0x100)
    builder.section(".more", bytes(4), RAM + 4, ALLOC | WRITE, load_address=FLASH + 0x200)
    assert "run addresses 0x20000000..0x20000008 and 0x20000004" in refusal(builder.build().data)


def test_zeros_around_data_are_cut_to_what_is_left(accepted: Accepted) -> None:
    # What GNU ld makes of a NOLOAD section in front of .data and .bss behind it: one segment.
    builder = runnable()
    builder.section(".dma", b"", RAM, ALLOC | WRITE, type=NOBITS, size=64)
    builder.section(".data", b"12345678", RAM + 16, ALLOC | WRITE, load_address=FLASH + 0x100)
    builder.section(".bss", b"", RAM + 8, ALLOC | WRITE, type=NOBITS, size=32)
    image = accepted(builder.build().data)
    ram = sorted((s.run_address, len(s.data), s.memory_size) for s in image.segments)[2:]
    assert ram == [(RAM, 0, 16), (RAM + 16, 8, 8), (RAM + 24, 0, 40)]
    assert image.read(RAM + 16, 8) == b"12345678"
    assert image.read(RAM + 8, 8) == image.read(RAM + 24, 8) == bytes(8)
    assert sum(memory for _, _, memory in ram) == 64


def test_thousands_of_zeros_around_each_other_cost_no_more_than_sorting(accepted: Accepted) -> None:
    builder = runnable()
    for index in range(4000):
        size = 8192 - 2 * index
        builder.section("z", b"", RAM + index, ALLOC | WRITE, type=NOBITS, size=size)
        builder.section("b", b"1", RAM + 0x10000 + 2 * index, ALLOC | WRITE)
    builder.section("all", b"", RAM, ALLOC | WRITE, type=NOBITS, size=0x20000)
    segments = accepted(builder.build().data).segments
    assert sum(s.memory_size for s in segments if s.run_address >= RAM) == 0x20000


def test_a_segment_without_bytes_may_stand_anywhere_in_the_file(accepted: Accepted) -> None:
    # binutils before 2.3x write such offsets for the .bss of stripped files
    builder = runnable()
    builder.section(".bss", b"", RAM, ALLOC | WRITE, type=NOBITS, size=64)
    data = bytearray(builder.build().data)
    struct.pack_into("<I", data, HEADER_BYTES + 2 * 32 + 4, 0x7FFF_0000)
    assert accepted(bytes(data)).ram_bytes == 64


def test_a_bss_whose_load_address_lies_in_other_bytes_is_not_an_overlap(accepted: Accepted) -> None:
    # GNU ld gives .bss the load address behind .data, where nothing is loaded.
    builder = runnable()
    builder.section(".bss", b"", RAM, ALLOC | WRITE, type=NOBITS, size=64, load_address=FLASH + 8)
    assert len(accepted(builder.build().data).segments) == 3


def test_a_segment_beyond_the_address_space_is_refused(refusal: Refusal) -> None:
    builder = runnable()
    builder.section(".top", bytes(8), 0xFFFFFFFC, ALLOC)
    assert "beyond the 32-bit address space" in refusal(builder.build().data)


def test_a_segment_with_more_bytes_than_memory_is_refused(refusal: Refusal) -> None:
    assert "8 bytes for 4 bytes" in refusal(
        runnable().build().patched((HEADER_BYTES + 20, "<I", 4))
    )


def test_segments_that_share_the_file_to_multiply_it_are_refused(refusal: Refusal) -> None:
    builder = runnable()
    for index in range(20):  # each claims the first 512 bytes of the file as its own
        builder.section(f".s{index}", bytes(32), RAM + 0x1000 * index, ALLOC)
    built = builder.build()
    patches = []
    for index in range(2, 22):
        at = HEADER_BYTES + 32 * index
        patches += [(at + 4, "<I", 8), (at + 16, "<I", 512), (at + 20, "<I", 512)]
    assert "claim more bytes than the file has" in refusal(built.patched(*patches))


# -- tables that only name things -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        pytest.param(".symtab", 4, 0xFFFFFFF0, id="symbols-beyond-the-file"),
        pytest.param(".symtab", 5, 0xFFFFFFF0, id="too-many-symbols"),
        pytest.param(".symtab", 6, 0xFFFF, id="link-to-no-section"),
        pytest.param(".symtab", 6, 3, id="link-to-itself"),
        pytest.param(".symtab", 6, 1, id="link-to-another-kind"),
        pytest.param(".symtab", 9, 0, id="entry-size-0"),
        pytest.param(".symtab", 9, 24, id="entry-size-24"),
        pytest.param(".strtab", 4, 0xFFFFFFF0, id="names-beyond-the-file"),
        pytest.param(".strtab", 5, 0xFFFFFFF0, id="names-too-large"),
        pytest.param(".strtab", 1, 8, id="names-without-bytes"),
    ],
)
def test_a_broken_symbol_table_costs_the_names_only(
    accepted: Accepted, section: str, field: int, value: int
) -> None:
    built = runnable().build()
    assert built.names.index(".symtab") == 3
    image = accepted(built.patched((built.section_header(section, field), "<I", value)))
    assert image.symbols == ()
    assert [f.name for f in image.functions] == [".text+0x0"]
    assert image.warnings == ("the symbol table is broken: functions have no names",)


@pytest.mark.parametrize("index", [0, 1, 0xFFFF])
def test_broken_section_names_cost_the_names_only(accepted: Accepted, index: int) -> None:
    image = accepted(runnable().build().patched((50, "<H", index)))
    assert [f.name for f in image.functions] == ["main"]
    assert "section names" in image.warnings[0]


def test_a_string_table_without_terminator_ends_at_its_end(accepted: Accepted) -> None:
    built = runnable().build()
    at = built.section_header(".strtab", 5)
    (size,) = struct.unpack_from("<I", built.data, at)
    image = accepted(built.patched((at, "<I", size - 1)))
    assert [f.name for f in image.functions] == ["main"]
    image = accepted(built.patched((at, "<I", size - 3)))
    assert [f.name for f in image.functions] == ["ma"]


def test_a_symbol_name_outside_the_string_table_is_no_name(accepted: Accepted) -> None:
    built = runnable().build()
    last = built.offset(".symtab") + 2 * 16
    image = accepted(built.patched((last, "<I", 0xFFFFFFFF)))
    assert [f.name for f in image.functions] == [".text+0x0"]


def test_control_characters_in_names_are_replaced(accepted: Accepted) -> None:
    builder = runnable()
    builder.symbol("a\x1b]0;x\x07\nb\u202e", FLASH + 9, 4, section=2)
    builder.symbol("raw\udcff", FLASH + 9, 4, section=2)  # a byte that is not UTF-8
    builder.section(".te\x1bxt2", CODE, FLASH + 0x40, ALLOC | EXEC)
    image = accepted(builder.build().data)
    assert image.symbol("a?]0;x??b?")
    assert image.symbol("raw\ufffd")
    assert image.functions[1].name == ".te?xt2+0x0"


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0xF8000000, 0x10000])
def test_sizes_beyond_the_section_are_cut(accepted: Accepted, size: int) -> None:
    builder = runnable()
    builder.symbol("greedy", FLASH + 9, size, section=2, binding=LOCAL)
    (function,) = accepted(builder.build().data).functions
    assert (function.start, function.end) == (FLASH + 8, FLASH + 12)


@pytest.mark.parametrize("address", [0, 0xFFFFFFFF, RAM + 1])
def test_function_symbols_outside_the_code_are_no_functions(
    accepted: Accepted, address: int
) -> None:
    builder = runnable()
    builder.symbol("astray", address, 4, section=2)
    assert [f.name for f in accepted(builder.build().data).functions] == ["main"]


def test_sections_that_overlap_give_functions_that_do_not(accepted: Accepted) -> None:
    builder = runnable()
    builder.section(".text2", CODE, FLASH + 10, ALLOC | EXEC, segment=False)
    functions = accepted(builder.build().data).functions
    assert [(f.name, f.start, f.end) for f in functions] == [("main", FLASH + 8, FLASH + 12)]


def test_a_code_section_larger_than_its_segment_is_not_believed(accepted: Accepted) -> None:
    built = runnable().build()
    image = accepted(built.patched((built.section_header(".text", 5), "<I", 0x104)))
    assert [(f.name, f.start, f.end) for f in image.functions] == [("main", FLASH + 8, FLASH + 12)]


def test_half_a_million_symbols_are_too_many(accepted: Accepted) -> None:
    built = runnable().build()
    table = built.data[built.offset(".symtab") :][:48] + bytes(16 * 500_000)
    builder = ElfBuilder(symbol_table=False)
    builder.vectors(reset=FLASH + 9)
    builder.text(CODE, FLASH + 8)
    builder.section(".symtab", table, type=2, link=4, entry_size=16)
    builder.section(".strtab", b"\0$t\0main\0", type=3)
    image = accepted(builder.build().data)
    assert "too many" in image.warnings[0]
    assert image.symbols == ()


def test_names_that_share_one_endless_string_are_bounded(accepted: Accepted) -> None:
    # 60000 names, each a byte further into a text without end: cut at 4 KiB each, 64 MiB in sum.
    rows = b"".join(struct.pack("<IIIBBH", i, FLASH + 9, 4, 0x12, 0, 2) for i in range(60_000))
    builder = ElfBuilder(symbol_table=False)
    builder.vectors(reset=FLASH + 9)
    builder.text(CODE, FLASH + 8)
    builder.section(".symtab", rows, type=2, link=4, entry_size=16)
    builder.section(".strtab", b"a" * 100_000, type=3)
    assert "too long in sum" in accepted(builder.build().data).warnings[0]


def test_thousands_of_overlapping_functions_cost_no_more_than_sorting(accepted: Accepted) -> None:
    builder = ElfBuilder(entry=FLASH + 1)
    builder.text(CODE * 10_000)
    for index in range(20_000):
        builder.symbol(f"f{index}", FLASH + 2 * index + 1, 0x10000)
        builder.symbol(f"l{index}", FLASH + 2 * index, 0, NOTYPE, LOCAL)
    image = accepted(builder.build().data)
    assert len(image.functions) == 20_000
    assert all(f.end - f.start == 2 for f in image.functions)
    code = code_sections(image.sections, image.segments)

    half = [symbol for symbol in image.symbols if symbol.address < FLASH + 20_000]
    assert len(half) == len(image.symbols) // 2

    def divide(symbols: Sequence[Symbol]) -> None:
        build_functions(code, symbols, CodeMap((), code), image.read)

    # Twice as many overlap four times as often.
    assert cpu_ratio(lambda: divide(image.symbols), lambda: divide(half)) < 3


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, 3), id="huge"),
        pytest.param(struct.pack("<III", 4, 0xFFFFFFF0, 3) + b"GNU\0", id="huge-descriptor"),
        pytest.param(bytes(12 * 1000), id="empty-notes"),
        pytest.param(b"\1", id="short"),
    ],
)
def test_broken_notes_give_no_build_id(accepted: Accepted, note: bytes) -> None:
    builder = runnable()
    builder.section(".note", note, type=NOTE)
    assert accepted(builder.build().data).build_id is None


@pytest.mark.parametrize(
    "data",
    [
        b"", b"B", b"A", b"A\0\0\0\0", b"A\x05\0\0\0", b"A\xff\xff\xff\xffaeabi\0\1\0\0\0\0",
        b"A\x10\0\0\0aeabi\0\1\xff\xff\xff\xff\x07", b"A\x14\0\0\0aeabi\0\1\x0a\0\0\0\x05abcd",
        b"A\x20\0\0\0aeabi\0\1\x20\0\0\0" + b"\xff" * 32,
    ],
)  # fmt: skip
def test_broken_build_attributes_are_refused_or_ignored(tmp_path: Path, data: bytes) -> None:
    builder = runnable()
    builder.section(".ARM.attributes", data, type=ARM_ATTRIBUTES)
    assert survives(tmp_path / "attributes.elf", builder.build().data)


# -- line tables ----------------------------------------------------------------------------------

_NAMES_4 = b"\0a.c\0\0\0\0\0"
_PROGRAM = set_address(FLASH + 8) + special(0, 4) + special(2, 1) + b"\2\1" + END_SEQUENCE


def with_lines(unit: bytes, **sections: bytes) -> bytes:
    builder = runnable()
    builder.section(".debug_line", unit)
    for name, data in (line_units(0) | sections).items():
        builder.section(f".{name}", data)
    return builder.build().data


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff" * 64, id="64-bit-length-of-all-ones"),
        pytest.param(b"\xf5\xff\xff\xff" + bytes(64), id="reserved-length"),
        pytest.param(bytes(4096), id="units-without-length"),
        pytest.param(line_unit(9, _NAMES_4, _PROGRAM), id="version-9"),
        pytest.param(line_unit(4, b"\0a.c", _PROGRAM), id="names-without-end"),
        pytest.param(line_unit(4, _NAMES_4, set_address(FLASH) + b"\2" + b"\x80" * 99), id="leb"),
        pytest.param(line_unit(4, _NAMES_4, b"\0\0\0\0\0\0"), id="extended-opcode-of-no-bytes"),
        pytest.param(
            line_unit(4, _NAMES_4, b"\0\xff\xff\xff\x7f\x02"), id="extended-opcode-too-long"
        ),
        # Directories: no format, yet 2^35 of them.
        pytest.param(line_unit(5, b"\0\xff\xff\xff\xff\x7f", _PROGRAM), id="endless-directories"),
        # Files: 2^35 of form flag_present, which has no bytes.
        pytest.param(
            line_unit(5, b"\0\0\1\1\x19\xff\xff\xff\xff\x7f", _PROGRAM), id="files-without-bytes"
        ),
        pytest.param(line_unit(5, b"\1\1\x1f\1\xff\xff\xff\xff", _PROGRAM), id="name-out-of-table"),
    ],
)
def test_broken_line_tables_give_no_lines(accepted: Accepted, unit: bytes) -> None:
    assert accepted(with_lines(unit)).line_at(FLASH + 8) is None


def test_a_line_range_of_zero_gives_no_lines(accepted: Accepted) -> None:
    unit = bytearray(line_unit(4, _NAMES_4, _PROGRAM))
    unit[14] = 0
    assert accepted(with_lines(bytes(unit))).line_at(FLASH + 8) is None


def test_a_broken_unit_does_not_hide_the_next(accepted: Accepted) -> None:
    good = line_unit(4, _NAMES_4, _PROGRAM)
    broken = line_unit(4, b"\0a.c", b"\xff" * 20)
    data = with_lines(broken + good, **line_units(0, len(broken)))
    assert accepted(data).line_at(FLASH + 8) == ("a.c", 5)


def test_line_programs_that_run_backwards_or_far_away_give_no_lines(accepted: Accepted) -> None:
    far = set_address(FLASH + 8) + b"\1" + b"\2" + b"\xff" * 8 + b"\x7f" + END_SEQUENCE
    assert accepted(with_lines(line_unit(4, _NAMES_4, far))).line_at(FLASH + 8) is None
    negative = set_address(FLASH + 8) + b"\3\x00" + special(0, -5) + b"\2\1" + END_SEQUENCE
    assert accepted(with_lines(line_unit(4, _NAMES_4, negative))).line_at(FLASH + 8) is None


def test_long_line_programs_cost_no_more_than_their_bytes(accepted: Accepted) -> None:
    program = set_address(FLASH + 8) + special(0, 1) * 600_000 + b"\2\1" + END_SEQUENCE
    image = accepted(with_lines(line_unit(4, _NAMES_4, program)))
    assert image.line_at(FLASH + 8) == ("a.c", 600_001)


def test_line_programs_in_each_other_are_read_once(accepted: Accepted) -> None:
    # 20000 units, each with another program, all of which reach to the end of 400 KB.
    size = 400_000
    head = line_unit(4, _NAMES_4, b"")
    line = bytearray(size)
    units = range(0, size - len(head), 20)
    for at in units:
        line[at : at + 4] = struct.pack("<I", size - at - 4)
        line[at + 4 : at + 10] = head[4:10]
    data = with_lines(bytes(line), **line_units(*reversed(units)))
    assert accepted(data).line_at(FLASH + 8) is None


def test_attributes_without_bytes_cost_bounded_time(accepted: Accepted) -> None:
    # 20000 units of an abbreviation with 20000 flags (DW_FORM_flag_present).
    abbreviation = b"\2\x11\0" + b"\x34\x19" * 20_000 + b"\0\0\0"
    info = struct.pack("<IHIBB", 8, 4, 0, 4, 2) * 20_000
    unit = line_unit(4, _NAMES_4, _PROGRAM)
    accepted(with_lines(unit, debug_info=info, debug_abbrev=abbreviation))


def test_names_of_directories_that_share_a_string_are_not_kept(accepted: Accepted) -> None:
    # 200000 directories of version 5, each the same string of 4096 bytes (DW_FORM_strp).
    names = b"\1\1\x0e" + b"\xc0\x9a\x0c" + bytes(800_000) + b"\1\1\x0e\2" + bytes(8)
    data = with_lines(line_unit(5, names, _PROGRAM), debug_str=b"a" * 5000 + b"\0")
    assert accepted(data).line_at(FLASH + 8) is not None


def test_a_thousand_sequences_at_one_address_cost_bounded_time(accepted: Accepted) -> None:
    one = set_address(FLASH + 8) + b"\1\1" + END_SEQUENCE
    data = with_lines(line_unit(4, _NAMES_4, one * 50_000))
    assert accepted(data).line_at(FLASH + 8) is None


def test_abbreviation_tables_that_overlap_cost_bounded_time(accepted: Accepted) -> None:
    # 10000 units, each with another tail of one table of 400 KB.
    abbreviations = b"\1\x11\0\0\0" * 80_000
    info = b"".join(struct.pack("<IHIB", 8, 4, 5 * unit, 4) + b"\2" for unit in range(10_000))
    unit = line_unit(4, _NAMES_4, _PROGRAM)
    data = with_lines(unit, debug_info=info, debug_abbrev=abbreviations)
    assert accepted(data).line_at(FLASH + 8) is None


def test_address_range_sets_that_overlap_cost_bounded_time(accepted: Accepted) -> None:
    # 8000 sets of 12 bytes, each of which reads on to the end of the section.
    ranges = struct.pack("<IHIBB", 8, 2, 0, 4, 0) * 8000 + bytes(24)
    unit = line_unit(4, _NAMES_4, _PROGRAM)
    accepted(with_lines(unit, debug_aranges=ranges))


def test_a_number_of_a_million_bytes_costs_bounded_time(accepted: Accepted) -> None:
    unit = line_unit(4, _NAMES_4, b"\2" + b"\xff" * 500_000 + b"\0" + _PROGRAM)
    assert accepted(with_lines(unit)).line_at(FLASH + 8) is None


def test_build_attributes_that_lead_back_to_themselves_cost_bounded_time(
    accepted: Accepted,
) -> None:
    # pyelftools seeks each part from the first: a second one of 20 bytes is read again and again.
    part = attributes("M")[1:]
    builder = runnable()
    builder.section(".ARM.attributes", b"A" + part + part + bytes(4), type=ARM_ATTRIBUTES)
    assert accepted(builder.build().data).warnings == ()


@pytest.mark.parametrize("name", [".debug_line", ".debug_info", ".comment", ".symtab"])
def test_sections_that_claim_gigabytes_without_bytes_are_not_made_up(
    accepted: Accepted, name: str
) -> None:
    builder = runnable()
    builder.section(name, b"", type=NOBITS, size=0xFFFFFFF0)
    image = accepted(builder.build().data)
    assert image.compiler is None
    assert [f.name for f in image.functions] == ["main"]


@pytest.mark.parametrize(("method", "size"), [(1, 0xFFFFFFFF), (2, 100), (1, 100), (1, 1), (99, 0)])
def test_compressed_sections_that_lie_give_no_lines(
    accepted: Accepted, method: int, size: int
) -> None:
    packed = struct.pack("<III", method, size, 1) + zlib.compress(bytes(50))
    builder = runnable()
    builder.section(".debug_line", packed, 0, COMPRESSED)
    for name, data in line_units(0).items():
        builder.section(f".{name}", data)
    assert accepted(builder.build().data).line_at(FLASH + 8) is None


def test_a_compressed_section_of_more_than_64_mib_is_not_inflated(accepted: Accepted) -> None:
    # It begins with a good unit: would it be inflated, there would be a line.
    for zeros, line in ((1 << 20, ("a.c", 5)), (1 << 26, None)):
        contents = line_unit(4, _NAMES_4, _PROGRAM) + bytes(zeros)
        packed = struct.pack("<III", 1, len(contents), 1) + zlib.compress(contents, 1)
        builder = runnable()
        builder.section(".debug_line", packed, 0, COMPRESSED)
        for name, data in line_units(0).items():
            builder.section(f".{name}", data)
        assert accepted(builder.build().data).line_at(FLASH + 8) == line


# -- mutations ------------------------------------------------------------------------------------


def survives(path: Path, data: bytes) -> bool:
    """Load and question a file: it must work or be refused in one line, in bounded time."""
    path.write_bytes(data)
    with costs_at_most(BOUNDED):
        try:
            image = load_image(path)
        except ElfError as error:
            checked(error, path)
            return True
        last = 0
        for function in image.functions:
            assert last <= function.start < function.end
            last = function.end
            assert image.function_at(function.start) is function
            assert image.function_at(function.end - 1) is function
            line = image.line_at(function.start)
            assert line is None or (line[0].isprintable() and line[1] > 0)
        image.object_at(RAM)
        image.read(FLASH, 64)
        assert all(symbol.name.isprintable() for symbol in image.symbols)
    return True


def rich() -> bytes:
    """A file with one of everything that the loader reads."""
    builder = runnable()
    data = builder.section(".data", bytes(16), RAM, ALLOC | WRITE, load_address=FLASH + 0x40)
    builder.symbol("buffer", RAM, 16, 1, section=data)
    note = struct.pack("<III", 4, 4, 3) + b"GNU\0\1\2\3\4"
    builder.section(".note.gnu.build-id", note, type=NOTE)
    builder.section(".comment", b"GCC: 12\0")
    builder.section(".ARM.attributes", attributes("M"), type=ARM_ATTRIBUTES)
    names = b"\1\1\x1f\1\0\0\0\0" + b"\2\1\x1f\2\x0b\1\0\0\0\0\0"
    first = line_unit(4, _NAMES_4, _PROGRAM)
    builder.section(".debug_line", first + line_unit(5, names, _PROGRAM))
    builder.section(".debug_line_str", b"/src\0")
    builder.section(".debug_aranges", address_ranges(0, (FLASH + 8, 4)))
    for name, contents in line_units(0, len(first), directory="/here").items():
        builder.section(f".{name}", contents)
    return builder.build().data


def mutate(data: bytes, source: random.Random) -> bytes:
    """Flip, overwrite, delete, insert or cut a few bytes; tables at both ends get most of it."""
    out = bytearray(data.ljust(100, b"\0"))
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        tables = source.choice((source.randrange(84), len(out) - 1 - source.randrange(1200)))
        at = source.choice((max(tables, 0), source.randrange(len(out))))
        action = source.randrange(6)
        if action <= 1:
            out[at] ^= 1 << source.randrange(8)
        elif action == 2:
            out[at : at + 1] = bytes((source.choice((0, 1, 0x7F, 0x80, 0xFF)),))
        elif action == 3:
            value = source.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(out)))
            out[at : at + 4] = value.to_bytes(4, "little")
        elif action == 4:
            out[at:at] = source.randbytes(source.randrange(1, 9))
        else:
            del out[at : at + source.randrange(1, 9)]
        if source.randrange(20) == 0:
            del out[source.randrange(len(out)) :]
        if len(out) < 100:
            break
    return bytes(out)


def survive_mutations(path: Path, data: bytes, source: random.Random, count: int) -> None:
    for _ in range(count):
        survives(path, mutate(data, source))


@pytest.mark.parametrize("count", [150, pytest.param(1500, marks=pytest.mark.exhaustive)])
def test_mutations_of_a_rich_file_are_loaded_or_refused(tmp_path: Path, count: int) -> None:
    data = rich()
    assert survives(tmp_path / "m.elf", data)
    assert load_image(tmp_path / "m.elf").line_at(FLASH + 8) is not None
    survive_mutations(tmp_path / "m.elf", data, random.Random(20240501), count)


def test_some_mutations_of_a_prebuilt_kernel_are_loaded_or_refused(tmp_path: Path) -> None:
    data = (PREBUILT / "conv2d_s8_small.elf").read_bytes()
    survive_mutations(tmp_path / "m.elf", data, random.Random("small"), 20)


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", sorted(PREBUILT.glob("*.elf")), ids=lambda path: path.stem)
def test_mutations_of_the_prebuilt_kernels_are_loaded_or_refused(
    tmp_path: Path, path: Path
) -> None:
    survive_mutations(tmp_path / "m.elf", path.read_bytes(), random.Random(path.stem), 60)


@given(st.integers(0, 2**32), st.integers(0, 30))
def test_any_mutation_is_loaded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rounds: int
) -> None:
    data, source = rich(), random.Random(seed)
    for _ in range(rounds % 4 + 1):
        data = mutate(data, source) or b"\0"
    survives(tmp_path_factory.getbasetemp() / "hypothesis.elf", data)


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_good_header_are_loaded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes
) -> None:
    data = runnable().build().data[:HEADER_BYTES] + tail
    survives(tmp_path_factory.getbasetemp() / "tail.elf", data)


@given(st.binary(max_size=400), st.binary(max_size=100), st.binary(max_size=100))
def test_any_bytes_as_debug_information_give_lines_or_none(
    tmp_path_factory: pytest.TempPathFactory, line: bytes, info: bytes, abbrev: bytes
) -> None:
    for units in ({"debug_info": info, "debug_abbrev": abbrev}, {"debug_aranges": info}):
        data = with_lines(line, **units)
        survives(tmp_path_factory.getbasetemp() / "lines.elf", data)
