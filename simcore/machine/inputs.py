"""Bits of peripherals that come from outside: what is received, and pins. They are not guessed.

Addresses and bits are those of the vendors' CMSIS device headers: stm32f746xx.h, stm32f767xx.h,
stm32h743xx.h, stm32h723xx.h, stm32h7a3xx.h and MIMXRT1062.h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simcore.cpu_model import CpuModel
from simcore.devices import ALL_BITS

FLASH_ACR_OF_F7, FLASH_ACR_OF_H7 = 0x4002_3C00, 0x5200_2000
ALL_PINS = 0xFFFF
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
#: Base addresses, and the offsets and bits of what is received.
_Blocks = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
#: ISR: TXIS, TC and TCR, which another chip's answer brings, RXNE, ADDR.
_I2C = ((0x18, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 7),)
_COMMON: tuple[_Blocks, ...] = (
    (_USARTS, ((_ISR, _ISR_RXNE),)),
    ((0x4000_5400, 0x4000_5800, 0x4000_5C00), _I2C),
    ((0x4000_4000,), ((0x0C, 3),)),  # SPDIFRX_SR: RXNE, CSRNE
)
_SPIS = (0x4001_3000, 0x4000_3800, 0x4000_3C00, 0x4001_3400, 0x4001_5000)  # SPI1 to 5
_F7: tuple[_Blocks, ...] = (
    (_F7_GPIOS, ((_IDR, ALL_PINS),)),
    ((0x4000_6000,), _I2C),
    ((*_SPIS, 0x4001_5400), ((0x08, 1 | 3 << 9),)),  # SR: RXNE, FRLVL
    # CAN_RF0R, RF1R: FMP
    ((0x4000_6400, 0x4000_6800, 0x4000_3400), ((0x0C, 3), (0x10, 3))),
    # SDMMC_STA: RXFIFOHF, RXFIFOF, RXDAVL; DCMI_SR: HSYNC, VSYNC, FNE, and RIS
    ((0x4001_2C00, 0x4001_1C00), ((0x34, 1 << 15 | 1 << 17 | 1 << 21),)),
    ((0x5005_0000,), ((0x04, 7), (0x08, 0x1F))),
)
_H7: tuple[_Blocks, ...] = (
    ((_H7_LPUART1,), ((_ISR, _ISR_RXNE),)),
    (_H7_GPIOS, ((_IDR, ALL_PINS),)),
    ((0x5800_1C00, 0x4000_6400), _I2C),
    ((*_SPIS, 0x5800_1400), ((0x14, 1 | 7 << 13),)),  # SR: RXP, RXPLVL, RXWNE
    # FDCAN_IR: RF0N, RF1N, DRX; RXF0S, RXF1S: fill levels
    (
        (0x4000_A000, 0x4000_A400, 0x4000_D400),
        ((0x50, 1 | 1 << 4 | 1 << 19), (0xA4, 0x7F), (0xB4, 0x7F)),
    ),
    ((0x5200_7000, 0x4802_2400), ((0x34, 1 << 15 | 1 << 17),)),  # SDMMC_STA: RXFIFOHF, RXFIFOF
    ((0x4802_0000,), ((0x04, 7), (0x08, 0x1F))),
)
_RT: tuple[_Blocks, ...] = (
    (_RT_LPUARTS, _RT_LPUART),
    (_RT_GPIOS, _RT_GPIO),
    # LPI2C: MSR.RDF, MFSR.RXCOUNT, MRDR.RXEMPTY
    (tuple(range(0x403F_0000, 0x4040_0000, 0x4000)), ((0x14, 2), (0x5C, 7 << 16), (0x70, 1 << 14))),
    # LPSPI: SR.RDF, FSR.RXCOUNT, RSR.RXEMPTY
    (tuple(range(0x4039_4000, 0x403A_4000, 0x4000)), ((0x14, 2), (0x5C, 31 << 16), (0x70, 2))),
    ((0x4038_4000, 0x4038_8000, 0x4038_C000), ((0x88, 3 << 16),)),  # SAI_RCSR: FRF, FWF
)
#: SAI1 and SAI2 of both families (an H7 has more), their blocks A and B: CR1, and SR behind it.
_SAI_CR1 = tuple(base + block for base in (0x4001_5800, 0x4001_5C00) for block in (4, 0x24))
_SAI_SR, _SAI_FLAGS, _SAI_RECEIVES = 0x14, 1 << 3 | 7 << 16, 1  # FREQ, FLVL; MODE bit 0


#: TIM1 to 5, 8, 9, 12 and 15 of either family: SR, and CCMR1 and 2, whose fields CCxS are not 0 for
#: a channel that captures.
_TIMS = (
    0x4001_0000, 0x4000_0000, 0x4000_0400, 0x4000_0800, 0x4000_0C00, 0x4001_0400, 0x4001_4000,
    0x4000_1800,
)  # fmt: skip
_TIM_SR, _CCMR = 0x10, (0x18, 0x1C)


def received_bits(address: int, read: Callable[[int], int], model: CpuModel) -> int:
    """The bits of input of a word that tells of what is received or sent, as it is set up."""
    if model.flash_control.address not in (FLASH_ACR_OF_F7, FLASH_ACR_OF_H7):
        return 0
    if address - _TIM_SR in _TIMS:
        return _captured_bits(address - _TIM_SR, read)
    control = address - _SAI_SR
    return _SAI_FLAGS if control in _SAI_CR1 and read(control) & _SAI_RECEIVES else 0


def _captured_bits(timer: int, read: Callable[[int], int]) -> int:
    """CCxIF of channels that capture, and nobody drives their pins."""
    modes = [read(timer + offset) >> shift & 3 for offset in _CCMR for shift in (0, 8)]
    return sum(1 << channel for channel, mode in enumerate(modes, 1) if mode)


def input_bits(model: CpuModel) -> dict[int, int]:
    """The bits of input by the address of their word, of a part that is known."""
    flash = model.flash_control.address
    blocks: tuple[_Blocks, ...] = ()
    if flash in (FLASH_ACR_OF_F7, FLASH_ACR_OF_H7):
        blocks = (*_COMMON, *(_F7 if flash == FLASH_ACR_OF_F7 else _H7))
    if any(region.name.startswith("ocram") for region in model.regions):
        blocks = (*blocks, *_RT)
    return dict(_words(blocks))


def _words(blocks: Iterable[_Blocks]) -> Iterator[tuple[int, int]]:
    for bases, registers in blocks:
        for base in bases:
            for offset, bits in registers:
                yield base + offset, bits
