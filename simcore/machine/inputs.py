"""Bits of peripherals that come from outside: received characters and pins. They are not guessed.

Addresses and bits are those of the vendors' CMSIS device headers: stm32f746xx.h, stm32f767xx.h,
stm32h743xx.h, stm32h723xx.h, stm32h7a3xx.h and MIMXRT1062.h.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simcore.cpu_model import CpuModel

FLASH_ACR_OF_F7, FLASH_ACR_OF_H7 = 0x4002_3C00, 0x5200_2000
ALL_BITS, ALL_PINS = 0xFFFF_FFFF, 0xFFFF
#: USART1 to 3 and 6, UART4, 5, 7 to 10; the same in both families.
_USARTS = (
    0x4001_1000, 0x4000_4400, 0x4000_4800, 0x4001_1400, 0x4000_4C00, 0x4000_5000, 0x4000_7800,
    0x4000_7C00, 0x4001_1800, 0x4001_1C00,
)  # fmt: skip
_H7_LPUART1 = 0x5800_0C00
_ISR, _ISR_RXNE = 0x1C, 1 << 5
_IDR = 0x10
_F7_GPIOS = tuple(range(0x4002_0000, 0x4002_2C00, 0x400))
_H7_GPIOS = tuple(range(0x5802_0000, 0x5802_2C00, 0x400))
_RT_LPUARTS = tuple(range(0x4018_4000, 0x401A_4000, 0x4000))
_RT_GPIOS = (
    0x401B_8000, 0x401B_C000, 0x401C_0000, 0x401C_4000, 0x400C_0000,
    *range(0x4200_0000, 0x4201_0000, 0x4000),
)  # fmt: skip
#: Offset and bits of STAT.RDRF, FIFO.RXEMPT and WATER.RXCOUNT of an LPUART, of GPIO's DR and PSR.
_RT_LPUART = ((0x14, 1 << 21), (0x28, 1 << 22), (0x2C, 7 << 24))
_RT_GPIO = ((0x00, ALL_BITS), (0x08, ALL_BITS))


def input_bits(model: CpuModel) -> dict[int, int]:
    """The bits of input by the address of their word, of a part that is known."""
    flash = model.flash_control.address
    blocks: list[tuple[Iterable[int], tuple[tuple[int, int], ...]]] = []
    if flash in (FLASH_ACR_OF_F7, FLASH_ACR_OF_H7):
        blocks.append((_USARTS, ((_ISR, _ISR_RXNE),)))
    if flash == FLASH_ACR_OF_F7:
        blocks.append((_F7_GPIOS, ((_IDR, ALL_PINS),)))
    if flash == FLASH_ACR_OF_H7:
        blocks.append(((_H7_LPUART1,), ((_ISR, _ISR_RXNE),)))
        blocks.append((_H7_GPIOS, ((_IDR, ALL_PINS),)))
    if any(region.name.startswith("ocram") for region in model.regions):
        blocks += [(_RT_LPUARTS, _RT_LPUART), (_RT_GPIOS, _RT_GPIO)]
    return dict(_words(blocks))


def _words(
    blocks: Iterable[tuple[Iterable[int], tuple[tuple[int, int], ...]]],
) -> Iterator[tuple[int, int]]:
    for bases, registers in blocks:
        for base in bases:
            for offset, bits in registers:
                yield base + offset, bits
