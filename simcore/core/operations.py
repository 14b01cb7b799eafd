"""Operations of a run as the C core found them; copies.py copies them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.run.asked import AskedCalls


class OpSource(IntEnum):
    """What makes an operation of what runs."""

    MARKED = 0
    CALLED = 1
    CALLED_AT = 2
    ONE_CALL = 3


@dataclass(frozen=True, slots=True)
class OpRow:
    """Struct op_row_info: one operation. What opened again inside itself counts once.

    ``number`` is an index into Counters.ops of one that firmware marks, that of a function whose
    calls are operations, or into what was asked for. ``call`` is which call it is, ``callee`` the
    function called, -1 for any; a rest is that call with all behind it.
    """

    source: int
    number: int
    call: int = 0
    callee: int = -1
    is_rest: int = 0
    invocations: int = 0
    timed: int = 0  # of them those with cycles
    least_cycles: int = 0
    most_cycles: int = 0
    again: int = 0  # begins inside itself
    unended: int = 0  # begins without an end
    too_deep: int = 0  # begins inside of more operations than are told apart
    partial: int = 0  # invocations that are longer than what is counted


@dataclass(frozen=True, slots=True)
class OpState:
    """An operation that is open, an index of a row, inside those of another state."""

    around: int  # as Node.state
    row: int


@dataclass(frozen=True, slots=True)
class OpUse:
    """What was done to a data object in one state: ``object`` is an index into Counters.objects."""

    state: int  # as Node.state
    object: int
    read_bytes: int
    write_bytes: int
    misses: int
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class LostEnds:
    """Ends with nothing open: in which function the first came (-1: none), and the row that was
    open then in another task (-1: none was)."""

    count: int = 0
    function: int = -1
    row: int = -1


@dataclass(frozen=True, slots=True)
class OpsFound:
    """What one configuration found of operations; ``asked`` are those of the setup."""

    rows: tuple[OpRow, ...] = ()
    states: tuple[OpState, ...] = ()  # state 0 is nothing, the first here is 1
    uses: tuple[OpUse, ...] = ()
    lost_ends: LostEnds = LostEnds()
    asked: tuple[AskedCalls, ...] = ()
