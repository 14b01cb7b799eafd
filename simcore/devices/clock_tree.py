"""The core clock that a firmware set up, read from the registers that it wrote."""

from __future__ import annotations

from collections.abc import Callable

#: The value of a register by ``DEVICE.REGISTER``.
Read = Callable[[str], int]
#: The core clock in Hz of the registers and of the crystal in Hz; 0 when they select no clock.
ClockTree = Callable[[Read, int], float]

#: The clock of a serial port by its name; of the others as ClockTree.
SerialClock = Callable[[str, Read, int], float]

_LSE_HZ = 32_768
_HSI_F7_HZ, _HSI_H7_HZ, _CSI_HZ = 16_000_000, 64_000_000, 4_000_000


def stm32f7(read: Read, crystal_hz: int) -> float:
    """HCLK of an STM32F7: RM0385 and RM0410, 5.2 and the registers PLLCFGR and CFGR."""
    setting = read("RCC.CFGR")
    source = setting & 3
    if source == 0:
        clock: float = _HSI_F7_HZ
    elif source == 1:
        clock = crystal_hz
    elif source == 2:
        pll = read("RCC.PLLCFGR")
        base = crystal_hz if pll >> 22 & 1 else _HSI_F7_HZ
        divider = (pll & 0x3F) * 2 * ((pll >> 16 & 3) + 1)
        clock = base * (pll >> 6 & 0x1FF) / divider if divider else 0
    else:
        return 0
    return clock / _ahb_divider(setting >> 4)


def stm32f7_serial(port: str, read: Read, crystal_hz: int) -> float:
    """The clock of a USART: RM0385 5.2 and DCKCFGR2; PCLK2 is that of USART1 and USART6."""
    setting, core_hz = read("RCC.CFGR"), stm32f7(read, crystal_hz)
    place = int(port[-1]) - 1
    bus = setting >> (13 if port in ("USART1", "USART6") else 10)
    return (
        core_hz / _apb_divider(bus),
        core_hz * _ahb_divider(setting >> 4),
        _HSI_F7_HZ,
        _LSE_HZ,
    )[read("RCC.DCKCFGR2") >> 2 * place & 3]


def stm32h7_serial(port: str, read: Read, crystal_hz: int) -> float:
    """The clock of a USART or LPUART1: RM0433 8.5 and D2CCIP2R, D3CCIPR; fractions of PLL2 and PLL3
    are left out.
    """
    if port == "LPUART1":
        divider, select = read("RCC.D3CFGR") >> 4, read("RCC.D3CCIPR")
    elif port in ("USART1", "USART6"):
        divider, select = read("RCC.D2CFGR") >> 8, read("RCC.D2CCIP2R") >> 3
    else:
        divider, select = read("RCC.D2CFGR") >> 4, read("RCC.D2CCIP2R")
    bus_hz = stm32h7(read, crystal_hz) / _ahb_divider(read("RCC.D1CFGR")) / _apb_divider(divider)
    hsi = _HSI_H7_HZ / (1 << (read("RCC.CR") >> 3 & 3))

    def pll(number: int) -> float:
        choice, divide = read("RCC.PLLCKSELR"), read(f"RCC.PLL{number}DIVR")
        base = (hsi, float(_CSI_HZ), float(crystal_hz), 0.0)[choice & 3]
        before = choice >> (4 + 8 * (number - 1)) & 0x3F
        output = (divide >> 16 & 0x7F) + 1
        return base / before * ((divide & 0x1FF) + 1) / output if before else 0

    return (bus_hz, pll(2), pll(3), hsi, float(_CSI_HZ), float(_LSE_HZ), 0.0, 0.0)[select & 7]


