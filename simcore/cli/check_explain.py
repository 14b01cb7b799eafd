"""`mcusim check --explain`: what a check would run, compare with and fail on, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from simcore.checking.baselines import load_baseline
from simcore.checking.doubts import FALL
from simcore.checking.limits import ALL, Limit, limits_of
from simcore.checking.results import LimitResult, MetricValue
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import compare
from simcore.log_text import harmless, one_line
from simcore.report.page.console import Code, new_console, printed_text
from simcore.report.page.table import Column, build_table
from simcore.units import NOTHING, amount, percent

if TYPE_CHECKING:
    from simcore.checking.session import Request
    from simcore.comparison.summary import Summary
    from simcore.report import RenderOptions

_Row = tuple[str, str, str, str]


def plan_text(request: Request, options: RenderOptions) -> str:
    """The plan of a check. Raises ConfigError for a baseline that is no good."""
    baseline = None if request.baseline is None else load_baseline(request.baseline)
    known: Mapping[str, Summary] = {} if baseline is None else baseline.runs
    console = new_console(options)
    console.print("Runs")
    plans = request.plans
    console.print(
        build_table(
            [
                Column("run", [one_line(plan.name) for plan in plans]),
                Column("program", [one_line(plan.elf) for plan in plans]),
                Column("part", [str(plan.cpu) for plan in plans], 1),
                Column("arguments", [" ".join(plan.args) or NOTHING for plan in plans], 3),
                Column("by the baseline", [_cycles(known.get(plan.name)) for plan in plans], 2),
            ],
            options.width,
        )
    )
    rows = [row for plan in plans for row in _limits(plan.name, request, known.get(plan.name))]
    console.print("\nLimits")
    console.print(
        build_table(
            [
                Column("run", [row[0] for row in rows]),
                Column("of", [row[1] for row in rows]),
                Column("limit", [row[2] for row in rows]),
                Column("fails", [row[3] for row in rows]),
            ],
            options.width,
        )
    )
    console.print("\nBaseline")
    for line in _baseline(request, known, baseline is not None):
        console.print(Code(line))
    return "\n".join(map(harmless, printed_text(console, options).split("\n")))


def _cycles(before: Summary | None) -> str:
    return NOTHING if before is None else f"{amount(before.metrics.cycles, '')} cycles"


def _limits(run: str, request: Request, before: Summary | None) -> Iterator[_Row]:
    limits = limits_of(run, request.limits)
    compares = request.baseline is not None
    if before is None:
        for limit in limits:
            if limit.bound is not None or not limit.default or compares:
                yield run, limit.scope or "the run", _text(limit), _alone(limit, compares)
        return
    default = {limit.text for limit in limits if limit.default}
    told = set()
    for value in judge(before, compare(before, before), limits):
        for one in value.limits:
            told.add((value.kind, one.text))
            text = _with_metric(one.text, value.metric)
            text += " (default)" if one.text in default and not value.row else ""
            yield run, _of(value), text, _fails(value, one)
    for limit in limits:  # of what the run by the baseline does not have
        if (limit.kind, limit.text) not in told and not limit.default:
            yield run, limit.scope or "the run", _text(limit), "when it is missing"


def _of(value: MetricValue) -> str:
    return f"{value.kind}={value.row}" if value.row else "the run"


def _text(limit: Limit) -> str:
    text = _with_metric(limit.text, limit.metric.name)
    return f"{text} (default)" if limit.default else text


def _with_metric(text: str, metric: str) -> str:
    """A limit with the metric that it is on: cycles=10% (@all)."""
    name, _, allowed = text.partition("=")
    return f"{metric}={allowed} ({ALL})" if name == ALL else text


def _alone(limit: Limit, compares: bool) -> str:
    if limit.bound is not None:
        return f"above {amount(limit.bound, limit.metric.unit)}"
    return "never: nothing to compare with" if compares else "never: nothing is compared"


def _fails(value: MetricValue, limit: LimitResult) -> str:
    if value.after is None:
        return f"when there is no {value.row or value.metric}"
    if limit.allowed is None:
        return "never: nothing to compare with"
    side = "below" if limit.is_lower else "above"
    now = f", {amount(value.before, value.unit)} by the baseline"
    return f"{side} {amount(limit.allowed, value.unit)}{now}"


def _baseline(request: Request, known: Mapping[str, Summary], is_there: bool) -> Iterator[str]:
    names = {plan.name for plan in request.plans}
    if request.baseline is None:
        yield "compared with none"
    elif is_there:
        runs = "1 run" if len(known) == 1 else f"{len(known)} runs"
        yield f"compared with {request.baseline.as_posix()}, {runs}"
    else:
        yield f"compared with {request.baseline.as_posix()}, which is not there"
    new = sorted(names - known.keys()) if request.baseline is not None else []
    if new:
        fate = "fail (--require-baseline)" if request.require_baseline else "pass and are added"
        yield f"runs that it does not have {fate}: {', '.join(new)}"
    gone = sorted(known.keys() - names)
    if gone:
        fate = "fail the check (--require-all)" if request.require_all else "are named"
        fate = "are dropped (--prune)" if request.prune else fate
        yield f"runs that do not run {fate}: {', '.join(gone)}"
    if request.save is not None:
        yield f"written to {request.save.as_posix()}; others in it stay"
    doubts = "fail (--strict)" if request.strict else "are told"
    yield (
        f"a fall by more than {percent(FALL, digits=0)}, another output, exit code or end: {doubts}"
    )
    yield from request.notes
