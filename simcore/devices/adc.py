"""Converters: calibrated at once, and whenever one is on a conversion has just ended, of 0."""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.dma import stream_request
from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once, follows

#: RM0385 chapter DMA, request mapping of DMA2: (controller, stream, channel).
_F7_REQUESTS = {1: ((2, 0, 0), (2, 4, 0)), 2: ((2, 2, 1), (2, 3, 1)), 3: ((2, 0, 2), (2, 1, 2))}
#: RM0433 chapter DMAMUX, requests of DMAMUX1.
_H7_REQUESTS = {1: 9, 2: 10, 3: 115}
#: Core cycles of a conversion with the shortest sampling, at the highest clocks: 15 of 36 MHz at
#: 216 MHz, 10 of 36 MHz at 480 MHz (RM0385 and RM0433 chapter ADC, sampling time).
_F7_CONVERSION, _H7_CONVERSION = 90, 133


def _f7(number: int) -> Device:
    """In continuous mode without a trigger it asks DMA for each conversion."""
    asks = (
        *(
            Rule("request", bits(0, 1, 8), "CR2", stream_request(*one))  # ADON, CONT, DMA
            for one in _F7_REQUESTS[number]
        ),
        Rule("unless", bits(28, 29), "CR2"),  # EXTEN
        Rule("pace", _F7_CONVERSION),
    )
    return Device(
        f"ADC{number}",
        0x4001_2000 + 0x100 * (number - 1),
        "RM0385 chapter ADC, ADC registers",
        (
            Register(
                "SR",
                0x00,
                rules=(follows(1, 0, "CR2"), follows(2, 0, "CR2")),  # EOC, JEOC of ADON
                zeros=bits(0, 3, 4, 5),
            ),
            Register("CR1", 0x04),
            Register(
                "CR2", 0x08, rules=(ends_at_once(22, 30), Rule("dma", 0))
            ),  # JSWSTART, SWSTART
            Register("SMPR1", 0x0C),
            Register("SMPR2", 0x10),
            *(Register(f"JOFR{n}", 0x10 + 4 * n) for n in range(1, 5)),
            Register("HTR", 0x24, 0x0000_0FFF),
            Register("LTR", 0x28),
            *(Register(f"SQR{n}", 0x28 + 4 * n) for n in range(1, 4)),
            Register("JSQR", 0x38),
            *(Register(f"JDR{n}", 0x38 + 4 * n, zeros=ALL_BITS) for n in range(1, 5)),
            Register("DR", 0x4C, rules=asks, zeros=ALL_BITS),
        ),
    )


def _h7(number: int, base: int) -> Device:
    asks = (
        Rule("request", bits(0, 13), "CFGR", _H7_REQUESTS[number]),  # DMNGT, CONT
        Rule("unless", bits(10, 11), "CFGR"),  # EXTEN
        Rule("pace", _H7_CONVERSION),
    )
    ended = (follows(n, 0, "CR") for n in (0, 1, 2, 3, 5, 6))  # ADRDY, EOSMP, EOC, EOS, JEOC, JEOS
    return Device(
        f"ADC{number}",
        base,
        "RM0433 chapter ADC, ADC registers",
        (
            Register(
                "ISR",
                0x00,
                rules=(*ended, follows(12, 28, "CR")),  # LDORDY of ADVREGEN
                zeros=bits(4, 7, 8, 9, 10),
            ),
            Register("IER", 0x04),
            Register(
                "CR",
                0x08,
                0x2000_0000,
                rules=(
                    Rule("clear", bits(1), "CR", -1),  # ADDIS ends ADEN
                    ends_at_once(1, 2, 3, 4, 5, 31),  # and starts, stops, ADCAL
                ),
            ),
            Register("CFGR", 0x0C, 0x8000_0000, rules=(Rule("dma", 0),)),
            Register("CFGR2", 0x10),
            Register("SMPR1", 0x14),
            Register("SMPR2", 0x18),
            Register("PCSEL", 0x1C),
            Register("LTR1", 0x20),
            Register("HTR1", 0x24, 0x03FF_FFFF),
            *(Register(f"SQR{n}", 0x2C + 4 * n) for n in range(1, 5)),
            Register("DR", 0x40, rules=asks, zeros=ALL_BITS),
            Register("JSQR", 0x4C),
            *(Register(f"OFR{n}", 0x5C + 4 * n) for n in range(1, 5)),
            *(Register(f"JDR{n}", 0x7C + 4 * n, zeros=ALL_BITS) for n in range(1, 5)),
            Register("AWD2CR", 0xA0),
            Register("AWD3CR", 0xA4),
            Register("DIFSEL", 0xC0),
            Register("CALFACT", 0xC4),
            Register("CALFACT2", 0xC8),
        ),
    )


def _imxrt(number: int, base: int) -> Device:
    return Device(
        f"ADC{number}",
        base,
        "IMXRT1060RM chapter ADC, register definition",
        (
            *(Register(f"HC{n}", 0x00 + 4 * n, 0x1F) for n in range(8)),
            Register("HS", 0x20, ones=bits(0, 1, 2, 3, 4, 5, 6, 7)),  # COCO
            *(Register(f"R{n}", 0x24 + 4 * n, zeros=ALL_BITS) for n in range(8)),
            Register("CFG", 0x44, 0x0000_0200),
            Register("GC", 0x48, rules=(ends_at_once(7),)),  # CAL
            Register("GS", 0x4C, zeros=bits(0, 1, 2)),  # ADACT, CALF, AWKST
            Register("CV", 0x50),
            Register("OFS", 0x54),
            Register("CAL", 0x58),
        ),
    )


def stm32f7() -> tuple[Device, ...]:
    return tuple(_f7(number) for number in (1, 2, 3))


def stm32h7() -> tuple[Device, ...]:
    return (_h7(1, 0x4002_2000), _h7(2, 0x4002_2100), _h7(3, 0x5802_6000))


def imxrt1060() -> tuple[Device, ...]:
    return (_imxrt(1, 0x400C_4000), _imxrt(2, 0x400C_8000))
