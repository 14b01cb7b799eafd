"""What text reports are made of, and how it becomes lines: texts, tables, and one below the other.

Lines are the same with and without colour. They break and are cut where rich breaks and cuts them,
which tests/unit/report/test_styled.py compares: to import rich and to print a profile with it takes
a seventh of a short run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self, TypeAlias

from simcore.report.page.cells import cell_len, chop_cells, set_cell_size

#: Texts with their styles, words as in "bold red".
Pieces: TypeAlias = "list[tuple[str, str]]"

TAB = 8
GAP = 2  # blanks between two columns
_words = re.compile(r"\s*\S+\s*").finditer
_UNSHOWN = dict.fromkeys((7, 8, 11, 12, 13))  # control characters that move the cursor


class Text:
    """Pieces of text with a style of each; lines that are too long go on in the next, at a blank.

    With ``no_wrap`` they are cut instead, or, when ``overflow`` is to be ignored, stay as they are.
    """

    def __init__(
        self,
        text: str = "",
        style: str = "",
        *,
        no_wrap: bool = False,
        overflow: Literal["fold", "ignore"] = "fold",
    ) -> None:
        self.pieces: Pieces = []
        self.no_wrap = no_wrap
        self.overflow = overflow
        self.append(text, style)

    @classmethod
    def assemble(cls, *parts: str | tuple[str, str]) -> Self:
        """A text of texts and of pairs of a text and its style."""
        made = cls()
        for part in parts:
            made.append(*((part,) if isinstance(part, str) else part))
        return made

    def append(self, text: str, style: str = "") -> Self:
        """Add a piece; the text itself."""
        if text:
            self.pieces.append((text.translate(_UNSHOWN), style))
        return self

    def append_text(self, text: Text) -> Self:
        """Add the pieces of another text; the text itself."""
        self.pieces += text.pieces
        return self

    def rstrip(self) -> None:
        """Take the blanks at the end away."""
        while self.pieces:
            text, style = self.pieces.pop()
            if kept := text.rstrip():
                self.pieces.append((kept, style))
                return

    @property
    def plain(self) -> str:
        """The text without its styles."""
        return "".join(text for text, _ in self.pieces)

    def lines(self, width: int) -> Iterator[Pieces]:
        """The lines, as wide as is allowed."""
        for line in _split_lines(self.pieces):
            text = "".join(piece for piece, _ in line)
            if self.overflow == "ignore" or cell_len(text) <= width:
                yield line
            elif self.no_wrap:
                yield from _divided(line, [len(set_cell_size(text, width))])[:1]
            else:
                yield from _divided(line, _breaks(text, width))


@dataclass(slots=True)
class TableColumn:
    """A column as it is printed. Without a width it is as wide as its cells; ``fold``: what is too
    long goes on in the next line, else it is cut."""

    header: str = ""
    justify: Literal["left", "right"] = "left"
    style: str = ""
    width: int | None = None
    fold: bool = False


@dataclass(slots=True)
class TextTable:
    """Columns with a gap between them, and rows of as many texts, each with a style."""

    columns: list[TableColumn] = field(default_factory=list)
    rows: list[tuple[Sequence[str], str]] = field(default_factory=list)
    show_header: bool = True

    def lines(self, width: int) -> Iterator[Pieces]:
        """The lines of header and rows."""
        widths = self._widths(width)
        if self.show_header:
            headers = [TableColumn(column.header, column.justify) for column in self.columns]
            yield from _row_lines(headers, [column.header for column in headers], "dim", widths)
        for cells, style in self.rows:
            yield from _row_lines(self.columns, cells, style, widths)

    def _widths(self, width: int) -> list[tuple[int, int]]:
        """Widths of the columns, and of the gaps behind them.

        What is too wide is taken from a column that has no width and goes on in the next line, then
        from all evenly.
        """
        last = len(self.columns) - 1
        gaps = [GAP if number < last else 0 for number in range(last + 1)]
        widths = []
        for number, column in enumerate(self.columns):
            own = column.width
            if own is None:
                cells = (line for row, _ in self.rows for line in row[number].split("\n"))
                own = max(map(cell_len, cells), default=0)
            widths.append(own + gaps[number])
        for number, column in enumerate(self.columns):
            if column.fold and column.width is None:
                widths[number] = max(widths[number] - max(sum(widths) - width, 0), 0)
        left, columns = max(sum(widths) - width, 0), len([own for own in widths if own])
        for number, own in enumerate(widths):
            if own:
                less = min(own, round(left / columns))
                widths[number], left, columns = own - less, left - less, columns - 1
        return [(max(own - gap, 0), min(own, gap)) for own, gap in zip(widths, gaps, strict=True)]


class Stacked:
    """Parts, one below the other."""

    def __init__(self, *parts: Printed) -> None:
        self.parts = parts

    def lines(self, width: int) -> Iterator[Pieces]:
        """The lines of all parts."""
        for part in self.parts:
            yield from (Text(part) if isinstance(part, str) else part).lines(width)


Printed: TypeAlias = "str | Text | TextTable | Stacked"


def _split_lines(pieces: Pieces) -> Iterator[Pieces]:
    """Lines as they were written, tabs as blanks."""
    line: Pieces = []
    for text, style in pieces:
        first, *others = text.split("\n")
        line.append((first, style))
        for other in others:
            yield _untabbed(line)
            line = [(other, style)]
    yield _untabbed(line)


def _untabbed(line: Pieces) -> Pieces:
    if not any("\t" in text for text, _ in line):
        return line
    result, at = [], 0
    for text, style in line:
        shown, *parts = text.split("\t")
        for part in parts:
            shown += " " * (TAB - (at + cell_len(shown)) % TAB) + part
        at += cell_len(shown)
        result.append((shown, style))
    return result


def _breaks(text: str, width: int) -> list[int]:
    """Where a line is broken: before the word that does not fit, or in one that fits on no line."""
    found, used = [], 0
    for match in _words(text):
        start, word = match.start(), match.group()
        least = cell_len(word.rstrip())
        if used + least <= width:
            used += cell_len(word)
        elif least > width:
            for piece in chop_cells(word, width):
                if start:
                    found.append(start)
                start += len(piece)
                used = cell_len(piece)
        elif used and start:
            found.append(start)
            used = cell_len(word)
    return found


def _divided(line: Pieces, offsets: Sequence[int]) -> list[Pieces]:
    """A line cut at characters."""
    result: list[Pieces] = [[]]
    at, left = 0, list(offsets)
    for text, style in line:
        while left and left[0] <= at + len(text):
            cut = left.pop(0) - at
            result[-1].append((text[:cut], style))
            text, at = text[cut:], at + cut
            result.append([])
        result[-1].append((text, style))
        at += len(text)
    return result


def _row_lines(
    columns: Sequence[TableColumn],
    cells: Sequence[str],
    style: str,
    widths: Sequence[tuple[int, int]],
) -> Iterator[Pieces]:
    """The lines of a row: as many as its longest cell has."""
    texts = [
        _cell_lines(column, cell, width)
        for column, cell, (width, _) in zip(columns, cells, widths, strict=True)
    ]
    for number in range(max(map(len, texts), default=0)):
        line: Pieces = []
        for column, lines, (width, gap) in zip(columns, texts, widths, strict=True):
            shown = lines[number] if number < len(lines) else ""
            blanks = " " * (width - cell_len(shown))
            padded = blanks + shown if column.justify == "right" else shown + blanks
            line += [(padded, f"{style} {column.style}".strip()), (" " * gap, "")]
        yield line[:-1]


def _cell_lines(column: TableColumn, text: str, width: int) -> list[str]:
    text = text.translate(_UNSHOWN)
    if column.justify == "right":
        text = "\n".join(line.rstrip() for line in text.split("\n"))
    if cell_len(text) <= width and "\n" not in text:
        return [text]
    if column.fold:
        lines = Text(text).lines(max(width, 1))
        return ["".join(piece for piece, _ in line).rstrip() for line in lines]
    return [
        line if cell_len(line) <= width else (set_cell_size(line, width - 1) + "…")[: max(width, 0)]
        for line in text.split("\n")
    ]