def stm32h7(read: Read, crystal_hz: int) -> float:
    """The CPU clock of an STM32H7: RM0433 8.5 and the registers PLL1DIVR, PLL1FRACR, D1CFGR."""
    control, source = read("RCC.CR"), read("RCC.CFGR") & 7
    hsi = _HSI_H7_HZ / (1 << (control >> 3 & 3))
    if source < 3:
        clock = (hsi, float(_CSI_HZ), float(crystal_hz))[source]
    elif source == 3:
        select, divide = read("RCC.PLLCKSELR"), read("RCC.PLL1DIVR")
        base = (hsi, float(_CSI_HZ), float(crystal_hz), 0.0)[select & 3]
        fraction = (read("RCC.PLL1FRACR") >> 3 & 0x1FFF) / 8192 if read("RCC.PLLCFGR") & 1 else 0
        multiplier = (divide & 0x1FF) + 1 + fraction
        before = select >> 4 & 0x3F
        clock = base / before * multiplier / ((divide >> 9 & 0x7F) + 1) if before else 0
    else:
        return 0
    return clock / _ahb_divider(read("RCC.D1CFGR") >> 8)


def _ahb_divider(field: int) -> int:
    """HPRE and D1CPRE: below 8 nothing is divided, then by 2, 4, 8, 16, 64, 128, 256, 512."""
    return (2, 4, 8, 16, 64, 128, 256, 512)[field & 7] if field & 8 else 1


def _apb_divider(field: int) -> int:
    """PPRE: below 4 nothing is divided, then by 2, 4, 8, 16."""
    return (2, 4, 8, 16)[field & 3] if field & 4 else 1


def imxrt1060_serial(_port: str, read: Read, crystal_hz: int) -> float:
    """UART_CLK_ROOT of an i.MX RT1060: its manual's CCM clock tree and CSCDR1."""
    setting = read("CCM.CSCDR1")
    source = crystal_hz if setting >> 6 & 1 else _usb1_hz(read, crystal_hz) / 6
    return source / ((setting & 0x3F) + 1)


def imxrt1060(read: Read, crystal_hz: int) -> float:
    """The core clock (AHB_CLK_ROOT) of an i.MX RT1060: its manual's CCM clock tree."""
    divider, select = read("CCM.CBCDR"), read("CCM.CBCMR")
    if divider >> 25 & 1:
        slow = (_usb1_hz(read, crystal_hz), crystal_hz, crystal_hz, 0)
        clock = slow[select >> 12 & 3] / ((divider >> 27 & 7) + 1)
    else:
        fast = (
            lambda: _system_pll_hz(read, crystal_hz),
            lambda: _fraction(_system_pll_hz(read, crystal_hz), read("CCM_ANALOG.PFD_528") >> 16),
            lambda: _fraction(_system_pll_hz(read, crystal_hz), read("CCM_ANALOG.PFD_528")),
            lambda: _arm_pll_hz(read, crystal_hz) / ((read("CCM.CACRR") & 7) + 1),
        )
        clock = fast[select >> 18 & 3]()
    return clock / ((divider >> 10 & 7) + 1)


def _is_bypassed(pll: int) -> bool:
    return bool(pll >> 16 & 1)


def _arm_pll_hz(read: Read, crystal_hz: int) -> float:
    pll = read("CCM_ANALOG.PLL_ARM")
    return crystal_hz if _is_bypassed(pll) else crystal_hz * (pll & 0x7F) / 2


def _system_pll_hz(read: Read, crystal_hz: int) -> float:
    pll = read("CCM_ANALOG.PLL_SYS")
    if _is_bypassed(pll):
        return crystal_hz
    below = read("CCM_ANALOG.PLL_SYS_DENOM")
    part = read("CCM_ANALOG.PLL_SYS_NUM") / below if below else 0
    return crystal_hz * ((22 if pll & 1 else 20) + part)


def _usb1_hz(read: Read, crystal_hz: int) -> float:
    pll = read("CCM_ANALOG.PLL_USB1")
    return crystal_hz if _is_bypassed(pll) else crystal_hz * (22 if pll >> 1 & 1 else 20)


def _fraction(pll_hz: float, field: int) -> float:
    """A phase fractional divider: 18 / FRAC of its PLL."""
    return pll_hz * 18 / (field & 0x3F) if field & 0x3F else 0
