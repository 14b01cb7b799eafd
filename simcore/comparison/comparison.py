"""Two runs beside each other: what changed by metric, cause, function, operation and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from simcore import __version__
from simcore.comparison.groups import Group, grouped
from simcore.comparison.interrupts import InterruptChange, interrupt_changes
from simcore.comparison.matching import aligned
from simcore.comparison.metrics import (
    ACTIVE,
    MODEL_CYCLES_ERROR,
    Metric,
    change_of,
    joules,
    shown_metrics,
)
from simcore.comparison.networks import unlike_networks
from simcore.comparison.operations import OpChange, costs_of, largest_first, op_changes
from simcore.comparison.status import Status
from simcore.comparison.summary import (
    ComparedElf,
    FunctionSummary,
    LineSummary,
    Summary,
    summarize,
)
from simcore.comparison.tasks import TaskChange, task_changes
from simcore.costs.origin import Cpu, Exit, Tool
from simcore.costs.profile import Profile
from simcore.plain import Amount, Count, Document, filled, schema_name

SCHEMA = "mcusim.comparison/1"
#: Why a change of cycles may mean nothing: alignment alone makes as much.
LAYOUT_BAND = "layout band"
WHOLE_RUN = "the whole run"  # of a run of which no one call is counted


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    elf: ComparedElf
    cpu: Cpu
    exit: Exit
    args: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class MetricChange:
    """A metric in both runs; ``relative`` is the difference over the value before.

    ``within`` says why the change may mean nothing: it is smaller than the layout band or the
    model's error.
    """

    metric: str
    unit: str
    accuracy: str
    before: float | None
    after: float | None
    difference: float | None
    relative: float | None
    within: str | None = None


@dataclass(frozen=True, slots=True)
class CauseChange:
    """Cycles of one cause over the whole run."""

    cause: str
    before: Count
    after: Count
    difference: int


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """Energy of one component over the whole run, in joules."""

    component: str
    before_j: Amount
    after_j: Amount
    difference_j: float


@dataclass(frozen=True, slots=True)
class FunctionChange:
    """A function in both runs, callees left out; what only one run has counts 0 in the other.

    ``name``, ``file`` and ``line`` are those after, unless the function is gone.
    ``cycles_by_cause`` are differences, those that are 0 left out.
    """

    name: str
    status: Status
    file: str | None
    line: int | None
    calls_before: Count
    calls_after: Count
    instructions_before: Count
    instructions_after: Count
    instructions_difference: int
    cycles_before: Count
    cycles_after: Count
    cycles_difference: int
    energy_before_j: Amount
    energy_after_j: Amount
    energy_difference_j: float
    cycles_by_cause: dict[str, int]
    formerly: tuple[str, ...] | None = None
    """Functions before that have other names: what was renamed, inlined here or put together. Their
    figures are summed; left out without any."""
    parts: tuple[str, ...] | None = None
    """Further functions after that hold its code: clones, and parts that were split off."""
    renamed_from: str | None = None
    """The function before that it most likely was: of its place in its file, with other lines."""

    @property
    def main_cause(self) -> str | None:
        """The cause that changed most in the direction of the whole change."""
        return main_cause(self.cycles_by_cause, self.cycles_difference)


@dataclass(frozen=True, slots=True)
class LineChange:
    """What a source line, or lines that replaced others, cost inside a function in both runs.

    ``file`` and ``line`` are those after, unless the line is gone; of several lines that replaced
    others the dearest. ``cycles_by_cause`` are differences, those that are 0 left out.
    """

    function: str
    file: str
    line: int
    cycles_before: Count
    cycles_after: Count
    cycles_difference: int
    cycles_by_cause: dict[str, int]

    @property
    def main_cause(self) -> str | None:
        """The cause that changed most in the direction of the whole change."""
        return main_cause(self.cycles_by_cause, self.cycles_difference)


@dataclass(frozen=True, slots=True)
class Comparison(Document):
    """Two runs beside each other, as 'mcusim compare --format json' writes it.

    Differences are after minus before; rows come with the largest change first.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    before: Side
    after: Side
    unlike: tuple[str, ...]
    """Why the two are not comparable; empty when they are."""
    metrics: tuple[MetricChange, ...]
    causes: tuple[CauseChange, ...]
    components: tuple[ComponentChange, ...]
    functions: tuple[FunctionChange, ...]
    ops: tuple[OpChange, ...]
    lines: tuple[LineChange, ...] | None = None
    """Left out when not both runs have them."""
    interrupts: tuple[InterruptChange, ...] | None = None
    """Interrupts and exceptions by number; left out when neither run took any."""
    tasks: tuple[TaskChange, ...] | None = None
    """Left out when neither run switched between tasks."""

    @property
    def identical(self) -> bool:
        """Whether nothing that is compared changed."""
        return not (
            any(row.difference for row in self.metrics)
            or any(row.difference for row in self.causes)
            or any(row.cycles_difference for row in self.functions)
            or any(row.cycles_difference for row in self.ops)
            or any(row.is_changed for row in self.interrupts or ())
            or any(row.is_changed for row in self.tasks or ())
        )


