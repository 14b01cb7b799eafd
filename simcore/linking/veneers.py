"""Veneers: what a linker puts between a call and code that lies too far away for it.

BL and B.W reach 16 MiB (Arm DDI 0403E, A7.7.18 and A7.7.12): from flash at 0x08000000 not to an
ITCM at 0. The linkers then branch to an instruction or three near the caller that go on from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from simcore.costs.profile import Profile
from simcore.elf import Image
from simcore.run.setup import Move, placed

REACH: Final = 1 << 24  # bytes, on either side: BL, encoding T1
BYTES: Final = 8  # of GNU ld's LDR PC with its word; lld takes 10 or 12
#: As GNU ld and lld name them.
_NAMES: Final = re.compile(r"__.*_veneer|__Thumb\w*Thunk_.*|__ARM\w*Thunk_.*")
#: What a report adds to tell two of one name apart.
_WHICH: Final = re.compile(r" \[[^]]*]$")


@dataclass(frozen=True, slots=True)
class DirectCall:
    """An instruction that calls by its offset, and how often it did."""

    site: int
    target: int
    calls: int


def is_veneer(name: str) -> bool:
    """Whether a function is a linker's veneer."""
    return _NAMES.fullmatch(_WHICH.sub("", name)) is not None


def direct_calls(image: Image, profile: Profile) -> list[DirectCall]:
    """The calls of a run that are made by BL or B.W, by site."""
    counted: dict[tuple[int, int], int] = {}
    for node in profile.call_tree:
        if node.call_site is None or node.function is None or node.op is not None:
            continue
        target = profile.functions[node.function].address
        if target is not None:
            key = (node.call_site, target)
            counted[key] = counted.get(key, 0) + node.calls
    return [
        DirectCall(site, target, calls)
        for (site, target), calls in sorted(counted.items())
        if calls and _is_direct(image, site)
    ]


def through_veneers(calls: Sequence[DirectCall], moves: Sequence[Move]) -> int:
    """How many of the calls are out of reach under some moves."""
    return sum(call.calls for call in calls if _is_out_of_reach(call.site, call.target, moves))


def count_veneers(image: Image, moves: Sequence[Move]) -> tuple[int, int]:
    """How many veneers a linker makes under some moves that it did not make before: among the code
    that stays, and among what moves.

    Branches are found by decoding BL and B.W of all code whose target begins a function; a target
    has one veneer for all callers that stay, and one for those that move.
    """
    found: tuple[set[int], set[int]] = (set(), set())
    for site, target in _branches(image):
        if _is_out_of_reach(site, target, moves):
            found[placed(moves, site) != site].add(target)
    return len(found[0]), len(found[1])


def _is_out_of_reach(site: int, target: int, moves: Sequence[Move]) -> bool:
    distance = abs(placed(moves, site) - placed(moves, target))
    return distance >= REACH > abs(site - target)


def _is_direct(image: Image, site: int) -> bool:
    first, second = _halves(image, site, site + 4) or (0, 0)
    return _is_branch(first, second)


def _halves(image: Image, start: int, end: int) -> list[int]:
    """The half-words of [start, end), none where the image has not all of it."""
    code = image.read(start, end - start) or b""
    return [int.from_bytes(code[i : i + 2], "little") for i in range(0, len(code) - 1, 2)]


def _is_branch(first: int, second: int) -> bool:
    """Whether two half-words are BL (encoding T1) or B.W (T4)."""
    return first & 0xF800 == 0xF000 and second & 0x9000 == 0x9000


def _branches(image: Image) -> set[tuple[int, int]]:
    """BL and B.W to the start of a function, by address and target; no veneer's."""
    own = [function for function in image.functions if not is_veneer(function.raw)]
    starts = {function.start for function in own}
    found: set[tuple[int, int]] = set()
    for function in own:
        halves = _halves(image, function.start, function.end)
        for index, (first, second) in enumerate(pairwise(halves)):
            if _is_branch(first, second):
                site = function.start + 2 * index
                target = site + 4 + _offset(first, second)
                if target in starts and target != function.start:
                    found.add((site, target))
    return found


def _offset(first: int, second: int) -> int:
    """The offset of BL (encoding T1) and B.W (T4)."""
    sign = first >> 10 & 1
    i1 = 1 ^ (second >> 13 & 1) ^ sign
    i2 = 1 ^ (second >> 11 & 1) ^ sign
    value = sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return value - (sign << 25)
