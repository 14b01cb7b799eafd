"""Flash control of STM32 parts: locks and their keys; erasing and programming take no time.

Errors of programming, option bytes and protection are not there.
"""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.kinds import FlashKind
from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once, unlocks

_BANK_1, _BANK_2 = 0x0800_0000, 0x0810_0000
_KEYS, _OPTION_KEYS = (0x4567_0123, 0xCDEF_89AB), (0x0819_2A3B, 0x4C5D_6E7F)


def _option_control(name: str, offset: int, reset: int) -> Register:
    """OPTLOCK, and what starts the writing of option bytes."""
    return Register(name, offset, reset, rules=(Rule("lock", bits(0)), ends_at_once(1)))


def stm32f7() -> Device:
    return Device(
        "FLASH",
        0x4002_3C00,
        "RM0385 3.7: FLASH registers but ACR",
        (
            Register("KEYR", 0x04, rules=(unlocks("CR", *_KEYS),), zeros=ALL_BITS),
            Register("OPTKEYR", 0x08, rules=(unlocks("OPTCR", *_OPTION_KEYS),), zeros=ALL_BITS),
            Register("SR", 0x0C, zeros=ALL_BITS),
            Register(
                "CR",
                0x10,
                0x8000_0000,
                rules=(
                    Rule("lock", bits(31)),
                    Rule("program", bits(0)),
                    Rule("erase", bits(16), _BANK_1, FlashKind.F7),
                    ends_at_once(16),  # STRT
                ),
            ),
            _option_control("OPTCR", 0x14, 0xC0FF_AAFD),
            Register("OPTCR1", 0x18, 0x0040_0080),
        ),
    )


def _h7_bank(number: int, offset: int, kind: FlashKind) -> tuple[Register, ...]:
    """The registers of a bank: an STM32H7A3 has no parallelism, and START where that begins."""
    start, reset = (bits(5), 1) if kind is FlashKind.H7A3 else (bits(7), 0x31)
    control = f"CR{number}"
    return (
        Register(f"KEYR{number}", offset + 0x04, rules=(unlocks(control, *_KEYS),), zeros=ALL_BITS),
        Register(
            control,
            offset + 0x0C,
            reset,
            rules=(
                Rule("lock", bits(0)),
                Rule("program", bits(1)),
                Rule("erase", start, (_BANK_1, _BANK_2)[number - 1], kind),
                Rule("idle", start),
            ),
        ),
        Register(f"SR{number}", offset + 0x10, zeros=ALL_BITS),
        Register(f"CCR{number}", offset + 0x14, rules=(ends_at_once(*range(16, 32)),)),
    )


def _h7(kind: FlashKind) -> Device:
    return Device(
        "FLASH",
        0x5200_2000,
        "RM0433 4.9, RM0455 4.9: FLASH registers but ACR",
        (
            *_h7_bank(1, 0x000, kind),
            *_h7_bank(2, 0x100, kind),
            Register("OPTKEYR", 0x08, rules=(unlocks("OPTCR", *_OPTION_KEYS),), zeros=ALL_BITS),
            _option_control("OPTCR", 0x18, 0x0000_0001),
            Register("OPTSR_CUR", 0x1C, 0x1386_AAF0),
            Register("OPTSR_PRG", 0x20, 0x1386_AAF0),
        ),
    )


def stm32h7() -> Device:
    return _h7(FlashKind.H7)


def stm32h7a3() -> Device:
    return _h7(FlashKind.H7A3)
