"""What inlined functions cost: the part of a node's cost that lies inside each.

Executions of a block in a node are counted, and so are the cycles that the pipeline says for them.
What waits and branches add is known per node and per block: a node's blocks share its waits by
theirs in the whole run, and a block's cycles go to its instructions as in instructions.py. All are
whole numbers, so that a node and what was inlined into it sum to what the node costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from simcore.core.counters import CAUSES, cycle_column
from simcore.costs.instructions import InstructionSum, sum_blocks
from simcore.costs.nodes import joules
from simcore.costs.sharing import shared
from simcore.plain import Address, Amount, Count
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.core.counters import Counters, NodeBlock
    from simcore.costs.tables import CallNode, InstructionCosts
    from simcore.elf.image import InlinedCall
    from simcore.isa import Block
    from simcore.pipeline import Schedule

_ITSELF = -1  # in place of a frame: code of the function that was not inlined
_SCALE = 1 << 16  # of weights, which are whole numbers


@dataclass(frozen=True, slots=True)
class InlinedFrame:
    """A function where it was inlined."""

    name: str
    function: Count
    """Index into functions: the one that holds its code."""
    parent: Count | None = None
    """Index into frames: what it was inlined into, when that was inlined, too."""
    line: Count | None = None
    """Of the call."""


@dataclass(frozen=True, slots=True)
class InlinedRange:
    """Code that ran of a frame, what was inlined into it left out."""

    start: Address
    end: Address
    frame: Count


@dataclass(frozen=True, slots=True)
class InlinedCosts:
    """The part of a node's cost that a frame has, what was inlined into it left out."""

    node: Count
    """Index into call_tree."""
    frame: Count
    instructions: Count
    cycles: Count
    energy_j: Amount


@dataclass(frozen=True, slots=True)
class Inlines:
    """Inlined functions that ran, and what they cost."""

    frames: tuple[InlinedFrame, ...]
    """Each behind what it was inlined into."""
    ranges: tuple[InlinedRange, ...]
    """By address, apart."""
    costs: tuple[InlinedCosts, ...]
    """By node, then by frame."""


@dataclass(slots=True)
class _Part:
    """What a block has of a frame: instructions, and weights of its cycles and its energy."""

    instructions: int = 0
    cycles: int = 0
    femtojoules: int = 0


@dataclass(slots=True)
class _BlockSum:
    executions: int
    waits: int  # cycles that waits and branches add, over all nodes
    parts: dict[int, _Part]  # by frame


@dataclass(slots=True)
class _Frames:
    """Frames by function and calls."""

    found: list[InlinedFrame] = field(default_factory=list)
    _numbers: dict[tuple[int, tuple[InlinedCall, ...]], int] = field(default_factory=dict)

    def number(self, function: int, chain: tuple[InlinedCall, ...]) -> int:
        parent: int | None = None
        for depth in range(1, len(chain) + 1):
            key = function, chain[:depth]
            known = self._numbers.get(key)
            if known is None:
                known = self._numbers[key] = len(self.found)
                call = chain[depth - 1]
                self.found.append(InlinedFrame(call.name, function, parent, call.line))
            parent = known
        assert parent is not None
        return parent


def inlines(
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    call_tree: Sequence[CallNode],
    function_of: Callable[[int], int | None],
    chains: Mapping[int, tuple[InlinedCall, ...]],
    rows: Sequence[InstructionCosts],
    femtojoules: Sequence[int],
) -> Inlines | None:
    """The inlined functions of a run; None when none ran.

    ``blocks``, ``schedules`` and ``rows``, which have their energy, are those of
    :func:`instructions.instruction_costs`; ``function_of`` finds the row of the function that
    starts a block, ``chains`` has the inlined calls around the addresses that ran, ``femtojoules``
    is the energy of each node.
    """
    frames = _Frames()
    frame_of: dict[int, int] = {}
    for block, counts in zip(blocks, counters.blocks, strict=True):
        function = function_of(block.address) if counts.executions else None
        if function is not None:
            for instruction in block.instructions:
                chain = chains.get(instruction.address)
                if chain:
                    frame_of[instruction.address] = frames.number(function, chain)
    if not frame_of or not counters.node_blocks:
        return None
    sums = _block_sums(counters, blocks, schedules, frame_of, rows)
    costs = [
        cost
        for node, own in groupby(counters.node_blocks, key=attrgetter("node"))
        if call_tree[node].function is not None
        for cost in _node_costs(counters, node, list(own), sums, femtojoules[node])
    ]
    return Inlines(tuple(frames.found), tuple(_ranges(blocks, frame_of)), tuple(costs))


