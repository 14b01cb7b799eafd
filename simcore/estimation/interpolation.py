"""Layers that are not run: their costs lie between those of layers that differ in channels alone.

Of each family, a convolution that is the same but for its channels, the layers at ANCHORS are run,
whatever else is known, so that what is interpolated hangs on the layer alone. Between them costs
are linear in each count of channels. The band is what leaving anchors out shows: each that has
neighbours is interpolated from these, at twice the distance.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, NamedTuple

from simcore.estimation.bench import LayerCost
from simcore.estimation.memo import LayerKey, LayerMemo
from simcore.estimation.shapes import LayerShape, made_up_facts

#: Channels of the layers that are run; others between them, in steps of STEP, are interpolated.
ANCHORS: Final = (8, 16, 32, 64, 112, 176, 256)
STEP: Final = 8


class LayerFamily(NamedTuple):
    """Convolutions that differ in their channels alone; ``shape`` has 0 where these stand.

    ``channels`` are those of the one at hand: of input and output, or of both at once.
    """

    shape: LayerShape
    channels: tuple[int, ...]

    def member(self, channels: tuple[int, ...]) -> LayerShape:
        """Another of the family."""
        inputs, outputs = channels[0], channels[-1]
        shape = self.shape
        assert shape.weights is not None
        is_depthwise = shape.kind == "DEPTHWISE_CONV_2D"
        first = shape.weights[0] if is_depthwise else outputs
        last = outputs if is_depthwise else shape.weights[3] or inputs
        (read,) = shape.inputs
        return shape._replace(
            inputs=((*read[:3], read[3] or inputs),),
            weights=(first, *shape.weights[1:3], last),
            output=(*shape.output[:3], outputs),
        )


def family_of(shape: LayerShape) -> LayerFamily | None:
    """The family of a layer, None of one that is run at any rate."""
    if shape.content or shape.weights is None or len(shape.inputs) != 1:
        return None
    channels = shape.inputs[0][-1], shape.output[-1]
    read, made, weights = shape.inputs[0], shape.output, shape.weights
    if shape.kind == "DEPTHWISE_CONV_2D" and channels[0] == channels[1]:
        blank = shape._replace(
            inputs=((*read[:3], 0),), weights=(*weights[:3], 0), output=(*made[:3], 0)
        )
        return LayerFamily(blank, channels[:1]) if _is_between(channels[0]) else None
    if shape.kind != "CONV_2D" or not _is_between(channels[1]) or weights[3] != read[3]:
        return None
    if _is_between(channels[0]):
        blank = shape._replace(
            inputs=((*read[:3], 0),), weights=(0, *weights[1:3], 0), output=(*made[:3], 0)
        )
        return LayerFamily(blank, channels)
    blank = shape._replace(weights=(0, *weights[1:]), output=(*made[:3], 0))
    return LayerFamily(blank, channels[1:])


def _is_between(channels: int) -> bool:
    return channels % STEP == 0 and ANCHORS[0] <= channels <= ANCHORS[-1]


class Interpolation:
    """Costs of families by their anchors, which ``memo`` holds once they ran."""

    def __init__(self, memo: LayerMemo) -> None:
        self._memo = memo
        self._grids: dict[LayerShape, dict[tuple[int, ...], LayerCost]] = {}
        self._errors: list[float] = []
        self._found: dict[LayerShape, tuple[LayerCost, bool]] = {}

    @property
    def band(self) -> float:
        """The largest relative error of cycles of anchors that were left out."""
        return max(self._errors, default=0.0)

    @property
    def median(self) -> float:
        """The median of those errors."""
        return sorted(self._errors)[len(self._errors) // 2] if self._errors else 0.0

    @property
    def left_out(self) -> int:
        """How many were left out, one after the other."""
        return len(self._errors)

    def covers(self, shape: LayerShape) -> bool:
        """Whether a layer is of a family."""
        return family_of(shape) is not None

    def anchors(self, keys: Mapping[LayerKey, int]) -> dict[LayerKey, int]:
        """What has to run for these layers, with multiply-accumulates."""
        found: dict[LayerKey, int] = {}
        families: dict[LayerShape, LayerFamily] = {}
        for key, macs in keys.items():
            family = None if key[1] else family_of(key[0])
            if family is None:
                found[key] = macs
            else:
                families.setdefault(family.shape, family)
        for family in families.values():
            for channels in _grid(len(family.channels)):
                shape = family.member(channels)
                found[shape, False] = made_up_facts(shape).macs
        return found

    def cost(self, shape: LayerShape) -> tuple[LayerCost, bool]:
        """What a layer of a family costs, and whether that is interpolated."""
        found = self._found.get(shape)
        if found is None:
            family = family_of(shape)
            assert family is not None
            found = self._found[shape] = self._between(family)
        return found

    def _between(self, family: LayerFamily) -> tuple[LayerCost, bool]:
        grid = self._grids.get(family.shape)
        if grid is None:
            grid = self._grids[family.shape] = self._read(family)
            self._errors += _left_out(grid)
        known = grid.get(family.channels)
        if known is not None:
            return known, False
        return _linear(grid, family.channels, ANCHORS), True

    def _read(self, family: LayerFamily) -> dict[tuple[int, ...], LayerCost]:
        grid = {}
        for channels in _grid(len(family.channels)):
            cost = self._memo.get((family.member(channels), False))
            assert cost is not None, "anchors() told of it"
            grid[channels] = cost
        return grid


def _grid(axes: int) -> list[tuple[int, ...]]:
    if axes == 1:
        return [(one,) for one in ANCHORS]
    return [(one, other) for one in ANCHORS for other in ANCHORS]


def _linear(
    grid: Mapping[tuple[int, ...], LayerCost], channels: tuple[int, ...], anchors: tuple[int, ...]
) -> LayerCost:
    """A cost between those of a grid, linear along each axis."""
    corners: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    for one in channels:
        at = max(1, bisect_left(anchors, one))
        low, high = anchors[at - 1], anchors[at]
        share = (one - low) / (high - low)
        corners = [
            ((*place, end), weight * part)
            for place, weight in corners
            for end, part in ((low, 1 - share), (high, share))
            if part
        ]
    costs = [(grid[place], weight) for place, weight in corners]

    def mean(name: str) -> float:
        return sum(weight * float(getattr(cost, name)) for cost, weight in costs)

    return LayerCost(
        round(mean("cycles")),
        round(mean("instructions")),
        mean("energy_j"),
        mean("energy_low_j"),
        mean("energy_high_j"),
    )


def _left_out(grid: Mapping[tuple[int, ...], LayerCost]) -> list[float]:
    """Relative errors of the cycles of anchors that have neighbours, left out along an axis."""
    errors = []
    for channels, cost in grid.items():
        for axis, one in enumerate(channels):
            at = ANCHORS.index(one)
            if 0 < at < len(ANCHORS) - 1:
                rest = (*ANCHORS[:at], *ANCHORS[at + 1 :])
                low, high = rest[at - 1], rest[at]
                ends = [(*channels[:axis], end, *channels[axis + 1 :]) for end in (low, high)]
                share = (one - low) / (high - low)
                cycles = (1 - share) * grid[ends[0]].cycles + share * grid[ends[1]].cycles
                errors.append(abs(cycles / cost.cycles - 1))
    return errors
