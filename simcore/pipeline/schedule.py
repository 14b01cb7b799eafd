"""What a pipeline says of a block: cycles by cause, exit states, why each instruction waited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")


class Cycles(NamedTuple):
    """Cycles by cause, in the order of enum cause in core.h."""

    issue: int = 0
    dependency: int = 0
    load_use: int = 0
    execute: int = 0
    branch: int = 0
    fetch: int = 0
    load: int = 0
    store: int = 0
    sleep: int = 0


# Why an instruction did not take the younger slot of the cycle before it.
WHY_PAIRED = ""
WHY_NO_SLOT = "both slots taken"
WHY_OPERAND = "operand not ready"
WHY_FETCH = "not fetched yet"
WHY_BANK = "loads from one bank"
WHY_WINDOW = "FP MAC in flight"
WHY_OLDER_ALONE = "older issues alone"

OTHER_BLOCK = -2  # an instruction index: in a block, or stretch of one, before this one


class InstructionCost(NamedTuple):
    """What one instruction adds, for an annotated listing. Indices are into the stretch."""

    cycles_by_cause: Cycles
    slot: int  # 0 older, 1 younger
    why: str  # why it did not pair with the instruction before; "" when it did or opened the block
    waited_for: int = -1  # the instruction whose result it waited for; -1: none, or OTHER_BLOCK
    waited_register: int = -1  # the register with that result, -1: none
    paired_with: int = -1  # slot 1: the older one, OTHER_BLOCK, or -1: a folded IT; slot 0: -1


class Schedule(NamedTuple):
    """A stretch of a block entered in a state. States are numbers of the Pipeline that made them.

    Cycles of accesses and barriers count from the stretch's first; below 0 is beside an instruction
    that was issued before.
    """

    cycles_by_cause: Cycles
    dual_issues: int
    access_cycles: tuple[int, ...]  # in which each access's instruction issues
    barrier_cycles: tuple[int, ...]  # the same of each DSB and DMB
    after_next: int
    after_taken: int
    after_mispredict: int
    mispredict_cycles: int
    instructions: tuple[InstructionCost, ...]
    first: int = 0  # index in the block of the stretch's first instruction

    @property
    def cycles(self) -> int:
        return sum(self.cycles_by_cause)

    def part_of(self, block: Sequence[Item]) -> Sequence[Item]:
        """Of something for each instruction of a block, what belongs to the stretch."""
        return block[self.first : self.first + len(self.instructions)]
