"""What C is told of a block and of its stretches, as bytes that hang on no address.

They are made once for all configurations and for all places of the same code; a file keeps them for
other runs.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from simcore.core.extension import ffi, lib
from simcore.cpu_model.schema import CLASSES
from simcore.isa import Access, Block, Kind
from simcore.isa.kinds import WORD_ALIGNED

if TYPE_CHECKING:
    from simcore.pipeline import Schedule
    from simcore.pipeline.stretches import Stretch

HEAD = struct.Struct("<16I")  # as in native/packed.c
INSTRUCTIONS, ACCESSES, BARRIERS, STRETCHES, MOVES = 6, 7, 10, 11, 12  # places in it
_ACCESS = struct.Struct("<HBBBBBx")  # struct access_static
_STRETCH = struct.Struct("<QII")  # struct stretch_static
_MOVE_BYTES, _COUNTER_BYTES, _OFFSET = 16, 8, struct.Struct("<H")
#: Dual issues, cycles of a mispredict, cycles by cause: core_unpack_schedule() in native/core.h.
COSTS = struct.Struct("<11I")


class Told(NamedTuple):
    """What a stretch costs from a state: the scheduler's states behind it, and the rest for C."""

    after_next: int
    after_taken: int
    after_mispredict: int
    costs: bytes


@dataclass
class BlockFacts:
    """The bytes of core_pack_block(), and what is known of the block's stretches."""

    packed: bytes
    address: Any = field(init=False, repr=False)  # of `packed`, for C
    instructions: int = field(init=False)
    accesses: int = field(init=False)
    told: dict[tuple[int, int, int], Told] = field(default_factory=dict)
    """By stretch, the scheduler's state, and variant."""
    kept: int = 0
    """Rows of it that a file has."""

    def __post_init__(self) -> None:
        self.address = ffi.from_buffer("uint8_t[]", self.packed)
        head = HEAD.unpack_from(self.packed)
        self.instructions, self.accesses = head[INSTRUCTIONS], head[ACCESSES]

    def timed(self) -> list[int]:
        """Accesses and barriers of each stretch."""
        head = HEAD.unpack_from(self.packed)
        at = HEAD.size + _COUNTER_BYTES * counters()
        found, before = [], 0
        for stretch in range(head[STRETCHES]):
            _, accesses, barriers = _STRETCH.unpack_from(self.packed, at + stretch * _STRETCH.size)
            found.append(accesses + barriers - before)
            before = accesses + barriers
        return found

    @cached_property
    def all_accesses(self) -> tuple[Access, ...]:
        """The accesses of the block."""
        head = HEAD.unpack_from(self.packed)
        at = HEAD.size + _COUNTER_BYTES * counters() + head[STRETCHES] * _STRETCH.size
        at += head[MOVES] * _MOVE_BYTES
        rows = self.packed[at : at + self.accesses * _ACCESS.size]
        return tuple(
            Access(instruction, size, bool(is_write), bool(predicated))
            for instruction, size, is_write, predicated, _, _ in _ACCESS.iter_unpack(rows)
        )

    def offset_of(self, instruction: int) -> int:
        """Bytes from the block's start to an instruction."""
        flags = -(-self.instructions // 8) * 8  # predicated, then MACs, a byte each
        at = len(self.packed) - 2 * flags - -(-self.instructions * 2 // 8) * 8
        return int(_OFFSET.unpack_from(self.packed, at + 2 * instruction)[0])


def counters() -> int:
    """COUNTER_STATIC: instructions, their classes, MACs."""
    return len(CLASSES) + 2


def pack_block(block: Block, stretches: Sequence[Stretch], tables: Mapping[str, int]) -> bytes:
    """The facts of a block; `tables` are the numbers of tables of extra cycles."""
    new = ffi.new
    counts = [
        len(block.instructions),
        *(block.class_counts.get(name, 0) for name in CLASSES),
        sum(block.macs),
    ]
    accesses = [
        (a.instruction, a.size, a.is_write, a.predicated, *_exclusive_and_mask(block, a))
        for a in block.accesses
    ]
    notes = [
        (n.instruction, tables[n.table]) for n in block.notes if n.table in tables
    ]  # fmt: skip
    arrays = {
        "counters": new("uint64_t[]", counts),
        "instruction_offsets": new(
            "uint16_t[]", [i.address - block.address for i in block.instructions]
        ),
        "instruction_predicated": new("uint8_t[]", [i.predicated for i in block.instructions]),
        "access": new("struct access_static[]", accesses),
        "probe": new("struct probe_static[]", block.probes),
        "note": new("struct note_static[]", notes),
        "barrier": new("struct barrier_static[]", block.barriers),
        "stack_move": new(
            "struct stack_move_static[]",
            [(m.instruction, m.kind, m.bytes, m.access, m.offset) for m in block.stack_moves],
        ),
        "stretch": new("struct stretch_static[]", list(_stretch_ends(block, stretches))),
        "macs": new("uint8_t[]", block.macs),
    }
    told = new("struct block_static *")
    for name, array in arrays.items():
        setattr(told, name, array)
    told.branch = block.branch
    told.branch_predicated = block.branch_predicated
    told.branch_address = block.branch_address
    told.branch_target = block.branch_target
    told.instructions = len(block.instructions)
    told.accesses = len(block.accesses)
    told.probes = len(block.probes)
    told.notes = len(notes)
    told.barriers = len(block.barriers)
    told.stretches = len(stretches)
    told.stack_moves = len(block.stack_moves)
    told.stack_access = block.stack_access
    told.stack_offset = block.stack_offset
    size = lib.core_pack_block(told, block.address, block.size, ffi.NULL, 0)
    packed = new("uint8_t[]", size)
    lib.core_pack_block(told, block.address, block.size, packed, size)
    return bytes(ffi.buffer(packed))


def pack_schedule(schedule: Schedule) -> Told:
    """What a schedule says."""
    at = schedule.access_cycles + schedule.barrier_cycles
    costs = COSTS.pack(
        schedule.dual_issues, schedule.mispredict_cycles, *schedule.cycles_by_cause
    ) + struct.pack(f"<{len(at)}h", *at)
    return Told(schedule.after_next, schedule.after_taken, schedule.after_mispredict, costs)


def _exclusive_and_mask(block: Block, access: Access) -> tuple[int, int]:
    """The fields `exclusive` and `alignment_mask` of struct access_static."""
    facts = block.instructions[access.instruction].facts
    if facts.kind is Kind.EXCLUSIVE:
        exclusive = lib.EXCLUSIVE_STORE if access.is_write else lib.EXCLUSIVE_CHECK
        return exclusive if len(facts.accesses) == 2 else 0, access.size - 1
    return 0, 3 if facts.kind in WORD_ALIGNED else 0


def _stretch_ends(block: Block, stretches: Sequence[Stretch]) -> Iterator[tuple[int, int, int]]:
    """The fields of struct stretch_static: probes, then accesses and barriers up to its end."""
    accesses = [access.instruction for access in block.accesses]
    barriers = [barrier.instruction for barrier in block.barriers]
    for stretch in stretches:
        end = stretch.first + len(stretch.instructions)
        yield stretch.probes, bisect_left(accesses, end), bisect_left(barriers, end)
