"""What a block's addresses mean to the rest: accesses, run-time probes, operand notes, moves of SP.

A probe is one bit that the C core computes from run-time addresses and that the pipeline needs to
schedule the block. One is asked for only where the answer cannot be seen in the code: two loads
off one base register have banks that are known to be equal or not, and SP is always word-aligned.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from simcore.isa.kinds import PC, SP, BranchKind, Facts, Kind, MemoryOperand, Waits

MAX_PROBES = 48  # as in native/types.h


class ProbeKind(IntEnum):
    """What a probe asks, with the numbers of enum probe_kind."""

    SAME_BANK = 0  # address bit 2 of accesses a and b is equal
    ODD_WORD = 1  # address bit 2 of access a is set
    UNALIGNED = 2  # access a is not a multiple of its size
    SAME_WORD = 3


class Access(NamedTuple):
    """A memory access, in the order in which Unicorn reports them."""

    instruction: int
    size: int
    is_write: bool
    predicated: bool


class Probe(NamedTuple):
    kind: int
    a: int  # access
    b: int  # access, 0 where the kind has one


class Note(NamedTuple):
    """An instruction whose cycles depend on its operands; `table` names its row of extra cycles."""

    instruction: int
    table: str


class Barrier(NamedTuple):
    """A DSB or DMB, which waits for memory accesses in front of it."""

    instruction: int
    access: int  # the first one behind it; as many as there are: none is
    everything: bool = True  # for all of them, not for the store buffer alone


class StackMoveKind(IntEnum):
    """How an instruction changes SP, with the numbers of enum stack_move."""

    ADDED = 0  # by a constant
    MOVED = 1  # by a register, on the stack that it is on
    SET = 2  # to a register or memory, or the other of MSP and PSP is in use


@dataclass(slots=True)
class StackMove:
    """An instruction that changes SP, and where SP shows behind it."""

    instruction: int
    kind: StackMoveKind
    bytes: int = 0  # added, where that is known
    access: int = -1  # else: the first access based on SP behind it, -1: none
    offset: int = 0  # of that access's address from SP behind the instruction, bytes


# Placement.bank: how a load's bank relates to that of the load before it, when no probe is needed.
BANK_NONE = -1  # the instruction before is no load, or is in another block
BANK_SAME = -2
BANK_OTHER = -3


class ProbeBits(NamedTuple):
    """Probe bits of one instruction's addresses; -1: no such question."""

    bank: int = BANK_NONE  # probe bit, or one of the BANK_* values
    unaligned: int = -1
    odd_word: int = -1

    @property
    def probes(self) -> int:
        """The probes it asks, a bit each."""
        asked = 0
        for probe in (self.bank, self.unaligned, self.odd_word):
            if probe >= 0:
                asked |= 1 << probe
        return asked


NOWHERE = ProbeBits()
SINGLE_LOADS = frozenset({Kind.LOAD, Kind.LOAD_SUBWORD, Kind.FP_LOAD})
_STORE_MULTIPLES = frozenset({Kind.STORE_MULTIPLE, Kind.FP_STORE_MULTIPLE})
_DOUBLE_MACS = frozenset({Kind.DOUBLE_FUSED, Kind.DOUBLE_CHAINED})
_MAY_BE_UNALIGNED = frozenset({Kind.LOAD, Kind.LOAD_SUBWORD})


def is_plain(facts: Facts) -> bool:
    """Whether `BlockBuilder.add` has nothing to note of an instruction but what it writes."""
    return not (
        facts.accesses
        or facts.memory
        or facts.note
        or facts.waits
        or facts.stack_change != 0
        or facts.kind in _DOUBLE_MACS
    )


