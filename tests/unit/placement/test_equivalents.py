"""Equivalents of memories: what of one part is timed as what of another."""

from __future__ import annotations

import pytest

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, Segment
from simcore.errors import ConfigError
from simcore.placement.equivalents import equivalent_moves, linked_for
from simcore.run.setup import Move, TimingSetup, placed
from simcore.run.spec import PartSpec

KIB = 1024
FLASH, DTCM, SRAM_746, SRAM_767, AXI = (
    0x0800_0000,
    0x2000_0000,
    0x2001_0000,
    0x2002_0000,
    0x2400_0000,
)
FLASH_RT, OCRAM2, SDRAM = 0x6000_0000, 0x2020_0000, 0xC000_0000
END_746, END_767 = 0x2005_0000, 0x2008_0000  # of SRAM2


def image(*sizes: tuple[int, int], sp: int = 0) -> Image:
    """Code at the start of flash, and so many bytes at each address."""
    code = Segment(FLASH, FLASH, bytes(64), 64, executable=True, writable=False)
    data = [Segment(at, at, b"", size, False, True) for at, size in sizes]
    return Image("demo.elf", "", None, None, FLASH + 1, (code, *data), initial_sp=sp or None)


def part(name: str) -> CpuModel:
    return load_cpu_model(name)


@pytest.mark.parametrize(
    ("home", "other", "program", "expected"),
    [
        # Flash and DTCM are at the same addresses; SRAM1 and SRAM2 begin behind a larger DTCM.
        ("stm32f746", "stm32f767", image((DTCM, 64), (SRAM_746, 64)), {SRAM_746: SRAM_767}),
        ("stm32f746", "stm32f767", image((END_746 - 64, 64)), {END_746 - 64: SRAM_767 + 0x3FFC0}),
        ("stm32f746", "stm32h743", image((SRAM_746, 64)), {SRAM_746: AXI, DTCM + 8: DTCM + 8}),
        ("stm32f746", "imxrt1062", image((SRAM_746, 64)), {FLASH: FLASH_RT, SRAM_746: OCRAM2}),
        # The largest SRAM first; D2's goes behind what takes the larger part.
        ("stm32h743", "stm32f767", image((AXI, 64)), {AXI: SRAM_767, FLASH + 4: FLASH + 4}),
        # A smaller memory has the data at its start and the stack at its end.
        (
            "stm32f767",
            "stm32f746",
            image((SRAM_767, 64), sp=END_767),
            {SRAM_767: SRAM_746, END_767 - 4: END_746 - 4},
        ),
        (
            "stm32f767",
            "stm32f746",
            image((DTCM, 60 * KIB)),
            {DTCM: DTCM, DTCM + 32764: DTCM + 32764},
        ),
        # External memory by its name.
        ("stm32f746", "imxrt1062", image((SDRAM, 64)), {SDRAM: 0x8000_0000}),
        # A part without flash has it in its SRAM.
        ("stm32f746", "generic-m7", image((SRAM_746, 64)), {FLASH: AXI}),
    ],
)
def test_memories_are_timed_as_their_equivalents(
    home: str, other: str, program: Image, expected: dict[int, int]
) -> None:
    moves, words = equivalent_moves(program, part(home), part(other))
    assert {address: placed(moves, address) for address in expected} == expected
    TimingSetup(part(other), moves=moves).check()
    TimingSetup(part(other), moves=moves).check_program(program)
    assert all(" as " in text for text in words)


def test_what_has_no_room_is_refused() -> None:
    program = image((0x2400_0000, 500 * KIB))
    with pytest.raises(
        ConfigError, match="512000 bytes in axi_sram of stm32h743 have no room in a"
    ):
        equivalent_moves(program, part("stm32h743"), part("stm32f723"))


def test_the_same_part_moves_nothing() -> None:
    moves, _ = equivalent_moves(image((SRAM_746, 64)), part("stm32f746"), part("stm32f746"))
    assert moves == ()


@pytest.mark.parametrize(
    ("program", "parts", "home"),
    [
        (image((SRAM_746, 64), sp=END_746), ("stm32f767", "stm32f746"), "stm32f746"),
        (image((SRAM_746, 64), sp=END_767), ("stm32f746", "stm32f767"), "stm32f767"),
        (image((DTCM, 64), sp=DTCM + 4096), ("stm32h743", "stm32f746"), "stm32h743"),  # the first
        (image((AXI, 64)), ("stm32f746", "stm32h743"), "stm32h743"),
        (image((0x3800_0000, 64)), ("stm32f746", "imxrt1062"), None),
    ],
)
def test_the_part_that_a_program_is_linked_for_holds_it(
    program: Image, parts: tuple[str, ...], home: str | None
) -> None:
    assert linked_for(program, [PartSpec(cpu=name) for name in parts]) == home


def test_who_tells_the_memory_is_no_home() -> None:
    spec = PartSpec(cpu="stm32f746", overrides=("region.sram1.size=200K",))
    assert linked_for(image((SRAM_746, 64)), [spec]) is None


def test_moves_are_cut_where_code_begins_and_ends() -> None:
    """So that a layout sweep can shift code alone."""
    from dataclasses import replace

    from simcore.elf import Section

    code = Section(".text", FLASH + 0x100, 0x80, FLASH + 0x100, True, True, False)
    program = replace(image(), sections=(code,))
    moves, _ = equivalent_moves(program, part("stm32f746"), part("imxrt1062"))
    assert Move(FLASH + 0x100, 0x80, FLASH_RT + 0x100) in moves
