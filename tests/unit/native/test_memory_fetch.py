"""Instruction fetch from memories other than TCM: what a block waits for."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.native.memory_program import (
    CACHED,
    FLASH,
    ICIALLU,
    NON_CACHEABLE,
    ON_C_AND_TWIN,
    UNCACHED,
    MakeMemory,
    Program,
    rasr,
)

pytestmark = ON_C_AND_TWIN


def test_a_block_comes_into_the_instruction_cache_once(make: MakeMemory) -> None:
    p = Program(make(CACHED, [FLASH]))
    # Asked at 0, the first group is there at 0 + 1 + 10, the fourth 3 x 2 later; it issues in 4.
    assert p.memory.fetch(0, 4, FLASH.base, 32, True) == (11 + 6 - 4, 1)
    assert p.memory.fetch(100, 4, FLASH.base, 32, True) == (0, 0)
    assert p.memory.fetch(200, 8, FLASH.base + 16, 64, True)[1] == 2
    assert p.count("icache_misses") == p.count("instruction_refills", 0) == 3
    p.system(ICIALLU, 0)
    assert p.memory.fetch(300, 4, FLASH.base, 32, True)[1] == 1


def test_a_block_that_is_long_does_not_hide_the_miss_of_its_first_instruction(
    make: MakeMemory,
) -> None:
    p = Program(make(CACHED, [FLASH]))
    # The first group is there at 11 and is needed at 1; the others, at 13 to 17, come before their
    # share of 40 cycles.
    assert p.memory.fetch(0, 40, FLASH.base, 32, True) == (10, 1)
    # A line in the middle: of 64 bytes in 40 cycles the fifth group is needed 20 cycles on.
    p.memory.fetch(100, 4, FLASH.base + 64, 32, True)
    stall, misses = p.memory.fetch(200, 40, FLASH.base + 64, 64, True)
    assert (stall, misses) == (0, 1)  # asked for at 204, there at 215: the cache was ahead of it


def test_fetch_runs_ahead_of_issue_as_far_as_its_queue(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [replace(FLASH, fetch_bytes=64)]))
    # Nothing was asked for since 30. At 200 four groups wait in the queue: of six, two are late by
    # 200 - 4 + 6 - 201 cycles. Behind a mispredict none waits.
    p.memory.fetch(0, 4, FLASH.base, 64, True)
    assert p.memory.fetch(200, 1, FLASH.base, 48, False)[0] == 1
    assert p.memory.fetch(300, 1, FLASH.base, 48, True)[0] == 5


def test_groups_that_hit_the_instruction_cache_are_left_to_the_pipeline(make: MakeMemory) -> None:
    p = Program(make(CACHED, [FLASH]))
    p.memory.fetch(0, 4, FLASH.base, 64, True)
    assert p.memory.fetch(200, 1, FLASH.base, 64, True) == (0, 0)


def test_without_the_cache_each_fetch_goes_to_the_device(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [FLASH]))
    for start in (0, 100):
        stall, misses = p.memory.fetch(start, 4, FLASH.base, 32, True)
        assert stall > 30
        assert misses == 0
    assert p.count("fetches", 0) == 8
    assert p.count("icache_misses") == 0


def test_the_bus_takes_the_next_address_a_cycle_before_a_single_fetch_is_there(
    make: MakeMemory,
) -> None:
    p = Program(make(UNCACHED, [FLASH]))
    p.memory.fetch(0, 4, FLASH.base, 8, True)  # there at 0 + 1 + 10
    assert p.memory.read(5, FLASH.base + 0x100, 4) == 10 - 5 + 10


def test_a_flash_line_is_fetched_once_and_kept_at_hand(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [replace(FLASH, fetch_bytes=32)]))
    p.memory.fetch(0, 4, FLASH.base, 32, True)
    assert p.count("fetches", 0) == 1
    p.memory.fetch(100, 4, FLASH.base, 64, True)
    assert p.count("fetches", 0) == 2


def test_past_the_cache_too_a_group_is_needed_when_its_share_of_the_block_issues(
    make: MakeMemory,
) -> None:
    p = Program(make(UNCACHED, [replace(FLASH, fetch_bytes=32)]))
    # There at 11 and needed at 1, the others 2 cycles apart and needed 10 apart.
    assert p.memory.fetch(0, 40, FLASH.base, 32, True)[0] == 10


def test_an_mpu_region_switches_the_instruction_cache_too(make: MakeMemory) -> None:
    p = Program(make(CACHED, [FLASH]))
    p.protect(0, FLASH.base, rasr(16, NON_CACHEABLE))
    assert p.memory.fetch(0, 4, FLASH.base, 32, True)[1] == 0
    assert p.count("fetches", 0) == 4
