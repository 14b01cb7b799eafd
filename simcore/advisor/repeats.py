"""Which code ran once, at start: moving that gains nothing that comes again, or fails."""

from __future__ import annotations

from dataclasses import dataclass

from simcore.costs.profile import Profile
from simcore.elf import Image
from simcore.linking.veneers import direct_branches

#: What a reset handler calls when memory is ready.
_AFTER_BOOT = ("main", "_start", "__main", "_mainCRTStartup", "__libc_init_array", "entry")
#: A callee of the reset handler with so much of the cycles is the program, whatever it is called.
_PROGRAM_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class StartUp:
    """Where functions begin that run before main(): ``only`` those that run there alone, ``also``
    those that run later, too. No one of both can lie in RAM, which they fill or run in front of."""

    only: frozenset[int]
    also: frozenset[int]


def startup_functions(image: Image, profile: Profile, *, is_part: bool = False) -> StartUp:
    """What the reset handler and what it calls in front of main() run.

    Of a part of a run the call tree does not hold that: then what they call by BL and B.W counts.
    """
    handler = image.reset_handler
    if handler is None:
        return StartUp(frozenset(), frozenset())
    tree = profile.call_tree
    totals = {row.address: row.cycles_total for row in profile.functions}
    whole = profile.totals.active_cycles
    at_start: list[bool] = []
    found: dict[int, set[bool]] = {handler.start: {True}}
    for node in tree:
        address = None if node.function is None else profile.functions[node.function].address
        above = None if node.parent is None else tree[node.parent].function
        caller = None if above is None else profile.functions[above].address
        is_start = node.parent is not None and at_start[node.parent]
        if address == handler.start:
            is_start = True
        elif caller == handler.start and address is not None:
            called = profile.functions[node.function or 0]
            is_program = totals.get(address, 0) > _PROGRAM_SHARE * whole
            is_start = called.name not in _AFTER_BOOT and not is_program
        at_start.append(is_start)
        if address is not None:
            found.setdefault(address, set()).add(is_start)
    if is_part:
        programs = {
            row.address
            for row in profile.functions
            if row.name in _AFTER_BOOT or totals.get(row.address, 0) > _PROGRAM_SHARE * whole
        }
        for address in _called(image, handler.start, programs):
            found.setdefault(address, set()).add(True)
    return StartUp(
        frozenset(address for address, when in found.items() if when == {True}),
        frozenset(address for address, when in found.items() if when == {True, False}),
    )


def _called(image: Image, start: int, others: set[int | None]) -> set[int]:
    """Where functions begin that code at an address calls directly, and what those call, but for
    others and what is called once RAM is ready."""
    calls: dict[int, set[int]] = {}
    for site, target in direct_branches(image):
        function = image.function_at(site)
        if function is not None:
            calls.setdefault(function.start, set()).add(target)
    ready = {one.start for one in image.functions if one.name in _AFTER_BOOT}
    found, waiting = {start}, [start]
    while waiting:
        for target in calls.get(waiting.pop(), ()):
            if target not in found and target not in ready and target not in others:
                found.add(target)
                waiting.append(target)
    return found
