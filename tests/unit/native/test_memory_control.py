"""Cache maintenance, CCR and MPU attributes: what firmware tells the memory system."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reference_config import Caches, Config
from tests.unit.native.memory_program import (
    CACHED,
    CCR,
    DCCIMVAC,
    DCCMVAC,
    DCCSW,
    FLASH,
    FLASH_BASE,
    LINE,
    MPU_CTRL,
    MPU_RASR,
    MPU_RBAR,
    MPU_RNR,
    NON_CACHEABLE,
    ON_C_AND_TWIN,
    RAM,
    SLOW_RAM,
    WRITE_BACK_ALLOCATE,
    MakeMemory,
    Program,
    rasr,
)

pytestmark = ON_C_AND_TWIN


# --- cache maintenance and control ---


def dirty_every_other_line(p: Program) -> None:
    """Fills the 1 KiB cache; the even lines are dirty."""
    for number in range(1024 // LINE):
        (p.load if number % 2 else p.store)(RAM + number * LINE)
        p.wait()


@pytest.mark.parametrize("by_set_and_way", [False, True])
def test_a_flush_writes_back_exactly_the_dirty_lines(
    make: MakeMemory, by_set_and_way: bool
) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    dirty_every_other_line(p)
    ways_and_sets = [way << 30 | number << 5 for way in range(4) for number in range(8)]
    lines = [RAM + number * LINE for number in range(64)]
    stalls = [
        p.system(DCCSW, operand) if by_set_and_way else p.system(DCCMVAC, operand)
        for operand in (ways_and_sets if by_set_and_way else lines)
    ]
    assert p.count("dcache_write_backs") == p.count("write_backs", 0) == 16
    assert sorted(stalls) == [0] * (len(stalls) - 16) + [9 + 3 * 2] * 16
    misses = p.count("dcache_read_misses")
    for number in range(32):
        assert p.load(RAM + number * LINE) == 0  # cleaned, not invalidated
    assert p.count("dcache_read_misses") == misses


def test_clean_and_invalidate_takes_the_line_out(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.store(RAM)
    p.wait()
    p.system(DCCIMVAC, RAM + 12)
    p.wait()
    assert p.load(RAM) == 10
    assert p.count("write_backs", 0) == 1


def test_firmware_switches_the_caches_through_ccr(make: MakeMemory) -> None:
    p = Program(make(replace(CACHED, caches=Caches.AUTO), [SLOW_RAM]))
    p.load(RAM)
    assert p.count("dcache_reads") == 0
    p.system(CCR, 1 << 16)
    p.wait()
    assert [p.load(RAM), p.load(RAM)] == [10, 0]
    p.wait()
    p.store(RAM)
    p.wait()
    p.system(CCR, 0)  # what is dirty stays, unseen
    assert p.load(RAM) == 10
    assert p.count("write_backs", 0) == 0
    p.system(CCR, 1 << 16)
    assert p.load(RAM) == 0


@pytest.mark.parametrize(("caches", "reads"), [(Caches.ON, 1), (Caches.OFF, 0)])
def test_the_user_overrides_what_firmware_writes_to_ccr(
    make: MakeMemory, caches: Caches, reads: int
) -> None:
    p = Program(make(replace(CACHED, caches=caches), [SLOW_RAM]))
    p.system(CCR, 0 if caches == Caches.ON else 3 << 16)
    p.load(RAM)
    assert p.count("dcache_reads") == reads


# --- memory attributes of the MPU (Armv7-M ARM B3.5) ---


@pytest.mark.parametrize(
    ("tex_s_c_b", "reads_allocate", "writes_allocate"),
    [
        (0b000_0_0_0, False, False),  # Strongly-ordered
        (0b000_0_0_1, False, False),  # Device, shareable
        (0b000_0_1_0, True, False),  # write-through
        (0b000_0_1_1, True, False),  # write-back, no write allocate
        (0b001_0_0_0, False, False),  # non-cacheable
        (0b001_0_1_1, True, True),  # write-back, write and read allocate
        (0b010_0_0_0, False, False),  # Device, not shareable
        (0b100_0_0_0, False, False),  # inner attributes, outer non-cacheable
        (0b100_0_0_1, True, True),
        (0b111_0_1_0, True, False),
        (0b111_0_1_1, True, False),
        (0b001_1_1_1, False, False),  # shareable: not cached
        (0b000_1_1_0, False, False),
    ],
)
def test_mpu_attributes_decide_what_is_allocated(
    make: MakeMemory, tex_s_c_b: int, reads_allocate: bool, writes_allocate: bool
) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.protect(3, RAM, rasr(16, tex_s_c_b))
    p.load(RAM)
    assert p.count("data_refills", 0) == reads_allocate
    p.store(RAM + LINE)
    assert p.count("data_refills", 0) == reads_allocate + writes_allocate


def cached_lines(p: Program, offsets: list[int]) -> list[int]:
    """Which of these lines a load brings into the cache."""
    found = []
    for offset in offsets:
        before = p.count("data_refills", 0)
        p.load(RAM + offset)
        if p.count("data_refills", 0) > before:
            found.append(offset)
    return found


def test_the_highest_numbered_mpu_region_wins(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.protect(5, RAM + 0x4000, rasr(12, NON_CACHEABLE))
    p.protect(2, RAM, rasr(16, WRITE_BACK_ALLOCATE))
    assert cached_lines(p, [0x3FE0, 0x4000, 0x4FE0, 0x5000]) == [0x3FE0, 0x5000]
    p.system(MPU_RNR, 5)
    p.system(MPU_RASR, 0)
    assert cached_lines(p, [0x4000, 0x4FE0]) == [0x4000, 0x4FE0]


@pytest.mark.parametrize("log2_size", [8, 12, 15])
def test_disabled_eighths_of_an_mpu_region_have_the_attributes_below(
    make: MakeMemory, log2_size: int
) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.protect(0, RAM, rasr(log2_size, NON_CACHEABLE, disabled_eighths=0b1000_0010))
    eighth = 2**log2_size // 8
    assert cached_lines(p, [i * eighth for i in range(9)]) == [eighth, 7 * eighth, 8 * eighth]


def test_an_mpu_region_of_32_bytes_covers_one_line(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.protect(0, RAM + 0x40, rasr(5, NON_CACHEABLE, disabled_eighths=0xFF))
    assert cached_lines(p, [0x20, 0x40, 0x60]) == [0x20, 0x60]


def test_mpu_aliases_and_the_valid_bit_select_regions(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    valid = 0x10
    p.system(MPU_RBAR, RAM | valid | 1)
    p.system(MPU_RASR, rasr(12, NON_CACHEABLE))
    p.system(MPU_RBAR + 8, RAM + 0x1000 | valid | 2)
    p.system(MPU_RASR + 8, rasr(12, NON_CACHEABLE))
    assert cached_lines(p, [0, 0x1000]) == [0, 0x1000]  # not enabled yet
    p.system(MPU_CTRL, 1)
    assert cached_lines(p, [0x20, 0x1020, 0x2020]) == [0x2020]


# --- FLASH_ACR and ACTLR ---

FLASH_ACR, ACTLR = 0x4002_3C00, 0xE000_E008
PREFETCH, ACCELERATOR, DISRAMODE = 0x100, 0x200, 1 << 11
# Uncached flash behind an accelerator of four lines: 10 cycles and, for a line it does not hold, 1
# and seven wait states of two cycles each.
ACCELERATED = replace(
    FLASH,
    never_cached=1,
    row_bytes=32,
    rows=4,
    row_miss_cycles=15,
    wait_state_cycles=2,
    accelerated=1,
    prefetch=1,
)
CONTROLLED: Config = replace(
    CACHED,
    caches=Caches.OFF,
    flash_control=FLASH_ACR,
    flash_latency_mask=0xF,
    flash_prefetch_mask=PREFETCH,
    flash_accelerator_mask=ACCELERATOR,
    flash_wait_states=7,
)


def flash_stalls(p: Program, *lines: int) -> list[int]:
    stalls = []
    for line in lines:
        p.wait()
        stalls.append(p.load(FLASH_BASE + line * LINE))
    return stalls


def test_until_firmware_writes_flash_acr_the_clock_decides(make: MakeMemory) -> None:
    p = Program(make(CONTROLLED, [ACCELERATED]))
    assert flash_stalls(p, 0, 1, 9, 2) == [25, 10, 25, 10]  # lines 1 and 2 were read ahead


def test_the_latency_field_of_flash_acr_sets_the_wait_states(make: MakeMemory) -> None:
    p = Program(make(CONTROLLED, [ACCELERATED]))
    for wait_states in (0, 2, 9):
        p.system(FLASH_ACR, PREFETCH | ACCELERATOR | wait_states)
        assert flash_stalls(p, 100 * wait_states + 20) == [11 + 2 * wait_states]


def test_without_the_accelerator_only_the_line_read_last_is_held(make: MakeMemory) -> None:
    p = Program(make(CONTROLLED, [ACCELERATED]))
    p.system(FLASH_ACR, PREFETCH | 7)
    assert flash_stalls(p, 0, 0, 1, 0) == [25, 10, 25, 25]


def test_without_prefetch_the_accelerator_holds_what_was_read(make: MakeMemory) -> None:
    p = Program(make(CONTROLLED, [ACCELERATED]))
    p.system(FLASH_ACR, ACCELERATOR | 7)
    assert flash_stalls(p, 0, 1, 0, 1) == [25, 25, 10, 10]


def test_actlr_keeps_stores_from_ending_write_allocation(make: MakeMemory) -> None:
    # Three lines overwritten whole start read-allocate mode; with DISRAMODE every line is filled.
    refills = []
    for actlr in (0, DISRAMODE):
        p = Program(make(replace(CACHED, dynamic_read_allocate=1), [SLOW_RAM]))
        p.system(ACTLR, actlr)
        for offset in range(0, 16 * LINE, 8):
            p.store(RAM + offset, 8)
        refills.append(p.count("data_refills", 0))
    assert refills[0] < 8
    assert refills[1] == 16
