"""Operations of two runs beside each other, and calls of a function as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from simcore.comparison.matching import paired
from simcore.comparison.metrics import joules
from simcore.comparison.status import Status, status_of
from simcore.comparison.summary import FunctionSummary, OpSummary
from simcore.plain import Amount, Count, filled
from simcore.units import count

_TOLD = 4  # operations with another number of calls
Counted = FunctionSummary | OpSummary


class Changed(Protocol):
    """A row of functions or operations."""

    @property
    def name(self) -> str: ...
    @property
    def cycles_after(self) -> int: ...
    @property
    def cycles_difference(self) -> int: ...


Row = TypeVar("Row", bound=Changed)


@dataclass(frozen=True, slots=True)
class OpChange:
    """An operation in both runs, callees included; what only one run has counts 0 in the other."""

    name: str
    kind: str
    status: Status
    invocations_before: Count
    invocations_after: Count
    instructions_before: Count
    instructions_after: Count
    instructions_difference: int
    cycles_before: Count
    cycles_after: Count
    cycles_difference: int
    energy_before_j: Amount
    energy_after_j: Amount
    energy_difference_j: float
    caller: str | None = None
    """Of calls: the function that is called, or that calls. A row of its name is all its calls,
    where the runs have not as many."""
    call: Count | None = None


def calls_of(ops: Iterable[OpSummary]) -> dict[str, OpSummary]:
    """All calls of each function as one operation, by its name."""
    found: dict[str, OpSummary] = {}
    for op in ops:
        if op.caller is None:
            continue
        known = found.get(op.caller)
        found[op.caller] = (
            replace(op, name=op.caller, call=None)
            if known is None
            else replace(
                known,
                invocations=known.invocations + op.invocations,
                instructions=known.instructions + op.instructions,
                cycles=known.cycles + op.cycles,
                energy_j=joules(known.energy_j, -op.energy_j),
            )
        )
    return found


def op_changes(
    before: Sequence[OpSummary], after: Sequence[OpSummary], left_out_below: int | None = None
) -> tuple[OpChange, ...]:
    """Operations beside each other. Calls of a function that are not as many in both runs are one
    row: which of them is which nobody knows. What only the run after has and costs no more cycles
    than ``left_out_below`` is not new: the one before may have left it out."""
    nothing = OpSummary("", "", 0, 0, 0, 0.0)
    before, after = _folded(before, after)
    return largest_first(
        filled(
            OpChange,
            new or old,
            invocations_before=(old or nothing).invocations,
            invocations_after=(new or nothing).invocations,
            **costs_of(old, new, nothing),
        )
        for old, new in paired(before, after)
        if old is not None or left_out_below is None or (new or nothing).cycles > left_out_below
    )


def calls_changed(ops: Iterable[OpChange], where: str) -> Iterator[str]:
    """A line for each operation that ran in both and was not called as often; of very many, a few.

    ``where``: where it was called as often as before, such as "before".
    """
    rows = [
        row
        for row in ops
        if row.invocations_before and row.invocations_after
        if row.invocations_before != row.invocations_after
    ]
    for row in rows[:_TOLD]:
        together = ", compared together" if row.caller is not None and row.call is None else ""
        yield (
            f"{row.name}: {count(row.invocations_after)} calls,"
            f" {count(row.invocations_before)} {where}{together}"
        )
    if rows[_TOLD:]:
        yield f"{count(len(rows) - _TOLD)} other operations are not called as often as {where}"


def costs_of(old: Counted | None, new: Counted | None, nothing: Counted) -> dict[str, Any]:
    """What rows of functions and of operations say alike."""
    first, second = old or nothing, new or nothing
    return {
        "status": status_of(old, new),
        "instructions_before": first.instructions,
        "instructions_after": second.instructions,
        "instructions_difference": second.instructions - first.instructions,
        "cycles_before": first.cycles,
        "cycles_after": second.cycles,
        "cycles_difference": second.cycles - first.cycles,
        "energy_before_j": first.energy_j,
        "energy_after_j": second.energy_j,
        "energy_difference_j": joules(second.energy_j, first.energy_j),
    }


def largest_first(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows of functions or operations by how much their cycles changed."""
    return tuple(sorted(rows, key=lambda r: (-abs(r.cycles_difference), -r.cycles_after, r.name)))


def _folded(
    before: Sequence[OpSummary], after: Sequence[OpSummary]
) -> tuple[list[OpSummary], list[OpSummary]]:
    sides = (before, after)
    rows = [
        {caller: sum(op.caller == caller for op in side) for caller in calls_of(side)}
        for side in sides
    ]
    same = {caller for caller, many in rows[0].items() if rows[1].get(caller) == many}
    old, new = (
        [
            *(op for op in side if op.caller is None or op.caller in same),
            *(op for caller, op in calls_of(side).items() if caller not in same),
        ]
        for side in sides
    )
    return old, new
