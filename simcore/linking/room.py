"""Bytes that a region has for what moves into it: those of the part and of the user's script."""

from __future__ import annotations

from typing import Final

from simcore.cpu_model import CpuModel, Region
from simcore.elf import Image
from simcore.linking.build import Build
from simcore.placement.pieces import ProgramMemory
from simcore.placement.placer import free_bytes

#: Bytes that alignment in front of an input section may take.
_GAP: Final = 4
#: What begins at 0 stays free, and an output section begins on a double word.
_HEAD: Final = 16


def room_for_sections(
    image: Image, model: CpuModel, program: ProgramMemory, build: Build, region: Region
) -> int:
    """Bytes that a region has left for input sections, each of `section_bytes`; of the user's
    MEMORY where that is known and smaller than the part's."""
    room = free_bytes(image, model, program, region)
    told = build.range_of(region)
    if told is not None:
        used = sum(
            section.size
            for section in image.sections
            if section.allocated and told.holds(section.address)
        )
        room = min(room, told.length - used)
    return room - _HEAD


def section_bytes(size: int) -> int:
    """What an input section of so many bytes takes of a region, the gap in front of it with it."""
    return -(-size // 4) * 4 + (_GAP if size > 4 else 0)
