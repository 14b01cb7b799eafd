"""The issue rules: which two instructions may share a cycle, and which the FPU keeps apart.

Section (b) of docs/sources/cortex-m7-timing.md, as sets of instruction kinds. A pair of kinds is
refused by the first rule whose older set holds the older and whose younger set holds the younger
instruction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from simcore.isa.kinds import Kind

_ALL = frozenset(Kind)
ALONE = frozenset({
    Kind.LOAD_DOUBLE, Kind.STORE_DOUBLE, Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE,
    Kind.FP_LOAD_DOUBLE, Kind.FP_STORE_DOUBLE, Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE,
    Kind.FP_CORE_PAIR, Kind.FP_STATUS, Kind.DIVIDE, Kind.EXCLUSIVE, Kind.TABLE_BRANCH,
    Kind.BARRIER, Kind.INSTRUCTION_BARRIER, Kind.SYSTEM,
})  # fmt: skip
BRANCHES = frozenset({Kind.BRANCH, Kind.TABLE_BRANCH})
MULTIPLIES = frozenset({Kind.MULTIPLY, Kind.MULTIPLY_ACCUMULATE})
DSP = frozenset({
    Kind.EXTEND, Kind.EXTEND_ADD, Kind.BITFIELD, Kind.REVERSE, Kind.PACK, Kind.PARALLEL,
    Kind.SATURATE,
})  # fmt: skip
# Kinds that use the shifter for an operand, and those that conflict with them as the older.
SHIFTED_OPERAND = frozenset({Kind.SHIFTED_CONSTANT, Kind.INLINE_SHIFT})
_PLAIN_SHIFTS = frozenset({Kind.SHIFT, Kind.SHIFT_LATE})
_SHIFTING_DSP = frozenset({Kind.BITFIELD, Kind.REVERSE, Kind.EXTEND_ADD, Kind.PACK})
LOADS = frozenset({Kind.LOAD, Kind.LOAD_SUBWORD, Kind.FP_LOAD})
STORES = frozenset({Kind.STORE, Kind.FP_STORE})
MEMORY = LOADS | STORES | {Kind.PRELOAD}
FP_MACS = frozenset({Kind.FP_FUSED, Kind.FP_CHAINED})
_FP_SINGLE_ARITHMETIC = FP_MACS | {
    Kind.FP_ADD, Kind.FP_MULTIPLY, Kind.FP_DIVIDE, Kind.FP_SQUARE_ROOT, Kind.FP_SELECT,
    Kind.FP_SIGN,
}  # fmt: skip
_DOUBLES = frozenset(kind for kind in Kind if kind.name.startswith("DOUBLE"))
DOUBLE_MACS = frozenset({Kind.DOUBLE_FUSED, Kind.DOUBLE_CHAINED})
_FP_LOCKING = frozenset({Kind.FP_DIVIDE, Kind.FP_SQUARE_ROOT})
_FP = _DOUBLES | frozenset(kind for kind in Kind if kind.name.startswith("FP_"))
# Moves and transfers that a MAC does not pair with, save the first MAC of a run.
FP_MOVES = frozenset({Kind.FP_LOAD, Kind.FP_STORE, Kind.FP_MOVE, Kind.FP_CONSTANT})
# Blocked while a MAC is in its last stages.
MAC_WINDOW_BLOCKED = frozenset({
    Kind.FP_ADD, Kind.FP_CONSTANT, Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE,
    Kind.FP_LOAD_DOUBLE, Kind.FP_STORE_DOUBLE,
})  # fmt: skip
MAC_WINDOW_NOT_YOUNGER = frozenset({Kind.FP_LOAD, Kind.FP_STORE, Kind.FP_MOVE})
# Kinds that hold the one early shifter.
EARLY_SHIFTER_USERS = SHIFTED_OPERAND | _SHIFTING_DSP


@dataclass(frozen=True, slots=True)
class PairRule:
    """Refuses pairs (older in `older`, younger in `younger`); `name` is what a listing shows."""

    name: str
    older: frozenset[Kind]
    younger: frozenset[Kind]


def _either_order(name: str, one: Iterable[Kind], other: Iterable[Kind]) -> list[PairRule]:
    one, other = frozenset(one), frozenset(other)
    return [PairRule(name, one, other), PairRule(name, other, one)]


def pair_rules(extend_uses_shifter: bool) -> tuple[PairRule, ...]:
    """The static rules, in the order in which a lost pair is explained."""
    shifting = _SHIFTING_DSP | ({Kind.EXTEND} if extend_uses_shifter else frozenset())
    return (
        *_either_order("issues alone", ALONE, _ALL),
        PairRule("one branch a cycle", BRANCHES, BRANCHES),
        PairRule("one multiply a cycle", MULTIPLIES, MULTIPLIES),
        *_either_order("multiply beside store", MULTIPLIES, STORES),
        PairRule("one store a cycle", STORES, STORES),
        PairRule("one DSP instruction a cycle", DSP, DSP),
        PairRule("DSP instruction must be older", _ALL - MULTIPLIES, DSP),
        PairRule("shifter", SHIFTED_OPERAND | _PLAIN_SHIFTS | shifting, SHIFTED_OPERAND),
        PairRule("one FP operation a cycle", _FP_SINGLE_ARITHMETIC, _FP_SINGLE_ARITHMETIC),
        PairRule("one VMOV of a constant a cycle", frozenset({Kind.FP_CONSTANT}),
                 frozenset({Kind.FP_CONSTANT})),
        *_either_order("divide pairs with integer only", _FP_LOCKING, _FP),
        PairRule("VSEL must be older", _ALL, frozenset({Kind.FP_SELECT})),
        PairRule("double must be older", _ALL, _DOUBLES),
        PairRule("double pairs with integer only", _DOUBLES, _FP),
        PairRule("double MAC beside load or store", DOUBLE_MACS, MEMORY),
    )  # fmt: skip


MAC_BESIDE_MOVE = "FP MAC beside FP move, load or store"
_DYNAMIC = tuple(_either_order(MAC_BESIDE_MOVE, FP_MACS, FP_MOVES))


class PairTable:
    """The rules as bit masks: a pair is refused by `as_older[older] & as_younger[younger]`."""

    def __init__(self, extend_uses_shifter: bool) -> None:
        rules = (*pair_rules(extend_uses_shifter), *_DYNAMIC)
        self.names = tuple(rule.name for rule in rules)
        self.mac_bits = sum(1 << bit for bit, rule in enumerate(rules) if rule in _DYNAMIC)
        self.as_older = {kind: self._mask(rules, kind, True) for kind in Kind}
        self.as_younger = {kind: self._mask(rules, kind, False) for kind in Kind}

    @staticmethod
    def _mask(rules: tuple[PairRule, ...], kind: Kind, older: bool) -> int:
        return sum(
            1 << bit
            for bit, rule in enumerate(rules)
            if kind in (rule.older if older else rule.younger)
        )

    def name(self, refused: int) -> str:
        """The name of the first rule in a non-zero mask."""
        return self.names[(refused & -refused).bit_length() - 1]


@cache
def pair_table(extend_uses_shifter: bool) -> PairTable:
    """The table of the rules, the same one for all runs."""
    return PairTable(extend_uses_shifter)
