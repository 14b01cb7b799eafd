"""The owner of the C core: the only module that touches the extension.

C asks two questions back: what a block is (`decode_block`, once per block) and what it costs from a
pipeline state (`Pipeline.schedule`, once per block, state and outcome of its probes). Everything a
caller gets is a copy. Method and ownership are described in native/core.h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from simcore import _core
from simcore.counters import (
    CAUSES,
    EVENT_COLUMNS,
    REGION_COUNTERS,
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
from simcore.errors import CoreError, UnknownInstructionError
from simcore.isa import Access, Block, Kind, decode_block
from simcore.isa.kinds import WORD_ALIGNED

if TYPE_CHECKING:
    from simcore.data_objects import ObjectMap
    from simcore.elf import Function
    from simcore.pipeline import Pipeline, Schedule

ffi: Any = _core.ffi
lib: Any = _core.lib

_NO_FUNCTION = 0xFFFFFFFF
_NOP = bytes.fromhex("00bf")
_STATIC_COUNTERS = EVENT_COLUMNS[: lib.COUNTER_STATIC]
_CLASSES = _STATIC_COUNTERS[1:-1]  # between "instructions" and "macs"


class Stop(IntEnum):
    """Why a run stopped; the numbers of enum core_stop."""

    NONE = 0
    MAX_INSTRUCTIONS = 1
    REQUESTED = 2
    FAULT = 3
    ERROR = 4
    ENGINE = 5
    EXCEPTION = 6


class FaultKind(IntEnum):
    """The numbers of enum fault_kind."""

    NONE = 0
    READ_UNMAPPED = 1
    WRITE_UNMAPPED = 2
    FETCH_UNMAPPED = 3
    READ_PROTECTED = 4
    WRITE_PROTECTED = 5
    FETCH_PROTECTED = 6
    PERIPHERAL = 7
    DIVIDE_BY_ZERO = 8
    UNALIGNED = 9
    STACK_OVERFLOW = 10


@dataclass(frozen=True, slots=True)
class CoreFault:
    """What the core saw of a fault; addresses and size in bytes."""

    kind: FaultKind
    address: int
    pc: int
    size: int


@dataclass(frozen=True, slots=True)
class PeripheralUse:
    """Accesses to one peripheral register that is not modelled."""

    address: int
    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """The fields of struct capture_config; see core.h."""

    max_instructions: int = 0
    op_begin: int = 0
    op_begin_size: int = 0
    op_end: int = 0
    op_end_size: int = 0
    storage: tuple[int, ...] = ()
    systick_divider: int = 8
    cpuid: int = 0x411FC271
    strict: bool = False


#: Functions of the Unicorn library whose addresses `Core.attach` needs: struct engine_functions.
ENGINE_FUNCTIONS = (
    "hook_add", "hook_del", "emu_start", "emu_stop", "reg_read", "reg_write", "mem_read",
    "mmio_map", "ctl",
)  # fmt: skip


def _check_names() -> None:
    """Compare the names of counters.py with those of core.c. Raises CoreError when they differ."""

    def names(function: Callable[[int], Any]) -> tuple[str, ...]:
        found: list[str] = []
        while (name := function(len(found))) != ffi.NULL:
            found.append(ffi.string(name).decode())
        return tuple(found)

    if (
        names(lib.core_counter_name) != EVENT_COLUMNS
        or names(lib.core_cause_name) != CAUSES
        or names(lib.core_region_counter_name) != REGION_COUNTERS
    ):
        raise CoreError("the C extension does not fit simcore/counters.py; build mcusim again")


class Core:
    """One event stream under one configuration.

    `timing` holds the fields of struct timing_config, `regions` those of struct region_config, and
    `region_names` names the latter. `function_at` finds the function that holds an address.
    Raises CoreError when the core refuses the configuration.
    """

    def __init__(
        self,
        timing: Mapping[str, Any],
        regions: Sequence[Mapping[str, int]],
        region_names: Sequence[str],
        pipeline: Pipeline,
        function_at: Callable[[int], Function | None],
    ) -> None:
        _check_names()
        self.blocks: list[Block] = []
        self.schedules: list[Schedule] = []  # one per entry, in the order of Counters.entries
        self._pipeline = pipeline
        self._function_at = function_at
        self._region_names = tuple(region_names)
        self._objects: ObjectMap | None = None
        self._error: BaseException | None = None
        self._unknown: dict[int, UnknownInstructionError] = {}  # blocks that cannot be scheduled
        self._keep: tuple[Any, ...] = ()  # what C reads when a callback has returned
        self._self = ffi.new_handle(self)
        self._tables = {name: row for row, name in enumerate(pipeline.extra_tables)}
        self._timing = timing
        classes = lib.core_extra_classes()
        extra: list[int] = []
        for name in self._tables:
            row = list(pipeline.extra_cycles(name))[:classes]
            extra += row + [0] * (classes - len(row))
        status = ffi.new("int *")
        self._core = lib.core_new(
            ffi.new("struct timing_config *", _fields(timing)),
            ffi.new("struct region_config[]", [dict(region) for region in regions]),
            len(regions),
            ffi.new("uint32_t[]", extra or [0]),
            len(self._tables),
            pipeline.reset_state,
            self._self,
            lib.core_py_define,
            lib.core_py_schedule,
            status,
        )
        if self._core == ffi.NULL:
            raise CoreError(f"the core cannot start: {_status_text(status[0])}")

    # --- set-up ---

    def attach(self, engine: int, functions: Mapping[str, int], options: CaptureOptions) -> None:
        """Hook a Unicorn engine (its address) that has not run yet and map its peripherals.

        `functions` gives the addresses of ENGINE_FUNCTIONS. Raises CoreError.
        """
        caches = {
            f"{side}_{field}": self._timing[side][name]
            for side in ("icache", "dcache")
            for field, name in (("bytes", "size"), ("ways", "ways"))
        }
        config = {
            "max_instructions": options.max_instructions,
            "op_begin": options.op_begin,
            "op_begin_size": options.op_begin_size,
            "op_end": options.op_end,
            "op_end_size": options.op_end_size,
            "storage": list(options.storage),
            "storages": len(options.storage),
            "systick_divider": options.systick_divider,
            "cpuid": options.cpuid,
            "strict": options.strict,
            "clock_hz": self._timing["clock_hz"],
            **caches,
        }
        table = ffi.new(
            "struct engine_functions *",
            {name: ffi.cast("void *", functions[name]) for name in ENGINE_FUNCTIONS},
        )
        self._check(
            lib.core_attach(
                self._core,
                ffi.cast("void *", engine),
                table,
                ffi.new("struct capture_config *", config),
            )
        )

    def watch_stack(self, top: int, floor: int) -> None:
        """Tell where the stack starts and the lowest address of its region."""
        lib.core_watch_stack(self._core, top, floor)

    def watch_objects(self, objects: ObjectMap) -> None:
        """Count uses per data object, besides those per region. Before the first run."""
        self._objects = objects
        ranges = [(base, size) for base, size, _ in objects.ranges]
        self._check(
            lib.core_objects(self._core, ffi.new("struct object_range[]", ranges), len(ranges))
        )

    def close(self) -> None:
        """Free the core. The engine has to be gone before; later calls do nothing."""
        if self._core != ffi.NULL:
            lib.core_free(self._core)
            self._core = ffi.NULL

    # --- running ---

    def run(self, pc: int) -> Stop:
        """Run from `pc` until something stops it.

        Raises what the decoder or the pipeline raised, or CoreError.
        """
        stop = Stop(lib.core_run(self._core, pc))
        self._raise_callback_error()
        if stop is Stop.ERROR:
            self._check(lib.core_run_status(self._core))
        return stop

    def stop_request(self) -> None:
        """Ask a run to stop in front of its next block; from any thread."""
        lib.core_stop_request(self._core)

    def engine_error(self) -> int:
        """The uc_err with which the engine returned last."""
        return int(lib.core_engine_error(self._core))

    def fault(self) -> CoreFault | None:
        """The fault that stopped the run, if one did."""
        info = ffi.new("struct fault_info *")
        lib.core_fault(self._core, info)
        if info.kind == FaultKind.NONE:
            return None
        return CoreFault(FaultKind(info.kind), info.address, info.pc, info.size)

    def instructions(self) -> int:
        """Instructions captured so far; from any thread."""
        return int(lib.core_instructions(self._core))

    def now(self) -> int:
        """Modelled core cycles up to and with the last instruction."""
        cycles = int(lib.core_now(self._core))
        self._raise_callback_error()
        return cycles

    def sleep(self, cycles: int) -> None:
        """Let the core sleep for some cycles behind a WFI or WFE."""
        self._check(lib.core_sleep(self._core, cycles))

    def cycles_to_tick(self) -> int | None:
        """Cycles until SysTick counts to zero, None when it does not count."""
        cycles = int(lib.core_cycles_to_tick(self._core))
        return None if cycles == 0xFFFFFFFFFFFFFFFF else cycles

    def exception(self, return_address: int) -> None:
        """Hardware enters an exception handler next and will come back to `return_address`."""
        self._check(lib.core_exception(self._core, return_address))

    def exception_return(self) -> None:
        """Hardware comes back from an exception handler."""
        self._check(lib.core_exception_return(self._core))

    def pending_exception(self) -> int:
        """The number of the most urgent pending exception, 0 when there is none."""
        return int(lib.core_exception_pending(self._core))

    def exception_taken(self, number: int) -> None:
        """The program takes a pending exception."""
        lib.core_exception_taken(self._core, number)

    def exception_deferred(self) -> None:
        """The pending exception is masked: ask again some instructions later."""
        lib.core_exception_deferred(self._core)

    def system_register(self, address: int) -> int:
        """The value a firmware read of a system register would give."""
        return int(lib.core_system_register(self._core, address))

    def reset_requested(self) -> bool:
        """Whether firmware wrote AIRCR.SYSRESETREQ."""
        return bool(lib.core_reset_requested(self._core))

    def call_stack(self) -> list[tuple[int, int]]:
        """(function index or -1, address of the call) of each frame, outermost first."""
        function, site = ffi.new("uint32_t *"), ffi.new("uint32_t *")
        frames = []
        for index in range(1, lib.core_frame_count(self._core)):
            lib.core_frame(self._core, index, function, site)
            frames.append((_function_index(function[0]), site[0]))
        return frames

    def peripherals(self) -> tuple[PeripheralUse, ...]:
        """The peripheral registers that firmware used, by address."""
        info = ffi.new("struct peripheral_info *")
        used = []
        for index in range(lib.core_peripheral_count(self._core)):
            lib.core_peripheral(self._core, index, info)
            used.append(PeripheralUse(info.address, info.reads, info.writes))
        return tuple(sorted(used, key=lambda use: use.address))

    def self_modified(self) -> int:
        """Stores into code that had already run."""
        return int(lib.core_self_modified(self._core))

    def flash_wait_states(self) -> int | None:
        """The wait states that firmware wrote last to FLASH_ACR, None when it did not."""
        wait_states = int(lib.core_flash_wait_states(self._core))
        return None if wait_states < 0 else wait_states

    # --- results ---

    def settle(self) -> Stop:
        """Time what is still in the stream; FAULT when the program went wrong there.

        Raises CoreError.
        """
        status = lib.core_finish(self._core)
        self._check(status)
        return Stop(status)

    def finish(self, stack_top: int | None = None) -> Counters:
        """Settle all counts and copy them. `stack_top` is the initial SP. Raises CoreError."""
        self.settle()
        nodes = self._nodes()
        ops, valid = self._ops()
        invocations = [0] * len(ops)
        for node in nodes:
            if node.op >= 0:
                invocations[node.op] += node.calls
        lowest = lib.core_stack_lowest(self._core)
        used = stack_top - lowest if stack_top is not None and lowest <= stack_top else None
        objects, uses = self._uses()
        return Counters(
            columns=column_names(self._region_names),
            nodes=nodes,
            blocks=self._block_counts(),
            entries=self._entries(),
            ops=ops,
            op_invocations=tuple(invocations),
            regions=self._region_names,
            objects=objects,
            uses=uses,
            stack_high_water_bytes=used,
            warnings=self._warnings(valid),
        )

    def _nodes(self) -> tuple[Node, ...]:
        info = ffi.new("struct node_info *")
        width = lib.core_counter_width(self._core)
        vector = ffi.new("uint64_t[]", width)
        nodes = []
        for index in range(lib.core_node_count(self._core)):
            lib.core_node(self._core, index, info, vector)
            nodes.append(
                Node(
                    parent=info.parent,
                    function=_function_index(info.function),
                    op=info.op,
                    call_site=info.call_site,
                    calls=info.calls,
                    vector=tuple(ffi.unpack(vector, width)),
                )
            )
        return tuple(nodes)

    def _block_counts(self) -> tuple[BlockCounts, ...]:
        info = ffi.new("struct block_info *")
        counts = []
        for index, block in enumerate(self.blocks):
            lib.core_block(self._core, index, info)
            sites = ffi.new("struct site_info[]", len(block.accesses) + 1)
            skipped = ffi.new("uint64_t[]", len(block.instructions))
            lib.core_block_sites(self._core, index, sites, skipped)
            counts.append(
                BlockCounts(
                    address=info.address,
                    size=info.size,
                    executions=info.executions,
                    fetch_stall_cycles=info.fetch_stall_cycles,
                    branch_stall_cycles=info.branch_stall_cycles,
                    execute_stall_cycles=info.execute_stall_cycles,
                    icache_misses=info.icache_misses,
                    mispredicts=info.mispredicts,
                    sites=tuple(
                        SiteCounts(site.executions, site.misses, site.stall_cycles)
                        for site in sites[0 : len(block.accesses)]
                    ),
                    skipped=tuple(ffi.unpack(skipped, len(block.instructions))),
                )
            )
        return tuple(counts)

    def _entries(self) -> tuple[EntryCounts, ...]:
        info = ffi.new("struct entry_info *")
        entries = []
        for index in range(lib.core_entry_count(self._core)):
            lib.core_entry(self._core, index, info)
            entries.append(EntryCounts(info.block, info.state, info.variant, info.executions))
        return tuple(entries)

    def _uses(self) -> tuple[tuple[DataObject, ...], tuple[ObjectUse, ...]]:
        """Uses per object; what lies in no object counts for an object of its region's name."""
        known = self._objects.objects if self._objects else ()
        ranges = self._objects.ranges if self._objects else ()
        objects, rest = list(known), dict[int, int]()
        info = ffi.new("struct use_info *")
        uses = []
        for index in range(lib.core_use_count(self._core)):
            lib.core_use(self._core, index, info)
            if info.object & lib.OBJECT_IN_REGION:
                region = info.object & ~lib.OBJECT_IN_REGION
                if region not in rest:
                    rest[region] = len(objects)
                    names = self._region_names
                    name = names[region] if region < len(names) else "(no region)"
                    objects.append(DataObject(name, "region"))
                touched = rest[region]
            else:
                touched = ranges[info.object][2]
            counts = info.counts
            uses.append(
                ObjectUse(
                    block=info.block,
                    access=info.access,
                    object=touched,
                    executions=counts.executions,
                    misses=counts.misses,
                    stall_cycles=counts.stall_cycles,
                )
            )
        return tuple(objects), tuple(uses)

    def _ops(self) -> tuple[tuple[OpDescriptor, ...], bool]:
        info = ffi.new("struct op_info *")
        ops, valid = [], True
        for index in range(lib.core_op_count(self._core)):
            lib.core_op(self._core, index, info)
            valid = valid and bool(info.valid)
            ops.append(
                OpDescriptor(
                    name=_text(info.name) or f"op@{info.descriptor:#010x}",
                    kind=_text(info.kind) or "unknown",
                    macs=info.macs,
                    ops=info.ops,
                    param_bytes=info.param_bytes,
                    activation_bytes=info.activation_bytes,
                )
            )
        return tuple(ops), valid

    def _warnings(self, ops_valid: bool) -> tuple[str, ...]:
        warnings = []
        if not ops_valid:
            warnings.append(
                "an operation descriptor is not that of this mcusim.h;"
                " its name and counts are unknown"
            )
        if count := lib.core_unbalanced_ops(self._core):
            warnings.append(f"mcusim_op_begin and mcusim_op_end do not pair {count} times")
        if count := lib.core_lost_frames(self._core):
            warnings.append(f"the call tree left out {count} calls that went too deep")
        if count := lib.core_unmatched_records(self._core):
            warnings.append(
                f"{count} block executions had accesses that their code does not explain"
            )
        return tuple(warnings)

    # --- callbacks ---

    def _define(self, address: int, code: bytes, it_state: int, out: Any) -> None:
        try:
            block = decode_block(address, code, it_state)
        except UnknownInstructionError as error:
            # Only what runs has to be known: the engine may stop in front of it as well.
            self._unknown[len(self.blocks)] = error
            block = decode_block(address, _NOP)
        function = self._function_at(address)
        new = ffi.new
        counters = new(
            "uint64_t[]",
            [
                len(block.instructions),
                *(block.class_counts.get(name, 0) for name in _CLASSES),
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
        out.instruction_offsets = offsets
        out.instruction_predicated = predicated
        out.access = accesses
        out.probe = probes
        out.note = notes
        out.stack_access = block.stack_access
        out.stack_low = block.stack_low
        out.counters = counters
        out.macs = macs
        self._keep = (counters, offsets, predicated, accesses, probes, notes, macs)
        self.blocks.append(block)

    def _schedule(self, block: int, state: int, variant: int, out: Any) -> None:
        if block in self._unknown:
            raise self._unknown[block]
        schedule = self._pipeline.schedule(self.blocks[block], state, variant)
        cycles = ffi.new("uint32_t[]", schedule.cycles_by_cause)
        access_cycles = ffi.new("uint16_t[]", schedule.access_cycles)
        out.cycles_by_cause = cycles
        out.dual_issues = schedule.dual_issues
        out.access_cycles = access_cycles
        out.after_next = schedule.after_next
        out.after_taken = schedule.after_taken
        out.after_mispredict = schedule.after_mispredict
        out.mispredict_cycles = schedule.mispredict_cycles
        self._keep = (cycles, access_cycles)
        self.schedules.append(schedule)

    def _fail(self, error: BaseException) -> int:
        if self._error is None:
            self._error = error
        return int(lib.CORE_ERR_CALLBACK)

    def _raise_callback_error(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _check(self, status: int) -> None:
        self._raise_callback_error()
        if status < 0:
            raise CoreError(f"the core stopped: {_status_text(status)}")


@ffi.def_extern()  # type: ignore[untyped-decorator]
def core_py_define(
    handle: Any, _block: int, address: int, code: Any, size: int, it_state: int, out: Any
) -> int:
    """Answer core_define_fn: decode a block that runs for the first time."""
    core: Core = ffi.from_handle(handle)
    try:
        core._define(address, bytes(ffi.buffer(code, size)), it_state, out)
    except BaseException as error:  # C cannot carry it; run() raises it again
        return core._fail(error)
    return 0


@ffi.def_extern()  # type: ignore[untyped-decorator]
def core_py_schedule(handle: Any, block: int, state: int, variant: int, out: Any) -> int:
    """Answer core_schedule_fn: what a block costs from a pipeline state."""
    core: Core = ffi.from_handle(handle)
    try:
        core._schedule(block, state, variant, out)
    except BaseException as error:  # C cannot carry it; run() raises it again
        return core._fail(error)
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


def _function_index(value: int) -> int:
    return -1 if value == _NO_FUNCTION else int(value)


def _status_text(status: int) -> str:
    return str(ffi.string(lib.core_status_text(status)).decode())


def _text(field: Any) -> str:
    raw: bytes = ffi.string(field)
    return "".join(c if c.isprintable() else "?" for c in raw.decode("utf-8", "replace"))