def compare(before: Profile | Summary, after: Profile | Summary) -> Comparison:
    """What changed from one run to another.

    Runs that are not comparable are compared too: ``unlike`` says so, and who calls decides.
    """
    before, after = (one if isinstance(one, Summary) else summarize(one) for one in (before, after))
    old_lines, new_lines = _by_function(before.line_rows()), _by_function(after.line_rows())
    functions = grouped(
        before.all_functions(), after.all_functions(), old_lines or {}, new_lines or {}
    )
    slept = any(one.metrics.active_cycles != one.metrics.cycles for one in (before, after))
    heap = any(one.metrics.heap_high_water_bytes is not None for one in (before, after))
    return Comparison(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        before=_side(before),
        after=_side(after),
        unlike=tuple(unlike(before, after)),
        metrics=tuple(
            metric_change(metric, before, after) for metric in shown_metrics(slept=slept, heap=heap)
        ),
        causes=_causes(before, after),
        components=_components(before, after),
        functions=_functions(functions, before),
        ops=op_changes(before.ops, after.ops, before.ops_left_out_below),
        lines=_lines(old_lines, new_lines, functions),
        interrupts=interrupt_changes(before.interrupts, after.interrupts),
        tasks=task_changes(before.tasks, after.tasks),
    )


def unlike(before: Summary, after: Summary) -> Iterable[str]:
    """Why the figures of two runs may not be compared, a few words each."""
    old, new = before.cpu, after.cpu
    yield from unlike_setups(before, after)
    if old.name != new.name:
        return
    if old.overrides == new.overrides and old.model_sha256 != new.model_sha256:
        yield f"the model of {old.name} is {old.model_sha256[:12]} and {new.model_sha256[:12]}"
    if before.mcusim != after.mcusim:
        yield f"mcusim is {before.mcusim} and {after.mcusim}"


def unlike_setups(before: Summary, after: Summary) -> Iterable[str]:
    """How what two runs were asked for differs, a few words each."""
    old, new = before.cpu, after.cpu
    if old.name != new.name:
        yield f"the part is {old.name} and {new.name}"
        return
    for what, first, second in (
        ("clock", f"{old.clock_hz} Hz", f"{new.clock_hz} Hz"),
        ("voltage scale", old.voltage_scale, new.voltage_scale),
        ("cache setting", old.caches, new.caches),
        ("change of the model", _list(old.overrides), _list(new.overrides)),
        ("placement", _list(before.placement or ()), _list(after.placement or ())),
        ("counted part", before.per or WHOLE_RUN, after.per or WHOLE_RUN),
    ):
        if first != second:
            yield f"the {what} is {first} and {second}"
    if before.args is not None and after.args is not None and before.args != after.args:
        yield f"the arguments are {_list(before.args)} and {_list(after.args)}"
    yield from unlike_networks(before.network, after.network)


def main_cause(causes: Mapping[str, int], difference: int) -> str | None:
    """The cause whose cycles changed most in the direction of ``difference``; None without any."""
    sign = -1 if difference < 0 else 1
    cause = max(causes, key=lambda name: sign * causes[name], default=None)
    return cause if cause is not None and sign * causes[cause] > 0 else None


def metric_change(metric: Metric, before: Summary, after: Summary) -> MetricChange:
    """One metric in both runs."""
    old, new = metric.of(before.metrics), metric.of(after.metrics)
    difference = None
    if old is not None and new is not None:
        difference = change_of(metric.unit, new, old)
    relative = difference / old if difference is not None and old else None
    relative = 0.0 if difference == 0 else relative
    return filled(
        MetricChange,
        metric,
        metric=metric.name,
        before=old,
        after=new,
        difference=difference,
        relative=relative,
        within=_within(metric, difference, relative, before, after) if difference else None,
    )


def _within(
    metric: Metric,
    difference: float,
    relative: float | None,
    before: Summary,
    after: Summary,
) -> str | None:
    band = max(before.layout_cycles or 0, after.layout_cycles or 0)
    if metric.name in ("cycles", ACTIVE.name) and abs(difference) <= band:
        return LAYOUT_BAND
    error = {
        "cycles": MODEL_CYCLES_ERROR,
        ACTIVE.name: MODEL_CYCLES_ERROR,
        "time": MODEL_CYCLES_ERROR,
        "energy": after.energy_uncertainty,
    }.get(metric.name)
    if error is None or relative is None or abs(relative) > error:
        return None
    return f"model error {100 * error:.0f} %"


def _side(summary: Summary) -> Side:
    return Side(summary.elf, summary.cpu, summary.exit, summary.args)


