"""The Cortex-M7: which two instructions may share a cycle, and which mechanisms there are besides.

The pair rules are section (b) of docs/sources/cortex-m7-timing.md, as sets of instruction kinds.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from simcore.isa.blocks import SINGLE_LOADS
from simcore.isa.kinds import Kind
from simcore.pipeline.fp_hazards import (
    DOUBLE_MACS,
    FP_MACS,
    ChainedMac,
    DoubleMac,
    DoubleWindow,
    MacWindow,
)
from simcore.pipeline.hazards import (
    SHIFTED_OPERAND,
    SHIFTING_DSP,
    EarlyShifter,
    FlagDistance,
    ItFolding,
    LoadBanks,
    OddWord,
    PairFetch,
    StoreToLoad,
    Straddle,
    UnalignedLoads,
)
from simcore.pipeline.in_order import InOrderPipeline
from simcore.pipeline.pairs import PairRule, PairTable, either_order
from simcore.pipeline.paths import DoubleChain, LoadToBase, SlowToPack

if TYPE_CHECKING:
    from simcore.cpu_model import CorePipeline
    from simcore.pipeline import Pipeline

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
STORES = frozenset({Kind.STORE, Kind.FP_STORE})
MEMORY = SINGLE_LOADS | STORES | {Kind.PRELOAD}
_FP_SINGLE_ARITHMETIC = FP_MACS | {
    Kind.FP_ADD, Kind.FP_MULTIPLY, Kind.FP_DIVIDE, Kind.FP_SQUARE_ROOT, Kind.FP_SELECT,
    Kind.FP_SIGN,
}  # fmt: skip
_DOUBLES = frozenset(kind for kind in Kind if kind.name.startswith("DOUBLE"))
_FP_LOCKING = frozenset({Kind.FP_DIVIDE, Kind.FP_SQUARE_ROOT})
_FP = _DOUBLES | frozenset(kind for kind in Kind if kind.name.startswith("FP_"))


def pair_rules(extend_uses_shifter: bool) -> tuple[PairRule, ...]:
    """The static rules, in the order in which a lost pair is explained."""
    shifting = SHIFTING_DSP | ({Kind.EXTEND} if extend_uses_shifter else frozenset())
    return (
        *either_order("issues alone", ALONE, _ALL),
        PairRule("one branch a cycle", BRANCHES, BRANCHES),
        PairRule("one multiply a cycle", MULTIPLIES, MULTIPLIES),
        *either_order("multiply beside store", MULTIPLIES, STORES),
        PairRule("one store a cycle", STORES, STORES),
        PairRule("one DSP instruction a cycle", DSP, DSP),
        PairRule("DSP instruction must be older", _ALL, DSP),
        PairRule("shifter", SHIFTED_OPERAND | {Kind.SHIFT} | shifting, SHIFTED_OPERAND),
        PairRule("one FP operation a cycle", _FP_SINGLE_ARITHMETIC, _FP_SINGLE_ARITHMETIC),
        PairRule("one VMOV of a constant a cycle", frozenset({Kind.FP_CONSTANT}),
                 frozenset({Kind.FP_CONSTANT})),
        *either_order("divide pairs with integer only", _FP_LOCKING, _FP),
        PairRule("VSEL must be older", _ALL, frozenset({Kind.FP_SELECT})),
        PairRule("double must be older", _ALL, _DOUBLES),
        PairRule("double pairs with integer only", _DOUBLES, _FP),
        PairRule("double MAC beside load or store", DOUBLE_MACS, MEMORY),
    )  # fmt: skip


MECHANISMS = (
    ItFolding, MacWindow, ChainedMac, DoubleMac, EarlyShifter, LoadBanks, UnalignedLoads, OddWord,
    FlagDistance, SlowToPack, LoadToBase, PairFetch, DoubleWindow, DoubleChain, StoreToLoad,
    Straddle,
)  # fmt: skip


@cache
def pair_table(extend_uses_shifter: bool) -> PairTable:
    """The table of the rules, the same one for all runs."""
    return PairTable(pair_rules(extend_uses_shifter))


def pipeline(params: CorePipeline) -> Pipeline:
    """The pipeline with a CPU model's numbers."""
    pairs = pair_table(bool(params["issue"]["extend_uses_shifter"]))
    return InOrderPipeline(params, pairs, ALONE, MECHANISMS)
