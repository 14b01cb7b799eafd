"""A trend as one HTML page: a chart per metric, and what changed at each step."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.checking.trend import RunChange, TrendStep, run_changes
from simcore.report.html.page import write_page
from simcore.report.html.tables import Cell, HtmlColumn, HtmlTable, cut, text
from simcore.report.trend.charts import charts
from simcore.report.trend.text import SHOWN, causes_text, headline, moved_text, values_text
from simcore.units import relative_change


def render(steps: Sequence[TrendStep]) -> str:
    """The page; the latest change stands first in its table."""
    changes = run_changes(steps)
    drawn, still = charts(steps, changes)
    return write_page(
        "trend.html.j2",
        has_flame=False,
        title="Trend",
        headline=headline(steps),
        charts=drawn,
        still=still,
        steps=_table(steps, changes),
        unchanged=len(steps) - len({change.step for change in changes} | {0}),
    )


def _table(steps: Sequence[TrendStep], changes: Sequence[RunChange]) -> HtmlTable:
    moved = {name for change in changes for name, _, _ in change.metrics}
    shown = [name for name in SHOWN if name in moved or name == "cycles"]
    columns = [
        HtmlColumn("commit", numeric=False),
        HtmlColumn("run", numeric=False),
        *(HtmlColumn(name) for name in shown),
        HtmlColumn("functions", "modelled", "cycles, those that moved most", numeric=False),
        HtmlColumn("causes", "modelled", "cycles, those that moved most", numeric=False),
    ]
    rows = [
        [
            _commit(steps[change.step]),
            text(change.run, _status(change)),
            *(_change(change, name) for name in shown),
            text(moved_text(change)),
            text(causes_text(change)),
        ]
        for change in sorted(changes, key=lambda change: -change.step)
    ]
    return cut(HtmlTable("steps", "What changed at each step", columns, rows))


def _commit(step: TrendStep) -> Cell:
    day = (step.commit.time or "")[:10]
    return text(step.label, ", ".join(filter(None, (step.commit.subject, day))))


def _status(change: RunChange) -> str:
    return change.elsewhere or ("" if change.status == "same" else change.status)


def _change(change: RunChange, metric: str) -> Cell:
    for name, before, after in change.metrics:
        if name == metric:
            share = (after - before) / before if before else 0.0
            return Cell(
                relative_change(after - before, before),
                share,
                detail=values_text(change, metric).partition(" (")[0],
            )
    return Cell("", 0.0)
