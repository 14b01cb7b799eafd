"""I2C masters to whom nobody answers: an address ends with no acknowledge and a stop, at once.

As slaves they are never addressed.
"""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once

_NACKF_STOPF = bits(4, 5)


def _stm32(name: str, base: int) -> Device:
    return Device(
        name,
        base,
        "RM0385 30.7, RM0433 47.7: I2C registers",
        (
            Register("CR1", 0x00),
            Register(
                "CR2",
                0x04,
                rules=(
                    Rule("force", bits(13), "ISR", 4 - 13),  # NACKF of START
                    Rule("force", bits(13), "ISR", 5 - 13),  # which brings a STOPF
                    Rule("force", bits(14), "ISR", 5 - 14),  # STOPF of STOP
                    ends_at_once(13, 14, 15),
                ),
            ),
            Register("OAR1", 0x08),
            Register("OAR2", 0x0C),
            Register("TIMINGR", 0x10),
            Register("TIMEOUTR", 0x14),
            Register(
                "ISR",
                0x18,
                0x0000_0001,
                rules=(Rule("keep"),),
                ones=bits(0),  # TXE
                zeros=ALL_BITS & ~(bits(0) | _NACKF_STOPF),
            ),
            Register("ICR", 0x1C, rules=(Rule("drop", _NACKF_STOPF, "ISR"), Rule("idle"))),
            Register("PECR", 0x20),
            Register("RXDR", 0x24, zeros=ALL_BITS),
            Register("TXDR", 0x28),
        ),
    )


def _imxrt(number: int) -> Device:
    """An LPI2C; commands and data that follow an address are taken and dropped."""
    return Device(
        f"LPI2C{number}",
        0x403F_0000 + 0x4000 * (number - 1),
        "IMXRT1060RM chapter LPI2C, register definition",
        (
            Register("VERID", 0x00, 0x0100_0003),
            Register("PARAM", 0x04, 0x0000_0202),
            Register("MCR", 0x10, rules=(ends_at_once(8, 9),)),  # RTF, RRF
            # TDF; set by commands: SDF, NDF
            Register(
                "MSR",
                0x14,
                0x0000_0001,
                rules=(Rule("one_clears"),),
                ones=bits(0),
                zeros=ALL_BITS & ~bits(0, 9, 10),
            ),
            *(
                Register(f"{name}", offset)
                for name, offset in (
                    ("MIER", 0x18),
                    ("MDER", 0x1C),
                    ("MCFGR0", 0x20),
                    ("MCFGR1", 0x24),
                    ("MCFGR2", 0x28),
                    ("MCFGR3", 0x2C),
                    ("MDMR", 0x40),
                    ("MCCR0", 0x48),
                    ("MCCR1", 0x50),
                    ("MFCR", 0x58),
                )
            ),
            Register("MFSR", 0x5C, zeros=ALL_BITS),
            # NDF of START with an address, SDF of STOP
            Register("MTDR", 0x60, rules=(Rule("force", bits(9, 10), "MSR"), Rule("idle"))),
            Register("MRDR", 0x70, 0x0000_4000, ones=bits(14), zeros=ALL_BITS & ~bits(14)),
        ),
    )


_COMMON = {"I2C1": 0x4000_5400, "I2C2": 0x4000_5800, "I2C3": 0x4000_5C00}


def stm32f7() -> tuple[Device, ...]:
    return tuple(_stm32(*one) for one in {**_COMMON, "I2C4": 0x4000_6000}.items())


def stm32h7() -> tuple[Device, ...]:
    return tuple(
        _stm32(*one) for one in {**_COMMON, "I2C4": 0x5800_1C00, "I2C5": 0x4000_6400}.items()
    )


def imxrt1060() -> tuple[Device, ...]:
    return tuple(map(_imxrt, range(1, 5)))
