"""A network in an HTML report: layers as a strip, and under it what is alive in memory, and where.

Everything has a place from left to right for each of WIDTHS, per cent; the style sheet takes those
of the width that the reader chose, so that it needs no script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from simcore.costs.network import ArenaMemory, ArenaTensor, NetworkCosts
from simcore.costs.profile import Profile
from simcore.report.html.colors import OPERATORS, operator_class
from simcore.report.html.tables import (
    EXACT,
    Filled,
    HtmlColumn,
    HtmlTable,
    cut,
    filled,
    number,
    octets,
    text,
)
from simcore.report.profile.network_tables import LayerCosts, layer_rows
from simcore.units import count, percent, si, size

WIDTHS = ("cycles", "energy", "layers")  # by what a layer is wide; layers: all the same
_HEIGHT, _LEAST_MAP = 180, 48  # px of the map of the memory that has most, and of any
_NAME_LENGTH = 60  # characters of a tensor's name in what a layer says
_LEAST_HEIGHT = 0.6  # per cent of the map, so that a small tensor is seen


@dataclass(frozen=True, slots=True)
class Box:
    """What stands from ``spans[width][0]`` per cent on, ``spans[width][1]`` wide.

    ``low`` and ``high`` are per cent of its plot's height; ``color`` is a class; ``more`` goes
    with the name where there is room.
    """

    name: str
    hint: str
    spans: Mapping[str, tuple[float, float]]
    color: str = ""
    more: str = ""
    low: float = 0.0
    high: float = 100.0


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """Tensors of a memory by address; maps of several have one scale, ``height`` is in px."""

    memory: str
    text: str
    height: int
    boxes: Sequence[Box]


@dataclass(frozen=True, slots=True)
class NetworkFigure:
    """The figure; ``kinds`` are operators with the class of their colour and their share."""

    layers: Sequence[Box]
    kinds: Sequence[tuple[str, str, str]]
    alive: Sequence[Box]
    peak: str
    peak_text: str
    maps: Sequence[MemoryMap]


def network_figure(profile: Profile) -> NetworkFigure | None:
    """The figure of the first inference; None of a run without a network, or before its layers."""
    network, rows = profile.network, layer_rows(profile)
    if network is None or not rows:
        return None
    spans = _Spans(rows, len(network.layers))
    kinds = _kinds(rows)
    cycles = sum(row.cycles for row in rows)
    most = max((layer.activation_bytes for layer in network.layers), default=0)
    peak = next(layer for layer in network.layers if layer.activation_bytes == most)
    layers = [
        Box(
            f"#{row.layer.number}",
            _layer_hint(row, cycles),
            spans.of(row.layer.number, row.layer.number),
            kinds[row.layer.operator][0],
            row.layer.operator,
        )
        for row in rows
    ]
    alive = [
        Box(
            "",
            f"#{row.layer.number} {row.layer.operator}: {size(row.layer.activation_bytes)} alive",
            spans.of(row.layer.number, row.layer.number),
            "peak" if row.layer.activation_bytes == most else "",
            high=100 * row.layer.activation_bytes / max(most, 1),
        )
        for row in rows
    ]
    return NetworkFigure(
        layers,
        _legend(kinds),
        alive,
        size(most),
        f"#{peak.number} {peak.operator}",
        [_map(network, memory, spans) for memory in network.memories],
    )


class _Spans:
    """Where layers stand for each of WIDTHS; those that did not run have no width."""

    def __init__(self, rows: Sequence[LayerCosts], layers: int) -> None:
        costs = {width: [0.0] * layers for width in WIDTHS}
        for row in rows:
            at = row.layer.number
            costs["cycles"][at] = float(row.cycles)
            costs["energy"][at] = row.op.energy_j / row.calls
            costs["layers"][at] = 1.0
        self._edges = {}
        for width, values in costs.items():
            whole = sum(values) or 1.0
            self._edges[width] = [100 * edge / whole for edge in accumulate(values, initial=0.0)]

    def of(self, first: int, last: int) -> dict[str, tuple[float, float]]:
        """From the start of a layer to the end of another: start and width."""
        found = {}
        for width, edges in self._edges.items():
            start, end = edges[min(first, len(edges) - 1)], edges[min(last + 1, len(edges) - 1)]
            found[width] = start, max(end - start, 0.0)
        return found


def _kinds(rows: Sequence[LayerCosts]) -> dict[str, tuple[str, float]]:
    """Class of the colour and share of cycles of each operator, the costliest first."""
    cycles: dict[str, int] = {}
    for row in rows:
        cycles[row.layer.operator] = cycles.get(row.layer.operator, 0) + row.cycles
    order = sorted(cycles, key=lambda kind: (-cycles[kind], kind))
    whole = sum(cycles.values()) or 1
    return {kind: (operator_class(rank), cycles[kind] / whole) for rank, kind in enumerate(order)}


def _legend(kinds: Mapping[str, tuple[str, float]]) -> list[tuple[str, str, str]]:
    """A line for each colour; operators without one of their own share the last."""
    told = [(kind, color, percent(share)) for kind, (color, share) in kinds.items()]
    own, others = told[: len(OPERATORS)], list(kinds.values())[len(OPERATORS) :]
    if others:
        share = percent(sum(share for _, share in others))
        own.append((f"{len(others)} other{'s' * (len(others) > 1)}", others[0][0], share))
    return own


def _layer_hint(row: LayerCosts, whole: int) -> str:
    layer, energy = row.layer, si(row.op.energy_j / row.calls, "J")
    name = layer.output
    if len(name) > _NAME_LENGTH:
        name = f"…{name[1 - _NAME_LENGTH :]}"
    shapes = " to ".join(
        "x".join(map(str, shape)) or "1" for shape in (layer.input_shape, layer.output_shape)
    )
    macs = f", {count(layer.macs)} MACs" if layer.macs else ""
    return (
        f"#{layer.number} {layer.operator} {name}: {count(row.cycles)} cycles,"
        f" {percent(row.cycles, whole)}, {energy}{macs}, {shapes},"
        f" {size(layer.activation_bytes)} alive"
    )


def _map(network: NetworkCosts, memory: ArenaMemory, spans: _Spans) -> MemoryMap:
    top = max(memory.arena_bytes, 1)
    most = max(one.arena_bytes for one in network.memories) or 1
    # What takes another's place is drawn upon it.
    tensors = sorted(
        (tensor for tensor in network.tensors if tensor.memory == memory.memory),
        key=lambda tensor: (tensor.in_place_of is not None, tensor.offset, tensor.name),
    )
    return MemoryMap(
        memory.memory,
        f"{size(memory.arena_bytes)} of {size(memory.room_bytes)} free, {memory.how}",
        max(round(_HEIGHT * memory.arena_bytes / most), _LEAST_MAP),
        [
            Box(
                tensor.name,
                _tensor_hint(tensor),
                spans.of(tensor.first, tensor.last),
                "shared" if tensor.in_place_of else "",
                low=100 * tensor.offset / top,
                high=max(100 * (tensor.offset + tensor.size) / top,
                         100 * tensor.offset / top + _LEAST_HEIGHT),
            )
            for tensor in tensors
        ],
    )  # fmt: skip


def _tensor_hint(tensor: ArenaTensor) -> str:
    shared = f", in place of {tensor.in_place_of}" if tensor.in_place_of else ""
    return (
        f"{tensor.name}: {size(tensor.size)} from byte {count(tensor.offset)} of {tensor.memory},"
        f" alive from #{tensor.first} to #{tensor.last}{shared}"
    )


def tensor_table(network: NetworkCosts) -> HtmlTable:
    """Computed tensors, the largest first."""
    columns: list[Filled[ArenaTensor]] = [
        (HtmlColumn("tensor", numeric=False), lambda row: text(row.name)),
        (HtmlColumn("memory", numeric=False), lambda row: text(row.memory)),
        (HtmlColumn("offset", EXACT), lambda row: number(row.offset)),
        (HtmlColumn("size", EXACT), lambda row: octets(row.size)),
        (HtmlColumn("first layer"), lambda row: number(row.first)),
        (HtmlColumn("last layer"), lambda row: number(row.last)),
        (HtmlColumn("in place of", numeric=False), lambda row: text(row.in_place_of or "")),
    ]
    rows = sorted(network.tensors, key=lambda t: (-t.size, t.memory, t.offset, t.name))
    return cut(filled("tensors", "Computed tensors", rows, columns, sorted_by=3))
