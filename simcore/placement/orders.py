"""Where a linker might have put the code: functions in another order, or with gaps closed.

Only timed addresses change, as in a placement. Functions keep their place in a word, as a literal
pool asks; those that are placed elsewhere keep their place and their order there. The orders are
drawn by the functions' names, so that a program that is shifted or reordered draws the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.placement.space import aligned, merged
from simcore.run.setup import WORD, Move

#: A stretch of code that stays together: its first address, its end, and its name.
Stretch = tuple[int, int, str]


def reordered(
    image: Image, model: CpuModel, moves: Sequence[Move], number: int, offset: int
) -> tuple[Move, ...] | None:
    """The moves with what they leave of each section of code in the order of that number.

    All code, moved or not, is timed `offset` bytes higher. None where that leaves a memory.
    """

    def rank(stretch: Stretch) -> bytes:
        return sha256(f"{number} {stretch[2]}".encode()).digest()

    return _packed(
        image, model, moves, offset, offset, lambda found: sorted(found, key=rank), shrinks=False
    )


def closed(
    image: Image, model: CpuModel, moves: Sequence[Move], offset: int
) -> tuple[Move, ...] | None:
    """The moves with the gaps closed that they leave, and the code that stays `offset` higher.

    As a linker does it; what moves stays where it was placed. None where that leaves a memory.
    """
    return _packed(image, model, moves, offset, 0, list, shrinks=True)


def _packed(
    image: Image,
    model: CpuModel,
    moves: Sequence[Move],
    offset: int,
    moved_offset: int,
    order: Callable[[list[Stretch]], list[Stretch]],
    *,
    shrinks: bool,
) -> tuple[Move, ...] | None:
    found: list[Move] = []
    code = _code(image)
    for start, end in code:
        taken = merged((move.start, move.end) for move in moves)
        stretches = _stretches(image, start, end, taken)
        at = start + offset
        for low, high, _ in order(stretches):
            at = aligned(at, low, WORD)
            if at != low:
                found.append(Move(low, high - low, at))
            at += high - low
    for move in moves:
        is_code = any(start <= move.start and move.end <= end for start, end in code)
        found.append(replace(move, to=move.to + moved_offset) if is_code else move)
    if not shrinks and not offset and not found:
        return tuple(moves)
    return tuple(sorted(found)) if all(_is_in_memory(model, move) for move in found) else None


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
    """Functions of a section and what lies between them, without what is placed elsewhere."""
    first = _function_starts(image)
    names = {at: name for at, name in first if start <= at < end}
    edges = {start, end, *names}
    edges |= {edge for pair in taken for edge in pair if start < edge < end}
    points = sorted(edges)
    found = []
    for low, high in zip(points, points[1:], strict=False):
        if not any(begin <= low < stop for begin, stop in taken):
            found.append((low, high, names.get(low, f"{low - start:#x}")))
    return found


def _function_starts(image: Image) -> list[tuple[int, str]]:
    return [(function.start, function.raw) for function in image.functions]


def _is_in_memory(model: CpuModel, move: Move) -> bool:
    region = model.region_at(move.to)
    return region is not None and move.to + move.size <= region.end
