"""Veneers: what a linker puts between a BL and a function too far away for it.

BL and B.W reach 16 MB (Arm DDI 0403E, A7.7.18 and A7.7.12): from flash at 0x08000000 not to an ITCM
at 0. The linkers then branch to an instruction or three near the caller that go on from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from simcore.costs.profile import Profile
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.placement.pieces import Piece

REACH: Final = 1 << 24  # bytes
BYTES: Final = 8  # of GNU ld's LDR PC with its word; lld takes 10 or 12
#: As GNU ld and lld name them.
_NAMES: Final = re.compile(r"__.*_veneer|__Thumb\w*Thunk_.*|__ARM\w*Thunk_.*")
#: A call through one in the mean: 0.4 to 9 in the relinked programs of docs/model/placement.md.
CYCLES: Final = 3


@dataclass(frozen=True, slots=True)
class Veneers:
    """How many a relinked program has, how many calls of the run go through them, and what these
    cost, estimated: the placed timing does not hold it."""

    count: int = 0
    calls: int = 0

    @property
    def cycles(self) -> int:
        return self.calls * CYCLES


def is_veneer(name: str) -> bool:
    """Whether a function is a linker's veneer."""
    return _NAMES.fullmatch(name) is not None


def count_veneers(
    image: Image, model: CpuModel, pieces: Sequence[tuple[Piece, str]], profile: Profile | None
) -> Veneers:
    """The veneers that moving functions needs which were in reach of each other before.

    Branches are found by decoding BL and B.W of all code whose target begins a function; calls by
    veneers that are there count as none. Of a profile the call tree says how often.
    """
    moved = {
        piece.address: model.region(region).base
        for piece, region in pieces
        if piece.is_code and piece.kind == "function"
    }
    if not moved:
        return Veneers()

    def place(start: int) -> int:
        return moved.get(start, start)

    crossing: dict[tuple[int, int], tuple[int, int]] = {}  # caller, callee -> from where, callee
    for caller, callee in _branches(image):
        here, there = place(caller), place(callee)
        if abs(there - here) >= REACH > abs(callee - caller):
            crossing[caller, callee] = (moved.get(caller, -1), callee)
    calls = 0
    if profile is not None:
        for node in profile.call_tree:
            if node.parent is None or node.function is None or node.op is not None:
                continue
            above = profile.call_tree[node.parent].function
            if above is None:
                continue
            edge = (profile.functions[above].address, profile.functions[node.function].address)
            if edge in crossing:
                calls += node.calls
    return Veneers(len(set(crossing.values())), calls)


def _branches(image: Image) -> set[tuple[int, int]]:
    """Pairs of functions of which the first has a BL or B.W to the start of the second."""
    own = [function for function in image.functions if not is_veneer(function.raw)]
    starts = {function.start for function in own}
    found: set[tuple[int, int]] = set()
    for function in own:
        code = image.read(function.start, function.end - function.start) or b""
        halves = [int.from_bytes(code[i : i + 2], "little") for i in range(0, len(code) - 1, 2)]
        for index, (first, second) in enumerate(pairwise(halves)):
            if first & 0xF800 == 0xF000 and second & 0x9000 == 0x9000:
                target = function.start + 2 * index + 4 + _offset(first, second)
                if target in starts and target != function.start:
                    found.add((function.start, target))
    return found


def _offset(first: int, second: int) -> int:
    """The offset of BL (encoding T1) and B.W (T4)."""
    sign = first >> 10 & 1
    i1 = 1 ^ (second >> 13 & 1) ^ sign
    i2 = 1 ^ (second >> 11 & 1) ^ sign
    value = sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return value - (sign << 25)
