"""Placing an image in a part's memory, and where execution starts, on an STM32F746."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, Segment, Symbol
from simcore.errors import ConfigError
from simcore.machine.engine import TRANSLATED_BYTES, map_memory
from simcore.machine.loader import LoadedMemory

FLASH, FLASH_ITCM, DTCM, SRAM1, SRAM2 = (
    0x0800_0000,
    0x0020_0000,
    0x2000_0000,
    0x2001_0000,
    0x2004_C000,
)
RAM_END, SDRAM = 0x2005_0000, 0xC000_0000
FLASH_SIZE = 1 << 20


def segment(
    address: int, data: bytes, memory_size: int | None = None, run: int | None = None
) -> Segment:
    run_address = address if run is None else run
    return Segment(address, run_address, data, memory_size or len(data), True, run_address >= DTCM)


def image(
    *segments: Segment, table: int | None = None, symbols: dict[str, int] | None = None
) -> Image:
    return Image(
        path="demo.elf",
        sha256="",
        build_id=None,
        compiler=None,
        entry=FLASH + 1,
        segments=segments,
        symbols=tuple(
            Symbol(name, address, 0, "label", "", "global")
            for name, address in (symbols or {}).items()
        ),
        vector_table=table,
    )


@pytest.fixture(scope="module")
def model() -> CpuModel:
    return load_cpu_model("stm32f746")


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "little") for value in values)


def test_a_segment_is_found_at_its_load_address_and_through_the_alias(model: CpuModel) -> None:
    program = image(segment(FLASH + 16, b"data", run=DTCM))
    memory = LoadedMemory(model, program)
    memory.load(program)
    assert memory.read(FLASH + 16, 4) == b"data"
    assert memory.read(FLASH_ITCM + 16, 4) == b"data"
    assert memory.read(DTCM, 4) == bytes(4)  # the start-up code copies it, nobody else


def test_flash_starts_erased_and_ram_as_zeros(model: CpuModel) -> None:
    memory = LoadedMemory(model, image())
    assert memory.read(FLASH + FLASH_SIZE - 2, 2) == b"\xff\xff"
    assert memory.read(SRAM1, 2) == b"\0\0"


def test_regions_side_by_side_are_one_range(model: CpuModel) -> None:
    memory = LoadedMemory(model, image())
    assert memory.write(SRAM1 - 2, b"abcd")
    assert memory.read(SRAM1 - 2, 4) == b"abcd"
    program = image(segment(DTCM, b"", memory_size=RAM_END - DTCM))
    LoadedMemory(model, program).load(program)


def test_a_write_that_does_not_fit_stores_nothing(model: CpuModel) -> None:
    memory = LoadedMemory(model, image())
    assert not memory.write(RAM_END - 2, b"abcd")
    assert memory.read(RAM_END - 2, 2) == b"\0\0"
    assert memory.read(RAM_END - 2, 4) is None
    assert not memory.write(FLASH, b"x")
    assert memory.read(0xFFFF_FFFC, 8) is None


@pytest.mark.parametrize(
    ("wrong", "words_of_message"),
    [
        (segment(0x3000_0000, b"abcd"), ["0x30000000", "outside", "nearest is sram2", "--cpu"]),
        (segment(FLASH, bytes(FLASH_SIZE + 3)), ["0x08000000", "3 bytes too large", "flash"]),
        (
            segment(FLASH, b"", memory_size=64, run=RAM_END - 32),
            ["0x2004ffe0", "32 bytes too large"],
        ),
        (segment(0x4000_0000, b"abcd"), ["0x40000000", "outside"]),
    ],
    ids=["outside", "too-large", "bss-too-large", "peripheral"],
)
def test_a_segment_that_does_not_fit_is_refused_in_one_line(
    model: CpuModel, wrong: Segment, words_of_message: list[str]
) -> None:
    program = image(segment(FLASH, b"good"), wrong)
    memory = LoadedMemory(model, program)
    with pytest.raises(ConfigError) as refusal:
        memory.load(program)
    message = str(refusal.value)
    assert "\n" not in message
    for expected in ["demo.elf", "segment 1", *words_of_message]:
        assert expected in message


def test_boot_takes_sp_and_pc_from_the_vector_table(model: CpuModel) -> None:
    program = image(segment(FLASH, words(RAM_END, FLASH + 9)), table=FLASH)
    memory = LoadedMemory(model, program)
    memory.load(program)
    boot = memory.boot(program)
    assert (boot.sp, boot.pc, boot.vector_table) == (RAM_END, FLASH + 9, FLASH)


def test_bits_1_and_0_of_the_initial_stack_pointer_are_zero(model: CpuModel) -> None:
    program = image(segment(FLASH, words(RAM_END - 1, FLASH + 9)), table=FLASH)
    memory = LoadedMemory(model, program)
    memory.load(program)
    assert memory.boot(program).sp == RAM_END - 4


@pytest.mark.parametrize(
    ("address", "fit"),
    [(0x2400_0000, "stm32h723, stm32h743"), (0x5000_0000, "no part that ships holds it")],
)
def test_a_program_for_another_part_is_told_which_part_fits(
    model: CpuModel, address: int, fit: str
) -> None:
    program = image(segment(FLASH, b"good"), segment(address, b"abcd"))
    with pytest.raises(ConfigError, match=fit):
        LoadedMemory(model, program).load(program)


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        (words(0x1000_0000, FLASH + 9), "stack pointer 0x10000000"),
        (words(DTCM + 2, FLASH + 9), "stack pointer 0x20000000"),
        (words(RAM_END, FLASH + 8), "Arm state"),
        (words(RAM_END, 0x6000_0001), "not in executable"),
        (words(RAM_END, 0x4000_0001), "not in executable"),
    ],
    ids=[
        "sp-nowhere",
        "sp-with-nothing-below",
        "arm-state",
        "reset-nowhere",
        "reset-in-peripherals",
    ],
)
def test_a_vector_table_that_cannot_be_right_is_refused(
    model: CpuModel, table: bytes, wrong: str
) -> None:
    program = image(segment(FLASH, table), table=FLASH)
    memory = LoadedMemory(model, program)
    memory.load(program)
    with pytest.raises(ConfigError, match=wrong):
        memory.boot(program)


def test_without_a_vector_table_the_entry_point_and_the_stack_symbol_count(model: CpuModel) -> None:
    program = image(segment(FLASH, b"code"), symbols={"_estack": DTCM + 0x1000})
    boot = LoadedMemory(model, program).boot(program)
    assert (boot.sp, boot.pc, boot.vector_table) == (DTCM + 0x1000, FLASH + 1, 0)


def test_a_stack_symbol_outside_ram_is_passed_over(model: CpuModel) -> None:
    # newlib's default linker script has __stack = 0x80000; the data stands in SRAM1
    program = image(segment(SRAM1, b"code"), symbols={"__stack": 0x8_0000})
    assert LoadedMemory(model, program).boot(program).sp == RAM_END


def test_without_data_or_symbol_the_stack_is_in_dtcm(model: CpuModel) -> None:
    assert LoadedMemory(model, image()).boot(image()).sp == SRAM1


def test_the_stack_floor_is_the_limit_symbol_or_the_end_of_data_or_the_ram(model: CpuModel) -> None:
    memory = LoadedMemory(model, image())
    limit = image(symbols={"__StackLimit": SRAM2})
    assert memory.stack_floor(limit, RAM_END) == SRAM2
    data = image(segment(SRAM1, bytes(100)))
    assert memory.stack_floor(data, RAM_END) == SRAM1 + 100
    assert memory.stack_floor(image(), RAM_END) == DTCM


def test_a_heap_ends_at_the_stack_above_it_or_with_its_ram(model: CpuModel) -> None:
    memory = LoadedMemory(model, image())
    assert memory.heap_limit(SRAM1 + 0x100, RAM_END) == RAM_END
    assert memory.heap_limit(SRAM1 + 0x100, SRAM1) == RAM_END
    assert memory.heap_limit(0, RAM_END) == 0


def test_external_memory_is_there_for_a_program_that_uses_it(model: CpuModel) -> None:
    assert LoadedMemory(model, image()).read(SDRAM, 4) is None
    assert LoadedMemory(model, image(symbols={"frame": SDRAM})).read(SDRAM, 4) == bytes(4)
    assert LoadedMemory(model, image(segment(FLASH, b"x", run=SDRAM))).read(SDRAM, 4) == bytes(4)


def test_a_region_that_begins_inside_its_device_shares_its_bytes(tmp_path: Path) -> None:
    # A bootloader owns the first 32 KB of the flash; the ITCM window still begins at the device.
    script = tmp_path / "app.ld"
    script.write_text("MEMORY { FLASH (rx) : ORIGIN = 0x08008000, LENGTH = 992K }")
    part = load_cpu_model("stm32f746", memory_from=str(script))
    program = image(segment(FLASH + 0x8000, b"code"))
    memory = LoadedMemory(part, program)
    memory.load(program)
    assert memory.read(FLASH + 0x8000, 4) == b"code"
    assert memory.read(FLASH_ITCM + 0x8000, 4) == b"code"
    assert memory.read(FLASH_ITCM, 4) == b"\xff" * 4


def test_the_engine_keeps_a_bounded_amount_of_translated_code() -> None:
    # SysTick every 21 cycles had 1.3 GB of it; with the bound 119 MiB in all from 500,000
    # instructions on, and the same counts.
    memory = LoadedMemory(load_cpu_model("stm32f746"), image())
    uc = map_memory(memory)
    assert uc.ctl_get_tcg_buffer_size() == TRANSLATED_BYTES == 64 << 20
