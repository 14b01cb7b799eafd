"""The mechanisms of an in-order pipeline beside latencies and pair rules, each with a name.

`verbs` says what of a mechanism concerns a kind of instruction; it is asked once per kind, so that
an instruction that nothing concerns pays nothing. The verbs are called with the run, in which
`plan` and `placement` are those of the instruction being issued:

    earliest(run)               first cycle in which the instruction may issue
    refuses(run)                why it cannot be the younger of `run.open_cycle`; "" when it can
    holds(run, cycle, younger)  cycles more for which it keeps the pipe when issued in `cycle`
    completes(run, cycle, end)  notes what it leaves behind

A mechanism that has to know when something last happened keeps that time in its cell of
`run.memory`; `remains` makes it a part of the exit state, which is all that is left of the past
where a block, or a stretch of one, begins. Numbers and their sources are the [pipeline] tables of
the CPU model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from simcore.isa.blocks import BANK_NONE, BANK_SAME, SINGLE_LOADS
from simcore.isa.kinds import Kind
from simcore.pipeline.schedule import WHY_BANK, WHY_WINDOW
from simcore.pipeline.state import (
    NEVER,
    OPEN_FP_MOVE,
    OPEN_LOAD,
    OPEN_MAC,
    OPEN_SHIFTER,
    OPEN_UNALIGNED,
)

if TYPE_CHECKING:
    from simcore.pipeline.in_order import BlockRun

FP_MACS = frozenset({Kind.FP_FUSED, Kind.FP_CHAINED})
DOUBLE_MACS = frozenset({Kind.DOUBLE_FUSED, Kind.DOUBLE_CHAINED})
SHIFTED_OPERAND = frozenset({Kind.SHIFTED_CONSTANT, Kind.INLINE_SHIFT})
SHIFTING_DSP = frozenset({Kind.BITFIELD, Kind.REVERSE, Kind.EXTEND_ADD, Kind.PACK})


class Verbs(NamedTuple):
    """What of a mechanism concerns a kind; `marks` and `claims` are OPEN_* bits."""

    earliest: Callable[[BlockRun], int] | None = None
    refuses: Callable[[BlockRun], str] | None = None
    holds: Callable[[BlockRun, int, bool], int] | None = None
    completes: Callable[[BlockRun, int, int], None] | None = None
    marks: int = 0  # what a younger instruction finds taken when this one is the older
    claims: int = 0  # what it takes, and needs free as the younger, when it executes early
    folds: bool = False  # takes no slot at all


NOTHING = Verbs()


@dataclass(frozen=True, slots=True)
class Mechanism(ABC):
    """One mechanism with its numbers."""

    name: ClassVar[str]
    remembers: ClassVar[bool] = False  # whether it has a cell in run.memory
    cell: int  # its place there

    @classmethod
    @abstractmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self | None:
        """The mechanism with a CPU model's numbers; None when the core has none."""

    @abstractmethod
    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        """What of it concerns a kind, which ends a block or sets flags."""

    @property
    def rest(self) -> int:
        """What its cell holds when nothing has happened for long."""
        return NEVER

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        """The time in its cell, from the origin of the exit state, if that can still matter."""
        return NEVER

    def describe(self, left: int) -> str:
        """What `remains` has left, in words; "" for nothing."""
        return ""


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
class MacWindow(Mechanism):
    """A single-precision MAC in its last stages keeps the FPU from others.

    JNK: for 3 cycles after a MAC no VADD, VLDM, VLDR.64, VMOV #imm executes, and no VLDR, VSTR,
    VMOV is the younger; only the first MAC of a run pairs with a move, load or store.
    """

    name = "mac-window"
    remembers = True
    cycles: int

    WHY_MOVE: ClassVar[str] = "FP MAC beside FP move, load or store"
    _BLOCKED: ClassVar[frozenset[Kind]] = frozenset({
        Kind.FP_ADD, Kind.FP_CONSTANT, Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE,
        Kind.FP_LOAD_DOUBLE, Kind.FP_STORE_DOUBLE,
    })  # fmt: skip
    _NOT_YOUNGER: ClassVar[frozenset[Kind]] = frozenset({
        Kind.FP_LOAD, Kind.FP_STORE, Kind.FP_MOVE,
    })  # fmt: skip
    _MOVES: ClassVar[frozenset[Kind]] = _NOT_YOUNGER | {Kind.FP_CONSTANT}

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        return cls(cell, params["issue"]["fp_mac_window_cycles"])

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind in FP_MACS:
            return Verbs(refuses=self.refuses_mac, completes=self.completes)
        return Verbs(
            earliest=self.earliest if kind in self._BLOCKED else None,
            refuses=self.refuses_move if kind in self._MOVES else None,
            marks=OPEN_FP_MOVE if kind in self._MOVES else 0,
        )

    def _in_window(self, run: BlockRun, cycle: int) -> bool:
        mac = run.memory[self.cell]
        return mac < cycle <= mac + self.cycles

    def earliest(self, run: BlockRun) -> int:
        mac = run.memory[self.cell]
        return mac + self.cycles + 1 if mac != NEVER else NEVER

    def refuses_mac(self, run: BlockRun) -> str:
        if run.open_mask & OPEN_FP_MOVE and self._in_window(run, run.open_cycle):
            return self.WHY_MOVE
        return ""

    def refuses_move(self, run: BlockRun) -> str:
        if run.open_mask & OPEN_MAC:
            return self.WHY_MOVE
        if run.plan.facts.kind in self._NOT_YOUNGER and self._in_window(run, run.open_cycle):
            return WHY_WINDOW
        return ""

    def completes(self, run: BlockRun, cycle: int, end: int) -> None:
        if self._in_window(run, cycle):  # not the first of a run
            run.open_mask |= OPEN_MAC
        run.memory[self.cell] = cycle

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        mac = run.memory[self.cell]
        return mac - origin if mac + self.cycles >= next_cycle else NEVER

    def describe(self, left: int) -> str:
        return f"FP MAC at {left:+d}" if left != NEVER else ""


