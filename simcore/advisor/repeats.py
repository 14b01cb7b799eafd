"""Which code ran once, at start, and which constants that reads: moving them fails, as start-up
code fills RAM and runs in front of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simcore.advisor.slices import WaitingPart
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


@dataclass(frozen=True, slots=True)
class EarlyReads:
    """What start-up code reads: ranges [start, end) that it read, and addresses that it holds."""

    ranges: tuple[tuple[int, int], ...]
    addresses: frozenset[int]

    def touch(self, start: int, end: int) -> bool:
        """Whether some of the bytes [start, end) are among them."""
        return any(a < end and start < b for a, b in self.ranges) or any(
            start <= at < end for at in self.addresses
        )


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


def read_at_start(
    image: Image, startup: StartUp, parts: Sequence[WaitingPart], *, is_part: bool
) -> EarlyReads:
    """What code in front of main() reads: RAM that it would find there is not filled yet.

    The run tells it of functions that run there alone. Of those that run later, too, and of a part
    of a run, addresses in the code tell it.
    """
    read = [(part.start, part.end) for part in parts if part.readers & startup.only]
    told = startup.also | startup.only if is_part else startup.also
    held = {at for function in told for at in _held(image, function)}
    return EarlyReads(tuple(read), frozenset(held))


def _held(image: Image, address: int) -> Iterator[int]:
    """Addresses that the code of a function has: words of its literal pools, and what MOVW and MOVT
    (encodings T3 and T1, Arm DDI 0403E, A7.7.76 and A7.7.79) make in one register."""
    function = image.function_at(address)
    code = b"" if function is None else image.read(address, function.end - address) or b""
    for at in range(-address % 4, len(code) - 3, 4):
        yield int.from_bytes(code[at : at + 4], "little")
    low: dict[int, int] = {}
    halves = [int.from_bytes(code[at : at + 2], "little") for at in range(0, len(code) - 1, 2)]
    for first, second in pairwise(halves):
        if first & 0xFB70 != 0xF240 or second & 0x8000:
            continue
        register = second >> 8 & 0xF
        value = (
            (first & 0xF) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF
        )
        if not first & 0x80:
            low[register] = value
        elif register in low:
            yield value << 16 | low[register]
