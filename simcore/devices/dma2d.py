"""DMA2D of STM32 parts: a transfer has ended as soon as it is started, and moves nothing."""

from __future__ import annotations

from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once


def _dma2d(base: int) -> Device:
    plain = (
        "FGMAR FGOR BGMAR BGOR FGPFCCR FGCOLR BGPFCCR BGCOLR FGCMAR BGCMAR OPFCCR OCOLR OMAR OOR"
    )
    return Device(
        "DMA2D",
        base,
        "RM0385 and RM0433 chapter DMA2D, DMA2D registers",
        (
            # START sets TCIF; SUSP and ABORT find nothing under way.
            Register("CR", 0x00, rules=(Rule("set", 1, "ISR", 1), ends_at_once(0, 1, 2))),
            Register("ISR", 0x04),
            Register(
                "IFCR", 0x08, rules=(Rule("clear", bits(0, 1, 2, 3, 4, 5), "ISR"), Rule("idle"))
            ),
            *(Register(name, 0x0C + 4 * n) for n, name in enumerate(plain.split())),
            Register("NLR", 0x44),
            Register("LWR", 0x48),
            Register("AMTCR", 0x4C),
        ),
    )


STM32F7 = (_dma2d(0x4002_B000),)
STM32H7 = (_dma2d(0x5200_1000),)
