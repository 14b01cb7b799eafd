"""What the C memory system refuses, and what it tells the timing side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import native
from tests.reference_cache import CacheShape
from tests.reference_config import Config, Region
from tests.unit.native.memory_program import (
    CACHED,
    FLASH,
    NON_CACHEABLE,
    RAM,
    SLOW_RAM,
    Program,
    rasr,
)


def test_a_change_of_the_mpu_is_a_new_generation_of_the_instruction_cache() -> None:
    # timing.c looks a block up again only when the generation has changed.
    p = Program(memory := native.Memory(CACHED, [FLASH]))
    before = memory.m.icache.generation
    p.protect(0, FLASH.base, rasr(16, NON_CACHEABLE))
    assert memory.m.icache.generation != before


@pytest.mark.parametrize(
    ("config", "region"),
    [
        (replace(CACHED, linefill_buffers=0), SLOW_RAM),
        (replace(CACHED, linefill_buffers=9), SLOW_RAM),
        (replace(CACHED, store_buffer_entries=0), SLOW_RAM),
        (replace(CACHED, store_buffer_entries=17), SLOW_RAM),
        (replace(CACHED, store_queue_entries=0), SLOW_RAM),
        (replace(CACHED, store_queue_entries=17), SLOW_RAM),
        (replace(CACHED, ahbp_writes=0), SLOW_RAM),
        (replace(CACHED, ahbp_writes=17), SLOW_RAM),
        (replace(CACHED, read_burst_bytes=2), SLOW_RAM),
        (replace(CACHED, read_burst_bytes=24), SLOW_RAM),
        (replace(CACHED, read_burst_bytes=64), SLOW_RAM),
        (replace(CACHED, dcache=CacheShape(1000, 4)), SLOW_RAM),
        (CACHED, replace(SLOW_RAM, base=RAM + 0x800)),
        (CACHED, replace(SLOW_RAM, size=0x1800)),
        (CACHED, replace(SLOW_RAM, base=0xFFFF_F000, size=0x2000)),
        (CACHED, replace(SLOW_RAM, bank_of=32)),
        (CACHED, replace(SLOW_RAM, rows=65, row_bytes=1024)),
        (CACHED, replace(SLOW_RAM, rows=1, row_bytes=0)),
        (CACHED, replace(SLOW_RAM, fetch_bytes=4)),
        (CACHED, replace(SLOW_RAM, fetch_bytes=24)),
    ],
)
def test_a_configuration_that_the_core_cannot_hold_is_refused(
    config: Config, region: Region
) -> None:
    _, lib = native.load()
    with pytest.raises(ValueError, match=str(lib.CORE_ERR_CONFIG)):
        native.Memory(config, [region])


def test_more_regions_than_the_core_can_hold_are_refused() -> None:
    regions = [replace(SLOW_RAM, base=i * 0x1_0000) for i in range(33)]
    native.Memory(CACHED, regions[:32])
    with pytest.raises(ValueError, match="-5"):
        native.Memory(CACHED, regions)
