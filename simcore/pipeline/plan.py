"""What the scheduler needs to know of one instruction, worked out once per encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simcore.isa.kinds import FLAGS, Facts, Kind, Result, Role
from simcore.pipeline.latency import Latencies, latency_table
from simcore.pipeline.rules import (
    ALONE,
    FP_MACS,
    LOADS,
    MAC_WINDOW_BLOCKED,
    MAC_WINDOW_NOT_YOUNGER,
    pair_table,
)

# ResultPlan.time, when it is no word of a multiple load: 0, 1, 2 ...
AT_ISSUE = -1  # base update
AT_END = -2  # behind the last cycle that the instruction occupies
NO_EARLY_STAGE = -1

_LOADED = frozenset({
    Result.LOAD, Result.LOAD_SUBWORD, Result.LOAD_DOUBLE, Result.FP_LOAD, Result.FP_LOAD_DOUBLE,
})  # fmt: skip
_SINGLE_FP_TRANSFERS = frozenset({Kind.FP_LOAD, Kind.FP_STORE})


@dataclass(frozen=True, slots=True)
class ResultPlan:
    """A register that is written. `time`: AT_ISSUE, AT_END or its word in a multiple load."""

    register: int
    latencies: Latencies
    loaded: bool
    can_be_early: bool
    time: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The facts of an instruction as the scheduler wants them."""

    facts: Facts  # keeps them alive: plans are found by identity
    as_older: int  # PairTable bits
    as_younger: int
    occupancy: int  # cycles from issue until the next instruction but a paired one may issue
    alone: bool
    load: bool
    mac: bool
    fused: bool
    blocked_by_mac: bool
    not_younger_by_mac: bool
    sources: tuple[tuple[int, Role], ...]
    predicated_sources: tuple[tuple[int, Role], ...]
    results: tuple[ResultPlan, ...]
    early_role: int  # Role of its operands in the early stage, or NO_EARLY_STAGE


class PlanTable:
    """The numbers of a CPU model's [pipeline] tables, and plans made with them."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        issue, branch, fetch = params["issue"], params["branch"], params["fetch"]
        self.pairs = pair_table(bool(issue["extend_uses_shifter"]))
        self.latencies = latency_table(params)
        self.it_folding = bool(issue["it_folding"])
        self.unaligned_older: int = issue["unaligned_load_older_cycles"]
        self.unaligned_younger: int = issue["unaligned_load_younger_cycles"]
        self.unaligned_same_bank: int = issue["unaligned_load_same_bank_cycles"]
        self.odd_word: int = issue["store_multiple_odd_word_cycles"]
        self.words_per_cycle: int = issue["words_per_cycle"]
        self.mac_window: int = issue["fp_mac_window_cycles"]
        self.fused_after_chained: int = issue["fused_after_chained_cycles"]
        self.other_condition: int = issue["other_condition_cycles"]
        self.other_condition_limit: int = issue["other_condition_limit_cycles"]
        self.mispredict: int = branch["mispredict_cycles"]
        self.mispredict_ready: int = branch["mispredict_flags_ready_cycles"]
        self.flags_distance: int = branch["flags_ready_distance"]
        self.fetch_ahead: int = fetch["queue_groups"] - 1  # the group being issued is in it too
        self.group_shift: int = fetch["group_bytes"].bit_length() - 1
        self._occupancy: Mapping[str, int] = params["occupancy"]
        self._plans: dict[int, Plan] = {}

    def plan(self, facts: Facts) -> Plan:
        """The plan of an encoding's facts."""
        plan = self._plans.get(id(facts))
        if plan is None:
            plan = self._plans[id(facts)] = self._make(facts)
        return plan

    def _make(self, facts: Facts) -> Plan:
        kind = facts.kind
        early_role = NO_EARLY_STAGE
        if kind is Kind.ADD or kind is Kind.SHIFT:
            early_role = Role.EARLY_ADD if kind is Kind.ADD else Role.EARLY_SHIFT
        return Plan(
            facts=facts,
            as_older=self.pairs.as_older[kind],
            as_younger=self.pairs.as_younger[kind],
            occupancy=self.occupancy(kind, facts.words),
            alone=kind in ALONE,
            load=kind in LOADS,
            mac=kind in FP_MACS,
            fused=kind is Kind.FP_FUSED,
            blocked_by_mac=kind in MAC_WINDOW_BLOCKED,
            not_younger_by_mac=kind in MAC_WINDOW_NOT_YOUNGER,
            sources=facts.sources,
            predicated_sources=(*facts.sources, (FLAGS, Role.CONDITION)),
            results=self._results(facts, early_role != NO_EARLY_STAGE),
            early_role=early_role,
        )

    def _results(self, facts: Facts, early: bool) -> tuple[ResultPlan, ...]:
        results = []
        words = 0
        for register, result in facts.results:
            loaded = result in _LOADED
            time = AT_ISSUE if result is Result.BASE_UPDATE else AT_END
            if loaded and facts.words > 1:
                time, words = words, words + 1
            can_be_early = early and result is Result.LATE
            results.append(ResultPlan(register, self.latencies[result], loaded, can_be_early, time))
        return tuple(results)

    def occupancy(self, kind: Kind, words: int = 0, after_mac: bool = False) -> int:
        """Cycles that an instruction holds the pipe with its cheapest operands."""
        if words and kind not in _SINGLE_FP_TRANSFERS:
            return -(-words // self.words_per_cycle)
        name = kind.name.lower()
        if after_mac:  # of a double-precision MAC right behind another
            return self._occupancy[f"{name}_after_mac"]
        return self._occupancy.get(name, 1)
