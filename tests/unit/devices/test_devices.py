"""Devices as data: their registers fit together, and the clock tree reads what firmware writes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simcore.devices import (
    CHANNEL_KINDS,
    FAMILIES,
    RULE_KINDS,
    ClockNote,
    ClockPhase,
    clock_phases,
    clocks_at_scales,
    crystal_of,
    cycles_of_byte,
    family_of,
    heard,
    main_clock_hz,
    serial_port,
    sets_clock,
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
            if rule.kind not in ("mirror", "set", "clear", "toggle", "force", "drop"):
                continue  # its shift is none of bits
            left = -rule.shift if rule.kind == "mirror" else rule.shift
            moved = rule.mask << left if left > 0 else rule.mask >> -left
            assert 0 < moved < 1 << 32, (device.name, register.name)


def test_channels_of_dma_have_registers_of_their_own_that_they_hear_of() -> None:
    heard_of = {
        (f, d.base + r.offset)
        for f, d, r in REGISTERS
        if any(rule.kind == "dma" for rule in r.rules)
    }
    channels = [(f, c) for f in FAMILIES for d in family_of(f).devices for c in d.channels]
    assert len({(f, c.registers) for f, c in channels}) == len(channels) > 48
    for family, channel in channels:
        words = {channel.registers, channel.flags, channel.select} - {0}
        assert {(family, address) for address in words} <= heard_of
        assert channel.kind in CHANNEL_KINDS


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


#: Family, what is written in order, and the voltage scale then: RM0385 4.4.1, RM0433 6.8.6 and
#: 12.3.9, RM0455 6.8.6, and for an STM32H723 RM0468 6.8.6.
SCALES = {
    "f7 at scale 3": ("stm32f7", [("PWR.CR1", 1 << 14)], "scale3"),
    "f7 at scale 1": ("stm32f7", [("PWR.CR1", 3 << 14)], "scale1"),
    "f7 with over-drive enabled but not switched to": (
        "stm32f7",
        [("PWR.CR1", 3 << 14 | 1 << 16)],
        "scale1",
    ),
    "f7 with over-drive": ("stm32f7", [("PWR.CR1", 3 << 14 | 3 << 16)], "scale1-overdrive"),
    "h7 at scale 2": ("stm32h7", [("PWR.D3CR", 2 << 14)], "vos2"),
    "h7 at scale 1": ("stm32h7", [("PWR.D3CR", 3 << 14)], "vos1"),
    "h743 at scale 0": ("stm32h7", [("PWR.D3CR", 3 << 14), ("SYSCFG.PWRCR", 1)], "vos0"),
    "h723 at scale 0": ("stm32h7", [("PWR.D3CR", 0)], "vos0"),
    "h7a3 at scale 3": ("stm32h7a3", [("PWR.D3CR", 0)], "vos3"),
    "h7a3 at scale 0": ("stm32h7a3", [("PWR.D3CR", 3 << 14)], "vos0"),
}


@pytest.mark.parametrize("name", SCALES)
def test_the_voltage_scale_is_read_from_what_was_written(name: str) -> None:
    family, writes, expected = SCALES[name]
    notes = written(family, *writes)
    assert clocks_at_scales(family, 8 * MHZ, notes)[-1][1] == expected
    assert not sets_clock(family, notes)


def test_each_clock_is_told_with_the_scale_that_it_ran_at() -> None:
    notes = written(
        "stm32f7", ("PWR.CR1", 1 << 14), ("RCC.CFGR", 1), ("PWR.CR1", 3 << 14), ("RCC.CFGR", 0)
    )
    assert clocks_at_scales("stm32f7", 8 * MHZ, notes) == (
        (16 * MHZ, "scale1"),
        (16 * MHZ, "scale3"),
        (8 * MHZ, "scale3"),
        (8 * MHZ, "scale1"),
    )
    assert sets_clock("stm32f7", notes)
    assert clocks_at_scales("imxrt1060", 24 * MHZ, []) == ()


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


#: Family, port, what is written, and the core cycles of a byte, worked out by hand: bits of a frame
#: times the divider, times the core's clock over the port's.
BYTES = {
    "8 bits and a stop bit": ("stm32f7", "USART1", {"BRR": 139}, 10 * 139),
    "of the slow bus": (
        "stm32f7", "USART2", {"BRR": 100, "RCC.CFGR": 5 << 10}, 10 * 100 * 4,
    ),
    "of the fast bus": (
        "stm32f7", "USART6", {"BRR": 100, "RCC.CFGR": 4 << 13}, 10 * 100 * 2,
    ),
    "of SYSCLK": (
        "stm32f7", "UART4", {"BRR": 100, "RCC.CFGR": 8 << 4, "RCC.DCKCFGR2": 1 << 6},
        10 * 100 // 2,
    ),
    "9 bits, two stop bits": (
        "stm32f7", "USART1", {"BRR": 100, "CR1": 1 << 12, "CR2": 2 << 12}, 12 * 100,
    ),
    "7 bits, one and a half": (
        "stm32f7", "USART1", {"BRR": 100, "CR1": 1 << 28, "CR2": 3 << 12}, 950,
    ),
    "8 samples a bit": (  # the fraction has three bits then
        "stm32f7", "USART1", {"BRR": 0x83, "CR1": 1 << 15}, 10 * (0x80 | 3 << 1) // 2,
    ),
    "no rate": ("stm32f7", "USART1", {}, 0),
    "divided before": ("stm32h7", "USART3", {"BRR": 100, "PRESC": 2}, 10 * 100 * 4),
    "of the internal oscillator": (  # 64 MHz on both sides
        "stm32h7", "USART1", {"BRR": 100, "RCC.D2CFGR": 4 << 8, "RCC.D2CCIP2R": 3 << 3}, 1000,
    ),
    "of PLL 2": (  # 64 MHz / 4 * 100 / 8 = 200 MHz
        "stm32h7", "USART2",
        {"BRR": 1000, "RCC.PLLCKSELR": 4 << 12, "RCC.PLL2DIVR": 99 | 7 << 16, "RCC.D2CCIP2R": 1},
        10 * 1000 * 64 // 200,
    ),
    "a low-power one": (  # 256 of its clock a tick of BRR
        "stm32h7", "LPUART1", {"BRR": 0x15B3E}, round(10 * 0x15B3E / 256),
    ),
    "16 samples of 80 MHz": (  # the core at 396 MHz
        "imxrt1060", "LPUART1", {"BAUD": 15 << 24 | 43, "CCM.CACRR": 1}, 34056,
    ),
    "of the crystal": (  # 24 MHz / 2
        "imxrt1060", "LPUART2",
        {"BAUD": 15 << 24 | 6 | 1 << 13, "CCM.CSCDR1": 1 << 6 | 1, "CCM.CACRR": 1},
        11 * 6 * 16 * 33,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BYTES)
def test_a_byte_takes_what_rate_and_clock_make_of_it(name: str) -> None:
    family, port_name, writes, expected = BYTES[name]
    port = serial_port(family_of(family).devices, port_name)
    values = {d.base + r.offset: r.reset for f, d, r in REGISTERS if f == family}
    for register, value in writes.items():
        at = address(family, register) if "." in register else port.address(register)
        values[at] = value
    assert cycles_of_byte(family, port, values.__getitem__, 24 * MHZ) == expected
