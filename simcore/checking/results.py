"""What `mcusim check` found, as plain data that every report of it is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simcore.comparison.comparison import Comparison
from simcore.costs.profile import Cpu, Tool
from simcore.errors import ExitCode
from simcore.plain import to_plain
from simcore.units import amount, count, place, relative_change, si, signed

SCHEMA = "mcusim.check/1"

#: What may have happened to a run, by its status in documents.
STATUSES = {
    "passed": ExitCode.OK,
    "new": ExitCode.OK,  # no baseline knows it
    "failed": ExitCode.REGRESSION,  # a limit is broken
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
    """A limit and whether it holds. ``allowed`` is None when it needs a baseline and has none."""

    text: str  # as it was written: cycles=5%
    allowed: float | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A metric of the whole run, a function or an operation, before and after.

    ``before`` is None without a baseline; ``after`` is None when the run does not have it, which
    breaks every limit. ``within`` says why the change may mean nothing.
    """

    kind: str  # total, function or op
    row: str  # name of the function or operation, "" for the whole run
    metric: str
    unit: str  # "" for a count, "B", "s" or "J"
    accuracy: str  # exact, modelled or estimated
    before: float | None
    after: float | None
    difference: float | None
    relative: float | None
    limits: tuple[LimitResult, ...]
    within: str | None = None

    @property
    def failed(self) -> bool:
        """Whether a limit on it is broken."""
        return not all(limit.holds for limit in self.limits)

    @property
    def improved(self) -> bool:
        """Whether it is less than before."""
        return self.difference is not None and self.difference < 0

    @property
    def name(self) -> str:
        """What was measured: cycles, or cycles of dot."""
        return f"{self.metric} of {self.row}" if self.row else self.metric


@dataclass(frozen=True, slots=True)
class Reason:
    """A function whose cycles changed, the cause that changed most, and the line where it did.

    ``file`` and ``line`` are the source line of the largest change inside the function, or where
    the function begins when lines are not known; ``line_cycles`` is that line's change.
    """

    function: str
    status: str  # same, added or removed
    cycles_difference: int
    energy_difference_j: float
    cause: str | None
    cause_cycles: int
    file: str | None
    line: int | None
    line_cycles: int | None

    @property
    def worse(self) -> bool:
        """Whether the function takes more cycles or energy than before."""
        return self.cycles_difference > 0 or self.energy_difference_j > 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run. ``message`` is one line on what went wrong, None when nothing did.

    ``reasons`` explain what became slower, hungrier when nothing did, or else faster, the largest
    change first.
    ``output`` is the end of what a program that failed printed.
    """

    name: str
    elf: str
    status: str  # one of STATUSES
    message: str | None
    values: tuple[Value, ...]
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...]
    args: tuple[str, ...] = ()
    cpu: Cpu | None = None
    output: str | None = None
    comparison: Comparison | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that tells this run."""
        return STATUSES[self.status]

    @property
    def failures(self) -> tuple[Value, ...]:
        """Values that break a limit."""
        return tuple(value for value in self.values if value.failed)

    @property
    def improvements(self) -> tuple[Value, ...]:
        """Values that are less than before."""
        return tuple(value for value in self.values if value.improved)

    @property
    def blamed(self) -> Reason | None:
        """The change that explains most of what became slower, or hungrier."""
        first = self.reasons[0] if self.reasons else None
        return first if first is not None and first.worse else None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """All runs of a check. ``error`` is one line when the check itself could not be made."""

    schema: str
    tool: Tool
    baseline: str | None
    saved: str | None  # file of the baseline that was written
    runs: tuple[RunResult, ...]
    error: str | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that tells this check."""
        if self.error is not None:
            return ExitCode.USAGE
        codes = {run.exit_code for run in self.runs}
        return next((code for code in _WORST_FIRST if code in codes), ExitCode.OK)

    def to_json(self) -> str:
        """The check as a JSON document of schema mcusim.check/1."""
        plain = {**to_plain(self), "exit_code": int(self.exit_code)}
        return json.dumps(plain, indent=1, allow_nan=False) + "\n"


def verdict(run: RunResult) -> str:
    """What became of a run in one line, without its name."""
    if run.status == "failed":
        return "; ".join(failure_text(value) for value in run.failures)
    if run.message is not None:
        return run.message
    return "no baseline" if run.status == "new" else "within limits"


def failure_text(value: Value) -> str:
    """Which limit a value breaks, in words: cycles +2.51 % to 5,833, limit cycles=1%.

    The change is told where it is what fails.
    """
    failed = [limit for limit in value.limits if not limit.holds]
    broken = ", ".join(limit.text for limit in failed)
    if value.after is None:
        return f"{value.name} is missing, limit {broken}"
    text = f"{value.name} {amount(value.after, value.unit)}"
    if value.difference:
        text = f"{value.name} {relative_change(value.difference, value.before)}"
        text += f" to {amount(value.after, value.unit)}"
    return f"{text}, limit {broken}"


def reason_text(reason: Reason) -> str:
    """A reason in words: dot (dot.c:3): +70 cycles, of them +70 dependency."""
    where = ""
    if reason.file is not None and reason.line is not None:
        where = f" ({place(reason.file, reason.line)})"
    cycles = signed(count(reason.cycles_difference), reason.cycles_difference)
    status = "" if reason.status == "same" else f" {reason.status}"
    text = f"{reason.function}{status}{where}: {cycles} cycles"
    if reason.cause is not None:
        cause = signed(count(reason.cause_cycles), reason.cause_cycles)
        text += f", of them {cause} {reason.cause.replace('_', ' ')}"
    if reason.cycles_difference <= 0 < reason.energy_difference_j:
        text += f", +{si(reason.energy_difference_j, 'J')}"
    return text
