"""Schedules a stretch of a block: an in-order pass over instructions, on times instead of cycles.

Each cycle has an older and a younger slot; an instruction takes the free younger slot of the cycle
before it if the pair rules, mechanisms, its operands and the fetched bytes allow, else it begins a
new cycle as soon as they do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from simcore.errors import ConfigError, nearest
from simcore.isa import Block, Instruction
from simcore.isa.kinds import ALWAYS, Facts, Kind, Role
from simcore.pipeline.latency import EXTRA_TABLES, extra_cycles
from simcore.pipeline.mechanism import Mechanism
from simcore.pipeline.pairs import PairTable
from simcore.pipeline.plan import AT_END, AT_ISSUE, NO_EARLY_STAGE, PlanTable
from simcore.pipeline.schedule import (
    OTHER_BLOCK,
    WHY_FETCH,
    WHY_NO_SLOT,
    WHY_OLDER_ALONE,
    WHY_OPERAND,
    WHY_PAIRED,
    WHY_WINDOW,
    Cycles,
    InstructionCost,
    Schedule,
)
from simcore.pipeline.state import (
    CLOSED,
    NEVER,
    OPEN_UNALIGNED,
    UNCONDITIONAL,
    State,
    StateTable,
    Value,
)
from simcore.pipeline.stretches import Stretch, cut, whole

if TYPE_CHECKING:
    from simcore.cpu_model import CorePipeline

_NO_CYCLES = Cycles()
_ISSUED = Cycles(issue=1)
_FOLDED = InstructionCost(_NO_CYCLES, 1, WHY_PAIRED)


class InOrderPipeline:
    """A Pipeline with pair rules and mechanisms; `mechanisms` are those that the core may have."""

    def __init__(
        self, params: CorePipeline, pairs: PairTable, alone: Collection[Kind],
        mechanisms: Sequence[type[Mechanism]],
    ) -> None:  # fmt: skip
        self._params = params
        names = [kind.name for kind in mechanisms]
        for name in params.without:
            if name not in names:
                raise ConfigError(
                    f"pipeline {params.name} has no mechanism '{name}'{nearest(name, names)}"
                    f" (known: {', '.join(names)})"
                )
        made: list[Mechanism] = []
        cell = 0
        for kind in mechanisms:
            if kind.name not in params.without and (mechanism := kind.of(cell, params)):
                made.append(mechanism)
                cell += kind.remembers
        self._plans = PlanTable(params, pairs, alone, made)
        self._states = StateTable()
        # Nothing in flight, the next group arrives next cycle.
        self.reset_state = self._states.intern(
            State(
                open_mask=CLOSED,
                lock=0,
                fetched=1,
                new_group=False,
                memory=tuple(kept.rest for kept in self._plans.remembering),
                pending=(),
            )
        )

    def schedule(self, block: Block, state: int, variant: int = 0) -> Schedule:
        return self.schedule_stretch(whole(block), state, variant)

    def stretches(self, block: Block) -> tuple[Stretch, ...]:
        # Two instructions share a cycle at best: behind a cut so far from the branch, all that was
        # written before it is old to hazards.FlagDistance.
        return cut(block, uncut=2 * self._params["branch"]["flags_ready_distance"])

    def schedule_stretch(self, stretch: Stretch, state: int, variant: int) -> Schedule:
        entry = self._states.states[state]
        run = BlockRun(self._plans, self._states, stretch, entry, variant)
        for index, instruction in enumerate(stretch.instructions):
            run.issue(index, instruction)
        return run.finish(self.reset_state)

    def describe_state(self, state: int) -> str:
        return self._states.states[state].describe(self._plans.remembering)

    def extra_cycles(self, table: str) -> tuple[int, ...]:
        return extra_cycles(self._params, table)

    @property
    def extra_tables(self) -> tuple[str, ...]:
        return EXTRA_TABLES

    @property
    def alignment(self) -> int:
        return max(4, 1 << self._plans.group_shift)

    def packed_states(self) -> list[bytes]:
        return self._states.packed()

    def adopt(self, states: Sequence[bytes]) -> None:
        self._states.adopt(states)

    @property
    def state_count(self) -> int:
        return len(self._states.states)


@dataclass(slots=True)
class Ready:
    """A register that was written."""

    base: int  # the time from which the value's latencies count
    value: Value
    producer: int  # index of the instruction that wrote it


class BlockRun:
    """One pass over a stretch of a block. Times are cycles since the entry state's origin."""

    __slots__ = (
        "access_cycles", "barrier_cycles", "condition", "costs", "cycles", "dual_issues", "entry",
        "fetched", "group", "index", "it_block", "last", "memory", "mispredict", "new_groups",
        "no_slot", "older", "open_cycle", "open_mask", "placement", "plan", "ready", "states",
        "stretch", "table", "variant",
    )  # fmt: skip

    def __init__(
        self, table: PlanTable, states: StateTable, stretch: Stretch, state: State, variant: int
    ) -> None:
        self.table, self.states = table, states
        self.stretch, self.variant = stretch, variant
        # The instruction alone in `open_cycle`, whose younger slot is free unless CLOSED.
        self.open_mask, self.open_cycle = state.open_mask, 0
        self.older = OTHER_BLOCK
        self.no_slot = WHY_PAIRED
        if stretch.before is not None:
            alone = table.plan(stretch.before).rules.alone
            self.no_slot = WHY_OLDER_ALONE if alone else WHY_NO_SLOT
        self.last = self.entry = state.lock  # last cycle begun or occupied
        # `fetched` is the time of `group`; the instruction being issued ends `new_groups` further.
        self.fetched, self.new_groups = state.fetched, 0
        self.group = (stretch.address >> table.group_shift) - state.new_group
        self.memory = list(state.memory)
        self.ready = {value.register: Ready(0, value, OTHER_BLOCK) for value in state.pending}
        self.cycles = [0] * len(_NO_CYCLES)
        self.dual_issues = 0
        self.access_cycles: list[int] = []
        self.barrier_cycles: list[int] = []
        self.costs: list[InstructionCost] = []
        self.mispredict = 0
        self.it_block = 0  # conditions are the same only within one IT block

    def issue(self, index: int, instruction: Instruction) -> None:
        """Schedule the next instruction of the stretch."""
        plan = self.plan = self.table.plan(instruction.facts)
        self.index, self.placement = index, self.stretch.placements[index]
        self._fetch(instruction)
        if plan.rules.folds:
            self.fetched += self.new_groups
            self.costs.append(_FOLDED)
            return
        operands, producer = self._operands_ready(instruction.condition)
        earliest = operands
        for free in plan.rules.earliest:
            earliest = max(earliest, free(self))
        why = self._refusal(operands, earliest)
        if why == WHY_PAIRED and self.open_mask != CLOSED:
            cycle, end, early = self._take_younger_slot()
        else:
            cycle, end, early = self._begin_cycle(operands, earliest, producer, why)
        self._complete(cycle, end, early)

    def _fetch(self, instruction: Instruction) -> None:
        """Count the groups that the instruction ends behind what is fetched."""
        end_group = (instruction.address + instruction.size - 1) >> self.table.group_shift
        self.new_groups = end_group - self.group
        self.group = end_group

    def _operands_ready(self, condition: int) -> tuple[int, Ready | None]:
        """First cycle in which all operands are there, and what the last of them came from."""
        if condition == ALWAYS:
            self.it_block += 1
            self.condition, sources = UNCONDITIONAL, self.plan.facts.sources
        else:
            # Of a condition and its opposite LLVM makes no difference.
            self.condition = self.it_block << 4 | condition & ~1
            sources = self.plan.predicated_sources
        latest, producer = NEVER, None
        ready, condition = self.ready, self.condition
        for register, role in sources:
            entry = ready.get(register)
            if entry is not None:
                value = entry.value
                latencies = value.same if value.condition == condition else value.latencies
                at = entry.base + latencies[role]
                if at > latest:
                    latest, producer = at, entry
        return latest, producer

    def _refusal(self, operands: int, earliest: int) -> str:
        """Why the instruction cannot take the free slot; "" when it can or the block begins."""
        if self.open_mask == CLOSED:
            return self.no_slot
        plan = self.plan
        if refused := self.open_mask & plan.rules.as_younger:
            return self.table.pairs.name(refused)
        for refuses in plan.rules.refuses:
            if why := refuses(self):
                return why
        cycle = self.open_cycle
        if self.fetched + self.new_groups > cycle:
            return WHY_FETCH
        if operands > cycle:
            return WHY_OPERAND
        return WHY_WINDOW if earliest > cycle else WHY_PAIRED

    def _take_younger_slot(self) -> tuple[int, int, bool]:
        """Issue beside the older instruction: cycle, last cycle occupied, may execute early."""
        plan, cycle = self.plan, self.open_cycle
        end = cycle + plan.occupancy - 1
        for holds in plan.rules.holds:
            end += holds(self, cycle, True)
        early = plan.early_role == Role.EARLY_SHIFT and not self.open_mask & plan.rules.claims
        self.fetched += self.new_groups
        self.open_mask, self.no_slot = CLOSED, WHY_NO_SLOT
        self.dual_issues += 1
        cycles = _NO_CYCLES
        if end > self.last:
            grown = end - self.last
            self.last = end
            self.cycles[_EXECUTE] += grown
            cycles = Cycles(execute=grown)
        self.costs.append(InstructionCost(cycles, 1, WHY_PAIRED, -1, -1, self.older))
        return cycle, end, early

    def give_back(self, cycles: int) -> None:
        """The younger of a pair spares the older one, of this block, cycles of its hold."""
        ended, cost = self.last, self.costs[self.older]
        self.last -= cycles
        self.cycles[_EXECUTE] -= cycles
        causes = cost.cycles_by_cause
        causes = causes._replace(execute=causes.execute - cycles)
        self.costs[self.older] = cost._replace(cycles_by_cause=causes)
        for entry in self.ready.values():
            if entry.producer == self.older and entry.base == ended:
                entry.base -= cycles

    def _begin_cycle(
        self, operands: int, earliest: int, producer: Ready | None, why: str
    ) -> tuple[int, int, bool]:
        """Issue as the older of a new cycle; returns as _take_younger_slot."""
        plan, first = self.plan, self.last + 1
        # The queue holds a few groups: fetch cannot have run further ahead than that.
        fetch_ahead = self.table.fetch_ahead
        fetched = max(self.fetched, self.last - fetch_ahead) + self.new_groups
        fetch_wait = max(0, fetched - first)
        operand_wait = max(0, operands - first - fetch_wait)
        cycle = max(first, fetched, earliest)
        self.fetched = max(fetched, cycle - fetch_ahead)
        self.older = self.index
        if plan.rules.alone:
            self.open_mask, self.no_slot = CLOSED, WHY_OLDER_ALONE
        else:
            self.open_mask, self.open_cycle = plan.rules.as_older, cycle
        end = cycle + plan.occupancy - 1
        for holds in plan.rules.holds:
            end += holds(self, cycle, False)
        self.last = end
        cycles = self.cycles
        cycles[_ISSUE] += 1
        cost = _ISSUED
        if end > first:
            execute = end - first - fetch_wait - operand_wait
            loaded = producer is not None and producer.value.loaded
            dependency, load_use = (0, operand_wait) if loaded else (operand_wait, 0)
            cycles[_DEPENDENCY] += dependency
            cycles[_LOAD_USE] += load_use
            cycles[_EXECUTE] += execute
            cycles[_FETCH] += fetch_wait
            cost = Cycles(1, dependency, load_use, execute, 0, fetch_wait)
        if producer and (operand_wait or why == WHY_OPERAND):
            waited = InstructionCost(cost, 0, why, producer.producer, producer.value.register)
        else:
            waited = InstructionCost(cost, 0, why)
        self.costs.append(waited)
        return cycle, end, plan.early_role != NO_EARLY_STAGE

    def _complete(self, cycle: int, end: int, early: bool) -> None:
        """Note what the instruction, issued in `cycle`, leaves behind."""
        plan, table = self.plan, self.table
        facts, condition = plan.facts, self.condition
        early = early and self._executes_early(cycle)
        if facts.accesses:
            self._note_accesses(facts, cycle)
        if facts.waits:
            self.barrier_cycles.append(cycle - self.entry - 1)
        if plan.rules.branches:
            self.mispredict = table.mispredict
        for completes in plan.rules.completes:
            completes(self, cycle, end)
        for result in plan.results:
            base = end
            if result.time == AT_ISSUE:
                base = cycle
            elif result.time != AT_END:
                base = cycle + result.time // table.words_per_cycle
            value = result.early if early else result.value
            if condition != UNCONDITIONAL:
                value = self._predicated(value, base)
            self.ready[result.register] = Ready(base, value, self.index)

    def _executes_early(self, cycle: int) -> bool:
        """Whether operands reach the early stage in time; if so, a shift takes its shifter."""
        plan = self.plan
        role = plan.early_role
        for register in plan.facts.early_sources:
            entry = self.ready.get(register)
            if entry is not None and entry.base + entry.value.latencies[role] > cycle:
                return False
        self.open_mask |= plan.rules.claims
        return True

    def _predicated(self, value: Value, base: int) -> Value:
        """A value that is written under the condition: later to instructions under another one.

        The write may not happen, so the register is also as late as it was before.
        """
        limit, later = self.table.other_condition_limit, self.table.other_condition
        register, same, condition = value.register, value.latencies, self.condition
        other = tuple(
            max(cycles, min(cycles + more, limit)) for cycles, more in zip(same, later, strict=True)
        )
        before = self.ready.get(register)
        if before is not None:
            shift, old = before.base - base, before.value
            left = old.same if old.condition == condition else old.latencies
            other = tuple(map(max, other, (cycles + shift for cycles in old.latencies)))
            same = tuple(map(max, same, (cycles + shift for cycles in left)))
        return Value(register, other, value.loaded, same, condition, max(other))

    def _note_accesses(self, facts: Facts, cycle: int) -> None:
        first = cycle - self.entry - 1
        words = facts.accesses[0][0] // 4
        for number in range(len(facts.accesses)):
            at = first + number * words // self.table.words_per_cycle if facts.words else first
            self.access_cycles.append(at)

    def finish(self, flushed_state: int) -> Schedule:
        """The schedule with its exit states; `flushed_state` is that after a mispredict."""
        stretch = self.stretch
        open_slot = self.open_mask != CLOSED
        origin = self.open_cycle if open_slot else self.last
        next_cycle = origin if open_slot else origin + 1  # the first in which something can issue
        memory = tuple([kept.remains(self, origin, next_cycle) for kept in self.table.remembering])
        pending = self._remaining(origin, next_cycle - origin)
        ends_group = (stretch.address + stretch.size) >> self.table.group_shift > self.group
        return Schedule(
            cycles_by_cause=Cycles(*self.cycles),
            dual_issues=self.dual_issues,
            access_cycles=tuple(self.access_cycles),
            barrier_cycles=tuple(self.barrier_cycles),
            after_next=self._exit_state(origin, ends_group, memory, pending),
            after_taken=self._exit_state(origin, True, memory, pending),
            after_mispredict=flushed_state,
            # Measured against the predicted case, where the next instruction fills a free slot.
            mispredict_cycles=max(0, self.mispredict - open_slot),
            instructions=tuple(self.costs),
            first=stretch.first,
        )

    def _remaining(self, origin: int, matters_above: int) -> tuple[Value, ...]:
        """The values that can still be waited for, sorted by register."""
        remaining = []
        for entry in self.ready.values():
            elapsed, value = origin - entry.base, entry.value
            if value.longest - elapsed > matters_above:
                remaining.append(self.states.remaining(value, elapsed, matters_above))
        remaining.sort(key=_register)
        return tuple(remaining)

    def _exit_state(
        self, origin: int, new_group: bool, memory: tuple[int, ...],
        pending: tuple[Value, ...],
    ) -> int:  # fmt: skip
        lock, fetched, mask = self.last - origin, self.fetched, self.open_mask
        if mask == CLOSED:
            fetched = max(fetched, origin - self.table.fetch_ahead)
        else:
            mask &= ~OPEN_UNALIGNED
        if new_group and not lock:
            fetched, new_group = fetched + 1, False
        return self.states.intern(State(mask, lock, fetched - origin, new_group, memory, pending))


_register = attrgetter("register")


_ISSUE, _DEPENDENCY, _LOAD_USE, _EXECUTE, _FETCH = map(
    Cycles._fields.index, ("issue", "dependency", "load_use", "execute", "fetch")
)
