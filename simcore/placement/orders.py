"""Where a linker might have put the code: functions in another order, or with gaps closed.

Only timed addresses change, as in a placement. Functions keep their place in a word, as a literal
pool asks; those that are placed elsewhere keep their place and their order there. The orders are
drawn by the functions' names, so that a program that is shifted or reordered draws the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.placement.space import aligned, merged
from simcore.run.setup import WORD, Move

PAGE = 4096  # bytes; no smaller than a way of an I-cache that the parts have
#: A stretch of code that stays together: its first address, its end, and its name.
Stretch = tuple[int, int, str]


def reordered(
    image: Image, model: CpuModel, moves: Sequence[Move], number: int, offset: int
) -> tuple[Move, ...] | None:
    """The moves with the functions of each section of code in the order of that number.

    A section begins where a page does, so that the layout is the same wherever the program is
    linked; what moves leaves a gap, so that nothing else lies elsewhere by it. All code, moved or
    not, is timed `offset` bytes higher. None where that leaves a memory.
    """

    def rank(stretch: Stretch) -> bytes:
        return sha256(f"{number} {stretch[2]}".encode()).digest()

    found: list[Move] = []
    code = _code(image)
    taken = merged((move.start, move.end) for move in moves)
    for begin in (PAGE, WORD):
        found = []
        for start, end in code:
            at = -(-start // begin) * begin + offset
            for low, high, _ in sorted(_stretches(image, start, end, taken), key=rank):
                at = aligned(at, low, WORD)
                if at != low and not _is_taken(taken, low):
                    found.append(Move(low, high - low, at))
                at += high - low
        found += [_shifted(code, move, offset) for move in moves]
        if all(_is_in_memory(model, move) for move in found):
            return tuple(sorted(found))
    return None


def closed(
    image: Image, model: CpuModel, moves: Sequence[Move], offset: int
) -> tuple[Move, ...] | None:
    """The moves with the gaps closed that they leave, and the code that stays `offset` higher.

    As a linker does it; what moves stays where it was placed. None where that leaves a memory.
    """
    found: list[Move] = []
    taken = merged((move.start, move.end) for move in moves)
    for start, end in _code(image):
        at = start + offset
        for low, high, _ in _stretches(image, start, end, taken):
            if not _is_taken(taken, low):
                at = aligned(at, low, WORD)
                if at != low:
                    found.append(Move(low, high - low, at))
                at += high - low
    found += moves
    return tuple(sorted(found)) if all(_is_in_memory(model, move) for move in found) else None


def _shifted(code: Sequence[tuple[int, int]], move: Move, offset: int) -> Move:
    """A move of code so many bytes higher, one of data as it is."""
    is_code = any(start <= move.start and move.end <= end for start, end in code)
    return replace(move, to=move.to + offset) if is_code else move


def _is_taken(taken: Sequence[tuple[int, int]], address: int) -> bool:
    return any(start <= address < end for start, end in taken)


def _code(image: Image) -> list[tuple[int, int]]:
    return sorted(
        (section.address, section.address + section.size)
        for section in image.sections
        if section.allocated and section.executable and section.size
    ) or sorted(
        (s.run_address, s.run_address + len(s.data)) for s in image.segments if s.executable
    )


def _stretches(
    image: Image, start: int, end: int, taken: Sequence[tuple[int, int]]
) -> list[Stretch]:
    """Functions of a section and what lies between them, cut where something moves."""
    names = {f.start: f.raw for f in image.functions if start <= f.start < end}
    edges = {start, end, *names}
    edges |= {edge for pair in taken for edge in pair if start < edge < end}
    return [
        (low, high, names.get(low, f"{low - start:#x}")) for low, high in pairwise(sorted(edges))
    ]


def _is_in_memory(model: CpuModel, move: Move) -> bool:
    region = model.region_at(move.to)
    return region is not None and move.to + move.size <= region.end
