"""Runs cases with a runner and holds the result against the source: one Result per case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tests.oracle.cases import Case
from tests.oracle.measure import NotMeasurableError, Runner, measure


class Verdict(StrEnum):
    """What a result says about the model; only DIFFERS is a failure."""

    AGREES = "agrees"
    DIFFERS = "DIFFERS"
    KNOWN = "differs, known"  # the case says why; at most five rows do
    REPORTED = "differs, reported only"  # a model or second-hand row: nobody measured it here
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Result:
    """A case, the modelled value in cycles (None: not run), the verdict and why it was not run."""

    case: Case
    cycles: float | None
    verdict: Verdict
    reason: str = ""


def judge(case: Case, run: Runner) -> Result:
    """Measure one case and compare."""
    try:
        cycles = measure(case, run)
    except NotMeasurableError as error:
        return Result(case, None, Verdict.NOT_RUN, str(error))
    if case.agrees(cycles):
        return Result(case, cycles, Verdict.AGREES)
    if not case.binding:
        return Result(case, cycles, Verdict.REPORTED)
    if case.deviation:
        return Result(case, cycles, Verdict.KNOWN, case.deviation)
    return Result(case, cycles, Verdict.DIFFERS)


def judge_all(cases: Iterable[Case], run: Runner) -> list[Result]:
    """Measure all cases in order."""
    return [judge(case, run) for case in cases]