class BlockBuilder:
    """Collects the facts of a block's instructions in program order: `add` takes those that are
    not plain, `versions` is told of what the others write.
    """

    def __init__(self, instructions: int) -> None:
        self.accesses: list[Access] = []
        self.probes: list[Probe] = []
        self.notes: list[Note] = []
        self.barriers: list[Barrier] = []
        self.placements = [NOWHERE] * instructions
        self.versions: dict[int, int] = {}  # register -> the instruction that redefined it, from 1
        #: register -> its version, and the constant added since
        self._moved: dict[int, tuple[int, int]] = {}
        self._alignment_probes: dict[tuple[int, ...], int] = {}
        #: Of the last load: its index, access, and where it is.
        self._last_load: tuple[int, int, tuple[int, ...] | None] = (-2, 0, None)
        self._double_mac = -2  # index of the last one
        self.stack_moves: list[StackMove] = []
        self.stack_access = -1  # the first access that tells SP at the block's entry, -1: none
        self.stack_offset = 0  # of its address from that SP, bytes
        self._stack_moved = 0  # bytes added to SP since the entry, or since it was set
        self._stack_source: StackMove | None = None  # what set it
        self._stack_certain = True  # no condition decides what was added since

    def add(self, index: int, facts: Facts, address: int, predicated: bool) -> None:
        """Note an instruction of the block, which is the next that is not plain."""
        if facts.waits:
            everything = facts.waits is Waits.EVERYTHING
            self.barriers.append(Barrier(index, len(self.accesses), everything))
        if facts.note:
            is_double_mac = facts.kind in _DOUBLE_MACS
            chained = is_double_mac and self._double_mac == index - 1
            self.notes.append(Note(index, facts.note + ".chained" * chained))
        if facts.kind in _DOUBLE_MACS:
            self._double_mac = index
        memory = facts.memory
        if facts.accesses:
            first_access = len(self.accesses)
            for size, is_write in facts.accesses:
                self.accesses.append(Access(index, size, is_write, predicated))
            if memory is not None:
                self._place(index, facts, memory, address, first_access)
                self._note_stack_access(memory, first_access, predicated)
        if memory is not None and memory.base_change:
            self._redefine(facts, memory, index)
        else:
            for register, _ in facts.results:
                self.versions[register] = index + 1
        if facts.stack_change != 0:
            self._move_stack(facts, index, predicated)

    def _place(
        self, index: int, facts: Facts, memory: MemoryOperand, address: int, access: int
    ) -> None:
        """Note what the pipeline has to know of an instruction's addresses."""
        if facts.kind not in SINGLE_LOADS:
            if facts.kind in _STORE_MULTIPLES and facts.words % 2 == 0:
                odd_word = self._probe(ProbeKind.ODD_WORD, access)
                self.placements[index] = ProbeBits(odd_word=odd_word)
            return
        where = self._symbolic_address(memory, address)
        unaligned = -1
        size = facts.accesses[0][0]
        if facts.kind in _MAY_BE_UNALIGNED and size > 1 and facts.branch is BranchKind.NONE:
            unaligned = self._alignment(memory, where, size, access)
        bank = BANK_NONE
        before, previous, place = self._last_load
        if before == index - 1:
            bank = self._bank(previous, place, access, where)
        self._last_load = (index, access, where)
        if bank != BANK_NONE or unaligned >= 0:
            self.placements[index] = ProbeBits(bank, unaligned)

    def _symbolic_address(self, memory: MemoryOperand, address: int) -> tuple[int, ...] | None:
        """(base, its version, constant), the constant being all that two addresses differ in."""
        if memory.index >= 0:
            return None
        if memory.base == PC:
            return (PC, 0, (address + 4 & ~3) + memory.offset)
        version, moved = self._value_of(memory.base)
        return (memory.base, version, moved + memory.offset)

    def _value_of(self, register: int) -> tuple[int, int]:
        """Which definition a register has its value from, and the constant added since."""
        version = self.versions.get(register, 0)
        of, moved = self._moved.get(register, (0, 0))
        return version, moved if of == version else 0

    def _bank(
        self, previous: int, place: tuple[int, ...] | None, access: int,
        where: tuple[int, ...] | None,
    ) -> int:  # fmt: skip
        if place is not None and where is not None and place[:2] == where[:2]:
            distance = where[2] - place[2]
            if distance % 4 == 0:
                return BANK_OTHER if distance & 4 else BANK_SAME
        bit = self._probe(ProbeKind.SAME_BANK, previous, access)
        return bit if bit >= 0 else BANK_SAME

    def _alignment(
        self, memory: MemoryOperand, where: tuple[int, ...] | None, size: int, access: int
    ) -> int:
        """The probe bit for an unaligned load, shared by loads that are aligned alike."""
        if memory.base == PC and where is not None:
            return -1
        if where is not None:
            if memory.base == SP and where[2] % 4 == 0:
                return -1
            key: tuple[int, ...] = (*where[:2], where[2] % size, size)
        elif 1 << memory.shift >= size:
            if memory.base in (SP, PC):
                return -1
            version, moved = self._value_of(memory.base)
            key = (memory.base, version, moved % size, size)
        else:
            return self._probe(ProbeKind.UNALIGNED, access)
        if key not in self._alignment_probes:
            self._alignment_probes[key] = self._probe(ProbeKind.UNALIGNED, access)
        return self._alignment_probes[key]

    def _probe(self, kind: ProbeKind, a: int, b: int = 0) -> int:
        """Ask for a probe; -1 when the block has as many as the core can hold."""
        if len(self.probes) == MAX_PROBES:
            return -1
        self.probes.append(Probe(int(kind), a, b))
        return len(self.probes) - 1

    def _redefine(self, facts: Facts, memory: MemoryOperand, index: int) -> None:
        """Note what instruction `index`, which writes its base back, gives new values."""
        for register, _ in facts.results:
            if register == memory.base and not _loads(facts, register):
                version, moved = self._value_of(register)
                self._moved[register] = (version, moved + memory.base_change)
            else:
                self.versions[register] = index + 1

    def _note_stack_access(self, memory: MemoryOperand, access: int, predicated: bool) -> None:
        if memory.base != SP or memory.index >= 0 or predicated or not self._stack_certain:
            return
        offset = self._stack_moved + memory.offset
        if self._stack_source is None:
            if self.stack_access < 0:
                self.stack_access, self.stack_offset = access, offset
        elif self._stack_source.access < 0:
            self._stack_source.access, self._stack_source.offset = access, offset

    def _move_stack(self, facts: Facts, index: int, predicated: bool) -> None:
        if facts.stack_change is not None:
            self.stack_moves.append(StackMove(index, StackMoveKind.ADDED, facts.stack_change))
            self._stack_moved += facts.stack_change
            self._stack_certain = self._stack_certain and not predicated
            return
        is_sum = facts.counter == "alu" and any(register == SP for register, _ in facts.sources)
        kind = StackMoveKind.MOVED if is_sum else StackMoveKind.SET
        self.stack_moves.append(StackMove(index, kind))
        self._stack_source, self._stack_moved = self.stack_moves[-1], 0
        self._stack_certain = not predicated


def _loads(facts: Facts, register: int) -> bool:
    """Whether an instruction with write-back also loads its base, which is the first result."""
    return any(loaded == register for loaded, _ in facts.results[1:])
