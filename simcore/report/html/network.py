"""A network as a strip of layers as wide as what they cost, and its tensors in memory under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simcore.costs.network import ArenaMemory
from simcore.costs.profile import Profile
from simcore.report.html.bars import SERIES
from simcore.report.profile.network_tables import LayerCosts, layer_rows
from simcore.units import count, percent, si, size

WIDTH = 1000  # of the figure, in its own units
STRIP = 26
TIMELINE = 150  # of a memory
LABELLED = 34  # a layer as wide as that has its number in it


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: place, size, the number of its colour, what it says, and what stands in it."""

    x: float
    y: float
    width: float
    height: float
    color: int
    hint: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """A row of the figure."""

    title: str
    height: int
    boxes: tuple[Box, ...]


def strip(profile: Profile) -> list[Track]:
    """Layers by cycles and by energy, and the tensors of each memory over the cycles.

    Of the first inference; empty for any other program.
    """
    network = profile.network
    rows = layer_rows(profile)
    if network is None or sum(row.cycles for row in rows) <= 0:
        return []
    kinds = {kind: n for n, kind in enumerate(dict.fromkeys(r.layer.operator for r in rows))}
    tracks = [
        Track(
            "Layers by cycles (modelled)", STRIP, tuple(_layers(rows, kinds, lambda r: r.op.cycles))
        ),
        Track(
            "Layers by energy (estimated)",
            STRIP,
            tuple(_layers(rows, kinds, lambda r: r.op.energy_j)),
        ),
    ]
    edges = _edges(rows)
    for memory in network.memories:
        title = (
            f"{memory.memory}: tensors by offset over the cycles, {size(memory.arena_bytes)} in all"
        )
        tracks.append(Track(title, TIMELINE, tuple(_tensors(profile, memory, edges, kinds))))
    return tracks


def kinds(profile: Profile) -> list[tuple[int, str]]:
    """Number of the colour and name of each kind of operator."""
    names = dict.fromkeys(row.layer.operator for row in layer_rows(profile))
    return [(number % SERIES, name) for number, name in enumerate(names)]


def _layers(
    rows: list[LayerCosts], kinds: dict[str, int], cost: Callable[[LayerCosts], float]
) -> Iterator[Box]:
    whole, at = sum(map(cost, rows)) or 1, 0.0
    for row in rows:
        width = WIDTH * cost(row) / whole
        layer = row.layer
        hint = (
            f"#{layer.number} {layer.operator} {layer.output}: {count(row.cycles)} cycles,"
            f" {si(row.op.energy_j / row.calls, 'J')}, {percent(cost(row), whole)}"
        )
        label = f"#{layer.number}" if width >= LABELLED else ""
        yield Box(at, 0, width, STRIP, kinds[layer.operator] % SERIES, hint, label)
        at += width


def _edges(rows: list[LayerCosts]) -> dict[int, tuple[float, float]]:
    """Where each layer begins and ends along the cycles, by its number."""
    whole, at, found = sum(row.op.cycles for row in rows), 0.0, {}
    for row in rows:
        end = at + WIDTH * row.op.cycles / whole
        found[row.layer.number] = at, end
        at = end
    return found


def _tensors(
    profile: Profile,
    memory: ArenaMemory,
    edges: dict[int, tuple[float, float]],
    kinds: dict[str, int],
) -> Iterator[Box]:
    network = profile.network
    assert network is not None
    scale = TIMELINE / max(memory.arena_bytes, 1)
    for tensor in network.tensors:
        if tensor.memory != memory.memory or not {tensor.first, tensor.last} <= edges.keys():
            continue
        start, end = edges[tensor.first][0], edges[tensor.last][1]
        layer = network.layers[tensor.first]
        hint = (
            f"{tensor.name}: {size(tensor.size)} at {count(tensor.offset)},"
            f" #{tensor.first} to #{tensor.last}"
        )
        # Offset 0 is at the bottom.
        top = TIMELINE - (tensor.offset + tensor.size) * scale
        color = kinds.get(layer.operator, 0) % SERIES
        yield Box(start, top, end - start, tensor.size * scale, color, hint)
