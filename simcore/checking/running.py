"""Run the plans of a check, several at a time, each to its summary or why there is none."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, Protocol, TypeVar

from simcore.annotation.sources import SourceFiles, SourcePlaces
from simcore.cache import NO_ROOM, open_room
from simcore.checking.plans import RunPlan
from simcore.comparison.metrics import metrics_of
from simcore.comparison.outside import OutsideCalls, with_outside
from simcore.comparison.summary import FunctionLines, FunctionSummary, Summary, summarize
from simcore.costs.profile import Profile
from simcore.costs.uncertainty import CyclesInterval
from simcore.errors import ExitCode, McusimError
from simcore.log_text import shortened
from simcore.parallel import LostWorkError
from simcore.repository import Checkout, is_own
from simcore.run.needed import needed_files
from simcore.run.spec import RunSpec
from simcore.run.stubs import Guess
from simcore.workers import Workers

Named = TypeVar("Named", FunctionSummary, FunctionLines, OutsideCalls)
#: As simcore.kept.profile(), which is above this package: profile(spec, room=..., stdout=...).
ReadBack = Callable[..., Profile]

MOST_PRINTED = 1 << 20  # bytes that a store takes with a run
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
        self.whole: bytearray | None = None  # where somebody put one, all of it, if it is not much
        self.clear()

    def clear(self) -> None:
        """Forget what was printed."""
        self.end = b""
        self.many = 0
        self._hash = hashlib.sha256()

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        if self.whole is not None:
            self.whole += piece
            if len(self.whole) > MOST_PRINTED:
                self.whole = None
        self.end = (self.end + piece)[-KEPT_OUTPUT:]
        self.many += len(piece)
        self._hash.update(piece)
        if self._to is not None:
            self._to.write(piece)
        return len(piece)

    def told(self, summary: Summary) -> Summary:
        """A summary that knows what was printed."""
        return replace(summary, output_sha256=self.sha256, output_bytes=self.many)

    @property
    def sha256(self) -> str:
        """The hash of all that was printed."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class PlanRun:
    """A plan that ran: its profile, and of what the program printed the end, how much it was and
    its hash. ``printed`` is all of it, where that is no more than a store takes and nothing else
    decided the run."""

    profile: Profile
    end: bytes
    many: int
    sha256: str
    printed: bytes | None = None

    @classmethod
    def known(cls, profile: Profile, printed: bytes) -> PlanRun:
        """One that was kept with all that it printed."""
        digest = hashlib.sha256(printed).hexdigest()
        return cls(profile, printed[-KEPT_OUTPUT:], len(printed), digest, printed)


class ProfileStore(Protocol):
    """Where runs are kept: simcore.kept.stored.CheckedRuns, which is above this package."""

    def load(self, spec: RunSpec, /) -> tuple[Profile, bytes] | None:
        """The profile of a run and what it printed, if they are there."""

    def keep(self, spec: RunSpec, profile: Profile, printed: bytes, /) -> None:
        """Keep them."""


def run_plan(plan: RunPlan, read_back: ReadBack | None = None) -> PlanOutcome:
    """Run one plan; an error of mcusim is an outcome, any other is raised.

    ``read_back`` profiles with a cache, and reads back what ran before.
    """
    tail = Printed()
    try:
        result = _profiled(plan, tail, read_back)
    except McusimError as error:
        return _failed(error)
    return outcome_of(plan, PlanRun(result, tail.end, tail.many, tail.sha256))


def outcome_of(plan: RunPlan, run: PlanRun) -> PlanOutcome:
    """What became of a plan that ran, its sources read here."""
    result = run.profile
    code = result.status
    output = None if code is ExitCode.OK else run.end.decode("utf-8", "replace")
    why = None if code is ExitCode.OK else result.ended
    files = SourceFiles(plan.elf, plan.sources)
    summary = summarize_here(result, files, plan.elf)
    # What was asked for is the same in every build, what a pattern matched may not be.
    summary = replace(
        summary,
        placement=plan.place or None,
        output_sha256=run.sha256,
        output_bytes=run.many,
    )
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
        return profile(spec, stdout=tail, room=plan.cache)  # type: ignore[arg-type]

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


