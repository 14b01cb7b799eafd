"""What explains a change: functions of the repository, the causes, and the line to look at.

A library function's cycles belong to the function of the repository that called it
(simcore/comparison/outside.py), so that blame ends where somebody can change something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from simcore.checking.results import MetricValue, Reason
from simcore.comparison.comparison import Comparison, LineChange, main_cause
from simcore.comparison.matching import CLONE, paired
from simcore.comparison.metrics import joules
from simcore.comparison.outside import OutsideCalls
from simcore.comparison.status import Status, status_of
from simcore.comparison.summary import FunctionSummary, Summary
from simcore.costs.sharing import shared
from simcore.elf import Image
from simcore.errors import McusimError
from simcore.repository import Checkout, is_own

MOST_REASONS = 8
#: Of these, kept for what moved the other way.
MOST_CONTRARY = 3
#: Part of the largest change below which one the other way explains nothing.
LEAST_CONTRARY = 0.01


@dataclass(frozen=True, slots=True)
class _Change:
    """A function's change, with what it spent in libraries."""

    function: FunctionSummary
    status: Status
    cycles: int
    energy_j: float
    causes: dict[str, int]
    callees: tuple[tuple[int, OutsideCalls], ...] = ()  # change and row, the largest first


def reasons(
    before: Summary, after: Summary, comparison: Comparison, wanted: Iterable[str] = ()
) -> tuple[Reason, ...]:
    """The functions that explain a change: what rose, what fell, or both where both moved.

    First those in the direction of the whole change, the largest first; without any that rose or
    fell in cycles, those that take more energy. ``wanted`` are functions that a broken limit names:
    they come first.
    """
    changes = _changes(before, after)
    chosen = _chosen(changes)
    named = [change for name in wanted for change in changes if change.function.name == name]
    rest = [change for change in chosen if change not in named]
    lines = comparison.lines or ()
    return tuple(_reason(change, lines) for change in [*named, *rest][:MOST_REASONS])


def explain(
    before: Summary,
    after: Summary,
    comparison: Comparison,
    values: Iterable[MetricValue],
    load: Callable[[], Image],
    elf: str,
) -> tuple[Reason, ...]:
    """The reasons of a run that was judged: ``values`` are its values, ``load`` reads ``elf``."""
    limited = [value.row for value in values if value.failed and value.kind == "function"]
    return with_inlined(reasons(before, after, comparison, limited), load, elf)


def with_inlined(
    found: Sequence[Reason], load: Callable[[], Image], elf: str
) -> tuple[Reason, ...]:
    """The reasons with the inlined function that holds each line, as the debug information says.

    A line of an inlined function from outside of the repository gives way to the line of the call.
    An ELF that cannot be read any more names none.
    """
    asked = [reason for reason in found if reason.line_cycles is not None and not reason.callee]
    if not asked:
        return tuple(found)
    try:
        image = load()
    except McusimError:
        return tuple(found)
    checkout = Checkout(elf)
    functions = {function.name: function for function in image.functions}

    def named(reason: Reason) -> Reason:
        function = functions.get(reason.function)
        if function is None or reason not in asked:
            return reason
        addresses = [
            address
            for address in range(function.start, function.end, 2)
            if (place := image.line_at(address)) is not None
            and place[1] == reason.line
            and checkout.name(place[0]) == reason.file
        ]
        chain = next(iter(image.inlined_at(addresses).values()), ())
        if not chain:
            return reason
        reason = replace(reason, inlined=chain[-1].name)
        start = image.line_at(function.start)
        if is_own(reason.file) or start is None or chain[0].line is None:
            return reason
        return replace(reason, file=checkout.name(start[0]), line=chain[0].line)

    return tuple(map(named, found))


def cycles_by_function(summary: Summary) -> dict[str, int]:
    """Cycles of each function, of those of the repository with what they spent in others."""
    calls = _by_function(summary.outside or ())
    passes_on = summary.outside is not None
    found = {row.name: sum(_causes(row, passes_on, calls).values()) for row in summary.functions}
    return {name: cycles for name, cycles in found.items() if cycles}


def _changes(before: Summary, after: Summary) -> list[_Change]:
    """What changed of each function, the largest first."""
    passes_on = before.outside is not None and after.outside is not None
    old_calls, new_calls = (_by_function(one.outside or () if passes_on else ()) for one in (before, after))
    changes = []
    for old, new in paired(before.functions, after.functions):
        shown = new or old
        assert shown is not None
        first = _causes(old, passes_on, old_calls)
        second = _causes(new, passes_on, new_calls)
        causes = {name: second.get(name, 0) - first.get(name, 0) for name in sorted({*first, *second})}
        ordered = sorted(((c, n) for c, n in causes.items() if n), key=lambda item: -abs(item[1]))
        energy = joules(_energy(new, passes_on, new_calls), _energy(old, passes_on, old_calls))
        cycles = sum(causes.values())
        if cycles or energy:
            callees = _callees(old_calls.get(old.name, ()) if old else (), new_calls.get(new.name, ()) if new else ())
            changes.append(_Change(shown, status_of(old, new), cycles, energy, dict(ordered), callees))
    return sorted(changes, key=lambda c: (-abs(c.cycles), c.function.name))


