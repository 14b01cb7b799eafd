"""The table of inlined functions in the text report."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.report.inlined import InlinedRow
from simcore.report.page.table import Column
from simcore.units import count, percent


def inlined_columns(rows: Sequence[InlinedRow]) -> list[Column]:
    """The columns of the table."""
    return [
        Column("function", [row.name for row in rows]),
        Column("inlined into", [row.into for row in rows], 3),
        Column("places", [count(row.places) for row in rows], 4),
        Column("instructions", [count(row.instructions) for row in rows], 2),
        Column("cycles", [count(row.cycles) for row in rows]),
        Column("share", [percent(row.cycles, row.whole) for row in rows], 1),
    ]
