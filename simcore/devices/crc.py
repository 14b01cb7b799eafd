"""The CRC unit of STM32 parts, which computes."""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import Device, Register, Rule, ends_at_once


def _crc(base: int) -> Device:
    return Device(
        "CRC",
        base,
        "RM0385 and RM0433 chapter CRC, CRC registers",
        (
            Register("DR", 0x00, ALL_BITS, rules=(Rule("crc"),)),
            Register("IDR", 0x04),
            Register("CR", 0x08, rules=(Rule("crc_reset", 1, "DR"), ends_at_once(0))),
            Register("INIT", 0x10, ALL_BITS, rules=(Rule("crc_reset", 0, "DR"),)),
            Register("POL", 0x14, 0x04C1_1DB7),
        ),
    )


def stm32f7() -> tuple[Device, ...]:
    return (_crc(0x4002_3000),)


def stm32h7() -> tuple[Device, ...]:
    return (_crc(0x5802_4C00),)
