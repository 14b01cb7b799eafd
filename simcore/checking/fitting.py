"""A run cut down to what a baseline keeps of it: at most 30 KB, so that it can be committed.

What fits is kept whole. Else the dearest functions keep all that is known of them, further ones
their cost alone, and lines are kept for the dearest functions, each with all of its lines. Rows
that a limit names stay whatever they take.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from simcore.checking.baselines import document_lines
from simcore.checking.limits import Limit
from simcore.checking.rows import in_rows
from simcore.comparison.summary import (
    CheapFunctions,
    FunctionLines,
    FunctionSummary,
    OpSummary,
    Summary,
)
from simcore.plain import to_plain

#: Bytes of one run in the file of a baseline.
MOST_BYTES = 30_000
#: Shares of what is left, in this order: for operations, for functions with all that is known, for
#: lines. What remains then is for functions by their cost alone.
_OPERATIONS, _FUNCTIONS, _LINES = 0.4, 0.4, 0.6
_RECORD = 8  # bytes around a record: indentation, comma, line end
_FIXED = 1_000  # of keys and brackets around the lists

Row = TypeVar("Row", FunctionSummary, OpSummary)


def fitted(run: Summary, limits: Iterable[Limit] = ()) -> Summary:
    """The run in MOST_BYTES, unchanged when it fits as it is."""
    if _size(run) <= MOST_BYTES:
        return run
    limits = list(limits)
    functions_named = _named("function", limits, run)
    ops_named = _named("op", limits, run)
    room = MOST_BYTES - _FIXED - _size(replace(run, functions=(), ops=(), lines=None))
    ops, room = _dearest(run.ops, room, _OPERATIONS, lambda row: row.name in ops_named)
    full, room = _dearest(run.functions, room, _FUNCTIONS, lambda row: row.name in functions_named)
    lines, room = _whole_lines(run.lines or (), full, room)
    known = {row.name for row in full}
    cheap, out = _cheap([row for row in run.functions if row.name not in known], room)
    kept_ops = {row.name for row in ops}
    ops_out = [row.cycles for row in run.ops if row.name not in kept_ops]
    return replace(
        run,
        functions=full,
        ops=ops,
        lines=None if run.lines is None else lines,
        cheap=cheap,
        left_out_below=max(out, default=None),
        ops_left_out_below=max(ops_out, default=None),
    )


def _named(kind: str, limits: Iterable[Limit], run: Summary) -> set[str]:
    patterns = {limit.row for limit in limits if limit.kind == kind}
    return {name for pattern in patterns for name in in_rows(kind, pattern, run)}


def _size(run: Summary) -> int:
    """Bytes of a run in the file, its name left out."""
    return len(document_lines(to_plain(run), "  "))


def _bytes(record: Any) -> int:
    return len(json.dumps(to_plain(record))) + _RECORD


def _dearest(
    rows: Sequence[Row], room: int, share: float, is_named: Callable[[Row], bool]
) -> tuple[tuple[Row, ...], int]:
    """The rows that cost most, as many as fit, with those that are named; and the room left."""
    allowed, spent = room * share, 0
    chosen = set()
    is_full = False
    for row in sorted(rows, key=lambda row: (not is_named(row), -row.cycles, row.name)):
        size = _bytes(row)
        is_full = is_full or spent + size > allowed
        if is_named(row) or not is_full:
            chosen.add(row.name)
            spent += size
    return tuple(row for row in rows if row.name in chosen), room - spent


def _whole_lines(
    lines: Sequence[FunctionLines], functions: Sequence[FunctionSummary], room: int
) -> tuple[tuple[FunctionLines, ...], int]:
    """All lines of those of the functions that cost most, as far as they fit."""
    of_function: dict[str, list[FunctionLines]] = {}
    for row in lines:
        of_function.setdefault(row.function, []).append(row)
    allowed, spent = room * _LINES, 0
    chosen = set()
    for name in [row.name for row in sorted(functions, key=lambda row: -row.cycles)]:
        size = sum(map(_bytes, of_function.get(name, ())))
        if size and spent + size <= allowed:
            chosen.add(name)
            spent += size
    return tuple(row for row in lines if row.function in chosen), room - spent


def _cheap(rows: Sequence[FunctionSummary], room: int) -> tuple[CheapFunctions | None, list[int]]:
    """Functions by their cost alone, and the cycles of those for which there is no room."""
    kept: list[tuple[str, int, int, int]] = []
    spent = 0
    rows = sorted(rows, key=lambda row: (-row.cycles, row.name))
    for row in rows:
        record = row.name, row.instructions, row.cycles, round(row.energy_j * 1e15)
        spent += len(json.dumps(record)) + 4  # the separators of four lists
        if spent > room:
            break
        kept.append(record)
    columns = tuple(zip(*kept, strict=True))
    return CheapFunctions(*columns) if kept else None, [row.cycles for row in rows[len(kept) :]]
