"""Tasks of runs beside each other, and what a limit on one may name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simcore.comparison.metrics import Metric
from simcore.comparison.names import named_apart
from simcore.comparison.status import Status, status_of
from simcore.plain import Amount, Count, filled

if TYPE_CHECKING:
    from simcore.costs.profile import Profile

#: What a task is judged by.
TASK_METRICS = (
    Metric("cycles", "cycles", "", "modelled", "cycles"),
    Metric("instructions", "instructions", "", "exact", "instructions"),
    Metric("energy", "energy_j", "J", "estimated", "energy"),
    Metric("switches", "switches", "", "exact", "switches"),
    Metric("wait", "longest_wait_cycles", "s", "modelled", "longest wait"),
    Metric("wait-cycles", "longest_wait_cycles", "", "modelled", "longest wait in cycles"),
    Metric("response", "longest_response_cycles", "s", "modelled", "longest response"),
    Metric("response-cycles", "longest_response_cycles", "", "modelled", "longest in cycles"),
    Metric("woken", "longest_woken_cycles", "s", "modelled", "longest from woken to running"),
    Metric("woken-cycles", "longest_woken_cycles", "", "modelled", "woken to running in cycles"),
    Metric("stack", "stack_used_bytes", "B", "exact", "stack used"),
)


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """A row of the table of tasks."""

    name: str
    switches: Count
    instructions: Count
    cycles: Count
    energy_j: Amount
    longest_wait_cycles: Count
    longest_response_cycles: Count
    longest_woken_cycles: Count | None = None
    stack_used_bytes: Count | None = None
    stack_bytes: Count | None = None


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task in both runs; null where one did not have it."""

    name: str
    status: Status
    before: TaskSummary | None
    after: TaskSummary | None

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to tell of it."""
        return self.before != self.after


def summarize_tasks(profile: Profile) -> tuple[TaskSummary, ...] | None:
    """The rows of a summary, None when nothing switched between tasks."""
    rows = profile.tasks if profile.has_tasks else ()
    return named_apart([filled(TaskSummary, row) for row in rows]) or None


def task_changes(
    before: Sequence[TaskSummary] | None, after: Sequence[TaskSummary] | None
) -> tuple[TaskChange, ...] | None:
    """Tasks by their names, in the order of the run after, then those that are gone.

    None when neither run has any.
    """
    old = {row.name: row for row in before or ()}
    new = {row.name: row for row in after or ()}
    rows = []
    for name in dict.fromkeys((*new, *old)):
        first, second = old.get(name), new.get(name)
        rows.append(TaskChange(name, status_of(first, second), first, second))
    return tuple(rows) or None
