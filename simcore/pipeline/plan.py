"""What the scheduler needs to know of one instruction, worked out once per encoding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simcore.isa.blocks import SINGLE_LOADS
from simcore.isa.kinds import FLAGS, BranchKind, Facts, Kind, Result, Role
from simcore.pipeline.latency import latency_table, occupancy
from simcore.pipeline.mechanism import LatencyPath, Mechanism
from simcore.pipeline.pairs import PairTable
from simcore.pipeline.state import Value, unconditional

if TYPE_CHECKING:
    from simcore.pipeline.in_order import BlockRun

# ResultPlan.time, when it is no word of a multiple load: 0, 1, 2 ...
AT_ISSUE = -1  # base update
AT_END = -2  # behind the last cycle that the instruction occupies
NO_EARLY_STAGE = -1

_LOADED = frozenset({
    Result.LOAD, Result.LOAD_SUBWORD, Result.LOAD_DOUBLE, Result.FP_LOAD, Result.FP_LOAD_DOUBLE,
})  # fmt: skip
_EARLY_ROLES = {Kind.ADD: Role.EARLY_ADD, Kind.SHIFT: Role.EARLY_SHIFT}


@dataclass(slots=True, eq=False)
class ResultPlan:
    """A register that is written. `time`: AT_ISSUE, AT_END or its word in a multiple load."""

    register: int
    time: int
    value: Value
    early: Value  # the value if the instruction executes early


@dataclass(slots=True, eq=False)
class KindRules:
    """What pair rules and mechanisms (mechanism.py) say of a kind of instruction."""

    alone: bool
    branches: bool
    as_older: int  # PairTable bits, and what mechanisms mark
    as_younger: int
    claims: int  # OPEN_* bits that it takes when it executes early
    folds: bool  # takes no slot
    earliest: tuple[Callable[[BlockRun], int], ...]
    refuses: tuple[Callable[[BlockRun], str], ...]
    holds: tuple[Callable[[BlockRun, int, bool], int], ...]
    completes: tuple[Callable[[BlockRun, int, int], None], ...]


@dataclass(slots=True, eq=False)
class Plan:
    """The facts of an instruction as the scheduler wants them."""

    facts: Facts  # without where it accesses memory and what only counts
    rules: KindRules
    occupancy: int  # cycles from issue until the next instruction but a paired one may issue
    predicated_sources: tuple[tuple[int, Role], ...]
    results: tuple[ResultPlan, ...]
    early_role: int  # Role of its operands in the early stage, or NO_EARLY_STAGE


class PlanTable:
    """The numbers of a CPU model's [pipeline] tables, and plans made with them."""

    def __init__(
        self, params: Mapping[str, Any], pairs: PairTable, alone: Collection[Kind],
        mechanisms: Sequence[Mechanism],
    ) -> None:  # fmt: skip
        issue, fetch = params["issue"], params["fetch"]
        self.pairs = pairs
        self.remembering = [kept for kept in mechanisms if kept.remembers]
        paths = [kept.cycles for kept in mechanisms if isinstance(kept, LatencyPath)]
        self.latencies = latency_table(params, paths)
        self.words_per_cycle: int = issue["words_per_cycle"]
        other: int = issue["other_condition_cycles"]
        beside: int = issue["other_condition_beside_shifter_cycles"]
        self.other_condition = [beside if r is Role.BESIDE_SHIFTER else other for r in Role]
        self.other_condition_limit: int = issue["other_condition_limit_cycles"]
        self.mispredict: int = params["branch"]["mispredict_cycles"]
        self.fetch_ahead: int = fetch["queue_groups"] - 1  # the group being issued is in it too
        self.group_shift: int = fetch["group_bytes"].bit_length() - 1
        self._params, self._alone, self._mechanisms = params, alone, mechanisms
        self._rules: dict[tuple[Kind, bool, bool], KindRules] = {}
        self._plans: dict[int, tuple[Facts, Plan]] = {}
        self._alike: dict[Facts, Plan] = {}

    def plan(self, facts: Facts) -> Plan:
        """The plan of an encoding's facts, shared by those that differ in nothing it knows."""
        found = self._plans.get(id(facts))
        if found is None:
            alike = facts._replace(counter="", memory=None, macs=0, note="", stack_change=0)
            plan = self._alike.get(alike)
            if plan is None:
                plan = self._alike[alike] = self._make(alike)
            found = self._plans[id(facts)] = facts, plan  # found by identity: kept alive
        return found[1]

    def _make(self, facts: Facts) -> Plan:
        kind = facts.kind
        early_role = _EARLY_ROLES.get(kind, NO_EARLY_STAGE)
        results = self._results(facts, early_role)
        sets_flags = any(register == FLAGS for register, _ in facts.results)
        key = (kind, facts.branch is not BranchKind.NONE, sets_flags)
        rules = self._rules.get(key)
        if rules is None:
            rules = self._rules[key] = self._rules_of(*key)
        return Plan(
            facts=facts,
            rules=rules,
            occupancy=occupancy(self._params, facts),
            predicated_sources=(*facts.sources, (FLAGS, Role.CONDITION)),
            results=results,
            early_role=early_role,
        )

    def _rules_of(self, kind: Kind, branches: bool, sets_flags: bool) -> KindRules:
        verbs = [mechanism.verbs(kind, branches, sets_flags) for mechanism in self._mechanisms]
        as_older, claims = self.pairs.as_older[kind], 0
        for verb in verbs:
            as_older |= verb.marks
            claims |= verb.claims
        return KindRules(
            alone=kind in self._alone or (branches and kind in SINGLE_LOADS),
            branches=branches,
            as_older=as_older,
            as_younger=self.pairs.as_younger[kind],
            claims=claims,
            folds=any(verb.folds for verb in verbs),
            earliest=tuple(verb.earliest for verb in verbs if verb.earliest),
            refuses=tuple(verb.refuses for verb in verbs if verb.refuses),
            holds=tuple(verb.holds for verb in verbs if verb.holds),
            completes=tuple(verb.completes for verb in verbs if verb.completes),
        )

    def _results(self, facts: Facts, early_role: int) -> tuple[ResultPlan, ...]:
        results = []
        words = 0
        for register, result in facts.results:
            loaded = result in _LOADED
            time = AT_ISSUE if result is Result.BASE_UPDATE else AT_END
            if loaded and facts.words > 1:
                time, words = words, words + 1
            value = early = unconditional(register, self.latencies[result], loaded)
            if early_role != NO_EARLY_STAGE and result is Result.LATE:
                at = Result.EARLY if early_role == Role.EARLY_ADD else Result.EARLY_SHIFT
                early = unconditional(register, self.latencies[at], loaded)
            results.append(ResultPlan(register, time, value, early))
        return tuple(results)
