"""FlexSPI of i.MX RT10xx: a command for the chip behind it ends at once, no chip answers."""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once


def _flexspi(name: str, base: int) -> Device:
    return Device(
        name,
        base,
        "IMXRT1060RM chapter FlexSPI, register definition",
        (
            Register("MCR0", 0x00, 0xFFFF_80C2, rules=(ends_at_once(0),)),  # SWRESET
            Register("MCR1", 0x04, 0xFFFF_FFFF),
            Register("MCR2", 0x08, 0x2000_81F7),
            Register("AHBCR", 0x0C, 0x0000_0018),
            Register("INTEN", 0x10),
            # IPCMDDONE, IPTXWE: room for what is sent
            Register("INTR", 0x14, ones=bits(0, 6), zeros=ALL_BITS & ~bits(0, 6)),
            Register("LUTKEY", 0x18, 0x5AF0_5AF0),
            Register("LUTCR", 0x1C, 0x0000_0002),
            Register("IPCR0", 0xA0),
            Register("IPCR1", 0xA4),
            Register("IPCMD", 0xB0, rules=(Rule("idle"),)),
            Register("IPRXFCR", 0xB8, rules=(ends_at_once(0),)),
            Register("IPTXFCR", 0xBC, rules=(ends_at_once(0),)),
            Register("STS0", 0xE0, ones=bits(0, 1)),  # SEQIDLE, ARBIDLE
            Register("STS1", 0xE4, zeros=ALL_BITS),
            Register(
                "STS2", 0xE8, 0x0100_0100, ones=bits(0, 1, 16, 17)
            ),  # the delay lines are locked
        ),
    )


def imxrt1060() -> tuple[Device, ...]:
    return (_flexspi("FLEXSPI", 0x402A_8000), _flexspi("FLEXSPI2", 0x402A_4000))
