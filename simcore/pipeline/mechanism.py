"""What a mechanism of an in-order pipeline is: a rule beside latencies and pair rules, with a name.

`verbs` says what of a mechanism concerns a kind of instruction; it is asked once per kind, so that
an instruction that nothing concerns pays nothing. The verbs are called with the run, in which
`plan` and `placement` are those of the instruction being issued:

    earliest(run)               first cycle in which the instruction may issue
    refuses(run)                why it cannot be the younger of `run.open_cycle`; "" when it can
    holds(run, cycle, younger)  cycles more for which it keeps the pipe when issued in `cycle`
    completes(run, cycle, end)  notes what it leaves behind

A mechanism that has to know when something last happened keeps that time in its cell of
`run.memory`; `remains` makes it a part of the exit state, which is all that is left of the past
where a block, or a stretch of one, begins. Numbers and their sources are the [pipeline] tables of
the CPU model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from simcore.isa.kinds import Kind
from simcore.pipeline.state import NEVER
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.pipeline.in_order import BlockRun


class Verbs(NamedTuple):
    """What of a mechanism concerns a kind; `marks` and `claims` are OPEN_* bits."""

    earliest: Callable[[BlockRun], int] | None = None
    refuses: Callable[[BlockRun], str] | None = None
    holds: Callable[[BlockRun, int, bool], int] | None = None
    completes: Callable[[BlockRun, int, int], None] | None = None
    marks: int = 0  # what a younger instruction finds taken when this one is the older
    claims: int = 0  # what it takes, and needs free as the younger, when it executes early
    folds: bool = False  # takes no slot at all


NOTHING = Verbs()


@dataclass(frozen=True, slots=True)
class Mechanism(ABC):
    """One mechanism with its numbers."""

    name: ClassVar[str]
    remembers: ClassVar[bool] = False  # whether it has a cell in run.memory
    cell: int  # its place there

    @classmethod
    @abstractmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self | None:
        """The mechanism with a CPU model's numbers; None when the core has none."""

    @abstractmethod
    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        """What of it concerns a kind, which ends a block or sets flags."""

    @property
    def rest(self) -> int:
        """What its cell holds when nothing has happened for long."""
        return NEVER

    def remains(self, run: BlockRun, origin: int, next_cycle: int) -> int:
        """The time in its cell, from the origin of the exit state, if that can still matter."""
        return NEVER

    def describe(self, left: int) -> str:
        """What `remains` has left, in words; "" for nothing."""
        return ""


@dataclass(frozen=True, slots=True)
class LatencyPath(Mechanism):
    """Latencies that stand on a hypothesis: [pipeline.path.NAME], by result and operand role."""

    cycles: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, cell: int, params: Mapping[str, Any]) -> Self:
        return cls(cell, params["path"][cls.name])

    def verbs(self, kind: Kind, branches: bool, sets_flags: bool) -> Verbs:
        return NOTHING
