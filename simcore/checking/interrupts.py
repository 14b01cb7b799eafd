"""Interrupts that limits name: by handler, with or without its ending, or by number."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from simcore.comparison.comparison import Comparison
from simcore.comparison.interrupts import IRQ_METRICS, InterruptSummary
from simcore.comparison.metrics import Metric
from simcore.comparison.summary import Summary
from simcore.run.interrupts import FIRST

#: Values before and after by metric.
Pairs = dict[str, tuple[float | None, float | None]]


def measured_interrupts(
    pattern: str, after: Summary, comparison: Comparison | None
) -> Iterator[tuple[str, Pairs]]:
    """Name and values of each interrupt that a pattern names and that was taken after."""
    clock_hz = after.cpu.clock_hz
    old_hz = clock_hz if comparison is None else comparison.before.cpu.clock_hz
    changes = {} if comparison is None else {c.number: c for c in comparison.interrupts or ()}
    for row in after.interrupts or ():
        if not any(fnmatchcase(name.casefold(), pattern.casefold()) for name in _names(row)):
            continue
        change = changes.get(row.number)
        old = None if change is None else change.before
        yield (
            row.name,
            {
                metric.name: (_value(metric, old, old_hz), _value(metric, row, clock_hz))
                for metric in IRQ_METRICS
            },
        )


def _names(row: InterruptSummary) -> Iterator[str]:
    """By which it can be called: an interrupt's number is that of --irq."""
    yield row.name
    if row.handler is not None:
        yield row.handler
    if row.number >= FIRST:
        yield str(row.number - FIRST)


def _value(metric: Metric, row: InterruptSummary | None, clock_hz: int) -> float | None:
    if row is None:
        return None
    value: int | None = getattr(row, metric.field)
    return value / clock_hz if value is not None and metric.unit == "s" else value
