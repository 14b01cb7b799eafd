"""The layout band: which code moves by how much, and what the cycles of the shifts make."""

from __future__ import annotations

from pathlib import Path

from simcore.costs.tables import LayoutBand
from simcore.cpu_model import load_cpu_model
from simcore.elf import Image, Section, load_image
from simcore.placement import place
from simcore.placement.layout import layout_band, layout_setups, shifted
from simcore.run.setup import Move, TimingSetup

KERNELS = Path(__file__).parents[3] / "kernels" / "prebuilt"


def program(*sections: Section) -> Image:
    return Image("p.elf", "", None, None, 1, (), sections=sections)


TEXT = Section(".text", 0x0800_0100, 0x400, 0x0800_0100, True, True, False)
DATA = Section(".data", 0x2001_0000, 0x100, 0x0800_0500, True, False, True)


def test_all_code_shifts_and_data_stays() -> None:
    assert shifted(program(TEXT, DATA), (), 8) == (Move(0x0800_0100, 0x400, 0x0800_0108),)


def test_code_that_was_placed_elsewhere_shifts_there_and_placed_data_does_not() -> None:
    function = Move(0x0800_0200, 0x80, 0x10)
    data = Move(0x2001_0000, 0x40, 0x2000_0000)
    assert shifted(program(TEXT, DATA), (function, data), 4) == (
        Move(0x0800_0100, 0x100, 0x0800_0104),
        Move(0x0800_0200, 0x80, 0x14),
        Move(0x0800_0280, 0x280, 0x0800_0284),
        data,
    )


def test_shifts_are_the_words_of_a_cache_line_that_the_memory_has_room_for() -> None:
    model = load_cpu_model("stm32f746")
    image = load_image(KERNELS / "conv2d_s8.elf")
    placed = place(image, model, ["main=itcm"])
    for moves in ((), placed.moves):
        setups = layout_setups(image, TimingSetup(model, moves=moves))
        assert [offset for offset, _ in setups] == [0, 4, 8, 12, 16, 20, 24, 28]
        assert setups[0][1].moves == moves
        for _, setup in setups:
            setup.check()
    full = Section(".fast", 0x0, 16384 - 8, 0, True, True, False)  # ITCM has 8 bytes left
    setups = layout_setups(program(TEXT, full), TimingSetup(model))
    assert [offset for offset, _ in setups] == [0, 4, 8]


def test_the_band_is_the_extremes_and_the_lower_median() -> None:
    assert layout_band([0, 4, 8, 12], [30, 10, 40, 20]) == LayoutBand(
        (0, 4, 8, 12), (30, 10, 40, 20), minimum_cycles=10, median_cycles=20, maximum_cycles=40
    )