@dataclass(frozen=True, slots=True)
class ChainedMac(Mechanism):
    """VFMA cannot directly follow VMLA (JNK, who gives no number: at least a cycle between)."""

    name = "chained-mac"
    remembers = True
    cycles: int

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        return cls(cell, params["issue"]["fused_after_chained_cycles"])

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind is Kind.FP_FUSED:
            return Verbs(earliest=self.earliest, completes=self.ends)
        return Verbs(completes=self.completes) if kind is Kind.FP_CHAINED else NOTHING

    def earliest(self, run: BlockRun) -> int:
        chained = run.memory[self.cell]
        return chained + self.cycles + 1 if chained != NEVER else NEVER

    def completes(self, run: BlockRun, cycle: int, end: int) -> None:
        run.memory[self.cell] = cycle

    def ends(self, run: BlockRun, cycle: int, end: int) -> None:
        run.memory[self.cell] = NEVER

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        chained = run.memory[self.cell]
        return chained - origin if chained + self.cycles >= next_cycle else NEVER


@dataclass(frozen=True, slots=True)
class DoubleMac(Mechanism):
    """A double-precision MAC right behind another holds the pipe for less than the first (JNK)."""

    name = "double-mac"
    remembers = True
    change: Mapping[Kind, int]  # of the cycles that it holds the pipe

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        cycles = params["occupancy"]
        names = {kind: kind.name.lower() for kind in DOUBLE_MACS}
        return cls(
            cell, {kind: cycles[f"{name}_after_mac"] - cycles[name] for kind, name in names.items()}
        )

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind not in DOUBLE_MACS:
            return NOTHING
        return Verbs(holds=self.holds, completes=self.completes)

    def holds(self, run: BlockRun, cycle: int, younger: bool) -> int:
        return self.change[run.plan.facts.kind] if cycle == run.memory[self.cell] + 1 else 0

    def completes(self, run: BlockRun, cycle: int, end: int) -> None:
        run.memory[self.cell] = end

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        end = run.memory[self.cell]
        return end - origin if end == run.last else NEVER

    def describe(self, left: int) -> str:
        return "double MAC just ended" if left != NEVER else ""


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

    An unaligned younger load needs both banks and pairs whatever the older one's. What the block
    before loaded from is not known: taken for the same bank.
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
        if not run.open_mask & OPEN_LOAD or not same_bank(run):
            return ""
        placement = run.placement
        unaligned = placement.unaligned >= 0 and run.variant >> placement.unaligned & 1
        return "" if unaligned and placement.bank != BANK_NONE else WHY_BANK


@dataclass(frozen=True, slots=True)
class UnalignedLoads(Mechanism):
    """An unaligned load takes 3 cycles more as the older of a pair or alone, else 4 (JNK).

    A younger one takes one less when the older is aligned, in the bank that it accesses first.
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
            decided = entry.base if entry else NEVER
        if cycle - decided >= self.distance:
            run.mispredict = self.cycles

    @property
    def rest(self) -> int:
        return -self.distance

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        return max(run.memory[self.cell] - origin, -self.distance)

    def describe(self, left: int) -> str:
        return f"flags {-left} old"
