"""Charts of a trend, drawn without a script: a line for each run, a point where it changed.

Of several runs each is shown against its own first value, so that large and small ones share an
axis; one alone is shown in the metric's unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from simcore.checking.trend import RunChange, TrendStep
from simcore.comparison.metrics import METRICS, Metric
from simcore.report.trend.text import causes_text, moved_text, values_text
from simcore.units import amount

HEIGHT = 220  # px of a plot
MOST_TICKS = 5
MOST_DRAWN = 1e60  # of any unit
#: Where commits are named below a plot, per cent, beside the first and the last, and how far apart
#: names have to be: the first and the last stand inside, and where a plot is narrow they are all.
BETWEEN, APART = (33, 67), 27
ALWAYS = ("cycles", "energy")  # charts that are there when nothing changed, too
SERIES = 8  # runs that have a colour of their own, s-0 to s-7
#: What is beyond the coloured runs is grey.
OTHERS = "s-other"


@dataclass(frozen=True, slots=True)
class ChartTick:
    """A line across the plot, per cent from its upper edge."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartLabel:
    """A commit below the plot; ``minor`` ones go where it is narrow."""

    at: float
    text: str
    anchor: str
    minor: bool


@dataclass(frozen=True, slots=True)
class ChartSegment:
    """A piece of a run's line, per cent from the upper left."""

    x1: float
    y1: float
    x2: float
    y2: float
    color: str


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """A check at which a run began, changed or ended; ``color`` is of the run, or of the change."""

    x: float
    y: float
    hint: str
    color: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A metric over the checks."""

    name: str
    title: str
    trust: str
    ticks: Sequence[ChartTick]
    labels: Sequence[ChartLabel]
    segments: Sequence[ChartSegment]
    points: Sequence[ChartPoint]
    legend: Mapping[str, str]
    height: int = HEIGHT


def charts(
    steps: Sequence[TrendStep], changes: Sequence[RunChange]
) -> tuple[list[Chart], list[str]]:
    """A chart for each metric that changed, and the names of those that did not."""
    colors = _colors(steps, changes)
    by_place = {(change.step, change.run): change for change in changes}
    moved = {name for change in changes for name, _, _ in change.metrics}
    drawn, still = [], []
    for metric in METRICS:
        values = _values(steps, metric)
        if not values:
            continue
        if metric.name in moved or metric.name in ALWAYS:
            drawn.append(_chart(metric, steps, values, colors, by_place))
        else:
            still.append(metric.title)
    return drawn, still


def _values(steps: Sequence[TrendStep], metric: Metric) -> dict[str, dict[int, float]]:
    """By run the values by step."""
    found: dict[str, dict[int, float]] = {}
    for number, step in enumerate(steps):
        for name, run in step.runs.items():
            if metric.name in run.metrics:
                found.setdefault(name, {})[number] = _drawable(run.metrics[metric.name])
    return found


def _colors(steps: Sequence[TrendStep], changes: Sequence[RunChange]) -> dict[str, str]:
    """Colours of runs: when there are more than colours, those that changed most often have one."""
    names = list(dict.fromkeys(name for step in steps for name in step.runs))
    often = {name: sum(change.run == name for change in changes) for name in names}
    chosen = sorted(sorted(names), key=lambda name: -often[name])[:SERIES]
    colored = [name for name in names if name in chosen]
    return {n: f"s-{colored.index(n)}" if n in colored else OTHERS for n in names}


def _chart(
    metric: Metric,
    steps: Sequence[TrendStep],
    values: Mapping[str, Mapping[int, float]],
    colors: Mapping[str, str],
    changes: Mapping[tuple[int, str], RunChange],
) -> Chart:
    alone = len(values) == 1
    shown = values if alone else {name: _relative(of_run) for name, of_run in values.items()}
    low, high, step = _axis(
        [v for of_run in shown.values() for v in of_run.values()], alone, metric
    )
    texts = _tick_texts(low, high, step, metric.unit if alone else "%")

    def x(number: int) -> float:
        return 50 if len(steps) == 1 else 100 * number / (len(steps) - 1)

    def y(value: float) -> float:
        return 100 - 100 * (value - low) / (high - low)

    segments: list[ChartSegment] = []
    points: list[ChartPoint] = []
    for name, of_run in shown.items():
        color = "s-0" if alone else colors[name]
        places = list(of_run.items())
        kept = _corners(places)
        for (first, before), (second, after) in pairwise(kept):
            segments.append(ChartSegment(x(first), y(before), x(second), y(after), color))
        for index, (number, value) in enumerate(places):
            change = changes.get((number, name))
            told = "" if change is None else values_text(change, metric.name)
            if index in (0, len(places) - 1) or told:
                hint = _hint(steps[number], name, metric, values[name][number], change, told)
                worse = index > 0 and value > places[index - 1][1]
                mark = ("worse" if worse else "better") if alone and told else color
                points.append(ChartPoint(x(number), y(value), hint, mark))
    return Chart(
        metric.name,
        metric.title,
        metric.accuracy,
        [ChartTick(y(low + n * step), text) for n, text in enumerate(texts)],
        _labels(steps, x),
        segments,
        points,
        {} if alone else _legend(colors, values),
    )


def _relative(values: Mapping[int, float]) -> dict[int, float]:
    """Per cent more than the first value that is not 0."""
    first = next((value for value in values.values() if value), 0.0)
    return {
        n: _drawable(100 * (value - first) / first if first else 0.0) for n, value in values.items()
    }


def _drawable(value: float) -> float:
    """A value with which an axis can be computed: a document may have any that is finite."""
    return max(-MOST_DRAWN, min(value, MOST_DRAWN))


def _corners(places: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Places without those between two of the same value, which a straight line goes through."""
    return [
        place
        for index, place in enumerate(places)
        if index in (0, len(places) - 1)
        or not places[index - 1][1] == place[1] == places[index + 1][1]
    ]


