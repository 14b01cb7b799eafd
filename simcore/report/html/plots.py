"""Plots of points on two axes, and their axes: values as per cent, and round values along them.

Positions are per cent of a plot, so that the browser places what is drawn without a script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from typing import Final

MARGIN: Final = 4.0  # per cent between a plot's edge and its least and largest value
MOST_DECADES_APART: Final = 20.0  # largest by least value from which an axis is logarithmic


@dataclass(frozen=True, slots=True)
class PlotTick:
    """A value or a choice at a place of an axis, per cent from its end."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """A point, per cent from the upper left, what is said of it, and the class of its colour."""

    x: float
    y: float
    hint: str
    color: str


@dataclass(frozen=True, slots=True)
class ScatterPlot:
    """Points by two figures: ``told`` are those that are asked one by one, the first for all."""

    name: str
    across: str
    up: str
    x_ticks: Sequence[PlotTick]
    y_ticks: Sequence[PlotTick]
    told: Sequence[PlotPoint]
    points: Sequence[PlotPoint] = field(default=())
    height: int = 240  # px
    logarithmic: Sequence[str] = field(default=())  # those of the two figures whose axis is

    @property
    def title(self) -> str:
        """What is drawn."""
        note = f" ({' and '.join(self.logarithmic)} logarithmic)" if self.logarithmic else ""
        return f"{self.up} over {self.across}{note}"


class PlotScale:
    """Values of a figure to per cent, the least at the near end; logarithmic where they are far
    apart. All values are finite."""

    def __init__(self, values: Sequence[float]) -> None:
        self.low, self.high = min(values), max(values)
        self.is_log = self.low > 0 and self.high / self.low > MOST_DECADES_APART

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return 50.0
        if self.is_log:
            part = log10(value / self.low) / log10(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return MARGIN + (100 - 2 * MARGIN) * part

    def values(self) -> list[float]:
        """Round values between the least and the largest: 1, 2 or 5 times a power of ten."""
        if self.high == self.low:
            return [self.low]
        if self.is_log:
            steps = (1, 2, 5) if self.high / self.low < 1000 else (1,)
            decades = range(floor(log10(self.low)), floor(log10(self.high)) + 1)
            found = [float(f"{m}e{decade}") for decade in decades for m in steps]
        else:
            most = (self.high - self.low) / 3
            power = floor(log10(most))
            step = max(float(f"{m}e{power}") for m in (1, 2, 5) if float(f"{m}e{power}") <= most)
            first = floor(self.low / step)
            found = [(first + n) * step for n in range(9)]
        inside = [value for value in found if self.low <= value <= self.high]
        return inside or [self.low, self.high]

    def ticks(self, shown: Callable[[float], str], *, upwards: bool = False) -> list[PlotTick]:
        """Round values as ticks from left to right, or ``upwards``: from below."""
        return [
            PlotTick(100 - self(value) if upwards else self(value), shown(value))
            for value in self.values()
        ]
