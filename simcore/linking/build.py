"""How a program was linked, as far as it is known: its map file, its linker script, and what they
call the memories of the part."""

from __future__ import annotations

from dataclasses import dataclass

from simcore.cpu_model import CpuModel, Region
from simcore.elf import Image
from simcore.linking.again import check_linked_without, without_advice
from simcore.linking.mapfile import LinkMap, MemoryRange, find_map, read_map
from simcore.linking.script import Script, read_script


@dataclass(frozen=True, slots=True)
class Build:
    """The map and the script of a program; None where there is none."""

    map: LinkMap | None = None
    script: Script | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The files that all of it was read from."""
        return tuple(one.path for one in (self.map, self.script) if one is not None)

    @property
    def memory(self) -> tuple[MemoryRange, ...]:
        """MEMORY of the script, else as the map tells it."""
        told = () if self.script is None else self.script.memory
        return told or (() if self.map is None else self.map.memory)

    def range_of(self, region: Region) -> MemoryRange | None:
        """The user's region that begins in a region of the part; the largest of several."""
        inside = [m for m in self.memory if region.base <= m.origin < region.end]
        return max(inside, key=lambda m: m.length, default=None)

    def lacks(self, region: Region) -> bool:
        """Whether MEMORY is known and nothing of it is in a region of the part."""
        return bool(self.memory) and not any(
            m.origin < region.end and region.base < m.origin + m.length for m in self.memory
        )

    def name_of(self, region: Region) -> str:
        """What the user's script calls a region; in capitals what the part does if it is unknown,
        and a name of its own where the script lacks it."""
        found = self.range_of(region)
        if found is not None:
            return found.name
        upper = region.name.upper()
        return f"MCUSIM_{upper}" if self.lacks(region) else upper

    def rom_name(self, image: Image, model: CpuModel) -> str:
        """The region that the program is loaded into: that of the reset handler, as the vector
        table may have one of its own."""
        start = image.vector_table if image.reset_handler is None else image.reset_handler.start
        if start is None:
            start = next((s.address for s in image.segments if s.data), 0)
        found = next((m.name for m in self.memory if m.holds(start)), None)
        if found is None:  # another window on the same flash
            home = model.region_at(start)
            same = [r for r in model.regions if home is not None and r.device == home.device]
            found = next((m.name for r in same if (m := self.range_of(r)) is not None), None)
        return found or "FLASH"


def open_build(image: Image, map_file: str | None = None, script: str | None = None) -> Build:
    """What is known of a program's build: the map that is named or lies beside the ELF, the script.

    Raises ConfigError, one line, for what cannot be read and for a map of another program.
    """
    if map_file is None:
        found = find_map(image)
    else:
        found = read_map(map_file)
        found.check(image)
    read = None if script is None else without_advice(read_script(script))
    if read is not None:
        check_linked_without(image, read)
    return Build(found, read)
