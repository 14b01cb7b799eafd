"""What C asks of a configuration, and its answers.

C asks two questions: what a block is (once per block) and what a stretch of it costs from a
pipeline state (once per stretch, state and outcome of its probes); schedules.py has the answers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from simcore.core.callbacks import answers_c
from simcore.core.extension import NO_FUNCTION, ffi, lib
from simcore.core.schedules import CutBlock, Decoder, Scheduler
from simcore.cpu_model.schema import CLASSES
from simcore.errors import UnknownInstructionError
from simcore.isa import Access, Block, Kind, decode_block
from simcore.isa.kinds import WORD_ALIGNED

if TYPE_CHECKING:
    from simcore.elf import Function
    from simcore.pipeline import Schedule

_NOP = bytes.fromhex("00bf")


class Answers:
    """Answers C, and keeps what was asked about: blocks and schedules in the order of C's."""

    def __init__(
        self,
        scheduler: Scheduler,
        decoder: Decoder,
        function_at: Callable[[int], Function | None],
    ) -> None:
        self.blocks: list[Block] = []
        self.schedules: list[Schedule] = []  # one per entry, in the order of Counters.entries
        self.error: BaseException | None = None  # what a callback raised
        self.tables = {name: row for row, name in enumerate(scheduler.pipeline.extra_tables)}
        self._scheduler, self._decoder = scheduler, decoder
        self._function_at = function_at
        self._cut: list[CutBlock] = []  # the blocks as they are scheduled, at their places
        self._unknown: dict[int, UnknownInstructionError] = {}  # blocks that cannot be scheduled
        self._states: list[int] = []  # the scheduler's states, by their number here
        self._numbers: dict[int, int] = {}
        self._keep: tuple[Any, ...] = ()  # what C reads when a callback has returned
        self._self = ffi.new_handle(self)

    def callbacks(self) -> dict[str, Any]:
        """The fields of struct core_callbacks."""
        return {
            "self": self._self,
            "define": lib.core_py_define,
            "schedule": lib.core_py_schedule,
        }

    def define(self, address: int, place: int, code: bytes, it_state: int, out: Any) -> None:
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
            [(n.instruction, self.tables[n.table]) for n in block.notes if n.table in self.tables],
        )
        barriers = new(
            "struct barrier_static[]",
            [(b.instruction, b.access, b.everything) for b in block.barriers],
        )
        moves = new(
            "struct stack_move_static[]",
            [(m.instruction, m.kind, m.bytes, m.access, m.offset) for m in block.stack_moves],
        )
        cut = self._scheduler.cut(placed, code, it_state)
        stretches = new("struct stretch_static[]", list(_stretch_ends(block, cut)))
        macs = new("uint8_t[]", list(block.macs))
        out.function = function.index if function else NO_FUNCTION
        out.function_bytes = self._own_bytes(block, function)
        out.is_function_entry = bool(
            function and function.start == address and not function.is_piece
        )
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
        out.stack_offset = block.stack_offset
        out.stack_moves = len(moves)
        out.stack_move = moves
        out.counters = counters
        out.macs = macs
        self._keep = (
            counters, offsets, predicated, accesses, probes, notes, barriers, moves, stretches,
            macs,
        )  # fmt: skip
        self.blocks.append(block)
        self._cut.append(cut)

    def _own_bytes(self, block: Block, function: Function | None) -> int:
        """Bytes of a block up to where another function begins in it, 0: none does."""
        last = block.instructions[-1].address
        if function and last < function.end:
            return 0
        for instruction in block.instructions[1:]:
            at = instruction.address
            if self._function_at(at) is not function:
                return at - block.instructions[0].address
        return 0

    def schedule(self, block: int, stretch: int, state: int, variant: int, out: Any) -> None:
        if block in self._unknown:
            raise self._unknown[block]
        shared = self._scheduler.schedule(self._cut[block], stretch, self._states[state], variant)
        schedule = shared._replace(
            after_next=self.number(shared.after_next),
            after_taken=self.number(shared.after_taken),
            after_mispredict=self.number(shared.after_mispredict),
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

    def number(self, state: int) -> int:
        """The number of one of the scheduler's states here: by first sight, whoever shares it."""
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
        return number


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