def profile_plan(plan: RunPlan, cache: bool = True) -> PlanRun:
    """Run one plan on whatever machine, with no sources and of its cache the schedules alone.

    Raises as profile().
    """
    from simcore.profiler import profile

    tail = Printed()
    tail.whole = bytearray()
    asked: list[bool] = []
    result = profile(
        replace(plan, instructions=True),
        stdout=tail,  # type: ignore[arg-type]
        inspect=lambda one: asked.append(one.options.streams.stdin_read.asked),
        room=open_room(cache),
    )
    alone = not result.exit.is_by_host and not any(asked) and tail.whole is not None
    printed = bytes(tail.whole) if alone and tail.whole is not None else None
    return PlanRun(result, tail.end, tail.many, tail.sha256, printed)


def run_plans(
    plans: Sequence[RunPlan],
    workers: Workers,
    done: Callable[[RunPlan], None] | None = None,
    read_back: ReadBack | None = None,
    store: ProfileStore | None = None,
) -> list[PlanOutcome]:
    """Run plans; outcomes come in the order of the plans.

    ``done`` is called as each ends, in no particular order. What ``store`` holds is not run, what
    runs is kept there; ``read_back`` is not asked then, nor on other machines. Raises
    KeyboardInterrupt when one was interrupted.
    """
    outcomes: dict[int, PlanOutcome] = {}

    def put(number: int, outcome: PlanOutcome) -> None:
        outcomes[number] = _uninterrupted(outcome)
        if done is not None:
            done(plans[number])

    if store is None and workers.scheduler is None:
        if workers.is_here(len(plans)):
            for number, plan in enumerate(plans):
                put(number, run_plan(plan, read_back))
        else:
            run = partial(run_plan, read_back=read_back)
            for number, future in workers.run(run, plans, needed_files):
                put(number, _outcome(future))
    else:
        for number, outcome in _run_apart(plans, workers, store):
            put(number, outcome)
    return [outcomes[number] for number in range(len(plans))]


def _run_apart(
    plans: Sequence[RunPlan], workers: Workers, store: ProfileStore | None
) -> Iterator[tuple[int, PlanOutcome]]:
    """The number of each plan with its outcome, of runs that are apart from what is told of them:
    kept in a store, or on other machines, where no sources are."""
    specs = [replace(plan, instructions=True) for plan in plans]
    left = []
    for number, plan in enumerate(plans):
        found = None if store is None else store.load(specs[number])
        if found is None:
            left.append(number)
        else:
            yield number, outcome_of(plan, PlanRun.known(*found))

    def taken(number: int, future: Future[PlanRun]) -> PlanOutcome:
        found = future.exception() or future.result()
        if not isinstance(found, PlanRun):
            return _failed(found)
        if store is not None and found.printed is not None:
            store.keep(specs[number], found.profile, found.printed)
        return outcome_of(plans[number], found)

    sent = [replace(plans[n], cache=NO_ROOM, sources=SourcePlaces()) for n in left]
    run = partial(profile_plan, cache=any(plan.cache.is_on for plan in plans))
    if sent and workers.is_here(len(sent)):
        for number, plan in zip(left, sent, strict=True):
            yield number, taken(number, _done_here(run, plan))
    else:
        for at, future in workers.run(run, sent, needed_files):
            yield left[at], taken(left[at], future)


def _done_here(run: Callable[[RunPlan], PlanRun], plan: RunPlan) -> Future[PlanRun]:
    future: Future[PlanRun] = Future()
    try:
        future.set_result(run(plan))
    except McusimError as error:
        future.set_exception(error)
    return future


def _outcome(future: Future[PlanOutcome]) -> PlanOutcome:
    error = future.exception()
    return future.result() if error is None else _failed(error)


def _failed(error: BaseException) -> PlanOutcome:
    """What became of a plan that raised an error of mcusim; any other is raised."""
    if isinstance(error, LostWorkError):
        text = "the process of the simulation died; run it with 'mcusim profile'"
        return PlanOutcome(None, text, ExitCode.FAULT)
    if isinstance(error, McusimError):
        return PlanOutcome(None, shortened(str(error)), error.exit_code)
    raise error


def _uninterrupted(outcome: PlanOutcome) -> PlanOutcome:
    """The outcome; one that Ctrl-C cut short ends the check. Raises KeyboardInterrupt."""
    if outcome.code is ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return outcome
