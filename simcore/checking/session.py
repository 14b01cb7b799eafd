"""A whole check: run the plans, compare with the baseline, judge by the limits, save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simcore import __version__
from simcore.checking.baselines import Baseline, load_baseline, new_baseline
from simcore.checking.blame import explain
from simcore.checking.limits import Limit, limits_of
from simcore.checking.plans import RunPlan
from simcore.checking.results import SCHEMA, STATUSES, CheckResult, RunResult
from simcore.checking.running import PlanOutcome, run_plans
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import compare
from simcore.comparison.summary import Summary
from simcore.costs.origin import Tool
from simcore.errors import ExitCode
from simcore.parallel import processors
from simcore.repository import working_folder
from simcore.run.stubs import Guess
from simcore.simulation.program import load_spec

TOOL = Tool("mcusim", __version__)
GUESSES_TOLD = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What to check. ``baseline`` is the file to compare with, None for none.

    ``save`` is the file to write the runs to as a baseline. Without it, runs that ``baseline`` does
    not know are added to it. Of ``limits`` each item is one text's. ``files`` are what is read for
    it, beside the baseline.
    """

    plans: tuple[RunPlan, ...]
    limits: tuple[Sequence[Limit], ...] = ()
    baseline: Path | None = None
    save: Path | None = None
    jobs: int = 0  # 0: one for each processor
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A finished check, and the baseline that is to be written to ``result.saved``.

    ``summaries`` are those of runs that ended well, by name.
    """

    result: CheckResult
    to_save: Baseline | None
    summaries: dict[str, Summary]


def check(request: Request, done: Callable[[RunPlan], None] | None = None) -> Checked:
    """Run, compare and judge; no baseline is written. ``done`` is called as each run ends.

    Raises ConfigError for a baseline that is no good.
    """
    known: dict[str, Summary] = {}
    if request.baseline is not None:
        baseline = load_baseline(request.baseline)
        known = {} if baseline is None else baseline.runs
    outcomes = run_plans(request.plans, request.jobs or processors(), done)
    runs = tuple(
        _judged(plan, outcome, known.get(plan.name), request)
        for plan, outcome in zip(request.plans, outcomes, strict=True)
    )
    target, to_save = _to_save(request, outcomes, known, runs)
    return Checked(
        CheckResult(
            schema=SCHEMA,
            tool=TOOL,
            baseline=None if request.baseline is None else request.baseline.stem,
            saved=None if target is None else target.as_posix(),
            runs=runs,
            folder=working_folder(),
        ),
        to_save,
        {
            plan.name: outcome.summary
            for plan, outcome in zip(request.plans, outcomes, strict=True)
            if outcome.summary is not None and outcome.code is ExitCode.OK
        },
    )


def failed_check(error: str) -> CheckResult:
    """The result of a check that could not be made."""
    return CheckResult(SCHEMA, TOOL, None, None, (), error, working_folder())


def _judged(
    plan: RunPlan, outcome: PlanOutcome, before: Summary | None, request: Request
) -> RunResult:
    after = outcome.summary
    if after is None or outcome.code is not ExitCode.OK:
        status = next(name for name, code in STATUSES.items() if code is outcome.code)
        return _result(plan, outcome, status, message=outcome.error)
    saves = request.save is not None or (before is None and request.baseline is not None)
    if saves and outcome.guesses and plan.peripherals is None:
        return _result(plan, outcome, "error", _asked(outcome.guesses))
    comparison = None if before is None else compare(before, after)
    if comparison is not None and comparison.unlike and request.save is None:
        name = "" if request.baseline is None else f" {request.baseline.stem}"
        return _result(
            plan,
            outcome,
            "error",
            message=f"not comparable with the baseline: {'; '.join(comparison.unlike)};"
            f" save it again with --save-baseline{name}",
        )
    if comparison is not None and comparison.unlike:
        comparison = None  # a new baseline is being made, because of that
    if before is not None and request.save is None and _end(before) != _end(after):
        message = f"{after.exit.text}, where by the baseline {before.exit.text}"
        return _result(plan, outcome, "ended-elsewhere", message)
    limits = limits_of(plan.name, request.limits)
    values = judge(after, comparison, limits, outcome.interval)
    failed = any(value.failed for value in values)
    return RunResult(
        name=plan.name,
        elf=plan.elf,
        status="failed" if failed else "passed" if comparison is not None else "new",
        message=None,
        values=values,
        reasons=()
        if comparison is None or before is None
        else explain(before, after, comparison, values, partial(load_spec, plan), plan.elf),
        warnings=outcome.warnings,
        args=plan.args,
        cpu=after.cpu,
        comparison=comparison,
        cycles_interval=outcome.interval,
    )


def _asked(guesses: Sequence[Guess]) -> str:
    """What is asked before a run with guesses becomes a baseline."""
    few = "; ".join(guess.text for guess in guesses[:GUESSES_TOLD])
    more = f"; and {len(guesses) - GUESSES_TOLD} more" if len(guesses) > GUESSES_TOLD else ""
    return (
        f"guessed so that the program goes on: {few}{more}. To take that for the baseline, write"
        " peripherals = 'ready' into mcusim.toml, or what they read as [[stub]] tables"
    )


def _end(run: Summary) -> tuple[str, str | None]:
    """How a run ended and in which function; lines move with every edit."""
    place = run.exit.place
    return run.exit.reason, None if place is None else place.symbol


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


def _to_save(
    request: Request,
    outcomes: Sequence[PlanOutcome],
    known: dict[str, Summary],
    runs: Sequence[RunResult],
) -> tuple[Path | None, Baseline | None]:
    """The file to write and what: all runs when asked for, else those that had no baseline."""
    good = {
        plan.name: outcome.summary
        for plan, outcome, run in zip(request.plans, outcomes, runs, strict=True)
        if outcome.summary is not None and outcome.code is ExitCode.OK and run.status != "error"
    }
    if request.save is not None:
        if len(good) < len(request.plans):
            return None, None  # a baseline with holes would hide them
        return request.save, new_baseline(good)
    new = {run.name: good[run.name] for run in runs if run.status == "new"}
    if request.baseline is None or not new:
        return None, None
    return request.baseline, new_baseline({**known, **new})
