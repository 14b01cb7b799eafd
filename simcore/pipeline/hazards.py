"""Mechanisms of issue, loads, stores, fetch and branches (mechanism.py says what one is)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from simcore.cpu_model.timing import STORE_TO_LOAD
from simcore.isa.blocks import BANK_NONE, BANK_SAME, SINGLE_LOADS
from simcore.isa.kinds import Kind
from simcore.pipeline.mechanism import NOTHING, Mechanism, Verbs
from simcore.pipeline.schedule import WHY_BANK
from simcore.pipeline.state import NEVER, OPEN_LOAD, OPEN_SHIFTER, OPEN_UNALIGNED
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.pipeline.in_order import BlockRun

SHIFTED_OPERAND = frozenset({Kind.SHIFTED_CONSTANT, Kind.INLINE_SHIFT})
SHIFTING_DSP = frozenset({Kind.BITFIELD, Kind.REVERSE, Kind.EXTEND_ADD, Kind.PACK})


@dataclass(frozen=True, slots=True)
class ItFolding(Mechanism):
    """IT takes no issue slot. ACTLR.DISFOLD says that this exists; JNK sees none, so it is off."""

    name = "it-folding"

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self | None:
        return cls(cell) if params["issue"]["it_folding"] else None

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        return Verbs(folds=True) if kind is Kind.IT else NOTHING


@dataclass(frozen=True, slots=True)
class EarlyShifter(Mechanism):
    """There is one early shifter (JNK): a younger shift executes late when the older holds it."""

    name = "early-shifter"

    _USERS: ClassVar[frozenset[Kind]] = SHIFTED_OPERAND | SHIFTING_DSP

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        return cls(cell)

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind is Kind.SHIFT:
            return Verbs(claims=OPEN_SHIFTER)
        return Verbs(marks=OPEN_SHIFTER) if kind in self._USERS else NOTHING


@dataclass(frozen=True, slots=True)
class LoadBanks(Mechanism):
    """Two loads share a cycle when address bit 2 tells their TCM or cache banks apart (JNK).

    An unaligned load needs both banks, one after the other, and pairs whatever the other one's.
    What the block before loaded from is not known: taken for the same bank.
    """

    name = "load-banks"

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        return cls(cell)

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind not in SINGLE_LOADS:
            return NOTHING
        return Verbs(refuses=self.refuses, marks=OPEN_LOAD)

    def refuses(self, run: BlockRun) -> str:
        if not run.open_mask & OPEN_LOAD or run.open_mask & OPEN_UNALIGNED or not same_bank(run):
            return ""
        placement = run.placement
        unaligned = placement.unaligned >= 0 and run.variant >> placement.unaligned & 1
        return "" if unaligned and placement.bank != BANK_NONE else WHY_BANK


@dataclass(frozen=True, slots=True)
class UnalignedLoads(Mechanism):
    """An unaligned load takes 3 cycles more as the older of a pair or alone, else 4 (JNK).

    It takes one less, in either slot, when the other of its pair is an aligned load from the bank
    that it accesses first.
    """

    name = "unaligned-loads"
    older: int
    younger: int
    same_bank: int

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        cycles = params["issue"]
        places = ("older", "younger", "same_bank")
        return cls(cell, *(cycles[f"unaligned_load_{place}_cycles"] for place in places))

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind not in SINGLE_LOADS:
            return NOTHING
        return Verbs(holds=self.holds, marks=OPEN_LOAD)

    def holds(self, run: BlockRun, cycle: int, younger: bool) -> int:
        probe = run.placement.unaligned
        if probe < 0 or not run.variant >> probe & 1:
            if younger and run.open_mask & OPEN_UNALIGNED and same_bank(run):
                run.give_back(self.same_bank)
            return 0
        if not younger:
            run.open_mask |= OPEN_UNALIGNED
            return self.older
        aligned_load = run.open_mask & (OPEN_LOAD | OPEN_UNALIGNED) == OPEN_LOAD
        return self.younger - (self.same_bank if aligned_load and same_bank(run) else 0)


def same_bank(run: BlockRun) -> bool:
    """Whether the load being issued is in the bank of the one before."""
    bank = run.placement.bank
    return bool(run.variant >> bank & 1) if bank >= 0 else bank in (BANK_SAME, BANK_NONE)


class StoreToLoad(Mechanism):
    """A load of a word that was stored up to 3 cycles before waits until 4 cycles are over (LLVM).

    The store queue does not hand data on: LLVM gives a store and a load of one address 4 cycles,
    SLOTHY keeps loads 8 instructions, 4 cycles, behind a store. Addresses are known at run time, so
    the C core times it (native/memory/stores.c); here stands its name. It predicts that code which
    spills and reloads at once loses up to 4 cycles each time, from TCM as from the cache.
    """

    name = STORE_TO_LOAD

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> None:
        return None

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        return NOTHING


@dataclass(frozen=True, slots=True)
class PairFetch(Mechanism):
    """No group comes into the queue while LDRD, STRD, LDM or STM issues.

    JNK: they stall unless two 16-bit instructions stand before them or soon behind, that is 4 bytes
    are saved, whatever the number of registers. An instruction that holds the pipe alone for n
    cycles takes 4 bytes where pairs of 32-bit ones take 8 n. If fetch stands still meanwhile, the
    queue is behind by 4 bytes, for every n. It predicts half a cycle each in code of 32-bit
    instructions that pair, and nothing where results are waited for or instructions are short.
    JNK's 7 cycles within which the short ones may follow are not explained: here they follow at
    once.
    """

    name = "pair-fetch"

    _KINDS: ClassVar[frozenset[Kind]] = frozenset({
        Kind.LOAD_DOUBLE, Kind.STORE_DOUBLE, Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE,
        Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE,
    })  # fmt: skip

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self | None:
        return cls(cell) if params["fetch"]["multiple_halts_fetch"] else None

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        return Verbs(completes=self.completes) if kind in self._KINDS else NOTHING

    def completes(self, run: BlockRun, cycle: int, end: int) -> None:
        run.fetched += end - cycle + 1


@dataclass(frozen=True, slots=True)
class Straddle(Mechanism):
    """A 32-bit instruction that lies in two fetch groups is never the younger: off, no source.

    JNK: code behind a loop's entry has to be aligned or it stalls, and 16-bit instructions have to
    stand together in fours; pairing over a branch is highly sensitive to alignment. If what crosses
    a group can only be the older, 40 instructions with four 16-bit ones together take 20 cycles,
    and 21 with those spread. It predicts that layouts of one loop differ by several per cent, and
    that one 16-bit instruction makes the 32-bit code behind it slip by a slot.
    """

    name = "straddle"
    group_bytes: int

    WHY: ClassVar[str] = "lies in two fetch groups"

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self | None:
        fetch = params["fetch"]
        return cls(cell, fetch["group_bytes"]) if fetch["straddling_not_younger"] else None

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        return Verbs(refuses=self.refuses)

    def refuses(self, run: BlockRun) -> str:
        instruction = run.stretch.instructions[run.index]
        within = instruction.address % self.group_bytes + instruction.size
        return self.WHY if within > self.group_bytes else ""


@dataclass(frozen=True, slots=True)
class OddWord(Mechanism):
    """A multiple store of an even number of words at 4 mod 8 takes a cycle more (JNK: STM)."""

    name = "odd-word"
    cycles: int

    _STORES: ClassVar[frozenset[Kind]] = frozenset({Kind.STORE_MULTIPLE, Kind.FP_STORE_MULTIPLE})

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        return cls(cell, params["issue"]["store_multiple_odd_word_cycles"])

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        return Verbs(holds=self.holds) if kind in self._STORES else NOTHING

    def holds(self, run: BlockRun, cycle: int, younger: bool) -> int:
        probe = run.placement.odd_word
        return self.cycles if probe >= 0 and run.variant >> probe & 1 else 0


@dataclass(frozen=True, slots=True)
class FlagDistance(Mechanism):
    """A mispredict costs less when what decides the branch was known 3 cycles ahead of it (JNK)."""

    name = "flag-distance"
    remembers = True
    distance: int
    cycles: int  # the smaller penalty

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        branch = params["branch"]
        return cls(cell, branch["flags_ready_distance"], branch["mispredict_flags_ready_cycles"])

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if branches:
            return Verbs(completes=self.decides)
        return Verbs(completes=self.completes) if sets_flags else NOTHING

    def completes(self, run: BlockRun, cycle: int, end: int) -> None:
        run.memory[self.cell] = end

    def decides(self, run: BlockRun, cycle: int, end: int) -> None:
        decided = run.memory[self.cell]
        register = run.plan.facts.branch_register
        if register >= 0:
            entry = run.ready.get(register)
            decided = entry[0] if entry else NEVER
        if cycle - decided >= self.distance:
            run.mispredict = self.cycles

    @property
    def rest(self) -> int:
        return -self.distance

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        return max(run.memory[self.cell] - origin, -self.distance)

    def describe(self, left: int) -> str:
        return f"flags {-left} old"
