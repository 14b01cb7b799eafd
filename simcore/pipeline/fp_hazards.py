"""Mechanisms of the floating-point unit: what its MACs keep out and hold up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from simcore.isa.kinds import Kind
from simcore.pipeline.mechanism import NOTHING, Mechanism, Verbs
from simcore.pipeline.schedule import WHY_WINDOW
from simcore.pipeline.state import NEVER, OPEN_FP_MOVE, OPEN_MAC
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.pipeline.in_order import BlockRun

FP_MACS = frozenset({Kind.FP_FUSED, Kind.FP_CHAINED})
DOUBLE_MACS = frozenset({Kind.DOUBLE_FUSED, Kind.DOUBLE_CHAINED})


@dataclass(frozen=True, slots=True)
class MacWindow(Mechanism):
    """A single-precision MAC in its last stages keeps the FPU from others.

    JNK: for 3 cycles after a MAC no VADD, VLDM, VLDR.64, VMOV #imm executes, and no VLDR, VSTR,
    VMOV is the younger; only the first MAC of a run pairs with a move, load or store. That what
    LLVM has on the adder's unit (VCVT, VCMP, VRINT, VMAXNM) waits as VADD does is inferred; VABS
    and VNEG are not held.
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
    """Right behind a double-precision MAC another, or a multiply, holds the pipe for less (JNK)."""

    name = "double-mac"
    remembers = True
    change: Mapping[Kind, int]  # of the cycles that it holds the pipe

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        cycles = params["occupancy"]
        names = {kind: kind.name.lower() for kind in (*DOUBLE_MACS, Kind.DOUBLE_MULTIPLY)}
        return cls(
            cell, {kind: cycles[f"{name}_after_mac"] - cycles[name] for kind, name in names.items()}
        )

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind not in self.change:
            return NOTHING
        return Verbs(holds=self.holds, completes=self.completes if kind in DOUBLE_MACS else None)

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
class DoubleWindow(Mechanism):
    """Right behind a double-precision MAC the FPU takes no add, multiple or 64-bit transfer.

    JNK says so of VADD.F64 for one cycle. It is what is left of the three cycles of mac-window:
    LLVM has the pipe stand for the last two of a double MAC, which its occupancy holds. So what
    that window keeps out besides waits too: VLDR.64, VSTR.64, VLDM, VSTM, VMOV of a constant.
    """

    name = "double-window"
    remembers = True
    cycles: int

    _BLOCKED: ClassVar[frozenset[Kind]] = frozenset({
        Kind.DOUBLE_ADD, Kind.FP_CONSTANT, Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE,
        Kind.FP_LOAD_DOUBLE, Kind.FP_STORE_DOUBLE,
    })  # fmt: skip

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        return cls(cell, params["issue"]["double_mac_window_cycles"])

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        if kind in DOUBLE_MACS:
            return Verbs(completes=self.completes)
        return Verbs(earliest=self.earliest) if kind in self._BLOCKED else NOTHING

    def earliest(self, run: BlockRun) -> int:
        mac = run.memory[self.cell]
        return mac + self.cycles + 1 if mac != NEVER else NEVER

    def completes(self, run: BlockRun, cycle: int, end: int) -> None:
        run.memory[self.cell] = end

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        mac = run.memory[self.cell]
        return mac - origin if mac + self.cycles >= next_cycle else NEVER

    def describe(self, left: int) -> str:
        return f"double MAC ended at {left:+d}" if left != NEVER else ""
