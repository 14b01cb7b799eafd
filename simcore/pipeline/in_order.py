"""Schedules a stretch of a block: an in-order pass over instructions, on times instead of cycles.

Each cycle has an older and a younger slot; an instruction takes the free younger slot of the cycle
before it if the pair rules, mechanisms, its operands and the fetched bytes allow, else it begins a
new cycle as soon as they do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from simcore.errors import ConfigError, nearest
from simcore.isa import Block, ProbeBits
from simcore.isa.kinds import Kind, Role
from simcore.pipeline.latency import EXTRA_TABLES, extra_cycles
from simcore.pipeline.mechanism import Mechanism
from simcore.pipeline.pairs import PairTable
from simcore.pipeline.plan import NO_EARLY_STAGE, Plan, PlanTable
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

    def schedule_stretch(
        self, stretch: Stretch, state: int, variant: int, *, explain: bool = True
    ) -> Schedule:
        entry = self._states.states[state]
        run = BlockRun(self._plans, self._states, stretch, entry, variant, explain)
        run.issue_all()
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


#: A register that was written: the time from which the value's latencies count, the value, and the
#: index of the instruction that wrote it.
Ready = tuple[int, Value, int]


class BlockRun:
    """One pass over a stretch of a block. Times are cycles since the entry state's origin.

    What mechanisms see is here; the rest is local to `issue_all`, which is one long function as
    calls for its steps would take longer than the steps.
    """

    __slots__ = (
        "access_cycles", "barrier_cycles", "costs", "cycles", "dual_issues", "entry", "execute",
        "fetched", "group", "index", "last", "memory", "mispredict", "no_slot", "older",
        "open_cycle", "open_mask", "placement", "plan", "ready", "states", "stretch", "table",
        "variant",
    )  # fmt: skip

    plan: Plan  # of the instruction being issued, as what follows
    placement: ProbeBits
    index: int

    def __init__(
        self, table: PlanTable, states: StateTable, stretch: Stretch, state: State, variant: int,
        explain: bool,
    ) -> None:  # fmt: skip
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
        # `fetched` is the time of `group`, in which the instruction before ends.
        self.fetched = state.fetched
        self.group = (stretch.address >> table.group_shift) - state.new_group
        self.memory = list(state.memory)
        self.ready: dict[int, Ready] = {
            value.register: (0, value, OTHER_BLOCK) for value in state.pending
        }
        self.execute = 0  # cycles of that cause
        self.cycles = _NO_CYCLES  # by cause, at the end
        self.dual_issues = 0
        self.access_cycles: list[int] = []
        self.barrier_cycles: list[int] = []
        self.costs: list[InstructionCost] | None = [] if explain else None
        self.mispredict = 0

    def issue_all(self) -> None:
        """Schedule the instructions of the stretch in turn."""
        stretch, table, costs, ready = self.stretch, self.table, self.costs, self.ready
        fetch_ahead, counted_from, written = table.fetch_ahead, self.entry + 1, ready.get
        issued = dependencies = load_uses = fetch_waits = 0
        no_producer: Ready | None = None
        it_block = 0  # conditions are the same only within one IT block
        for index, plan, condition, end_group, placement in table.rows(stretch):
            rules = plan.rules
            self.index, self.plan, self.placement = index, plan, placement
            # Groups that the instruction ends behind what is fetched.
            new_groups = end_group - self.group
            self.group = end_group
            if rules.folds:
                self.fetched += new_groups
                if costs is not None:
                    costs.append(_FOLDED)
                continue

            # The first cycle in which all operands are there, and what the last of them came from.
            operands, producer = NEVER, no_producer
            if condition == UNCONDITIONAL:
                it_block += 1
                for register, role in plan.sources:
                    if (entry := written(register)) is not None:
                        at = entry[0] + entry[1].latencies[role]
                        if at > operands:
                            operands, producer = at, entry
            else:
                condition |= it_block << 4
                for register, role in plan.predicated_sources:
                    if (entry := written(register)) is not None:
                        base, value, _ = entry
                        known = value.same if value.condition == condition else value.latencies
                        at = base + known[role]
                        if at > operands:
                            operands, producer = at, entry
            earliest = operands
            for free in rules.earliest:
                earliest = max(earliest, free(self))

            if self.open_mask == CLOSED:
                why, is_older = self.no_slot, True
            else:
                why = self._refusal(operands, earliest, new_groups)
                is_older = why != WHY_PAIRED
            if is_older:
                first = self.last + 1
                # The queue holds a few groups: fetch cannot have run further ahead than that.
                fetched = self.fetched
                if fetched < first - 1 - fetch_ahead:
                    fetched = first - 1 - fetch_ahead
                fetched += new_groups
                cycle = first if first > fetched else fetched
                if earliest > cycle:
                    cycle = earliest
                self.fetched = fetched if fetched > cycle - fetch_ahead else cycle - fetch_ahead
                self.older = index
                if rules.alone:
                    self.open_mask, self.no_slot = CLOSED, WHY_OLDER_ALONE
                else:
                    self.open_mask, self.open_cycle = rules.as_older, cycle
                end = cycle + plan.occupancy - 1
                for holds in rules.holds:
                    end += holds(self, cycle, False)
                self.last = end
                issued += 1
                fetch_wait = fetched - first if fetched > first else 0
                operand_wait = operands - first - fetch_wait
                if operand_wait < 0:
                    operand_wait = 0
                cost = _ISSUED
                if end > first:
                    execute = end - first - fetch_wait - operand_wait
                    if producer is not None and producer[1].loaded:
                        dependency, load_use = 0, operand_wait
                    else:
                        dependency, load_use = operand_wait, 0
                    dependencies += dependency
                    load_uses += load_use
                    fetch_waits += fetch_wait
                    self.execute += execute
                    if costs is not None:
                        cost = Cycles(1, dependency, load_use, execute, 0, fetch_wait)
                if costs is not None:
                    waited, register = -1, -1
                    if producer is not None and (operand_wait or why == WHY_OPERAND):
                        waited, register = producer[2], producer[1].register
                    costs.append(InstructionCost(cost, 0, why, waited, register))
                early = plan.early_role != NO_EARLY_STAGE
            else:
                cycle = self.open_cycle
                end = cycle + plan.occupancy - 1
                for holds in rules.holds:
                    end += holds(self, cycle, True)
                # The early adder is the older one's.
                early = plan.early_role == Role.EARLY_SHIFT and not self.open_mask & rules.claims
                self.fetched += new_groups
                self.open_mask, self.no_slot = CLOSED, WHY_NO_SLOT
                self.dual_issues += 1
                grown = end - self.last if end > self.last else 0
                self.last += grown
                self.execute += grown
                if costs is not None:
                    cost = Cycles(execute=grown) if grown else _NO_CYCLES
                    costs.append(InstructionCost(cost, 1, WHY_PAIRED, -1, -1, self.older))

            # What the instruction, issued in `cycle`, leaves behind.
            if early:
                # Operands have to reach the early stage in time; then a shift takes its shifter.
                for register in plan.early_sources:
                    entry = written(register)
                    if entry is not None and entry[0] + entry[1].latencies[plan.early_role] > cycle:
                        early = False
                        break
                else:
                    self.open_mask |= rules.claims
            for later in plan.accesses:
                self.access_cycles.append(cycle - counted_from + later)
            if plan.waits:
                self.barrier_cycles.append(cycle - counted_from)
            if rules.branches:
                self.mispredict = table.mispredict
            for completes in rules.completes:
                completes(self, cycle, end)
            for register, offset, late_value, early_value in plan.results:
                base = end if offset is None else cycle + offset
                value = early_value if early else late_value
                if condition != UNCONDITIONAL:
                    value = self._predicated(value, base, condition)
                ready[register] = (base, value, index)
        self.cycles = Cycles(issued, dependencies, load_uses, self.execute, fetch=fetch_waits)

    def _refusal(self, operands: int, earliest: int, new_groups: int) -> str:
        """Why the instruction cannot take the free slot; "" when it can."""
        rules = self.plan.rules
        if refused := self.open_mask & rules.as_younger:
            return self.table.pairs.name(refused)
        for refuses in rules.refuses:
            if why := refuses(self):
                return why
        cycle = self.open_cycle
        if self.fetched + new_groups > cycle:
            return WHY_FETCH
        if operands > cycle:
            return WHY_OPERAND
        return WHY_WINDOW if earliest > cycle else WHY_PAIRED

    def give_back(self, cycles: int) -> None:
        """The younger of a pair spares the older one, of this block, cycles of its hold."""
        ended = self.last
        self.last -= cycles
        self.execute -= cycles
        if self.costs is not None:
            cost = self.costs[self.older]
            causes = cost.cycles_by_cause
            causes = causes._replace(execute=causes.execute - cycles)
            self.costs[self.older] = cost._replace(cycles_by_cause=causes)
        for register, (base, value, producer) in self.ready.items():
            if producer == self.older and base == ended:
                self.ready[register] = (base - cycles, value, producer)

    def _predicated(self, value: Value, base: int, condition: int) -> Value:
        """A value that is written under a condition: later to instructions under another one.

        The write may not happen, so the register is also as late as it was before.
        """
        limit, later = self.table.other_condition_limit, self.table.other_condition
        register, same = value.register, value.latencies
        other = tuple(
            max(cycles, min(cycles + more, limit)) for cycles, more in zip(same, later, strict=True)
        )
        if (before := self.ready.get(register)) is not None:
            shift, old = before[0] - base, before[1]
            left = old.same if old.condition == condition else old.latencies
            other = tuple(map(max, other, (cycles + shift for cycles in old.latencies)))
            same = tuple(map(max, same, (cycles + shift for cycles in left)))
        return Value(register, other, value.loaded, same, condition, max(other))

    def finish(self, flushed_state: int) -> Schedule:
        """The schedule with its exit states; `flushed_state` is that after a mispredict."""
        stretch = self.stretch
        open_slot = self.open_mask != CLOSED
        origin = self.open_cycle if open_slot else self.last
        next_cycle = origin if open_slot else origin + 1  # the first in which something can issue
        memory = tuple([
            time if time == NEVER else kept.remains(self, origin, next_cycle)
            for kept, time in zip(self.table.remembering, self.memory, strict=True)
        ])  # fmt: skip
        pending = self._remaining(origin, next_cycle - origin)
        ends_group = (stretch.address + stretch.size) >> self.table.group_shift > self.group
        after_next = after_taken = self._exit_state(origin, ends_group, memory, pending)
        if not ends_group:
            after_taken = self._exit_state(origin, True, memory, pending)
        return Schedule(
            self.cycles,
            self.dual_issues,
            tuple(self.access_cycles),
            tuple(self.barrier_cycles),
            after_next,
            after_taken,
            flushed_state,
            # Measured against the predicted case, where the next instruction fills a free slot.
            max(0, self.mispredict - open_slot),
            tuple(self.costs or ()),
            stretch.first,
        )

    def _remaining(self, origin: int, matters_above: int) -> tuple[Value, ...]:
        """The values that can still be waited for, sorted by register."""
        remaining = []
        longest_left = origin + matters_above
        for base, value, _ in self.ready.values():
            if base + value.longest > longest_left:
                remaining.append(self.states.remaining(value, origin - base, matters_above))
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
        return self.states.number_of(mask, lock, fetched - origin, new_group, memory, pending)


_register = attrgetter("register")
