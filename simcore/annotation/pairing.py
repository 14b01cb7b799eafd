"""How instructions issued: older or younger of a pair, why not, and what they waited for.

The pipeline says this per stretch of a block and entry state. An instruction of a stretch before is
found by following entry states backwards: a stretch that left the pipeline in this state, and that
goes on here or, where its block ends, leads here by a branch. Where several instructions could have
been meant, none is named.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simcore.core.counters import CAUSES, Counters
from simcore.isa.kinds import BranchKind
from simcore.pipeline.schedule import OTHER_BLOCK, WHY_NO_SLOT, WHY_PAIRED

if TYPE_CHECKING:
    from simcore.isa import Block, Instruction
    from simcore.pipeline import InstructionCost, Schedule

_DEPENDENCY, _LOAD_USE = CAUSES.index("dependency"), CAUSES.index("load_use")
_DIRECT = frozenset({BranchKind.CONDITIONAL, BranchKind.DIRECT, BranchKind.CALL})
_FURTHEST = 4  # blocks to look back for a result; those that are older have long arrived


@dataclass(slots=True)
class WaitSum:
    """Executions that waited for one result, and the cycles they lost."""

    executions: int = 0
    cycles: int = 0


@dataclass(slots=True)
class IssueSum:
    """How one instruction issued, in executions, over all blocks that hold it."""

    older: int = 0  # of a pair
    younger: int = 0
    folded: int = 0  # an IT that took no slot
    refused: dict[str, int] = field(default_factory=dict)  # rule that kept it from being younger
    # By (register, address of the instruction that wrote it, None: several are possible).
    waits: dict[tuple[int, int | None], WaitSum] = field(default_factory=dict)


def sum_issues(
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    wanted: Container[int],
) -> dict[int, IssueSum]:
    """How every instruction of the blocks with indices in ``wanted`` issued, by address.

    An older instruction whose partner begins another block counts where its block is known.
    """
    past = _Past(counters, blocks, schedules)
    sums: dict[int, IssueSum] = {}
    for number, (entry, schedule) in enumerate(zip(counters.entries, schedules, strict=True)):
        if not entry.executions or entry.block not in wanted:
            continue
        instructions = schedule.part_of(blocks[entry.block].instructions)
        for instruction, cost in zip(instructions, schedule.instructions, strict=True):
            into = sums.setdefault(instruction.address, IssueSum())
            if cost.slot == 0:
                if cost.why not in (WHY_PAIRED, WHY_NO_SLOT):
                    into.refused[cost.why] = into.refused.get(cost.why, 0) + entry.executions
                if cost.waited_register >= 0:
                    _add_wait(into, past, number, cost, instructions, entry.executions)
            elif cost.paired_with == -1:
                into.folded += entry.executions
            else:
                into.younger += entry.executions
                older = (
                    past.last_instruction(number)
                    if cost.paired_with == OTHER_BLOCK
                    else instructions[cost.paired_with].address
                )
                if older is not None:
                    sums.setdefault(older, IssueSum()).older += entry.executions
    return sums


def _add_wait(
    into: IssueSum, past: _Past, number: int, cost: InstructionCost,
    instructions: Sequence[Instruction], executions: int,
) -> None:  # fmt: skip
    if cost.waited_for == OTHER_BLOCK:
        producer = past.producer(number, cost.waited_register)
    else:
        producer = instructions[cost.waited_for].address
    wait = into.waits.setdefault((cost.waited_register, producer), WaitSum())
    wait.executions += executions
    cycles = cost.cycles_by_cause
    wait.cycles += (cycles[_DEPENDENCY] + cycles[_LOAD_USE]) * executions


class _Past:
    """Which entries may have run right before an entry."""

    def __init__(
        self, counters: Counters, blocks: Sequence[Block], schedules: Sequence[Schedule]
    ) -> None:
        self._entries = counters.entries
        self._blocks = blocks
        self._schedules = schedules
        self._leaving: dict[int, list[int]] = {}  # state -> entries that may leave the pipe in it
        for number, (entry, schedule) in enumerate(zip(counters.entries, schedules, strict=True)):
            if entry.executions:
                after = (schedule.after_next, schedule.after_taken, schedule.after_mispredict)
                for state in set(after):
                    self._leaving.setdefault(state, []).append(number)

    def last_instruction(self, number: int) -> int | None:
        """Address of the last instruction before an entry, None when several are possible."""
        return _only(self._instructions(before)[-1].address for before in self._before(number))

    def producer(self, number: int, register: int) -> int | None:
        """Address of the instruction that wrote `register` last before an entry, None: unknown."""
        return _only(self._producers(number, register, _FURTHEST, set()))

    def _entry_block(self, number: int) -> Block:
        return self._blocks[self._entries[number].block]

    def _instructions(self, number: int) -> Sequence[Instruction]:
        return self._schedules[number].part_of(self._entry_block(number).instructions)

    def _producers(
        self, number: int, register: int, furthest: int, seen: set[int]
    ) -> Iterable[int]:
        for before in self._before(number):
            if before in seen:
                continue
            seen.add(before)
            writer = _last_writer(self._instructions(before), register)
            further = furthest - (self._schedules[before].first == 0)
            if writer is not None:
                yield writer
            elif further >= 0:
                yield from self._producers(before, register, further, seen)

    def _before(self, number: int) -> list[int]:
        state, first = self._entries[number].state, self._schedules[number].first
        leaving = self._leaving.get(state, ())
        if first:
            return [before for before in leaving if self._goes_on(before, number, first)]
        address = self._entry_block(number).address
        return [before for before in leaving if self._leads_to(before, address, state)]

    def _goes_on(self, before: int, number: int, first: int) -> bool:
        """Whether one stretch is in front of another of its block, which begins at `first`."""
        schedule, entries = self._schedules[before], self._entries
        end = schedule.first + len(schedule.instructions)
        return entries[before].block == entries[number].block and end == first

    def _leads_to(self, before: int, address: int, state: int) -> bool:
        """Whether a block can be left in `state`, by its last stretch, with `address` next."""
        block, schedule = self._entry_block(before), self._schedules[before]
        if schedule.first + len(schedule.instructions) < len(block.instructions):
            return False
        branches = block.branch is not BranchKind.NONE
        redirected = branches and schedule.after_mispredict == state
        if block.address + block.size == address and (redirected or schedule.after_next == state):
            return True
        if not branches or (block.branch in _DIRECT and block.branch_target != address):
            return False
        return redirected or schedule.after_taken == state


def _last_writer(instructions: Sequence[Instruction], register: int) -> int | None:
    for instruction in reversed(instructions):
        if any(written == register for written, _ in instruction.facts.results):
            return instruction.address
    return None


def _only(addresses: Iterable[int]) -> int | None:
    found = set(addresses)
    return found.pop() if len(found) == 1 else None