def _by_function(rows: Iterable[OutsideCalls]) -> dict[str, list[OutsideCalls]]:
    found: dict[str, list[OutsideCalls]] = {}
    for row in rows:
        found.setdefault(row.function, []).append(row)
    return found


def _causes(
    row: FunctionSummary | None, passes_on: bool, calls: Mapping[str, Sequence[OutsideCalls]]
) -> dict[str, int]:
    """Cycles by cause of a function, without what it spent for others, with what others did for
    it."""
    if row is None:
        return {}
    causes = dict(row.cycles_by_cause)
    if passes_on and row.for_callers:
        left = shared(max(row.cycles - row.for_callers, 0), list(causes.values()))
        causes = dict(zip(causes, left, strict=True))
    for call in calls.get(row.name, ()):
        for cause, cycles in call.cycles_by_cause.items():
            causes[cause] = causes.get(cause, 0) + cycles
    return causes


def _energy(
    row: FunctionSummary | None, passes_on: bool, calls: Mapping[str, Sequence[OutsideCalls]]
) -> float:
    if row is None:
        return 0.0
    own = row.energy_j - (row.for_callers_j or 0.0 if passes_on else 0.0)
    return own + sum(call.energy_j for call in calls.get(row.name, ()))


def _callees(
    old: Sequence[OutsideCalls], new: Sequence[OutsideCalls]
) -> tuple[tuple[int, OutsideCalls], ...]:
    """How the cycles in each callee changed; a clone of the compiler is what it was made of."""
    was: dict[str, OutsideCalls] = {CLONE.sub("", row.callee): row for row in old}
    found = []
    for row in new:
        before = was.pop(CLONE.sub("", row.callee), None)
        found.append((row.cycles - (before.cycles if before else 0), row))
    found += [(-row.cycles, row) for row in was.values()]
    return tuple(sorted((c for c in found if c[0]), key=lambda item: (-abs(item[0]), item[1].callee)))


def _chosen(changes: Sequence[_Change]) -> list[_Change]:
    rose = [change for change in changes if change.cycles > 0]
    fell = [change for change in changes if change.cycles < 0]
    hungrier = sorted(
        (change for change in changes if change.energy_j > 0), key=lambda c: -c.energy_j
    )
    total = sum(change.cycles for change in changes)
    leading, contrary = (rose, fell) if total >= 0 else (fell, rose)
    if not rose and hungrier and sum(change.energy_j for change in changes) > 0:
        leading, contrary = hungrier, [change for change in fell if change not in hungrier]
    elif not leading:
        leading, contrary = contrary, []
    if leading and leading[0].cycles:
        least = LEAST_CONTRARY * abs(leading[0].cycles)
        contrary = [change for change in contrary if abs(change.cycles) >= least]
    room = MOST_REASONS - min(len(contrary), MOST_CONTRARY)
    return [*leading[:room], *contrary[: MOST_REASONS - len(leading[:room])]]


def _reason(change: _Change, lines: Sequence[LineChange]) -> Reason:
    # A function that is only hungrier is shown where it became slower, as main_cause has it.
    sign = -1 if change.cycles < 0 else 1
    function = change.function
    inside = [line for line in lines if line.function == function.name]
    hot = max(inside, key=lambda line: sign * line.cycles_difference, default=None)
    if hot is not None and sign * hot.cycles_difference <= 0:
        hot = None
    file, line = (function.file, function.line) if hot is None else (hot.file, hot.line)
    line_cycles = None if hot is None else hot.cycles_difference
    callee = None
    moved, call = max(change.callees, key=lambda item: sign * item[0], default=(0, None))
    if call is not None and sign * moved > 0 and 2 * abs(moved) >= abs(change.cycles):
        callee = call.callee or None
        if call.line is not None:
            file, line, line_cycles = call.file, call.line, moved
    cause = main_cause(change.causes, change.cycles)
    return Reason(
        function=function.name,
        status=change.status,
        cycles_difference=change.cycles,
        energy_difference_j=change.energy_j,
        cause=cause,
        cause_cycles=0 if cause is None else change.causes[cause],
        file=file,
        line=line,
        line_cycles=line_cycles,
        causes=change.causes,
        callee=callee,
    )
