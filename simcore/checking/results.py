"""What `mcusim check` found, as plain data that every report of it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from simcore.comparison.comparison import Comparison
from simcore.comparison.matching import unclone
from simcore.costs.origin import Cpu, Tool
from simcore.costs.uncertainty import CyclesInterval
from simcore.elf.names import without_brackets
from simcore.errors import ExitCode
from simcore.log_text import shortened
from simcore.plain import json_text, one_of, schema_name
from simcore.units import amount, count, percent, place, relative_change, si, signed

SCHEMA = "mcusim.check/1"

CAUSES_TOLD = 4
#: Broken limits, and doubts, that the line of a run names; characters of each.
FEW, MOST_TEXT = 10, 400

#: What may have happened to a run, by its status in documents.
STATUSES = {
    "passed": ExitCode.OK,
    "new": ExitCode.OK,  # no baseline knows it
    "failed": ExitCode.REGRESSION,  # a limit is broken
    "ended-elsewhere": ExitCode.REGRESSION,  # than its baseline: no figures to compare
    "no-baseline": ExitCode.REGRESSION,  # nothing to compare with, where there has to be
    "doubtful": ExitCode.REGRESSION,  # within its limits, with doubts that fail by --strict
    "program-failed": ExitCode.PROGRAM_FAILED,
    "limit": ExitCode.LIMIT,  # of instructions or time: the program did not end
    "fault": ExitCode.FAULT,
    "error": ExitCode.USAGE,
}
#: The exit status of several runs is the first of these that one of them has.
_WORST_FIRST = (
    ExitCode.USAGE,
    ExitCode.FAULT,
    ExitCode.LIMIT,
    ExitCode.PROGRAM_FAILED,
    ExitCode.REGRESSION,
)


@dataclass(frozen=True, slots=True)
class LimitResult:
    """A limit and whether it holds."""

    text: str
    """As it was written: cycles=5%."""
    allowed: float | None
    """Null when it needs a baseline and has none."""
    holds: bool
    undecided: bool = False
    """An answer that no source excludes would turn it: what it allows lies inside the interval."""

    @property
    def is_lower(self) -> bool:
        """Whether it is the least that is allowed, against a baseline: instructions=-20%."""
        return self.text.rpartition("=")[2].startswith("-")


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A metric of the whole run, a function, an operation, an interrupt or a task, in both runs."""

    kind: Annotated[str, one_of("total", "function", "op", "irq", "task")]
    row: str
    """Name of the function, operation, interrupt or task, empty for the whole run."""
    metric: str
    unit: str
    """Empty for a count, "B", "s" or "J"."""
    accuracy: Annotated[str, one_of("exact", "modelled", "estimated")]
    before: float | None
    """Null without a baseline."""
    after: float | None
    """Null when the run does not have it, which breaks every limit."""
    difference: float | None
    relative: float | None
    limits: tuple[LimitResult, ...]
    within: str | None = None
    """Why the change may mean nothing."""
    low: float | None = None
    """The least over the answers that no source excludes; null when they were not asked for."""
    high: float | None = None
    """The most over them."""
    renamed_from: str | None = None
    """The function by the baseline that it most likely was: of its place, with other lines."""
    instead: tuple[str, ...] | None = None
    """Of a function that is gone, those that are new in its file; left out without any."""

    @property
    def failed(self) -> bool:
        """Whether a limit on it is broken."""
        return not all(limit.holds for limit in self.limits)

    @property
    def improved(self) -> bool:
        """Whether it is less than before."""
        return self.difference is not None and self.difference < 0

    @property
    def undecided(self) -> tuple[LimitResult, ...]:
        """Limits inside the interval."""
        return tuple(limit for limit in self.limits if limit.undecided)

    @property
    def spread(self) -> str:
        """The larger side of the interval beside the value: ±0.4 %; empty without one."""
        if self.low is None or self.high is None or not self.after:
            return ""
        return f"±{percent(max(self.after - self.low, self.high - self.after), self.after)}"

    @property
    def span(self) -> str:
        """The interval: 2,322,163 to 2,337,499; empty without one."""
        if self.low is None or self.high is None:
            return ""
        return f"{amount(self.low, self.unit)} to {amount(self.high, self.unit)}"

    @property
    def name(self) -> str:
        """What was measured: cycles, or cycles of dot."""
        before = f" (renamed from {self.renamed_from}?)" if self.renamed_from else ""
        return f"{self.metric} of {self.row}{before}" if self.row else self.metric

    @property
    def key(self) -> str:
        """What was measured, as a limit names it: cycles, function=dot:cycles. No other value of a
        run has it, and the next check of the run has the same: reports for machines use it."""
        return f"{self.kind}={self.row}:{self.metric}" if self.row else self.metric


