"""Figures of an HTML report: bars that the page draws itself, and the roofline as plotly data.

Colours are CSS classes and variables, so that both themes and the printer have their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from simcore.counters import CAUSES
from simcore.profiles import MemoryCosts, Profile
from simcore.report.html.tables import words
from simcore.report.units import count, decimal, percent, si, size
from simcore.roofline import CORE, Ceilings

MOST_BARS = 12  # functions or operations in one figure
MOST_POINTS = 40  # operations in the roofline
LABEL_WIDTH, LABEL_HEIGHT = 0.3, 0.08  # decades of the roofline that a name takes
NAME_LENGTH = 24  # characters of a name beside a bar
SHOWN_SHARE = 0.005  # of the run: what costs less gets no bar
SERIES = 8  # colours --s-0 to --s-7

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: its share of the longest bar, the class of its colour, what it says."""

    share: float
    color: str
    hint: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a figure of bars."""

    name: str
    value: str
    parts: tuple[Part, ...]


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
            Part(part / longest, colors[key], f"{words(key)} {form(part)}, {percent(part, whole)}")
            for key, part in parts.items()
            if part
        )
        bars.append(Bar(name, form(whole), drawn))
    return bars


# -- roofline --------------------------------------------------------------------------------------


def roofline_regions(profile: Profile, ceilings: Ceilings) -> list[str]:
    """The regions whose lines matter: those that the program's loads and stores touched."""
    used = {row.region for row in profile.memory if row.read_bytes or row.write_bytes}
    return [CORE, *(name for name in ceilings.bytes_per_cycle if name in used)]


def roofline_points(profile: Profile) -> list[tuple[str, float, float]]:
    """(name, MACs per byte, MACs per cycle) of operations with MACs, and of the whole run."""
    points = []
    for op in profile.ops:
        moved = sum(part.read_bytes + part.write_bytes for part in op.traffic.values())
        if op.macs and moved and op.cycles:
            points.append((op.cycles, op.name, op.macs / moved, op.macs / op.cycles))
    points.sort(key=lambda point: (-point[0], point[1]))
    found = [(name, x, y) for _, name, x, y in points[:MOST_POINTS]]
    totals = profile.totals
    moved = totals.read_bytes + totals.write_bytes
    if totals.macs and moved and totals.cycles:
        found.append(("whole run", totals.macs / moved, totals.macs / totals.cycles))
    return found


def roofline_figure(profile: Profile, ceilings: Ceilings) -> Figure | None:
    """Operations under the ceilings of the part; None when nothing multiplied and accumulated."""
    points = roofline_points(profile)
    if not points:
        return None
    peak = max(ceilings.macs_per_cycle.values())
    regions = roofline_regions(profile, ceilings)
    slowest = min(ceilings.bytes_per_cycle[name] for name in regions)
    left = min(0.05, *(x / 2 for _, x, _ in points))
    right = max(4 * peak / slowest, *(2 * x for _, x, _ in points))
    low = min(left * slowest, *(y / 2 for _, _, y in points))
    data: list[Figure] = []
    for index, (rate, names) in enumerate(_same_rate(ceilings.bytes_per_cycle, regions)):
        knee = peak / rate
        label = ", ".join(names)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{label}, {decimal(rate)} B/cycle",
                "x": [left, knee],
                "y": [left * rate, peak],
                "line": {"color": f"var(--s-{index % SERIES})", "width": 1.5},
                "hoverinfo": "name",
            }
        )
    for name, rate in ceilings.macs_per_cycle.items():
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{name}, {decimal(rate)} MAC/cycle",
                "x": [rate / max(ceilings.bytes_per_cycle[n] for n in regions), right],
                "y": [rate, rate],
                "line": {"color": "var(--ink)", "width": 1.5, "dash": _DASH[rate == peak]},
                "hoverinfo": "name",
            }
        )
    if points[1:]:
        labels = labels_with_room(points[:-1])
        data.append(_points(points[:-1], labels, "circle", "bottom right"))
    data.append(_points(points[-1:], [points[-1][0]], "diamond-open", "top left"))
    return {
        "data": data,
        "layout": {
            "height": 420,
            "hovermode": "closest",
            "xaxis": _log_axis("MAC per byte loaded or stored (exact)", left, right),
            "yaxis": _log_axis("MAC per cycle (modelled)", low, 1.5 * peak),
            "legend": {"orientation": "v", "x": 1.02, "y": 1},
        },
    }


_DASH = {True: "solid", False: "dash"}


def _same_rate(rates: Mapping[str, float], names: Sequence[str]) -> list[tuple[float, list[str]]]:
    """Names that share a line, the fastest line first."""
    lines: dict[float, list[str]] = {}
    for name in names:
        lines.setdefault(rates[name], []).append(name)
    return sorted(lines.items(), key=lambda item: -item[0])


def _points(
    points: Sequence[tuple[str, float, float]], labels: Sequence[str], symbol: str, label_at: str
) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "operations" if symbol == "circle" else "whole run",
        "x": [x for _, x, _ in points],
        "y": [y for _, _, y in points],
        "text": [plain(short(label)) for label in labels],
        "textposition": label_at,
        "hovertext": [
            plain(f"{point}: {decimal(x)} MAC/B, {decimal(y)} MAC/cycle") for point, x, y in points
        ],
        "hoverinfo": "text",
        "marker": {"color": "var(--accent)", "size": 9, "symbol": symbol},
    }


def labels_with_room(points: Sequence[tuple[str, float, float]]) -> list[str]:
    """The names of points, those left out that would be written over one before."""
    labels, taken = [], list[tuple[float, float]]()
    for name, x, y in points:
        at = log10(x), log10(y)
        crowded = any(
            abs(at[0] - other[0]) < LABEL_WIDTH and abs(at[1] - other[1]) < LABEL_HEIGHT
            for other in taken
        )
        labels.append("" if crowded else name)
        if not crowded:
            taken.append(at)
    return labels


def _log_axis(title: str, low: float, high: float) -> Figure:
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks = [round(step * 10.0**decade, 9) for decade in decades for step in (1, 2, 5)]
    return {
        "title": {"text": title},
        "type": "log",
        "range": [log10(low), log10(high)],
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def short(name: str) -> str:
    """As much of a name as has room beside a bar."""
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def plain(name: str) -> str:
    """A text that plotly shows as it is: it reads some HTML, and $ as the sign of a formula."""
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("$", "&#36;")
