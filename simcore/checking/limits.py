"""Limits on what a run may cost: ``cycles=5%|10000,energy=2%,stack=4096,@all=10%``.

A percentage is against the baseline, a bare number is absolute, in the metric's unit (J, s, bytes)
or with a suffix: ``energy=2mJ``, ``time=10ms``, ``stack=4K``, ``cycles=1.5M``. Of several values
with ``|`` between them each holds. A limit may be for the runs of a name only, or for functions,
operations, interrupts or tasks: ``conv*:cycles=5%``, ``function=dot:cycles=0%``,
``elf=conv*:op=fc:energy=2mJ``, ``irq=TIM2:latency=5us``, ``irq=28:latency=1000cycles``,
``task=audio:response=1ms,stack=512``. A text may hold several of them:
``stack=4096,irq=TIM2:latency=5us,irq=*:lost=0``. ``instructions=-20%`` is a lower limit: at most so
much below the baseline, as a program that does nothing is cheap.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from glob import escape

from simcore.comparison.interrupts import IRQ_METRICS
from simcore.comparison.metrics import METRICS, ROW_METRICS, Metric, find_metric
from simcore.comparison.tasks import TASK_METRICS
from simcore.errors import ConfigError, nearest
from simcore.units import scale

ALL = "@all"
#: What a baseline is compared by when no limit names the metric: any increase fails.
DEFAULT = "cycles=0%,energy=0%,stack=0%"
FORM = "a limit has the form cycles=5%, energy=2mJ or stack=4096"

_VALUE = re.compile(r"(-?[0-9]+(?:\.[0-9]*)?|-?\.[0-9]+)(e[+-]?[0-9]{1,3})?\s*(%|[A-Za-zµ]*)", re.I)
#: A percentage that nothing breaks is a slip: a hundredfold is no limit.
MOST_PERCENT = 10_000
#: Metrics of which every run has some, so that a limit of 0 is broken by all.
_NEVER_ZERO = ("cycles", "active-cycles", "instructions", "time", "energy")
#: What a limit may be for besides the whole run: what it is called, and its metrics.
KINDS = {
    "function": ("a function", tuple(find_metric(name) for name in ROW_METRICS)),
    "op": ("an operation", tuple(find_metric(name) for name in ROW_METRICS)),
    "irq": ("an interrupt", IRQ_METRICS),
    "task": ("a task", TASK_METRICS),
}
#: Kinds whose times may be told in cycles.
TIMED = ("irq", "task")
_KINDS = "|".join(KINDS)
_SCOPE = re.compile(rf"(?:elf=(?P<elf>.*?))?(?:(?:^|:)(?P<kind>{_KINDS})=(?P<name>.*))?")
#: Where another scope begins in a text.
_ANOTHER = re.compile(rf",\s*(?=(?:elf|{_KINDS})=)")


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: at most ``percent`` above the baseline, or at most ``bound`` in the metric's unit.
    A negative ``percent`` is a lower limit: at most so much below the baseline.

    ``run`` is a pattern of run names, None for all; ``kind`` is total or one of KINDS, and ``row``
    the pattern of its names.
    """

    metric: Metric
    text: str  # as it was written: cycles=5%
    percent: float | None
    bound: float | None
    run: str | None = None
    kind: str = "total"
    row: str = ""
    named: bool = True  # False: of @all
    default: bool = False  # True: nobody asked for it

    @property
    def target(self) -> tuple[str, str, str]:
        """What it limits: a later limit on the same replaces this one, none of the other side."""
        return self.kind, self.row, f"{self.metric.name}{' least' * self.is_lower}"

    @property
    def is_lower(self) -> bool:
        """Whether it is the least that is allowed."""
        return self.percent is not None and self.percent < 0

    @property
    def scope(self) -> str:
        """For which rows it is, as it is written: function=dot; empty for the whole run."""
        return f"{self.kind}={self.row}" if self.kind != "total" else ""

    def allowed(self, before: float | None) -> float | None:
        """The most that it allows, of a lower limit the least; None when it needs a baseline and
        there is none."""
        if self.bound is not None:
            return self.bound
        return None if before is None else before * (1 + (self.percent or 0) / 100)

    def holds(self, before: float | None, after: float) -> bool:
        """Whether a value keeps to it; a percentage without a baseline does.

        One unit in the last place of a time, an energy or a percentage is noise of the arithmetic.
        """
        if self.percent == 0 and before is not None and self.metric.unit in ("", "B"):
            return after <= before  # exact: no arithmetic in between
        allowed = self.allowed(before)
        if allowed is None:
            return True
        if self.is_lower:
            return after >= math.nextafter(allowed, -math.inf)
        return after <= math.nextafter(allowed, math.inf)


def parse_limits(text: str, where: str) -> list[Limit]:
    """The limits of a text with its scope; ``where`` is the option or file, for messages.

    Raises ConfigError for what is malformed and for an unknown metric, with the nearest one.
    """
    try:
        limits = []
        for part in _ANOTHER.split(text):
            scope, _, rest = part.strip().rpartition(":")
            limits += parse_scoped(rest, *_parse_scope(scope))
        return limits
    except ConfigError as error:
        raise ConfigError(f"{where} '{text}': {error}") from None


