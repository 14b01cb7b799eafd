"""What C is told of a block and of its stretches, as bytes that hang on no address.

They are made once for all configurations and for all places of the same code; a file keeps them for
other runs.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from simcore.core.extension import ffi, lib
from simcore.cpu_model.schema import CLASSES
from simcore.isa import Access, Block, Kind
from simcore.isa.kinds import ALWAYS, WORD_ALIGNED, BranchKind

if TYPE_CHECKING:
    from simcore.pipeline import Schedule
    from simcore.pipeline.stretches import Stretch

#: What follows is laid out as in native/packed.c, whose structs are those of native/code.h.
HEAD = struct.Struct("<16I")
INSTRUCTIONS, ACCESSES, BARRIERS, STRETCHES, MOVES = 6, 7, 10, 11, 12  # places in it
_COUNTERS = struct.Struct(f"<{len(CLASSES) + 2}Q")  # instructions, their classes, MACs
_STRETCH = struct.Struct("<QII")  # struct stretch_static
_MOVE = struct.Struct("<HBx3i")  # struct stack_move_static
_ACCESS = struct.Struct("<HBBBBBx")  # struct access_static
_PROBE = struct.Struct("<BxHH")  # struct probe_static
_NOTE = struct.Struct("<HH")  # struct note_static
_BARRIER = struct.Struct("<HHH")  # struct barrier_static
_OFFSET = struct.Struct("<H")
_PADDING = [bytes(-size % 8) for size in range(8)]
_DIRECT = (BranchKind.CONDITIONAL, BranchKind.DIRECT, BranchKind.CALL)
_ADDRESSES = 0xFFFF_FFFF
#: Dual issues, cycles of a mispredict, cycles by cause: core_unpack_schedule() in native/core.h.
COSTS = struct.Struct("<11I")


class Told(NamedTuple):
    """What a stretch costs from a state: the scheduler's states behind it, and the rest for C."""

    after_next: int
    after_taken: int
    after_mispredict: int
    costs: bytes


