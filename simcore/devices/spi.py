"""SPI masters: what is sent is gone at once, and as much comes in, of zeros: nobody drives the pin.

As slaves they are never clocked.
"""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.kinds import SpiKind
from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once


def _f7(name: str, base: int) -> Device:
    def plays(offset_name: str, offset: int, reset: int = 0, zeros: int = 0) -> Register:
        rules = (Rule("spi", 4, base, SpiKind.F7),)
        return Register(offset_name, offset, reset, rules, zeros=zeros)

    return Device(
        name,
        base,
        "RM0385 32.9: SPI and I2S registers",
        (
            plays("CR1", 0x00),
            plays("CR2", 0x04, 0x0000_0700),
            Register(
                "SR",
                0x08,
                0x0000_0002,
                rules=(Rule("keep", bits(0, 6, 9, 10)),),  # RXNE, OVR, FRLVL
                ones=bits(1),  # TXE
                zeros=bits(2, 3, 4, 5, 7, 8, 11, 12),
            ),
            plays("DR", 0x0C, zeros=ALL_BITS),
            Register("CRCPR", 0x10, 0x0000_0007),
            Register("RXCRCR", 0x14),
            Register("TXCRCR", 0x18),
            Register("I2SCFGR", 0x1C),
            Register("I2SPR", 0x20, 0x0000_0002),
        ),
    )


def _h7(name: str, base: int, fifo: int) -> Device:
    """An SPI with FIFOs of so many bytes."""

    def plays(offset_name: str, offset: int, reset: int = 0, zeros: int = 0) -> Register:
        rules = (Rule("spi", fifo, base, SpiKind.H7),)
        return Register(offset_name, offset, reset, rules, zeros=zeros)

    return Device(
        name,
        base,
        "RM0433 50.11: SPI and I2S registers",
        (
            plays("CR1", 0x00),
            Register("CR2", 0x04),
            plays("CFG1", 0x08, 0x0007_0007),
            Register("CFG2", 0x0C),
            Register("IER", 0x10),
            Register(
                "SR",
                0x14,
                0x0000_1002,
                rules=(Rule("keep"),),
                ones=bits(1, 12),  # TXP, TXC
                zeros=bits(2, 5, 7, 8, 9, 10, 11),
            ),
            # EOT, TXTF, OVR; the others are never set
            Register("IFCR", 0x18, rules=(Rule("drop", bits(3, 4, 6), "SR"), Rule("idle"))),
            plays("TXDR", 0x20, zeros=ALL_BITS),
            plays("RXDR", 0x30, zeros=ALL_BITS),
            Register("CRCPOLY", 0x40, 0x0000_0107),
            Register("TXCRC", 0x44),
            Register("RXCRC", 0x48),
            Register("UDRDR", 0x4C),
            Register("I2SCFGR", 0x50),
        ),
    )


def _imxrt(number: int) -> Device:
    base = 0x4039_4000 + 0x4000 * (number - 1)
    plays = Rule("spi", 64, base, SpiKind.RT)
    return Device(
        f"LPSPI{number}",
        base,
        "IMXRT1060RM chapter LPSPI, memory map and registers",
        (
            Register("VERID", 0x00, 0x0102_0004),
            Register("PARAM", 0x04, 0x0004_0404),
            Register("CR", 0x10, rules=(plays, ends_at_once(8, 9))),  # RTF, RRF
            Register(
                "SR",
                0x14,
                0x0000_0001,
                rules=(Rule("keep", bits(1)), Rule("one_clears", bits(8, 9, 10))),
                ones=bits(0),  # TDF
                zeros=ALL_BITS & ~bits(0, 1, 8, 9, 10),
            ),
            Register("IER", 0x18),
            Register("DER", 0x1C),
            Register("CFGR0", 0x20),
            Register("CFGR1", 0x24),
            Register("DMR0", 0x30),
            Register("DMR1", 0x34),
            Register("CCR", 0x40),
            Register("FCR", 0x58, rules=(plays,)),
            Register("FSR", 0x5C, rules=(Rule("keep"),)),
            Register("TCR", 0x60, 0x0000_001F, rules=(plays,)),
            Register("TDR", 0x64, rules=(plays, Rule("idle"))),
            Register("RSR", 0x70, 0x0000_0002, rules=(Rule("keep"),)),
            Register("RDR", 0x74, rules=(plays,), zeros=ALL_BITS),
        ),
    )


_COMMON = {
    "SPI1": 0x4001_3000,
    "SPI2": 0x4000_3800,
    "SPI3": 0x4000_3C00,
    "SPI4": 0x4001_3400,
    "SPI5": 0x4001_5000,
}
_LARGE = ("SPI1", "SPI2", "SPI3")


def stm32f7() -> tuple[Device, ...]:
    return tuple(_f7(*one) for one in {**_COMMON, "SPI6": 0x4001_5400}.items())


def stm32h7() -> tuple[Device, ...]:
    return tuple(
        _h7(name, base, 16 if name in _LARGE else 8)
        for name, base in {**_COMMON, "SPI6": 0x5800_1400}.items()
    )


def imxrt1060() -> tuple[Device, ...]:
    return tuple(map(_imxrt, range(1, 5)))
