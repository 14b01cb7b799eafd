"""Rows as CSV (RFC 4180, a header row, LF line ends).

Nested tables become dotted columns: ``cycles_by_cause.load``, ``traffic.flash.read_bytes``.
Columns are the same in every row; a value that does not exist is empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any


def table_text(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """Rows of plain values as CSV; ``names`` are the columns of a table without rows."""
    flat = [_flatten(row) for row in rows]
    # A dict keeps the order of first appearance; an empty table still says what it would hold.
    keys = (key for row in flat for key in row) if flat else names
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(keys)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flatten(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        elif not isinstance(value, list):  # a table inside a row has no place in a table
            flat[prefix + key] = value
    return flat
