"""A placement as output sections of GNU ld and lld, with an ASSERT for all that moves, and as
attributes of GCC.

What a linker cannot move stands in a comment with why, and in ``stays``: nothing stays silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from simcore.costs.profile import Profile
from simcore.cpu_model import CpuModel, Region
from simcore.elf import Image
from simcore.linking.build import Build
from simcore.linking.composed import as_exported
from simcore.linking.inputs import (
    MovedSection,
    Pieces,
    Stays,
    by_map,
    by_symbols,
    is_part,
    is_zeroed,
    own_section,
    plain,
)
from simcore.linking.mapfile import LinkMap
from simcore.linking.room import room_for_sections, section_bytes
from simcore.linking.script import OutputSection
from simcore.linking.sections import (
    FragmentSection,
    asserts,
    copied_already,
    fill_table,
    has_phdrs,
    output_section,
)
from simcore.linking.startup import ASSEMBLY_LOOP, C_LOOP, copy_cycles
from simcore.linking.units import members_of
from simcore.linking.veneers import BYTES, count_veneers, direct_calls, through_veneers
from simcore.placement.pieces import Piece, ProgramMemory, is_composed
from simcore.run.setup import Move, TimingSetup

WIDTH: Final = 96


@dataclass(frozen=True, slots=True)
class Fragment:
    """``text`` goes into SECTIONS, ``memory`` (which may be empty) in front of it.

    ``patterns`` are the input sections that it takes, ``reused`` the output sections of the user's
    script that it holds instead of ones of its own, ``phdrs`` the program headers that it needs.
    ``stays`` is a line for each piece that no linker moves. ``loaded_bytes`` and ``zeroed_bytes``
    are what start-up code fills.
    """

    text: str
    memory: str = ""
    patterns: tuple[str, ...] = ()
    reused: tuple[OutputSection, ...] = ()
    phdrs: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    loaded_bytes: int = 0
    zeroed_bytes: int = 0
    copy_cycles: int = 0
    veneers: int = 0
    veneer_calls: int = 0


def linker_fragment(
    image: Image,
    setup: TimingSetup,
    program: ProgramMemory,
    pieces: Pieces,
    build: Build,
    profile: Profile | None = None,
    apart: Sequence[Stays] = (),
) -> Fragment:
    """The output sections for pieces, each with the name of its region; empty when nothing moves.

    ``build`` tells objects and input sections; without its map only what symbols prove is moved.
    ``profile`` counts calls through veneers. ``apart`` is told to stay in a comment of the text.
    """
    model = setup.model
    moving = list(pieces)
    notes: list[str] = []
    composed = is_composed(image)
    if composed:
        moving, notes = as_exported(image, moving)
    stacks = [(piece, region) for piece, region in moving if piece.kind == "stack"]
    moving = [entry for entry in moving if entry[0].kind != "stack"]
    found: Sequence[MovedSection | Stays]
    if composed:
        found = [
            MovedSection(f"*({plain(own_section(image, piece, piece.name))})", piece.size)
            for piece, _ in moving
        ]
    elif build.map is not None:
        found = by_map(image, build.map, moving)
    else:
        found = by_symbols(image, moving)
    blocks, along, stays = _blocks(image, model, program, build, moving, found)
    moves = _moves(blocks)
    veneers = sum(count_veneers(image, moves)) if moves else 0
    calls = 0
    if veneers and profile is not None:
        calls = through_veneers(direct_calls(image, profile), moves)
    loaded = sum(block.size for block in blocks if not block.is_zeroed)
    zeroed = sum(block.size for block in blocks if block.is_zeroed)
    home = None if image.vector_table is None else model.region_at(image.vector_table)
    cycles = copy_cycles(setup, home, loaded, zeroed)
    lines: list[str] = []
    if blocks:
        lines += _comment(
            "In SECTIONS, behind the vector table and in front of the output sections that take"
            " .text, .rodata, .data and .bss, which would take these first."
            f"{_region_note(build, blocks)}"
        )
        if composed:
            lines += _comment("Names are those of 'mcusim export'.")
        for block in blocks:
            lines += output_section(image, model, build, block)
        rom = build.rom_name(image, model)
        lines += fill_table(blocks, rom, build)
        lines += [line for block in blocks for line in asserts(image, block)]
        lines += _comment(_fill_note(loaded, zeroed, cycles))
        lines += _comment(_veneer_note(veneers, calls, model)) if veneers else []
        for text in along:
            lines += _comment(text)
    for one in (*stays, *apart):
        lines += _comment(f"Stays: {one.name}: {one.reason}.")
    lines += notes
    for piece, region in stacks:
        ram = build.name_of(model.region(region))
        lines += _comment(
            f"Stack: its top, the first word of the vector table, at ORIGIN({ram}) + LENGTH({ram})."
            f" {piece.size:,} bytes are the most that this run used: leave room for calls and"
            " interrupts that it did not meet."
        )
    if any(block.reused is None and block.region.writable for block in blocks):
        lines += [
            "/*",
            *_quoted(C_LOOP),
            "",
            "   The same in assembly:",
            *_quoted(ASSEMBLY_LOOP),
            "*/",
        ]
    return Fragment(
        "".join(f"{line}\n" for line in lines),
        _missing(build, blocks),
        tuple(pattern for block in blocks for pattern in block.entries),
        tuple(block.reused for block in blocks if block.reused is not None),
        _phdrs(build, blocks),
        tuple(f"{one.name} stays where it is: {one.reason}" for one in stays),
        loaded,
        zeroed,
        cycles,
        veneers,
        calls,
    )


def attributes_text(image: Image, pieces: Pieces, build: Build | None = None) -> str:
    """The same as attributes on declarations, for builds without a section per symbol.

    Code, constants and variables have sections of their own, as a compiler refuses to mix them. A
    part of an array has none, and neither has what comes from a library, which nobody declares.
    """
    lines = []
    if is_composed(image):
        pieces, _ = as_exported(image, pieces)
    found = None if build is None else build.map
    for piece, region in pieces:
        if piece.kind == "stack" or is_part(image, piece) is not None:
            continue
        for one in members_of(image, piece) or [piece]:
            if not _is_own(image, found, one):
                continue
            section = f".{_block_name(region, is_zeroed(image, one))}{_suffix(image, one)}"
            what = f"{one.name}()" if one.is_code else one.name
            lines.append(f'{what}: __attribute__((section("{section}")))')
    return "".join(f"{line}\n" for line in lines)


def _is_own(image: Image, found: LinkMap | None, piece: Piece) -> bool:
    """Whether the user may have the source of a piece: no archive's, by the map; else with lines,
    where the program has any."""
    holder = None if found is None else found.at(piece.address)
    if holder is not None:
        return holder.archive is None
    if not piece.is_code or image.lines is None:
        return True
    return image.line_at(piece.address) is not None


def _blocks(
    image: Image,
    model: CpuModel,
    program: ProgramMemory,
    build: Build,
    moving: Pieces,
    found: Sequence[MovedSection | Stays],
) -> tuple[list[FragmentSection], list[str], list[Stays]]:
    """Output sections with what fits into their regions, what moves along, and what stays."""
    blocks: dict[str, FragmentSection] = {}
    room: dict[str, int] = {}
    along: dict[str, None] = {}
    stays: list[Stays] = []
    for (piece, region), one in zip(moving, found, strict=True):
        if isinstance(one, Stays):
            stays.append(one)
            continue
        target = model.region(region)
        name = _block_name(region, is_zeroed(image, piece))
        block = blocks.get(name)
        if block is not None and one.pattern in block.entries:
            block.entries[one.pattern].append(piece)
            continue
        if region not in room:
            room[region] = room_for_sections(image, model, program, build, target)
            room[region] += _leaving(model, moving, found, target)
        size = section_bytes(one.size)
        if size > room[region]:
            stays.append(
                Stays(
                    piece.name,
                    f"its input section has {one.size:,} bytes, and {build.name_of(target)} has"
                    f" {max(room[region], 0):,} left",
                )
            )
            continue
        room[region] -= size
        if block is None:
            block = FragmentSection(name, target, build.name_of(target), is_zeroed(image, piece))
            block.reused = copied_already(image, build, block)
            blocks[name] = block
        block.entries[one.pattern] = [piece]
        block.size += one.size
        if one.along:
            names = ", ".join(one.along[:4]) + (", ..." if len(one.along) > 4 else "")
            along[f"With {piece.name}, of one input section of {one.size:,} bytes: {names}."] = None
    return list(blocks.values()), list(along), stays


def _phdrs(build: Build, blocks: Sequence[FragmentSection]) -> tuple[str, ...]:
    """Program headers of their own, where the user's script has PHDRS: wherever these sections
    stand, what a header of the user's holds stays in a row."""
    if not has_phdrs(build):
        return ()
    return (*(block.name for block in blocks if block.reused is None), "mcusim_table")


