"""Bars of an HTML report: what functions, operations and regions cost, by part.

Colours are CSS classes and variables, so that both themes and the printer have their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simcore.core.counters import CAUSES
from simcore.costs.profile import Profile
from simcore.costs.tables import MemoryCosts
from simcore.report.html.tables import words
from simcore.units import count, percent, si, size

MOST_BARS = 12  # functions or operations in one figure
SHOWN_SHARE = 0.005  # of the run: what costs less gets no bar
SERIES = 8  # colours --s-0 to --s-7


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar: its share of the longest bar, the class of its colour, what it says."""

    share: float
    color: str
    hint: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a figure of bars."""

    name: str
    value: str
    parts: tuple[BarPart, ...]


def cause_bars(profile: Profile) -> list[Bar]:
    """Cycles of the costliest functions, callees left out, by cause."""
    whole = profile.totals.cycles
    rows = [r for r in profile.functions if r.cycles_self > SHOWN_SHARE * whole][:MOST_BARS]
    return _bars(
        [(row.name, row.cycles_by_cause) for row in rows],
        {cause: f"c-{cause}" for cause in CAUSES},
        lambda cycles: f"{count(round(cycles))} cycles",
    )


def energy_bars(profile: Profile) -> list[Bar]:
    """Energy of the costliest operations, or functions when there are none, by component."""
    found: list[tuple[str, Mapping[str, float]]]
    if profile.ops:
        found = [(op.name, op.energy_by_component) for op in profile.ops]
    else:
        found = [(row.name, row.energy_by_component) for row in profile.functions]
    found.sort(key=lambda row: -sum(row[1].values()))
    least = SHOWN_SHARE * profile.totals.energy_j
    rows = [row for row in found if sum(row[1].values()) > least][:MOST_BARS]
    return _bars(rows, component_colors(profile), lambda energy: si(energy, "J"))


def component_colors(profile: Profile) -> dict[str, str]:
    """A colour for each component of the energy."""
    names = [name for name, part in profile.totals.energy_by_component.items() if part]
    return {name: f"s-{index % SERIES}" for index, name in enumerate(names)}


def traffic_bars(profile: Profile) -> list[Bar]:
    """Bytes by region: fetched, read, written."""
    rows = [
        (row.region, dict(zip(TRAFFIC, _moved(row), strict=True)))
        for row in profile.memory
        if any(_moved(row))
    ]
    return _bars(rows, TRAFFIC, lambda moved: size(round(moved)))


#: What moves between core and memory, with its colour.
TRAFFIC = {"fetched": "s-0", "read": "s-1", "written": "s-2"}


def _moved(row: MemoryCosts) -> tuple[int, int, int]:
    return row.fetch_bytes, row.read_bytes, row.write_bytes


def _bars(
    rows: Sequence[tuple[str, Mapping[str, float]]],
    colors: Mapping[str, str],
    form: Callable[[float], str],
) -> list[Bar]:
    longest = max((sum(parts.values()) for _, parts in rows), default=0)
    bars = []
    for name, parts in rows:
        whole = sum(parts.values())
        drawn = tuple(
            BarPart(
                part / longest, colors[key], f"{words(key)} {form(part)}, {percent(part, whole)}"
            )
            for key, part in parts.items()
            if part
        )
        bars.append(Bar(name, form(whole), drawn))
    return bars
