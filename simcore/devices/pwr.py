"""Power control of STM32 parts: a voltage scale is reached as soon as it is asked for."""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import POWER, Device, Register, Rule, follows


def stm32f7() -> Device:
    return Device(
        "PWR",
        0x4000_7000,
        "RM0385 4.4, RM0410 4.4: PWR registers",
        (
            Register("CR1", 0x00, 0x0000_C000, rules=(POWER,)),
            Register(
                "CSR1",
                0x04,
                rules=(
                    follows(3, 9),  # BRR of BRE
                    follows(16, 16, "CR1"),  # ODRDY of ODEN
                    follows(17, 17, "CR1"),  # ODSWRDY of ODSWEN
                ),
                ones=1 << 14,  # VOSRDY
            ),
            Register("CR2", 0x08),
            Register("CSR2", 0x0C),
        ),
    )


def stm32h7() -> Device:
    return Device(
        "PWR",
        0x5802_4800,
        "RM0433 6.8: PWR registers",
        (
            Register("CR1", 0x00, 0xF000_C000),
            Register(
                "CSR1",
                0x04,
                0x0000_4000,
                rules=(follows(14, 14, "D3CR", width=2),),  # ACTVOS of VOS
                ones=1 << 13,  # ACTVOSRDY
            ),
            Register("CR2", 0x08, rules=(follows(16, 0),)),  # BRRDY of BREN
            Register("CR3", 0x0C, 0x0000_0006, rules=(follows(26, 24),)),  # USB33RDY of USB33DEN
            Register("CPUCR", 0x10),
            Register("D3CR", 0x18, 0x0000_4000, rules=(POWER,), ones=1 << 13),  # VOSRDY
            Register("WKUPCR", 0x20, rules=(Rule("idle"),)),
            Register("WKUPFR", 0x24, zeros=ALL_BITS),
            Register("WKUPEPR", 0x28),
        ),
    )
