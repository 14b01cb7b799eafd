"""Pieces of a program that was made of a network, as its exported C sources have them."""

from __future__ import annotations

import re
from dataclasses import replace

from simcore.elf import Image
from simcore.linking.inputs import Pieces
from simcore.placement.pieces import NETWORK_TABLES, Piece, all_pieces

#: How sections of computed tensors of a composed network begin: network/compose.py.
_ARENA = ".arena."


def as_exported(image: Image, pieces: Pieces) -> tuple[list[tuple[Piece, str]], list[str]]:
    """Pieces of a network as its C sources have them, and a comment on each that is none there.

    The arena is one array there: it is moved whole, or not at all by the linker.
    """
    found: list[tuple[Piece, str]] = []
    apart: list[str] = []
    arena = {piece.address: region for piece, region in pieces if _is_of_arena(image, piece)}
    whole = {one.address for one in all_pieces(image) if _is_of_arena(image, one)}
    moves_whole = arena.keys() == whole and len(set(arena.values())) == 1
    for piece, region in pieces:
        if _is_in(image, piece, NETWORK_TABLES):
            apart.append(f"/* {piece.name}: tables of calls, of which network.c has no array. */")
        elif piece.address not in arena or piece.is_code:
            name = re.sub(r"\W", "_", piece.name, flags=re.ASCII)
            found.append((replace(piece, name=name), region))
        elif not moves_whole:
            apart.append(
                f"/* {piece.name}, {piece.size} bytes for {region.upper()}: part of the array"
                " arena, which --arena of profile and export spreads over memories. */"
            )
        elif not any(one.name == "arena" for one, _ in found):
            found.append((replace(piece, name="arena"), region))
    return found, apart


def _is_of_arena(image: Image, piece: Piece) -> bool:
    """Whether a piece is a part of the array of computed tensors."""
    has_own_array = piece.name == "scratch" or piece.name.startswith("state.")
    return _is_in(image, piece, _ARENA) and not has_own_array


def _is_in(image: Image, piece: Piece, prefix: str) -> bool:
    """Whether a piece is data of a section that a network was composed with."""
    section = None if piece.is_code else image.section_at(piece.address)
    return section is not None and section.name.startswith(prefix) and piece.kind != "stack"
