"""What C counted under one configuration, copied out of it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from simcore.core.counters import (
    BlockCounts,
    Context,
    DataObject,
    EntryCounts,
    Link,
    Node,
    NodeBlock,
    ObjectUse,
    SiteCounts,
    Stack,
    Transfers,
)
from simcore.core.extension import ffi, function_index, lib
from simcore.core.operations import LostEnds, OpRow, OpsFound, OpState, OpUse
from simcore.plain import filled
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.core.data_objects import ObjectMap
    from simcore.core.facts import BlockFacts
    from simcore.run.asked import AskedCalls

Item = TypeVar("Item")
Row = TypeVar("Row", bound=NamedTuple)
_INTEGERS = {"int32_t": "i", "uint32_t": "I", "uint64_t": "Q"}


@dataclass(frozen=True, slots=True)
class StaleLines:
    """Struct stale_info: how many, and the address of the first with the code that is to blame."""

    lines: int
    address: int
    code: int


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies the counts of configuration `index` of a core, which has settled them.

    `info` is its struct timing_info.
    """

    core: Any
    index: int
    info: Any

    def nodes(self) -> tuple[Node, ...]:
        nodes, counters = self._nodes()
        vectors = _slices(ffi.unpack(counters, len(counters)), [self.info.width] * self.info.nodes)
        rows = _rows(nodes, "parent", "function", "op", "call_site", "calls", "context", "state")
        return tuple(
            Node(parent, function_index(function), op, site, calls, vector, context, state)
            for (parent, function, op, site, calls, context, state), vector in zip(
                rows, vectors, strict=True
            )
        )

    def sums(self) -> tuple[int, ...]:
        """Each column summed over all nodes."""
        _, counters = self._nodes()
        rows = memoryview(ffi.buffer(counters)).cast("B").cast("Q")
        return tuple(sum(rows[column :: self.info.width]) for column in range(self.info.width))

    def _nodes(self) -> tuple[Any, Any]:
        """Struct node_info of each, and their counters, one row behind the other."""
        nodes = ffi.new("struct node_info[]", self.info.nodes)
        counters = ffi.new("uint64_t[]", self.info.nodes * self.info.width)
        lib.core_nodes(self.core, self.index, nodes, counters)
        return nodes, counters

    def block_counts(self, told: Sequence[BlockFacts]) -> tuple[BlockCounts, ...]:
        blocks, sites, skipped = self._blocks()
        counts = _named(SiteCounts, sites)
        sites_of = _slices(counts, [block.accesses for block in told])
        skipped_of = _slices(
            ffi.unpack(skipped, len(skipped)), [block.instructions for block in told]
        )
        return tuple(
            BlockCounts._make((*block, own_sites, own_skipped))
            for block, own_sites, own_skipped in zip(
                _rows(blocks, *BlockCounts._fields[:-2]), sites_of, skipped_of, strict=True
            )
        )

    def executions(self) -> list[tuple[int, int, int]]:
        """Address, bytes and executions of each block."""
        blocks, _, _ = self._blocks()
        return [(block.address, block.size, block.executions) for block in blocks]

    def _blocks(self) -> tuple[Any, Any, Any]:
        """Struct block_info of each, site_info of all their accesses, skipped of instructions."""
        blocks = ffi.new("struct block_info[]", self.info.blocks)
        sites = ffi.new("struct site_info[]", self.info.sites)
        skipped = ffi.new("uint64_t[]", self.info.instructions)
        lib.core_blocks(self.core, self.index, blocks, sites, skipped)
        return blocks, sites, skipped

    def entries(self) -> tuple[EntryCounts, ...]:
        entries = ffi.new("struct schedule_info[]", self.info.schedules)
        lib.core_schedules(self.core, self.index, entries)
        return tuple(_named(EntryCounts, entries))

    def uses(
        self, watched: ObjectMap | None, regions: Sequence[str]
    ) -> tuple[tuple[DataObject, ...], tuple[ObjectUse, ...], dict[int, int]]:
        """Objects, uses of them, and the objects' indices by C's numbers.

        What lies in no object counts for an object of its region's name.
        """
        objects = [*watched.every] if watched else []
        number: dict[int, int] = {}
        found = ffi.new("struct use_info[]", self.info.uses)
        lib.core_uses(self.core, self.index, found)
        uses = []
        in_region: int = lib.OBJECT_IN_REGION
        for use in _named(ObjectUse, found):
            if not use.executions:
                continue  # before counting began
            touched = number.get(use.object)
            if touched is None:
                touched = use.object
                if touched & in_region:
                    region = touched & ~in_region
                    name = regions[region] if region < len(regions) else "(no region)"
                    touched = len(objects)
                    objects.append(DataObject(name, "region"))
                number[use.object] = touched
            uses.append(use if touched == use.object else use._replace(object=touched))
        return tuple(objects), tuple(uses), number

    def operations(
        self, objects: Mapping[int, int], asked: tuple[AskedCalls, ...]
    ) -> OpsFound | None:
        """Operations; `objects` are indices of data objects by C's numbers."""
        info = self.info
        rows = ffi.new("struct op_row_info[]", info.op_rows)
        lib.core_op_rows(self.core, self.index, rows)
        states = ffi.new("struct op_state_info[]", info.op_states)
        lib.core_op_states(self.core, self.index, states)
        uses = ffi.new("struct op_use_info[]", info.op_uses)
        lib.core_op_uses(self.core, self.index, uses)
        lost = info.lost_ends
        if not info.op_rows and not lost.count:
            return None
        return OpsFound(
            tuple(filled(OpRow, row, callee=function_index(row.callee)) for row in rows),
            tuple(_copied(OpState, states)),
            tuple(
                replace(use, object=objects[use.object])
                for use in _copied(OpUse, uses)
                if use.object in objects
            ),
            LostEnds(lost.count, function_index(lost.function), function_index(lost.row))
            if lost.count
            else LostEnds(),
            asked,
        )

    def contexts(self) -> tuple[Context, ...]:
        found = ffi.new("struct context_info[]", self.info.contexts)
        lib.core_contexts(self.core, self.index, found)
        return tuple(
            filled(
                Context,
                one,
                task=function_index(one.task),
                function=function_index(one.function),
            )
            for one in found
        )

    def stacks(self) -> tuple[Stack, ...]:
        found = ffi.new("struct stack_info[]", self.info.stacks)
        links = ffi.new("struct link_info[]", self.info.links)
        lib.core_stacks(self.core, self.index, found, links)
        calls = [Link(function_index(one.function), one.bytes) for one in links]
        chains = _slices(calls, [one.links for one in found])
        return tuple(
            filled(Stack, one, chain=chain) for one, chain in zip(found, chains, strict=True)
        )

    def transfers(self, regions: Sequence[str]) -> tuple[Transfers, ...]:
        """What DMA moved, by region; regions without are left out."""
        found = ffi.new("struct transfer_info[]", len(regions))
        lib.core_transfers(self.core, self.index, found)
        return tuple(
            filled(Transfers, one, region=name)
            for name, one in zip(regions, found, strict=True)
            if one.read_bytes or one.write_bytes
        )

    def moved(self) -> tuple[tuple[int, int], ...]:
        """Ranges [first, end) of the program that DMA moved from or to, sorted."""
        found = ffi.new("struct moved_info[]", lib.MOVED_RANGES)
        count = lib.core_moved(self.core, self.index, found)
        return tuple((one.first, one.last + 1) for one in found[0:count])

    def node_blocks(self, nodes: Mapping[int, int]) -> tuple[NodeBlock, ...]:
        """What blocks did by node, in their order; `nodes` are the numbers, by the core's, of those
        that the counters keep."""
        found = ffi.new(
            "struct node_block_info[]", lib.core_node_block_count(self.core, self.index)
        )
        lib.core_node_block_rows(self.core, self.index, found)
        rows = [row._replace(node=nodes[row.node]) for row in _named(NodeBlock, found)]
        return tuple(sorted(rows, key=lambda row: (row.node, row.block)))

    def stale(self) -> tuple[StaleLines, ...]:
        """Lines of the D-cache that were not what memory held, in the order of enum stale."""
        found = ffi.new("struct stale_info[]", lib.STALE_KINDS)
        lib.core_stale(self.core, self.index, found)
        return tuple(_copied(StaleLines, found))


