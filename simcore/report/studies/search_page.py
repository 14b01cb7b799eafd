"""A search as one HTML page: its networks in two objectives, the front, and a table of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Final

from simcore.report.html.page import write_page
from simcore.report.html.tables import (
    ESTIMATED,
    EXACT,
    Cell,
    HtmlColumn,
    HtmlTable,
    cut,
    text,
)
from simcore.report.studies.search import headline, notes, score_text
from simcore.search.results import FoundNetwork, SearchResult
from simcore.search.spec import FIGURES, SCORE
from simcore.units import amount, count, si, size

HEIGHT: Final = 340  # px of the plot
MOST_DRAWN: Final = 2000  # networks beside the front
_TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class FrontTick:
    """A line of the grid, per cent from the left or from the upper edge."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A network; ``color`` says whether it is on the front, within the limits, or over them."""

    x: float
    y: float
    hint: str
    color: str


@dataclass(frozen=True, slots=True)
class FrontChart:
    """Networks by two figures, per cent from the upper left."""

    x_title: str
    y_title: str
    x_ticks: Sequence[FrontTick]
    y_ticks: Sequence[FrontTick]
    points: Sequence[FrontPoint]
    told: Sequence[FrontPoint]
    height: int = HEIGHT


def render(result: SearchResult) -> str:
    """The page."""
    across, up = _axes(result)
    return write_page(
        "search.html.j2",
        has_flame=False,
        title="Search",
        headline=headline(result),
        notes=notes(result),
        chart=_chart(result, across, up),
        front=_table(result),
    )


def _axes(result: SearchResult) -> tuple[str, str]:
    """The figures of the two axes: a cost from left to right, the score upwards where it is one."""
    costs = [name for name in result.objectives if name != SCORE] or ["latency"]
    up = SCORE if SCORE in result.objectives or len(costs) < 2 else costs[1]
    return costs[0], up


def _value(row: FoundNetwork, name: str) -> float:
    return row.score if name == SCORE else float(getattr(row, FIGURES[name][0]))


def _chart(result: SearchResult, across: str, up: str) -> FrontChart:
    others = [row for row in result.rows if not row.on_front][:MOST_DRAWN]
    rows = [*others, *result.front]
    x_low, x_high, x_step = _scale([_value(row, across) for row in rows])
    y_low, y_high, y_step = _scale([_value(row, up) for row in rows])

    def point(row: FoundNetwork) -> FrontPoint:
        x = 100 * (_value(row, across) - x_low) / (x_high - x_low)
        y = 100 - 100 * (_value(row, up) - y_low) / (y_high - y_low)
        color = "s-0" if row.on_front else "s-other" if row.excess <= 0 else "s-1"
        return FrontPoint(x, y, _hint(row), color)

    points = [point(row) for row in others]
    return FrontChart(
        _title(across),
        _title(up),
        [
            FrontTick(100 * (one - x_low) / (x_high - x_low), _tick(one, across))
            for one in _steps(x_low, x_high, x_step)
        ],
        [
            FrontTick(100 - 100 * (one - y_low) / (y_high - y_low), _tick(one, up))
            for one in _steps(y_low, y_high, y_step)
        ],
        points,
        [point(row) for row in result.front],
    )


def _scale(values: Sequence[float]) -> tuple[float, float, float]:
    """Ends of an axis and the step of its ticks, 1, 2 or 5 times a power of ten."""
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / _TICKS))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= span / _TICKS * (1 - 1e-9))
    first, last = floor(low / step), -floor(-high / step)
    return first * step, max(last, first + 1) * step, step


def _steps(low: float, high: float, step: float) -> list[float]:
    return [low + number * step for number in range(round((high - low) / step) + 1)]


def _tick(value: float, name: str) -> str:
    if name == SCORE:
        return f"{value:,.6g}"
    return amount(value, FIGURES[name][1]) if value else "0"


def _title(name: str) -> str:
    return name.replace("_", " ")


def _hint(row: FoundNetwork) -> str:
    where = "" if row.excess <= 0 else f", {100 * row.excess:.0f} % over a limit"
    return (
        f"{row.network}: score {score_text(row)}, {si(row.time_s, 's')}, {si(row.energy_j, 'J')},"
        f" flash {size(row.flash_bytes)}, activations {size(row.peak_activation_bytes)}{where}"
    )


def _table(result: SearchResult) -> HtmlTable:
    columns = [
        HtmlColumn("network", numeric=False),
        HtmlColumn("score"),
        HtmlColumn("latency", ESTIMATED),
        HtmlColumn("energy", ESTIMATED),
        HtmlColumn("flash", ESTIMATED),
        HtmlColumn("peak activations", EXACT),
        HtmlColumn("MACs", EXACT),
        HtmlColumn("parameters", EXACT),
    ]
    rows = [
        [
            text(row.network),
            Cell(score_text(row), row.score),
            Cell(si(row.time_s, "s"), row.time_s),
            Cell(si(row.energy_j, "J"), row.energy_j),
            Cell(size(row.flash_bytes), row.flash_bytes),
            Cell(size(row.peak_activation_bytes), row.peak_activation_bytes),
            Cell(count(row.macs), row.macs),
            Cell(count(row.parameters), row.parameters),
        ]
        for row in result.front
    ]
    return cut(HtmlTable("front", "Pareto front", columns, rows))
