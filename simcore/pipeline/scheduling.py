"""Schedules one block: an in-order pass over its instructions, on times instead of cycles.

Each cycle has an older and a younger slot; an instruction takes the free younger slot of the cycle
before it if the issue rules, its operands and the fetched bytes allow, else it begins a new cycle
as soon as they do.
"""

from __future__ import annotations

from dataclasses import dataclass

from simcore.isa import Block, Instruction
from simcore.isa.blocks import BANK_NONE, BANK_SAME
from simcore.isa.kinds import ALWAYS, FLAGS, BranchKind, Facts, Kind, Result, Role
from simcore.pipeline.latency import Latencies
from simcore.pipeline.plan import AT_END, AT_ISSUE, NO_EARLY_STAGE, Plan, PlanTable
from simcore.pipeline.rules import DOUBLE_MACS, EARLY_SHIFTER_USERS
from simcore.pipeline.state import (
    CLOSED,
    NEVER,
    OPEN_LOAD,
    OPEN_SHIFTER,
    Pending,
    State,
    StateTable,
)

# Indices of enum cause in core.h.
ISSUE, DEPENDENCY, LOAD_USE, EXECUTE, BRANCH, FETCH = range(6)
CAUSE_COUNT = 9

# Why an instruction did not take the younger slot of the cycle before it.
WHY_PAIRED = ""
WHY_NO_SLOT = "both slots taken"
WHY_OPERAND = "operand not ready"
WHY_FETCH = "not fetched yet"
WHY_BANK = "loads from one bank"
WHY_WINDOW = "FP MAC in flight"
WHY_OLDER_ALONE = "older issues alone"

OTHER_BLOCK = -2  # an instruction index: in a block before this one


@dataclass(frozen=True, slots=True)
class InstructionCost:
    """What one instruction adds, for an annotated listing. Indices are into the block."""

    cycles_by_cause: tuple[int, ...]
    slot: int  # 0 older, 1 younger
    why: str  # why it did not pair with the instruction before; "" when it did or opened the block
    waited_for: int  # the instruction whose result it waited for; -1: none, or OTHER_BLOCK
    waited_register: int  # the register with that result, -1: none
    paired_with: int  # slot 1: the older instruction, OTHER_BLOCK, or -1: a folded IT; slot 0: -1


@dataclass(frozen=True, slots=True)
class Schedule:
    """A block entered in a state. States are numbers of the Pipeline that made them."""

    cycles_by_cause: tuple[int, ...]
    dual_issues: int
    access_cycles: tuple[int, ...]  # cycle of the block in which each access's instruction issues
    barrier_cycles: tuple[int, ...]  # the same of each DSB
    after_next: int
    after_taken: int
    after_mispredict: int
    mispredict_cycles: int
    instructions: tuple[InstructionCost, ...]

    @property
    def cycles(self) -> int:
        return sum(self.cycles_by_cause)


# A register's availability inside a block:
# (time its latencies count from, latencies, is loaded, producer, condition, latencies for it,
# the register itself)
_Ready = tuple[int, Latencies, bool, int, int, Latencies, int]
_UNCONDITIONAL = -1
_NO_CYCLES = (0,) * CAUSE_COUNT


