"""What C asks of a configuration, and its answers.

C asks two questions: what a block is (once per block) and what a stretch of it costs from a
pipeline state (once per stretch, state and outcome of its probes); schedules.py has the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from simcore.core.callbacks import answers_c
from simcore.core.defined import DefinedBlock, Schedules, StateNumbers
from simcore.core.extension import NO_FUNCTION, ffi, lib
from simcore.core.facts import BlockFacts, pack_block
from simcore.core.schedules import Decoder, Scheduler
from simcore.errors import UnknownInstructionError
from simcore.isa import Block, decode_block

if TYPE_CHECKING:
    from simcore.elf import Function

from_buffer, unpack_schedule = ffi.from_buffer, lib.core_unpack_schedule
_NOP = bytes.fromhex("00bf")


class Answers:
    """Answers C, and keeps what was asked about: blocks and schedules in the order of C's."""

    def __init__(
        self,
        scheduler: Scheduler,
        decoder: Decoder,
        function_at: Callable[[int], Function | None],
    ) -> None:
        self.facts: list[BlockFacts] = []  # of the blocks
        self._states = StateNumbers()
        self.schedules = Schedules(scheduler, self._states)  # one per entry, as Counters.entries
        self.error: BaseException | None = None  # what a callback raised
        self.tables = {name: row for row, name in enumerate(scheduler.pipeline.extra_tables)}
        self._scheduler, self._decoder = scheduler, decoder
        self._alignment = scheduler.pipeline.alignment
        self._function_at = function_at
        self._blocks: list[DefinedBlock] = []
        self._unknown: dict[int, UnknownInstructionError] = {}  # blocks that cannot be scheduled
        self._keep: Any = None  # what C reads when a callback has returned
        self._self: Any = ffi.new_handle(self)

    @property
    def blocks(self) -> list[Block]:
        """The blocks, each decoded when more is asked of it than its accesses."""
        return cast("list[Block]", self._blocks)

    def close(self) -> None:
        """C asks no more."""
        self._self = None

    def callbacks(self) -> dict[str, Any]:
        """The fields of struct core_callbacks."""
        return {
            "self": self._self,
            "define": lib.core_py_define,
            "schedule": lib.core_py_schedule,
        }

    def define(self, address: int, place: int, code: bytes, it_state: int, out: Any) -> None:
        alignment = self._alignment
        key = (code, it_state, address % alignment, place % alignment)
        block = DefinedBlock(address, place, code, it_state, self._decoder, self._scheduler)
        facts = self._scheduler.find(key)
        if facts is None or not self._unpack(facts, address, len(code), out):
            try:
                cut = block.cut
            except UnknownInstructionError as error:
                # Only what runs has to be known: the engine may stop in front of it as well.
                self._unknown[len(self._blocks)] = error
                block.decoded = decode_block(address, _NOP)
                cut = self._scheduler.cut(block.decoded, _NOP, 0)
                facts = BlockFacts(pack_block(block.decoded, cut.stretches, self.tables))
            else:
                facts = BlockFacts(pack_block(block.decoded, cut.stretches, self.tables))
                self._scheduler.learn(key, facts)
            self._unpack(facts, address, block.decoded.size, out)
        block.facts = self._keep = facts
        function = self._function_at(address)
        out.function = function.index if function else NO_FUNCTION
        out.function_bytes = self._own_bytes(address, function, out)
        out.is_function_entry = bool(
            function and function.start == address and not function.is_piece
        )
        self.facts.append(facts)
        self._blocks.append(block)

    def _unpack(self, facts: BlockFacts, address: int, size: int, out: Any) -> bool:
        """Whether a block's facts are sound; they are in `out` then."""
        packed, tables = facts.packed, len(self.tables)
        status = lib.core_unpack_block(facts.address, len(packed), address, size, tables, out)
        return bool(status == lib.CORE_OK)

    def _own_bytes(self, address: int, function: Function | None, out: Any) -> int:
        """Bytes of a block up to where another function begins in it, 0: none does."""
        offsets, count = out.instruction_offsets, out.instructions
        if function and address + offsets[count - 1] < function.end:
            return 0
        for number in range(1, count):
            if self._function_at(address + offsets[number]) is not function:
                return int(offsets[number])
        return 0

    def schedule(self, block: int, stretch: int, state: int, variant: int, out: Any) -> None:
        if block in self._unknown:
            raise self._unknown[block]
        defined, entry, numbers = self._blocks[block], self._states.states[state], self._states
        told = defined.facts.told.get((stretch, entry, variant)) or self._scheduler.tell(
            defined.facts, defined.cut_now, stretch, entry, variant
        )
        after_next, after_taken, after_mispredict, costs = told
        self._keep = kept = from_buffer("uint32_t[]", costs)
        unpack_schedule(kept, out)
        out.after_next = numbers[after_next]
        out.after_taken = numbers[after_taken]
        out.after_mispredict = numbers[after_mispredict]
        self.schedules.add((defined, stretch, entry, variant))

    def number(self, state: int) -> int:
        """The number of one of the scheduler's states here: by first sight, whoever shares it."""
        return self._states[state]


@answers_c
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
    answers: Answers = ffi.from_handle(handle)
    answers.define(address, place, bytes(ffi.buffer(code, size)), it_state, out)
    return 0


@answers_c
def core_py_schedule(
    handle: Any, block: int, stretch: int, state: int, variant: int, out: Any
) -> int:
    """Answer core_schedule_fn: what a stretch of a block costs from a pipeline state."""
    answers: Answers = ffi.from_handle(handle)
    answers.schedule(block, stretch, state, variant, out)
    return 0
