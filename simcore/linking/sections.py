"""The text of an output section of a fragment: its patterns, what start-up code finds it by, and an
ASSERT for each symbol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from simcore.cpu_model import CpuModel, Region
from simcore.elf import Image
from simcore.linking.build import Build
from simcore.linking.script import OutputSection, Script
from simcore.linking.startup import TABLE
from simcore.placement.pieces import Piece

#: Bytes that the table ends on: code behind it is in the same place of a fetch group in each link.
BEHIND: Final = 8
_GLOBAL: Final = re.compile(r"[A-Za-z_.$][\w.$]*", re.ASCII)


@dataclass(slots=True)
class FragmentSection:
    """An output section. ``entries`` are its patterns, each with the pieces that it brings."""

    name: str  # without the dot
    region: Region
    memory: str  # as the user's script calls it
    is_zeroed: bool
    reused: OutputSection | None = None  # of the user's script, which start-up code copies already
    entries: dict[str, list[Piece]] = field(default_factory=dict)
    size: int = 0  # bytes of its input sections, gaps between them included


def output_section(
    image: Image, model: CpuModel, build: Build, block: FragmentSection
) -> list[str]:
    name = block.name
    if block.reused is not None and build.script is not None:
        return _reused_section(image, build.script, block, block.reused)
    loads = block.is_zeroed or not block.region.writable
    rom = "" if loads else f" AT > {build.rom_name(image, model)}"
    phdr = f" :{name}" if has_phdrs(build) else ""
    lines = [
        f".{name} {'(NOLOAD) ' if block.is_zeroed else ''}:",
        "{",
        *(["    . += 8;"] if block.region.base == 0 else []),  # nothing may have the address 0
        "    . = ALIGN(8);",
        f"    __{name}_start = .;",
    ]
    lines += _patterns(image, block)
    lines += [
        f"    *(.{name} .{name}.*)",
        "    . = ALIGN(4);",
        f"    __{name}_end = .;",
        f"}} > {block.memory}{rom}{phdr}",
    ]
    return lines


def _patterns(image: Image, block: FragmentSection) -> list[str]:
    """The input sections, between marks where one's symbol cannot be named in a script."""
    lines = []
    for number, (pattern, pieces) in enumerate(block.entries.items()):
        marks = not all(_is_global(image, piece) for piece in pieces)
        lines += [f"    __{block.name}_{number} = .;"] if marks else []
        lines += [f"    {pattern}"]
        lines += [f"    __{block.name}_{number}_end = .;"] if marks else []
    return lines


def _reused_section(
    image: Image, script: Script, block: FragmentSection, section: OutputSection
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


def copied_already(image: Image, build: Build, block: FragmentSection) -> OutputSection | None:
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


def has_phdrs(build: Build) -> bool:
    """Whether the user's script names its program headers, so that each section needs one."""
    return build.script is not None and build.script.phdrs_end is not None


def fill_table(blocks: Sequence[FragmentSection], rom: str, build: Build) -> list[str]:
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
        f"    . = ALIGN({BEHIND});",
        f"}} > {rom}{' :mcusim_table' if has_phdrs(build) else ''}",
    ]


def asserts(image: Image, block: FragmentSection) -> list[str]:
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
