"""A trend as a table of the steps at which something changed, the latest first."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.checking.trend import RunChange, TrendStep, run_changes
from simcore.comparison.metrics import find_metric
from simcore.report import RenderOptions
from simcore.report.page.console import new_console, printed_text
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table, cut_text
from simcore.units import amount, count, relative_change, signed

#: What the table shows of each change.
SHOWN = ("cycles", "energy", "stack", "load")
MOSTLY = 40  # columns for what moved


def render(steps: Sequence[TrendStep], options: RenderOptions) -> str:
    """A row for each run that changed at a step, and what moved."""
    console = new_console(options)
    console.print(Text(headline(steps), "bold"))
    rows = sorted(run_changes(steps), key=lambda change: -change.step)
    if not rows:
        console.print("Nothing changed.")
        return printed_text(console, options)
    columns = [
        Column("commit", [steps[row.step].label for row in rows]),
        Column("run", [row.run for row in rows]),
        Column("cycles", [change_text(row, "cycles") for row in rows]),
        Column("mostly", [cut_text(moved_text(row), MOSTLY, "~") for row in rows], 1),
        *(
            Column(name, [change_text(row, name) for row in rows], 2 + number)
            for number, name in enumerate(SHOWN)
            if name != "cycles"
        ),
    ]
    console.print()
    console.print(build_table(columns, options.width))
    return printed_text(console, options)


def headline(steps: Sequence[TrendStep]) -> str:
    """How many runs and commits there are, from which to which."""
    runs = {name for step in steps for name in step.runs}
    what = f"{len(runs)} run{'s' * (len(runs) != 1)}"
    if len(steps) == 1:
        return f"{what} at {steps[0].label}"
    return f"{what} over {len(steps)} checks, {steps[0].label} to {steps[-1].label}"


def change_text(row: RunChange, metric: str) -> str:
    """The relative change of a metric; added or removed, or the other part, in place of cycles."""
    if metric == "cycles" and (row.status != "same" or row.elsewhere):
        return row.status if row.status != "same" else "another part or clock"
    found = [(before, after) for name, before, after in row.metrics if name == metric]
    return relative_change(found[0][1] - found[0][0], found[0][0]) if found else ""


def moved_text(row: RunChange) -> str:
    """The functions that changed most, in cycles; without any what a report told."""
    moved = [f"{name} {signed(count(cycles), cycles)}" for name, cycles in row.functions]
    return ", ".join(moved or row.told)


def causes_text(row: RunChange) -> str:
    """The causes that changed most, in cycles."""
    parts = [(cause.replace("_", " "), cycles) for cause, cycles in row.causes]
    return ", ".join(f"{cause} {signed(count(cycles), cycles)}" for cause, cycles in parts)


def values_text(row: RunChange, metric: str) -> str:
    """A metric before and after: 1,234 to 1,250 (+1.30 %); empty when it did not change."""
    unit = find_metric(metric).unit
    for name, before, after in row.metrics:
        if name == metric:
            change = relative_change(after - before, before)
            return f"{amount(before, unit)} to {amount(after, unit)} ({change})"
    return ""
