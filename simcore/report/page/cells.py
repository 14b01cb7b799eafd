"""How many cells of a terminal a text takes: rich counts what is not one character, one cell."""

from __future__ import annotations

import re

#: ASCII and what our own reports draw with; all else is rich's to say, which takes long to import.
_single_cells = re.compile("[ -~±µ…█╭╰│├┌└┼⋮]*").fullmatch


def cell_len(text: str) -> int:
    """Cells of a line of text."""
    if _single_cells(text):
        return len(text)
    from rich import cells

    return cells.cell_len(text)


def set_cell_size(text: str, width: int) -> str:
    """The text cut or filled up with blanks to so many cells."""
    if _single_cells(text):
        return text[: max(width, 0)].ljust(width)
    from rich import cells

    return cells.set_cell_size(text, width)


def chop_cells(text: str, width: int) -> list[str]:
    """The text in pieces of at most so many cells, as long as one character fits."""
    if _single_cells(text) and width > 0:
        return [text[at : at + width] for at in range(0, len(text), width)]
    from rich import cells

    return cells.chop_cells(text, width)
