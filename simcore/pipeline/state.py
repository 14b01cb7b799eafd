"""Pipeline states between blocks: what of the past can still matter, in canonical form.

Times count from an origin: the cycle whose younger slot is still free, or else the last cycle that
earlier blocks have paid for. Everything that can no longer delay or pair anything is dropped, so
that states that behave alike are equal and the number of (state, block) pairs stays small.
"""

from __future__ import annotations

from dataclasses import dataclass

from simcore.isa.kinds import CONDITIONS, FLAGS, FP_BASE, GE_FLAGS, Role
from simcore.pipeline.latency import Latencies

CLOSED = -1  # State.open_mask when no slot is free
# Bits of State.open_mask beside those of the pair table.
OPEN_LOAD = 1 << 60  # the older instruction is a load
OPEN_SHIFTER = 1 << 61  # it uses the early shifter
NEVER = -99  # a time too long ago to matter


@dataclass(frozen=True, slots=True)
class Pending:
    """A register's remaining latency by role, counted from the origin; `load`: it was loaded."""

    residual: Latencies
    load: bool


@dataclass(frozen=True, slots=True)
class State:
    """The pipeline between two blocks. All times in cycles relative to the origin."""

    open_mask: int  # PairTable bits of the instruction alone in its cycle; CLOSED: slot taken
    lock: int  # cycles after the origin that are paid for already
    fetched: int  # when the 64-bit group of the next instruction is or was fetched
    new_group: bool  # `fetched` is that of the group before (kept apart only while locked)
    mac: int  # issue of the last single-precision MAC, NEVER when its window is over
    chained: int  # issue of the last VMLA, NEVER when a VFMA may follow
    double_mac: bool  # a double-precision MAC ends in the last cycle paid for
    flags_age: int  # cycles since the flags were set, at most the distance that matters
    pending: tuple[tuple[int, Pending], ...]  # (register, remaining latency), sorted

    def describe(self) -> str:
        parts = ["younger slot free" if self.open_mask != CLOSED else "new cycle"]
        if self.lock:
            parts.append(f"pipe locked for {self.lock}")
        parts.append(f"next group fetched at {self.fetched:+d}")
        if self.mac != NEVER:
            parts.append(f"FP MAC at {self.mac:+d}")
        if self.double_mac:
            parts.append("double MAC just ended")
        parts.append(f"flags {self.flags_age} old")
        for register, pending in self.pending:
            waits = ", ".join(
                f"{role.name.lower()} {cycles}"
                for role, cycles in zip(Role, pending.residual, strict=True)
                if cycles > 0
            )
            parts.append(f"{register_name(register)}: {waits}")
        return "; ".join(parts)


class StateTable:
    """Interns states: equal states have one small number."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self._ids: dict[State, int] = {}
        self._pending: dict[tuple[Latencies, int, int, bool], Pending | None] = {}

    def intern(self, state: State) -> int:
        number = self._ids.get(state)
        if number is None:
            number = self._ids[state] = len(self.states)
            self.states.append(state)
        return number

    def remaining(
        self, latencies: Latencies, elapsed: int, matters_above: int, load: bool
    ) -> Pending | None:
        """What is left of `latencies` after `elapsed` cycles; None when nothing can matter.

        A remaining latency of `matters_above` cycles or less delays nothing.
        """
        key = (latencies, elapsed, matters_above, load)
        try:
            return self._pending[key]
        except KeyError:
            left = tuple(
                cycles - elapsed if cycles - elapsed > matters_above else 0 for cycles in latencies
            )
            pending = self._pending[key] = Pending(left, load) if any(left) else None
            return pending


def register_name(register: int) -> str:
    if register >= FP_BASE:
        return f"s{register - FP_BASE}"
    if register < FLAGS:
        return f"r{register}" if register < 13 else ("sp", "lr", "pc")[register - 13]
    return {FLAGS: "flags", GE_FLAGS: "ge flags"}.get(register, "fpscr")


def condition_name(condition: int) -> str:
    return CONDITIONS[condition] if condition < len(CONDITIONS) else "al"
