"""The division of FlexRAM: what an ELF says of it, and what a program writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, Segment, Symbol
from simcore.errors import ConfigError
from simcore.run.flexram import config_warnings, divided
from simcore.run.setup import load_setup

KIB = 1024
DTCM, OCRAM, OCRAM2, FLASH = 0x2000_0000, 0x2028_0000, 0x2020_0000, 0x6000_0000
#: KiB of ITCM, DTCM and OCRAM that reset leaves, by the part's file.
USUAL = (128, 128, 256)


@pytest.fixture(scope="module")
def model() -> CpuModel:
    return load_cpu_model("imxrt1062")


def image(
    *sizes: tuple[int, int],
    sp: int | None = None,
    symbols: Sequence[Symbol] = (),
) -> Image:
    """A program with code in flash and so many bytes at each address."""
    code = Segment(FLASH, FLASH, bytes(64), 64, executable=True, writable=False)
    data = [Segment(at, at, b"", size, at == 0, at != 0) for at, size in sizes]
    return Image(
        "demo.elf", "", None, None, FLASH + 1, (code, *data), symbols=tuple(symbols), initial_sp=sp
    )


def absolute(name: str, value: int) -> Symbol:
    return Symbol(name, value, 0, "label", "")


def sizes_of(model: CpuModel) -> tuple[int, ...]:
    """KiB of ITCM, DTCM and OCRAM."""
    sizes = {region.name: region.size for region in model.regions}
    return tuple(sizes.get(name, 0) // KIB for name in ("itcm", "dtcm", "ocram"))


@pytest.mark.parametrize(
    ("program", "sizes"),
    [
        (image(), USUAL),
        (image((0, 128 * KIB), (DTCM, 128 * KIB), (OCRAM, 256 * KIB), (OCRAM2, 512 * KIB)), USUAL),
        # What is needed, and of the rest as much as usual: DTCM and ITCM before OCRAM.
        (image((0, 128 * KIB + 4)), (160, 128, 224)),
        (image((0, 400 * KIB)), (416, 96, 0)),
        (image((DTCM, 129 * KIB), (OCRAM, 4)), (128, 160, 224)),
        (image((DTCM, 512 * KIB)), (0, 512, 0)),
        (image((OCRAM, 500 * KIB)), (0, 0, 512)),
        # The stack pointer's first value is the end of its memory.
        (image(sp=DTCM + 448 * KIB), (64, 448, 0)),
        (image(sp=OCRAM2 + 512 * KIB), USUAL),  # in OCRAM2, or at the start of OCRAM
        # Data of a section that no segment shows, and ends that the linker script calls so.
        (image(symbols=[Symbol("data", DTCM + 256 * KIB, 8, "object", ".noinit")]), (128, 288, 96)),
        (image(symbols=[absolute("__StackTop", DTCM + 256 * KIB)]), (128, 256, 128)),
        (image(symbols=[absolute("__top_SRAM_ITC", 256 * KIB)]), (256, 128, 128)),
        (image(symbols=[absolute("_Heap_Size", 256 * KIB)]), USUAL),  # a number, no place
        # Ends that cannot all be are none.
        (image((0, 160 * KIB), symbols=[absolute("_end", DTCM + 512 * KIB)]), (160, 128, 224)),
        # Teensy's start-up: 2 banks of ITCM, the rest DTCM; whatever else there is.
        (image((OCRAM, 4), symbols=[absolute("_flexram_bank_config", 0xAAAA_AAAF)]), (64, 448, 0)),
        (image(symbols=[absolute("_flexram_bank_config", 0x5555_AAFF)]), USUAL),
    ],
)
def test_a_program_has_the_division_that_it_asks_for(
    model: CpuModel, program: Image, sizes: tuple[int, ...]
) -> None:
    found = divided(model, program)
    assert sizes_of(found) == sizes
    if found.division is None:
        assert found is model
    else:
        assert found.division.startswith(f"FlexRAM of {sizes[0]} KiB ITCM, {sizes[1]} KiB DTCM")
    assert found.sha256 == model.sha256  # a baseline compares on, however the program grows


def test_what_no_division_holds_is_refused(model: CpuModel) -> None:
    with pytest.raises(ConfigError, match="352 KiB ITCM, 224 KiB DTCM and 0 KiB OCRAM of FlexRAM"):
        divided(model, image((0, 350 * KIB), (DTCM, 200 * KIB)))


def test_a_part_without_flexram_stays() -> None:
    other = load_cpu_model("stm32f746")
    assert divided(other, image((0, 400 * KIB))) is other


@pytest.mark.parametrize("override", ["region.itcm.size=256K", "region.dtcm.size=64K"])
def test_who_says_the_sizes_decides(override: str) -> None:
    program = image((0, 400 * KIB))
    setup = load_setup("imxrt1062", overrides=[override], image=program)
    assert setup.model.division is None


def test_a_linker_script_says_the_sizes(tmp_path: Path) -> None:
    script = tmp_path / "t4.ld"
    script.write_text("MEMORY { ITCM (rwx): ORIGIN = 0, LENGTH = 512K }\n")
    setup = load_setup("imxrt1062", memory_from=script, image=image((DTCM, 4)))
    assert setup.model.region("itcm").size == 512 * KIB


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (0, None),  # never written
        (0x5555_AAFF, None),  # the usual one
        (0xAAFF_5555, None),  # other banks, the same sizes
        (0xAAAA_AAAF, "64 KiB ITCM, 448 KiB DTCM and 0 KiB OCRAM (0xaaaaaaaf at 0x400ac044)"),
        (0x0000_00FF, "128 KiB ITCM, 0 KiB DTCM and 0 KiB OCRAM"),  # the rest is off
    ],
)
def test_a_program_that_writes_another_division_is_told(
    model: CpuModel, written: int, words: str | None
) -> None:
    warnings = list(config_warnings(model, written))
    assert len(warnings) == (0 if words is None else 1)
    assert all(words in warning for warning in warnings if words)
