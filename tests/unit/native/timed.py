"""A configuration of the C core that times made-up blocks, which it is told of by tables.

A block is a table of tests/rules/timing.toml; its instructions have two bytes each:

    address, instructions   "." always runs, "p" in an IT block
    accesses                [instruction, what, bytes]: load, store, check or exclusive (a STREX),
                            and double (a load that has to be aligned to 4 bytes)
    branch, target          how it ends (enum branch_kind) and where to; target 0: not known
    function, entry         index of its function; entry false: it does not begin it
    starts                  instructions at which the functions behind that one begin
    macs                    of each instruction
    notes                   [instruction, table of extra cycles]
    barriers                [instruction, access behind it], of a DMB a 0 as third
    probes                  [kind, access, access]
    stretches               [probes, accesses up to its end, barriers up to its end] of each; one
                            for all when there are none
    stack                   [access, bytes of its address from SP at the block's entry]
    moves                   [instruction, kind, bytes, access, offset] of what changes SP
    facts                   fields of struct block_static that are to be what they should not
    schedules               tables of stretch, state, variant (default 0), cycles by cause, at
                            (cycle of each access and then of each barrier), next, taken, mispredict
                            (states behind it), penalty (cycles of a mispredict)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from tests import native
from tests.reference_cache import CacheShape
from tests.reference_config import Caches, Config, Kind, Policy, Region

Table = Mapping[str, Any]
HALFWORD = 2  # bytes of every instruction
NOP = bytes.fromhex("00bf")
NO_CACHE = CacheShape(0, 0)
#: TCM that costs nothing, and SRAM and flash that cost so that every access shows.
REGIONS = (
    Region(0x0000_0000, 0x1_0000, Kind.ITCM, never_cached=1),
    Region(0x2000_0000, 0x1_0000, Kind.DTCM, never_cached=1),
    Region(0x2002_0000, 0x1_0000, Kind.SRAM, bank_of=1, read_cycles=10, write_cycles=9),
    Region(0x0800_0000, 0x1_0000, Kind.FLASH, Policy.WRITE_THROUGH, bank_of=2, read_cycles=5),
)
CONFIG = Config(NO_CACHE, NO_CACHE, caches=Caches.AUTO, btac_entries=0, return_stack_entries=2)
COSTS = {  # fields of struct timing_config that only timing.c reads
    "static_taken_cycles": 2,
    "indirect_mispredict_cycles": 7,
    "exception_entry_cycles": 12,
    "exception_return_cycles": 10,
    "exception_chain_cycles": 6,
    "exception_fp_cycles": 17,
}


class Timed:
    """struct timing with a stream that holds the definitions of its blocks. Close it."""

    def __init__(
        self,
        blocks: Mapping[str, Table],
        config: Table | None = None,
        moves: Sequence[Sequence[int]] = (),
        extra: Sequence[Sequence[int]] = (),
    ) -> None:
        self.ffi, self.lib = ffi, lib = native.load()
        self.blocks = blocks
        self.asked: list[str] = []  # what C asked for: a block, or a schedule of one
        self.names: list[str] = []  # of C's blocks, by number; a piece has the name of the whole
        self.error: BaseException | None = None
        self._first: list[int] = []
        self._keep: list[Any] = []
        self.stream = ffi.new("struct stream *")
        lib.stream_init(self.stream, ffi.new("struct sink *")[0])
        self.ids = {}
        for name, block in blocks.items():
            code = NOP * len(block["instructions"])
            self.ids[name] = lib.stream_define(self.stream, block["address"], code, len(code), 0)
        lib.stream_flush(self.stream)  # the sink may look at them from now on
        self._define = ffi.callback("core_define_fn *", self.define, error=lib.CORE_ERR_CALLBACK)
        self._schedule = ffi.callback(
            "core_schedule_fn *", self.schedule, error=lib.CORE_ERR_CALLBACK
        )
        self.setup = self._setup(config or {}, moves, extra)
        self.t = ffi.new("struct timing *")
        self.status = int(lib.timing_init(self.t, self.setup, self.stream))

    def close(self) -> None:
        self.lib.timing_free(self.t)
        self.lib.stream_free(self.stream)

    def _setup(self, config: Table, moves: Any, extra: Any) -> Any:
        known = {field.name for field in fields(Config)}
        of_rules = {name: value for name, value in config.items() if name in known}
        rest = {name: value for name, value in config.items() if name not in known}
        told = {**asdict(replace(CONFIG, **of_rules)), **COSTS, **rest}
        regions = [
            {f.name: int(getattr(region, f.name)) for f in fields(Region)} for region in REGIONS
        ]
        rows = [
            cycle for row in extra for cycle in [*row, *[0] * (self.lib.EXTRA_CLASSES - len(row))]
        ]
        new = self.ffi.new
        parts = {
            "config": new("struct timing_config *", told),
            "region": new("struct region_config[]", regions),
            "extra": new("uint32_t[]", rows),
            "move": new("struct core_move[]", moves),
        }
        self._keep += parts.values()
        return new(
            "struct timing_setup *",
            {
                **parts,
                "regions": len(regions),
                "extra_tables": len(extra),
                "moves": len(moves),
                "callbacks": {"define": self._define, "schedule": self._schedule},
            },
        )

    # --- what C asks ---

    def define(
        self, _: Any, number: int, address: int, place: int, code: Any, size: int, it: int, out: Any
    ) -> int:
        """core_define_fn: a block or a piece of one."""
        name = next(n for n, b in self.blocks.items() if 0 <= address - b["address"] < _bytes(b))
        assert number == len(self.names)
        block = self.blocks[name]
        first = (address - block["address"]) // HALFWORD
        count = size // HALFWORD
        self.asked.append(name)
        self.names.append(name)
        self._first.append(first)
        within = range(first, first + count)
        predicated = [block["instructions"][at] == "p" for at in within]
        accesses = [self._access(block, first, *a) for a in self._accesses(block, within)]
        macs = list(block.get("macs", [0] * len(block["instructions"])))[first : first + count]
        notes = [(at - first, table) for at, table in block.get("notes", []) if at in within]
        barriers = [
            (at - first, access, *(everything or [1]))
            for at, access, *everything in block.get("barriers", [])
            if at in within
        ]
        starts = block.get("starts", [])
        cut = next((at - first for at in starts if first < at < first + count), 0)
        is_entry = first in starts or (first == 0 and block.get("entry", True))
        kinds = native.constants("probe_kind", "PROBE_")
        probes = [(kinds[kind], a, b) for kind, a, b in block.get("probes", [])]
        everything = [(1 << 64) - 1, len(accesses), len(barriers)]
        stretches = block.get("stretches", [everything])
        stack = block.get("stack", [-1, 0])
        move_kinds = native.constants("stack_move", "STACK_")
        moves = [
            (at - first, move_kinds[kind], *rest)
            for at, kind, *rest in block.get("moves", [])
            if at in within
        ]
        ends = first + count == len(block["instructions"])
        branch = block.get("branch", "none") if ends else "none"
        counters = [0] * self.lib.COUNTER_STATIC
        counters[self.lib.COUNTER_INSTRUCTIONS] = counters[self.lib.COUNTER_ALU] = count
        counters[self.lib.COUNTER_MACS] = sum(macs)
        arrays = {
            "instruction_offsets": ("uint16_t[]", [at * HALFWORD for at in range(count)]),
            "instruction_predicated": ("uint8_t[]", predicated),
            "access": ("struct access_static[]", accesses),
            "probe": ("struct probe_static[]", probes),
            "note": ("struct note_static[]", notes),
            "barrier": ("struct barrier_static[]", barriers),
            "stretch": ("struct stretch_static[]", stretches),
            "stack_move": ("struct stack_move_static[]", moves),
            "counters": ("uint64_t[]", counters),
            "macs": ("uint8_t[]", macs),
        }
        values = {
            "function": block.get("function", 0) + sum(at <= first for at in starts),
            "function_bytes": cut * HALFWORD,
            "is_function_entry": is_entry,
            "branch": native.constants("branch_kind", "BRANCH_")[branch],
            "branch_predicated": predicated[-1],
            "branch_address": address + size - HALFWORD,
            "branch_target": block.get("target", 0),
            "instructions": count,
            "accesses": len(accesses),
            "probes": len(probes),
            "notes": len(notes),
            "barriers": len(barriers),
            "stretches": len(stretches),
            "stack_access": stack[0] if stack[0] < len(accesses) else -1,
            "stack_offset": stack[1],
            "stack_moves": len(moves),
            **block.get("facts", {}),
        }
        for field, value in values.items():
            setattr(out, field, value)
        for field, (kind, value) in arrays.items():
            array = self.ffi.new(kind, value)
            self._keep.append(array)
            setattr(out, field, array)
        return 0

    def schedule(
        self, _: Any, number: int, stretch: int, state: int, variant: int, out: Any
    ) -> int:
        """core_schedule_fn: the schedule of the block's table, cut for a piece."""
        name, first = self.names[number], self._first[number]
        self.asked.append(f"{name} {state} {variant}" + f" of stretch {stretch}" * bool(stretch))
        block = self.blocks[name]
        key = {"stretch": stretch, "state": state, "variant": variant}
        told = next(
            s for s in block.get("schedules", [{}])
            if all(s.get(name, 0) == value for name, value in key.items())
        )  # fmt: skip
        causes = native.constants("cause", "CAUSE_")
        cycles = [0] * causes.pop("count")
        for cause, at in causes.items():
            cycles[at] = told.get("cycles", {}).get(cause, 0)
        if not any(cycles):
            cycles[causes["issue"]] = len(block["instructions"]) - first
        room = len(block.get("accesses", [])) + len(block.get("barriers", []))
        at_cycles = [*told.get("at", []), *[0] * room][: room or 1]
        arrays = self.ffi.new("uint32_t[]", cycles), self.ffi.new("int16_t[]", at_cycles)
        self._keep += arrays
        out.cycles_by_cause, out.access_cycles = arrays
        out.dual_issues = told.get("dual_issues", 0)
        out.after_next, out.after_taken = told.get("next", 0), told.get("taken", 0)
        out.after_mispredict = told.get("mispredict", 0)
        out.mispredict_cycles = told.get("penalty", 0)
        return 0

    def _accesses(self, block: Table, within: range) -> list[Any]:
        return [access for access in block.get("accesses", []) if access[0] in within]

    def _access(self, block: Table, first: int, at: int, what: str, size: int = 4) -> Table:
        lib = self.lib
        exclusive = {"check": lib.EXCLUSIVE_CHECK, "exclusive": lib.EXCLUSIVE_STORE}
        return {
            "instruction": at - first,
            "size": size,
            "is_write": what in ("store", "exclusive"),
            "predicated": block["instructions"][at] == "p",
            "exclusive": exclusive.get(what, 0),
            "alignment_mask": 3 if what == "double" else 0,
        }

    # --- records ---

    def words(self, record: Table) -> list[int]:
        """A record as capture writes it.

        `run` a block with `at` addresses and `notes` [instruction, class], `partial` (bytes,
        "after" or "before" the access) and `continued`; or `system` = register with `value`,
        `op_begin`, `op_end`, `sleep` = cycles, `stack` = SP, `task` = index with `floor`,
        `exception` = return address, 0: it came back, with `frame`, `sp` (default: the frame),
        `to`, `chained`, `process` and `fp`, or `words` as they stand.
        """
        lib = self.lib
        match record:
            case {"words": words}:
                return list(words)
            case {"run": name}:
                at, notes = record.get("at", []), record.get("notes", [])
                partial = {"after": 0xFFFF_FFFF, "before": 0xFFFF_FFFE}
                ran = [partial.get(n, n) for n in [record.get("partial")] if n is not None]
                flags = (0x4000_0000 if ran else 0) | (0x2000_0000 if "continued" in record else 0)
                told = [instruction << 16 | operand for instruction, operand in notes]
                return [self.ids[name] | flags, len(at) | len(notes) << 16, *ran, *at, *told]
            case {"system": register}:
                kind, payload = lib.RECORD_SYSTEM_WRITE, [self.register(register), record["value"]]
            case {"op_begin": op}:
                kind, payload = lib.RECORD_OP_BEGIN, [op, 0x100]
            case {"op_end": _}:
                kind, payload = lib.RECORD_OP_END, []
            case {"sleep": cycles}:
                kind, payload = lib.RECORD_SLEEP, [cycles & 0xFFFF_FFFF, cycles >> 32]
            case {"exception": address}:
                event = lib.EXCEPTION_ENTERED if address else lib.EXCEPTION_LEFT
                event = lib.EXCEPTION_CHAINED if "chained" in record else event
                event |= lib.EXCEPTION_FP if "fp" in record else 0
                kind = lib.RECORD_EXCEPTION
                event |= lib.EXCEPTION_PROCESS if "process" in record else 0
                frame = record.get("frame", 0)
                payload = [event, address or record.get("to", 0), frame, record.get("sp", frame)]
            case {"stack": sp}:
                kind, payload = lib.RECORD_STACK, [sp]
            case {"task": task}:
                kind, payload = (
                    lib.RECORD_TASK,
                    [task, record.get("floor", 0), record.get("address", 1)],
                )
            case _:
                raise ValueError(f"no record: {record}")
        return [0x8000_0000 | kind << 16 | len(payload), *payload]

    def register(self, name: str) -> int:
        return int(getattr(self.lib, f"REG_{name}"))

    def consume(self, records: Sequence[Table], settles: bool = True) -> int:
        """Times records, each as often as its `times` says; the status."""
        words = [w for r in records for w in self.words(r) * r.get("times", 1)]
        status = self.lib.timing_consume(self.t, self.ffi.new("uint32_t[]", words), len(words))
        if settles:
            self.lib.timing_settle(self.t)
            self.lib.timing_settle_objects(self.t)
        return int(status)

    # --- what was found ---

    def counters(self) -> dict[str, int]:
        """The counters that are not zero, summed over all nodes; cycles as "cycles.CAUSE"."""
        found: dict[str, int] = {}
        for index in range(self.t.calls.nodes):
            for name, value in self.node_counters(index).items():
                found[name] = found.get(name, 0) + value
        return found

    def node_counters(self, index: int) -> dict[str, int]:
        """The counters of one node that are not zero."""
        vector = self.t.calls.node[index].counters
        names = native.constants("counter", "COUNTER_")
        events = {n: vector[at] for n, at in names.items() if at < self.lib.COUNTER_CYCLES}
        first = self.lib.COUNTER_CYCLES
        for cause, at in native.constants("cause", "CAUSE_").items():
            if at < self.lib.CAUSE_COUNT:
                events[f"cycles.{cause}"] = vector[first + at]
        return {name: value for name, value in events.items() if value and name != "static"}

    def nodes(self) -> list[list[Any]]:
        """[parent, function or "op N", calls, instructions] of each node but the root."""
        found = []
        for index in range(1, self.t.calls.nodes):
            info = self.t.calls.node[index].info
            op = info.op if info.op < 0 else self.t.calls.ops.row[info.op].number
            what = info.function if op < 0 else f"op {op}"
            count = self.node_counters(index).get("instructions", 0)
            found.append([info.parent, what, info.calls, count])
        return found


def _bytes(block: Table) -> int:
    return HALFWORD * len(block["instructions"])
