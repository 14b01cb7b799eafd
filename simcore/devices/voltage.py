"""The voltage scale of the core that a firmware set up, read from the registers that it wrote."""

from __future__ import annotations

from collections.abc import Callable

from simcore.devices.clock_tree import Read

#: The scale as part files name it, None when the registers say none.
VoltageScale = Callable[[Read], str | None]


def stm32f7(read: Read) -> str | None:
    """RM0385 4.4.1: VOS of PWR_CR1; over-drive is on when it is enabled and switched to."""
    control = read("PWR.CR1")
    if control >> 16 & 3 == 3:
        return "scale1-overdrive"
    return (None, "scale3", "scale2", "scale1")[control >> 14 & 3]


def stm32h7(read: Read) -> str | None:
    """RM0433 6.8.6 and 12.3.9, RM0468 6.8.6: VOS of PWR_D3CR, with ODEN of SYSCFG_PWRCR scale 0,
    which an STM32H723 has as a value of VOS."""
    scale = ("vos0", "vos3", "vos2", "vos1")[read("PWR.D3CR") >> 14 & 3]
    return "vos0" if scale == "vos1" and read("SYSCFG.PWRCR") & 1 else scale


def stm32h7a3(read: Read) -> str | None:
    """RM0455 6.8.6: VOS of PWR_SRDCR."""
    return ("vos3", "vos2", "vos1", "vos0")[read("PWR.D3CR") >> 14 & 3]
