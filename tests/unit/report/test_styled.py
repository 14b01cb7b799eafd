"""Lines of text reports break, and are cut, where rich would; rich is asked for random texts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import rich.table
import rich.text
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from simcore.report.page import cells
from simcore.report.page.styled import Pieces, Stacked, TableColumn, Text, TextTable

TEXTS = st.text(alphabet="ab cd  \n…█µé漢\t.", max_size=150)
WIDTHS = st.integers(min_value=20, max_value=50)


def by_rich(body: rich.text.Text | rich.table.Table, width: int, **how: Any) -> list[str]:
    """Lines without blanks at their ends, as rich prints them where there is no colour."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, legacy_windows=False, _environ={})
    console.print(body, highlight=False, markup=False, emoji=False, **how)
    return [line.rstrip() for line in file.getvalue().split("\n")[:-1]]


def plain(lines: Sequence[Pieces]) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


@given(TEXTS, WIDTHS)
@settings(max_examples=80)
def test_texts_break_where_rich_breaks_them(text: str, width: int) -> None:
    assert plain([*Text(text).lines(width)]) == by_rich(rich.text.Text(text), width)
    cut = by_rich(rich.text.Text(text), width, no_wrap=True)
    assert plain([*Text(text, no_wrap=True).lines(width)]) == cut
    whole = by_rich(rich.text.Text(text), width, soft_wrap=True)
    assert plain([*Text(text, overflow="ignore").lines(width)]) == whole


@given(TEXTS, WIDTHS, st.data())
@settings(max_examples=50)
def test_styles_stay_with_their_characters(text: str, width: int, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.integers(0, len(text)), max_size=4).map(sorted))
    cut = Text()
    for number, (start, end) in enumerate(zip([0, *pieces], [*pieces, len(text)], strict=True)):
        cut.append(text[start:end], str(number))
    lines = [*cut.lines(width)]
    assert plain(lines) == plain([*Text(text).lines(width)])
    by_style = {style: "" for line in lines for _, style in line}
    for line in lines:
        for piece, style in line:
            by_style[style] += "".join(piece.split())
    written = {style: "".join(piece.split()) for piece, style in cut.pieces}
    assert by_style == written


CELLS = st.text(alphabet="ab cd…█漢.", max_size=30)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=3), WIDTHS, st.booleans())
@settings(max_examples=80)
def test_tables_are_cut_where_rich_cuts_them(
    rows: list[tuple[str, str, str]], width: int, header: bool
) -> None:
    ours = TextTable(show_header=header, rows=[(row, "") for row in rows])
    theirs = rich.table.Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=header)
    for number, name in enumerate(("first", "second", "third")):
        own = max(cells.cell_len(cell) for cell in (name, *(row[number] for row in rows)))
        justify, fold = "left" if number == 0 else "right", number == 0
        ours.columns.append(TableColumn(name, justify, "", own, fold))  # type: ignore[arg-type]
        theirs.add_column(
            name,
            justify=justify,  # type: ignore[arg-type]
            width=own,
            no_wrap=not fold,
            overflow="fold" if fold else "ellipsis",
        )
    for row in rows:
        theirs.add_row(*map(rich.text.Text, row))
    lines = plain([*ours.lines(width)])
    if sum((column.width or 0) + 2 for column in ours.columns) - 2 <= width:
        assert lines == by_rich(theirs, width)
    elif "漢" not in str(rows):  # the last resort, all columns evenly, where rich is a cell off
        assert max(map(cells.cell_len, lines)) <= width


def test_a_column_without_a_width_goes_on_in_the_next_line() -> None:
    table = TextTable([TableColumn(), TableColumn(fold=True)], show_header=False)
    table.rows = [(("fetch", "waits for instructions"), ""), (("load", "waits"), "")]
    assert plain([*table.lines(40)]) == ["fetch  waits for instructions", "load   waits"]
    assert plain([*table.lines(20)]) == [
        "fetch  waits for", "       instructions", "load   waits",
    ]  # fmt: skip
    assert plain([*Stacked("head", table, "").lines(40)])[::4] == ["head"]


@given(st.text(max_size=20), WIDTHS)
@settings(max_examples=50)
def test_cells_are_counted_as_rich_counts_them(text: str, width: int) -> None:
    from rich import cells as theirs

    assert cells.cell_len(text) == theirs.cell_len(text)
    assert cells.set_cell_size(text, width) == theirs.set_cell_size(text, width)
    if width > 1:
        assert cells.chop_cells(text, width) == theirs.chop_cells(text, width)
