"""Pipeline states between blocks: what of the past can still matter, in canonical form.

Times count from an origin: the cycle whose younger slot is still free, or else the last cycle that
earlier blocks have paid for. Everything that can no longer delay or pair anything is dropped, so
that states that behave alike are equal and the number of (state, block) pairs stays small.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from simcore.isa.kinds import FLAGS, FP_BASE, GE_FLAGS, Role
from simcore.pipeline.latency import Latencies

if TYPE_CHECKING:
    from simcore.pipeline.mechanism import Mechanism

CLOSED = -1  # State.open_mask when no slot is free
# State.open_mask: the pair rules of the older instruction, and what mechanisms say of it.
RULE_BITS = 24
OPEN_LOAD = 1 << 24  # it is a load
OPEN_SHIFTER = 1 << 25  # it uses the early shifter
OPEN_MAC = 1 << 26  # it is a single-precision MAC, not the first of a run
OPEN_FP_MOVE = 1 << 27  # it is an FP move, load or store
OPEN_UNALIGNED = 1 << 28  # it is an unaligned load; within a block only
NEVER = -99  # a time too long ago to matter


@dataclass(slots=True, eq=False)
class Value:
    """What a register is given: for each role, the cycles until it can be read."""

    register: int
    latencies: Latencies
    loaded: bool
    same: Latencies  # to instructions under `condition`
    condition: int  # UNCONDITIONAL, or the number of the IT block and its condition
    longest: int  # latency


UNCONDITIONAL = -1


def unconditional(register: int, latencies: Latencies, loaded: bool) -> Value:
    """The value that an instruction without a condition writes."""
    return Value(register, latencies, loaded, latencies, UNCONDITIONAL, max(latencies))


class State(NamedTuple):
    """The pipeline between two blocks. All times in cycles relative to the origin."""

    open_mask: int  # bits of the instruction alone in its cycle; CLOSED: slot taken
    lock: int  # cycles after the origin that are paid for already
    fetched: int  # when the 64-bit group of the next instruction is or was fetched
    new_group: bool  # `fetched` is that of the group before (kept apart only while locked)
    memory: tuple[int, ...]  # when something last happened, by mechanism (mechanism.py)
    pending: tuple[Value, ...]  # remaining latencies by register; equal ones are the same object

    def describe(self, mechanisms: Sequence[Mechanism]) -> str:
        parts = ["younger slot free" if self.open_mask != CLOSED else "new cycle"]
        if self.lock:
            parts.append(f"pipe locked for {self.lock}")
        parts.append(f"next group fetched at {self.fetched:+d}")
        left = zip(mechanisms, self.memory, strict=True)
        parts += filter(None, (mechanism.describe(time) for mechanism, time in left))
        for value in self.pending:
            waits = ", ".join(
                f"{role.name.lower()} {cycles}"
                for role, cycles in zip(Role, value.latencies, strict=True)
                if cycles > 0
            )
            parts.append(f"{register_name(value.register)}: {waits}")
        return "; ".join(parts)


class StateTable:
    """Interns states: equal states have one small number."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self._ids: dict[tuple[Any, ...], int] = {}
        self._values: dict[tuple[int, Latencies, bool], Value] = {}
        self._remaining: dict[tuple[Value, int, int], Value] = {}

    def intern(self, state: State) -> int:
        number = self._ids.get(state)
        if number is None:
            number = self._ids[state] = len(self.states)
            self.states.append(state)
        return number

    def number_of(self, *fields: Any) -> int:
        """As `intern`, of the fields of a state: one that is known is not made first."""
        number = self._ids.get(fields)
        return self.intern(State(*fields)) if number is None else number

    def packed(self) -> list[bytes]:
        """All states in their order."""
        return list(map(_packed, self.states))

    def adopt(self, packed: Sequence[bytes]) -> None:
        """Number packed states in their order; the first has to be the only one that there is.

        Raises ValueError or struct.error, and nothing is done, otherwise.
        """
        states = list(map(self._unpack, packed))
        ids: dict[tuple[Any, ...], int] = {state: number for number, state in enumerate(states)}
        if len(ids) != len(states) or states[:1] != self.states:
            raise ValueError("no list of states")
        self.states, self._ids = states, ids

    def _unpack(self, packed: bytes) -> State:
        """A state of `packed`. Raises ValueError or struct.error for other bytes."""
        mask, lock, fetched, new_group, memory, pending = _STATE.unpack_from(packed)
        size = _STATE.size + 4 * memory + pending * _VALUE.size
        if len(packed) != size or new_group > 1 or memory != len(self.states[0].memory):
            raise ValueError("no state")
        cells = struct.unpack_from(f"<{memory}i", packed, _STATE.size)
        rows = list(_VALUE.iter_unpack(packed[_STATE.size + 4 * memory :]))
        values = tuple(self._value(row[0], row[2:], bool(row[1])) for row in rows)
        return State(mask, lock, fetched, bool(new_group), cells, values)

    def _value(self, register: int, latencies: Latencies, loaded: bool) -> Value:
        key = (register, latencies, loaded)
        if (found := self._values.get(key)) is None:
            found = self._values[key] = unconditional(*key)
        return found

    def remaining(self, value: Value, elapsed: int, matters_above: int) -> Value:
        """What is left of a value's latencies after `elapsed` cycles.

        A remaining latency of `matters_above` cycles or less delays nothing; one is longer.
        """
        found = self._remaining.get((value, elapsed, matters_above))
        if found is None:
            longest = elapsed + matters_above
            left = tuple([c - elapsed if c > longest else 0 for c in value.latencies])
            found = self._value(value.register, left, value.loaded)
            if value.condition == UNCONDITIONAL:  # the others are made for one pass
                self._remaining[value, elapsed, matters_above] = found
        return found


_STATE = struct.Struct("<3iBBH")  # open_mask, lock, fetched, new_group, cells, pending values
_VALUE = struct.Struct(f"<2B{len(Role)}h")  # register, loaded, latencies


def _packed(state: State) -> bytes:
    """A state as bytes."""
    mask, lock, fetched, new_group, memory, pending = state
    head = _STATE.pack(mask, lock, fetched, new_group, len(memory), len(pending))
    values = [_VALUE.pack(v.register, v.loaded, *v.latencies) for v in pending]
    return head + struct.pack(f"<{len(memory)}i", *memory) + b"".join(values)


def register_name(register: int) -> str:
    if register >= FP_BASE:
        return f"s{register - FP_BASE}"
    if register < FLAGS:
        return f"r{register}" if register < 13 else ("sp", "lr", "pc")[register - 13]
    return {FLAGS: "flags", GE_FLAGS: "ge flags"}.get(register, "fpscr")