def _axis(values: Sequence[float], alone: bool, metric: Metric) -> tuple[float, float, float]:
    """Lowest and highest value of the axis, and the step of its ticks."""
    low, high = min(values), max(values)
    spare = 0.08 * (high - low) or (abs(high) * 0.01 if alone else 1.0) or 1.0
    whole = alone and metric.unit in ("", "B")
    step = _nice((high - low + 2 * spare) / (MOST_TICKS - 1), 1.0 if whole else 0.0)
    first, last = floor((low - spare) / step), ceil((high + spare) / step)
    if alone:
        first = max(first, 0)
    return first * step, max(last, first + 1) * step, step


def _nice(step: float, least: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    power = floor(log10(step))
    nice = next(
        float(f"{m}e{power}") for m in (1, 2, 5, 10) if step <= float(f"{m}e{power}") * (1 + 1e-9)
    )
    return max(nice, least)


def _tick_texts(low: float, high: float, step: float, unit: str) -> list[str]:
    """A text for each tick: one prefix for all, and as many decimals as tell them apart."""
    exponent = 0
    if unit != "%":
        exponent = 3 * floor(log10(high) / 3) if high > 0 else 0
        if unit in ("", "B") and exponent <= 3:
            exponent = 0
    prefix = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}.get(
        exponent
    )
    if prefix is None:
        prefix, exponent = "", 0
    scale = 10.0**exponent
    digits = max(0, -floor(log10(step / scale) + 1e-9))
    number = round((high - low) / step)
    sign = "+" if unit == "%" else ""
    values = [(low + n * step) / scale for n in range(number + 1)]
    return [
        f"{v or 0.0:{sign if v > 0 else ''},.{digits}f} {prefix}{unit}".rstrip() for v in values
    ]


def _labels(steps: Sequence[TrendStep], x: Callable[[int], float]) -> list[ChartLabel]:
    last = len(steps) - 1
    if not last:
        return [ChartLabel(50, steps[0].label, "middle", False)]
    numbers = [0, last]
    for wanted in BETWEEN:
        found = min(range(last), key=lambda n: abs(x(n) - wanted))
        if all(abs(x(found) - x(other)) >= APART for other in numbers):
            numbers.append(found)
    anchors = {0: "start", last: "end"}
    return [
        ChartLabel(x(n), steps[n].label, anchors.get(n, "middle"), n not in anchors)
        for n in sorted(numbers)
    ]


def _legend(colors: Mapping[str, str], values: Mapping[str, object]) -> dict[str, str]:
    legend = {name: colors[name] for name in values if colors[name] != OTHERS}
    others = len(values) - len(legend)
    return legend | ({f"{others} others": OTHERS} if others else {})


def _hint(
    step: TrendStep, run: str, metric: Metric, value: float, change: RunChange | None, told: str
) -> str:
    subject = f" {step.commit.subject}" if step.commit.subject else ""
    text = f"{step.label}{subject}. {run}: {metric.name} {told or amount(value, metric.unit)}"
    for words in (moved_text(change), causes_text(change)) if change is not None and told else ():
        text += f"; {words}" if words else ""
    return text
