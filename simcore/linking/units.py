"""What a linker moves as one: pieces that share an input section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simcore.linking.mapfile import Contribution, LinkMap
from simcore.placement.pieces import Piece


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
    for members in groups.values():
        result.append(_joined(members))
    result.sort(key=lambda piece: (piece.address, not piece.is_code))
    return result


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
