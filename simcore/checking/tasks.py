"""Tasks that limits name, as the kernel or the function in which they began names them."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from simcore.checking.interrupts import Pairs, value_of
from simcore.comparison.comparison import Comparison
from simcore.comparison.summary import Summary
from simcore.comparison.tasks import TASK_METRICS


def measured_tasks(
    pattern: str, after: Summary, comparison: Comparison | None
) -> Iterator[tuple[str, Pairs]]:
    """Name and values of each task that a pattern names and that ran after."""
    clock_hz = after.cpu.clock_hz
    old_hz = clock_hz if comparison is None else comparison.before.cpu.clock_hz
    changes = {} if comparison is None else {c.name: c for c in comparison.tasks or ()}
    for row in after.tasks or ():
        if not fnmatchcase(row.name, pattern):
            continue
        change = changes.get(row.name)
        old = None if change is None else change.before
        yield (
            row.name,
            {
                metric.name: (value_of(metric, old, old_hz), value_of(metric, row, clock_hz))
                for metric in TASK_METRICS
            },
        )
