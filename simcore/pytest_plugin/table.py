"""The table at the end of a pytest session, and what is to be told below it."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.checking.results import MetricValue
from simcore.report import RenderOptions
from simcore.report.page.console import Code, new_console, printed_text
from simcore.report.page.table import Column, build_table
from simcore.units import amount, relative_change

#: Name, part and values of a run.
Row = tuple[str, str, Sequence[MetricValue]]


def sessions_table(
    rows: Sequence[Row],
    metrics: Sequence[str],
    notes: Sequence[str],
    compares: bool,
    width: int,
) -> str:
    """The text, empty when there is nothing to tell."""
    if not rows and not notes:
        return ""
    options = RenderOptions(width=width)
    console = new_console(options)
    if rows:
        columns = [Column("test", [_tail(name, width // 2) for name, _, _ in rows])]
        for number, metric in enumerate(metrics):
            values = [next(v for v in row[2] if v.name == metric) for row in rows]
            columns.append(Column(metric, [amount(v.after, v.unit) for v in values], 2 * number))
            if compares:
                changes = [
                    "N/A" if v.before is None else relative_change(v.difference, v.before)
                    for v in values
                ]
                columns.append(Column("change", changes, 2 * number + 1 if number else 0))
        columns.append(Column("part", [part for _, part, _ in rows], 2 * len(metrics)))
        console.print(build_table(columns, width, "~"))
    for note in notes:
        console.print(Code(note))
    return printed_text(console, options)


def _tail(name: str, most: int) -> str:
    """The end of a long node id: it tells the test."""
    return name if len(name) <= most else f"~{name[-most + 1 :]}"
