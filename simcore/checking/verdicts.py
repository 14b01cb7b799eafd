"""One run against its baseline and its limits: pure judgement on summaries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath

from simcore.checking.limits import Limit
from simcore.checking.results import LimitResult, MetricValue
from simcore.checking.rows import row_spellings
from simcore.checking.timed_rows import Pairs, measured_interrupts, measured_tasks
from simcore.comparison.comparison import Comparison, FunctionChange
from simcore.comparison.metrics import ACTIVE, CYCLES, HEAP, Metric, change_of, shown_metrics
from simcore.comparison.operations import OpChange, calls_of
from simcore.comparison.summary import FunctionSummary, OpSummary, Summary
from simcore.costs.uncertainty import CyclesInterval
from simcore.elf.names import matches, spellings

#: Functions that are named where one is gone, the dearest.
MOST_INSTEAD = 3


def judge(
    after: Summary,
    comparison: Comparison | None,
    limits: Sequence[Limit],
    interval: CyclesInterval | None = None,
) -> tuple[MetricValue, ...]:
    """All metrics of the whole run, then each row that a limit names.

    ``comparison`` is the run beside its baseline, None when there is none. The model's own answers
    decide; ``interval`` says of cycles and time of the whole run which limits others would turn.
    Where one of them slept, limits on cycles are on active cycles.
    """
    slept = after.metrics.active_cycles != after.metrics.cycles
    if comparison is not None:
        slept = slept or any(row.cause == "sleep" and row.before for row in comparison.causes)
    if slept:
        limits = _awake(limits)
    totals = _totals(after, comparison, limits, slept)
    values = [_spread(value, after, interval) for value in totals]
    for kind, row in dict.fromkeys((x.kind, x.row) for x in limits if x.kind != "total"):
        of_row = [limit for limit in limits if (limit.kind, limit.row) == (kind, row)]
        values += _rows(kind, row, after, comparison, of_row)
    found = _merged(values)
    return tuple(found if comparison is None else (_known_before(v, comparison) for v in found))


def _merged(values: Iterable[MetricValue]) -> Iterable[MetricValue]:
    """The values, one for each key: a row that several patterns match has the limits of all."""
    found: dict[str, MetricValue] = {}
    for value in values:
        known = found.get(value.key)
        limits = value.limits if known is None else (*known.limits, *value.limits)
        found[value.key] = replace(value, limits=tuple(dict.fromkeys(limits)))
    return found.values()


def _known_before(value: MetricValue, comparison: Comparison) -> MetricValue:
    """A function's value with what it most likely was, one of a function that is gone with what is
    new in its file."""
    if value.kind != "function":
        return value
    rows = comparison.functions
    if value.after is not None:
        was = next((row.renamed_from for row in rows if row.name == value.row), None)
        return replace(value, renamed_from=was)
    gone = {
        PurePath(row.file).name
        for row in rows
        if row.status == "removed" and row.file and matches([row.name], value.row)
    }
    new = (r for r in rows if r.status == "added" and r.file and PurePath(r.file).name in gone)
    names = [row.name for row in sorted(new, key=lambda row: (-row.cycles_after, row.name))]
    return replace(value, instead=tuple(names[:MOST_INSTEAD]) or None)


def _awake(limits: Sequence[Limit]) -> list[Limit]:
    """The limits of a run that slept: those on cycles are on active ones, the default if no other
    is."""
    told = any(x.metric == ACTIVE for x in limits)
    return [
        replace(limit, metric=ACTIVE) if limit.kind == "total" and limit.metric == CYCLES else limit
        for limit in limits
        if not (told and limit.default and limit.metric == CYCLES)
    ]


def _totals(
    after: Summary, comparison: Comparison | None, limits: Sequence[Limit], slept: bool
) -> Iterable[MetricValue]:
    changes = {row.metric: row for row in comparison.metrics} if comparison is not None else {}
    limited = [limit for limit in limits if limit.kind == "total"]
    # A cause is no metric of the table: it is shown when a limit names it.
    heap = HEAP.name in changes or after.metrics.heap_high_water_bytes is not None
    shown = shown_metrics(slept=slept, heap=heap)
    for metric in dict.fromkeys((*shown, *(x.metric for x in limited))):
        change = changes.get(metric.name)
        if metric == ACTIVE and not slept:
            change = changes.get(CYCLES.name)
        value, before = metric.of(after.metrics), None
        if change is not None:
            before = change.before
        elif comparison is not None and metric != HEAP:
            cause = metric.name.partition(".")[2]
            before = next(row.before for row in comparison.causes if row.cause == cause)
        yield _value(
            "total", "", metric, before, value,
            [limit for limit in limited if limit.metric == metric],
            None if change is None else change.within,
        )  # fmt: skip


def _spread(value: MetricValue, after: Summary, interval: CyclesInterval | None) -> MetricValue:
    """The value with its interval, and with the limits that lie inside it marked.

    A percentage that holds is not marked: the baseline would move with the answer too.
    """
    per_cycle = {"cycles": 1, "time": 1 / after.cpu.clock_hz}.get(value.metric)
    if interval is None or per_cycle is None or value.after is None:
        return value
    low, high = interval.low_cycles * per_cycle, interval.high_cycles * per_cycle
    limits = tuple(
        replace(limit, undecided=_turns(limit, value.after, low, high)) for limit in value.limits
    )
    return replace(value, low=low, high=high, limits=limits)


def _turns(limit: LimitResult, after: float, low: float, high: float) -> bool:
    if limit.allowed is None:
        return False
    if limit.is_lower:
        return not limit.holds and high >= limit.allowed
    if not limit.holds:
        return low <= limit.allowed
    return not limit.text.endswith("%") and limit.allowed < high


def _rows(
    kind: str,
    pattern: str,
    after: Summary,
    comparison: Comparison | None,
    limits: Sequence[Limit],
) -> Iterable[MetricValue]:
    if kind == "irq":
        matching = list(measured_interrupts(pattern, after, comparison))
    elif kind == "task":
        matching = list(measured_tasks(pattern, after, comparison))
    else:
        called = _spellings(kind, pattern, after, comparison)
        rows = _measured(kind, after, comparison)
        # All calls of a function by its name, or one of them by its own.
        matching = [*_all_calls(pattern, after, comparison)] if kind == "op" else []
        matching = matching or [row for row in rows if matches(called[row[0]], pattern)]
    metrics = dict.fromkeys(limit.metric for limit in limits)
    # A limit on something that does not run any more is broken, as on any metric that is missing.
    for name, values in matching or [(pattern, {})]:
        for metric in metrics:
            before, now = values.get(metric.name, (None, None))
            yield _value(
                kind, name, metric, before, now,
                [limit for limit in limits if limit.metric == metric], None,
            )  # fmt: skip


def _spellings(
    kind: str, pattern: str, after: Summary, comparison: Comparison | None
) -> dict[str, Collection[str]]:
    """All that people may call each function or operation that ran after, by its name; a function
    also by those that became a part of it, and that are parts of it."""
    found = row_spellings(kind, after, pattern)
    for row in comparison.functions if comparison and kind == "function" else ():
        others = (*(row.formerly or ()), *(row.parts or ()))
        if others:
            found[row.name] = (*found.get(row.name, (row.name,)), *others)
    return found


def _all_calls(
    pattern: str, after: Summary, comparison: Comparison | None
) -> Iterable[tuple[str, Pairs]]:
    """Name and values of all calls together of each function of a name or pattern."""
    for name, new in calls_of(after.ops).items():
        if not matches(spellings(name, new.symbol, None), pattern):
            continue
        changes = [row for row in comparison.ops if row.caller == name] if comparison else []
        is_new = not any(row.status != "added" for row in changes)
        yield (
            name,
            {
                "cycles": (None if is_new else sum(r.cycles_before for r in changes), new.cycles),
                "instructions": (
                    None if is_new else sum(r.instructions_before for r in changes),
                    new.instructions,
                ),
                "energy": (
                    None
                    if is_new
                    else sum(round(r.energy_before_j * 1e15) for r in changes) / 1e15,
                    new.energy_j,
                ),
            },
        )


def _measured(
    kind: str, after: Summary, comparison: Comparison | None
) -> Iterable[tuple[str, Pairs]]:
    """Name and values of each function or operation that ran after."""
    if comparison is None:
        rows: Sequence[FunctionSummary | OpSummary]
        rows = after.functions if kind == "function" else after.ops
        for row in rows:
            yield (
                row.name,
                {
                    "cycles": (None, row.cycles),
                    "instructions": (None, row.instructions),
                    "energy": (None, row.energy_j),
                },
            )
        return
    changes: Sequence[FunctionChange | OpChange]
    changes = comparison.functions if kind == "function" else comparison.ops
    for change in changes:
        if change.status == "removed":
            continue
        new = change.status == "added"
        yield (
            change.name,
            {
                "cycles": (None if new else change.cycles_before, change.cycles_after),
                "instructions": (
                    None if new else change.instructions_before,
                    change.instructions_after,
                ),
                "energy": (None if new else change.energy_before_j, change.energy_after_j),
            },
        )
    told = {name for change in changes for name in (change.name, *(_parts(change)))}
    if kind == "op":  # calls that are one row, as there were not as many before
        calls = [row for row in after.ops if row.caller is not None and row.name not in told]
        yield from _measured(kind, replace(after, ops=tuple(calls)), None)
    else:  # what a baseline left out as too cheap
        cheap = [row for row in after.functions if row.name not in told]
        yield from _measured(kind, replace(after, functions=tuple(cheap)), None)


def _parts(change: FunctionChange | OpChange) -> Iterable[str]:
    return (getattr(change, "parts", None) or ()) if change.status != "removed" else ()


def _value(
    kind: str,
    row: str,
    metric: Metric,
    before: float | None,
    after: float | None,
    limits: Sequence[Limit],
    within: str | None,
) -> MetricValue:
    difference = None
    if before is not None and after is not None:
        difference = change_of(metric.unit, after, before)
    relative = 0.0 if difference == 0 else difference / before if difference and before else None
    # A stack that is not known had no limit that anybody asked for.
    asked = [limit for limit in limits if after is not None or not limit.default]
    return MetricValue(
        kind=kind,
        row=row,
        metric=metric.name,
        unit=metric.unit,
        accuracy=metric.accuracy,
        before=before,
        after=after,
        difference=difference,
        relative=relative,
        limits=tuple(
            LimitResult(
                limit.text,
                limit.allowed(before),
                after is not None and limit.holds(before, after),
            )
            for limit in asked
        ),
        within=within,
    )
