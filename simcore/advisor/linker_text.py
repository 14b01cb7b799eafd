"""A placement as text for a build: GNU ld output sections and GCC attributes; the linker finds the
addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.placement.pieces import NETWORK_TABLES, Piece, all_pieces, is_composed

Pieces = Sequence[tuple[Piece, str]]  # each with its region
#: How sections of computed tensors of a composed network begin: network/compose.py.
_ARENA = ".arena."


def linker_script_text(image: Image, model: CpuModel, pieces: Pieces) -> str:
    """Output sections to paste into SECTIONS; empty when nothing moves.

    Input sections are those that -ffunction-sections and -fdata-sections make; those of a library
    are named by its object file; those of a network are the arrays that `mcusim export` writes.
    """
    lines: list[str] = []
    pieces, apart = _as_exported(image, pieces) if is_composed(image) else (pieces, [])
    for region, loaded, zeroed in _by_region(image, pieces):
        upper = region.upper()
        rom = "" if not model.region(region).writable else " AT > FLASH"
        if loaded:
            name = f"{region}_load"
            lines += [
                f".{name} :",
                "{",
                *_first_bytes(model, region),
                "    . = ALIGN(8);",
                f"    __{name}_start = .;",
                *(f"    {text}" for text in loaded),
                "    . = ALIGN(4);",
                f"    __{name}_end = .;",
                f"}} > {upper}{rom}",
                f"__{name}_from = LOADADDR(.{name}) + (__{name}_start - ADDR(.{name}));",
            ]
        if zeroed:
            name = f"{region}_bss"
            lines += [
                f".{name} (NOLOAD) :",
                "{",
                *([] if loaded else _first_bytes(model, region)),
                "    . = ALIGN(8);",
                f"    __{name}_start = .;",
                *(f"    {text}" for text in zeroed),
                "    . = ALIGN(4);",
                f"    __{name}_end = .;",
                f"}} > {upper}",
            ]
    if lines:
        lines = [
            "/* In SECTIONS, in front of .text, .rodata, .data and .bss, which would take these",
            " * first. FLASH and the regions are names of MEMORY. At start, copy each _load from",
            " * its _from and clear each _bss. */",
            *(["/* Names are those of 'mcusim export'. */"] if is_composed(image) else []),
            *lines,
        ]
    lines += apart
    for piece, region in pieces:
        if piece.kind == "stack":
            ram = region.upper()
            lines.append(
                f"/* Stack: its top at ORIGIN({ram}) + LENGTH({ram}), {piece.size} bytes used. */"
            )
    return "".join(f"{line}\n" for line in lines)


def attributes_text(image: Image, model: CpuModel, pieces: Pieces) -> str:
    """The same as attributes on declarations, for builds without a section per symbol."""
    lines = []
    if is_composed(image):
        pieces, _ = _as_exported(image, pieces)
    for piece, region in pieces:
        if piece.kind == "stack":
            continue
        section = f".{region}_bss" if _is_zeroed(image, piece) else f".{region}_load"
        what = f"{piece.name}()" if piece.is_code else piece.name
        lines.append(f'{what}: __attribute__((section("{section}")))')
    return "".join(f"{line}\n" for line in lines)


def _as_exported(image: Image, pieces: Pieces) -> tuple[Pieces, list[str]]:
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


def _first_bytes(model: CpuModel, region: str) -> list[str]:
    """Room at address 0, which no function and no object may have."""
    return ["    . += 8;"] if model.region(region).base == 0 else []


def _by_region(image: Image, pieces: Pieces) -> list[tuple[str, list[str], list[str]]]:
    """Per region the input sections with contents and those that start as zeros."""
    found = []
    for region in dict.fromkeys(region for _, region in pieces):
        loaded: dict[str, None] = {}
        zeroed: dict[str, None] = {}
        for piece, where in pieces:
            if where != region or piece.kind == "stack":
                continue
            into = zeroed if _is_zeroed(image, piece) else loaded
            into[_input_section(image, piece)] = None
        found.append((region, list(loaded), list(zeroed)))
    return found


def _is_zeroed(image: Image, piece: Piece) -> bool:
    section = image.section_at(piece.address)
    return section is not None and not section.has_data


def _input_section(image: Image, piece: Piece) -> str:
    section = image.section_at(piece.address)
    base = ".text" if piece.is_code else ".data"
    if not piece.is_code and section is not None:
        base = ".bss" if not section.has_data else ".rodata" if piece.is_rom else ".data"
    file = image.file_at(piece.address) or ""
    if file.endswith(".o"):  # of a library's assembler source
        return f"*{file}({base} {base}.*)"
    own = f"{base}.{piece.name}"
    if own == ".text.main":
        own += " .text.startup.main"  # where GCC puts it from -O2 on
    composed = (_ARENA, NETWORK_TABLES, ".weights")
    if section is not None and not section.name.startswith(
        (".text", ".rodata", ".data", ".bss", *composed)
    ):
        return f"*({own} {section.name} {section.name}.*)"  # an attribute chose its section
    return f"*({own})"
