"""The roofline of an HTML report: operations under the ceilings of the part, both axes logarithmic.

Positions are per cent of the plot, which is as wide as the page lets it be, so the browser places
what is drawn here without a script. Names keep their size: which of them have room is worked out
for the narrowest plot of each of two layouts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import NamedTuple

from simcore.costs.profile import Profile
from simcore.pipeline.ceilings import CORE, Ceilings
from simcore.report.html.colors import ceiling_class
from simcore.units import decimal

MOST_POINTS = 40
NAME_LENGTH = 24  # characters of a name beside a point
HEIGHT = 360  # px of the plot
NARROWEST = {"roomy": 560, "tight": 240}  # px of the plot, by layout; the style sheet has the limit
LETTER, LINE = 7, 14  # px that a letter is wide at most, on average, and that a line is high
DOT, GAP = 5, 8  # px from the middle of a point to its edge, and to its name
MOST_DECADES = 4  # up to which 2 and 5 get a line between 1 and 10


class RooflinePoint(NamedTuple):
    """What an operation, or the whole run, reaches: MACs per byte and per cycle."""

    name: str
    per_byte: float
    per_cycle: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the plot at a round number; ``minor`` ones go without it where it is narrow."""

    at: float
    text: str
    minor: bool


@dataclass(frozen=True, slots=True)
class Roof:
    """A ceiling from (x1, y1) to (x2, y2); ``swatch`` is the class of its colour and dashes."""

    hint: str
    swatch: str
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Label:
    """A point's name in one layout: px from the point, and which end of it stands there."""

    layout: str
    anchor: str
    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class Point:
    """An operation, or the whole run."""

    name: str
    hint: str
    x: float
    y: float
    labels: tuple[Label, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Roofline:
    """What the page draws; ``x`` and ``y`` of everything are per cent from the upper left."""

    across: Sequence[Tick]
    up: Sequence[Tick]
    roofs: Sequence[Roof]
    points: Sequence[Point]
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class _Scale:
    """A logarithmic axis from ``low`` to ``high``."""

    low: float
    high: float
    downwards: bool = False

    def __call__(self, value: float) -> float:
        part = 100 * log10(value / self.low) / log10(self.high / self.low)
        return 100 - part if self.downwards else part

    def ticks(self) -> list[Tick]:
        decades = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        steps = (1, 2, 5) if log10(self.high / self.low) <= MOST_DECADES else (1,)
        found = [(float(f"{step}e{decade}"), step > 1) for decade in decades for step in steps]
        return [
            Tick(self(value), f"{value:g}", minor)
            for value, minor in found
            if self.low <= value <= self.high
        ]


def roofline(profile: Profile, ceilings: Ceilings) -> Roofline | None:
    """The figure; None when nothing multiplied and accumulated."""
    points = roofline_points(profile)
    if not points:
        return None
    slowest_mac, peak = min(ceilings.macs_per_cycle.values()), max(ceilings.macs_per_cycle.values())
    regions = roofline_regions(profile, ceilings)
    rates = [ceilings.bytes_per_cycle[name] for name in regions]
    slowest, fastest = min(rates), max(rates)
    left = min(0.05, slowest_mac / fastest / 2, *(point.per_byte / 2 for point in points))
    right = max(4 * peak / slowest, *(2 * point.per_byte for point in points))
    low = min(left * slowest, *(point.per_cycle / 2 for point in points))
    across = _Scale(left, right)
    high = max(1.5 * peak, *(1.2 * point.per_cycle for point in points))
    up = _Scale(low, high, downwards=True)
    roofs = _memory_roofs(ceilings, regions, peak, across, up)
    swatches = ceiling_swatches(ceilings, regions)
    for name, rate in ceilings.macs_per_cycle.items():
        hint = f"{name}, {decimal(rate)} MAC/cycle"
        start = across(rate / fastest)
        roofs.append(Roof(hint, swatches[name], start, up(rate), across(right), up(rate)))
    return Roofline(across.ticks(), up.ticks(), roofs, _placed(points, across, up))


def _memory_roofs(
    ceilings: Ceilings, regions: Sequence[str], peak: float, across: _Scale, up: _Scale
) -> list[Roof]:
    swatches = ceiling_swatches(ceilings, regions)
    roofs = []
    for rate, names in _same_rate(ceilings.bytes_per_cycle, regions):
        hint = f"{', '.join(names)}, {decimal(rate)} B/cycle"
        start, knee = across.low, peak / rate
        roofs.append(
            Roof(hint, swatches[names[0]], across(start), up(start * rate), across(knee), up(peak))
        )
    return roofs


def ceiling_swatches(ceilings: Ceilings, regions: Sequence[str]) -> dict[str, str]:
    """The class of the line of each ceiling; regions of one rate share a line."""
    peak = max(ceilings.macs_per_cycle.values())
    swatches = {
        name: "peak" if rate == peak else "below-peak"
        for name, rate in ceilings.macs_per_cycle.items()
    }
    for index, (_, names) in enumerate(_same_rate(ceilings.bytes_per_cycle, regions)):
        swatches |= dict.fromkeys(names, ceiling_class(index))
    return swatches


def roofline_regions(profile: Profile, ceilings: Ceilings) -> list[str]:
    """The regions whose lines matter: those that the program's loads and stores touched."""
    used = {row.region for row in profile.memory if row.read_bytes or row.write_bytes}
    return [CORE, *(name for name in ceilings.bytes_per_cycle if name in used)]


def roofline_points(profile: Profile) -> list[RooflinePoint]:
    """The whole run, then the operations with MACs, the costliest first."""
    found = []
    totals = profile.totals
    moved = totals.read_bytes + totals.write_bytes
    if totals.macs and moved and totals.cycles:
        found.append(
            RooflinePoint("whole run", totals.macs / moved, totals.macs / totals.cycles, True)
        )
    for op in sorted(profile.ops, key=lambda op: (-op.cycles, op.name)):
        moved = sum(part.read_bytes + part.write_bytes for part in op.traffic.values())
        if op.macs and moved and op.cycles and len(found) < MOST_POINTS:
            found.append(RooflinePoint(op.name, op.macs / moved, op.macs / op.cycles))
    return found


def _same_rate(rates: Mapping[str, float], names: Sequence[str]) -> list[tuple[float, list[str]]]:
    """Names that share a line, the fastest line first."""
    lines: dict[float, list[str]] = {}
    for name in names:
        lines.setdefault(rates[name], []).append(name)
    return sorted(lines.items(), key=lambda item: -item[0])


def _placed(costs: Sequence[RooflinePoint], across: _Scale, up: _Scale) -> list[Point]:
    at = [(short(cost.name), across(cost.per_byte), up(cost.per_cycle)) for cost in costs]
    labels = {layout: labels_with_room(at, width) for layout, width in NARROWEST.items()}
    points = []
    for index, cost in enumerate(costs):
        hint = f"{cost.name}: {decimal(cost.per_byte)} MAC/B, {decimal(cost.per_cycle)} MAC/cycle"
        own = tuple(
            Label(layout, *place)
            for layout, places in labels.items()
            if (place := places[index]) is not None
        )
        points.append(Point(at[index][0], hint, *at[index][1:], own, cost.whole))
    return points


#: Where a name can stand: which of its ends is at the point, and px from there, the first best.
_PLACES = (
    ("start", GAP, LINE),
    ("end", -GAP, LINE),
    ("start", GAP, -LINE // 2),
    ("end", -GAP, -LINE // 2),
)


def labels_with_room(
    points: Sequence[tuple[str, float, float]], width: int
) -> list[tuple[str, int, int] | None]:
    """Where the name of each (name, x, y) can stand in a plot of ``width`` px, the first first.

    Anchor, dx and dy; None for a name that would leave the plot, or cover a point or another name.
    """
    found: list[tuple[str, int, int] | None] = []
    middles = [(x / 100 * width, y / 100 * HEIGHT) for _, x, y in points]
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in middles]
    for (name, _, _), (x, y) in zip(points, middles, strict=True):
        long = LETTER * len(name)
        for anchor, dx, dy in _PLACES:
            left = x + dx - (long if anchor == "end" else 0)
            bottom = y + dy
            box = (left, bottom - LINE, left + long, bottom)
            inside = left >= 0 and box[2] <= width and box[1] >= 0 and bottom <= HEIGHT
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                found.append((anchor, dx, dy))
                break
        else:
            found.append(None)
    return found


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def short(name: str) -> str:
    """As much of a name as has room beside a point."""
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"