class BlockRun:
    """One pass over a block. Times are cycles since the entry state's origin."""

    __slots__ = (
        "access_cycles", "barrier_cycles", "block", "chained", "costs", "cycles", "double_mac_end",
        "dual_issues", "early_shifter_busy", "entry", "fetched", "flags", "flushed_state", "group",
        "it_block", "last", "mac", "mispredict", "new_groups", "no_slot", "older", "open_cycle",
        "open_load", "open_mask", "open_unaligned", "ready", "states", "table", "variant",
    )  # fmt: skip

    def __init__(
        self, table: PlanTable, states: StateTable, block: Block, state: State, variant: int,
        flushed_state: int,
    ) -> None:  # fmt: skip
        self.table, self.states, self.flushed_state = table, states, flushed_state
        self.block, self.variant = block, variant
        # The instruction alone in `open_cycle`, whose younger slot is free unless CLOSED.
        self.open_mask = state.open_mask
        self.open_cycle = 0
        self.open_load = state.open_mask != CLOSED and bool(state.open_mask & OPEN_LOAD)
        self.open_unaligned = False
        self.early_shifter_busy = bool(state.open_mask & OPEN_SHIFTER)
        self.older = OTHER_BLOCK
        self.no_slot = WHY_PAIRED
        self.last = self.entry = state.lock  # last cycle begun or occupied
        # `fetched` is the time of `group`; the instruction being issued ends `new_groups` further.
        self.fetched, self.new_groups = state.fetched, 0
        self.group = (block.address >> table.group_shift) - state.new_group
        self.mac, self.chained = state.mac, state.chained
        self.double_mac_end = state.lock if state.double_mac else NEVER
        self.flags = -state.flags_age
        self.ready: dict[int, _Ready] = {
            register: (
                0,
                left.residual,
                left.load,
                OTHER_BLOCK,
                _UNCONDITIONAL,
                left.residual,
                register,
            )
            for register, left in state.pending
        }
        self.cycles = [0] * CAUSE_COUNT
        self.dual_issues = 0
        self.access_cycles: list[int] = []
        self.barrier_cycles: list[int] = []
        self.costs: list[InstructionCost] = []
        self.mispredict = 0
        self.it_block = 0  # conditions are the same only within one IT block

    def issue(self, index: int, instruction: Instruction) -> None:
        """Schedule the next instruction of the block."""
        table = self.table
        facts = instruction.facts
        plan = table.plan(facts)
        end_group = (instruction.address + instruction.size - 1) >> table.group_shift
        self.new_groups = end_group - self.group
        self.group = end_group
        if table.it_folding and facts.kind is Kind.IT:
            self.fetched += self.new_groups
            self.costs.append(InstructionCost(_NO_CYCLES, 1, WHY_PAIRED, -1, -1, -1))
            return
        condition, sources = _UNCONDITIONAL, plan.sources
        if instruction.condition != ALWAYS:
            condition = self.it_block << 4 | instruction.condition
            sources = plan.predicated_sources
        else:
            self.it_block += 1
        operands, producer = self._operands_ready(sources, condition)
        earliest = max(self._mac_free(plan), operands)
        placement = self.block.placements[index]
        unaligned = placement.unaligned >= 0 and bool(self.variant >> placement.unaligned & 1)
        why = self._refusal(plan, placement.bank, unaligned, operands, earliest)
        if why == WHY_PAIRED and self.open_mask != CLOSED:
            self._take_younger_slot(index, plan, condition, unaligned)
        else:
            self._begin_cycle(index, plan, condition, unaligned, operands, earliest, producer, why)

    def _operands_ready(
        self, sources: tuple[tuple[int, Role], ...], condition: int
    ) -> tuple[int, _Ready | None]:
        """First cycle in which all operands are there, and what the last of them came from."""
        latest, producer = NEVER, None
        ready = self.ready
        for register, role in sources:
            entry = ready.get(register)
            if entry is not None:
                latencies = entry[5] if entry[4] == condition else entry[1]
                at = entry[0] + latencies[role]
                if at > latest:
                    latest, producer = at, entry
        return latest, producer

    def _mac_free(self, plan: Plan) -> int:
        """First cycle in which the FPU's MAC stages let the instruction in."""
        free = NEVER
        if plan.blocked_by_mac and self.mac != NEVER:
            free = self.mac + self.table.mac_window + 1
        if plan.fused and self.chained != NEVER:
            free = max(free, self.chained + self.table.fused_after_chained + 1)
        return free

    def _refusal(self, plan: Plan, bank: int, unaligned: bool, operands: int, earliest: int) -> str:
        """Why the instruction cannot take the free slot; "" when it can or the block begins."""
        if self.open_mask == CLOSED:
            return self.no_slot
        pairs, cycle = self.table.pairs, self.open_cycle
        in_window = self.mac < cycle <= self.mac + self.table.mac_window
        refused = self.open_mask & plan.as_younger
        if plan.mac and not in_window:
            refused &= ~pairs.mac_bits  # the first MAC of a run
        if refused:
            return pairs.name(refused)
        if plan.not_younger_by_mac and in_window:
            return WHY_WINDOW
        # An unaligned younger load needs both banks and pairs whatever the older one's.
        aligned = not unaligned or bank == BANK_NONE
        if plan.load and self.open_load and aligned and self._same_bank(bank):
            return WHY_BANK
        if self.fetched + self.new_groups > cycle:
            return WHY_FETCH
        if operands > cycle:
            return WHY_OPERAND
        return WHY_WINDOW if earliest > cycle else WHY_PAIRED

    def _same_bank(self, bank: int) -> bool:
        """Whether a load is in the bank of the one before; across blocks taken for granted."""
        return bool(self.variant >> bank & 1) if bank >= 0 else bank in (BANK_SAME, BANK_NONE)

    def _take_younger_slot(
        self, index: int, plan: Plan, condition: int, unaligned: bool
    ) -> None:  # fmt: skip
        table, cycle = self.table, self.open_cycle
        end = cycle + plan.occupancy - 1
        if unaligned:
            end += table.unaligned_younger
            same_bank = self._same_bank(self.block.placements[index].bank)
            if self.open_load and not self.open_unaligned and same_bank:
                end -= table.unaligned_same_bank
        self.fetched += self.new_groups
        self.open_mask, self.no_slot = CLOSED, WHY_NO_SLOT
        self.dual_issues += 1
        grown = max(0, end - self.last)
        self.last += grown
        early = plan.early_role == Role.EARLY_SHIFT and not self.early_shifter_busy
        self._complete(index, plan, condition, cycle, end, early)
        cost = _NO_CYCLES
        if grown:
            self.cycles[EXECUTE] += grown
            cost = (0, 0, 0, grown, 0, 0, 0, 0, 0)
        self.costs.append(InstructionCost(cost, 1, WHY_PAIRED, -1, -1, self.older))

    def _begin_cycle(
        self, index: int, plan: Plan, condition: int, unaligned: bool, operands: int,
        earliest: int, producer: _Ready | None, why: str,
    ) -> None:  # fmt: skip
        table, first = self.table, self.last + 1
        # The queue holds a few groups: fetch cannot have run further ahead than that.
        fetched = max(self.fetched, self.last - table.fetch_ahead) + self.new_groups
        fetch_wait = max(0, fetched - first)
        operand_wait = max(0, operands - first - fetch_wait)
        cycle = max(first, fetched, earliest)
        mac_wait = cycle - first - fetch_wait - operand_wait
        self.fetched = max(fetched, cycle - table.fetch_ahead)
        end = cycle + self._occupancy(index, plan, cycle, unaligned) - 1
        self.last = end
        self._open_slot(index, plan, cycle, unaligned)
        self._complete(index, plan, condition, cycle, end, plan.early_role != NO_EARLY_STAGE)
        execute = mac_wait + end - cycle
        loaded = producer is not None and producer[2]
        dependency, load_use = (0, operand_wait) if loaded else (operand_wait, 0)
        cycles = self.cycles
        cycles[ISSUE] += 1
        cycles[DEPENDENCY] += dependency
        cycles[LOAD_USE] += load_use
        cycles[EXECUTE] += execute
        cycles[FETCH] += fetch_wait
        cost = (1, dependency, load_use, execute, 0, fetch_wait, 0, 0, 0)
        waited = register = -1
        if producer and (operand_wait or why == WHY_OPERAND):
            waited, register = producer[3], producer[6]
        self.costs.append(InstructionCost(cost, 0, why, waited, register, -1))

    def _occupancy(self, index: int, plan: Plan, cycle: int, unaligned: bool) -> int:
        """Cycles until the next instruction, save a paired one, may issue."""
        table, occupancy = self.table, plan.occupancy
        if plan.facts.kind in DOUBLE_MACS and cycle == self.double_mac_end + 1:
            occupancy = table.occupancy(plan.facts.kind, after_mac=True)
        if unaligned:
            occupancy += table.unaligned_older
        placement = self.block.placements[index]
        if placement.odd_word >= 0 and self.variant >> placement.odd_word & 1:
            occupancy += table.odd_word
        return occupancy

    def _open_slot(self, index: int, plan: Plan, cycle: int, unaligned: bool) -> None:
        """Leave the younger slot of `cycle` to the next instruction, if anything may take it."""
        self.older = index
        if plan.alone or (plan.load and plan.facts.branch is not BranchKind.NONE):
            self.open_mask, self.no_slot = CLOSED, WHY_OLDER_ALONE
            return
        self.open_mask, self.open_cycle = plan.as_older, cycle
        self.open_load, self.open_unaligned = plan.load, unaligned
        self.early_shifter_busy = plan.facts.kind in EARLY_SHIFTER_USERS
        if plan.mac and not self.mac < cycle <= self.mac + self.table.mac_window:
            self.open_mask &= ~self.table.pairs.mac_bits  # the first MAC of a run

    def _complete(
        self, index: int, plan: Plan, condition: int, cycle: int, end: int, early: bool
    ) -> None:
        """Note what the instruction, issued in `cycle`, leaves behind."""
        facts = plan.facts
        early = early and self._executes_early(plan, cycle)
        if facts.accesses:
            self._note_accesses(facts, cycle)
        if facts.synchronizes:
            self.barrier_cycles.append(max(0, cycle - self.entry - 1))
        if facts.branch is not BranchKind.NONE:
            self.mispredict = self._mispredict_cycles(facts, cycle)
        for result in plan.results:
            base = end
            if result.time == AT_ISSUE:
                base = cycle
            elif result.time != AT_END:
                base = cycle + result.time // self.table.words_per_cycle
            latencies = result.latencies
            if early and result.can_be_early:
                name = Result.EARLY if plan.early_role == Role.EARLY_ADD else Result.EARLY_SHIFT
                latencies = self.table.latencies[name]
            same = latencies
            if condition != _UNCONDITIONAL:
                latencies, same = self._predicated(result.register, latencies, base, condition)
            register = result.register
            self.ready[register] = (
                base, latencies, result.loaded, index, condition, same, register
            )  # fmt: skip
            if register == FLAGS:
                self.flags = base
        if plan.mac:
            self.mac = cycle
            self.chained = NEVER if plan.fused else cycle
        elif facts.kind in DOUBLE_MACS:
            self.double_mac_end = end

    def _executes_early(self, plan: Plan, cycle: int) -> bool:
        """Whether operands reach the early stage in time; if so, a shift takes its shifter."""
        role = plan.early_role
        for register in plan.facts.early_sources:
            entry = self.ready.get(register)
            if entry is not None and entry[0] + entry[1][role] > cycle:
                return False
        if role == Role.EARLY_SHIFT:
            self.early_shifter_busy = True
        return True

    def _predicated(
        self, register: int, latencies: Latencies, base: int, condition: int
    ) -> tuple[Latencies, Latencies]:
        """Latencies of a predicated write: (to another condition, to the same condition).

        The write may not happen, so the register is also as late as it was before.
        """
        limit, more = self.table.other_condition_limit, self.table.other_condition
        other = tuple(max(cycles, min(cycles + more, limit)) for cycles in latencies)
        before = self.ready.get(register)
        if before is not None:
            shift = before[0] - base
            left = before[5] if before[4] == condition else before[1]
            other = tuple(map(max, other, (cycles + shift for cycles in before[1])))
            latencies = tuple(map(max, latencies, (cycles + shift for cycles in left)))
        return other, latencies

    def _note_accesses(self, facts: Facts, cycle: int) -> None:
        first = cycle - self.entry - 1
        words = facts.accesses[0][0] // 4
        for number in range(len(facts.accesses)):
            at = first + number * words // self.table.words_per_cycle if facts.words else first
            self.access_cycles.append(max(0, at))

    def _mispredict_cycles(self, facts: Facts, cycle: int) -> int:
        """Penalty of a mispredict: less when what decides the branch was known in time."""
        decided = self.flags
        if facts.branch_register >= 0:
            entry = self.ready.get(facts.branch_register)
            decided = entry[0] if entry else NEVER
        table = self.table
        ready = cycle - decided >= table.flags_distance
        return table.mispredict_ready if ready else table.mispredict

    def finish(self) -> Schedule:
        """The schedule with its exit states."""
        block = self.block
        open_slot = self.open_mask != CLOSED
        origin = self.open_cycle if open_slot else self.last
        end_group = (block.address + block.size) >> self.table.group_shift
        pending = self._remaining(origin, 0 if open_slot else 1)
        return Schedule(
            cycles_by_cause=tuple(self.cycles),
            dual_issues=self.dual_issues,
            access_cycles=tuple(self.access_cycles),
            barrier_cycles=tuple(self.barrier_cycles),
            after_next=self._exit_state(origin, end_group > self.group, pending),
            after_taken=self._exit_state(origin, True, pending),
            after_mispredict=self.flushed_state,
            # Measured against the predicted case, where the next instruction fills a free slot.
            mispredict_cycles=max(0, self.mispredict - open_slot),
            instructions=tuple(self.costs),
        )

    def _remaining(self, origin: int, matters_above: int) -> tuple[tuple[int, Pending], ...]:
        """Registers whose results can still be waited for, sorted."""
        remaining = []
        for register, entry in self.ready.items():
            left = self.states.remaining(entry[1], origin - entry[0], matters_above, entry[2])
            if left is not None:
                remaining.append((register, left))
        remaining.sort(key=_register)
        return tuple(remaining)

    def _exit_state(
        self, origin: int, new_group: bool, pending: tuple[tuple[int, Pending], ...]
    ) -> int:
        table, mask = self.table, self.open_mask
        open_slot = mask != CLOSED
        next_cycle = origin if open_slot else origin + 1  # the first in which something can issue
        in_window = self.mac + table.mac_window >= next_cycle
        chained = self.chained + table.fused_after_chained >= next_cycle
        if open_slot:
            mask |= OPEN_LOAD * self.open_load | OPEN_SHIFTER * self.early_shifter_busy
        lock = self.last - origin
        fetched = self.fetched if open_slot else max(self.fetched, origin - table.fetch_ahead)
        if new_group and not lock:
            fetched, new_group = fetched + 1, False
        return self.states.intern(
            State(
                open_mask=mask,
                lock=lock,
                fetched=fetched - origin,
                new_group=new_group,
                mac=self.mac - origin if in_window else NEVER,
                chained=self.chained - origin if chained else NEVER,
                double_mac=self.double_mac_end == self.last,
                flags_age=min(origin - self.flags, table.flags_distance),
                pending=pending,
            )
        )


def _register(item: tuple[int, Pending]) -> int:
    return item[0]
