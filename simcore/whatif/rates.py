"""Rates of interrupts as configurations of a study: `--irq TIM2=48kHz,96kHz`, and deadlines met.

The deadline of an interrupt is its period: it is missed when the interrupt came again before its
handler had returned, or before it was even taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from simcore.errors import ConfigError
from simcore.plain import Amount, Count, Share, filled
from simcore.run.interrupts import find_interrupts, split_rates

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.elf import Image
    from simcore.run.setup import TimingSetup
    from simcore.whatif.configuration import Configuration


@dataclass(frozen=True, slots=True)
class Deadline:
    """An interrupt at the rate that a configuration gives it, and whether each was served in time.

    Counts are exact for the modelled times; cycles are modelled.
    """

    interrupt: str
    rate_hz: Amount
    period_cycles: Count
    count: Count
    """Handlers that ran."""
    lost: Count
    """How often it came again while it was still pending."""
    overruns: Count
    """How often it came again while its handler ran."""
    latency_max_cycles: Count | None
    """Null when it was never taken."""
    response_max_cycles: Count | None
    """Longest from pending to the end of its return."""
    load: Share
    """Of the run's cycles, those in its handler with entry and return."""
    missed: bool
    """It came again before its handler had returned."""


def split_irqs(texts: Iterable[str]) -> tuple[tuple[str, ...], list[list[str]]]:
    """Interrupts that all configurations have, and of each other one its rates, in their order.

    Raises ConfigError for a rate that stands twice.
    """
    plain: list[str] = []
    swept: list[list[str]] = []
    for text in texts:
        found = split_rates(text)
        if found is None:
            plain.append(text)
            continue
        name, rates = found
        if len(set(rates)) < len(rates):
            raise ConfigError(f"--irq '{text}': a rate stands twice")
        swept.append([f"{name}={rate}" for rate in rates])
    return tuple(plain), swept


def with_rates(
    configurations: Sequence[Configuration], swept: Sequence[Sequence[str]]
) -> list[Configuration]:
    """Each configuration at every combination of rates, the last interrupt changing fastest."""
    found = []
    for configuration in configurations:
        for texts in product(*swept):
            at = " ".join(texts)
            name = at if len(configurations) == 1 else f"{configuration.name} {at}"
            found.append(replace(configuration, name=name, irq=texts))
    return found


def deadlines(
    image: Image, setup: TimingSetup, texts: Sequence[str], profile: Profile
) -> tuple[Deadline, ...] | None:
    """Of the interrupts that a configuration gives rates, None when it gives none."""
    if not texts:
        return None
    clock_hz = setup.core_clock_hz
    timed = find_interrupts(image, texts, setup.model.nvic.interrupts, clock_hz)
    rows = {row.number: row for row in profile.interrupts or ()}
    found = []
    for text, one in zip(texts, timed, strict=True):
        row = rows.get(one.number)
        name = text.partition("=")[0].strip()
        rate_hz = clock_hz / one.period
        if row is None:
            nothing = Deadline(name, rate_hz, one.period, 0, 0, 0, None, None, 0.0, missed=False)
            found.append(nothing)
            continue
        missed = bool(row.lost or row.overruns or row.response_max_cycles > one.period)
        found.append(
            filled(
                Deadline,
                row,
                interrupt=name,
                rate_hz=rate_hz,
                period_cycles=one.period,
                load=row.cycles_self / profile.totals.cycles,
                missed=missed,
            )
        )
    return tuple(found)
