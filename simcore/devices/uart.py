"""Serial ports: what is sent is text of the program and gone at once; what is received is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from simcore.devices import ALL_BITS
from simcore.devices.dma import stream_request
from simcore.devices.registers import (
    Device,
    Register,
    Rule,
    SerialPort,
    bits,
    ends_at_once,
    follows,
)

_UE_TE = bits(0, 3)  # CR1
_UE_RE = bits(0, 2)
_LPUART_TE, _LPUART_RE = bits(19), bits(18)  # CTRL
#: Flags with an enable at the same place: IDLE, RXNE, TC, TXE of CR1 and ISR, their likes of an
#: LPUART's CTRL and STAT.
_FLAGS, _LPUART_FLAGS = bits(4, 5, 6, 7), bits(20, 21, 22, 23)
_PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)
_DMAT, _LPUART_TDMAE = bits(7), bits(23)  # CR3, BAUD
_BITS_OF_A_BYTE = 10  # with start and stop
_Read = Callable[[str], int]


def _usart_ticks(read: _Read, *, is_lpuart: bool) -> float:
    """Ticks of the port's clock that a byte takes: CR1.M, CR2.STOP, BRR, PRESC."""
    control = read("CR1")
    data = {0: 8, 1: 9, 2: 7}.get((control >> 12 & 1) | (control >> 27 & 2), 8)
    frame = 1 + data + (1, 0.5, 2, 1.5)[read("CR2") >> 12 & 3]
    rate = read("BRR")
    if is_lpuart:
        ticks = rate / 256
    elif control >> 15 & 1:  # OVER8
        ticks = ((rate & 0xFFF0) | (rate & 7) << 1) / 2
    else:
        ticks = rate
    return frame * ticks * _PRESCALERS[min(read("PRESC") & 15, len(_PRESCALERS) - 1)]


def _lpuart_ticks(read: _Read) -> float:
    """The same of an i.MX LPUART: BAUD.SBR, OSR, SBNS, M10, CTRL.M and M7."""
    baud, control = read("BAUD"), read("CTRL")
    data = 10 if baud >> 29 & 1 else 7 if control >> 11 & 1 else 9 if control >> 4 & 1 else 8
    over = baud >> 24 & 0x1F
    return (2 + data + (baud >> 13 & 1)) * (baud & 0x1FFF) * (over + 1 if over else 16)


def usart(
    name: str, base: int, number: int, requests: Sequence[int] = (), halvings: int = 2
) -> Device:
    """A USART, UART or LPUART of an STM32F7 or STM32H7, with the number of its interrupt.

    `requests` are those by which it asks DMA for what it sends, a byte whenever one is sent: its
    clock is the core's, halved so often.
    """
    line = Rule("line", _FLAGS, "ISR", number)
    return Device(
        name,
        base,
        "RM0385 31.8, RM0410 34.8, RM0433 48.7: USART registers",
        (
            Register("CR1", 0x00, rules=(line,)),
            Register("CR2", 0x04),
            Register("CR3", 0x08, rules=(Rule("dma", 0),)),
            Register("BRR", 0x0C),
            Register("GTPR", 0x10),
            Register("RTOR", 0x14),
            Register("RQR", 0x18, rules=(Rule("idle"),)),
            Register(
                "ISR",
                0x1C,
                0x0200_00C0,
                rules=(
                    follows(21, 3, "CR1"),  # TEACK of TE
                    follows(22, 2, "CR1"),  # REACK of RE
                ),
                ones=bits(7, 23),  # TXE, TXFE
                zeros=bits(0, 1, 2, 3, 4, 5, 16),  # errors, IDLE, RXNE, BUSY
            ),
            Register("ICR", 0x20, rules=(Rule("clear", bits(6), "ISR"), Rule("idle"))),  # TCCF
            Register("RDR", 0x24, zeros=ALL_BITS),
            Register(
                "TDR",
                0x28,
                rules=(
                    Rule("text", _UE_TE, "CR1"),
                    Rule("sent", bits(6), "ISR", number),
                    *(Rule("request", _DMAT, "CR3", request) for request in requests),
                    Rule("pace", _BITS_OF_A_BYTE, "BRR", halvings),
                ),
            ),
            Register("PRESC", 0x2C),
        ),
        port=SerialPort(
            number=number,
            control="CR1",
            receives=_UE_RE,
            enable_full=bits(5),
            enable_idle=bits(4),
            enable_sent=bits(6, 7),
            data="RDR",
            send="TDR",
            status="ISR",
            full=bits(5),
            idle=bits(4),
            clear="ICR",
            clear_idle=bits(4),
            drop="RQR",
            drops=bits(3),  # RXFRQ
            fifo="CR1",
            fifo_on=bits(29),
            depth=16,
            paces=bits(0, 2, 12, 15, 28),
            byte_ticks=partial(_usart_ticks, is_lpuart=name.startswith("LPUART")),
        ),
    )


