"""Configurations to time a run under are checked before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.elf import load_image
from simcore.errors import ConfigError
from simcore.run.setup import Move, TimingSetup, load_setup, placed
from simcore.simulation.live import simulate_many

CHECKOUT = Path(__file__).resolve().parents[3]
MODEL = load_cpu_model("stm32f746")
ITCM, DTCM, FLASH = 0x0000_0000, 0x2000_0000, 0x0800_0000


def test_an_address_is_timed_where_its_move_says() -> None:
    moves = (Move(0x100, 0x10, 0x400), Move(0x110, 4, 0x200))
    expected = {0xFF: 0xFF, 0x100: 0x400, 0x10F: 0x40F, 0x110: 0x200, 0x113: 0x203, 0x114: 0x114}
    assert {address: placed(moves, address) for address in expected} == expected


def test_moves_come_in_any_order_and_are_sorted() -> None:
    moves = [Move(FLASH + 64, 32, DTCM), Move(FLASH, 32, ITCM)]
    assert load_setup("stm32f746", moves=moves).moves == tuple(reversed(moves))


def test_the_clock_is_the_highest_when_not_given() -> None:
    assert TimingSetup(MODEL).core_clock_hz == MODEL.max_clock_hz
    assert TimingSetup(MODEL, 1_000_000).core_clock_hz == 1_000_000


@pytest.mark.parametrize(
    ("setup", "part"),
    [
        (TimingSetup(MODEL, caches="maybe"), "it is one of auto, on, off"),
        (TimingSetup(MODEL, 10**9), "216000000"),
        (TimingSetup(MODEL, moves=(Move(FLASH, 0, ITCM),)), "no range of addresses"),
        (TimingSetup(MODEL, moves=(Move(FLASH, 4, 2),)), "no whole number of words"),
        (TimingSetup(MODEL, moves=(Move(FLASH, 16, ITCM + 0x4000 - 8),)), "leaves the memories"),
        (TimingSetup(MODEL, moves=(Move(FLASH, 16, 0x4002_0000),)), "leaves the memories"),
        (TimingSetup(MODEL, moves=(Move(FLASH, 8, 0), Move(FLASH + 4, 8, 64))), "overlaps the one"),
    ],
)
def test_a_wrong_configuration_is_refused(setup: TimingSetup, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        setup.check()


def test_a_program_that_the_part_has_no_memory_for_is_refused_unless_it_is_moved_there() -> None:
    image = load_image(str(CHECKOUT / "kernels" / "prebuilt" / "conv2d_s8_small.elf"))
    other = TimingSetup(load_cpu_model("imxrt1062"))
    with pytest.raises(ConfigError, match="is outside the memory of imxrt1062"):
        simulate_many(image, [TimingSetup(MODEL), other])
    regions = [region for region in other.model.regions if region.kind in ("dtcm", "external")]
    assert other.model.region_at(FLASH) is None
    flash = next(region for region in regions if region.size >= 1 << 20)
    moves = (Move(FLASH, 1 << 20, flash.base),)
    replace(other, moves=moves).check_program(image)


def test_no_configuration_at_all_is_refused() -> None:
    image = load_image(str(CHECKOUT / "kernels" / "prebuilt" / "conv2d_s8_small.elf"))
    with pytest.raises(ConfigError, match="no configuration"):
        simulate_many(image, [])
