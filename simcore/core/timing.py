"""What C finds out under one configuration, and what it asks back.

C asks two questions: what a block is (once per block) and what a stretch of it costs from a
pipeline state (once per stretch, state and outcome of its probes); schedules.py has the answers.
Only this module and core.py touch the extension.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from simcore import _core
from simcore.core.counters import (
    BlockCounts,
    Counters,
    DataObject,
    EntryCounts,
    Node,
    ObjectUse,
    OpDescriptor,
    SiteCounts,
    column_names,
)
from simcore.core.enums import check_enums
from simcore.core.schedules import CutBlock, Decoder, Scheduler
from simcore.core.timeline import SAMPLES, SPANS, read_trace
from simcore.cpu_model.schema import CLASSES
from simcore.errors import CoreError, UnknownInstructionError
from simcore.isa import Access, Block, Kind, decode_block
from simcore.isa.kinds import WORD_ALIGNED

if TYPE_CHECKING:
    from simcore.core.data_objects import ObjectMap
    from simcore.elf import Function
    from simcore.pipeline import Schedule
    from simcore.run.setup import Move

ffi: Any = _core.ffi
lib: Any = _core.lib
check_enums(ffi, lib)

Item = TypeVar("Item")

_NO_FUNCTION = 0xFFFFFFFF
_NOP = bytes.fromhex("00bf")


class Timing:
    """One configuration of a core; core.py makes it. `index` is its number there."""

    def __init__(
        self,
        core: Any,
        timing: Mapping[str, Any],
        regions: Sequence[Mapping[str, int]],
        region_names: Sequence[str],
        scheduler: Scheduler,
        decoder: Decoder,
        moves: Sequence[Move],
        function_at: Callable[[int], Function | None],
    ) -> None:
        self.blocks: list[Block] = []
        self.schedules: list[Schedule] = []  # one per entry, in the order of Counters.entries
        self.error: BaseException | None = None  # what a callback raised
        self.objects: ObjectMap | None = None
        self._core = core
        self._scheduler, self._decoder = scheduler, decoder
        self._function_at = function_at
        self._region_names = tuple(region_names)
        self._cut: list[CutBlock] = []  # the blocks as they are scheduled, at their places
        self._unknown: dict[int, UnknownInstructionError] = {}  # blocks that cannot be scheduled
        self._states: list[int] = []  # the scheduler's states, by their number here
        self._numbers: dict[int, int] = {}
        self._keep: tuple[Any, ...] = ()  # what C reads when a callback has returned
        self._self = ffi.new_handle(self)
        pipeline = scheduler.pipeline
        self._tables = {name: row for row, name in enumerate(pipeline.extra_tables)}
        classes = lib.core_extra_classes()
        extra: list[int] = []
        for name in self._tables:
            row = list(pipeline.extra_cycles(name))[:classes]
            extra += row + [0] * (classes - len(row))
        # What the setup points to has to live until the call returns.
        config = ffi.new("struct timing_config *", _fields(timing))
        region = ffi.new("struct region_config[]", [dict(region) for region in regions])
        rows = ffi.new("uint32_t[]", extra)
        move = ffi.new("struct core_move[]", [(move.start, move.size, move.to) for move in moves])
        setup = {
            "config": config,
            "region": region,
            "regions": len(regions),
            "extra": rows,
            "extra_tables": len(self._tables),
            "move": move,
            "moves": len(moves),
            "reset_state": self._number(pipeline.reset_state),
            "callbacks": {
                "self": self._self,
                "define": lib.core_py_define,
                "schedule": lib.core_py_schedule,
            },
        }
        self.index = lib.core_add_timing(core, ffi.new("struct timing_setup *", setup))
        if self.index < 0:
            raise CoreError(f"the core cannot start: {status_text(self.index)}")

    def flash_wait_states(self) -> int | None:
        """The wait states that firmware wrote last to FLASH_ACR, None when it did not."""
        wait_states = int(self._info().flash_wait_states)
        return None if wait_states < 0 else wait_states

    def keep_timeline(self) -> None:
        """Keep spans and samples over time, for `counters`. Before the first run."""
        status = lib.core_trace(self._core, self.index, SPANS, SAMPLES)
        if status < 0:
            raise CoreError(f"the core cannot keep a timeline: {status_text(status)}")

    def counters(
        self, stack_top: int | None, ops: tuple[OpDescriptor, ...], ops_valid: bool
    ) -> Counters:
        """Copy the counts, which the core has settled.

        `stack_top` is the initial SP, `ops` the operations by number; `ops_valid`: their
        descriptors are those of mcusim.h. Raises CoreError for a number beyond them.
        """
        info = self._info()
        every = self._nodes(info)
        number = _ran(every)
        nodes = tuple(
            replace(node, parent=number.get(node.parent, -1))
            for index, node in enumerate(every)
            if index in number
        )
        invocations = [0] * len(ops)
        for node in nodes:
            if node.op >= len(ops):
                raise CoreError(f"the event stream has no operation {node.op}")
            if node.op >= 0:
                invocations[node.op] += node.calls
        lowest = info.stack_lowest
        used = stack_top - lowest if stack_top is not None and lowest <= stack_top else None
        objects, uses = self._uses(info)
        return Counters(
            columns=column_names(self._region_names),
            nodes=nodes,
            blocks=self._block_counts(info),
            entries=self._entries(info),
            ops=ops,
            op_invocations=tuple(invocations),
            regions=self._region_names,
            objects=objects,
            uses=uses,
            stack_high_water_bytes=used,
            warnings=self._warnings(info, ops_valid),
            trace=read_trace(ffi, lib, self._core, self.index, info.width, number),
        )

    def _info(self) -> Any:
        """Its struct timing_info."""
        info = ffi.new("struct timing_info *")
        lib.core_timing_info(self._core, self.index, info)
        return info

    def _nodes(self, info: Any) -> tuple[Node, ...]:
        nodes = ffi.new("struct node_info[]", info.nodes)
        counters = ffi.new("uint64_t[]", info.nodes * info.width)
        lib.core_nodes(self._core, self.index, nodes, counters)
        vectors = _slices(ffi.unpack(counters, len(counters)), [info.width] * info.nodes)
        return tuple(
            Node(
                parent=node.parent,
                function=function_index(node.function),
                op=node.op,
                call_site=node.call_site,
                calls=node.calls,
                vector=vector,
            )
            for node, vector in zip(nodes, vectors, strict=True)
        )

    def _block_counts(self, info: Any) -> tuple[BlockCounts, ...]:
        blocks = ffi.new("struct block_info[]", info.blocks)
        sites = ffi.new("struct site_info[]", info.sites)
        skipped = ffi.new("uint64_t[]", info.instructions)
        lib.core_blocks(self._core, self.index, blocks, sites, skipped)
        counts = [SiteCounts(site.executions, site.misses, site.stall_cycles) for site in sites]
        sites_of = _slices(counts, [len(block.accesses) for block in self.blocks])
        skipped_of = _slices(
            ffi.unpack(skipped, len(skipped)), [len(block.instructions) for block in self.blocks]
        )
        return tuple(
            BlockCounts(
                address=block.address,
                size=block.size,
                executions=block.executions,
                fetch_stall_cycles=block.fetch_stall_cycles,
                branch_stall_cycles=block.branch_stall_cycles,
                execute_stall_cycles=block.execute_stall_cycles,
                barrier_stall_cycles=block.barrier_stall_cycles,
                icache_misses=block.icache_misses,
                mispredicts=block.mispredicts,
                sites=own_sites,
                skipped=own_skipped,
            )
            for block, own_sites, own_skipped in zip(blocks, sites_of, skipped_of, strict=True)
        )

    def _entries(self, info: Any) -> tuple[EntryCounts, ...]:
        entries = ffi.new("struct schedule_info[]", info.schedules)
        lib.core_schedules(self._core, self.index, entries)
        return tuple(
            EntryCounts(e.block, e.state, e.variant, e.executions, e.stretch) for e in entries
        )

    def _uses(self, info: Any) -> tuple[tuple[DataObject, ...], tuple[ObjectUse, ...]]:
        """Uses per object; what lies in no object counts for an object of its region's name."""
        known = self.objects.objects if self.objects else ()
        ranges = self.objects.ranges if self.objects else ()
        objects, rest = list(known), dict[int, int]()
        found = ffi.new("struct use_info[]", info.uses)
        lib.core_uses(self._core, self.index, found)
        uses = []
        for use in found:
            if not use.counts.executions:
                continue  # before counting began
            if use.object & lib.OBJECT_IN_REGION:
                region = use.object & ~lib.OBJECT_IN_REGION
                if region not in rest:
                    rest[region] = len(objects)
                    names = self._region_names
                    name = names[region] if region < len(names) else "(no region)"
                    objects.append(DataObject(name, "region"))
                touched = rest[region]
            else:
                touched = ranges[use.object][2]
            counts = use.counts
            uses.append(
                ObjectUse(
                    block=use.block,
                    access=use.access,
                    object=touched,
                    executions=counts.executions,
                    misses=counts.misses,
                    stall_cycles=counts.stall_cycles,
                )
            )
        return tuple(objects), tuple(uses)

    def _warnings(self, info: Any, ops_valid: bool) -> tuple[str, ...]:
        warnings = []
        if not ops_valid:
            warnings.append(
                "an operation descriptor is not that of this mcusim.h, so that its name and counts"
                " are unknown: initialize it with MCUSIM_OP()"
            )
        if count := info.unbalanced_ops:
            warnings.append(f"mcusim_op_begin and mcusim_op_end do not pair {count} times")
        if count := info.lost_frames:
            warnings.append(f"the call tree left out {count} calls that went too deep")
        if count := info.unmatched_records:
            warnings.append(
                f"{count} block executions had accesses that their code does not explain"
            )
        return tuple(warnings)

    # --- callbacks ---

    def _define(self, address: int, place: int, code: bytes, it_state: int, out: Any) -> None:
        block = self._decoder.decode(address, code, it_state)
        if isinstance(block, UnknownInstructionError):
            # Only what runs has to be known: the engine may stop in front of it as well.
            self._unknown[len(self.blocks)] = block
            block = decode_block(address, _NOP)
        placed = block
        if (place - address) % self._scheduler.pipeline.alignment:
            found = self._decoder.decode(place, code, it_state)
            placed = block if isinstance(found, UnknownInstructionError) else found
        function = self._function_at(address)
        new = ffi.new
        counters = new(
            "uint64_t[]",
            [
                len(block.instructions),
                *(block.class_counts.get(name, 0) for name in CLASSES),
                sum(block.macs),
            ],
        )
        offsets = new("uint16_t[]", [i.address - address for i in block.instructions])
        predicated = new("uint8_t[]", [i.predicated for i in block.instructions])
        accesses = new(
            "struct access_static[]",
            [
                (a.instruction, a.size, a.is_write, a.predicated, *_exclusive_and_mask(block, a))
                for a in block.accesses
            ],
        )
        probes = new("struct probe_static[]", [(p.kind, p.a, p.b) for p in block.probes])
        notes = new(
            "struct note_static[]",
            [
                (n.instruction, self._tables[n.table])
                for n in block.notes
                if n.table in self._tables
            ],
        )
        barriers = new(
            "struct barrier_static[]",
            [(b.instruction, b.access, b.everything) for b in block.barriers],
        )
        cut = self._scheduler.cut(placed, code, it_state)
        stretches = new("struct stretch_static[]", list(_stretch_ends(block, cut)))
        macs = new("uint8_t[]", list(block.macs))
        out.function = function.index if function else _NO_FUNCTION
        out.is_function_entry = bool(function and function.start == address)
        out.branch = block.branch
        out.branch_predicated = block.branch_predicated
        out.branch_address = block.branch_address
        out.branch_target = block.branch_target
        out.instructions = len(block.instructions)
        out.accesses = len(block.accesses)
        out.probes = len(block.probes)
        out.notes = len(notes)
        out.barriers = len(barriers)
        out.stretches = len(stretches)
        out.instruction_offsets = offsets
        out.instruction_predicated = predicated
        out.access = accesses
        out.probe = probes
        out.note = notes
        out.barrier = barriers
        out.stretch = stretches
        out.stack_access = block.stack_access
        out.stack_low = block.stack_low
        out.counters = counters
        out.macs = macs
        self._keep = (
            counters, offsets, predicated, accesses, probes, notes, barriers, stretches, macs,
        )  # fmt: skip
        self.blocks.append(block)
        self._cut.append(cut)

    def _schedule(self, block: int, stretch: int, state: int, variant: int, out: Any) -> None:
        if block in self._unknown:
            raise self._unknown[block]
        shared = self._scheduler.schedule(self._cut[block], stretch, self._states[state], variant)
        schedule = replace(
            shared,
            after_next=self._number(shared.after_next),
            after_taken=self._number(shared.after_taken),
            after_mispredict=self._number(shared.after_mispredict),
        )
        cycles = ffi.new("uint32_t[]", schedule.cycles_by_cause)
        at = schedule.access_cycles + schedule.barrier_cycles
        access_cycles = ffi.new("int16_t[]", at)
        out.cycles_by_cause = cycles
        out.dual_issues = schedule.dual_issues
        out.access_cycles = access_cycles
        out.after_next = schedule.after_next
        out.after_taken = schedule.after_taken
        out.after_mispredict = schedule.after_mispredict
        out.mispredict_cycles = schedule.mispredict_cycles
        self._keep = (cycles, access_cycles)
        self.schedules.append(schedule)

    def _number(self, state: int) -> int:
        """The number of one of the scheduler's states here: by first sight, whoever shares it."""
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
        return number

    def _fail(self, error: BaseException) -> int:
        if self.error is None:
            self.error = error
        return int(lib.CORE_ERR_CALLBACK)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def core_py_define(
    handle: Any,
    _block: int,
    address: int,
    place: int,
    code: Any,
    size: int,
    it_state: int,
    out: Any,
) -> int:
    """Answer core_define_fn: decode a block that runs for the first time."""
    timing: Timing = ffi.from_handle(handle)
    try:
        timing._define(address, place, bytes(ffi.buffer(code, size)), it_state, out)
    except BaseException as error:  # C cannot carry it; run() raises it again
        return timing._fail(error)
    return 0


