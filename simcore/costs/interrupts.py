"""What interrupts and exceptions cost, how late they come and what held them back.

Latency is counted from when an exception was pending and enabled to its handler's first
instruction, entry with it. What time makes pending is known to the cycle in the configuration that
the program runs under; what the program pends itself counts from the end of the block of code that
does. In another configuration of the same execution the time is counted back from where in the
execution it was, by that configuration's own clock. See native/timing/interrupts.h.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from simcore.core.counters import HOLDS, MASKS
from simcore.plain import Address, Count, Json, one_of
from simcore.records import dataclass
from simcore.run.interrupts import EXCEPTION_NAMES, FIRST, short_name

if TYPE_CHECKING:
    from simcore.core.interrupts import HoldCounts, InterruptCounts, InterruptsFound
    from simcore.elf import Image


@dataclass(frozen=True, slots=True)
class HeldBack:
    """One kind of thing that kept an exception waiting while it was pending."""

    by: Annotated[str, one_of(*HOLDS)]
    """instruction: what ran when it came; bus: that waited for memory; mask: PRIMASK, FAULTMASK or
    BASEPRI; priority: a handler of the same or a higher priority."""
    longest_cycles: Count
    """In one piece."""
    total_cycles: Count
    who: str | None
    """Of the longest: the function of the instruction, or of the one that set the mask; the
    exception with the priority. Null for entry to another handler."""
    address: Address | None
    """Of that instruction."""
    file: str | None
    line: Count | None


@dataclass(frozen=True, slots=True)
class InterruptCosts:
    """An interrupt or exception that was taken. Cycles hold entry and return."""

    number: Annotated[int, Json(minimum=1, maximum=255)]
    """Of the exception: interrupt 0 is 16."""
    name: str
    handler: str | None
    """Its function."""
    count: Count
    """How often its handler began."""
    lost: Count
    """How often it came again while it was still pending: that time is not served."""
    overruns: Count
    """How often it came again by itself while its handler ran or was interrupted."""
    cycles_self: Count
    """Without handlers that interrupted it."""
    cycles_total: Count
    latencies: Count
    """How many of them were pending before they were taken: a fault and SVC are not."""
    latency_min_cycles: Count | None
    latency_median_cycles: Count | None
    latency_p99_cycles: Count | None
    """That 99 of 100 do not pass (nearest rank)."""
    latency_max_cycles: Count | None
    response_max_cycles: Count
    """Longest from pending to the end of its return."""
    deepest_nesting: Count
    """Handlers that were active, its own among them."""
    stack_bytes: Count
    """Most that one took: its frame, and what the handler used below."""
    held: tuple[HeldBack, ...]
    """What held it back, the longest first."""


@dataclass(frozen=True, slots=True)
class SectionEnd:
    """Where interrupts were masked or let go again."""

    address: Address
    function: str | None
    file: str | None
    line: Count | None


@dataclass(frozen=True, slots=True)
class CriticalSections:
    """Stretches with PRIMASK, FAULTMASK or BASEPRI set, what interrupted them with them."""

    count: Count
    cycles: Count
    longest_cycles: Count
    masks: tuple[str, ...]
    """That were set in the longest."""
    begin: SectionEnd
    """Of the longest."""
    end: SectionEnd | None
    """Null when the run ended in it."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A handler that ran, in cycles from the start of the run."""

    interrupt: Count
    """Index into interrupts."""
    pending: Count
    """When it became pending; start when it did not wait."""
    start: Count
    """Of entry."""
    entered: Count
    """The handler's first instruction."""
    end: Count
    """Of return."""


class _Places:
    def __init__(self, image: Image, found: InterruptsFound) -> None:
        self._image = image
        handlers = [one.handler for one in found.exceptions if one.number >= FIRST]
        self._shared = {address for address, count in Counter(handlers).items() if count > 1}
        self._handler = {one.number: one.handler for one in found.exceptions}

    def name(self, number: int) -> str:
        """An exception by its name: an interrupt by its handler's, or by number."""
        if number in EXCEPTION_NAMES:
            return EXCEPTION_NAMES[number]
        handler = self._handler.get(number, 0)
        function = self.function(handler)
        if function is None or handler in self._shared:
            return f"IRQ {number - FIRST}" if number >= FIRST else f"exception {number}"
        return short_name(function)

    def function(self, address: int) -> str | None:
        function = self._image.function_at(address) if address else None
        return None if function is None else function.name

    def line(self, address: int) -> tuple[str | None, int | None]:
        found = self._image.line_at(address)
        return (None, None) if found is None else (found[0], found[1])

    def end(self, address: int) -> SectionEnd:
        return SectionEnd(address, self.function(address), *self.line(address))

    def held(self, by: str, hold: HoldCounts) -> HeldBack:
        if by == "priority":
            return HeldBack(by, hold.longest, hold.total, self.name(hold.who), None, None, None)
        if not hold.who:
            return HeldBack(by, hold.longest, hold.total, None, None, None, None)
        place = self.line(hold.who)
        function = self.function(hold.who)
        return HeldBack(by, hold.longest, hold.total, function, hold.who, *place)

    def costs(self, one: InterruptCounts) -> InterruptCosts:
        held = [
            self.held(by, hold) for by, hold in zip(HOLDS, one.holds, strict=True) if hold.total
        ]
        return InterruptCosts(
            one.number,
            self.name(one.number),
            self.function(one.handler),
            one.count,
            one.lost,
            one.overruns,
            one.own,
            one.total,
            one.waited,
            latency_min_cycles=one.least if one.waited else None,
            latency_median_cycles=one.median if one.waited else None,
            latency_p99_cycles=one.p99 if one.waited else None,
            latency_max_cycles=one.most if one.waited else None,
            response_max_cycles=one.response,
            deepest_nesting=one.deepest,
            stack_bytes=one.stack,
            held=tuple(sorted(held, key=lambda row: -row.longest_cycles)),
        )


def interrupt_costs(image: Image, found: InterruptsFound | None) -> tuple[InterruptCosts, ...]:
    """The table of interrupts and exceptions, by number."""
    if found is None:
        return ()
    places = _Places(image, found)
    return tuple(places.costs(one) for one in found.exceptions)


def critical_sections(image: Image, found: InterruptsFound | None) -> CriticalSections | None:
    """How long interrupts were masked, None when they never were."""
    if found is None or not found.critical.count:
        return None
    one, places = found.critical, _Places(image, found)
    return CriticalSections(
        one.count,
        one.total,
        one.longest,
        tuple(name for bit, name in enumerate(MASKS) if one.masks >> bit & 1),
        places.end(one.begin),
        places.end(one.end) if one.end else None,
    )


def activations(
    found: InterruptsFound | None, rows: Sequence[InterruptCosts]
) -> tuple[Activation, ...] | None:
    """Handlers that ran, by their starts; None where there were none."""
    if found is None or not found.activations:
        return None
    index = {row.number: at for at, row in enumerate(rows)}
    return tuple(
        Activation(index[one.number], one.pended, one.start, one.entered, one.end)
        for one in found.activations
        if one.number in index
    )