def lpuart(name: str, base: int, number: int, request: int) -> Device:
    """An LPUART of an i.MX RT10xx, with the number of its interrupt.

    `request` is its source of DMAMUX for what it sends.
    """
    return Device(
        name,
        base,
        "IMXRT1060RM chapter LPUART, register descriptions",
        (
            Register("VERID", 0x00, 0x0401_0003),
            Register("PARAM", 0x04, 0x0000_0202),
            Register("GLOBAL", 0x08),
            Register("PINCFG", 0x0C),
            Register("BAUD", 0x10, 0x0F00_0004, rules=(Rule("dma", 0),)),
            # Flags that a one clears are set by what is received alone.
            Register(
                "STAT",
                0x14,
                0x00C0_0000,
                ones=bits(22, 23),
                zeros=bits(*range(14, 22), 30, 31),
            ),
            Register("CTRL", 0x18, rules=(Rule("line", _LPUART_FLAGS, "STAT", number),)),
            Register(
                "DATA",
                0x1C,
                0x0000_1000,
                rules=(
                    Rule("text", _LPUART_TE, "CTRL"),
                    Rule("sent", bits(22), "STAT", number),
                    Rule("idle"),
                    Rule("request", _LPUART_TDMAE, "BAUD", request),
                ),
                ones=1 << 12,
            ),  # RXEMPT
            Register("MATCH", 0x20),
            Register("MODIR", 0x24),
            Register(
                "FIFO",
                0x28,
                0x00C0_0011,
                rules=(ends_at_once(14, 15),),
                ones=bits(22, 23),
                zeros=bits(16, 17),  # RXUF, TXOF
            ),
            Register("WATER", 0x2C, zeros=bits(8, 9, 10, 24, 25, 26)),  # FIFOs are empty
        ),
        port=SerialPort(
            number=number,
            control="CTRL",
            receives=_LPUART_RE,
            enable_full=bits(21),
            enable_idle=bits(20),
            enable_sent=bits(22, 23),
            data="DATA",
            send="DATA",
            status="STAT",
            full=bits(21),
            idle=bits(20),
            clear="STAT",
            clear_idle=bits(20),
            drop="FIFO",
            drops=bits(14),  # RXFLUSH
            fifo="FIFO",
            fifo_on=bits(3),
            depth=4,
            paces=bits(1, 4, 11, 18),
            byte_ticks=_lpuart_ticks,
            level="WATER",
            water_at=16,
            count_at=24,
            empty="FIFO",
            empty_bits=bits(22),
            data_empty=bits(12),
        ),
    )


#: Bases, and numbers of interrupts: RM0385 and RM0433 chapter NVIC, the vector tables.
_COMMON = {
    "USART2": (0x4000_4400, 38),
    "USART3": (0x4000_4800, 39),
    "UART4": (0x4000_4C00, 52),
    "UART5": (0x4000_5000, 53),
    "UART7": (0x4000_7800, 82),
    "UART8": (0x4000_7C00, 83),
    "USART1": (0x4001_1000, 37),
    "USART6": (0x4001_1400, 71),
}
#: RM0385 chapter DMA, request mappings: (controller, stream, channel).
_F7_REQUESTS = {
    "USART1": ((2, 7, 4),),
    "USART2": ((1, 6, 4),),
    "USART3": ((1, 3, 4), (1, 4, 7)),
    "UART4": ((1, 4, 4),),
    "UART5": ((1, 7, 4),),
    "USART6": ((2, 6, 5), (2, 7, 5)),
    "UART7": ((1, 1, 5),),
    "UART8": ((1, 0, 5),),
}
#: RM0433 chapter DMAMUX, requests of DMAMUX1; LPUART1 asks the controller of the third domain.
_H7_REQUESTS = {
    "USART1": 42, "USART2": 44, "USART3": 46, "UART4": 64, "UART5": 66, "USART6": 72,
    "UART7": 80, "UART8": 82,
}  # fmt: skip
#: At half the core's highest clock on an STM32F7, others at a quarter.
_ON_APB2 = ("USART1", "USART6")


def stm32f7() -> tuple[Device, ...]:
    return tuple(
        usart(
            name,
            *place,
            [stream_request(*one) for one in _F7_REQUESTS[name]],
            1 if name in _ON_APB2 else 2,
        )
        for name, place in _COMMON.items()
    )


def stm32h7() -> tuple[Device, ...]:
    return (
        *(usart(name, *place, [_H7_REQUESTS[name]]) for name, place in _COMMON.items()),
        usart("LPUART1", 0x5800_0C00, 142),
    )


#: IMXRT1060RM chapter DMA_MUX, sources of LPUART1 to LPUART8.
_RT_REQUESTS = (2, 66, 4, 68, 6, 70, 8, 72)


def imxrt1060() -> tuple[Device, ...]:
    # IMXRT1060RM, the table of interrupts: LPUART1 is 20.
    return tuple(
        lpuart(f"LPUART{n}", 0x4018_4000 + 0x4000 * (n - 1), 19 + n, request)
        for n, request in enumerate(_RT_REQUESTS, 1)
    )
