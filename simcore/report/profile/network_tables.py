"""A network's layers and its arena as tables of the text report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.costs.network import (
    ArenaMemory,
    NetworkCosts,
    NetworkLayer,
    RunnerUse,
    Verification,
)
from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.records import dataclass
from simcore.report.page.console import Block
from simcore.report.page.names import fitted
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table
from simcore.units import count, decimal, half_width, percent, si, size

OUTPUT_NAME = 24  # characters of a tensor's name beside numbers
CAUSES_SHOWN = 2
PEAK_TENSORS = 4
UNTOLD_INPUT = "the firmware's own"


@dataclass(frozen=True, slots=True)
class LayerCosts:
    """A layer with the operation that tells its costs; ``calls`` are those that it sums,
    ``flash`` the regions of constants."""

    layer: NetworkLayer
    op: OpCosts
    calls: int
    flash: tuple[str, ...]

    @property
    def cycles(self) -> int:
        """Of one inference, the mean where there were several."""
        return round(self.op.cycles / self.calls)

    @property
    def macs(self) -> int:
        """Of one inference, or of the part of the layer that is counted."""
        return round(self.op.macs / self.calls) if self.layer.macs else 0

    @property
    def flash_bytes(self) -> int:
        """Read from where constants lie in one inference, whether a cache answered or not."""
        found = (t for name, t in self.op.traffic.items() if name in self.flash)
        return round(sum(t.read_bytes for t in found) / self.calls)


def layer_rows(profile: Profile, *, further: bool = False) -> list[LayerCosts]:
    """The layers that ran in the first inference, or in those behind it."""
    network = profile.network
    if network is None:
        return []
    rows = []
    for layer in network.layers:
        at = layer.further_op if further else layer.op
        if at is not None and at < len(profile.ops):
            op = profile.ops[at]
            rows.append(LayerCosts(layer, op, max(op.invocations, 1), network.constants_in))
    return rows


def network_head(network: NetworkCosts) -> Text:
    """What was run, whose kernels were timed, and whether the outputs are right."""
    text = Text(f"Kernels: {network.kernels}.\nInput: {network.input}")
    if network.inferences > 1:
        text.append(f"; {network.inferences:,} inferences")
    text.append(".")
    if network.enlarged:
        text.append(f"\nDoes not fit; timed with {', '.join(network.enlarged)}.", "yellow")
    return _with_verified(text, network.verification)


def runner_head(runner: RunnerUse) -> Text:
    """The same of a network that a firmware of the user ran."""
    text = Text(f"{runner_kernels(runner)}\nInput: {runner.input or UNTOLD_INPUT}.")
    if runner.unseen is not None:
        text.append(f"\n{runner.unseen}.", "bold red")
    return _with_verified(text, runner.verification)


def runner_kernels(runner: RunnerUse) -> str:
    """Whose kernels were timed, and where the network stands in their firmware."""
    room = size(runner.room_bytes)
    return (
        f"Kernels: those of {runner.name}; the network's {size(runner.model_bytes)} stand in its"
        f" array {runner.array} ({room})."
    )


def _with_verified(text: Text, found: Verification | None) -> Text:
    return text if found is None else text.append("\n").append_text(verified_line(found))


def verified_line(found: Verification) -> Text:
    """A line on outputs beside those of another runtime."""
    if found.refused is not None:
        return Text(f"Outputs are not compared: {found.refused}.", "bold red")
    if found.is_equal:
        near = f" within {found.allowed_difference:.2g}" if found.largest_difference else ""
        return Text(f"Outputs equal those of {found.reference}{near} ({found.elements:,} values).")
    return Text(
        f"Outputs differ from those of {found.reference}: {found.differing:,} of"
        f" {found.elements:,} values, by up to {found.largest_difference:g}.",
        "bold red",
    )


def network_blocks(profile: Profile, width: int, top: int | None) -> Iterator[Block]:
    """Layers of the first inference and of further ones, and the arena."""
    network = profile.network
    if network is None:
        return
    accuracy = profile.accuracy
    kinds = f"counts {accuracy.counts}, cycles {accuracy.cycles}, energy {accuracy.energy}"
    first = layer_rows(profile)
    several = " of the first inference" if network.inferences > 1 and not profile.per else ""
    yield f"Layers{several}", f"{_sum(first)}; {kinds}", build_table(_columns(first), width)
    further = layer_rows(profile, further=True)
    if further:
        note = f"{_sum(further)}, mean of {network.inferences - 1:,}; {kinds}"
        yield "Layers of further inferences", note, build_table(_columns(further), width)
    yield "Arena", "computed tensors, planned over their lives; bytes exact", _arena(network)
    rows = sorted(network.tensors, key=lambda t: (-t.size, t.memory, t.offset, t.name))[:top]
    of = "" if len(rows) == len(network.tensors) else f"top {len(rows)} of {len(network.tensors)}; "
    columns = [
        Column("tensor", [row.name for row in rows]),
        Column("memory", [row.memory for row in rows], 2),
        Column("offset", [count(row.offset) for row in rows]),
        Column("size", [size(row.size) for row in rows]),
        Column("alive", [f"#{row.first} to #{row.last}" for row in rows], 1),
        Column("in place of", [row.in_place_of or "" for row in rows], 3),
    ]
    yield "Tensors", f"{of}by size", build_table(columns, width)


def _sum(rows: Sequence[LayerCosts]) -> str:
    cycles = sum(row.cycles for row in rows)
    seconds = sum(row.op.time_s / row.calls for row in rows)
    return f"{count(cycles)} cycles, {si(seconds, 's')}"


def _columns(rows: Sequence[LayerCosts]) -> list[Column]:
    layers, ops = [row.layer for row in rows], [row.op for row in rows]
    whole = sum(row.cycles for row in rows)
    output = fitted([layer.output for layer in layers], OUTPUT_NAME)
    columns = [
        Column("layer", [f"#{layer.number} {layer.operator}" for layer in layers]),
        Column("output", output, 9),
        Column("shapes", [_shapes(layer) for layer in layers], 8),
        Column("kernel", [layer.kernel.removeprefix("op_") for layer in layers], 10),
        Column("MACs", [count(row.macs) if row.macs else "" for row in rows], 4),
        Column("params", [size(layer.param_bytes) for layer in layers], 6),
        Column("alive", [size(layer.activation_bytes) for layer in layers], 5),
        Column("cycles", [count(row.cycles) for row in rows]),
        Column("share", [percent(row.cycles, whole) for row in rows]),
        Column("cyc/MAC", [_per_mac(row) for row in rows], 1),
        Column("why", [_why(op) for op in ops], 2),
        Column("misses", [_misses(row) for row in rows], 12),
        Column("flash read", [size(row.flash_bytes) for row in rows], 11),
        Column("time", [si(row.op.time_s / row.calls, "s") for row in rows], 7),
        Column("energy", [si(row.op.energy_j / row.calls, "J") for row in rows], 3),
        Column("+/-", [half_width(op.energy_low_j, op.energy_high_j) for op in ops], 13),
        Column("J/MAC", [_joules_per_mac(row) for row in rows], 14),
    ]
    # Layers that all lack something, MACs say, leave no empty column.
    return [column for column in columns if any(column.cells)]


def _shapes(layer: NetworkLayer) -> str:
    shapes = ("x".join(map(str, shape)) or "1" for shape in (layer.input_shape, layer.output_shape))
    return " > ".join(shapes)


def _per_mac(row: LayerCosts) -> str:
    return decimal(row.cycles / row.macs) if row.macs else ""


def _joules_per_mac(row: LayerCosts) -> str:
    return si(row.op.energy_j / row.op.macs, "J") if row.macs else ""


def _why(op: OpCosts) -> str:
    """The causes that most cycles beyond issuing go to, with their shares."""
    causes = op.cycles_by_cause or {}
    waits = sorted(
        ((cycles, name) for name, cycles in causes.items() if name != "issue" and cycles),
        key=lambda row: (-row[0], row[1]),
    )
    shown = [
        f"{name.replace('_', ' ')} {percent(cycles, op.cycles, digits=0)}"
        for cycles, name in waits[:CAUSES_SHOWN]
        if cycles * 50 >= op.cycles
    ]
    return ", ".join(shown)


def _misses(row: LayerCosts) -> str:
    op = row.op
    found = op.icache_misses + op.dcache_read_misses + op.dcache_write_misses
    return count(round(found / row.calls))


def _arena(network: NetworkCosts) -> Text:
    lines = [_memory_line(network, memory) for memory in network.memories]
    beside = []
    if network.scratch_bytes:
        beside.append(f"scratch of kernels {size(network.scratch_bytes)}{_home(network)}")
    if network.variable_bytes:
        beside.append(f"state {size(network.variable_bytes)}{_home(network)}")
    where = f" in {', '.join(network.constants_in)}" if network.constants_in else ""
    beside.append(f"constants {size(network.constant_bytes)}{where}")
    other = size(network.tflm_arena_bytes)
    lines.append(f"TensorFlow Lite Micro's greedy planner, nothing in place: {other}")
    return Text("\n".join([*lines, f"Beside it: {', '.join(beside)}."]))


def _home(network: NetworkCosts) -> str:
    """Where scratch and state lie: in the first memory of the arena."""
    named = network.arena or tuple(memory.memory for memory in network.memories[:1])
    return f" in {named[0]}" if named else ""


def _memory_line(network: NetworkCosts, memory: ArenaMemory) -> str:
    layer = network.layers[memory.peak_layer]
    names = list(memory.peak_tensors[:PEAK_TENSORS])
    if len(memory.peak_tensors) > PEAK_TENSORS:
        names.append(f"{len(memory.peak_tensors) - PEAK_TENSORS} more")
    alone = len(network.layers) == 1
    otherwise = "" if alone else f", at most {size(memory.otherwise_bytes)} at any other"
    return (
        f"{memory.memory}: {size(memory.arena_bytes)} of {size(memory.room_bytes)} free"
        f" ({memory.how}); the peak of {size(memory.peak_bytes)} is #{layer.number}"
        f" {layer.operator} ({', '.join(names)}){otherwise}"
    )
