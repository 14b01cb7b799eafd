"""Timers: counters on modelled time, with flags and interrupts as they begin anew and as they come
to a compare value.

All count up, and a new divider or last value holds at once. Captures, pins, repetition counters,
triggers and chained timers are not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from simcore.devices import ALL_BITS
from simcore.devices.kinds import TimerClock, TimerKind
from simcore.devices.registers import Device, Register, Rule, bits, ends_at_once

_F7_RCC, _H7_RCC, _CCM = 0x4002_3800, 0x5802_4400, 0x400F_C000

#: Interrupts: RM0385 and RM0433 chapter NVIC, the vector tables.
_INTERRUPTS = {
    1: 25, 2: 28, 3: 29, 4: 30, 5: 50, 6: 54, 7: 55, 8: 44, 9: 24, 10: 25, 11: 26, 12: 43, 13: 44,
    14: 45, 15: 116, 16: 117, 17: 118,
}  # fmt: skip
#: Those of the compare channels, where they have one of their own.
_COMPARE_INTERRUPTS = {1: 27, 8: 46}
_CHANNELS = {
    1: 4, 2: 4, 3: 4, 4: 4, 5: 4, 6: 0, 7: 0, 8: 4, 9: 2, 10: 1, 11: 1, 12: 2, 13: 1, 14: 1, 15: 2,
    16: 1, 17: 1,
}  # fmt: skip
_WIDE = (2, 5)
_CCR1 = 0x10  # from CNT


def counter(
    offset: int, kind: TimerKind, clock: TimerClock, clocks: int, zeros: int = 0
) -> Register:
    """The register CNT of a timer that hangs on the clock registers at `clocks`."""
    rules = (Rule("count", shift=kind), Rule("clocked", other=clocks, shift=clock))
    return Register("CNT", offset, rules=rules, zeros=zeros)


def timed(name: str, offset: int, reset: int = 0, *rules: Rule, zeros: int = 0) -> Register:
    """A register that sets how the counter counts."""
    return Register(name, offset, reset, (Rule("timed", other="CNT"), *rules), zeros=zeros)


def timer(number: int, base: int, clock: TimerClock, clocks: int) -> Device:
    """A TIM of an STM32F7 or STM32H7."""
    channels = range(1, _CHANNELS[number] + 1)
    zeros = 0 if number in _WIDE else 0xFFFF_0000
    update = _INTERRUPTS[number]
    compare = _COMPARE_INTERRUPTS.get(number, update)
    return Device(
        f"TIM{number}",
        base,
        "RM0385 20.4 to 24.4, RM0433 38.4 to 42.4: TIM registers",
        (
            timed("CR1", 0x00),
            Register("CR2", 0x04),
            Register("SMCR", 0x08),
            Register(
                "DIER",
                0x0C,
                rules=(
                    Rule("interrupt", 1, "CNT", update),
                    *(Rule("interrupt", 1 << n, "CNT", compare) for n in channels),
                    Rule("line", 1, "SR", update),
                    *([Rule("line", bits(*channels), "SR", compare)] if channels else ()),
                ),
            ),
            Register(
                "SR",
                0x10,
                rules=(
                    Rule("overflow", 1, "CNT"),
                    *(Rule("compare", 1 << n, "CNT", _CCR1 + 4 * (n - 1)) for n in channels),
                    Rule("zero_clears"),
                ),
            ),
            Register(
                "EGR",
                0x14,
                rules=(
                    *(Rule("force", 1 << n, "SR") for n in channels),
                    Rule("update", other="CNT"),
                    ends_at_once(0, 1, 2, 3, 4, 5, 6, 7, 8),
                ),
            ),
            timed("CCMR1", 0x18),
            timed("CCMR2", 0x1C),
            Register("CCER", 0x20),
            counter(0x24, TimerKind.TIM, clock, clocks, zeros),
            timed("PSC", 0x28),
            timed("ARR", 0x2C, ALL_BITS & ~zeros, zeros=zeros),
            *((Register("RCR", 0x30), Register("BDTR", 0x44)) if number in _WITH_BREAK else ()),
            *(timed(f"CCR{n}", 0x30 + 4 * n, zeros=zeros) for n in channels),
            Register("DCR", 0x48),
            Register("DMAR", 0x4C),
        ),
    )


_WITH_BREAK = (1, 8, 15, 16, 17)
_APB1 = {n: 0x4000_0000 + 0x400 * place for place, n in enumerate((2, 3, 4, 5, 6, 7, 12, 13, 14))}
_F7_APB2 = {1: 0x4001_0000, 8: 0x4001_0400, 9: 0x4001_4000, 10: 0x4001_4400, 11: 0x4001_4800}
_H7_APB2 = {1: 0x4001_0000, 8: 0x4001_0400, 15: 0x4001_4000, 16: 0x4001_4400, 17: 0x4001_4800}


def _timers(bases: Mapping[int, int], clock: TimerClock, clocks: int) -> tuple[Device, ...]:
    return tuple(timer(number, base, clock, clocks) for number, base in bases.items())


def _low_power(clock: TimerClock, clocks: int) -> Device:
    """LPTIM1 on the clock of its bus; a value that is written is taken over at once."""
    return Device(
        "LPTIM1",
        0x4000_2400,
        "RM0385 25.7, RM0433 43.7: LPTIM registers",
        (
            Register(
                "ISR",
                0x00,
                rules=(
                    Rule("compare", 1, "CNT", -8),  # CMPM
                    Rule("compare", 2, "CNT", -4),  # ARRM
                    Rule("keep"),
                ),
                ones=bits(3, 4),  # CMPOK, ARROK
                zeros=bits(2, 5, 6),
            ),
            timed("ICR", 0x04, 0, Rule("drop", other="ISR"), Rule("idle")),
            Register(
                "IER",
                0x08,
                rules=(
                    *(Rule("interrupt", 1 << n, "CNT", 93) for n in (0, 1)),
                    Rule("line", bits(0, 1), "ISR", 93),
                ),
            ),
            timed("CFGR", 0x0C),
            timed("CR", 0x10),
            timed("CMP", 0x14),
            timed("ARR", 0x18, 1),
            counter(0x1C, TimerKind.LPTIM, clock, clocks, 0xFFFF_0000),
            Register("CFGR2", 0x24),
        ),
    )


def stm32f7() -> tuple[Device, ...]:
    return (
        *_timers(_APB1, TimerClock.F7_APB1, _F7_RCC),
        *_timers(_F7_APB2, TimerClock.F7_APB2, _F7_RCC),
        _low_power(TimerClock.F7_BUS1, _F7_RCC),
    )


def stm32h7() -> tuple[Device, ...]:
    return (
        *_timers(_APB1, TimerClock.H7_APB1, _H7_RCC),
        *_timers(_H7_APB2, TimerClock.H7_APB2, _H7_RCC),
        _low_power(TimerClock.H7_BUS1, _H7_RCC),
    )


def _gpt(number: int, base: int, interrupt: int) -> Device:
    """A general purpose timer: compare channels, and its rollover."""
    flags = (0, 1, 2, 5)  # OF1 to OF3, ROV
    return Device(
        f"GPT{number}",
        base,
        "IMXRT1060RM chapter GPT, memory map and register definition",
        (
            timed("CR", 0x00, 0, ends_at_once(15)),  # SWR
            timed("PR", 0x04),
            Register(
                "SR",
                0x08,
                rules=(
                    *(Rule("compare", 1 << n, "CNT", 0x10 + 4 * n - 0x24) for n in range(3)),
                    Rule("overflow", bits(5), "CNT"),
                    Rule("one_clears"),
                ),
            ),
            Register(
                "IR",
                0x0C,
                rules=(
                    *(Rule("interrupt", 1 << n, "CNT", interrupt) for n in flags),
                    Rule("line", bits(*flags), "SR", interrupt),
                ),
            ),
            *(timed(f"OCR{n}", 0x0C + 4 * n, ALL_BITS) for n in (1, 2, 3)),
            *(Register(f"ICR{n}", 0x18 + 4 * n, zeros=ALL_BITS) for n in (1, 2)),
            counter(0x24, TimerKind.GPT, TimerClock.GPT, _CCM),
        ),
    )


def _pit_channel(number: int) -> Device:
    """A channel of the periodic interrupt timer; its interrupt is that of all of them."""
    return Device(
        f"PIT_CHANNEL{number}",
        0x4008_4100 + 0x10 * number,
        "IMXRT1060RM chapter PIT, memory map and register description",
        (
            timed("LDVAL", 0x00),
            counter(0x04, TimerKind.PIT, TimerClock.PERCLK, _CCM),
            timed("TCTRL", 0x08, 0, Rule("interrupt", bits(1), "CNT", 122)),
            Register("TFLG", 0x0C, rules=(Rule("overflow", 1, "CNT"), Rule("one_clears"))),
        ),
    )


_PIT = Device(
    "PIT",
    0x4008_4000,
    "IMXRT1060RM chapter PIT, memory map and register description",
    (Register("MCR", 0x00, 0x0000_0002),),
)


def imxrt1060() -> tuple[Device, ...]:
    return (
        _gpt(1, 0x401E_C000, 100),
        _gpt(2, 0x401F_0000, 101),
        _PIT,
        *map(_pit_channel, range(4)),
    )
