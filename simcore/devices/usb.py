"""USB OTG of STM32 parts: it resets and flushes at once, its role is the one that it is told.

Nobody is on the bus.
"""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import Device, Register, bits, ends_at_once, follows


def _otg(name: str, base: int) -> Device:
    return Device(
        name,
        base,
        "RM0385 and RM0433 chapter OTG, control and status registers",
        (
            Register("GAHBCFG", 0x08),
            Register("GUSBCFG", 0x0C, 0x0000_0A00),
            # CSRST, HSRST, RXFFLSH, TXFFLSH; AHBIDL
            Register("GRSTCTL", 0x10, rules=(ends_at_once(0, 1, 4, 5),), ones=bits(31)),
            # CMOD of FHMOD; the FIFOs for sending are empty
            Register(
                "GINTSTS",
                0x14,
                rules=(follows(0, 29, "GUSBCFG"),),
                ones=bits(5, 26),
                zeros=ALL_BITS & ~bits(0, 5, 26),
            ),
            Register("GINTMSK", 0x18),
        ),
    )


def stm32f7() -> tuple[Device, ...]:
    return (_otg("OTG_FS", 0x5000_0000), _otg("OTG_HS", 0x4004_0000))


def stm32h7() -> tuple[Device, ...]:
    return (_otg("OTG1_HS", 0x4004_0000), _otg("OTG2_FS", 0x4008_0000))