def _list(words: Sequence[str]) -> str:
    return "'" + " ".join(words) + "'" if words else "none"


def _causes(before: Summary, after: Summary) -> tuple[CauseChange, ...]:
    old, new = before.metrics.cycles_by_cause, after.metrics.cycles_by_cause
    rows = []
    for cause in dict.fromkeys((*old, *new)):
        first, second = old.get(cause, 0), new.get(cause, 0)
        rows.append(CauseChange(cause, first, second, second - first))
    return tuple(sorted(rows, key=lambda row: -abs(row.difference)))


def _components(before: Summary, after: Summary) -> tuple[ComponentChange, ...]:
    old, new = before.energy_by_component, after.energy_by_component
    rows = []
    for name in dict.fromkeys((*old, *new)):
        first, second = old.get(name, 0.0), new.get(name, 0.0)
        rows.append(ComponentChange(name, first, second, joules(second, first)))
    return tuple(sorted(rows, key=lambda row: -abs(row.difference_j)))


def _functions(groups: Iterable[Group], before: Summary) -> tuple[FunctionChange, ...]:
    rows = []
    for group in groups:
        old, new = group.before, group.after
        # What a baseline left out as too cheap is not new.
        if old is None and new is not None and before.left_out_below is not None:
            if new.cycles <= before.left_out_below:
                continue
            old = replace(new, calls=0, instructions=0, cycles=0, energy_j=0.0, cycles_by_cause={})
        rows.append(_function_change(group, old, new))
    return largest_first(rows)


def _function_change(
    group: Group, old: FunctionSummary | None, new: FunctionSummary | None
) -> FunctionChange:
    nothing = FunctionSummary("", 0, 0, 0, 0.0, {})
    name = (new or old or nothing).name
    first, second = old or nothing, new or nothing
    # Of the cheap ones a baseline keeps no causes.
    known = bool(first.cycles_by_cause or not first.cycles)
    formerly = tuple(row.name for row in group.old if row.name != name) if new else ()
    return filled(
        FunctionChange,
        new or old,
        calls_before=first.calls,
        calls_after=second.calls,
        cycles_by_cause=_minus(second.cycles_by_cause, first.cycles_by_cause) if known else {},
        formerly=tuple(dict.fromkeys(formerly)) or None,
        parts=tuple(row.name for row in group.new[1:]) or None,
        renamed_from=group.old[0].name if group.is_likely else None,
        **costs_of(old, new, nothing),
    )


def _lines(
    old: dict[str, list[LineSummary]] | None,
    new: dict[str, list[LineSummary]] | None,
    functions: Iterable[Group],
) -> tuple[LineChange, ...] | None:
    if old is None or new is None:
        return None
    nameless = FunctionSummary("", 0, 0, 0, 0.0, {})
    rows: list[LineChange] = []
    for group in [*functions, Group([nameless], [nameless])]:
        left, right = (
            sorted(
                (line for row in side for line in lines.get(row.name, ())),
                key=lambda row: (row.file, row.line),
            )
            for side, lines in ((group.old, old), (group.new, new))
        )
        if not left and any(row.cycles for row in group.old):
            continue  # it ran, and a baseline keeps the lines of the dearest functions only
        first, second = (side[0] if side else None for side in (group.old, group.new))
        rows += [_line_change(*pair) for pair in aligned(left, right, first, second)]
    return tuple(
        sorted(rows, key=lambda r: (-abs(r.cycles_difference), -r.cycles_after, r.file, r.line))
    )


def _by_function(lines: Iterable[LineSummary] | None) -> dict[str, list[LineSummary]] | None:
    if lines is None:
        return None
    groups: dict[str, list[LineSummary]] = {}
    for row in sorted(lines, key=lambda row: (row.file, row.line)):
        groups.setdefault(row.function, []).append(row)
    return groups


def _line_change(old: Sequence[LineSummary], new: Sequence[LineSummary]) -> LineChange:
    shown = max(new or old, key=lambda row: row.cycles)
    before, after = sum(row.cycles for row in old), sum(row.cycles for row in new)
    return filled(
        LineChange,
        shown,
        cycles_before=before,
        cycles_after=after,
        cycles_difference=after - before,
        cycles_by_cause=_minus(_sum(new), _sum(old)),
    )


def _sum(lines: Iterable[LineSummary]) -> dict[str, int]:
    causes: dict[str, int] = {}
    for row in lines:
        for cause, cycles in row.cycles_by_cause.items():
            causes[cause] = causes.get(cause, 0) + cycles
    return causes


def _minus(new: Mapping[str, int], old: Mapping[str, int]) -> dict[str, int]:
    """Differences by cause, the largest first, zeros left out."""
    causes = {name: new.get(name, 0) - old.get(name, 0) for name in sorted({*new, *old})}
    return dict(sorted(((c, d) for c, d in causes.items() if d), key=lambda item: -abs(item[1])))
