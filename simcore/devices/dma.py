"""DMA controllers: streams of STM32F7 and STM32H7, descriptors of i.MX RT1060.

What a channel does with its registers is in native/capture/dma.c and its siblings. A peripheral
says at its data register by which requests it asks for transfers: the rules "request", "unless" and
"pace".
"""

from __future__ import annotations

from collections.abc import Iterator

from simcore.devices import ALL_BITS
from simcore.devices.registers import Channel, Device, Register, Rule, bits

#: Core cycles of an item, which is read and written. An STM32's controller takes four AHB cycles at
#: each port: arbitration, address, bus matrix and data (AN4031, DMA latency). That the two ports do
#: not overlap and that memory has no wait states is assumed. AHB is the core's clock on an STM32F7,
#: half of it on an STM32H7. The eDMA reads and writes in four cycles (the same controller in the
#: Kinetis K22 manual, 22.4.4.2), at an assumed quarter of the core's clock.
_F7_ITEM, _H7_ITEM, _RT_ITEM = 8, 16, 16
#: Two cycles of the AXI, half the core's clock, to read an item and two to write it are assumed.
_MDMA_ITEM = 8

_RAM = ("sram", "external")
#: What ports reach. RM0385 2.1 and chapter DMA: DTCM by the core's AHB slave, ITCM and the flash on
#: its bus not at all; the peripheral port of DMA1 is not on the bus matrix. RM0433 2.1 and ST's FAQ
#: "DMA is not working on STM32H7 devices" (DOC-1988): DMA1 and DMA2 reach neither ITCM nor DTCM.
_F7_MEMORY = (*_RAM, "dtcm", "flash", "peripheral")
_H7_MEMORY = (*_RAM, "flash", "peripheral")
#: IMXRT1060RM, system memory map of the eDMA: the core's AHB slave gives the eDMA both TCMs.
_RT_MEMORY = (*_RAM, "itcm", "dtcm", "flash", "peripheral")

#: RM0385 and RM0433 chapter NVIC, the vector tables.
_INTERRUPTS = {1: (11, 12, 13, 14, 15, 16, 17, 47), 2: (56, 57, 58, 59, 60, 68, 69, 70)}
_FLAG_PLACES = (0, 6, 16, 22)
_EN = bits(0)


def _dma(name: str, offset: int, set_by_dma: int = 0, **changes: int) -> Register:
    """A register on which DMA hangs, and the bits of it that the controller sets."""
    return Register(name, offset, rules=(Rule("dma", set_by_dma),), **changes)


def _stream(number: int) -> Iterator[Register]:
    first = 0x10 + 0x18 * number
    yield _dma(f"S{number}CR", first, _EN)
    yield _dma(f"S{number}NDTR", first + 0x4, ALL_BITS)
    for place, name in enumerate(("PAR", "M0AR", "M1AR"), 2):
        yield _dma(f"S{number}{name}", first + 4 * place)
    yield _dma(f"S{number}FCR", first + 0x14, reset=0x21)


def stream_request(controller: int, stream: int, channel: int) -> int:
    """The number of a request of an STM32F7: what its stream has on a channel."""
    return controller << 8 | stream << 4 | channel