def _copied(cls: type[Item], structs: Iterable[Any]) -> list[Item]:
    """A dataclass for each struct, which has its fields by their names."""
    values = attrgetter(*vars(cls)["__match_args__"])
    return [cls(*values(struct)) for struct in structs]


def _named(cls: type[Row], structs: Any) -> list[Row]:
    """A named tuple for each struct of an array, which has its fields by their names."""
    return list(map(cls._make, _rows(structs, *cls._fields)))


def _rows(structs: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    """Of each struct of an array the fields of these names, at the speed of C."""
    layout, found = _layout(ffi.typeof(structs).item)
    rows = struct.iter_unpack(layout, ffi.buffer(structs))
    if names == found:
        return rows
    return map(itemgetter(*map(found.index, names)), rows)


def _layout(kind: Any) -> tuple[str, tuple[str, ...]]:
    """A struct of integers in the words of Python's struct, and its fields; inner ones are flat."""
    layout, end = "=", 0
    names: list[str] = []
    for name, field in kind.fields:
        if field.type.kind == "struct":
            inner, inside = _layout(field.type)
        else:
            inner, inside = f"={_INTEGERS[field.type.cname]}", (name,)
        layout += f"{field.offset - end}x{inner[1:]}"
        names += inside
        end = field.offset + ffi.sizeof(field.type)
    return f"{layout}{ffi.sizeof(kind) - end}x", tuple(names)


def _slices(items: Sequence[Item], lengths: Iterable[int]) -> list[tuple[Item, ...]]:
    """Items in runs of these lengths, which take all of them."""
    ends = list(accumulate(lengths, initial=0))
    return [tuple(items[begin:end]) for begin, end in pairwise(ends)]
