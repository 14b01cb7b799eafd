"""Tables that fit any width: columns leave in a given order, then the names are shortened."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from simcore.records import dataclass
from simcore.report.page.cells import cell_len, set_cell_size
from simcore.report.page.names import fitted, fitted_places
from simcore.report.page.styled import GAP, TableColumn, TextTable

NAME_MINIMUM = 10


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ready texts. The highest ``drop`` leaves first; 0 stays at any width.

    ``places`` are source lines, which keep file and line whatever the width; of the first column.
    """

    header: str
    cells: Sequence[str]
    drop: int = 0
    style: str = ""
    places: bool = False

    @property
    def width(self) -> int:
        return max(map(cell_len, (self.header, *self.cells)))


def build_table(
    columns: Sequence[Column], width: int, ellipsis: str = "…", faint: Collection[int] = ()
) -> TextTable:
    """A table of at most ``width`` cells as long as its columns that may not leave allow it.

    Rows whose numbers are in ``faint`` are grey.

    The first column holds names, stands left and is shortened when no column can leave any more,
    no two names to the same; the others are numbers. Places go on in the next line before they lose
    what they are.
    """
    kept = list(columns)
    least = NAME_MINIMUM
    if kept[0].places:
        least = max(least, *map(cell_len, fitted_places(kept[0].cells, 0, ellipsis)), 0)
    while True:
        others = sum(column.width + GAP for column in kept[1:])
        droppable = [column for column in kept[1:] if column.drop]
        if kept[0].width + others <= width or not droppable:
            break
        # A long name alone is no reason to lose a column, as long as enough of it can be read.
        if max(least, min(kept[0].width, width * 2 // 5)) + others <= width:
            break
        kept.remove(max(droppable, key=lambda column: column.drop))
    name_width = max(min(kept[0].width, width - others), min(kept[0].width, NAME_MINIMUM))
    table = TextTable()
    for column in kept:
        name = column is kept[0]
        table.columns.append(
            TableColumn(
                column.header,
                justify="left" if name else "right",
                style=column.style,
                width=name_width if name else column.width,
                fold=name and column.places,
            )
        )
    shorten = fitted_places if kept[0].places else fitted
    names = shorten(kept[0].cells, name_width, ellipsis)
    rows = zip(names, *(column.cells for column in kept[1:]), strict=True)
    for number, row in enumerate(rows):
        table.rows.append((row, "dim" if number in faint else ""))
    return table


def cut_text(text: str, width: int, ellipsis: str = "…") -> str:
    """The text, or as much of it as fits before the ellipsis."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ellipsis
