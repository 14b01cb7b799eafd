"""Tables of an HTML report as plain data: columns that say what they hold, cells that sort."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from simcore.units import NOTHING, count, half_width, percent, si, size

EXACT, MODELLED, ESTIMATED = "exact", "modelled", "estimated"
Row = TypeVar("Row")
MOST_ROWS = 1000  # of one table: what a reader can still use and a browser lays out at once
LOW_SHARE = 0.001  # of the whole: rows below it are folded
NAME_WIDTH = 36  # characters of names that a table keeps in one line however wide it is
ALWAYS_SHOWN, FEW_FOLDED = 8, 3  # rows that are never folded; fewer than so many are not worth it


@dataclass(frozen=True, slots=True)
class HtmlColumn:
    """A heading; ``trust`` is exact, modelled, estimated or nothing, ``hint`` explains."""

    name: str
    trust: str = ""
    hint: str = ""
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a row. ``bar`` is a share of 1 to draw; ``parts`` are several, by cause.

    ``url`` is where the detail leads, or the text when there is none. ``whole`` and ``whole_sort``
    are text and key when the time asleep is counted, too.
    """

    text: str
    sort: float | None = None  # None: by the text
    detail: str = ""  # smaller, behind the text
    bar: float | None = None
    parts: tuple[tuple[str, float], ...] | None = None
    change: float | None = None  # to draw from the middle: above 0 is dearer, 1 the largest
    target: str = ""  # id of the element that the text leads to
    swatch: str = ""  # class of the colour that stands for it in figures, or of its bar
    url: str = ""
    whole: str = ""
    whole_sort: float | None = None
    bar_asleep: float = 0.0


@dataclass(frozen=True, slots=True)
class HtmlTable:
    """A table; ``left_out`` says how many rows found no room."""

    name: str  # id, unique on the page
    caption: str
    columns: Sequence[HtmlColumn]
    rows: Sequence[Sequence[Cell]]
    sorted_by: int | None = None  # column that the rows fall by
    left_out: int = 0
    foot: Sequence[Cell] = field(default=())
    faint: Collection[int] = ()  # numbers of the rows that are grey
    low: Collection[int] = ()  # of those that are folded
    low_note: str = ""  # what is said of them, behind their count
    asleep: Collection[int] = ()  # of those that are there when the time asleep is counted
    told: Sequence[str] = ()  # what each row means, in plain words
    scale: float = 1.0  # of bars when the time asleep is counted

    @property
    def name_width(self) -> int:
        """Characters that the names want before they go on in the next line."""
        names = (len(row[0].text) + len(row[0].detail) for row in self.rows)
        return min(max(names, default=0) + 2, NAME_WIDTH)


def cut(table: HtmlTable, most: int = MOST_ROWS) -> HtmlTable:
    """The table without the rows behind the first ``most``."""
    return replace(table, rows=table.rows[:most], left_out=max(0, len(table.rows) - most))


def folded(
    table: HtmlTable, shares: Sequence[float], note: str = "", least: float = LOW_SHARE
) -> HtmlTable:
    """The table with its rows of less than ``least`` folded; ``shares`` are those of the rows."""
    rows = range(ALWAYS_SHOWN, len(table.rows))
    low = frozenset(row for row in rows if abs(shares[row]) < least)
    if len(low) < FEW_FOLDED:
        return table
    return replace(table, low=low, low_note=f"below {percent(least)}{note}")


#: A column with what stands in it of a row.
Filled = tuple[HtmlColumn, Callable[[Row], Cell]]


def filled(
    name: str,
    caption: str,
    rows: Sequence[Row],
    columns: Sequence[Filled[Row]],
    sorted_by: int | None = None,
    foot: Sequence[Cell] = (),
) -> HtmlTable:
    """The table of the first MOST_ROWS of ``rows``; other arguments as in Table."""
    cells = [[cell(row) for _, cell in columns] for row in rows[:MOST_ROWS]]
    left_out = max(0, len(rows) - MOST_ROWS)
    headings = [heading for heading, _ in columns]
    return HtmlTable(name, caption, headings, cells, sorted_by, left_out, foot)


def words(name: str) -> str:
    """A field's name as people write it: load use."""
    return name.replace("_", " ")


# -- cells -----------------------------------------------------------------------------------------


def text(
    value: str | None, detail: str = "", target: str = "", swatch: str = "", url: str = ""
) -> Cell:
    return Cell(value or "", detail=detail, target=target, swatch=swatch, url=url)


def number(value: int | None) -> Cell:
    return Cell(count(value), _key(value))


def quantity(value: float | None, unit: str, detail: str = "") -> Cell:
    return Cell(si(value, unit), _key(value), detail)


def rate(value: float | None, digits: int = 2) -> Cell:
    return Cell(NOTHING if value is None else f"{value:,.{digits}f}", _key(value))


def share(part: float | None, whole: float = 1, digits: int = 1) -> Cell:
    value = None if part is None or not whole else part / whole
    return Cell(percent(value, digits=digits), _key(value))


def counted_awake(cycles: int, asleep: int, *, sleeps: bool) -> Cell:
    """Cycles without those asleep; of a run that ``sleeps`` also with them, for the switch."""
    awake = cycles - asleep
    if not sleeps:
        return number(awake)
    return Cell(count(awake), float(awake), whole=count(cycles), whole_sort=float(cycles))


def share_awake(cycles: int, asleep: int, whole: int, whole_asleep: int) -> Cell:
    """A share of the cycles awake; of a run that sleeps also that of all, for the switch."""
    found = share(cycles - asleep, whole - whole_asleep)
    if not whole_asleep:
        return found
    other = share(cycles, whole)
    return replace(found, whole=other.text, whole_sort=other.sort)


def octets(value: int | None) -> Cell:
    return Cell(size(value), _key(value))


def bar(part: float | None, longest: float, color: str = "", asleep: float = 0.0) -> Cell:
    """Nothing but a bar, as long as ``part`` of the longest one; ``color`` is a class.

    ``asleep`` is what is added to it when the time asleep is counted.
    """
    drawn, more = ((n or 0.0) / longest if longest > 0 else 0.0 for n in (part, asleep))
    return Cell("", _key(part), bar=max(drawn, 0.0), swatch=color, bar_asleep=max(more, 0.0))


def parts(values: Mapping[str, float], longest: float) -> Cell:
    """A bar of a part for each cause, the whole as long as its share of the longest one.

    Sleep is a part of it, but of no length until it is counted; ``longest`` is one without.
    """
    awake = sum(part for name, part in values.items() if name != "sleep")
    drawn = tuple((name, part / longest) for name, part in values.items() if part and longest > 0)
    return Cell("", _key(awake), parts=drawn)


def change(difference: float | None, largest: float) -> Cell:
    """Nothing but a bar from the middle: dearer to the right, cheaper to the left."""
    drawn = difference / largest if difference and largest > 0 else 0.0
    return Cell("", 0.0 if difference is None else difference, change=min(max(drawn, -1.0), 1.0))


def plus_minus(low: float, high: float) -> str:
    """Half an interval relative to its middle, with a sign; nothing of an interval around 0."""
    return f"±{half_width(low, high)}" if low + high else ""


def place(file: str | None, line: int | None) -> str:
    """The place of a source line, its folder left out."""
    if not file:
        return ""
    name = file.replace("\\", "/").rpartition("/")[2] or file
    return f"{name}:{line}" if line else name


def _key(value: float | None) -> float:
    return -1.0 if value is None else value
