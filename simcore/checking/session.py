"""A whole check: run the plans, compare with the baseline, judge by the limits, save."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from simcore import __version__
from simcore.checking.baselines import refuse_newer, refuse_other_case, update_baseline
from simcore.checking.blame import explain
from simcore.checking.doubts import doubts, end_of
from simcore.checking.fitting import fitted
from simcore.checking.gates import (
    compared_runs,
    full_run_needed,
    refuse_other_setups,
    uncompared,
    unmatched_limits,
)
from simcore.checking.limits import Limit, limits_of
from simcore.checking.plans import RunPlan
from simcore.checking.results import SCHEMA, STATUSES, CheckResult, RunResult
from simcore.checking.running import PlanOutcome, ProfileStore, ReadBack, run_plans
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import compare, unlike, unlike_setups
from simcore.comparison.summary import Summary
from simcore.costs.origin import Tool
from simcore.errors import ExitCode
from simcore.repository import working_folder
from simcore.run.stubs import Guess
from simcore.simulation.program import load_spec
from simcore.workers import Workers

TOOL = Tool("mcusim", __version__)
GUESSES_TOLD = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What to check. ``baseline`` is the file to compare with, None for none; ``named`` when
    somebody wrote its name, so that one that is not there is a slip.

    ``save`` is the file to write the runs to as a baseline. Without it, runs that ``baseline`` does
    not know are added to it. Runs that did not run stay in either; ``prune`` drops them, after a
    full run only: ``whole`` is one of all that the settings list, of ELFs that were named
    ``listed``, names of all runs of the settings, and the files that there are tell. ``replace``
    lets a run take the place of one of another configuration. Of ``limits`` each item is one
    text's. ``files`` are what is read for it, beside the baseline, ``notes`` what is told with its
    result.

    ``require_all`` fails on runs that the baseline knows and that did not run, ``require_baseline``
    on runs that it does not know, ``strict`` on doubts. ``read_back`` runs with the cache of each
    plan what is not in it, None all. ``scheduler`` is the address of one of Dask on whose workers
    it all runs, ``store`` has runs that are not made again, without that cache.
    """

    plans: tuple[RunPlan, ...]
    limits: tuple[Sequence[Limit], ...] = ()
    baseline: Path | None = None
    save: Path | None = None
    jobs: int = 0  # 0: one for each processor
    files: tuple[str, ...] = ()
    named: bool = False
    listed: tuple[str, ...] = ()
    prune: bool = False
    whole: bool = False
    replace: bool = False
    require_all: bool = False
    require_baseline: bool = False
    strict: bool = False
    notes: tuple[str, ...] = ()
    read_back: ReadBack | None = None
    scheduler: str | None = None
    store: ProfileStore | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A finished check, and what :meth:`save` puts into the baseline ``result.saved``, and takes
    out of it. ``summaries`` are those of runs that ended well, by name."""

    result: CheckResult
    to_save: Mapping[str, Summary]
    to_drop: tuple[str, ...] = ()
    summaries: Mapping[str, Summary] = field(default_factory=dict)

    def save(self) -> CheckResult:
        """Write the baseline, if there is one to write; the result with what is to be told of it.

        Runs in it that this check did not run stay. Raises ConfigError, with the file as it was.
        """
        if self.result.saved is None:
            return self.result
        notes = update_baseline(Path(self.result.saved), self.to_save, self.to_drop)
        return replace(self.result, notes=(*self.result.notes, *notes))


def check(request: Request, done: Callable[[RunPlan], None] | None = None) -> Checked:
    """Run, compare and judge; no baseline is written. ``done`` is called as each run ends.

    Raises ConfigError for a baseline that is no good, not there where it has to be, or not to be
    overwritten.
    """
    known: Mapping[str, Summary] = {}
    notes = list(request.notes)
    if request.baseline is not None:
        # A baseline that this check writes need not be there.
        known, told = compared_runs(
            request.baseline,
            named=request.named and request.save is None,
            required=request.require_baseline and request.save is None,
            elfs=[plan.elf for plan in request.plans],
        )
        notes += told
    in_target = known if request.save is None else refuse_newer(request.save)
    planned = {plan.name for plan in request.plans}
    not_run = sorted((known if request.baseline is not None else in_target).keys() - planned)
    left = sorted(in_target.keys() - planned)
    for path, runs_there in ((request.baseline, known), (request.save, in_target)):
        if path is not None and not request.prune:
            refuse_other_case(path, sorted(planned), runs_there)
    if request.prune and not request.whole:
        full_run_needed(left, request.listed, request.plans, in_target)
    outcomes = run_plans(
        request.plans,
        Workers(request.jobs or None, request.scheduler),
        done,
        request.read_back,
        request.store,
    )
    limits = {plan.name: limits_of(plan.name, request.limits) for plan in request.plans}
    summaries = [outcome.summary for outcome in outcomes]
    wrong = unmatched_limits(request.plans, summaries, limits, known)
    runs = tuple(
        _judged(plan, outcome, known.get(plan.name), request, limits[plan.name], wrong)
        for plan, outcome in zip(request.plans, outcomes, strict=True)
    )
    result = CheckResult(
        schema=SCHEMA,
        tool=TOOL,
        baseline=None if request.baseline is None else request.baseline.stem,
        saved=None,
        runs=runs,
        folder=working_folder(),
        not_run=tuple(not_run),
        require_all=request.require_all and request.baseline is not None and not request.prune,
    )
    checked = _with_baseline(request, result, outcomes, in_target, left, notes)
    well = {
        plan.name: outcome.summary
        for plan, outcome in zip(request.plans, outcomes, strict=True)
        if outcome.summary is not None and outcome.code is ExitCode.OK
    }
    return replace(checked, summaries=well)


def failed_check(error: str) -> CheckResult:
    """The result of a check that could not be made."""
    return CheckResult(SCHEMA, TOOL, None, None, (), error, working_folder())


def _judged(
    plan: RunPlan,
    outcome: PlanOutcome,
    before: Summary | None,
    request: Request,
    limits: Sequence[Limit],
    wrong: Mapping[str, str],
) -> RunResult:
    after = outcome.summary
    if after is None or outcome.code is not ExitCode.OK:
        status = next(name for name, code in STATUSES.items() if code is outcome.code)
        # A run is mostly named as its file, which the error begins with, too.
        message = (outcome.error or "").removeprefix(f"{plan.name}: ") or None
        return _result(plan, outcome, status, message=message)
    saves = request.save is not None or (before is None and request.baseline is not None)
    if saves and outcome.guesses and plan.peripherals is None:
        return _result(plan, outcome, "error", _asked(outcome.guesses))
    comparison = None if before is None else compare(before, after)
    if comparison is not None and comparison.unlike and request.save is None:
        return _result(plan, outcome, "error", _not_comparable(before, after, request))
    if comparison is not None and comparison.unlike:
        comparison = before = None  # a new baseline is being made, because of that
    if before is not None and request.save is None and end_of(before) != end_of(after):
        message = f"{after.exit.text}, where by the baseline {before.exit.text}"
        return _result(plan, outcome, "ended-elsewhere", message)
    if plan.name in wrong:
        return _result(plan, outcome, "error", wrong[plan.name])
    needed = request.require_baseline and request.baseline is not None and request.save is None
    if needed and before is None:
        assert request.baseline is not None
        where = request.baseline.as_posix()
        message = f"nothing to compare with: {where} does not know it, and --require-baseline is on"
        return _result(plan, outcome, "no-baseline", message)
    values = judge(after, comparison, limits, outcome.interval)
    doubtful: tuple[str, ...] = ()
    if before is not None and comparison is not None:
        nothing = uncompared(values, request.save is None)
        if nothing and needed:
            return _result(plan, outcome, "no-baseline", "; ".join(nothing))
        doubtful = (*doubts(before, after, comparison, limits), *nothing)
    status = "passed" if comparison is not None else "new"
    if any(value.failed for value in values):
        status = "failed"
    elif doubtful and request.strict:
        status = "doubtful"
    return RunResult(
        name=plan.name,
        elf=plan.elf,
        status=status,
        message=f"{'; '.join(doubtful)} (--strict)" if status == "doubtful" else None,
        values=values,
        reasons=()
        if comparison is None or before is None
        else explain(before, after, comparison, values, partial(load_spec, plan), plan.elf),
        warnings=(*outcome.warnings, *doubtful),
        args=plan.args,
        cpu=after.cpu,
        comparison=comparison,
        cycles_interval=outcome.interval,
        doubts=doubtful,
    )


def _not_comparable(before: Summary | None, after: Summary, request: Request) -> str:
    """Why a run cannot be compared with its baseline, and what to do."""
    assert before is not None
    name = "" if request.baseline is None else f" {request.baseline.stem}"
    instead = " --replace" if list(unlike_setups(before, after)) else ""
    return (
        f"not comparable with the baseline: {'; '.join(unlike(before, after))};"
        f" save it again with --save-baseline{name}{instead}"
    )


def _asked(guesses: Sequence[Guess]) -> str:
    """What is asked before a run with guesses becomes a baseline."""
    few = "; ".join(guess.text for guess in guesses[:GUESSES_TOLD])
    more = f"; and {len(guesses) - GUESSES_TOLD} more" if len(guesses) > GUESSES_TOLD else ""
    return (
        f"guessed so that the program goes on: {few}{more}. To take that for the baseline, write"
        " peripherals = 'ready' into mcusim.toml, or what they read as [[stub]] tables"
    )


def _result(plan: RunPlan, outcome: PlanOutcome, status: str, message: str | None) -> RunResult:
    return RunResult(
        name=plan.name,
        elf=plan.elf,
        status=status,
        message=message,
        values=(),
        reasons=(),
        warnings=outcome.warnings,
        args=plan.args,
        cpu=None if outcome.summary is None else outcome.summary.cpu,
        output=outcome.output or None,
    )


def _with_baseline(
    request: Request,
    result: CheckResult,
    outcomes: Sequence[PlanOutcome],
    in_target: Mapping[str, Summary],
    left: Sequence[str],
    notes: list[str],
) -> Checked:
    """The check with what it writes: all runs when asked for, else those that had no baseline.

    Raises ConfigError for runs that would take the place of those of another configuration.
    """
    target = request.save or request.baseline
    good = {
        plan.name: outcome.summary
        for plan, outcome, run in zip(request.plans, outcomes, result.runs, strict=True)
        if outcome.summary is not None and outcome.code is ExitCode.OK and run.status != "error"
    }
    if request.save is None:
        good = {run.name: good[run.name] for run in result.runs if run.status == "new"}
    dropped = tuple(left) if request.prune else ()
    holes = request.save is not None and len(good) < len(request.plans)
    compared = request.save is None or request.save == request.baseline
    if target is not None and (good or dropped or holes):
        where = target.as_posix()
        if holes or (result.exit_code is not ExitCode.OK and (compared or dropped)):
            notes.append(f"{where} stays as it was: the check failed")
        else:
            if request.save is not None and not request.replace:
                refuse_other_setups(target, in_target, good)
            result = replace(result, saved=where)
            if dropped:
                notes.append(f"dropped from {where}: {', '.join(dropped)}")
    if left and not dropped and request.save is not None and result.saved is not None:
        many = f"{len(left)} runs" if left[1:] else "1 run"
        notes.append(
            f"{many} of {result.saved} did not run and {'stay' if left[1:] else 'stays'} in it:"
            f" {', '.join(left)}; --prune drops what is not there any more"
        )
    result = replace(result, notes=tuple(notes))
    if result.saved is None:
        return Checked(result, {})
    kept = {name: fitted(run, limits_of(name, request.limits)) for name, run in good.items()}
    return Checked(result, kept, dropped)