def _block_sums(
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    frame_of: Mapping[int, int],
    rows: Sequence[InstructionCosts],
) -> dict[int, _BlockSum]:
    """What blocks that ran have of each frame, by the block's number."""
    own: dict[int, list[InstructionSum]] = {}

    def sums_of(block: Block) -> list[InstructionSum]:
        return own.setdefault(id(block), [InstructionSum(i.text) for i in block.instructions])

    sum_blocks(counters, blocks, schedules, sums_of)
    # Of an address, over all blocks that hold it.
    spent: dict[int, tuple[int, int]] = {}
    for row in rows:
        executions, energy = spent.get(row.address, (0, 0))
        spent[row.address] = executions + row.executions, energy + row.femtojoules
    scheduled: dict[int, int] = {}
    for each in counters.node_blocks:
        scheduled[each.block] = scheduled.get(each.block, 0) + each.cycles
    found: dict[int, _BlockSum] = {}
    for number, (block, counts) in enumerate(zip(blocks, counters.blocks, strict=True)):
        if not counts.executions:
            continue
        parts: dict[int, _Part] = {}
        whole = 0
        for instruction, total in zip(block.instructions, own[id(block)], strict=True):
            part = parts.setdefault(frame_of.get(instruction.address, _ITSELF), _Part())
            cycles = sum(total.cycles)
            executions, energy = spent.get(instruction.address, (0, 0))
            part.instructions += 1
            part.cycles += cycles
            whole += cycles
            if executions:
                part.femtojoules += energy * counts.executions // executions
        waits = max(whole - scheduled.get(number, 0), 0)
        found[number] = _BlockSum(counts.executions, waits, parts)
    return found


def _node_costs(
    counters: Counters,
    node: int,
    own: Sequence[NodeBlock],
    sums: Mapping[int, _BlockSum],
    femtojoules: int,
) -> Iterator[InlinedCosts]:
    """What each frame has of a node."""
    vector = dict(zip(counters.columns, counters.nodes[node].vector, strict=True))
    cycles = sum(vector[cycle_column(cause)] for cause in CAUSES if cause != "sleep")
    known = [(each, sums[each.block]) for each in own if each.block in sums]
    waits = max(cycles - sum(each.cycles for each, _ in known), 0)
    weights = [_SCALE * of.waits * each.executions // of.executions for each, of in known]
    shares = shared(waits, weights) if any(weights) else [0] * len(known)
    instructions: dict[int, int] = {}
    spent: dict[int, int] = {}
    energy: dict[int, int] = {}
    for (each, of), share in zip(known, shares, strict=True):
        split = shared(each.cycles + share, [part.cycles for part in of.parts.values()])
        for (frame, part), part_cycles in zip(of.parts.items(), split, strict=True):
            instructions[frame] = instructions.get(frame, 0) + part.instructions * each.executions
            spent[frame] = spent.get(frame, 0) + part_cycles
            weight = part.femtojoules * each.executions // of.executions
            energy[frame] = energy.get(frame, 0) + weight
    order = sorted(instructions)
    split = shared(min(femtojoules, sum(energy.values())), [energy[frame] for frame in order])
    for frame, part_energy in zip(order, split, strict=True):
        if frame != _ITSELF:
            yield InlinedCosts(node, frame, instructions[frame], spent[frame], joules(part_energy))


def _ranges(blocks: Sequence[Block], frame_of: Mapping[int, int]) -> Iterator[InlinedRange]:
    sizes = {i.address: i.size for block in blocks for i in block.instructions}
    start = end = frame = None
    for address, found in sorted(frame_of.items()):
        if start is not None and (address != end or found != frame):
            assert end is not None
            assert frame is not None
            yield InlinedRange(start, end, frame)
            start = None
        if start is None:
            start, frame = address, found
        end = address + sizes[address]
    if start is not None and end is not None and frame is not None:
        yield InlinedRange(start, end, frame)
