"""What the scheduler needs to know of one instruction, worked out once per encoding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simcore.isa.blocks import SINGLE_LOADS, ProbeBits
from simcore.isa.kinds import ALWAYS, FLAGS, BranchKind, Facts, Kind, Result, Role
from simcore.pipeline.latency import latency_table, occupancy
from simcore.pipeline.mechanism import LatencyPath, Mechanism
from simcore.pipeline.pairs import PairTable
from simcore.pipeline.state import UNCONDITIONAL, Value, unconditional

if TYPE_CHECKING:
    from simcore.pipeline.in_order import BlockRun
    from simcore.pipeline.stretches import Stretch

NO_EARLY_STAGE = -1
#: A register that is written: cycles behind the issue (None: behind the last cycle that the
#: instruction occupies) from which its value counts, that value, and the one if it executes early.
PlannedResult = tuple[int, int | None, Value, Value]
#: An instruction of a stretch: its index, plan, condition (UNCONDITIONAL: none), the fetch group in
#: which it ends, and what its addresses mean.
Row = tuple[int, "Plan", int, int, ProbeBits]

_LOADED = frozenset({
    Result.LOAD, Result.LOAD_SUBWORD, Result.LOAD_DOUBLE, Result.FP_LOAD, Result.FP_LOAD_DOUBLE,
})  # fmt: skip
_EARLY_ROLES = {Kind.ADD: Role.EARLY_ADD, Kind.SHIFT: Role.EARLY_SHIFT}


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

    facts: Facts  # of one of the encodings: where it accesses memory and what only counts differs
    rules: KindRules
    occupancy: int  # cycles from issue until the next instruction but a paired one may issue
    sources: tuple[tuple[int, int], ...]  # registers, and the number of the Role
    predicated_sources: tuple[tuple[int, int], ...]  # under a condition
    results: tuple[PlannedResult, ...]
    early_role: int  # Role of its operands in the early stage, or NO_EARLY_STAGE
    early_sources: tuple[int, ...]
    accesses: tuple[int, ...]  # cycles of each behind the issue
    waits: bool  # for accesses before it


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
        self._alike: dict[tuple[Any, ...], Plan] = {}
        self._values: dict[tuple[int, Result], Value] = {}
        self._rows: dict[int, tuple[Stretch, Sequence[Row]]] = {}  # found by identity: kept alive

    def plan(self, facts: Facts) -> Plan:
        """The plan of an encoding's facts, shared by those that differ in nothing it knows."""
        found = self._plans.get(id(facts))
        if found is None:
            alike = (
                facts.kind, facts.sources, facts.results, facts.early_sources, facts.accesses,
                facts.branch, facts.branch_register, facts.words, facts.waits,
            )  # fmt: skip
            plan = self._alike.get(alike)
            if plan is None:
                plan = self._alike[alike] = self._make(facts)
            found = self._plans[id(facts)] = facts, plan  # found by identity: kept alive
        return found[1]

    def rows(self, stretch: Stretch) -> Sequence[Row]:
        """The instructions of a stretch, worked out once."""
        found = self._rows.get(id(stretch))
        if found is None:
            found = self._rows[id(stretch)] = stretch, list(self._made_rows(stretch))
        return found[1]

    def _made_rows(self, stretch: Stretch) -> Iterator[Row]:
        shift = self.group_shift
        for index, (instruction, placement) in enumerate(
            zip(stretch.instructions, stretch.placements, strict=True)
        ):
            address, size, _, _, condition, facts = instruction
            # Of a condition and its opposite LLVM makes no difference.
            kept = UNCONDITIONAL if condition == ALWAYS else condition & ~1
            yield index, self.plan(facts), kept, (address + size - 1) >> shift, placement

    def _make(self, facts: Facts) -> Plan:
        kind = facts.kind
        early_role = _EARLY_ROLES.get(kind, NO_EARLY_STAGE)
        results = self._results(facts, early_role)
        sets_flags = any(register == FLAGS for register, _ in facts.results)
        key = (kind, facts.branch is not BranchKind.NONE, sets_flags)
        rules = self._rules.get(key)
        if rules is None:
            rules = self._rules[key] = self._rules_of(*key)
        sources = tuple([(register, int(role)) for register, role in facts.sources])
        return Plan(
            facts=facts,
            rules=rules,
            occupancy=occupancy(self._params, facts),
            sources=sources,
            predicated_sources=(*sources, (FLAGS, int(Role.CONDITION))),
            results=results,
            early_role=int(early_role),
            early_sources=facts.early_sources,
            accesses=self._accesses(facts),
            waits=bool(facts.waits),
        )

    def _accesses(self, facts: Facts) -> tuple[int, ...]:
        count = len(facts.accesses)
        if not facts.words:
            return (0,) * count
        words = facts.accesses[0][0] // 4
        return tuple([number * words // self.words_per_cycle for number in range(count)])

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

    def _results(self, facts: Facts, early_role: int) -> tuple[PlannedResult, ...]:
        results: list[PlannedResult] = []
        words = 0
        for register, result in facts.results:
            behind_issue = 0 if result is Result.BASE_UPDATE else None
            if facts.words > 1 and result in _LOADED:
                behind_issue = words // self.words_per_cycle
                words += 1
            value = early = self._value(register, result)
            if early_role != NO_EARLY_STAGE and result is Result.LATE:
                at = Result.EARLY if early_role == Role.EARLY_ADD else Result.EARLY_SHIFT
                early = self._value(register, at)
            results.append((register, behind_issue, value, early))
        return tuple(results)

    def _value(self, register: int, result: Result) -> Value:
        """What a register is given, the same object each time."""
        if (found := self._values.get((register, result))) is None:
            found = unconditional(register, self.latencies[result], result in _LOADED)
            self._values[register, result] = found
        return found
