"""Where a program is timed on a part that it is not linked for: equivalents, and what is placed.

What is named is placed as if the program were linked for that part, where its memories are timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.placement.equivalents import equivalent_moves
from simcore.placement.pieces import ProgramMemory
from simcore.placement.placer import Placement, place, program_memory
from simcore.run.setup import Move, TimingSetup, placed


def timed_elsewhere(
    image: Image, home: CpuModel, setup: TimingSetup, requests: Sequence[str]
) -> tuple[TimingSetup, Placement]:
    """A setup of another part than `home`, whose memories are timed as its own, and what is placed.

    A warning of the placement says what became what. Raises ConfigError.
    """
    moves, words = equivalent_moves(image, home, setup.model)
    placement = Placement()
    if requests:
        memory = _moved_memory(program_memory(image, home), moves)
        placement = place(_relocated(image, moves), setup.model, requests, memory)
        items = [replace(item, address=_back(moves, item.address)) for item in placement.items]
        placement = replace(placement, items=tuple(sorted(items, key=lambda item: item.address)))
    said = f"linked for {home.name} and timed on {setup.model.name}: {', '.join(words)}"
    placement = replace(placement, warnings=(said, *placement.warnings))
    return replace(setup, moves=_combined(moves, placement.moves)), placement


def _relocated(image: Image, moves: Sequence[Move]) -> Image:
    """The image as if it were linked where the moves time it."""
    functions = sorted(image.functions, key=lambda one: placed(moves, one.start))
    return replace(
        image,
        segments=tuple(
            replace(
                one,
                address=placed(moves, one.address),
                run_address=placed(moves, one.run_address),
            )
            for one in image.segments
        ),
        sections=tuple(
            replace(
                one,
                address=placed(moves, one.address),
                load_address=placed(moves, one.load_address),
            )
            for one in image.sections
        ),
        symbols=tuple(
            replace(one, address=placed(moves, one.address)) if one.section else one
            for one in image.symbols
        ),
        functions=tuple(
            replace(
                one,
                index=index,
                start=placed(moves, one.start),
                end=placed(moves, one.start) + one.end - one.start,
            )
            for index, one in enumerate(functions)
        ),
        vector_table=None if image.vector_table is None else placed(moves, image.vector_table),
        origins=tuple(sorted((placed(moves, at), file) for at, file in image.origins)),
    )


def _moved_memory(memory: ProgramMemory, moves: Sequence[Move]) -> ProgramMemory:
    """Stack and heap where the moves time them, each by its end that does not grow."""
    (floor, top), (heap, heap_end) = memory.stack, memory.heap
    new_top = placed(moves, top - 1) + 1
    new_heap = placed(moves, heap) if heap else 0
    return replace(
        memory,
        stack=(new_top - (top - floor), new_top),
        heap=(new_heap, new_heap + heap_end - heap),
    )


def _back(moves: Sequence[Move], address: int) -> int:
    """The address of the program that is timed at one."""
    for move in moves:
        if move.to <= address < move.to + move.size:
            return address - move.to + move.start
    return address


def _combined(moves: Sequence[Move], over: Sequence[Move]) -> tuple[Move, ...]:
    """Moves with others in place of what both move."""
    left = list(moves)
    for one in over:
        pieces = []
        for move in left:
            for low, high in (
                (move.start, min(move.end, one.start)),
                (max(move.start, one.end), move.end),
            ):
                if low < high:
                    pieces.append(Move(low, high - low, low - move.start + move.to))
        left = pieces
    return tuple(sorted([*left, *over]))
