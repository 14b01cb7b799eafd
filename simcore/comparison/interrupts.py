"""Interrupts of runs beside each other, and what a limit on one may name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simcore.comparison.metrics import Metric
from simcore.comparison.names import named_apart
from simcore.comparison.status import Status, status_of
from simcore.plain import Count, filled

if TYPE_CHECKING:
    from simcore.costs.interrupts import InterruptCosts

#: What an interrupt is judged by.
IRQ_METRICS = (
    Metric("latency", "latency_max_cycles", "s", "modelled", "longest latency"),
    Metric("latency-cycles", "latency_max_cycles", "", "modelled", "longest latency in cycles"),
    Metric("response", "response_max_cycles", "s", "modelled", "longest until it returns"),
    Metric("response-cycles", "response_max_cycles", "", "modelled", "longest until it returns"),
    Metric("count", "count", "", "exact", "handlers that ran"),
    Metric("lost", "lost", "", "exact", "came again while pending"),
)


@dataclass(frozen=True, slots=True)
class InterruptSummary:
    """An interrupt or exception that was taken."""

    number: Count
    """Of the exception."""
    name: str
    count: Count
    lost: Count
    """How often it came again while it was still pending."""
    latency_max_cycles: Count | None
    response_max_cycles: Count
    handler: str | None = None


@dataclass(frozen=True, slots=True)
class InterruptChange:
    """An interrupt in both runs; null where one did not take it."""

    number: Count
    name: str
    status: Status
    before: InterruptSummary | None
    after: InterruptSummary | None

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to tell of it."""
        return self.before != self.after


def summarize_interrupts(
    rows: Sequence[InterruptCosts] | None,
) -> tuple[InterruptSummary, ...] | None:
    """The rows of a summary, None when no exception was taken."""
    return named_apart([filled(InterruptSummary, row) for row in rows]) if rows else None


def interrupt_changes(
    before: Sequence[InterruptSummary] | None, after: Sequence[InterruptSummary] | None
) -> tuple[InterruptChange, ...] | None:
    """Interrupts by their numbers, None when neither run took any."""
    old = {row.number: row for row in before or ()}
    new = {row.number: row for row in after or ()}
    rows = []
    for number in sorted({*old, *new}):
        first, second = old.get(number), new.get(number)
        named = second or first
        assert named is not None
        status = status_of(first, second)
        rows.append(InterruptChange(number, named.name, status, first, second))
    return tuple(rows) or None
