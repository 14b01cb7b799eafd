"""A search as one HTML page: its networks in two objectives, the front, and a table of it."""

from __future__ import annotations

from functools import partial
from typing import Final

from simcore.report.html.page import write_page
from simcore.report.html.plots import PlotPoint, PlotScale, ScatterPlot
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


def _chart(result: SearchResult, across: str, up: str) -> ScatterPlot:
    others = [row for row in result.rows if not row.on_front][:MOST_DRAWN]
    rows = [*others, *result.front]
    x = PlotScale([_value(row, across) for row in rows])
    y = PlotScale([_value(row, up) for row in rows])

    def point(row: FoundNetwork) -> PlotPoint:
        color = "s-0" if row.on_front else "s-other" if row.excess <= 0 else "s-1"
        return PlotPoint(x(_value(row, across)), 100 - y(_value(row, up)), _hint(row), color)

    return ScatterPlot(
        "front-plot",
        _title(across),
        _title(up),
        x.ticks(partial(_tick, across)),
        y.ticks(partial(_tick, up), upwards=True),
        [point(row) for row in result.front],
        [point(row) for row in others],
        HEIGHT,
        [_title(name) for name, scale in ((up, y), (across, x)) if scale.is_log],
    )


def _tick(name: str, value: float) -> str:
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
