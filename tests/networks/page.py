"""The table of docs/model/operators.md: operator by type, made of what the comparison found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tests.networks.comparison import Compared

COLUMNS = ("int8", "int16", "float32")
MARK = "<!-- made by tests/networks/test_operators.py -->"
END = "<!-- end -->"


def page_with(page: str, compared: Sequence[Compared]) -> str:
    """The page with its tables made anew."""
    parts = re.split(f"(?<={re.escape(MARK)}\n).*?(?={re.escape(END)})", page, flags=re.DOTALL)
    assert len(parts) == 3, f"docs/model/operators.md has {len(parts) - 1} tables, not 2"
    return parts[0] + _status(compared) + parts[1] + _refusals(compared) + parts[2]


def _status(compared: Sequence[Compared]) -> str:
    kinds = sorted({one.example.kind for one in compared} - {"HALVES", "HYBRID"})
    lines = [
        "",
        f"| operator | {' | '.join(COLUMNS)} | other | cases |",
        "|---|---|---|---|---|--:|",
    ]
    for kind in kinds:
        of_kind = [one for one in compared if one.example.kind == kind]
        cells = [_cell([one for one in of_kind if one.example.type == type_]) for type_ in COLUMNS]
        others = sorted({one.example.type for one in of_kind} - set(COLUMNS))
        rest = [
            (type_, _cell([one for one in of_kind if one.example.type == type_]))
            for type_ in others
        ]
        cells.append(", ".join(f"{type_}: {cell}" for type_, cell in rest) or "-")
        lines.append(f"| {kind} | {' | '.join(cells)} | {len(of_kind):,} |")
    return "\n".join(lines) + "\n\n"


def _cell(compared: Sequence[Compared]) -> str:
    ran = [one for one in compared if one.refused_here is None]
    if not compared:
        return "-"
    if not ran:
        return "refused"
    word = "within bound" if any(one.example.bound for one in ran) else "exact"
    fast = sum(one.is_optimised for one in ran)
    if fast == len(ran):
        word += ", optimised"
    elif fast:
        word += ", partly optimised"
    return word + ("; some refused" if len(ran) < len(compared) else "")


def _refusals(compared: Sequence[Compared]) -> str:
    lines = ["", "| operator | type | here | TFLM |", "|---|---|---|---|"]
    for kind, type_, here, there in _distinct(compared):
        lines.append(f"| {kind} | {type_} | {here} | {there} |")
    return "\n".join(lines) + "\n\n"


def _distinct(compared: Iterable[Compared]) -> list[tuple[str, str, str, str]]:
    rows = set()
    for one in compared:
        if one.refused_here is not None:
            here = re.sub(r"^layer \d+ \(\w+ '\w+'\): ", "", one.refused_here).replace("|", "/")
            there = one.refused_there or "runs it"
            kind = one.example.model.main.operators[0].kind
            rows.add((kind, one.example.type, here, there.strip().replace("|", "/")))
    return sorted(rows)
