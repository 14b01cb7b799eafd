"""Timers: counters on modelled time that interrupt as they begin anew; compare channels do not."""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import Device, Register, Rule, ends_at_once

#: Halvings from the core's clock to the timer's. STM32F7 at its highest clock: APB1 is HCLK / 4 and
#: its timers twice that, APB2's timers HCLK (RM0385 5.2); STM32H7: half the core (RM0433 8.5).
_F7_APB1, _F7_APB2, _H7 = 1, 0, 1


#: Interrupts of an update: RM0385 and RM0433 chapter NVIC, the vector tables.
_INTERRUPTS = {
    1: 25, 2: 28, 3: 29, 4: 30, 5: 50, 6: 54, 7: 55, 8: 44, 9: 24, 10: 25, 11: 26, 12: 43, 13: 44,
    14: 45, 15: 116, 16: 117, 17: 118,
}  # fmt: skip


def timer(number: int, base: int, halvings: int, *, is_wide: bool = False) -> Device:
    """A TIM of an STM32F7 or STM32H7, of 32 bits when it is wide."""
    last = ALL_BITS if is_wide else 0xFFFF
    return Device(
        f"TIM{number}",
        base,
        "RM0385 20.4 to 24.4, RM0433 38.4 to 42.4: TIM registers",
        (
            Register("CR1", 0x00, rules=(Rule("start", other="CNT"),)),
            Register("CR2", 0x04),
            Register("SMCR", 0x08),
            Register(
                "DIER",
                0x0C,
                rules=(
                    Rule("interrupt", 1, "CNT", _INTERRUPTS[number]),  # UIE
                    Rule("line", 1, "SR", _INTERRUPTS[number]),
                ),
            ),
            Register("SR", 0x10, rules=(Rule("overflow", 1, "CNT"),)),  # UIF
            Register("EGR", 0x14, rules=(ends_at_once(0, 1, 2, 3, 4, 5, 6, 7, 8),)),
            Register("CCMR1", 0x18),
            Register("CCMR2", 0x1C),
            Register("CCER", 0x20),
            Register("CNT", 0x24, rules=(Rule("count", shift=halvings),)),
            Register("PSC", 0x28),
            Register("ARR", 0x2C, last),
            Register("RCR", 0x30),
            *(Register(f"CCR{n}", 0x30 + 4 * n) for n in range(1, 5)),
            Register("BDTR", 0x44),
            Register("DCR", 0x48),
            Register("DMAR", 0x4C),
        ),
    )


_APB1 = {n: 0x4000_0000 + 0x400 * place for place, n in enumerate((2, 3, 4, 5, 6, 7, 12, 13, 14))}
_F7_SECOND = {1: 0x4001_0000, 8: 0x4001_0400, 9: 0x4001_4000, 10: 0x4001_4400, 11: 0x4001_4800}
_H7_SECOND = {1: 0x4001_0000, 8: 0x4001_0400, 15: 0x4001_4000, 16: 0x4001_4400, 17: 0x4001_4800}
_WIDE = (2, 5)

STM32F7 = (
    *(timer(n, base, _F7_APB1, is_wide=n in _WIDE) for n, base in _APB1.items()),
    *(timer(n, base, _F7_APB2) for n, base in _F7_SECOND.items()),
)
STM32H7 = tuple(
    timer(n, base, _H7, is_wide=n in _WIDE) for n, base in {**_APB1, **_H7_SECOND}.items()
)
