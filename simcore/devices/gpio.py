"""Ports of pins: an output is read back as it was driven; nobody drives an input, which reads 0."""

from __future__ import annotations

from collections.abc import Mapping

from simcore.devices import ALL_BITS
from simcore.devices.registers import Device, Register, Rule

_LOW, _HIGH = 0x0000_FFFF, 0xFFFF_0000


#: Out of reset the pins of the debug port on A and B are driven and pulled: OSPEEDR and PUPDR.
_SPEEDS, _PULLS = {"A": 0x0C00_0000, "B": 0x0000_00C0}, {"A": 0x6400_0000, "B": 0x0000_0100}


def _stm32(
    base: int, source: str, ports: str, modes: Mapping[str, int], mode: int
) -> tuple[Device, ...]:
    """Ports whose MODER is `mode` out of reset, but those in `modes`."""
    return tuple(
        Device(
            f"GPIO{port}",
            base + 0x400 * n,
            source,
            (
                Register("MODER", 0x00, modes.get(port, mode)),
                Register("OTYPER", 0x04),
                Register("OSPEEDR", 0x08, _SPEEDS.get(port, 0)),
                Register("PUPDR", 0x0C, _PULLS.get(port, 0)),
                Register("IDR", 0x10, rules=(Rule("mirror", _LOW, "ODR"),)),
                Register("ODR", 0x14),
                Register(
                    "BSRR",
                    0x18,
                    rules=(
                        Rule("clear", _HIGH, "ODR", -16),
                        Rule("set", _LOW, "ODR"),  # BS wins over BR
                        Rule("idle"),
                    ),
                ),
                Register("LCKR", 0x1C),
                Register("AFRL", 0x20),
                Register("AFRH", 0x24),
            ),
        )
        for n, port in enumerate(ports)
    )


def stm32f7() -> tuple[Device, ...]:
    return _stm32(
        0x4002_0000,
        "RM0385 6.4, RM0410 6.4: GPIO registers",
        "ABCDEFGHIJK",
        {"A": 0xA800_0000, "B": 0x0000_0280},
        0,
    )


def stm32h7() -> tuple[Device, ...]:
    return _stm32(
        0x5802_0000,
        "RM0433 11.4: GPIO registers",
        "ABCDEFGHIJK",
        {"A": 0xABFF_FFFF, "B": 0xFFFF_FEBF},
        ALL_BITS,  # analogue
    )


def _imxrt(number: int, base: int) -> Device:
    return Device(
        f"GPIO{number}",
        base,
        "IMXRT1060RM chapter GPIO, memory map and register definition",
        (
            Register("DR", 0x00),
            Register("GDIR", 0x04),
            Register("PSR", 0x08, rules=(Rule("mirror", other="DR"),)),
            Register("ICR1", 0x0C),
            Register("ICR2", 0x10),
            Register("IMR", 0x14),
            Register("ISR", 0x18, rules=(Rule("idle"),)),
            Register("EDGE_SEL", 0x1C),
            Register("DR_SET", 0x84, rules=(Rule("set", other="DR"), Rule("idle"))),
            Register("DR_CLEAR", 0x88, rules=(Rule("clear", other="DR"), Rule("idle"))),
            Register("DR_TOGGLE", 0x8C, rules=(Rule("toggle", other="DR"), Rule("idle"))),
        ),
    )


def imxrt1060() -> tuple[Device, ...]:
    return tuple(
        _imxrt(number, base)
        for number, base in (
            (1, 0x401B_8000),
            (2, 0x401B_C000),
            (3, 0x401C_0000),
            (4, 0x401C_4000),
            (5, 0x400C_0000),
            (6, 0x4200_0000),
            (7, 0x4200_4000),
            (8, 0x4200_8000),
            (9, 0x4200_C000),
        )
    )
