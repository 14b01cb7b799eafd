"""What a linker moves as one: pieces that share an input section."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from simcore.elf import Image
from simcore.linking.mapfile import Contribution, LinkMap
from simcore.placement.pieces import Piece, all_pieces

_MORE: Final = re.compile(r" and \d+ more$")


def as_linked(found: LinkMap | None, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, those of one input section as one piece with the name of the largest.

    As they are without a map, which alone tells input sections. libgcc's additions of doubles are
    one section, and so is all of an object that was compiled without -ffunction-sections.
    """
    if found is None:
        return list(pieces)
    result: list[Piece] = []
    groups: dict[Contribution, list[Piece]] = {}
    for piece in pieces:
        holder = found.at(piece.address) if piece.kind in ("function", "object") else None
        if holder is None:
            result.append(piece)
        else:
            groups.setdefault(holder, []).append(piece)
    for holder, members in groups.items():
        joined = _joined(members)
        if joined.is_code and joined.address == holder.address:
            joined = replace(joined, size=holder.size)  # the gap that it leaves is all of it
        result.append(joined)
    result.sort(key=lambda piece: (piece.address, not piece.is_code))
    return result


def members_of(image: Image, piece: Piece) -> list[Piece]:
    """What a piece of several holds, by address; none of one that is itself."""
    if not is_joined(piece):
        return []
    found = {
        one.address: one
        for one in all_pieces(image)
        if piece.address <= one.address < piece.end and one.is_code == piece.is_code
    }
    return [found[address] for address in sorted(found)]


def is_joined(piece: Piece) -> bool:
    """Whether a piece is several that move as one."""
    return _MORE.search(piece.name) is not None


def _joined(members: Sequence[Piece]) -> Piece:
    """One piece of several from the first to the last byte; of one itself."""
    largest = max(members, key=lambda one: (one.size, -one.address))
    starts = {one.address for one in members}
    if len(starts) == 1:
        return largest
    start, end = min(starts), max(one.end for one in members)
    return replace(
        largest,
        name=f"{largest.name} and {len(starts) - 1} more",
        address=start,
        size=end - start,
        alignment=max(one.alignment for one in members),
        is_code=any(one.is_code for one in members),
        is_rom=all(one.is_rom for one in members),
        symbol=None,
    )
