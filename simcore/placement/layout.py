"""What alignment alone makes of a run: timings with all code shifted by the words of a cache line.

A relink moves code by some bytes even where nothing of it changed. Code that starts elsewhere in a
cache line and in a fetch group takes other cycles; the spread of these is the layout band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median_low

from simcore.costs.tables import LayoutBand
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.run.setup import WORD, Move, TimingSetup


def layout_setups(image: Image, setup: TimingSetup) -> list[tuple[int, TimingSetup]]:
    """(bytes, setup) with all code shifted by 0, 4, 8 ... bytes, up to a line of the I-cache.

    Vectors and data stay; shifts that leave a region of the part are left out.
    """
    found = [(0, setup)]
    for offset in range(WORD, setup.model.core.icache.line_bytes, WORD):
        moves = shifted(image, setup.moves, offset)
        if all(_is_in_memory(setup.model, move) for move in moves):
            found.append((offset, replace(setup, moves=moves)))
    return found


def shifted(image: Image, moves: Sequence[Move], offset: int) -> tuple[Move, ...]:
    """The moves with all code ``offset`` bytes higher, wherever it lies under them."""
    code = sorted(
        (section.address, section.address + section.size)
        for section in image.sections
        if section.allocated and section.executable and section.size
    ) or sorted(
        (s.run_address, s.run_address + len(s.data)) for s in image.segments if s.executable
    )
    result: list[Move] = []
    pending = sorted(moves)
    for start, end in code:
        at = start
        for move in [m for m in pending if m.start < end and m.end > start]:
            pending.remove(move)
            if at < move.start:
                result.append(Move(at, move.start - at, at + offset))
            is_code = start <= move.start and move.end <= end
            result.append(replace(move, to=move.to + offset) if is_code else move)
            at = max(at, move.end)
        if at < end:
            result.append(Move(at, end - at, at + offset))
    return tuple(sorted([*result, *pending]))


def layout_band(offsets: Sequence[int], cycles: Sequence[int]) -> LayoutBand:
    """The band of the cycles that shifts by some bytes took; the lower of two medians."""
    return LayoutBand(
        offsets_bytes=tuple(offsets),
        cycles=tuple(cycles),
        minimum_cycles=min(cycles),
        median_cycles=median_low(cycles),
        maximum_cycles=max(cycles),
    )


def _is_in_memory(model: CpuModel, move: Move) -> bool:
    region = model.region_at(move.to)
    return region is not None and move.to + move.size <= region.end
