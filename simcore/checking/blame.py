"""What explains a change: functions of the repository, the causes, and the line to look at.

A library function's cycles belong to the function of the repository that called it
(simcore/comparison/outside.py), so that blame ends where somebody can change something.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from simcore.checking.results import MetricValue, Reason
from simcore.comparison.comparison import Comparison, FunctionChange, LineChange, main_cause
from simcore.comparison.matching import unclone
from simcore.comparison.metrics import joules
from simcore.comparison.outside import OutsideCalls
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
#: Part of a function's change from which on a callee of it is named, and how many are at most.
CALLEE_SHARE, MOST_CALLEES = 0.1, 3


@dataclass(frozen=True, slots=True)
class _Change:
    """A function's change, with what it spent in libraries."""

    row: FunctionChange
    cycles: int
    energy_j: float
    causes: dict[str, int]  # empty where a baseline does not keep them
    callees: tuple[tuple[int, OutsideCalls], ...] = ()  # change and row, the largest first


def reasons(
    before: Summary, after: Summary, comparison: Comparison, wanted: Iterable[str] = ()
) -> tuple[Reason, ...]:
    """The functions that explain a change: what rose, what fell, or both where both moved.

    First those in the direction of the whole change, the largest first; without any that rose or
    fell in cycles, those that take more energy. ``wanted`` are functions that a broken limit names:
    they come first.
    """
    changes = _changes(before, after, comparison)
    chosen = _chosen(changes)
    named = [change for name in wanted for change in changes if change.row.name == name]
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

    A line of an inlined function from outside of the repository gives way to the line of the call;
    of one from another file of it, a header, both are named.
    An ELF that cannot be read any more names none.
    """
    asked = [reason for reason in found if reason.line_cycles is not None and not reason.callees]
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
        if start is None or chain[0].line is None:
            return reason
        file, line = checkout.name(start[0]), chain[0].line
        if not is_own(reason.file):
            return replace(reason, file=file, line=line)
        return reason if file == reason.file else replace(reason, call_file=file, call_line=line)

    return tuple(map(named, found))


def cycles_by_function(summary: Summary) -> dict[str, int]:
    """Cycles of each function, of those of the repository with what they spent in others."""
    side = _Side(summary, passes_on=summary.outside is not None)
    found = {row.name: row.cycles + side.cycles([row.name]) for row in summary.functions}
    return {name: cycles for name, cycles in found.items() if cycles}


class _Side:
    """What the functions of one run spent for others, and others for them."""

    def __init__(self, run: Summary, *, passes_on: bool, vague: Collection[str] = ()) -> None:
        """``vague`` are functions of which one of the runs does not know for whom they ran."""
        known = run.functions if passes_on else ()
        self.rows = {row.name: row for row in known if row.name not in vague}
        self.calls: dict[str, list[OutsideCalls]] = {}
        for call in run.outside or () if passes_on else ():
            self.calls.setdefault(call.function, []).append(call)

    def of(self, names: Iterable[str]) -> list[OutsideCalls]:
        """What these functions spent in others."""
        return [call for name in names for call in self.calls.get(name, ())]

    def cycles(self, names: Sequence[str]) -> int:
        """By how much the cycles of functions are more with what others did for them."""
        passed_on = sum(row.for_callers or 0 for row in self._known(names))
        return sum(call.cycles for call in self.of(names)) - passed_on

    def energy_j(self, names: Sequence[str]) -> float:
        """The same of their energy."""
        passed_on = sum(row.for_callers_j or 0.0 for row in self._known(names))
        return sum(call.energy_j for call in self.of(names)) - passed_on

    def causes(self, names: Sequence[str]) -> dict[str, int]:
        """The same by cause."""
        found: dict[str, int] = {}
        for row in self._known(names):
            if row.for_callers:
                parts = shared(row.for_callers, list(row.cycles_by_cause.values()))
                for cause, cycles in zip(row.cycles_by_cause, parts, strict=True):
                    found[cause] = found.get(cause, 0) - cycles
        for call in self.of(names):
            for cause, cycles in call.cycles_by_cause.items():
                found[cause] = found.get(cause, 0) + cycles
        return found

    def _known(self, names: Iterable[str]) -> list[FunctionSummary]:
        return [self.rows[name] for name in names if name in self.rows]


def _changes(before: Summary, after: Summary, comparison: Comparison) -> list[_Change]:
    """What changed of every function, the largest first."""
    passes_on = before.outside is not None and after.outside is not None
    # A baseline that had to be short keeps the cost of cheap functions, not for whom it was.
    vague = () if before.cheap is None else before.cheap.names
    old, new = (_Side(one, passes_on=passes_on, vague=vague) for one in (before, after))
    changes = []
    for row in comparison.functions:
        was = [row.name, *(row.formerly or ())]
        now = [row.name, *(row.parts or ())]
        cycles = row.cycles_difference + new.cycles(now) - old.cycles(was)
        energy = joules(row.energy_difference_j + new.energy_j(now), old.energy_j(was))
        first, second = old.causes(was), new.causes(now)
        names = sorted({*row.cycles_by_cause, *first, *second})
        causes = {
            c: row.cycles_by_cause.get(c, 0) + second.get(c, 0) - first.get(c, 0) for c in names
        }
        if sum(causes.values()) != cycles:
            causes = {}
        ordered = sorted(((c, n) for c, n in causes.items() if n), key=lambda item: -abs(item[1]))
        if cycles or energy:
            callees = _callees(old.of(was), new.of(now))
            changes.append(_Change(row, cycles, energy, dict(ordered), callees))
    return sorted(changes, key=lambda c: (-abs(c.cycles), c.row.name))


def _callees(
    old: Sequence[OutsideCalls], new: Sequence[OutsideCalls]
) -> tuple[tuple[int, OutsideCalls], ...]:
    """How the cycles in each callee changed; a clone of the compiler is what it was made of."""
    was: dict[str, OutsideCalls] = {unclone(row.callee): row for row in old}
    found = []
    for row in new:
        before = was.pop(unclone(row.callee), None)
        found.append((row.cycles - (before.cycles if before else 0), row))
    found += [(-row.cycles, row) for row in was.values()]
    return tuple(
        sorted((c for c in found if c[0]), key=lambda item: (-abs(item[0]), item[1].callee))
    )


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
    row = change.row
    names = {row.name, *(row.formerly or ()), *(row.parts or ())}
    inside = [line for line in lines if line.function in names]
    hot = max(inside, key=lambda line: sign * line.cycles_difference, default=None)
    if hot is not None and sign * hot.cycles_difference <= 0:
        hot = None
    file, line = (row.file, row.line) if hot is None else (hot.file, hot.line)
    line_cycles = None if hot is None else hot.cycles_difference
    # Callees that have a part of the change worth a name, if they make most of it.
    least = CALLEE_SHARE * abs(change.cycles)
    moved = [(n, call) for n, call in change.callees if call.callee and sign * n >= least > 0]
    if 2 * abs(sum(n for n, _ in moved)) < abs(change.cycles):
        moved = []
    if moved and moved[0][1].line is not None:
        (line_cycles, call), *_ = moved
        file, line = call.file, call.line
    cause = main_cause(change.causes, change.cycles)
    return Reason(
        function=row.name,
        status=row.status,
        cycles_difference=change.cycles,
        energy_difference_j=change.energy_j,
        cause=cause,
        cause_cycles=0 if cause is None else change.causes[cause],
        file=file,
        line=line,
        line_cycles=line_cycles,
        causes=change.causes,
        callees=tuple(call.callee for _, call in moved[:MOST_CALLEES]),
    )