def _leaving(
    model: CpuModel, moving: Pieces, found: Sequence[MovedSection | Stays], region: Region
) -> int:
    """Bytes that pieces leave behind in a region that they move out of."""
    return sum(
        piece.size
        for (piece, to), one in zip(moving, found, strict=True)
        if not isinstance(one, Stays)
        and to != region.name
        and region.base <= piece.address < region.end
    )


def _missing(build: Build, blocks: Sequence[FragmentSection]) -> str:
    """Regions that the user's MEMORY lacks."""
    lacking = {block.region.name: block for block in blocks if build.lacks(block.region)}
    rows = [f"    {_memory_row(block)}\n" for block in lacking.values()]
    return "".join(["MEMORY\n{\n", *rows, "}\n"]) if rows else ""


def _memory_row(block: FragmentSection) -> str:
    region = block.region
    return f"{block.memory} (rwx) : ORIGIN = {region.base:#x}, LENGTH = {region.size}"


def _region_note(build: Build, blocks: Sequence[FragmentSection]) -> str:
    if not build.memory:
        return " FLASH and the regions are names of MEMORY."
    missing = [f" MEMORY needs {_memory_row(b)}." for b in blocks if build.lacks(b.region)]
    return "".join(dict.fromkeys(missing))


def _fill_note(loaded: int, zeroed: int, cycles: int) -> str:
    return (
        f"Start-up code fills {loaded + zeroed:,} bytes, which takes about {cycles:,} cycles with"
        " caches, once."
    )


