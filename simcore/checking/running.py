"""Run the plans of a check, several at a time, each to its summary or why there is none."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, TypeVar

from simcore.annotation.sources import SourceFiles
from simcore.checking.plans import RunPlan
from simcore.comparison.metrics import metrics_of
from simcore.comparison.outside import OutsideCalls, with_outside
from simcore.comparison.summary import FunctionLines, FunctionSummary, Summary, summarize
from simcore.costs.profile import Profile
from simcore.costs.uncertainty import CyclesInterval
from simcore.errors import ExitCode, McusimError
from simcore.parallel import in_processes
from simcore.repository import Checkout, is_own
from simcore.run.stubs import Guess

Named = TypeVar("Named", FunctionSummary, FunctionLines, OutsideCalls)
#: As simcore.kept.profile(), which is above this package: profile(spec, room=..., stdout=...).
ReadBack = Callable[..., Profile]

KEPT_OUTPUT = 4096  # bytes of the end of what a failed program printed


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What became of a plan: a summary, or ``error`` with the exit code that tells it."""

    summary: Summary | None
    error: str | None
    code: ExitCode
    output: str | None = None  # the end of what the program printed, when it did not end well
    warnings: tuple[str, ...] = ()
    interval: CyclesInterval | None = None  # of the cycles, when it was asked for
    guesses: tuple[Guess, ...] = ()


class Printed(io.RawIOBase):
    """A stream that keeps its end, and how much it was and its hash; ``to`` gets it, too."""

    def __init__(self, to: BinaryIO | None = None) -> None:
        super().__init__()
        self._to = to
        self.clear()

    def clear(self) -> None:
        """Forget what was printed."""
        self.end = b""
        self.many = 0
        self._hash = hashlib.sha256()

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.end = (self.end + piece)[-KEPT_OUTPUT:]
        self.many += len(piece)
        self._hash.update(piece)
        if self._to is not None:
            self._to.write(piece)
        return len(piece)

    def told(self, summary: Summary) -> Summary:
        """A summary that knows what was printed."""
        return replace(summary, output_sha256=self._hash.hexdigest(), output_bytes=self.many)


def run_plan(plan: RunPlan, read_back: ReadBack | None = None) -> PlanOutcome:
    """Run one plan; an error of mcusim is an outcome, any other is raised.

    ``read_back`` profiles with a cache, and reads back what ran before.
    """
    tail = Printed()
    try:
        result = _profiled(plan, tail, read_back)
    except McusimError as error:
        return PlanOutcome(None, str(error), error.exit_code)
    code = result.status
    output = None if code is ExitCode.OK else tail.end.decode("utf-8", "replace")
    why = None if code is ExitCode.OK else result.ended
    files = SourceFiles(plan.elf, plan.sources)
    summary = summarize_here(result, files, plan.elf)
    # What was asked for is the same in every build, what a pattern matched may not be.
    summary = tail.told(replace(summary, placement=plan.place or None))
    withheld = files.withheld() if result.network is None else ()  # else of no source of the user's
    warnings = (*result.warnings, *withheld)
    return PlanOutcome(
        summary, why, code, output, warnings, result.cycles_interval, result.guesses or ()
    )


def _profiled(plan: RunPlan, tail: Printed, read_back: ReadBack | None) -> Profile:
    """The profile of a plan; an interval that is kept of the same run is not found again."""
    from simcore.profiler import profile

    def run(**tables: bool) -> Profile:
        spec = replace(plan, instructions=True, **tables)  # type: ignore[arg-type]
        if read_back is not None and plan.cache.is_on:
            return read_back(spec, room=plan.cache, stdout=tail)
        return profile(spec, stdout=tail)  # type: ignore[arg-type]

    if not plan.uncertainty or not plan.cache.is_on:
        return run()
    from simcore.checking.intervals import interval_key, keep_interval, load_interval

    key = interval_key(plan)
    known = None if key is None else load_interval(plan.cache, key)
    if known is not None:
        result = run(uncertainty=False)
        if metrics_of(result) == known.metrics:
            return replace(result, cycles_interval=known.interval)
        tail.clear()  # what it was given from outside has changed: once more, with the answers
    result = run()
    if key is not None and result.cycles_interval is not None and result.exit.status is ExitCode.OK:
        keep_interval(plan.cache, key, metrics_of(result), result.cycles_interval)
    return result


def summarize_here(profile: Profile, sources: SourceFiles, elf: str) -> Summary:
    """The summary of a profile, its lines known by their text, its files named from the root of
    the repository."""
    checkout = Checkout(elf)
    summary = summarize(profile, sources.line)

    def name(file: str) -> str:
        found, known = sources.path(file), checkout.name(file)
        return known if found is None or is_own(known) else checkout.name(str(found))

    def named(row: Named) -> Named:
        return row if row.file is None else replace(row, file=name(row.file))

    functions, outside = with_outside(profile, summary.functions, lambda file: is_own(name(file)))
    return replace(
        summary,
        functions=tuple(map(named, functions)),
        outside=None if outside is None else tuple(map(named, outside)),
        lines=tuple(map(named, summary.lines or ())),
    )


def run_plans(
    plans: Sequence[RunPlan],
    jobs: int,
    done: Callable[[RunPlan], None] | None = None,
    read_back: ReadBack | None = None,
) -> list[PlanOutcome]:
    """Run plans on up to ``jobs`` processes; outcomes come in the order of the plans.

    ``done`` is called as each ends, in no particular order. Raises KeyboardInterrupt when one was
    interrupted.
    """
    workers = min(jobs, len(plans))
    if workers < 2:
        outcomes = []
        for plan in plans:
            outcomes.append(_uninterrupted(run_plan(plan, read_back)))
            if done is not None:
                done(plan)
        return outcomes
    return list(map(_uninterrupted, _run_in_processes(plans, workers, done, read_back)))


def _uninterrupted(outcome: PlanOutcome) -> PlanOutcome:
    """The outcome; one that Ctrl-C cut short ends the check. Raises KeyboardInterrupt."""
    if outcome.code is ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return outcome


def _run_in_processes(
    plans: Sequence[RunPlan],
    workers: int,
    done: Callable[[RunPlan], None] | None,
    read_back: ReadBack | None,
) -> list[PlanOutcome]:
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool

    with in_processes(partial(run_plan, read_back=read_back), plans, workers) as futures:
        plan_of = dict(zip(futures, plans, strict=True))
        for future in as_completed(futures):
            if done is not None:
                done(plan_of[future])
    outcomes = []
    for future in futures:
        try:
            outcomes.append(future.result())
        except BrokenProcessPool:
            text = "the process of the simulation died; run it with 'mcusim profile'"
            outcomes.append(PlanOutcome(None, text, ExitCode.FAULT))
    return outcomes
