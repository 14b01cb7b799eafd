"""Which function, operation or source line of one run is which of another.

A function that only the compiler renamed (``f.constprop.0``) is still the same one; a source line
that moved is the same when its text is known, or when its function moved as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePath
from typing import TypeVar

from simcore.comparison.names import NamedRow, may_be_one
from simcore.comparison.summary import FunctionSummary, LineSummary

#: How an operation of a network begins; behind it each runtime says something else.
_LAYER = re.compile(r"#\d+(\.\d+)? \w+")
_FURTHER = " (further)"  # of inferences behind the first
#: What compilers append to the name of a function that they made of another.
_CLONE = re.compile(r"\.(?:constprop|isra|part|cold|lto_priv|llvm)(?:\.\d{1,40})?$")
_LONGEST_CLONE = 64


Row = TypeVar("Row", bound=NamedRow)
Pair = tuple[Row | None, Row | None]


def paired(before: Sequence[Row], after: Sequence[Row]) -> list[Pair[Row]]:
    """Rows of the same symbol beside each other; what has no partner stands beside None.

    A row without a symbol, also of before names were demangled, is known by its name. Rows that
    share one pair up by path, by file, then in their order, then by what they are called. A clone
    that the compiler made pairs up with what it was made of when there is no doubt, and a layer of
    a network with that of its number and operator, whoever's kernel it calls. A name with a file
    in brackets has no partner in another file.
    """
    old, new = list(before), list(after)
    pairs: list[Pair[Row]] = []
    for key in (_name_and_path, _name_and_file, _name, _called, without_clone, _layer):
        # By the last keys several rows may be one another's clones: then each stays alone.
        unique = key in (without_clone, _layer)
        groups: dict[str, tuple[list[Row], list[Row]]] = {}
        for side, rows in enumerate((old, new)):
            for row in rows:
                groups.setdefault(key(row), ([], []))[side].append(row)
        old, new = [], []
        for first, second in groups.values():
            if not unique or max(len(first), len(second)) == 1:
                found = _in_order(first, second)
                pairs += found
                first, second = _without(first, found, 0), _without(second, found, 1)
            old += first
            new += second
    return pairs + [(row, None) for row in old] + [(None, row) for row in new]


def _in_order(first: Sequence[Row], second: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each of the first beside the next of the second that may be it."""
    left = list(second)
    found = []
    for row in first:
        at = next((at for at, other in enumerate(left) if may_be_one(row, other)), None)
        if at is not None:
            found.append((row, left.pop(at)))
    return found


def _without(rows: Sequence[Row], pairs: Sequence[tuple[Row, Row]], side: int) -> list[Row]:
    taken = {id(pair[side]) for pair in pairs}
    return [row for row in rows if id(row) not in taken]


def _name_and_path(row: NamedRow) -> str:
    return f"{_name(row)}\0{getattr(row, 'file', None) or ''}"


def _name_and_file(row: NamedRow) -> str:
    return f"{_name(row)}\0{PurePath(getattr(row, 'file', None) or '').name}"


def _name(row: NamedRow) -> str:
    caller, call = getattr(row, "caller", None), getattr(row, "call", None)
    if call is not None:  # whatever function it is of: another library's may have another name
        return f"{caller}[{call}]"
    return getattr(row, "symbol", None) or row.name


def _called(row: NamedRow) -> str:
    return _name(row) if getattr(row, "call", None) is not None else row.name


def without_clone(row: NamedRow) -> str:
    """The name of what a row is a clone or a part of, its own when it is none."""
    return unclone(_name(row))


def unclone(name: str) -> str:
    """A name without what the compiler puts behind those of clones: ``.constprop.0``."""
    end = len(name)
    while found := _CLONE.search(name, max(end - _LONGEST_CLONE, 0), end):
        end = found.start()
    return name[:end]


def _layer(row: NamedRow) -> str:
    found = _LAYER.match(row.name)
    if found is None:
        return _name(row)
    return found[0] + (_FURTHER if row.name.endswith(_FURTHER) else "")


def aligned(
    old: Sequence[LineSummary],
    new: Sequence[LineSummary],
    old_function: FunctionSummary | None,
    new_function: FunctionSummary | None,
) -> Iterator[tuple[Sequence[LineSummary], Sequence[LineSummary]]]:
    """Lines of one function beside each other, by their text or by where they are in it.

    Both are sorted by file and line. Lines that replaced others stand beside those; what was
    added or removed stands beside none.
    """
    with_text = all(row.crc is not None for row in (*old, *new))
    first = [_line_key(row, with_text, old_function) for row in old]
    second = [_line_key(row, with_text, new_function) for row in new]
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal":
            for left, right in zip(range(a, a_end), range(b, b_end), strict=True):
                yield [old[left]], [new[right]]
        else:
            yield old[a:a_end], new[b:b_end]


def _line_key(
    row: LineSummary, with_text: bool, function: FunctionSummary | None
) -> tuple[str, int | None]:
    name = PurePath(row.file).name
    if with_text:
        return name, row.crc
    inside = function is not None and function.file == row.file
    start = function.line if inside and function is not None else None
    return name, row.line - (start or 0)