def _veneer_note(veneers: int, calls: int, model: CpuModel) -> str:
    each = model.layouts.veneer_cycles
    return (
        f"{veneers} veneers of {BYTES} bytes come in, as BL does not reach that far; {calls:,}"
        f" calls of the run go through them, about {each} cycles each ({calls * each:,}), which a"
        " placed timing does not hold."
    )


def _comment(text: str) -> list[str]:
    """Text as a comment of lines that are not too long."""
    lines = wrap(text.replace("*/", "* /"), WIDTH - 6, break_long_words=False)
    return [
        f"{'/* ' if index == 0 else ' * '}{line}{' */' if index == len(lines) - 1 else ''}"
        for index, line in enumerate(lines)
    ]


def _quoted(code: str) -> list[str]:
    """Code inside of a comment: its own comments are C++'s."""
    lines = code.replace("/* ", "// ").replace("\n * ", "\n// ").replace(" */", "").splitlines()
    return [f"   {line}" for line in lines]


def _moves(blocks: Sequence[FragmentSection]) -> list[Move]:
    """About where the code goes, one behind the other: as near as a branch's reach asks."""
    found = []
    for block in blocks:
        at = block.region.base + 8
        for piece in (piece for pieces in block.entries.values() for piece in pieces):
            if piece.is_code:
                at += (piece.address - at) % 4
                found.append(Move(piece.address, piece.size, at))
                at += piece.size
    return sorted(found)


def _suffix(image: Image, piece: Piece) -> str:
    """What tells constants and variables with a value from code in one output section."""
    if piece.is_code or is_zeroed(image, piece):
        return ""
    section = image.section_at(piece.address)
    return ".data" if section is not None and section.writable else ".const"


def _block_name(region: str, is_zeroed: bool) -> str:
    return f"mcusim_{region}_bss" if is_zeroed else f"mcusim_{region}"
