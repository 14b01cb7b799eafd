"""The loader on files that are right: what an Image says of a hand-made ELF and of the kernels."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from simcore.elf import Image, Symbol, load_image
from tests.cost import cpu_ratio
from tests.unit.elf_builder import (
    ABSOLUTE,
    ALLOC,
    BX_LR,
    CODE,
    EXEC,
    FLASH,
    LOCAL,
    NOBITS,
    NOP,
    NOTE,
    NOTYPE,
    OBJECT,
    RAM,
    WEAK,
    WRITE,
    ElfBuilder,
    attributes,
    runnable,
)

Load = Callable[[ElfBuilder], Image]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load_builder(builder: ElfBuilder) -> Image:
        path = tmp_path / "test.elf"
        path.write_bytes(builder.build().data)
        return load_image(path)

    return load_builder


def spans(image: Image) -> list[tuple[str, int, int]]:
    """Functions as (name, start, end) relative to FLASH."""
    return [(f.name, f.start - FLASH, f.end - FLASH) for f in image.functions]


# -- segments and start-up ------------------------------------------------------------------------


def test_data_is_found_at_its_load_address_and_runs_in_ram(load: Load) -> None:
    builder = runnable()
    builder.section(".data", b"\1\2\3\4", RAM, ALLOC | WRITE, load_address=FLASH + 0x100)
    image = load(builder)
    segment = image.segments[-1]
    assert (segment.address, segment.run_address, segment.data) == (FLASH + 0x100, RAM, b"\1\2\3\4")
    assert segment.writable
    assert not segment.executable
    section = next(s for s in image.sections if s.name == ".data")
    assert (section.address, section.load_address) == (RAM, FLASH + 0x100)
    assert image.read(RAM + 1, 2) == image.read(FLASH + 0x101, 2) == b"\2\3"


def test_bss_has_memory_but_no_bytes_and_reads_as_zeros(load: Load) -> None:
    builder = runnable()
    builder.section(".bss", b"", RAM, ALLOC | WRITE, type=NOBITS, size=64)
    image = load(builder)
    segment = next(s for s in image.segments if s.run_address == RAM)
    assert (segment.data, segment.memory_size) == (b"", 64)
    assert image.read(RAM + 60, 4) == bytes(4)
    assert image.read(RAM + 61, 4) is None  # one byte past the end


def test_read_refuses_ranges_that_no_segment_holds(load: Load) -> None:
    image = load(runnable())
    assert image.read(FLASH + 8, len(CODE)) == CODE
    assert image.read(FLASH + 8, len(CODE) + 1) is None
    assert image.read(FLASH - 1, 1) is None
    assert image.read(RAM, 1) is None


@pytest.mark.parametrize("address", [FLASH, 0, 0x00200000, 0x60000000])
def test_the_vector_table_gives_stack_and_reset(load: Load, address: int) -> None:
    builder = ElfBuilder(entry=0)
    builder.vectors(reset=address + 9, stack=RAM + 0x4000, address=address)
    builder.text(CODE, address + 8)
    image = load(builder)
    assert (image.vector_table, image.initial_sp, image.reset) == (
        address,
        RAM + 0x4000,
        address + 9,
    )


def test_a_vector_table_is_found_by_symbol_behind_a_boot_header(load: Load) -> None:
    # i.MX RT: the flash configuration block comes first, the table 8 KiB behind it.
    builder = ElfBuilder(entry=0x60002009)
    builder.section(".boot_hdr", b"FCFB" + bytes(28), 0x60000000, ALLOC)
    table = builder.section(".flash_table", struct.pack("<II", RAM, 0x60002009), 0x60002000, ALLOC)
    builder.text(CODE, 0x60002008)
    builder.symbol("__Vectors", 0x60002000, 8, OBJECT, section=table)
    assert load(builder).vector_table == 0x60002000


def test_a_vector_table_is_what_the_boot_rom_of_an_imxrt_starts_from(load: Load) -> None:
    flash = 0x6000_0000
    builder = ElfBuilder(entry=flash + 0x2009)
    builder.section(".config", b"FCFB", flash, ALLOC)
    ivt = struct.pack("<8I", 0x402000D1, flash + 0x2000, 0, 0, 0, flash + 0x1000, 0, 0)
    builder.section(".ivt", ivt, flash + 0x1000, ALLOC)
    table = struct.pack("<II", RAM + 0x1000, flash + 0x2009)
    builder.section(".unnamed", table + CODE, flash + 0x2000, ALLOC | EXEC)
    assert load(builder).vector_table == flash + 0x2000


def test_the_boot_rom_of_an_imxrt_starts_code_that_its_table_names(load: Load) -> None:
    flash = 0x6000_0000  # as Teensy has it: the ELF's entry is the image vector table itself
    builder = ElfBuilder(entry=flash + 0x1000)
    ivt = struct.pack("<8I", 0x402000D1, flash + 0x1801, 0, 0, 0, flash + 0x1000, 0, 0)
    builder.section(".ivt", ivt, flash + 0x1000, ALLOC)
    builder.text(CODE, flash + 0x1800)
    image = load(builder)
    assert (image.vector_table, image.entry, image.no_start) == (None, flash + 0x1801, None)


def test_a_vector_table_without_a_name_is_the_lowest_words_if_they_look_like_one(
    load: Load,
) -> None:
    builder = ElfBuilder(entry=FLASH + 9)
    builder.text(struct.pack("<II", RAM + 0x1000, FLASH + 9) + CODE)
    assert load(builder).vector_table == FLASH


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((RAM + 0x1000, FLASH + 8), id="reset-is-arm-state"),
        pytest.param((RAM + 0x1000, FLASH + 0x1001), id="reset-outside-the-program"),
        pytest.param((FLASH, FLASH + 9), id="stack-in-flash"),
    ],
)
def test_words_that_do_not_look_like_a_vector_table_are_none(
    load: Load, words: tuple[int, int]
) -> None:
    builder = ElfBuilder(entry=FLASH + 9)
    builder.text(struct.pack("<II", *words) + CODE)
    image = load(builder)
    assert image.vector_table is None
    assert image.initial_sp is None
    assert image.reset is None
    assert image.entry == FLASH + 9


def test_a_table_that_runs_elsewhere_is_given_by_its_load_address(load: Load) -> None:
    builder = ElfBuilder(entry=0)
    builder.section(
        ".vectors", struct.pack("<II", RAM + 0x1000, 9) + CODE, 0, ALLOC | EXEC, load_address=FLASH
    )
    assert load(builder).vector_table == FLASH


def test_an_even_entry_label_on_thumb_code_gets_its_thumb_bit(load: Load) -> None:
    # A hand-written `_start:` without .thumb_func: the linker leaves e_entry even.
    builder = ElfBuilder(entry=0x8000)
    builder.text(CODE, 0x8000)
    builder.mapping("t", 0x8000)
    builder.symbol("_start", 0x8000, kind=NOTYPE)
    assert load(builder).entry == 0x8001


def test_the_elf_header_that_a_linker_maps_into_a_segment_is_not_loaded(tmp_path: Path) -> None:
    # GNU ld does so when code starts inside a page: file offset 0 becomes page start.
    builder = ElfBuilder(entry=0x8055)
    builder.text(CODE, 0x8054)  # 52 bytes of ELF header and 32 of one program header
    builder.mapping("t", 0x8054)
    built = builder.build()
    path = tmp_path / "header.elf"
    path.write_bytes(built.patched((56, "<I", 0), (60, "<I", 0x8000), (64, "<I", 0x8000),
                                   (68, "<I", 88), (72, "<I", 88)))  # fmt: skip
    (segment,) = load_image(path).segments
    assert (segment.address, segment.run_address, segment.data) == (0x8054, 0x8054, CODE)


# -- identity -------------------------------------------------------------------------------------


def test_the_digest_is_that_of_the_file(load: Load, tmp_path: Path) -> None:
    image = load(runnable())
    assert image.path == str(tmp_path / "test.elf")
    assert image.sha256 == hashlib.sha256((tmp_path / "test.elf").read_bytes()).hexdigest()


def test_build_id_and_compilers_are_read(load: Load) -> None:
    builder = runnable()
    note = struct.pack("<III", 4, 4, 1) + b"GNU\0" + bytes(4)  # another note before it
    note += struct.pack("<III", 4, 5, 3) + b"GNU\0" + b"\xde\xad\xbe\xef\x01" + bytes(3)
    builder.section(".note.gnu.build-id", note, type=NOTE)
    builder.section(".comment", b"GCC: 12.2.1\0clang 17\0GCC: 12.2.1\0")
    image = load(builder)
    assert image.build_id == "deadbeef01"
    assert image.compiler == "GCC: 12.2.1; clang 17"


def test_a_file_without_build_id_and_comment_has_none(load: Load) -> None:
    image = load(runnable())
    assert image.build_id is None
    assert image.compiler is None
    assert image.warnings == ()


def test_armv8m_code_is_loaded_with_a_warning(load: Load) -> None:
    builder = runnable()
    builder.section(".ARM.attributes", attributes("M", 17), type=0x70000003)
    assert "Armv8-M Mainline" in load(builder).warnings[0]


# -- symbols --------------------------------------------------------------------------------------


def test_symbols_have_kind_section_and_no_thumb_bit(load: Load) -> None:
    builder = runnable()
    data = builder.section(".data", bytes(8), RAM, ALLOC | WRITE)
    builder.symbol("table", RAM + 4, 4, OBJECT, section=data)
    builder.symbol("_estack", RAM + 0x10001, 0, NOTYPE, section=ABSOLUTE)
    image = load(builder)
    main, table, stack = (image.symbol(n) for n in ("main", "table", "_estack"))
    assert main == Symbol("main", FLASH + 8, 4, "function", ".text", "global")
    assert table == Symbol("table", RAM + 4, 4, "object", ".data", "global")
    assert stack == Symbol("_estack", RAM + 0x10001, 0, "label", "", "global")
    assert image.symbol("$t") is None
    assert image.symbol("absent") is None


def test_a_global_symbol_hides_a_local_one_of_the_same_name(load: Load) -> None:
    builder = ElfBuilder(entry=FLASH + 1)
    builder.text(CODE * 3)
    builder.symbol("init", FLASH + 1, 4, binding=LOCAL)
    builder.symbol("init", FLASH + 5, 4)
    builder.symbol("init", FLASH + 9, 4, binding=LOCAL)
    symbol = load(builder).symbol("init")
    assert symbol is not None
    assert symbol.address == FLASH + 4


def test_objects_are_found_by_any_of_their_bytes(load: Load) -> None:
    builder = runnable()
    data = builder.section(".data", bytes(32), RAM, ALLOC | WRITE)
    builder.symbol("struct_", RAM, 16, OBJECT, section=data)
    builder.symbol("member", RAM + 4, 4, OBJECT, section=data)
    builder.symbol("unsized", RAM + 20, 0, OBJECT, section=data)
    builder.symbol("last", RAM + 24, 0, OBJECT, section=data)
    builder.symbol("alias_of_struct", RAM, 4, OBJECT, section=data)
    image = load(builder)
    names = [s.name if (s := image.object_at(RAM + offset)) else None for offset in range(0, 36, 4)]
    assert names == [
        "struct_", "member", "struct_", "struct_", None, "unsized", "last", "last", None,
    ]  # fmt: skip


def test_linker_symbols_give_stack_and_heap(load: Load) -> None:
    builder = runnable()
    builder.symbol("_estack", RAM + 0x10000, 0, NOTYPE, section=ABSOLUTE)
    builder.symbol("__StackLimit", RAM + 0xF000, 0, NOTYPE, section=ABSOLUTE)
    builder.symbol("_end", RAM + 0x200, 0, NOTYPE, section=ABSOLUTE)
    image = load(builder)
    assert image.stack_symbol() is image.symbol("_estack") is not None
    assert image.stack_limit() is image.symbol("__StackLimit") is not None
    assert image.heap_start() == RAM + 0x200
    bare = load(runnable())
    assert bare.stack_symbol() is None
    assert bare.stack_limit() is None
    assert bare.heap_start() is None


# -- functions ------------------------------------------------------------------------------------


def assembly(length: int = 64) -> ElfBuilder:
    """`length` bytes of Thumb code at FLASH without vector table; symbols come from the test."""
    builder = ElfBuilder(entry=FLASH + 1)
    builder.text((CODE * length)[:length])
    builder.mapping("t", FLASH)
    return builder


def test_function_at_is_exact_at_both_ends(load: Load) -> None:
    image = load(runnable())
    (main,) = image.functions
    assert image.function_at(FLASH + 8) is main
    assert image.function_at(FLASH + 11) is main
    assert image.function_at(FLASH + 12) is None
    assert image.function_at(FLASH + 7) is None


def test_missing_sizes_reach_to_the_next_function_or_the_end(load: Load) -> None:
    builder = assembly()
    builder.symbol("first", FLASH + 1)
    builder.symbol("second", FLASH + 17)
    assert spans(load(builder)) == [("first", 0, 16), ("second", 16, 64)]


def test_global_labels_of_assembly_are_functions(load: Load) -> None:
    builder = assembly()
    builder.symbol("memcpy", FLASH, kind=NOTYPE)
    builder.symbol("memset", FLASH + 32, kind=NOTYPE)
    builder.symbol("loop", FLASH + 40, kind=NOTYPE, binding=LOCAL)
    assert spans(load(builder)) == [("memcpy", 0, 32), ("memset", 32, 64)]


def test_local_labels_that_are_called_are_functions(load: Load) -> None:
    # bl +16 at 0 (target 0x14): F000 F808; bl -12 at 8 (target 0): F7FF FFFA. The label at 4 is
    # only branched to.
    code = bytearray(CODE * 8)
    code[0:4] = struct.pack("<HH", 0xF000, 0xF808)
    code[8:12] = struct.pack("<HH", 0xF7FF, 0xFFFA)
    builder = ElfBuilder(entry=FLASH + 1)
    builder.text(bytes(code))
    builder.mapping("t", FLASH)
    for name, offset in [("start", 0), ("loop", 4), ("helper", 0x14), ("helper_loop", 0x18)]:
        builder.symbol(name, FLASH + offset, kind=NOTYPE, binding=LOCAL)
    assert spans(load(builder)) == [("start", 0, 0x14), ("helper", 0x14, 0x20)]


def test_labels_inside_a_sized_function_are_branch_targets(load: Load) -> None:
    builder = assembly()
    builder.symbol("Reset_Handler", FLASH + 1, 64)
    builder.symbol("copy_loop", FLASH + 16, kind=NOTYPE)
    builder.symbol("zero_loop", FLASH + 32, kind=NOTYPE, binding=LOCAL)
    assert spans(load(builder)) == [("Reset_Handler", 0, 64)]


def test_functions_without_a_size_inside_a_sized_one_are_branch_targets(load: Load) -> None:
    # IAR's ??main_0 and what .thumb_func makes of a label
    builder = assembly()
    builder.symbol("main", FLASH + 1, 32)
    builder.symbol("??main_0", FLASH + 9, binding=LOCAL)
    builder.symbol("behind", FLASH + 33)
    assert spans(load(builder)) == [("main", 0, 32), ("behind", 32, 64)]


def test_a_function_that_starts_inside_another_ends_it_and_takes_the_rest(load: Load) -> None:
    # libgcc enters its double addition at three addresses; the sizes of all reach the common end.
    builder = assembly()
    builder.symbol("__aeabi_drsub", FLASH + 1, 64)
    builder.symbol("__aeabi_dsub", FLASH + 9, 8)
    builder.symbol("__aeabi_dadd", FLASH + 13, 4)
    assert spans(load(builder)) == [
        ("__aeabi_drsub", 0, 8), ("__aeabi_dsub", 8, 12), ("__aeabi_dadd", 12, 64),
    ]  # fmt: skip


def test_of_several_names_the_typed_then_global_then_first_one_wins(load: Load) -> None:
    builder = assembly()
    builder.symbol("_stext", FLASH, kind=NOTYPE)
    builder.symbol("local_", FLASH + 1, 64, binding=LOCAL)
    builder.symbol("weak_", FLASH + 1, 64, binding=WEAK)
    builder.symbol("one", FLASH + 1, 64)
    builder.symbol("two", FLASH + 1, 64)
    image = load(builder)
    assert spans(image) == [("one", 0, 64)]
    assert all(image.symbol(name) for name in ("_stext", "local_", "weak_", "two"))


def test_code_that_no_symbol_covers_is_named_after_its_section(load: Load) -> None:
    builder = assembly()
    builder.symbol("middle", FLASH + 17, 16)
    assert spans(load(builder)) == [
        (".text+0x0", 0, 16),
        ("middle", 16, 32),
        (".text+0x20", 32, 64),
    ]


def test_code_behind_a_local_label_bears_its_name(load: Load) -> None:
    builder = assembly()
    builder.symbol("main", FLASH + 1, 16)
    builder.symbol("helper", FLASH + 24, kind=NOTYPE, binding=LOCAL)
    builder.symbol("helper_loop", FLASH + 32, kind=NOTYPE, binding=LOCAL)
    assert spans(load(builder)) == [("main", 0, 16), (".text+0x10", 16, 24), ("helper", 24, 64)]


def test_fill_between_functions_is_no_function(load: Load) -> None:
    builder = ElfBuilder(entry=FLASH + 1)
    builder.text(CODE + NOP + bytes(2) + b"\xaf\xf3\x00\x80" + BX_LR + NOP)
    builder.mapping("t", FLASH)
    builder.symbol("main", FLASH + 1, 4)
    assert spans(load(builder)) == [("main", 0, 4), (".text+0xc", 12, 16)]


def test_tables_between_code_are_no_functions(load: Load) -> None:
    builder = assembly(32)
    builder.symbol("main", FLASH + 1, 8)
    builder.mapping("d", FLASH + 8)
    builder.symbol("constants", FLASH + 8, 0, NOTYPE)  # global label on $d
    builder.mapping("t", FLASH + 24)
    assert spans(load(builder)) == [("main", 0, 8), (".text+0x18", 24, 32)]


def test_objects_in_code_sections_cover_their_bytes_without_mapping_symbols(load: Load) -> None:
    builder = ElfBuilder(entry=FLASH + 17)
    builder.text(CODE * 6)
    builder.symbol("table", FLASH, 16, OBJECT)
    builder.symbol("main", FLASH + 17)
    assert spans(load(builder)) == [("main", 16, 24)]


def test_literal_pools_belong_to_their_function(load: Load) -> None:
    builder = assembly(32)
    builder.symbol("main", FLASH + 1)
    builder.mapping("d", FLASH + 12)
    builder.symbol("next", FLASH + 17)
    builder.mapping("t", FLASH + 16)
    assert spans(load(builder)) == [("main", 0, 16), ("next", 16, 32)]


def test_a_stripped_file_has_one_function_per_code_section(load: Load) -> None:
    builder = ElfBuilder(entry=FLASH + 1, symbol_table=False)
    builder.text(CODE * 4)
    builder.text(CODE, RAM, ".ramfunc")
    image = load(builder)
    assert [(f.name, f.start, f.end) for f in image.functions] == [
        (".text+0x0", FLASH, FLASH + 16), (".ramfunc+0x0", RAM, RAM + 4),
    ]  # fmt: skip
    assert [text.split(";")[0] for text in image.warnings] == [
        "no symbols (stripped): rows are sections"
    ]


def test_a_file_without_section_headers_has_one_function_per_segment(tmp_path: Path) -> None:
    path = tmp_path / "sstrip.elf"
    path.write_bytes(runnable().build().patched((32, "<I", 0), (48, "<H", 0), (50, "<H", 0)))
    image = load_image(path)
    assert image.vector_table == FLASH
    assert [f.name for f in image.functions] == ["segment@0x08000008+0x0"]


def test_functions_are_numbered_in_order(load: Load) -> None:
    builder = assembly()
    for offset in (48, 16, 32, 0):
        builder.symbol(f"f{offset}", FLASH + offset + 1, 16)
    image = load(builder)
    assert [f.index for f in image.functions] == [0, 1, 2, 3]
    assert [f.name for f in image.functions] == ["f0", "f16", "f32", "f48"]


# -- cost -----------------------------------------------------------------------------------------


def test_half_a_megabyte_with_2000_symbols_costs_no_more_than_twice_reading_the_symbols(
    tmp_path: Path,
) -> None:
    builder = assembly(250 * 2000)
    for index in range(2000):
        builder.symbol(f"function_with_a_longer_name_{index}", FLASH + 250 * index + 1, 250)
    path = tmp_path / "large.elf"
    path.write_bytes(builder.build().data)

    def read_symbols() -> None:
        with path.open("rb") as file:
            table: Any = ELFFile(file).get_section_by_name(".symtab")
            assert table.num_symbols() > 2000
            list(table.iter_symbols())

    assert len(load_image(path).functions) == 2000
    assert cpu_ratio(lambda: load_image(path), read_symbols) < 2


def test_importing_the_loader_does_not_import_elftools() -> None:
    code = "import sys, simcore.elf; print([m for m in sys.modules if m.startswith('elftools')])"
    root = Path(__file__).parents[3]
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_no_other_package_imports_elftools() -> None:
    package = Path(__file__).parents[3] / "simcore"
    importing = {p.parent for p in package.rglob("*.py") if " elftools" in p.read_text("utf-8")}
    assert importing == {package / "elf"}
