"""Serial ports: what is sent is text of the program and gone at once; nothing is ever received."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.devices import ALL_BITS
from simcore.devices.dma import stream_request
from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once, follows

_UE_TE = bits(0, 3)  # CR1
_LPUART_TE = bits(19)  # CTRL


_DMAT = bits(7)  # CR3
_LPUART_TDMAE = bits(23)  # BAUD
_BITS_OF_A_BYTE = 10  # with start and stop


def usart(name: str, base: int, requests: Sequence[int] = (), halvings: int = 2) -> Device:
    """A USART, UART or LPUART of an STM32F7 or STM32H7.

    `requests` are those by which it asks DMA for what it sends, a byte whenever one is sent: its
    clock is the core's, halved so often.
    """
    return Device(
        name,
        base,
        "RM0385 31.8, RM0410 34.8, RM0433 48.7: USART registers",
        (
            Register("CR1", 0x00),
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
                ones=bits(6, 7, 23),  # TC, TXE, TXFE
                zeros=bits(0, 1, 2, 3, 4, 5, 16),  # errors, IDLE, RXNE, BUSY
            ),
            Register("ICR", 0x20, rules=(Rule("idle"),)),
            Register("RDR", 0x24, zeros=ALL_BITS),
            Register(
                "TDR",
                0x28,
                rules=(
                    Rule("text", _UE_TE, "CR1"),
                    *(Rule("request", _DMAT, "CR3", number) for number in requests),
                    Rule("pace", _BITS_OF_A_BYTE, "BRR", halvings),
                ),
            ),
            Register("PRESC", 0x2C),
        ),
    )


def lpuart(name: str, base: int, request: int) -> Device:
    """An LPUART of an i.MX RT10xx; `request` is its source of DMAMUX for what it sends."""
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
            # Flags that a one clears are never set: nothing is received.
            Register(
                "STAT",
                0x14,
                0x00C0_0000,
                ones=bits(22, 23),
                zeros=bits(*range(14, 22), 30, 31),
            ),
            Register("CTRL", 0x18),
            Register(
                "DATA",
                0x1C,
                0x0000_1000,
                rules=(
                    Rule("text", _LPUART_TE, "CTRL"),
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
    )


_COMMON = {
    "USART2": 0x4000_4400,
    "USART3": 0x4000_4800,
    "UART4": 0x4000_4C00,
    "UART5": 0x4000_5000,
    "UART7": 0x4000_7800,
    "UART8": 0x4000_7C00,
    "USART1": 0x4001_1000,
    "USART6": 0x4001_1400,
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
_ON_APB2 = (
    "USART1",
    "USART6",
)  # at half the core's highest clock on an STM32F7, others at a quarter
STM32F7 = tuple(
    usart(
        name,
        base,
        [stream_request(*one) for one in _F7_REQUESTS[name]],
        1 if name in _ON_APB2 else 2,
    )
    for name, base in _COMMON.items()
)
STM32H7 = (
    *(usart(name, base, [_H7_REQUESTS[name]]) for name, base in _COMMON.items()),
    usart("LPUART1", 0x5800_0C00),
)
#: IMXRT1060RM chapter DMA_MUX, sources of LPUART1 to LPUART8.
_RT_REQUESTS = (2, 66, 4, 68, 6, 70, 8, 72)
IMXRT1060 = tuple(
    lpuart(f"LPUART{n}", 0x4018_4000 + 0x4000 * (n - 1), request)
    for n, request in enumerate(_RT_REQUESTS, 1)
)