def _streams(controller: int, base: int, mux: int | None) -> Device:
    """DMA1 or DMA2 of an STM32F7; of an STM32H7 a multiplexer at `mux` selects the requests."""
    is_h7 = mux is not None
    memory = _H7_MEMORY if is_h7 else _F7_MEMORY
    peripheral = ("peripheral",) if controller == 1 and not is_h7 else memory

    def channel(number: int) -> Channel:
        first = base + 0x10 + 0x18 * number
        of_all = 8 * (controller - 1) + number
        return Channel(
            kind="stream",
            registers=first,
            flags=base + 4 * (number // 4),
            flags_shift=_FLAG_PLACES[number % 4],
            interrupt=_INTERRUPTS[controller][number],
            select=first if mux is None else mux + 4 * of_all,
            select_shift=25 if mux is None else 0,  # CHSEL, DMAREQ_ID
            select_mask=0xF if mux is None else 0x7F,
            request=stream_request(controller, number, 0) if mux is None else 0,
            memory=memory,
            peripheral=peripheral,
            cycles=_H7_ITEM if is_h7 else _F7_ITEM,
        )

    return Device(
        f"DMA{controller}",
        base,
        "RM0385 and RM0433 chapter DMA, DMA registers",
        (
            _dma("LISR", 0x00, ALL_BITS),
            _dma("HISR", 0x04, ALL_BITS),
            _dma("LIFCR", 0x08, zeros=ALL_BITS),
            _dma("HIFCR", 0x0C, zeros=ALL_BITS),
            *(register for number in range(8) for register in _stream(number)),
        ),
        tuple(channel(number) for number in range(8)),
    )


def _dmamux(name: str, base: int, channels: int, generators: int) -> Device:
    """A request multiplexer of an STM32H7; its own generators never ask."""
    return Device(
        name,
        base,
        "RM0433 chapter DMAMUX, DMAMUX registers",
        (
            *(_dma(f"C{n}CR", 4 * n) for n in range(channels)),
            Register("CSR", 0x80, zeros=ALL_BITS),
            Register("CFR", 0x84, rules=(Rule("idle"),)),
            *(Register(f"RG{n}CR", 0x100 + 4 * n) for n in range(generators)),
            Register("RGSR", 0x140, zeros=ALL_BITS),
            Register("RGCFR", 0x144, rules=(Rule("idle"),)),
        ),
    )


def _mdma(base: int) -> Device:
    """The MDMA of an STM32H7, which software asks for; its requests by hardware never come."""
    known = {"CISR": ALL_BITS, "CIFCR": ALL_BITS, "CCR": bits(0, 16), "CBNDTR": ALL_BITS}
    known |= {"CSAR": ALL_BITS, "CDAR": ALL_BITS}
    names = (
        *("CISR", "CIFCR", "CESR", "CCR", "CTCR", "CBNDTR", "CSAR", "CDAR", "CBRUR", "CLAR"),
        *("CTBR", "-", "CMAR", "CMDR"),
    )
    channels = range(16)

    def first(number: int) -> int:
        return 0x40 + 0x40 * number

    return Device(
        "MDMA",
        base,
        "RM0433 chapter MDMA, MDMA registers",
        tuple(
            _dma(f"{name[0]}{number}{name[1:]}", first(number) + 4 * place, known.get(name, 0))
            for number in channels
            for place, name in enumerate(names)
            if name != "-"
        ),
        tuple(
            Channel(
                kind="master",
                registers=base + first(number),
                flags=base + first(number),
                interrupt=122,
                memory=(*_H7_MEMORY, "itcm", "dtcm"),
                peripheral=(),
                cycles=_MDMA_ITEM,
            )
            for number in channels
        ),
    )


_RT_MUX, _RT_CHANNELS = 0x400E_C000, 32


def _descriptor(number: int) -> Iterator[Register]:
    names = ("SADDR", "ATTR", "NBYTES", "SLAST", "DADDR", "CITER", "DLASTSGA", "CSR")
    for place, name in enumerate(names):
        known = {"SADDR": ALL_BITS, "DADDR": ALL_BITS, "CITER": 0xFFFF_0000, "CSR": bits(0, 6, 7)}
        first = 0x1000 + 0x20 * number
        yield _dma(f"TCD{number}_{name}", first + 4 * place, known.get(name, 0))


def _edma(base: int) -> Device:
    """The eDMA of an i.MX RT1060. Words of commands hold NOPs, which read as zeros."""

    def channel(number: int) -> Channel:
        return Channel(
            kind="descriptor",
            registers=base + 0x1000 + 0x20 * number,
            flags=base + 0x24,
            flags_shift=number,
            interrupt=number % 16,
            select=_RT_MUX + 4 * number,
            select_mask=0x7F,
            memory=_RT_MEMORY,
            peripheral=_RT_MEMORY,
            cycles=_RT_ITEM,
        )

    nops = 0x8080_8080
    return Device(
        "DMA0",
        base,
        "IMXRT1060RM chapter eDMA, memory map and register definition",
        (
            _dma("CR", 0x00, reset=0x400),
            _dma("ES", 0x04, ALL_BITS),
            _dma("ERQ", 0x0C, ALL_BITS),
            _dma("EEI", 0x14, ALL_BITS),
            _dma("CEEI", 0x18, reset=nops, zeros=ALL_BITS),
            _dma("CDNE", 0x1C, reset=nops, zeros=ALL_BITS),
            _dma("INT", 0x24, ALL_BITS),
            _dma("ERR", 0x2C, ALL_BITS),
            Register("HRS", 0x34, zeros=ALL_BITS),
            Register("EARS", 0x44),
            *(Register(f"DCHPRI{n}", 0x100 + 4 * n) for n in range(_RT_CHANNELS // 4)),
            *(one for number in range(_RT_CHANNELS) for one in _descriptor(number)),
        ),
        tuple(channel(number) for number in range(_RT_CHANNELS)),
    )


def stm32f7() -> tuple[Device, ...]:
    # Five hundred registers: a family's are made when a program runs on one of its parts.
    """The controllers of an STM32F7, but DMA2D."""
    return _streams(1, 0x4002_6000, None), _streams(2, 0x4002_6400, None)


def stm32h7() -> tuple[Device, ...]:
    """Those of an STM32H7, but DMA2D and BDMA."""
    return (
        _streams(1, 0x4002_0000, 0x4002_0800),
        _streams(2, 0x4002_0400, 0x4002_0800),
        _dmamux("DMAMUX1", 0x4002_0800, 16, 8),
        _mdma(0x5200_0000),
    )


def imxrt1060() -> tuple[Device, ...]:
    """The eDMA of an i.MX RT1060 and its multiplexer."""
    mux = tuple(_dma(f"CHCFG{n}", 4 * n) for n in range(_RT_CHANNELS))
    source = "IMXRT1060RM chapter DMAMUX, register definition"
    return _edma(0x400E_8000), Device("DMAMUX", _RT_MUX, source, mux)
