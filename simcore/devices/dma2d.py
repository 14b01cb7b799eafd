"""DMA2D of STM32 parts: it copies and fills rectangles, and converts and blends none."""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import Channel, Device, Register, Rule, bits

_INTERRUPT = 90
#: Core cycles of a pixel, read and written: two of its bus's, without wait states, is assumed. That
#: has the core's clock on an STM32F7, half of it on an STM32H7.
_F7_PIXEL, _H7_PIXEL = 2, 4


def _dma2d(base: int, cycles: int, memory: tuple[str, ...]) -> Device:
    plain = "FGMAR FGOR BGMAR BGOR FGPFCCR FGCOLR BGPFCCR BGCOLR FGCMAR BGCMAR OPFCCR OCOLR"
    plain += " OMAR OOR NLR"
    return Device(
        "DMA2D",
        base,
        "RM0385 and RM0433 chapter DMA2D, DMA2D registers",
        (
            Register("CR", 0x00, rules=(Rule("dma", bits(0, 1, 2)),)),
            Register("ISR", 0x04, rules=(Rule("dma", ALL_BITS),)),
            Register("IFCR", 0x08, rules=(Rule("dma", ALL_BITS),)),
            *(Register(name, 0x0C + 4 * n) for n, name in enumerate(plain.split())),
            Register("LWR", 0x48),
            Register("AMTCR", 0x4C),
        ),
        (
            Channel(
                kind="pixels",
                registers=base,
                flags=base + 0x04,
                interrupt=_INTERRUPT,
                memory=memory,
                peripheral=(),
                cycles=cycles,
            ),
        ),
    )


def stm32f7() -> tuple[Device, ...]:
    # RM0385 2.1 and RM0433 2.1, the bus matrix: an STM32H7's DMA2D reaches no TCM.
    return (_dma2d(0x4002_B000, _F7_PIXEL, ("dtcm", "sram", "flash", "external")),)


def stm32h7() -> tuple[Device, ...]:
    return (_dma2d(0x5200_1000, _H7_PIXEL, ("sram", "flash", "external")),)
