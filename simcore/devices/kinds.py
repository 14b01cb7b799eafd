"""Kinds of devices as native/peripherals.h numbers them: what the shift of a rule names."""

from __future__ import annotations

from enum import IntEnum


class TimerKind(IntEnum):
    """Where a timer has its registers, and how it counts."""

    TIM = 0
    LPTIM = 1
    GPT = 2
    PIT = 3


class TimerClock(IntEnum):
    """What a counter is clocked by: a timer of an APB, an APB itself, a root of an i.MX RT."""

    F7_APB1 = 0
    F7_APB2 = 1
    F7_BUS1 = 2
    H7_APB1 = 3
    H7_APB2 = 4
    H7_BUS1 = 5
    PERCLK = 6
    GPT = 7


class FlashKind(IntEnum):
    """The bits of a flash's control register, and its sectors."""

    F7 = 0
    H7 = 1
    H7A3 = 2


class SpiKind(IntEnum):
    """The registers of an SPI."""

    F7 = 0
    H7 = 1
    RT = 2
