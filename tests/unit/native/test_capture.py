"""capture/: what hooks record and how a run ends, driven by an engine made of callbacks.

The engine runs a list of steps: ("block", name), ("read" or "write", address, bytes), ("device
write", address, bytes, value), ("call", function). The blocks are those of tests/rules/timing.toml.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests import native
from tests.rule_cases import read
from tests.unit.native.timed import NOP, Timed

BLOCKS = read("timing")["block"]
DTCM, SYSTEM = 0x2000_0000, 0xE000_0000
HOOK_CODE, HOOK_BLOCK, HOOK_READ, HOOK_WRITE = 4, 8, 1 << 10, 1 << 11  # unicorn.h
MEM_READ, MEM_WRITE = 16, 17
R0 = 66  # UC_ARM_REG_R0
OP_MAGIC = 0x4D43_504F
Step = tuple[Any, ...]


class Engine:
    """A core whose engine runs steps until they end or a hook stops it."""

    def __init__(self, failing: int = 0, **config: Any) -> None:
        """`failing`: the allocation of the core that fails; `config`: fields of capture_config."""
        self.timed = timed = Timed(BLOCKS)
        self.ffi, self.lib = ffi, lib = timed.ffi, timed.lib
        self.memory: dict[int, bytes] = {}  # by its first byte; the rest of the memory is NOPs
        self.r0 = 0
        self.steps: Sequence[Step] = ()
        self.hooks: dict[int, Any] = {}
        self.device: tuple[Any, Any, Any] = (None, None, None)
        self.stopped = False
        word = "uint64_t"
        self.functions = {
            "hook_add": (f"int(void *, size_t *, int, void *, void *, {word}, {word})", self.hook),
            "hook_del": ("int(void *, size_t)", lambda *_: 0),
            "emu_start": (f"int(void *, {word}, {word}, {word}, size_t)", self.start),
            "emu_stop": ("int(void *)", self.stop),
            "reg_read": ("int(void *, int, void *)", self.register),
            "mem_read": (f"int(void *, {word}, void *, {word})", self.read_memory),
            "mmio_map": (f"int(void *, {word}, {word}, void *, void *, void *, void *)", self.map),
            "ctl": ("int(void *, int)", lambda *_: 0),
            "reg_write": ("int(void *, int, void *)", lambda *_: 0),
            "reg_read_batch": ("int(void *, int *, void **, int)", lambda *_: 0),
            "reg_write_batch": ("int(void *, int *, void **, int)", lambda *_: 0),
        }
        callbacks = {name: ffi.callback(*f) for name, f in self.functions.items()}
        self._keep = callbacks
        lib.allocator_fail(failing)
        status = ffi.new("int *")
        self.core = lib.core_new(status)
        self.status = int(status[0])
        if self.core != ffi.NULL:
            table = {name: ffi.cast("void *", function) for name, function in callbacks.items()}
            fields = {"systick_divider": 1, "priority_bits": 8, **config}
            told = ffi.new("struct capture_config *", fields)
            self.status = lib.core_add_timing(self.core, timed.setup) or lib.core_attach(
                self.core, ffi.NULL, ffi.new("struct engine_functions *", table), told
            )

    def close(self) -> None:
        self.lib.core_free(self.core)
        self.timed.close()

    # --- the engine's functions ---

    def hook(self, _: Any, _number: Any, kinds: int, function: Any, user: Any, *_range: int) -> int:
        for kind in (HOOK_CODE, HOOK_BLOCK, HOOK_READ, HOOK_WRITE):
            if kinds & kind:
                self.hooks[kind] = function, user
        return 0

    def map(self, _: Any, base: int, _size: int, reads: Any, *rest: Any) -> int:
        if base == SYSTEM:
            user, writes, _ = rest
            self.device = reads, writes, user
        return 0

    def start(self, *_: Any) -> int:
        self.stopped = False
        for step in self.steps:
            self.step(*step)
            if self.stopped:
                break
        return 0

    def stop(self, _: Any) -> int:
        self.stopped = True
        return 0

    def register(self, _: Any, number: int, out: Any) -> int:
        if number == R0:
            self.ffi.cast("uint32_t *", out)[0] = self.r0
        return 0

    def read_memory(self, _: Any, address: int, out: Any, size: int) -> int:
        found = self.memory.get(address, NOP * (size // 2 + 1))[:size]
        self.ffi.memmove(out, found, len(found))
        return 0

    def step(self, what: str, *values: Any) -> None:
        ffi = self.ffi
        word = "uint64_t"
        if what == "block":
            block = BLOCKS[values[0]]
            function, user = self.hooks[HOOK_BLOCK]
            call = ffi.cast(f"void(*)(void *, {word}, uint32_t, void *)", function)
            call(ffi.NULL, block["address"], 2 * len(block["instructions"]), user)
        elif what in ("read", "write"):
            address, size = values
            function, user = self.hooks[HOOK_READ]
            call = ffi.cast(f"void(*)(void *, int, {word}, int, int64_t, void *)", function)
            call(ffi.NULL, MEM_WRITE if what == "write" else MEM_READ, address, size, 0, user)
        elif what == "device write":
            address, size, value = values
            _, function, user = self.device
            call = ffi.cast(f"void(*)(void *, {word}, unsigned, {word}, void *)", function)
            call(ffi.NULL, address - SYSTEM, size, value, user)
        else:
            values[0]()

    def run(self, *steps: Step) -> int:
        """Runs steps; the reason of the stop."""
        self.steps = steps
        return int(self.lib.core_run(self.core, 0))


@pytest.fixture
def make() -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def engine(**config: Any) -> Engine:
        made.append(Engine(**config))
        assert made[-1].status == 0
        return made[-1]

    yield engine
    for each in made:
        each.close()


Make = Callable[..., Engine]


def found(engine: Engine) -> Any:
    """struct timing_info of the run."""
    assert engine.lib.core_finish(engine.core) == 0
    info = engine.ffi.new("struct timing_info *")
    engine.lib.core_timing_info(engine.core, 0, info)
    return info


def test_blocks_and_their_accesses_reach_timing(make: Make) -> None:
    engine = make()
    ends = engine.run(("block", "start"), ("block", "load"), ("read", DTCM, 4), ("block", "load"))
    assert ends == engine.lib.STOP_ENGINE
    assert engine.lib.core_instructions(engine.core) == 9
    info = found(engine)
    assert (info.blocks, info.sites, info.unmatched_records) == (2, 1, 0)
    assert engine.timed.names == ["start", "load"]


def test_a_run_stops_in_front_of_the_block_that_would_pass_its_limit(make: Make) -> None:
    engine = make(max_instructions=8)
    assert engine.run(*[("block", "start")] * 9) == engine.lib.STOP_MAX_INSTRUCTIONS
    assert engine.lib.core_instructions(engine.core) == 6


def test_another_thread_stops_a_run_in_front_of_its_next_block(make: Make) -> None:
    engine = make()

    def ask() -> None:
        thread = threading.Thread(target=engine.lib.core_stop_request, args=(engine.core,))
        thread.start()
        thread.join()

    ends = engine.run(("block", "start"), ("call", ask), ("block", "start"), ("block", "start"))
    assert ends == engine.lib.STOP_REQUESTED
    assert engine.lib.core_instructions(engine.core) == 3


def test_code_that_was_overwritten_is_read_again(make: Make) -> None:
    engine = make()
    block = BLOCKS["start"]
    other = bytes.fromhex("c046") + NOP * 9  # MOV R8, R8
    ends = engine.run(
        ("block", "start"), ("write", block["address"] + 4, 4),
        ("call", lambda: engine.memory.update({block["address"]: other})),
        ("block", "start"), ("write", block["address"] + 64, 4), ("block", "start"),
    )  # fmt: skip
    assert ends == engine.lib.STOP_ENGINE
    assert engine.lib.core_self_modified(engine.core) == 1
    assert found(engine).blocks == 2


def test_code_that_is_written_once_more_is_the_code_of_before(make: Make) -> None:
    """Three texts in turn, four times: three definitions, and each store into them counts."""
    engine = make()
    address = BLOCKS["start"]["address"]
    texts = [bytes.fromhex(text) + NOP * 9 for text in ("00bf", "c046", "c846")]
    steps: list[Step] = []
    for text in texts * 4:
        written = {address: text}
        steps += [("call", lambda written=written: engine.memory.update(written))]
        steps += [("block", "start"), ("write", address, 2)]
    assert engine.run(*steps) == engine.lib.STOP_ENGINE
    assert engine.lib.core_self_modified(engine.core) == 12
    assert found(engine).blocks == 3


def test_past_its_limit_no_register_is_kept_and_each_use_of_others_is_told(make: Make) -> None:
    engine = make()
    lib = engine.lib
    first, most = 0x4000_0000, lib.WORDS_MAX
    for word in range(most + 3):
        assert lib.core_reset_register(engine.core, first + 4 * word, 7) == 0
    assert lib.core_register(engine.core, first + 4 * most - 4) == 7
    assert lib.core_register(engine.core, first + 4 * most) == 0
    info = engine.ffi.new("struct left_out_info *")
    lib.core_left_out(engine.core, info)
    assert (info.registers, info.clock_notes, info.code) == (3, 0, 0)


def test_markers_open_and_close_an_operation_and_are_no_blocks_of_the_stream(make: Make) -> None:
    begin, end = BLOCKS["handler"], BLOCKS["target"]
    engine = make(op_begin=begin["address"], op_begin_size=4, op_end=end["address"], op_end_size=2)
    engine.r0 = DTCM
    words = [OP_MAGIC, DTCM + 0x100, DTCM + 0x200, 0, 7, 0, 8, 0, 9, 10]
    engine.memory[DTCM] = b"".join(word.to_bytes(4, "little") for word in words)
    engine.memory |= {DTCM + 0x100: b"conv\0x", DTCM + 0x200: b"k" * 200}
    for _ in range(2):
        engine.run(("block", "handler"), ("read", DTCM, 4), ("block", "start"), ("block", "target"))
    assert engine.lib.core_instructions(engine.core) == 6
    assert found(engine).lost_ends.count == 0
    assert engine.lib.core_op_count(engine.core) == 1
    op = engine.ffi.new("struct op_info *")
    engine.lib.core_ops(engine.core, op)
    assert engine.ffi.string(op.name) == b"conv"
    assert engine.ffi.string(op.kind) == b"k" * (engine.lib.OP_NAME_MAX - 1)
    assert (op.macs, op.ops, op.param_bytes, op.activation_bytes) == (7, 8, 9, 10)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [({"max_instructions": 8}, "STOP_MAX_INSTRUCTIONS"), ({"max_cycles": 4}, "STOP_CYCLES")],
)
def test_no_limit_is_escaped_inside_a_marker(
    make: Make, limit: dict[str, int], reason: str
) -> None:
    marker = BLOCKS["handler"]
    engine = make(op_begin=marker["address"], op_begin_size=4, **limit)
    halfwords = len(BLOCKS["handler"]["instructions"])
    entered: list[None] = []
    steps = ("call", lambda: entered.append(None)), ("block", "handler")
    assert engine.run(*steps * 9) == getattr(engine.lib, reason)
    assert engine.lib.core_instructions(engine.core) == 0
    assert len(entered) == 8 // halfwords + 1


def test_a_byte_of_a_system_register_changes_that_byte(make: Make) -> None:
    engine = make()
    lib = engine.lib
    address = lib.REG_SHPR3
    steps = ("device write", address, 4, 0x1234_5678), ("device write", address + 3, 1, 0xAB)
    engine.run(("block", "start"), *steps, ("device write", address, 2, 0xCDEF))
    assert lib.core_system_register(engine.core, address) == 0xAB34_CDEF


def test_a_byte_written_to_systick_leaves_its_countflag(make: Make) -> None:
    engine = make()
    lib, csr = engine.lib, engine.lib.REG_SYST_CSR
    engine.run(
        ("block", "start"), ("device write", lib.REG_SYST_RVR, 4, 4), ("device write", csr, 4, 5),
        ("block", "start"), ("block", "start"), ("device write", csr, 1, 5),
    )  # fmt: skip
    assert lib.core_system_register(engine.core, csr) == 0x1_0005


def test_many_words_of_peripherals_are_told_each_in_its_bits(make: Make) -> None:
    engine = make()
    lib = engine.lib
    words = range(0x4000_0000, 0x4000_4000, 4)  # the table grows some times
    for word in words:
        assert lib.core_reset_register(engine.core, word, ~word & 0xFFFF_FFFF) == 0
        assert lib.core_tell_register(engine.core, word, word, 0xFF) == 0
    expected = [(~word & 0xFFFF_FF00) | (word & 0xFF) for word in words]
    assert [lib.core_register(engine.core, word) for word in words] == expected
    assert lib.core_register(engine.core, 0x5000_0000) == 0
    assert lib.core_peripheral_count(engine.core) == 0  # none was used


def test_a_capture_survives_each_allocation_that_fails() -> None:
    address = BLOCKS["start"]["address"]
    steps: list[Step] = [("block", name) for name in BLOCKS]
    steps += [("write", address, 4), ("block", "start")]
    _, lib = native.load()
    gc.collect()  # what other tests left would be freed between two counts
    nth, reached = 0, True
    while reached:
        nth += 1
        before = lib.allocator_alive()
        engine = Engine(failing=nth)
        status = engine.status
        for word in range(0x4000_0000, 0x4000_0000 + 4 * 300, 4):
            status = status or lib.core_tell_register(engine.core, word, 0, 1)
        if status == lib.CORE_OK:
            ends = engine.run(*steps)
            if ends == lib.STOP_ERROR:
                status = lib.core_run_status(engine.core)
            else:
                status = lib.core_finish(engine.core)
        reached = lib.allocator_calls() >= nth
        lib.allocator_fail(0)
        engine.close()
        assert lib.allocator_alive() == before, f"allocation {nth} failed and others are lost"
        assert status == (lib.CORE_ERR_MEMORY if reached else lib.CORE_OK), nth
    assert nth > 20
