"""Where code and constants come to lie when a placement is linked, by the map of the program as it
is: input sections keep their order and their alignment, gaps close, and what moved is loaded in
front of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.linking.mapfile import Contribution, LinkMap
from simcore.linking.sections import BEHIND
from simcore.linking.veneers import BYTES, count_veneers
from simcore.run.setup import WORD, Move

#: Alignment that a gap in front of an input section may tell of; a larger one is of a script.
_MOST_ALIGNED: Final = 64
_ROW: Final = 12  # bytes of the table of start-up code for an output section


def relaid(
    image: Image,
    model: CpuModel,
    found: LinkMap,
    moves: Sequence[Move],
    offset: int = 0,
    shift: int = 0,
) -> tuple[Move, ...] | None:
    """The moves with those of what stays, in ROM ``offset`` bytes higher than expected, in RAM
    ``shift``.

    None where nothing of ROM is known or something would leave its memory.
    """
    sections = {
        section.name
        for section in image.sections
        if section.allocated and section.address == section.load_address and not section.writable
    }
    rom = [one for one in found.contributions if one.output in sections]
    moved = [one for one in rom if _is_moved(one, moves)]
    if not rom or not moved:
        return None
    first = moved[0].output  # in front of which the fragment stands
    behind = next(i for i, one in enumerate(rom) if one.output == first)
    table = image.vector_table
    while table is not None and rom[behind].address <= table and behind + 1 < len(rom):
        behind += 1  # the vector table stays in front
    end = _end_before(image, rom[behind].address)
    aligned = next((one.alignment for one in image.sections if one.name == first), 1)
    at = -(-(end + _front(image, model, moves)) // aligned) * aligned + offset
    stays, at = _closed(rom[behind:], moves, end, at)
    home = model.region_at(rom[behind].address)
    if home is None or at > home.end:
        return None
    return tuple(sorted([*moves, *stays, *_ram(image, model, found, moves, shift)]))


def _ram(
    image: Image, model: CpuModel, found: LinkMap, moves: Sequence[Move], shift: int
) -> list[Move]:
    """What stays in RAM where gaps close, a memory after the other; as it is where it would not
    fit."""
    names = {one.name for one in image.sections if one.allocated and one.writable}
    result: list[Move] = []
    for region in model.regions:
        rows = [
            one
            for one in found.contributions
            if one.output in names and region.base <= one.address < region.end
        ]
        if rows and (shift or any(_is_moved(one, moves) for one in rows)):
            stays, end = _closed(rows, moves, rows[0].address, rows[0].address + shift)
            result += stays if end <= region.end else []
    return result


def _closed(
    rows: Sequence[Contribution], moves: Sequence[Move], end: int, at: int
) -> tuple[list[Move], int]:
    """Moves of input sections that stay, in a row from an address on with the alignment that the
    gaps between them tell, the first behind ``end``; and where they end."""
    result = []
    for one in rows:
        gap = one.address - end
        alignment = _alignment(end, one.address)
        if not _is_moved(one, moves):
            at = at + gap if alignment is None else -(-at // alignment) * alignment
            if at != one.address:
                result.append(Move(one.address, one.size, at))
            at += one.size
        end = one.end
    return result, at


def _end_before(image: Image, address: int) -> int:
    """Where what lies in front of an address in its memory ends: there the fragment's bytes are
    loaded, whatever alignment stands behind."""
    ends = (
        section.load_address + section.size
        for section in image.sections
        if section.allocated and section.has_data and section.load_address < address
    )
    return max((end for end in ends if end <= address), default=address)


def _is_moved(one: Contribution, moves: Sequence[Move]) -> bool:
    return any(move.start <= one.address < move.end for move in moves)


def _alignment(end: int, start: int) -> int | None:
    """The least alignment that explains a gap; None for a gap that is no alignment's."""
    alignment = WORD if start % WORD == 0 else 2 if start % 2 == 0 else 1
    while alignment <= _MOST_ALIGNED:
        if -(-end // alignment) * alignment == start:
            return alignment
        alignment *= 2
    return None


def _front(image: Image, model: CpuModel, moves: Sequence[Move]) -> int:
    """Bytes in ROM of what moved and is loaded, and of the table that start-up code reads."""
    loaded: dict[str, int] = {}
    tables: set[tuple[str, bool]] = set()
    for move in moves:
        section, region = image.section_at(move.start), model.region_at(move.to)
        if section is None or region is None:
            continue
        tables.add((region.name, section.has_data))
        if section.has_data:
            start = loaded.get(region.name, 8 if region.base == 0 else 0)
            loaded[region.name] = -(-start // WORD) * WORD + move.size
    veneers = BYTES * count_veneers(image, moves)[1]
    size = sum(-(-size // 8) * 8 for size in loaded.values()) + veneers + _ROW * len(tables)
    return -(-size // BEHIND) * BEHIND
