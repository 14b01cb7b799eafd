"""Interrupts and tasks that limits name: rows whose times are in cycles.

An interrupt is named by its handler, with or without its ending, or by number, in any case; a task
as the kernel or the function in which it began names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from simcore.comparison.comparison import Comparison
from simcore.comparison.interrupts import IRQ_METRICS, InterruptSummary
from simcore.comparison.metrics import Metric
from simcore.comparison.summary import Summary
from simcore.comparison.tasks import TASK_METRICS, TaskSummary
from simcore.elf.names import matches, without_brackets
from simcore.run.interrupts import FIRST

#: Values before and after by metric.
Pairs = dict[str, tuple[float | None, float | None]]
Row = TypeVar("Row", InterruptSummary, TaskSummary)


def measured_interrupts(
    pattern: str, after: Summary, comparison: Comparison | None
) -> Iterator[tuple[str, Pairs]]:
    """Name and values of each interrupt that a pattern names and that was taken after."""
    named = pattern.casefold()
    rows = [
        row
        for row in after.interrupts or ()
        if matches([name.casefold() for name in names_of_interrupt(row)], named)
    ]
    changes = (comparison.interrupts if comparison else None) or ()
    before = {change.number: change.before for change in changes}
    return _measured(rows, lambda row: before.get(row.number), IRQ_METRICS, after, comparison)


def measured_tasks(
    pattern: str, after: Summary, comparison: Comparison | None
) -> Iterator[tuple[str, Pairs]]:
    """Name and values of each task that a pattern names and that ran after."""
    rows = [row for row in after.tasks or () if matches(names_of_task(row), pattern)]
    changes = (comparison.tasks if comparison else None) or ()
    before = {change.name: change.before for change in changes}
    return _measured(rows, lambda row: before.get(row.name), TASK_METRICS, after, comparison)


def names_of_task(row: TaskSummary) -> Iterator[str]:
    """By which it can be called."""
    yield row.name
    yield without_brackets(row.name)


def names_of_interrupt(row: InterruptSummary) -> Iterator[str]:
    """By which it can be called: an interrupt's number is that of --irq."""
    yield row.name
    yield without_brackets(row.name)
    if row.handler is not None:
        yield row.handler
    if row.number >= FIRST:
        yield str(row.number - FIRST)


def _measured(
    rows: Sequence[Row],
    before: Callable[[Row], Row | None],
    metrics: Sequence[Metric],
    after: Summary,
    comparison: Comparison | None,
) -> Iterator[tuple[str, Pairs]]:
    new_hz = after.cpu.clock_hz
    old_hz = comparison.before.cpu.clock_hz if comparison else new_hz
    for row in rows:
        old = before(row)
        yield (
            row.name,
            {one.name: (_value(one, old, old_hz), _value(one, row, new_hz)) for one in metrics},
        )


def _value(
    metric: Metric, row: InterruptSummary | TaskSummary | None, clock_hz: int
) -> float | None:
    """A metric of a row that counts time in cycles."""
    value: float | None = None if row is None else getattr(row, metric.field)
    return value / clock_hz if value is not None and metric.unit == "s" else value
