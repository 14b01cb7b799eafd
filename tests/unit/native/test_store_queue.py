"""Stores to the two banks of the TCM or D-cache: sub-word, unaligned and full words.

The rows S1, S2, S3, U3, U4 of docs/sources/oracle.csv (STM32H743, 4 cycles a read-modify-write) and
ST16h, ST16b (STM32F767, 3 cycles); bank = address bit 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.reference_config import Caches, Config, Kind, Policy, Region
from tests.unit.native.memory_program import (
    CACHED,
    ON_C_AND_TWIN,
    RAM,
    SLOW_RAM,
    MakeMemory,
    Program,
)

pytestmark = ON_C_AND_TWIN

DTCM = Region(RAM, 0x1_0000, Kind.DTCM, Policy.NON_CACHEABLE, never_cached=1)
H743 = replace(CACHED, store_queue_entries=4, subword_store_cycles=4)
F767 = replace(CACHED, store_queue_entries=4, subword_store_cycles=3)


def cycles_a_store(
    make: MakeMemory, config: Config, offsets: Iterable[int], size: int, region: Region = DTCM
) -> float:
    """Steady state of one pass of stores, issued one a cycle over and over."""
    p = Program(make(config, [region]))
    passes, once = 40, list(offsets)
    for offset in range(0, 64, 32):  # in the cache, if the region is cached
        p.load(RAM + offset)
    p.wait()
    times = []
    for _ in range(passes):
        times.append(p.time)
        for offset in once:
            p.store(RAM + offset, size)
    half = passes // 2
    return (times[-1] - times[-1 - half]) / (half * len(once))


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("region", [DTCM, SLOW_RAM], ids=["dtcm", "cached"])
def test_sub_word_stores_to_one_bank_cost_their_read_modify_write(
    make: MakeMemory, size: int, region: Region
) -> None:
    assert cycles_a_store(make, H743, [0] * 8, size, region) == 4  # S1
    assert cycles_a_store(make, F767, [0] * 8, size, region) == 3  # ST16h, ST16b
    assert cycles_a_store(make, H743, [0, 8, 16, 24], size, region) == 4  # other words, same bank


@pytest.mark.parametrize("size", [1, 2])
def test_sub_word_stores_to_alternating_banks_cost_half(make: MakeMemory, size: int) -> None:
    assert cycles_a_store(make, H743, [0, 4] * 4, size) == 2  # S2


def test_sub_word_stores_of_unit_stride_share_the_banks_as_their_words_do(
    make: MakeMemory,
) -> None:
    # S3. Twenty bytes are five words, three of them in one bank: 12 x 4 cycles / 20 = 2.4, the
    # row's figure; twenty halfwords are ten words, half of them in each bank: 10 x 4 / 20 = 2.
    assert cycles_a_store(make, H743, range(20), 1) == pytest.approx(2.4)
    assert cycles_a_store(make, H743, range(0, 40, 2), 2) == 2
    assert cycles_a_store(make, H743, range(40), 1) == 2


def test_full_words_cost_no_more_than_their_issue(make: MakeMemory) -> None:
    assert cycles_a_store(make, H743, [0] * 8, 4) == 1
    assert cycles_a_store(make, H743, [0, 8, 16], 8) == 1


def test_unaligned_stores_are_free_until_five_in_a_row_then_cost_four(make: MakeMemory) -> None:
    p = Program(make(H743, [DTCM]))
    for _ in range(2):
        stalls = [p.store(RAM + 2) for _ in range(10)]
        assert stalls == [0] * 5 + [3] * 5  # U4: one issue and three stall cycles
        p.wait(20)


def test_isolated_unaligned_and_sub_word_stores_are_free(make: MakeMemory) -> None:
    p = Program(make(H743, [DTCM]))
    for _ in range(20):
        assert p.store(RAM + 2) == 0  # U3
        p.wait(3)
    p = Program(make(F767, [DTCM]))
    for _ in range(20):
        assert p.store(RAM, 1) == 0  # STB4n: a byte store every third cycle
        p.wait(2)


def test_an_unaligned_store_takes_both_banks_at_once(make: MakeMemory) -> None:
    p = Program(make(H743, [DTCM]))
    p.store(RAM + 2)
    assert p.memory.drain(1) == 3
    p.wait()
    p.store(RAM + 2)  # now: both are busy for 4 cycles
    p.store(RAM + 4, 1)  # for 4 more, in the bank of the second half
    assert p.memory.drain(p.time) == 4 + 4 - 2
    p.wait()
    p.store(RAM + 1, 2)  # inside one word
    p.store(RAM + 4)  # the other bank
    assert p.memory.drain(p.time) == 2


@pytest.mark.parametrize(("entries", "free"), [(1, 1), (2, 2), (4, 5), (8, 10)])
def test_the_queue_holds_as_many_stores_as_it_has_entries(
    make: MakeMemory, entries: int, free: int
) -> None:
    # Store n, counted from 0, issues at n and meets n - floor(n / 4) stores that are not done.
    p = Program(make(replace(H743, store_queue_entries=entries), [DTCM]))
    stalls = [p.store(RAM, 1) for _ in range(16)]
    assert stalls.index(next(filter(None, stalls))) == free


def test_an_entry_is_free_when_its_own_bank_is_done(make: MakeMemory) -> None:
    p = Program(make(replace(H743, store_queue_entries=3), [DTCM]))
    for offset in (0, 8, 4):  # at 0, 1, 2: done at 4, 8 and, in the other bank, 6
        assert p.store(RAM + offset, 1) == 0
    assert p.store(RAM + 16, 1) == 1  # at 3: the first is done at 4
    assert p.store(RAM + 24, 1) == 1  # at 5: the third is done at 6, before the second


@pytest.mark.parametrize("region", [DTCM, SLOW_RAM], ids=["dtcm", "cached"])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_load_waits_for_a_store_to_its_word(make: MakeMemory, region: Region, size: int) -> None:
    """L21 of docs/sources/oracle.csv: 4 cycles from the store to the load, one its issue."""
    config = replace(CACHED, load_after_store_cycles=4)
    for between, waits in ((0, 3), (1, 2), (2, 1), (3, 0), (9, 0)):
        for offset, expected in ((28, waits), (24, 0), (32, 0)):  # its word, and the two beside it
            p = Program(make(config, [region]))
            for line in (0, 32):  # in the cache, if the region is cached
                p.load(RAM + line)
            p.wait()
            p.store(RAM + 28, size)
            p.wait(between)
            assert p.load(RAM + offset, 4) == expected
            assert p.count("stall_cycles", 0) >= expected


def test_a_load_across_two_words_waits_for_a_store_to_either(make: MakeMemory) -> None:
    for stored in (8, 12):
        p = Program(make(replace(H743, load_after_store_cycles=4), [DTCM]))
        p.store(RAM + stored, 4)
        assert p.load(RAM + 10, 4) == 3
        assert p.load(RAM + 10, 4) == 0


def test_a_load_past_the_cache_waits_for_no_store(make: MakeMemory) -> None:
    config = replace(CACHED, load_after_store_cycles=4, caches=Caches.OFF)
    p, alone = Program(make(config, [SLOW_RAM])), Program(make(config, [SLOW_RAM]))
    p.store(RAM + 8, 4)
    p.wait(40)
    p.store(RAM + 64, 4)
    alone.store(RAM + 64, 4)
    assert p.load(RAM + 64, 4) == alone.load(RAM + 64, 4)
