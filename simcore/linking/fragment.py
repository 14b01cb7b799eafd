"""A placement as output sections of GNU ld and lld, with an ASSERT for all that moves, and as
attributes of GCC.

What a linker cannot move stands in a comment with why, and in ``stays``: nothing stays silently.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Final

from simcore.costs.profile import Profile
from simcore.cpu_model import CpuModel, Region
from simcore.elf import Image
from simcore.linking.build import Build
from simcore.linking.composed import as_exported
from simcore.linking.inputs import Input, Pieces, Stays, by_map, by_symbols
from simcore.linking.script import OutputSection, Script
from simcore.linking.startup import ASSEMBLY_LOOP, C_LOOP, TABLE, copy_cycles
from simcore.linking.veneers import BYTES, CYCLES, Veneers, count_veneers
from simcore.placement.pieces import Piece, ProgramMemory, is_composed
from simcore.placement.placer import free_bytes
from simcore.run.setup import TimingSetup

WIDTH: Final = 96
#: Bytes that alignment in front of an input section may take.
_GAP: Final = 4
_GLOBAL: Final = re.compile(r"[A-Za-z_.$][\w.$]*", re.ASCII)


@dataclass(slots=True)
class Block:
    """An output section. ``entries`` are its patterns, each with the pieces that it brings."""

    name: str  # without the dot
    region: Region
    memory: str  # as the user's script calls it
    is_zeroed: bool
    reused: OutputSection | None = None  # of the user's script, which start-up code copies already
    entries: dict[str, list[Piece]] = field(default_factory=dict)
    size: int = 0  # bytes of its input sections, gaps between them included


@dataclass(frozen=True, slots=True)
class Fragment:
    """``text`` goes into SECTIONS, ``memory`` (which may be empty) in front of it.

    ``patterns`` are the input sections that it takes, ``reused`` the output sections of the user's
    script that it holds instead of ones of its own. ``stays`` is a line for each piece that no
    linker moves. ``loaded_bytes`` and ``zeroed_bytes`` are what start-up code fills.
    """

    text: str
    memory: str = ""
    patterns: tuple[str, ...] = ()
    reused: tuple[OutputSection, ...] = ()
    stays: tuple[str, ...] = ()
    loaded_bytes: int = 0
    zeroed_bytes: int = 0
    copy_cycles: int = 0
    veneers: Veneers = field(default_factory=Veneers)


def linker_fragment(
    image: Image,
    setup: TimingSetup,
    program: ProgramMemory,
    pieces: Pieces,
    build: Build,
    profile: Profile | None = None,
) -> Fragment:
    """The output sections for pieces, each with the name of its region; empty when nothing moves.

    ``build`` tells objects and input sections; without its map only what symbols prove is moved.
    ``profile`` counts calls through veneers.
    """
    model = setup.model
    moving = list(pieces)
    apart: list[str] = []
    composed = is_composed(image)
    if composed:
        moving, apart = as_exported(image, moving)
    stacks = [(piece, region) for piece, region in moving if piece.kind == "stack"]
    moving = [entry for entry in moving if entry[0].kind != "stack"]
    found: Sequence[Input | Stays]
    if composed:
        found = [Input(f"*({_exported(image, piece)})", piece.size) for piece, _ in moving]
    elif build.map is not None:
        found = by_map(image, build.map, moving)
    else:
        found = by_symbols(image, moving)
    blocks, along, stays = _blocks(image, model, program, build, moving, found)
    kept = [(piece, block.region.name) for block in blocks for piece in _pieces_of(block)]
    veneers = count_veneers(image, model, kept, profile)
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
            lines += _output_section(image, model, build, block)
        lines += _table(blocks, build.rom_name(image, model))
        lines += [line for block in blocks for line in _asserts(image, block)]
        lines += _comment(_cost_note(loaded, zeroed, cycles, veneers))
        for text in along:
            lines += _comment(text)
    for one in stays:
        lines += _comment(f"Stays: {one.name}: {one.reason}.")
    lines += apart
    for piece, region in stacks:
        ram = build.name_of(model.region(region))
        lines += _comment(
            f"Stack: its top at ORIGIN({ram}) + LENGTH({ram}), {piece.size} bytes used."
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
        tuple(f"{one.name} stays where it is: {one.reason}" for one in stays),
        loaded,
        zeroed,
        cycles,
        veneers,
    )


def attributes_text(image: Image, pieces: Pieces) -> str:
    """The same as attributes on declarations, for builds without a section per symbol."""
    lines = []
    if is_composed(image):
        pieces, _ = as_exported(image, pieces)
    for piece, region in pieces:
        if piece.kind == "stack":
            continue
        section = f".{_block_name(region, _is_zeroed(image, piece))}"
        what = f"{piece.name}()" if piece.is_code else piece.name
        lines.append(f'{what}: __attribute__((section("{section}")))')
    return "".join(f"{line}\n" for line in lines)


def _blocks(
    image: Image,
    model: CpuModel,
    program: ProgramMemory,
    build: Build,
    moving: Pieces,
    found: Sequence[Input | Stays],
) -> tuple[list[Block], list[str], list[Stays]]:
    """Output sections with what fits into their regions, what moves along, and what stays."""
    blocks: dict[str, Block] = {}
    room: dict[str, int] = {}
    along: dict[str, None] = {}
    stays: list[Stays] = []
    for (piece, region), one in zip(moving, found, strict=True):
        if isinstance(one, Stays):
            stays.append(one)
            continue
        target = model.region(region)
        name = _block_name(region, _is_zeroed(image, piece))
        block = blocks.get(name)
        if block is not None and one.pattern in block.entries:
            block.entries[one.pattern].append(piece)
            continue
        if region not in room:
            room[region] = _room(image, model, program, build, target)
        size = -(-one.size // 4) * 4 + (_GAP if one.size > 4 else 0)
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
            block = Block(name, target, build.name_of(target), _is_zeroed(image, piece))
            block.reused = _copied_already(image, build, block)
            blocks[name] = block
        block.entries[one.pattern] = [piece]
        block.size += one.size
        if one.along:
            names = ", ".join(one.along[:4]) + (", ..." if len(one.along) > 4 else "")
            along[f"With {piece.name}, of one input section of {one.size:,} bytes: {names}."] = None
    return list(blocks.values()), list(along), stays


def _room(
    image: Image, model: CpuModel, program: ProgramMemory, build: Build, region: Region
) -> int:
    """Bytes that a region has left for what moves into it: of the part, and of the script."""
    room = free_bytes(image, model, program, region)
    told = build.range_of(region)
    if told is not None:
        used = sum(
            section.size
            for section in image.sections
            if section.allocated and told.holds(section.address)
        )
        room = min(room, told.length - used)
    return room - 16  # what begins at 0 stays free, and the block is aligned


def _output_section(image: Image, model: CpuModel, build: Build, block: Block) -> list[str]:
    name = block.name
    if block.reused is not None and build.script is not None:
        return _reused_section(image, build.script, block, block.reused)
    loads = block.is_zeroed or not block.region.writable
    rom = "" if loads else f" AT > {build.rom_name(image, model)}"
    lines = [
        f".{name} {'(NOLOAD) ' if block.is_zeroed else ''}:",
        "{",
        *(["    . += 8;"] if block.region.base == 0 else []),  # nothing may have the address 0
        "    . = ALIGN(8);",
        f"    __{name}_start = .;",
    ]
    lines += _patterns(image, block)
    lines += [
        f"    *(.{name})",
        "    . = ALIGN(4);",
        f"    __{name}_end = .;",
        f"}} > {block.memory}{rom}",
    ]
    return lines


def _patterns(image: Image, block: Block) -> list[str]:
    """The input sections, between marks where one's symbol cannot be named in a script."""
    lines = []
    for number, (pattern, pieces) in enumerate(block.entries.items()):
        marks = not all(_is_global(image, piece) for piece in pieces)
        lines += [f"    __{block.name}_{number} = .;"] if marks else []
        lines += [f"    {pattern}"]
        lines += [f"    __{block.name}_{number}_end = .;"] if marks else []
    return lines


