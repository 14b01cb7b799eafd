"""Devices as data: their registers fit together, and the clock tree reads what firmware writes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simcore.devices import (
    FAMILIES,
    RULE_KINDS,
    ClockNote,
    ClockPhase,
    clock_phases,
    crystal_of,
    family_of,
    heard,
    main_clock_hz,
)
from simcore.errors import ConfigError

MHZ = 1_000_000
REGISTERS = [
    (family, device, register)
    for family in FAMILIES
    for device in family_of(family).devices
    for register in device.registers
]


def address(family: str, name: str) -> int:
    device, register = name.split(".")
    (found,) = [one for one in family_of(family).devices if one.name == device]
    return found.address(register)


def written(family: str, *writes: tuple[str, int]) -> list[ClockNote]:
    """The writes, 100 cycles apart."""
    return [
        ClockNote(100 * n, address(family, name), value)
        for n, (name, value) in enumerate(writes, 1)
    ]


# --- the tables --------------------------------------------------------------------------------


def test_registers_are_words_at_addresses_of_their_own() -> None:
    for family in FAMILIES:
        places = sorted(d.base + r.offset for f, d, r in REGISTERS if f == family)
        assert all(place % 4 == 0 and place < 1 << 32 for place in places)
        assert all(one < other for one, other in pairwise(places)), family


def test_rules_name_registers_that_are_there_and_move_bits_inside_a_word() -> None:
    for _, device, register in REGISTERS:
        for rule in device.rules(register):
            assert rule.kind in RULE_KINDS
            if rule.kind in ("count", "interrupt", "line", "sent"):
                continue  # its shift is that of a clock, or a number
            left = -rule.shift if rule.kind == "mirror" else rule.shift
            moved = rule.mask << left if left > 0 else rule.mask >> -left
            assert 0 < moved < 1 << 32, (device.name, register.name)


def test_bits_that_never_change_are_told_once() -> None:
    assert not [r.name for _, _, r in REGISTERS if r.ones & r.zeros]


def test_each_device_says_which_manual_describes_it() -> None:
    assert not [device.name for _, device, _ in REGISTERS if "RM" not in device.source]


# --- the clock tree ----------------------------------------------------------------------------

#: Family, what is written in order, the crystal in MHz, and the clock in Hz worked out by hand with
#: the formulas of the manuals' clock chapters.
CLOCKS = {
    "f7 out of reset": ("stm32f7", [("RCC.PLLCFGR", 0x2400_3010)], 25, 16 * MHZ),
    "f7 on its crystal": ("stm32f7", [("RCC.CFGR", 1)], 8, 8 * MHZ),
    # 25 / 25 * 432 / 2
    "f7 at 216": (
        "stm32f7",
        [("RCC.PLLCFGR", 25 | 432 << 6 | 1 << 22), ("RCC.CFGR", 2)],
        25,
        216 * MHZ,
    ),
    # 16 / 8 * 100 / 4, divided by 2 for HCLK
    "f7 from the internal oscillator": (
        "stm32f7",
        [("RCC.PLLCFGR", 8 | 100 << 6 | 1 << 16), ("RCC.CFGR", 2 | 8 << 4)],
        25,
        25 * MHZ,
    ),
    "h7 out of reset": ("stm32h7", [("RCC.PLLCKSELR", 0)], 25, 64 * MHZ),
    "h7 with its oscillator divided": ("stm32h7", [("RCC.CR", 0x25 | 2 << 3)], 25, 16 * MHZ),
    "h7 on CSI": ("stm32h7", [("RCC.CFGR", 1)], 25, 4 * MHZ),
    # 8 / 1 * 120 / 2
    "h7 at 480": (
        "stm32h7",
        [
            ("RCC.PLLCKSELR", 2 | 1 << 4),
            ("RCC.PLL1DIVR", 119 | 1 << 9),
            ("RCC.CFGR", 3),
        ],
        8,
        480 * MHZ,
    ),
    # 25 / 5 * (99 + 1 + 4096 / 8192) / 2 / 4
    "h7 with a fraction, divided by four": (
        "stm32h7",
        [
            ("RCC.PLLCKSELR", 2 | 5 << 4),
            ("RCC.PLL1DIVR", 99 | 1 << 9),
            ("RCC.PLL1FRACR", 4096 << 3),
            ("RCC.PLLCFGR", 0x01FF_0001),
            ("RCC.D1CFGR", 9 << 8),
            ("RCC.CFGR", 3),
        ],
        25,
        62_812_500,
    ),
    "rt as the boot ROM leaves it": ("imxrt1060", [("CCM.CACRR", 1)], 24, 396 * MHZ),
    # 24 * 100 / 2 / 2
    "rt at 600": ("imxrt1060", [("CCM_ANALOG.PLL_ARM", 1 << 13 | 100)], 24, 600 * MHZ),
    # 24 * 22, and a phase fractional divider of 18 / 24 of it
    "rt from PLL 2": ("imxrt1060", [("CCM.CBCMR", 0x2DAE_8324 & ~(3 << 18))], 24, 528 * MHZ),
    "rt from a divider of PLL 2": (
        "imxrt1060",
        [("CCM_ANALOG.PFD_528", 24 << 16), ("CCM.CBCMR", 0x2DAE_8324 & ~(3 << 18) | 1 << 18)],
        24,
        396 * MHZ,
    ),
    # the crystal by periph_clk2, then halved
    "rt on its crystal": (
        "imxrt1060",
        [("CCM.CBCMR", 0x2DAE_8324 & ~(3 << 12) | 1 << 12), ("CCM.CBCDR", 1 << 25 | 1 << 10)],
        24,
        12 * MHZ,
    ),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_the_core_clock_is_read_from_what_was_written(name: str) -> None:
    family, writes, crystal, expected = CLOCKS[name]
    notes = written(family, *writes)
    (*_, last) = clock_phases(family, crystal * MHZ, notes, 0, 10_000)
    assert last.clock_hz == expected


def test_a_selection_of_no_clock_changes_none() -> None:
    notes = written("stm32f7", ("RCC.CFGR", 3), ("RCC.PLLCFGR", 0))
    assert clock_phases("stm32f7", 8 * MHZ, notes, 0, 500) == (ClockPhase(16 * MHZ, 500),)


F7_TO_216 = written("stm32f7", ("RCC.PLLCFGR", 25 | 432 << 6 | 1 << 22), ("RCC.CFGR", 2))
#: Where counting begins and ends, and the phases; the switch is at cycle 200.
SPANS = [
    (0, 1000, [(16, 200), (216, 800)]),
    (150, 1000, [(16, 50), (216, 800)]),
    (200, 1000, [(216, 800)]),
    (400, 1000, [(216, 600)]),
    (0, 200, [(16, 200), (216, 0)]),
    (1000, 1000, [(216, 0)]),
]


@pytest.mark.parametrize(("begin", "end", "expected"), SPANS)
def test_phases_are_those_of_the_counted_cycles(
    begin: int, end: int, expected: list[tuple[int, int]]
) -> None:
    phases = clock_phases("stm32f7", 25 * MHZ, F7_TO_216, begin, end)
    assert [(p.clock_hz // MHZ, p.cycles) for p in phases] == expected


def test_the_main_clock_is_that_of_most_cycles_or_of_the_first() -> None:
    phases = [ClockPhase(16, 300), ClockPhase(216, 250), ClockPhase(16, 10), ClockPhase(100, 250)]
    assert main_clock_hz(phases, is_first=False) == 16
    assert main_clock_hz(phases[1:], is_first=False) == 100  # as many as at 216, and later
    assert main_clock_hz(phases[1:], is_first=True) == 216


def test_the_programs_own_clock_tells_the_crystal() -> None:
    assert crystal_of("stm32f7", 25 * MHZ, F7_TO_216, 69_120_000) == 8 * MHZ
    assert crystal_of("stm32f7", 25 * MHZ, F7_TO_216, 216 * MHZ) == 25 * MHZ
    assert crystal_of("stm32f7", 25 * MHZ, F7_TO_216, 0) == 25 * MHZ
    assert crystal_of("stm32f7", 25 * MHZ, F7_TO_216, 1) == 25 * MHZ  # no crystal is that slow
    internal = written("stm32f7", ("RCC.CFGR", 0))
    assert crystal_of("stm32f7", 25 * MHZ, internal, 8 * MHZ) == 25 * MHZ


# --- serial ports ------------------------------------------------------------------------------


def test_one_serial_port_is_heard_all_or_none() -> None:
    devices = family_of("stm32h7").devices
    assert heard(devices, None) == devices
    assert [d.name for d in heard(devices, "lpuart1") if d.has_text] == ["LPUART1"]
    assert not [d.name for d in heard(devices, "off") if d.has_text]
    assert [d.name for d in heard(devices, "off")] == [d.name for d in devices]
    with pytest.raises(ConfigError, match=r"--uart USRT1: no serial port; did you mean 'USART1'"):
        heard(devices, "USRT1")
    with pytest.raises(ConfigError, match=r"known: none is described"):
        heard((), "USART1")
