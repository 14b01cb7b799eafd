"""Interrupts that come by themselves: `--irq NAME|NUMBER=PERIOD[,PHASE]` in modelled time.

In place of a period there may be a rate, 48kHz. A what-if study takes several of them.

A name is that of a handler in the vector table, with or without its ending: TIM2 for
TIM2_IRQHandler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from simcore.elf import Image
from simcore.elf.names import spellings_of
from simcore.errors import ConfigError, nearest
from simcore.records import dataclass

MOST = 16  # MAX_TIMERS of native/types.h
FIRST = 16  # exception number of interrupt 0
LEAST_CYCLES = 32  # less than any entry and return
_RATES = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6}
_RATE = re.compile(r"([0-9]{1,12}(?:[.][0-9]{1,12})?)\s*(Hz|kHz|MHz)", re.IGNORECASE)
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
#: Of the core (Armv7-M ARM table B1-4); what is not here is an interrupt of the part, or reserved.
EXCEPTION_NAMES = {
    1: "Reset", 2: "NMI", 3: "HardFault", 4: "MemManage", 5: "BusFault", 6: "UsageFault",
    11: "SVCall", 12: "DebugMonitor", 14: "PendSV", 15: "SysTick",
}  # fmt: skip
_ENDINGS = ("_irqhandler", "_handler", "_isr")


@dataclass(frozen=True, slots=True)
class TimedInterrupt:
    """Exception `number` is pended at cycle `first` and every `period` cycles from there on."""

    number: int
    period: int
    first: int


def find_interrupts(
    image: Image, texts: Sequence[str], interrupts: int, clock_hz: int
) -> tuple[TimedInterrupt, ...]:
    """What the texts say, on a part with so many interrupts. Raises ConfigError."""
    if len(texts) > MOST:
        raise ConfigError(f"--irq: {len(texts)} interrupts, more than {MOST}")
    return tuple(_interrupt(image, text, interrupts, clock_hz) for text in texts)


def short_name(handler: str) -> str:
    """A handler's name without its ending: TIM2 of TIM2_IRQHandler."""
    for ending in _ENDINGS:
        if handler.casefold().endswith(ending) and len(handler) > len(ending):
            return handler[: -len(ending)]
    return handler


def split_rates(text: str) -> tuple[str, list[str]] | None:
    """The name and the rates of ``NAME=48kHz,96kHz``; None for what gives no rate."""
    name, equals, values = text.partition("=")
    rates = [value.strip() for value in values.split(",")]
    if not equals or not all(_RATE.fullmatch(rate) for rate in rates):
        return None
    return name.strip(), rates


def _interrupt(image: Image, text: str, interrupts: int, clock_hz: int) -> TimedInterrupt:
    name, equals, times = text.partition("=")
    period_text, comma, phase_text = times.partition(",")
    if not name.strip() or not equals:
        raise ConfigError(f"--irq '{text}': not NAME=PERIOD or NUMBER=PERIOD, with ,PHASE")
    if comma and _RATE.fullmatch(phase_text.partition(",")[0].strip()):
        raise ConfigError(f"--irq '{text}': a run has one rate; 'mcusim whatif' takes several")
    period = _cycles(text, period_text, clock_hz)
    if period < LEAST_CYCLES:
        raise ConfigError(
            f"--irq '{text}': every {period} cycles is faster than any handler; give a period of at"
            f" least {LEAST_CYCLES} cycles"
        )
    first = _cycles(text, phase_text, clock_hz) if comma else period
    return TimedInterrupt(FIRST + _number(image, text, name.strip(), interrupts), period, first)


def _cycles(text: str, time: str, clock_hz: int) -> int:
    if (rate := _RATE.fullmatch(time.strip())) is not None:
        factor = next(hz for unit, hz in _RATES.items() if unit.casefold() == rate[2].casefold())
        hertz = float(rate[1]) * factor
        return round(clock_hz / hertz) if hertz else 0
    found = re.fullmatch(r"([0-9]{1,12}(?:[.][0-9]{1,12})?)\s*(s|ms|us|ns)", time.strip())
    if found is None:
        raise ConfigError(
            f"--irq '{text}': '{time.strip()}' is not a time such as 1ms or 20.8us, or a rate such"
            " as 48kHz"
        )
    return round(float(found[1]) * _UNITS[found[2]] * clock_hz)


def _number(image: Image, text: str, name: str, interrupts: int) -> int:
    if re.fullmatch(r"[0-9]{1,9}", name):
        if int(name) >= interrupts:
            raise ConfigError(f"--irq '{text}': the part has interrupts 0 to {interrupts - 1} only")
        return int(name)
    handlers = dict(_handlers(image, interrupts))
    found = {number for number, names in handlers.items() if name.casefold() in names}
    if len(found) == 1:
        return found.pop()
    if found:
        raise ConfigError(
            f"--irq '{text}': {len(found)} vectors share this handler; give the number of the"
            " interrupt"
        )
    known = sorted(spelt for names in handlers.values() for spelt in names.values())
    raise ConfigError(
        f"--irq '{text}': no handler of that name is in the vector table{nearest(name, known, 3)}"
    )


def _handlers(image: Image, interrupts: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each interrupt's number with the names of its handler, folded and as they are spelt."""
    if image.vector_table is None:
        return
    at: dict[int, list[str]] = {}
    for symbol in image.symbols:
        at.setdefault(symbol.address & ~1, []).append(symbol.name)
    for function in image.functions:
        at.setdefault(function.start, []).extend(spellings_of(function))
    for number in range(interrupts):
        word = image.read(image.vector_table + 4 * (FIRST + number), 4)
        if word is None:
            return
        handler = int.from_bytes(word, "little")
        names = at.get(handler & ~1, []) if handler & 1 else []
        spelt = {name.casefold(): name for name in names}
        for name in list(spelt.values()):
            spelt.setdefault(short_name(name).casefold(), short_name(name))
        yield number, spelt
