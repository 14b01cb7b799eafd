"""A sweep as text, JSON, CSV or an HTML page: its front, and what each choice makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import Any

from simcore.plain import to_plain
from simcore.report import RenderOptions
from simcore.report.page.console import Block, new_console, print_blocks, printed_text
from simcore.report.page.csv import table_text
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table, cut_text
from simcore.sweep.front import OBJECTIVES
from simcore.sweep.results import SweepResult, SweptPoint
from simcore.units import NOTHING, clock, count, si, size

FORMATS = ("text", "json", "csv", "html")
TEXT_WIDTH = 28  # characters of a choice's name
#: Units of objectives; the others are numbers.
_UNITS = {"energy": "J", "time": "s"}
_SIZES = ("flash", "ram", "stack")
#: How often a failure is told by itself.
FAILURES = 4


def render(sweep: SweepResult, format_name: str, options: RenderOptions) -> str:
    """The sweep in one of FORMATS."""
    if format_name == "json":
        return sweep.to_json()
    if format_name == "csv":
        return table_text([_csv_row(point) for point in sweep.points], ())
    if format_name == "html":
        from simcore.report.studies.sweep_page import render as page

        return page(sweep)
    console = new_console(options)
    print_blocks(console, _header(sweep), _blocks(sweep, options))
    return printed_text(console, options)


def _csv_row(point: SweptPoint) -> dict[str, Any]:
    plain = to_plain(point)
    return {
        name: plain.get(name) for name in SweptPoint.__dataclass_fields__ if name != "settings"
    } | {"settings": plain["settings"]}


def headline(sweep: SweepResult) -> str:
    """How much of what space, and how many points are on the front."""
    of = f" of {count(sweep.space)}" if sweep.space != len(sweep.points) else ""
    noun = "point" if len(sweep.points) == 1 else "points"
    how = f", by a Sobol sequence of seed {sweep.seed}" if sweep.method == "sobol" and of else ""
    return (
        f"{count(len(sweep.points))}{of} {noun}{how}; {count(len(sweep.front))} on the front of"
        f" {', '.join(sweep.objectives)}"
    )


def failures(sweep: SweepResult) -> list[str]:
    """Points that did not end well: how many for which reason, the most frequent first."""
    by_reason: dict[str, list[SweptPoint]] = {}
    for point in sweep.failed:
        by_reason.setdefault(str(point.error), []).append(point)
    lines = []
    for reason, points in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        first = settings_text(sweep, points[0])
        which = first if len(points) == 1 else f"{count(len(points))} points, the first {first}"
        lines.append(f"{which}: {reason}")
    more = len(lines) - FAILURES
    return [*lines[:FAILURES], *([f"and {more} other reasons"] if more > 0 else [])]


def settings_text(sweep: SweepResult, point: SweptPoint) -> str:
    """The choices of a point of those axes that have several."""
    told = [f"{axis}={point.settings[axis]}" for axis in varied(sweep)]
    return " ".join(told) or sweep.name


def varied(sweep: SweepResult) -> list[str]:
    """The axes that have several choices."""
    return [axis.name for axis in sweep.axes if len(axis.choices) > 1]


def objective_text(name: str, value: float | None) -> str:
    """A value of an objective with its unit."""
    if value is None:
        return NOTHING
    if name in _UNITS:
        return si(value, _UNITS[name])
    return size(int(value)) if name in _SIZES else count(int(value))


def values_of(points: Sequence[SweptPoint], objective: str) -> list[Any]:
    """What an objective is of some points, None where it is not known."""
    return [getattr(point, OBJECTIVES[objective]) for point in points]


def _header(sweep: SweepResult) -> Text:
    text = Text()
    text.append(sweep.name, "bold")
    text.append(f": {headline(sweep)}")
    for line in failures(sweep):
        text.append(f"\n{line}", "bold red")
    if sweep.interrupted:
        text.append("\ninterrupted; what was finished is here", "bold red")
    return text


def _blocks(sweep: SweepResult, options: RenderOptions) -> Iterator[Block]:
    front = sweep.front
    if front:
        shown = front[: options.top or None]
        more = "" if len(shown) == len(front) else f"; the first {len(shown)} of {len(front)}"
        note = f"cycles modelled, energy estimated{more}"
        yield "Front", note, build_table(list(_front_columns(sweep, shown)), options.width)
    rows = list(_choice_rows(sweep))
    if rows:
        columns = [
            Column("choice", [row[0] for row in rows]),
            Column("points", [count(len(row[1])) for row in rows], 9),
            *(
                Column(name, [_median(name, row[1]) for row in rows], drop)
                for drop, name in enumerate(sweep.objectives)
            ),
            Column("on front", [count(sum(p.on_front for p in row[1])) for row in rows]),
        ]
        note = "medians of the points that ended well"
        yield "Choices", note, build_table(columns, options.width)


def _front_columns(sweep: SweepResult, points: Sequence[SweptPoint]) -> Iterator[Column]:
    axes = varied(sweep) or [axis.name for axis in sweep.axes][:1]
    for number, axis in enumerate(axes):
        cells = [cut_text(point.settings[axis], TEXT_WIDTH) for point in points]
        yield Column(axis, cells, 0 if number == 0 else 20 + number)
    for drop, name in enumerate(sweep.objectives):
        values = values_of(points, name)
        yield Column(name, [objective_text(name, value) for value in values], drop)
    if "cpu" in axes or "clock" in axes:
        yield Column(
            "at", [NOTHING if p.clock_hz is None else clock(p.clock_hz) for p in points], 19
        )


def _choice_rows(sweep: SweepResult) -> Iterator[tuple[str, list[SweptPoint]]]:
    for axis in sweep.axes:
        if len(axis.choices) < 2:
            continue
        for choice in axis.choices:
            points = [p for p in sweep.points if p.settings[axis.name] == choice and not p.error]
            yield f"{axis.name}={choice}", points


def _median(objective: str, points: Sequence[SweptPoint]) -> str:
    values = [value for value in values_of(points, objective) if value is not None]
    return objective_text(objective, median_low(values) if values else None)
