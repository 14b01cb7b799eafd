"""Calls that a linker sends through a veneer when caller and callee lie far from each other.

BL and B.W reach 16 MiB; from flash at 0x08000000 ITCM is out of reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simcore.costs.profile import Profile
from simcore.elf import Image
from simcore.run.setup import Move, placed

REACH = 1 << 24  # bytes, on either side: BL, encoding T1


@dataclass(frozen=True, slots=True)
class DirectCall:
    """An instruction that calls by its offset, and how often it did."""

    site: int
    target: int
    calls: int


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
    return sum(
        call.calls
        for call in calls
        if abs(placed(moves, call.site) - placed(moves, call.target)) >= REACH
        and abs(call.site - call.target) < REACH
    )


def _is_direct(image: Image, site: int) -> bool:
    for segment in image.segments:
        at = site - segment.run_address
        if at >= 0 and at + 4 <= len(segment.data):
            first = int.from_bytes(segment.data[at : at + 2], "little")
            second = int.from_bytes(segment.data[at + 2 : at + 4], "little")
            return first & 0xF800 == 0xF000 and second & 0x9000 == 0x9000
    return False
