"""Tasks of two runs beside each other: tables of the text report, of the page, and for CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simcore.comparison.comparison import Comparison
from simcore.comparison.metrics import joules
from simcore.comparison.tasks import TaskChange, TaskSummary
from simcore.plain import to_plain, written_fields
from simcore.report.html.tables import Cell, HtmlColumn, HtmlTable, cut, number, octets, text
from simcore.report.page.table import Column
from simcore.units import count, relative_change, si, signed, size

RESPONSE = "longest_response_cycles"


def task_columns(rows: Sequence[TaskChange]) -> list[Column]:
    """Columns of the text report."""
    sides = [(row.before, row.after) for row in rows]
    cycles = [_difference(row) for row in rows]
    energy = [_energy(row) for row in rows]
    return [
        Column("task", [_name(row) for row in rows]),
        Column("cycles before", [count(_of(old, "cycles")) for old, _ in sides], 4),
        Column("after", [count(_of(new, "cycles")) for _, new in sides], 4),
        Column("change", [signed(count(cycle), cycle) for cycle in cycles]),
        Column("", [_relative(row) for row in rows], 1),
        Column("stack before", [_bytes(old) for old, _ in sides], 2),
        Column("after", [_bytes(new) for _, new in sides]),
        Column("response before", [count(_of(old, RESPONSE)) for old, _ in sides], 3),
        Column("after", [count(_of(new, RESPONSE)) for _, new in sides], 3),
        Column("energy", [signed(si(one, "J"), one) for one in energy], 5),
    ]  # fmt: skip


def task_table(comparison: Comparison) -> HtmlTable:
    """The table of the page: tasks that changed."""
    rows = [row for row in comparison.tasks or () if row.is_changed]
    columns = [HtmlColumn("task", numeric=False)]
    for name, trust in (
        ("cycles", "modelled"),
        ("switches", "exact"),
        ("wait", "modelled"),
        ("response", "modelled"),
        ("stack", "exact"),
    ):
        hint = {"wait": "longest", "response": "longest"}.get(name, "")
        columns += [HtmlColumn(f"{name} before", trust, hint), HtmlColumn("after", trust, hint)]
    cells = [
        [text(row.name, "" if row.status == "same" else row.status), *_cells(row)] for row in rows
    ]
    return cut(HtmlTable("tasks", "Tasks", columns, cells))


def flat_task(row: TaskChange | None) -> dict[str, Any]:
    """A row of the CSV table; None: without values."""
    flat: dict[str, Any] = {
        "name": row and row.name,
        "status": row and row.status,
    }
    for side, one in (("before", row and row.before), ("after", row and row.after)):
        values = {} if one is None else to_plain(one)
        for field in written_fields(TaskSummary):
            if field.name != "name":
                flat[f"{side}.{field.name}"] = values.get(field.name)
    return flat


def _cells(row: TaskChange) -> list[Cell]:
    cells = []
    for field in ("cycles", "switches", "longest_wait_cycles", RESPONSE):
        cells += [number(_of(side, field)) for side in (row.before, row.after)]
    return cells + [octets(_of(side, "stack_used_bytes")) for side in (row.before, row.after)]


def _of(side: TaskSummary | None, field: str) -> int | None:
    return None if side is None else getattr(side, field)


def _name(row: TaskChange) -> str:
    return row.name if row.status == "same" else f"{row.name} ({row.status})"


def _difference(row: TaskChange) -> int:
    return (row.after.cycles if row.after else 0) - (row.before.cycles if row.before else 0)


def _energy(row: TaskChange) -> float:
    return joules(
        row.after.energy_j if row.after else 0.0, row.before.energy_j if row.before else 0.0
    )


def _relative(row: TaskChange) -> str:
    return relative_change(_difference(row), _of(row.before, "cycles"))


def _bytes(side: TaskSummary | None) -> str:
    known = _of(side, "stack_used_bytes")
    return "" if known is None else size(known)
