"""Faults and exceptions in the C core: which happened, and what runs of their handlers."""

from __future__ import annotations

from typing import Any

from simcore.core.enums import FaultKind
from simcore.core.extension import ffi, lib
from simcore.plain import filled
from simcore.records import dataclass


@dataclass(frozen=True, slots=True)
class CoreFault:
    """What the core saw of a fault; addresses and size in bytes."""

    kind: FaultKind
    address: int
    pc: int
    size: int


@dataclass(frozen=True, slots=True)
class Storm:
    """Exceptions that were taken while what they interrupted ran no instruction: how many, the last
    one, how often that was the same, and the address of what they interrupted.
    """

    number: int
    same: int
    interrupted: int
    taken: int


@dataclass(frozen=True, slots=True)
class Handler:
    """An exception that is active, the address in front of which it came, and the instructions
    since then.
    """

    number: int
    interrupted: int
    instructions: int


MOST_HANDLERS = 16  # that are told of


class CoreExceptions:
    """What :class:`simcore.core.core.Core` has of faults and exceptions."""

    _core: Any

    def fault(self) -> CoreFault | None:
        """The fault that stopped the run, if one did."""
        info = ffi.new("struct fault_info *")
        lib.core_fault(self._core, info)
        if info.kind == FaultKind.NONE:
            return None
        return filled(CoreFault, info, kind=FaultKind(info.kind))

    def take_fault(self) -> bool:
        """Enter the program's handler of `fault()`; False when there is none that could run."""
        return bool(lib.core_take_fault(self._core))

    def waits_for(self, number: int) -> bool:
        """Whether an exception is enabled that never came."""
        return bool(lib.core_waits_for(self._core, number))

    def retry(self) -> None:
        """The access that faulted is tried again when the run goes on."""
        lib.core_retry(self._core)

    def raise_fault(self, kind: FaultKind, address: int, pc: int) -> None:
        """Tell of a fault that the core did not see; `fault()` has it."""
        lib.core_raise(self._core, ffi.new("struct fault_info *", (kind, address, pc, 0)))

    def fault_active(self) -> bool:
        """Whether the handler of a fault has not come back."""
        return bool(lib.core_fault_active(self._core))

    def fault_repeats(self) -> bool:
        """Whether the handler of a fault comes back to the same fault again and again."""
        return bool(lib.core_fault_repeats(self._core))

    def storm(self) -> Storm:
        """Exceptions that were taken one behind the other, up to now."""
        info = ffi.new("struct storm_info *")
        lib.core_storm(self._core, info)
        return filled(Storm, info)

    def handlers(self) -> tuple[Handler, ...]:
        """The handlers that have not come back, outermost first."""
        found = ffi.new("struct handler_info[]", MOST_HANDLERS)
        count = min(MOST_HANDLERS, lib.core_handlers(self._core, found, MOST_HANDLERS))
        return tuple(filled(Handler, found[n]) for n in range(count))

    def would_take(self, number: int, asleep: bool) -> bool:
        """Whether an exception would be taken, or would end the sleep, if it were pending now."""
        return bool(lib.core_would_take(self._core, number, asleep))