@ffi.def_extern()  # type: ignore[untyped-decorator]
def core_py_schedule(
    handle: Any, block: int, stretch: int, state: int, variant: int, out: Any
) -> int:
    """Answer core_schedule_fn: what a stretch of a block costs from a pipeline state."""
    timing: Timing = ffi.from_handle(handle)
    try:
        timing._schedule(block, stretch, state, variant, out)
    except BaseException as error:  # C cannot carry it; run() raises it again
        return timing._fail(error)
    return 0


def _fields(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(v) if isinstance(v, Mapping) else v for name, v in config.items()}


def _exclusive_and_mask(block: Block, access: Access) -> tuple[int, int]:
    """The fields `exclusive` and `alignment_mask` of struct access_static."""
    facts = block.instructions[access.instruction].facts
    if facts.kind is Kind.EXCLUSIVE:
        exclusive = lib.EXCLUSIVE_STORE if access.is_write else lib.EXCLUSIVE_CHECK
        return exclusive if len(facts.accesses) == 2 else 0, access.size - 1
    return 0, 3 if facts.kind in WORD_ALIGNED else 0


def _stretch_ends(block: Block, cut: CutBlock) -> Iterator[tuple[int, int, int]]:
    """The fields of struct stretch_static: probes, then accesses and barriers up to its end."""
    accesses = [access.instruction for access in block.accesses]
    barriers = [barrier.instruction for barrier in block.barriers]
    for stretch in cut.stretches:
        end = stretch.first + len(stretch.instructions)
        yield stretch.probes, bisect_left(accesses, end), bisect_left(barriers, end)


def _ran(nodes: Sequence[Node]) -> dict[int, int]:
    """New numbers, by old, of the nodes in which something was counted, and of those above them.

    Only where counting began late are there others.
    """
    ran = [bool(node.calls) or any(node.vector) for node in nodes]
    ran[0] = True
    for index in range(len(nodes) - 1, 0, -1):
        if ran[index]:
            ran[nodes[index].parent] = True
    return {index: number for number, index in enumerate(i for i, one in enumerate(ran) if one)}


def _slices(items: Sequence[Item], lengths: Iterable[int]) -> list[tuple[Item, ...]]:
    """Items in runs of these lengths, which take all of them."""
    ends = list(accumulate(lengths, initial=0))
    return [tuple(items[begin:end]) for begin, end in pairwise(ends)]


def function_index(value: int) -> int:
    return -1 if value == _NO_FUNCTION else int(value)


def status_text(status: int) -> str:
    return str(ffi.string(lib.core_status_text(status)).decode())
