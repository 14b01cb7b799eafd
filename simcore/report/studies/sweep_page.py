"""A sweep as one HTML page: parallel coordinates, pairs of objectives, a table of the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from simcore.report.html.page import write_page
from simcore.report.html.plots import MARGIN, PlotPoint, PlotScale, PlotTick, ScatterPlot
from simcore.report.html.tables import Cell, HtmlColumn, HtmlTable, cut, text
from simcore.report.studies.sweep import (
    failures,
    headline,
    objective_text,
    settings_text,
    values_of,
    varied,
)
from simcore.sweep.results import SweepResult, SweptPoint

MOST_DRAWN = 1500  # points of a plot: those of the front first, others evenly
TRUST = {"cycles": "modelled", "time": "modelled", "energy": "estimated"}
MOST_CHOICES = 12  # names along an axis of choices
LABEL = 18  # characters of a choice's name there


@dataclass(frozen=True, slots=True)
class PageAxis:
    """An axis: where it stands, per cent from the left, and what stands along it."""

    name: str
    trust: str
    at: float
    ticks: Sequence[PlotTick]
    note: str = ""


@dataclass(frozen=True, slots=True)
class PageLine:
    """A point as a line: what is said of it, its path, and whether it is on the front."""

    hint: str
    front: bool
    path: str


def render(sweep: SweepResult) -> str:
    """The page."""
    objectives = [
        name
        for name in sweep.objectives
        if any(v is not None for v in values_of(sweep.points, name))
    ]
    points = [
        point
        for point in sweep.points
        if point.error is None and None not in [values_of([point], o)[0] for o in objectives]
    ]
    drawn = _drawn(points)
    scales = {name: PlotScale(values_of(points, name)) for name in objectives} if points else {}
    axes, lines = _coordinates(sweep, objectives, drawn, scales)
    return write_page(
        "sweep.html.j2",
        has_flame=False,
        title=f"{sweep.name}: sweep",
        name=sweep.name,
        headline=headline(sweep),
        failures=failures(sweep),
        interrupted=sweep.interrupted,
        axes=axes,
        lines=lines,
        pairs=_pairs(sweep, objectives, drawn, scales) if points else [],
        left_out=len(points) - len(drawn),
        front=_front(sweep),
    )


def _drawn(points: Sequence[SweptPoint]) -> list[SweptPoint]:
    """As many points as a plot takes: the front last, so that it lies above the others."""
    front = [point for point in points if point.on_front][:MOST_DRAWN]
    others = [point for point in points if not point.on_front]
    room = MOST_DRAWN - len(front)
    if len(others) > room:
        others = [others[n * len(others) // room] for n in range(room)] if room else []
    return [*others, *front]


def _hint(sweep: SweepResult, point: SweptPoint, objectives: Sequence[str]) -> str:
    costs = [f"{name} {objective_text(name, values_of([point], name)[0])}" for name in objectives]
    return f"{settings_text(sweep, point)}: {', '.join(costs)}"


def _coordinates(
    sweep: SweepResult,
    objectives: Sequence[str],
    points: Sequence[SweptPoint],
    scales: dict[str, Any],
) -> tuple[list[PageAxis], list[PageLine]]:
    """The axes of parallel coordinates, choices first, and a line for each point."""
    names = varied(sweep)
    many = len(names) + len(objectives)
    if not points or many < 2:
        return [], []
    at = [100 * number / (many - 1) for number in range(many)]
    choices = {axis.name: list(axis.choices) for axis in sweep.axes}
    axes, places = [], {}
    for number, name in enumerate(names):
        own = choices[name]
        places[name] = {one: 100 - _spread(index, len(own)) for index, one in enumerate(own)}
        every = -(-len(own) // MOST_CHOICES)
        ticks = [PlotTick(places[name][one], _short(one)) for one in own[::every]]
        axes.append(PageAxis(name, "", at[number], ticks))
    for number, name in enumerate(objectives, len(names)):
        scale = scales[name]
        ticks = scale.ticks(partial(objective_text, name), upwards=True)
        note = "logarithmic" if scale.is_log else ""
        axes.append(PageAxis(name, TRUST.get(name, "exact"), at[number], ticks, note))
    lines = []
    for point in points:
        up = [places[name][point.settings[name]] for name in names]
        up += [100 - scales[name](values_of([point], name)[0]) for name in objectives]
        path = " ".join(f"{x:.2f},{y:.2f}" for x, y in zip(at, up, strict=True))
        lines.append(PageLine(_hint(sweep, point, objectives), point.on_front, path))
    return axes, lines


def _spread(index: int, many: int) -> float:
    return 50.0 if many == 1 else MARGIN + (100 - 2 * MARGIN) * index / (many - 1)


def _short(name: str) -> str:
    return name if len(name) <= LABEL else name[: LABEL - 1] + "…"


def _pairs(
    sweep: SweepResult,
    objectives: Sequence[str],
    points: Sequence[SweptPoint],
    scales: dict[str, Any],
) -> list[ScatterPlot]:
    """Each two objectives that vary; of few points nothing is left out."""
    hints = [_hint(sweep, point, objectives) for point in points]
    varying = [name for name in objectives if scales[name].high > scales[name].low]
    plots = []
    for across, up in combinations(varying, 2):
        x, y = scales[across], scales[up]
        marks = [
            PlotPoint(
                x(values_of([point], across)[0]),
                100 - y(values_of([point], up)[0]),
                hint,
                "s-0" if point.on_front else "s-other",
            )
            for hint, point in zip(hints, points, strict=True)
        ]
        plots.append(
            ScatterPlot(
                f"{across}-{up}",
                across,
                up,
                x.ticks(partial(objective_text, across)),
                y.ticks(partial(objective_text, up), upwards=True),
                marks,
                logarithmic=[name for name in (up, across) if scales[name].is_log],
            )
        )
    return plots


def _front(sweep: SweepResult) -> HtmlTable:
    axes = varied(sweep) or [axis.name for axis in sweep.axes][:1]
    columns = [
        *(HtmlColumn(name, numeric=False) for name in axes),
        *(HtmlColumn(name, TRUST.get(name, "exact")) for name in sweep.objectives),
    ]
    rows = [
        [
            *(text(point.settings[name]) for name in axes),
            *(
                Cell(objective_text(name, value), -1.0 if value is None else float(value))
                for name, value in ((n, values_of([point], n)[0]) for n in sweep.objectives)
            ),
        ]
        for point in sweep.front
    ]
    return cut(HtmlTable("front-table", "The front", columns, rows))