def _reused_section(
    image: Image, script: Script, block: Block, section: OutputSection
) -> list[str]:
    """The user's output section with the patterns in front of its own."""
    inputs = (at for at, end in script.statements(section) if "=" not in script.text[at:end])
    at = next(inputs, section.body_end)
    patterns = [
        f"    __{block.name}_start = .;",
        *_patterns(image, block),
        f"    __{block.name}_end = .;",
    ]
    head, tail = script.text[section.start : at], script.text[at : section.end]
    before, behind = head.rstrip().splitlines(), f"        {tail}".splitlines()
    return [
        *(line.removeprefix("    ") for line in before),
        *patterns,
        *(line.removeprefix("    ") for line in behind),
    ]


def _copied_already(image: Image, build: Build, block: Block) -> OutputSection | None:
    """The output section of the user's script in that region which start-up code copies: it has
    bytes, and runs elsewhere than it is loaded."""
    if build.script is None or block.is_zeroed:
        return None
    copied = {
        section.name
        for section in image.sections
        if section.allocated
        and section.size
        and section.has_data
        and section.load_address != section.address
        and block.region.base <= section.address < block.region.end
    }
    return next(
        (
            section
            for section in build.script.sections
            if section.name in copied and section.region == block.memory
        ),
        None,
    )


