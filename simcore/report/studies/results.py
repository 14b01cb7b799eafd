"""Rows of a store of results as text: a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simcore.log_text import one_line
from simcore.report import RenderOptions
from simcore.report.page.console import Block, new_console, print_blocks, printed_text
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table
from simcore.units import NOTHING, clock, count, si, size

#: Units by the end of a column's name.
_UNITS = {"_s": "s", "_j": "J", "_w": "W"}
KEY_DIGITS = 12
#: Characters of a text that is not in the first column; CSV has all of them.
TEXT_WIDTH = 24
#: Those that leave a narrow table last, before all others.
_STAYING = ("cycles", "time_s", "energy_j", "configuration")


def render(rows: Sequence[dict[str, Any]], names: Sequence[str], options: RenderOptions) -> str:
    """Rows with these columns, as many of them as the width takes."""
    console = new_console(options)
    columns = [
        Column(
            _header(name),
            [_short(_cell(name, row[name]), number) for row in rows],
            _drop(number, name),
        )
        for number, name in enumerate(names)
    ]
    header = Text(f"{count(len(rows))} {'result' if len(rows) == 1 else 'results'}", "bold")
    note = "counts exact, cycles modelled, energy estimated"
    blocks: list[Block] = []
    if rows:
        blocks.append(("Results", note, build_table(columns, options.width)))
    print_blocks(console, header, blocks)
    return printed_text(console, options)


def _short(text: str, number: int) -> str:
    return text if number == 0 or len(text) <= TEXT_WIDTH else f"{text[: TEXT_WIDTH - 1]}…"


def _drop(number: int, name: str) -> int:
    """When a column leaves, the highest first."""
    if name in _STAYING:
        return len(_STAYING) - _STAYING.index(name)
    return len(_STAYING) + number


def _header(name: str) -> str:
    for end in ("_s", "_j", "_w", "_hz", "_bytes"):
        if name.endswith(end):
            return name.removesuffix(end).replace("_", " ")
    return name.replace("_", " ")


def _cell(name: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if name == "key":
        return str(value)[:KEY_DIGITS]
    if name == "clock_hz":
        return clock(value)
    if name.endswith("_bytes"):
        return size(value)
    for end, unit in _UNITS.items():
        if name.endswith(end):
            return si(value, unit)
    return count(value) if isinstance(value, int) else one_line(str(value))
