"""Exceptions that were taken, and stretches with interrupts masked, copied out of the C core."""

from __future__ import annotations

from typing import Any

from simcore.core.extension import ffi, lib
from simcore.plain import filled
from simcore.records import dataclass


@dataclass(frozen=True, slots=True)
class HoldCounts:
    """Struct hold_info: cycles in one piece and in all; who: an address, or an exception."""

    longest: int
    total: int
    who: int


@dataclass(frozen=True, slots=True)
class InterruptCounts:
    """Struct interrupt_info: one exception number; cycles."""

    number: int
    handler: int
    count: int
    lost: int
    overruns: int
    own: int
    total: int
    waited: int
    least: int
    median: int
    p99: int
    most: int
    response: int
    deepest: int
    stack: int
    holds: tuple[HoldCounts, ...]  # in the order of HOLDS


@dataclass(frozen=True, slots=True)
class CriticalCounts:
    """Struct critical_info: cycles with a mask set."""

    count: int
    total: int
    longest: int
    begin: int
    end: int
    masks: int


@dataclass(frozen=True, slots=True)
class ActivationTimes:
    """Struct activation_info: a handler that ran, in cycles from the start."""

    pended: int
    start: int
    entered: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class InterruptsFound:
    """All of one configuration."""

    exceptions: tuple[InterruptCounts, ...]  # by number
    critical: CriticalCounts
    activations: tuple[ActivationTimes, ...]  # of a trace, by their starts


def read_interrupts(core: Any, index: int) -> InterruptsFound | None:
    """What configuration number `index` of a core found, None: no exception came."""
    count = lib.core_interrupt_count(core, index)
    if not count:
        return None
    found = ffi.new("struct interrupt_info[]", count)
    lib.core_interrupts(core, index, found)
    critical = ffi.new("struct critical_info *")
    lib.core_critical(core, index, critical)
    spans = ffi.new("struct activation_info[]", lib.core_activation_count(core, index))
    lib.core_activations(core, index, spans)
    return InterruptsFound(
        tuple(
            filled(InterruptCounts, one, holds=tuple(filled(HoldCounts, hold) for hold in one.hold))
            for one in found
        ),
        filled(CriticalCounts, critical),
        tuple(
            sorted(
                (filled(ActivationTimes, span) for span in spans),
                key=lambda span: (span.start, span.number),
            )
        ),
    )