def _table(blocks: Sequence[Block], rom: str) -> list[str]:
    """What start-up code fills: from where, first address, end; from 0 for zeros."""
    rows = []
    for block in blocks:
        if block.reused is not None or not block.region.writable:
            continue
        name = block.name
        source = "0" if block.is_zeroed else f"LOADADDR(.{name}) + (__{name}_start - ADDR(.{name}))"
        rows += [f"    LONG({source})", f"    LONG(__{name}_start) LONG(__{name}_end)"]
    if not rows:
        return []
    return [
        ".mcusim_table :",
        "{",
        "    . = ALIGN(4);",
        f"    {TABLE}_start = .;",
        *rows,
        f"    {TABLE}_end = .;",
        f"}} > {rom}",
    ]


def _asserts(image: Image, block: Block) -> list[str]:
    """That each symbol landed: a global one by its address, a local one by its bytes."""
    name = block.name
    low, high = block.region.base, block.region.end
    what = f"are outside of {block.region.name}"
    lines = [
        f"ASSERT(__{name}_start >= {low:#x} && __{name}_end <= {high:#x},",
        f'    "mcusim: addresses of .{name} {what}")',
    ]
    for number, pieces in enumerate(block.entries.values()):
        for piece in pieces:
            text = piece.symbol or piece.name
            if _is_global(image, piece):
                test = f"{text} >= __{name}_start && {text} < __{name}_end"
            else:
                test = f"__{name}_{number}_end - __{name}_{number} >= {piece.size}"
            shown = re.sub(r'["\\]', "?", text)
            lines += [f"ASSERT({test},", f'    "mcusim: {shown} did not go to .{name}")']
    return lines


def _is_global(image: Image, piece: Piece) -> bool:
    """Whether a script can name a piece."""
    text = piece.symbol or piece.name
    symbol = image.symbol(text)
    if symbol is None or symbol.address != piece.address or symbol.binding == "local":
        return False
    return _GLOBAL.fullmatch(text) is not None


def _missing(build: Build, blocks: Sequence[Block]) -> str:
    """Regions that the user's MEMORY lacks."""
    lacking = {block.region.name: block for block in blocks if build.lacks(block.region)}
    rows = [f"    {_memory_row(block)}\n" for block in lacking.values()]
    return "".join(["MEMORY\n{\n", *rows, "}\n"]) if rows else ""


def _memory_row(block: Block) -> str:
    region = block.region
    return f"{block.memory} (rwx) : ORIGIN = {region.base:#x}, LENGTH = {region.size}"


def _region_note(build: Build, blocks: Sequence[Block]) -> str:
    if not build.memory:
        return " FLASH and the regions are names of MEMORY."
    missing = [f" MEMORY needs {_memory_row(b)}." for b in blocks if build.lacks(b.region)]
    return "".join(dict.fromkeys(missing))


def _cost_note(loaded: int, zeroed: int, cycles: int, veneers: Veneers) -> str:
    text = (
        f"Start-up code fills {loaded + zeroed:,} bytes, which takes about {cycles:,} cycles, once."
    )
    if veneers.count:
        text += (
            f" {veneers.count} veneers of {BYTES} bytes come in, as BL does not reach that far;"
            f" {veneers.calls:,} calls of the run go through them, about {CYCLES} cycles each"
            f" ({veneers.cycles:,}), which the timing does not hold."
        )
    return text


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


def _pieces_of(block: Block) -> list[Piece]:
    return [piece for pieces in block.entries.values() for piece in pieces]


def _block_name(region: str, is_zeroed: bool) -> str:
    return f"mcusim_{region}_bss" if is_zeroed else f"mcusim_{region}"


def _is_zeroed(image: Image, piece: Piece) -> bool:
    section = image.section_at(piece.address)
    return section is not None and not section.has_data


def _exported(image: Image, piece: Piece) -> str:
    """The input section of an array that `mcusim export` writes, or of a kernel."""
    if piece.is_code:
        return f".text.{piece.name}"
    if _is_zeroed(image, piece):
        return f".bss.{piece.name}"
    return f"{'.rodata' if piece.is_rom else '.data'}.{piece.name}"