@dataclass(frozen=True, slots=True)
class Reason:
    """A function whose cycles changed, why, and the line where they did.

    Of a function of the repository what it spent in others, libraries', counts too.
    """

    function: str
    status: Annotated[str, one_of("same", "added", "removed")]
    cycles_difference: int
    energy_difference_j: float
    cause: str | None
    cause_cycles: int
    file: str | None
    line: int | None
    """The largest change inside the function, or where it begins when lines are not known."""
    line_cycles: int | None
    """Change of that line."""
    causes: dict[str, int] = field(default_factory=dict)
    """Changes by cause, the largest first; they sum to cycles_difference."""
    callees: tuple[str, ...] = ()
    """From outside of the repository, when most of the change is in them: the line calls the first
    of them."""
    inlined: str | None = None
    """The inlined function that the line is of."""
    call_file: str | None = None
    """Where the function has that inlined, when the line is in another file."""
    call_line: int | None = None

    @property
    def worse(self) -> bool:
        """Whether the function takes more cycles or energy than before."""
        return self.cycles_difference > 0 or self.energy_difference_j > 0

    @property
    def where(self) -> str:
        """The function as the source has it, and the line: dot dot.c:3; what it calls: in f."""
        status = "" if self.status == "same" else f" {self.status}"
        at = ""
        if self.file is not None and self.line is not None:
            at = f" {place(self.file, self.line)}"
        return f"{source_name(self.function)}{status}{at}"

    @property
    def inside(self) -> str:
        """Where in it: in __muldf3, in inlined mac, called at k.c:12; empty for its own code."""
        if self.callees:
            return f"in {', '.join(map(source_name, self.callees))}"
        if self.inlined is None:
            return ""
        by = ""
        if self.call_file is not None and self.call_line is not None:
            by = f", called at {place(self.call_file, self.call_line)}"
        return f"in inlined {source_name(self.inlined)}{by}"


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run."""

    name: str
    elf: str
    status: Annotated[str, one_of(*STATUSES)]
    """What became of the run."""
    message: str | None
    """One line on what went wrong."""
    values: tuple[MetricValue, ...]
    reasons: tuple[Reason, ...]
    """What became slower and what faster: first the direction of the whole change, the largest
    first. Without either what became hungrier."""
    warnings: tuple[str, ...]
    args: tuple[str, ...] = ()
    cpu: Cpu | None = None
    output: str | None = None
    """The end of what a program that failed printed."""
    comparison: Comparison | None = None
    cycles_interval: CyclesInterval | None = None
    """Cycles over the answers that no source excludes, on request."""
    doubts: tuple[str, ...] = ()
    """Why it may be no success though it keeps its limits: it fell by more than a quarter, ends or
    prints otherwise than by its baseline, or a limit matches less than there."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that tells this run."""
        return STATUSES[self.status]

    @property
    def failures(self) -> tuple[MetricValue, ...]:
        """Values that break a limit."""
        return tuple(value for value in self.values if value.failed)

    @property
    def improvements(self) -> tuple[MetricValue, ...]:
        """Values that are less than before."""
        return tuple(value for value in self.values if value.improved)

    @property
    def blamed(self) -> Reason | None:
        """The change that explains most of what became slower, or hungrier."""
        return next((reason for reason in self.reasons if reason.worse), None)

    @property
    def credited(self) -> Reason | None:
        """The change that explains most of what became faster."""
        return next((reason for reason in self.reasons if reason.cycles_difference < 0), None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What 'mcusim check' found, as --format json and --report json write it."""

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    baseline: str | None
    saved: str | None
    """File of the baseline that was written."""
    runs: tuple[RunResult, ...]
    error: str | None = None
    """One line when the check itself could not be made."""
    folder: str | None = None
    """Where it ran, from the root of the repository: ELFs are named from there. Null for the
    root."""
    not_run: tuple[str, ...] = ()
    """Runs that the baseline knows and this check did not run."""
    require_all: bool = False
    """Whether such runs fail the check."""
    notes: tuple[str, ...] = ()
    """What is told of the whole check, a line each."""
    exit_code: Annotated[ExitCode, one_of(*sorted({*STATUSES.values()}))] = field(
        init=False, default=ExitCode.OK
    )
    """Exit status of the command."""

    def __post_init__(self) -> None:
        codes = {run.exit_code for run in self.runs}
        if self.not_run and self.require_all:
            codes.add(ExitCode.REGRESSION)
        worst = next((code for code in _WORST_FIRST if code in codes), ExitCode.OK)
        code = worst if self.error is None else ExitCode.USAGE
        object.__setattr__(self, "exit_code", code)

    @property
    def not_run_text(self) -> str:
        """What is told of runs that the baseline knows and this check did not run; else empty."""
        if not self.not_run:
            return ""
        names = ", ".join(self.not_run)
        return f"not run, though the baseline has {'them' if self.not_run[1:] else 'it'}: {names}"

    def to_json(self) -> str:
        """The check as a JSON document of schema mcusim.check/1."""
        return json_text(self)


def verdict(run: RunResult) -> str:
    """What became of a run in one line, without its name."""
    if run.status == "failed":
        return _few([failure_text(value) for value in run.failures], "limits")
    if run.message is not None:
        return run.message
    text = "no baseline" if run.status == "new" else "within limits"
    undecided = [undecided_text(value) for value in run.values if value.undecided]
    warnings = [f"warning: {doubt}" for doubt in run.doubts]
    told = (_few(some, "of them") for some in (undecided, warnings) if some)
    return "; ".join([text, *told])


def _few(texts: Sequence[str], what: str) -> str:
    """Texts in a line, which names of any length and number are in."""
    more = [f"{len(texts) - FEW} more {what}"] if len(texts) > FEW else []
    return "; ".join([*(shortened(text, MOST_TEXT) for text in texts[:FEW]), *more])


def failure_text(value: MetricValue) -> str:
    """Which limit a value breaks, in words: cycles +2.51 % to 5,833, limit cycles=1%.

    The change is told where it is what fails.
    """
    failed = [limit for limit in value.limits if not limit.holds]
    broken = ", ".join(limit.text for limit in failed)
    if any(limit.undecided for limit in failed):
        inside = [limit.text for limit in failed if limit.undecided]
        which = "" if len(inside) == len(failed) else f"{', '.join(inside)} "
        broken += f" ({which}inside the interval, {value.span})"
    if value.after is None:
        new = f"; new in the same file: {', '.join(value.instead)}" if value.instead else ""
        return f"{value.name} is missing{new}, limit {broken}"
    text = f"{value.name} {amount(value.after, value.unit)}"
    if value.difference and not value.before:
        text = f"{value.name} from {amount(value.before, value.unit)}"
        text += f" to {amount(value.after, value.unit)}"
    elif value.difference:
        text = f"{value.name} {relative_change(value.difference, value.before)}"
        text += f" to {amount(value.after, value.unit)}"
    return f"{text}, limit {broken}"


def undecided_text(value: MetricValue) -> str:
    """That limits hold by the model's own answers and not by all, in words."""
    limits = ", ".join(limit.text for limit in value.undecided)
    return f"{limits} inside the interval of {value.name}, {value.span}"


def reason_text(reason: Reason) -> str:
    """A reason in words: dot dot.c:3 (+70 cycles, in __muldf3; dependency +90, issue -20)."""
    words = f"{signed(count(reason.cycles_difference), reason.cycles_difference)} cycles"
    if reason.inside:
        words += f", {reason.inside}"
    if reason.cycles_difference <= 0 < reason.energy_difference_j:
        words += f", +{si(reason.energy_difference_j, 'J')}"
    causes = causes_text(reason)
    return f"{reason.where} ({words}{f'; {causes}' if causes else ''})"


def causes_text(reason: Reason, most: int = CAUSES_TOLD) -> str:
    """The signed parts of a change: issue +1,310,780, execute -645,000; few are one part."""
    parts = list(reason.causes.items())
    if len(parts) > most:
        rest = sum(cycles for _, cycles in parts[most - 1 :])
        parts = [*parts[: most - 1], ("other", rest)]
    return ", ".join(
        f"{cause.replace('_', ' ')} {signed(count(cycles), cycles)}" for cause, cycles in parts
    )


def source_name(name: str) -> str:
    """A function's name as its source has it, without what a compiler or mcusim put behind it."""
    return unclone(without_brackets(name))