class BlockFacts:
    """The bytes for core_unpack_block(), and what is known of the block's stretches.

    `told` goes by stretch, the scheduler's state, and variant; `kept` is how many rows of it a file
    has.
    """

    __slots__ = ("_all", "accesses", "address", "instructions", "kept", "packed", "told")

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self.address = ffi.from_buffer("uint8_t[]", packed)  # for C
        head = HEAD.unpack_from(packed)
        self.instructions, self.accesses = head[INSTRUCTIONS], head[ACCESSES]
        self.told: dict[tuple[int, int, int], Told] = {}
        self.kept = 0
        self._all: tuple[Access, ...] | None = None

    def timed(self) -> list[int]:
        """Accesses and barriers of each stretch."""
        head = HEAD.unpack_from(self.packed)
        at = HEAD.size + _COUNTERS.size
        found, before = [], 0
        for stretch in range(head[STRETCHES]):
            _, accesses, barriers = _STRETCH.unpack_from(self.packed, at + stretch * _STRETCH.size)
            found.append(accesses + barriers - before)
            before = accesses + barriers
        return found

    @property
    def all_accesses(self) -> tuple[Access, ...]:
        """The accesses of the block."""
        if self._all is None:
            self._all = tuple(self._read_accesses())
        return self._all

    def _read_accesses(self) -> Iterator[Access]:
        head = HEAD.unpack_from(self.packed)
        at = HEAD.size + _COUNTERS.size + head[STRETCHES] * _STRETCH.size
        at += head[MOVES] * _MOVE.size
        rows = self.packed[at : at + self.accesses * _ACCESS.size]
        for instruction, size, is_write, predicated, _, _ in _ACCESS.iter_unpack(rows):
            yield Access(instruction, size, bool(is_write), bool(predicated))

    def offset_of(self, instruction: int) -> int:
        """Bytes from the block's start to an instruction."""
        flags = -(-self.instructions // 8) * 8  # predicated, then MACs, a byte each
        at = len(self.packed) - 2 * flags - -(-self.instructions * 2 // 8) * 8
        return int(_OFFSET.unpack_from(self.packed, at + 2 * instruction)[0])


def pack_block(block: Block, stretches: Sequence[Stretch], tables: Mapping[str, int]) -> bytes:
    """The facts of a block; `tables` are the numbers of tables of extra cycles."""
    instructions, first = block.instructions, block.address
    count = block.class_counts.get
    macs = bytes(block.macs)
    notes = [(n.instruction, tables[n.table]) for n in block.notes if n.table in tables]
    moves = [(m.instruction, m.kind, m.bytes, m.access, m.offset) for m in block.stack_moves]
    parts = [
        _COUNTERS.pack(len(instructions), *[count(name, 0) for name in CLASSES], sum(macs)),
        *[_STRETCH.pack(*ends) for ends in _stretch_ends(block, stretches)],
    ]
    for layout, rows in (
        (_MOVE, moves), (_ACCESS, _access_rows(block)), (_PROBE, block.probes), (_NOTE, notes),
        (_BARRIER, block.barriers),
    ):  # fmt: skip
        if rows:
            parts.append(_padded(b"".join([layout.pack(*row) for row in rows])))
    parts.append(_padded(array("H", [i.address - first for i in instructions]).tobytes()))
    parts.append(_padded(bytes([i.condition != ALWAYS for i in instructions])))
    parts.append(_padded(macs))
    body = b"".join(parts)
    branch = block.branch
    head = HEAD.pack(
        HEAD.size + len(body), block.size, branch, block.branch_predicated,
        block.branch_address - first if branch else 0,
        block.branch_target - first & _ADDRESSES if branch in _DIRECT else 0,
        len(instructions), len(block.accesses), len(block.probes), len(notes),
        len(block.barriers), len(stretches), len(block.stack_moves),
        block.stack_access & _ADDRESSES, block.stack_offset & _ADDRESSES, 0,
    )  # fmt: skip
    return head + body


def _padded(part: bytes) -> bytes:
    return part + _PADDING[len(part) & 7]


def pack_schedule(schedule: Schedule) -> Told:
    """What a schedule says."""
    costs = COSTS.pack(schedule.dual_issues, schedule.mispredict_cycles, *schedule.cycles_by_cause)
    if at := schedule.access_cycles + schedule.barrier_cycles:
        costs += array("h", at).tobytes()
    return Told(schedule.after_next, schedule.after_taken, schedule.after_mispredict, costs)


def _access_rows(block: Block) -> list[tuple[int, int, bool, bool, int, int]]:
    """Accesses with the fields `exclusive` and `alignment_mask` of struct access_static."""
    instructions, found = block.instructions, []
    for number, size, is_write, predicated in block.accesses:
        facts = instructions[number].facts
        exclusive, mask = 0, 3 if facts.kind in WORD_ALIGNED else 0
        if facts.kind is Kind.EXCLUSIVE:
            mask = size - 1
            if len(facts.accesses) == 2:
                exclusive = lib.EXCLUSIVE_STORE if is_write else lib.EXCLUSIVE_CHECK
        found.append((number, size, is_write, predicated, exclusive, mask))
    return found


def _stretch_ends(block: Block, stretches: Sequence[Stretch]) -> Iterator[tuple[int, int, int]]:
    """The fields of struct stretch_static: probes, then accesses and barriers up to its end."""
    if len(stretches) == 1:
        yield stretches[0].probes, len(block.accesses), len(block.barriers)
        return
    accesses = [access.instruction for access in block.accesses]
    barriers = [barrier.instruction for barrier in block.barriers]
    for stretch in stretches:
        end = stretch.first + len(stretch.instructions)
        yield stretch.probes, bisect_left(accesses, end), bisect_left(barriers, end)
