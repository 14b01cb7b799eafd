"""What the memory tests share: a program that issues accesses, to the C rules or to the twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests import native, reference
from tests.reference_cache import CacheShape, Replacement
from tests.reference_config import Caches, Config, Kind, Policy, Region

AnyMemory = native.Memory | reference.Memory
MakeMemory = Callable[[Config, list[Region]], AnyMemory]

# As pytestmark of a module: each of its tests runs on the C rules and on their twin.
ON_C_AND_TWIN = pytest.mark.parametrize(
    "make", [native.Memory, reference.Memory], ids=["c", "twin"]
)

LINE = 32
RAM, FLASH_BASE = 0x2002_0000, 0x0800_0000
KIB = CacheShape(1024, 4, LINE, Replacement.LRU)  # 8 sets of 4 ways
CACHED = Config(icache=KIB, dcache=KIB, caches=Caches.ON)
UNCACHED = replace(CACHED, caches=Caches.OFF)
SLOW_RAM = Region(RAM, 0x1_0000, read_cycles=10, write_cycles=9, beat_cycles=2)
FLASH = Region(
    FLASH_BASE, 0x1_0000, Kind.FLASH, Policy.WRITE_THROUGH, read_cycles=10, beat_cycles=2
)

CCR, ICIALLU = 0xE000_ED14, 0xE000_EF50
DCIMVAC, DCCMVAC, DCCSW, DCCIMVAC = 0xE000_EF5C, 0xE000_EF68, 0xE000_EF6C, 0xE000_EF70
MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RASR = 0xE000_ED94, 0xE000_ED98, 0xE000_ED9C, 0xE000_EDA0
# TEX, S, C, B of an MPU region
NON_CACHEABLE, WRITE_BACK_ALLOCATE = 0b001_0_0_0, 0b001_0_1_1


class Program:
    """Issues accesses one a cycle and stalls as told."""

    def __init__(self, memory: AnyMemory) -> None:
        self.memory = memory
        self.time = 0

    def load(self, address: int, size: int = 4) -> int:
        stall = self.memory.read(self.time, address, size)
        self.time += 1 + stall
        return stall

    def load_words(self, address: int, count: int) -> list[int]:
        """An LDM: two words a cycle."""
        stalls = []
        for nth in range(count):
            stalls.append(self.memory.read(self.time, address + 4 * nth, 4, nth > 0))
            self.time += stalls[-1] + nth % 2
        self.time += count % 2
        return stalls

    def store(self, address: int, size: int = 4) -> int:
        stall = self.memory.write(self.time, address, size)
        self.time += 1 + stall
        return stall

    def system(self, register: int, value: int) -> int:
        stall = self.memory.system_write(self.time, register, value)
        self.time += 1 + stall
        return stall

    def wait(self, cycles: int = 1000) -> None:
        self.time += cycles

    def count(self, name: str, region: int | None = None) -> int:
        return self.memory.counters.get(name if region is None else (region, name), 0)

    def protect(self, number: int, base: int, rasr: int) -> None:
        """Programs one MPU region and switches the MPU on."""
        self.system(MPU_RNR, number)
        self.system(MPU_RBAR, base)
        self.system(MPU_RASR, rasr)
        self.system(MPU_CTRL, 1)


def rasr(log2_size: int, tex_s_c_b: int, disabled_eighths: int = 0) -> int:
    """The attribute register of an enabled MPU region."""
    return tex_s_c_b << 16 | disabled_eighths << 8 | (log2_size - 1) << 1 | 1