def parse_scoped(
    text: str, run: str | None = None, kind: str = "total", row: str = ""
) -> list[Limit]:
    """The limits of a text without scope. Raises ConfigError."""
    limits: list[Limit] = []
    for part in text.split(","):
        name, equals, values = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not values:
            raise ConfigError(f"'{part.strip()}' is no limit: {FORM}")
        for value in values.split("|"):
            for metric in _metrics(_named(name, value), kind):
                percent, bound = _parse_value(metric, value.strip(), kind)
                if bound is not None and name == ALL:
                    raise ConfigError(f"{ALL} takes a percentage, not '{value.strip()}'")
                limits.append(
                    Limit(
                        metric, f"{name}={value.strip()}", percent, bound, run, kind, row,
                        named=name != ALL,
                    )
                )  # fmt: skip
    return limits


def limits_of(run: str, groups: Iterable[Sequence[Limit]]) -> list[Limit]:
    """The limits that hold for a run of this name.

    ``groups`` are texts of limits in the order they were given. Of two groups on the same metric of
    the same rows the later counts; one for runs by name goes before one for all, and inside a group
    a metric by name before @all. Metrics of the whole run without any limit have the default.
    """
    chosen: dict[tuple[str, str, str], tuple[tuple[bool, int], list[Limit]]] = {}
    default = [replace(limit, default=True) for limit in parse_scoped(DEFAULT)]
    for order, group in enumerate([default, *groups]):
        by_target: dict[tuple[str, str, str], list[Limit]] = {}
        for limit in group:
            if limit.run is None or fnmatchcase(run, limit.run):
                by_target.setdefault(limit.target, []).append(limit)
        for target, limits in by_target.items():
            named = [limit for limit in limits if limit.named] or limits
            rank = (named[0].run is not None, order)
            if target not in chosen or rank >= chosen[target][0]:
                chosen[target] = rank, named
    return [limit for _, limits in chosen.values() for limit in limits]


def check_runs(limits: Iterable[Limit], runs: Sequence[str]) -> None:
    """Refuse a limit for runs by name that no run has. Raises ConfigError."""
    for limit in limits:
        if limit.run is not None and not any(fnmatchcase(run, limit.run) for run in runs):
            raise ConfigError(
                f"the limit {limit.text} is for runs '{limit.run}', and none has that name"
                f"{nearest(limit.run, runs)}"
            )


def check_comparing(limits: Iterable[Limit], why: str) -> None:
    """Refuse percentages where nothing is compared with: they could not fail. Raises ConfigError.

    ``why`` is the option that says so.
    """
    for limit in limits:
        if limit.percent is not None:
            raise ConfigError(
                f"the limit {limit.text} is against a baseline, and {why}: it could not fail; give"
                " an absolute limit, or a baseline"
            )


def for_run(limits: Iterable[Limit], run: str) -> list[Limit]:
    """The same limits, for one run only."""
    return [replace(limit, run=escape(run)) for limit in limits]


def _parse_scope(text: str) -> tuple[str | None, str, str]:
    """Pattern of runs, kind and pattern of rows."""
    match = _SCOPE.fullmatch(text)
    if match is None:
        return text, "total", ""
    return match["elf"], match["kind"] or "total", match["name"] or ""


def _metrics(name: str, kind: str) -> list[Metric]:
    if kind == "total":
        return list(METRICS) if name == ALL else [find_metric(name)]
    what, metrics = KINDS[kind]
    if name == ALL:
        return list(metrics)
    found = [metric for metric in metrics if name in (metric.name, metric.field)][:1]
    if not found:
        known = [metric.name for metric in metrics]
        if kind in ("function", "op"):
            find_metric(name)
        raise ConfigError(
            f"{what} has the metrics {', '.join(known)}, not '{name}'{nearest(name, known)}"
        )
    return found


def _named(name: str, value: str) -> str:
    """The metric of a value: a time may be told in cycles."""
    return f"{name}-cycles" if value.strip().endswith("cycles") else name


def _parse_value(
    metric: Metric, text: str, kind: str = "total"
) -> tuple[float | None, float | None]:
    match = _VALUE.fullmatch(text.removesuffix("cycles").rstrip() if kind in TIMED else text)
    if match is None:
        raise ConfigError(f"'{text}' is no value of {metric.name}: {FORM}")
    number, suffix = float(match[1] + (match[2] or "")), match[3]
    if not math.isfinite(number):
        raise ConfigError(f"'{text}' is too large")
    if suffix == "%":
        return _parse_percent(number, text), None
    if number < 0:
        raise ConfigError(
            f"'{text}' is below nothing; only a percentage may be a lower limit: -20%"
        )
    if number == 0 and kind == "total" and metric.name in _NEVER_ZERO:
        raise ConfigError(f"no run keeps {metric.name}={text}: every run has some")
    factor = scale(metric.unit, suffix)
    if factor is None:
        unit = {"": "a count: 10000, 10k or 1.5M", "B": "bytes: 4096 or 4K"}.get(
            metric.unit, f"in {metric.unit}: 0.002 or 2m{metric.unit}"
        )
        raise ConfigError(f"'{text}' is no value of {metric.name}, which is {unit}")
    return None, number * factor


def _parse_percent(number: float, text: str) -> float:
    if math.copysign(1, number) < 0:
        if number == 0:
            raise ConfigError(f"'{text}' leaves no room below the baseline: write -1% or more")
        if number <= -100:
            raise ConfigError(f"'{text}' holds for every run: a lower limit lies above -100%")
    if number > MOST_PERCENT:
        raise ConfigError(f"'{text}' is more than a hundredfold, which is no limit")
    return number
