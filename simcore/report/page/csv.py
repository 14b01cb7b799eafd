"""Rows as CSV (RFC 4180, a header row, LF line ends).

Nested tables become dotted columns: ``cycles_by_cause.load``, ``traffic.flash.read_bytes``.
Columns are the same in every row; a value that does not exist is empty. A text that a spreadsheet
would take for a formula has a ``'`` in front of it, as OWASP advises ("CSV Injection"): names are
the choice of whoever wrote the program.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_text(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """Rows of plain values as CSV; ``names`` are the columns of a table without rows."""
    flat = [{key: cell(value) for key, value in _flatten(row).items()} for row in rows]
    # A dict keeps the order of first appearance; an empty table still says what it would hold.
    keys = (key for row in flat for key in row) if flat else names
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(keys)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def cell(value: Any) -> Any:
    """A value as a spreadsheet may read it: numbers stay, no text begins as a formula does."""
    if not isinstance(value, str):
        return value
    text = f"'{value}" if value.startswith(_FORMULA) else value
    return text.replace("\r", "\\r")  # Python's writer quotes none, and a reader begins a row


def _flatten(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        elif not isinstance(value, list):  # a table inside a row has no place in a table
            flat[prefix + key] = value
    return flat
