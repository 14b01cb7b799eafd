"""Memory of a program that is not run, for who looks for networks in it."""

from __future__ import annotations

from simcore.elf import Image
from simcore.elf.image import Symbol

FLASH, RAM = 0x0800_0000, 0x2000_0000


class Memory:
    """Two regions of bytes, of flash and RAM."""

    def __init__(self, flash: bytes = b"", ram: bytes = b"") -> None:
        self.regions = {FLASH: flash.ljust(64, b"\xff"), RAM: ram.ljust(64, b"\0")}

    def region_of(self, address: int) -> tuple[int, int] | None:
        for base, data in self.regions.items():
            if base <= address < base + len(data):
                return base, len(data)
        return None

    def read(self, address: int, size: int) -> bytes | None:
        found = self.region_of(address)
        if found is None or address + size > sum(found):
            return None
        offset = address - found[0]
        return self.regions[found[0]][offset : offset + size]


def image(symbols: tuple[Symbol, ...] = ()) -> Image:
    return Image("firmware.elf", "", None, None, 1, (), symbols=symbols)
