"""Loads and stores by the textbook: what hits, what waits, what goes to the bus.

Expected numbers are worked out by hand from the latencies given in the test; a stall delays
whatever follows it, as it does the pipeline.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reference_cache import Replacement
from tests.reference_config import Kind, Policy, Region
from tests.unit.native.memory_program import (
    CACHED,
    DCCMVAC,
    DCIMVAC,
    KIB,
    LINE,
    ON_C_AND_TWIN,
    RAM,
    SLOW_RAM,
    UNCACHED,
    WRITE_BACK_ALLOCATE,
    MakeMemory,
    Program,
    rasr,
)

pytestmark = ON_C_AND_TWIN


# --- reads ---


def test_a_streaming_read_misses_once_a_line(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    stalls = [p.load(address) for address in range(RAM, RAM + 64 * LINE, 4)]
    # A beat of two words comes every second cycle, as fast as loads issue: only the first word of a
    # line waits, and not for the bus, which is free by then.
    assert stalls == [10, 0, 0, 0, 0, 0, 0, 0] * 64
    assert p.count("dcache_reads") == 512
    assert p.count("dcache_read_misses") == p.count("data_refills", 0) == 64
    assert p.count("stall_cycles", 0) == 640


@pytest.mark.parametrize("replacement", Replacement)
def test_the_critical_word_comes_first_and_the_others_stream_behind_it(
    make: MakeMemory, replacement: Replacement
) -> None:
    slow_beats = replace(SLOW_RAM, beat_cycles=8)
    cached = replace(CACHED, dcache=replace(KIB, replacement=replacement))
    p = Program(make(cached, [slow_beats]))
    assert p.load(RAM + 16) == 10  # asked at 0, there at 10; beats 24, 0, 8 follow at 18, 26, 34
    assert p.load(RAM + 20) == 0  # same beat
    assert p.load(RAM + 24) == 18 - 12
    assert p.load(RAM + 8) == 34 - 19
    assert p.load(RAM) == 0


def test_a_line_that_came_in_whole_costs_nothing(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.load(RAM)
    p.wait()
    assert [p.load(RAM + offset) for offset in range(0, LINE, 4)] == [0] * 8


def test_a_power_of_two_stride_thrashes_one_set(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    for _ in range(10):
        for way in range(5):
            p.load(RAM + way * 8 * LINE)
    assert p.count("dcache_read_misses") == 50
    assert p.count("dcache_evictions") == 46
    assert p.count("dcache_write_backs") == 0


@pytest.mark.parametrize(
    ("replacement", "rate"),
    # Five lines in the four ways of each set, round and round; see test_cache.py for the 40 %.
    [(Replacement.LRU, 1.0), (Replacement.ROUND_ROBIN, 1.0), (Replacement.RANDOM, 0.4)],
)
def test_an_array_larger_than_the_cache_misses_by_its_replacement(
    make: MakeMemory, replacement: Replacement, rate: float
) -> None:
    p = Program(make(replace(CACHED, dcache=replace(KIB, replacement=replacement)), [SLOW_RAM]))
    for _ in range(100):
        for address in range(RAM, RAM + 1024 + 256, LINE):
            p.load(address)
    assert p.count("dcache_read_misses") / p.count("dcache_reads") == pytest.approx(rate, abs=0.02)


def test_an_unaligned_read_across_a_line_looks_up_both(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    # Critical beat 24 of the first line at 10, its last beat at 16; the second line then takes 10.
    assert p.load(RAM + 30) == 26
    assert p.count("dcache_reads") == p.count("dcache_read_misses") == 2
    assert p.count("reads", 0) == 1
    assert p.count("read_bytes", 0) == 4


def test_uncached_reads_pay_the_device_each_time(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [SLOW_RAM]))
    assert [p.load(RAM) for _ in range(4)] == [10, 10, 10, 10]
    assert p.count("uncached_reads", 0) == 4
    assert p.count("dcache_reads") == 0


def test_words_of_one_load_come_in_bursts_that_end_with_32_bytes(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [replace(SLOW_RAM, beat_cycles=3)]))
    # A beat of two words each third cycle; a cycle of it is hidden behind the two words before.
    assert p.load_words(RAM, 6) == [10, 0, 2, 0, 2, 0]
    assert p.load_words(RAM + 4, 2) == [10, 3]
    assert p.load_words(RAM + 24, 4) == [10, 0, 10, 0]
    assert p.count("uncached_reads", 0) == 12
    alone = Program(make(replace(UNCACHED, read_burst_bytes=4), [SLOW_RAM]))
    assert alone.load_words(RAM, 4) == [10, 10, 10, 10]


def test_words_of_device_memory_come_one_by_one(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [replace(SLOW_RAM, policy=Policy.DEVICE)]))
    assert p.load_words(RAM, 4) == [10, 10, 10, 10]


def test_an_open_row_is_read_without_its_opening(make: MakeMemory) -> None:
    sdram = replace(SLOW_RAM, row_bytes=1024, rows=2, row_miss_cycles=7)
    p = Program(make(UNCACHED, [sdram]))
    rows = [0, 0, 1, 0, 2, 0, 1]  # two are open: 2 closes 1, which was used longer ago than 0
    assert [p.load(RAM + row * 1024) for row in rows] == [17, 10, 17, 10, 17, 10, 17]


def test_a_prefetching_device_has_the_next_row_ready(make: MakeMemory) -> None:
    art = replace(SLOW_RAM, row_bytes=32, rows=64, row_miss_cycles=7, prefetch=1)
    p = Program(make(UNCACHED, [art]))
    stalls = [p.load(RAM + row * 32) for row in (0, 1, 2, 3, 9, 10, 0)]
    assert stalls == [17, 10, 10, 10, 17, 10, 10]


# --- linefills ---


@pytest.mark.parametrize(("buffers", "third"), [(1, 30), (2, 14), (3, 0)])
def test_stores_that_miss_wait_only_for_a_linefill_buffer(
    make: MakeMemory, buffers: int, third: int
) -> None:
    # A line takes 10 + 3 x 2 = 16 cycles and the bus carries one at a time: done at 16 and at 32.
    # With one buffer the second store, at 1, waits 15 cycles; the third, at 17, waits until 32.
    p = Program(make(replace(CACHED, linefill_buffers=buffers), [SLOW_RAM]))
    first, second, last = (p.store(RAM + i * LINE) for i in range(3))
    assert first == 0
    assert second == (15 if buffers == 1 else 0)
    assert last == (15 if buffers == 1 else third)


def test_a_load_behind_a_store_that_missed_waits_for_its_word(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    assert p.store(RAM) == 0
    assert p.load(RAM + 4) == 9  # the fill's first beat is there at 10
    assert p.count("dcache_read_misses") == 0


def test_a_second_miss_waits_for_the_bus_of_the_first(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    assert p.load(RAM) == 10
    assert p.load(RAM + LINE) == 15  # asked at 11, bus free at 16, there at 26


def test_a_line_that_was_invalidated_while_it_came_comes_again(make: MakeMemory) -> None:
    p = Program(make(CACHED, [replace(SLOW_RAM, beat_cycles=8)]))
    assert p.load(RAM) == 10  # whole at 34
    p.system(DCIMVAC, RAM)  # at 11
    assert p.store(RAM) == 0  # asks for it again at 12; bus free at 34, there at 44
    assert p.load(RAM) == 44 - 13


# --- stores: write-allocate, write-back, write-through ---


def write_array(p: Program, lines: int) -> None:
    """Words, far enough apart that nothing waits."""
    for address in range(RAM, RAM + lines * LINE, 4):
        p.store(address)
        p.wait(100)


@pytest.mark.parametrize(
    ("policy", "refills", "writes", "write_backs"),
    [
        # Allocated: each line comes in once, goes out once when it is cleaned, and nothing else.
        (Policy.WRITE_BACK_ALLOCATE, 8, 0, 8),
        # Not allocated: every word goes out.
        (Policy.WRITE_BACK, 0, 64, 0),
        (Policy.WRITE_THROUGH, 0, 64, 0),
        (Policy.NON_CACHEABLE, 0, 64, 0),
        (Policy.DEVICE, 0, 64, 0),
    ],
)
def test_write_allocate_against_no_allocate_traffic(
    make: MakeMemory, policy: Policy, refills: int, writes: int, write_backs: int
) -> None:
    p = Program(make(CACHED, [replace(SLOW_RAM, policy=policy)]))
    write_array(p, lines=8)
    for address in range(RAM, RAM + 8 * LINE, LINE):
        p.system(DCCMVAC, address)
    assert p.count("data_refills", 0) == refills
    assert p.count("uncached_writes", 0) == writes
    assert p.count("dcache_write_backs") == p.count("write_backs", 0) == write_backs
    assert p.count("write_bytes", 0) == 256


def test_write_through_keeps_lines_clean_and_sends_every_store_out(make: MakeMemory) -> None:
    p = Program(make(CACHED, [replace(SLOW_RAM, policy=Policy.WRITE_THROUGH)]))
    p.load(RAM)
    p.wait()
    for _ in range(5):
        p.store(RAM)
        p.wait()
    assert p.count("uncached_writes", 0) == 5
    assert p.count("dcache_write_misses") == 0
    assert p.system(DCCMVAC, RAM) == 0
    assert p.count("dcache_write_backs") == 0
    assert p.load(RAM) == 0  # it was updated, not thrown out


def test_write_back_without_allocate_keeps_hits_in_the_cache(make: MakeMemory) -> None:
    p = Program(make(CACHED, [replace(SLOW_RAM, policy=Policy.WRITE_BACK)]))
    p.load(RAM)
    p.wait()
    assert [p.store(RAM) for _ in range(5)] == [0] * 5
    assert p.count("uncached_writes", 0) == 0
    p.system(DCCMVAC, RAM)
    assert p.count("write_backs", 0) == 1


def test_a_dirty_victim_is_written_back_behind_the_line_that_replaces_it(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    for way in range(4):
        p.store(RAM + way * 256)
        p.wait()
    assert p.load(RAM + 4 * 256) == 10
    assert p.count("dcache_write_backs") == p.count("write_backs", 0) == 1
    # The line is whole 16 cycles after the load, its victim gone after 9 + 3 x 2 = 15 more. Five
    # cycles of wait and the load itself are over: 11 + 5.
    p.wait(5)
    assert p.load(RAM + LINE) == (16 + 15) - 16 + 10


def test_a_victim_of_another_device_waits_for_the_line_that_replaces_it_too(
    make: MakeMemory,
) -> None:
    other = replace(SLOW_RAM, base=0x2400_0000, bank_of=1)
    p = Program(make(CACHED, [SLOW_RAM, other]))
    for way in range(4):
        p.store(other.base + way * 256)
        p.wait()
    assert p.load(RAM) == 10
    # As above, but it is the other bus that the victim takes.
    p.wait(5)
    assert p.load(other.base + LINE) == (16 + 15) - 16 + 10


def test_an_unaligned_store_across_a_line_makes_both_dirty(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.store(RAM + 30)
    p.wait()
    assert p.count("dcache_writes") == p.count("dcache_write_misses") == 2
    assert p.count("writes", 0) == 1
    assert p.count("write_bytes", 0) == 4
    for line in range(4):
        p.system(DCCMVAC, RAM + line * LINE)
    assert p.count("write_backs", 0) == 2


# --- where no cache is ---


@pytest.mark.parametrize("kind", [Kind.DTCM, Kind.ITCM])
def test_dtcm_and_itcm_never_touch_the_cache(make: MakeMemory, kind: Kind) -> None:
    tcm = Region(RAM, 0x1_0000, kind, Policy.NON_CACHEABLE, never_cached=1)
    p = Program(make(CACHED, [tcm]))
    p.protect(0, RAM, rasr(16, WRITE_BACK_ALLOCATE))  # not even if the MPU says so
    stalls = [p.load(RAM + i * 4) + p.store(RAM + i * 4) for i in range(100)]
    assert sum(stalls) == 0
    assert p.memory.fetch(p.time, 1, RAM, 64, False) == (0, 0)
    expected = {"reads": 100, "writes": 100, "read_bytes": 400, "write_bytes": 400}
    counted = {name: count for name, count in p.memory.counters.items() if count}
    assert counted == {(0, name): count for name, count in expected.items()}


def test_an_access_outside_every_region_costs_and_counts_nothing(make: MakeMemory) -> None:
    memory = make(CACHED, [SLOW_RAM])
    assert memory.read(0, 0x6000_0000, 4) == memory.write(0, 0x6000_0000, 4) == 0
    assert memory.fetch(0, 1, 0x6000_0000, 8, False) == (0, 0)
    assert not memory.counters


def test_a_region_begins_and_ends_where_it_says(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [SLOW_RAM]))
    last = RAM + SLOW_RAM.size - 4
    assert [p.load(address) for address in (RAM - 4, RAM, last, last + 4)] == [0, 10, 10, 0]


# --- the buffer of stores that go to the bus ---


BUFFERED = replace(SLOW_RAM, policy=Policy.NON_CACHEABLE)  # a store holds the bus 1 + 9 cycles


def test_stores_go_to_the_bus_unnoticed_until_the_buffer_is_full(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [BUFFERED]))
    stalls = [p.store(RAM + i * 8) for i in range(7)]
    # At 0 to 3 there is room. The first is done at 10, then one every 10 cycles.
    assert stalls == [0, 0, 0, 0, 10 - 4, 20 - 11, 30 - 21]


def test_stores_to_one_double_word_merge_while_the_first_waits(make: MakeMemory) -> None:
    p = Program(make(UNCACHED, [BUFFERED]))
    for offset in (0, 4, 2, 1):
        p.store(RAM + offset)
    assert p.count("uncached_writes", 0) == 1
    p.store(RAM + 8)
    p.store(RAM)  # not the youngest any more
    assert p.count("uncached_writes", 0) == 3
    p.wait()
    p.store(RAM)  # the entry before it is gone
    assert p.count("uncached_writes", 0) == 4


def test_a_store_does_not_merge_with_one_that_is_done_behind_a_slower_one(make: MakeMemory) -> None:
    fast = Region(0x2400_0000, 0x1000, policy=Policy.NON_CACHEABLE, bank_of=1)
    p = Program(make(UNCACHED, [BUFFERED, fast]))
    p.store(RAM)  # at 0, done at 10
    p.store(fast.base)  # at 1, done at 2
    p.wait(3)
    p.store(fast.base)  # at 5
    assert p.count("uncached_writes", 1) == 2


def test_stores_to_peripherals_go_past_the_store_buffer(make: MakeMemory) -> None:
    ahbp = replace(SLOW_RAM, base=0x4000_0000, kind=Kind.PERIPHERAL, policy=Policy.DEVICE)
    for writes, expected in ((1, [0, 9, 9]), (2, [0, 0, 10 - 2])):
        p = Program(make(replace(UNCACHED, ahbp_writes=writes), [replace(ahbp, write_cycles=9)]))
        assert [p.store(0x4000_0000 + 4 * i) for i in range(3)] == expected
        assert p.count("uncached_writes", 0) == 3
        assert p.memory.drain_buffer(p.time) > 0


def test_device_stores_keep_their_number_and_a_device_read_waits_for_them(
    make: MakeMemory,
) -> None:
    device = replace(SLOW_RAM, kind=Kind.PERIPHERAL, policy=Policy.DEVICE, bank_of=1)
    p = Program(make(UNCACHED, [BUFFERED, replace(device, base=0x4000_0000)]))
    p.store(0x4000_0000)
    p.store(0x4000_0004)
    assert p.count("uncached_writes", 1) == 2
    assert p.load(0x4000_0008) == 9 + 10  # at 11; the second store entered at 10
    p.wait()
    p.store(RAM)
    assert p.load(0x4000_0008) == 9 + 10  # a store to Normal memory is waited for as well
    p.wait()
    p.store(RAM)
    assert p.load(RAM + 64) == 9 + 10  # here it is the bus that is taken
    p.wait()
    p.store(0x4000_0000)
    assert p.load(RAM) == 10  # Normal memory does not wait for a device


def test_stores_to_memory_that_is_a_device_do_not_merge(make: MakeMemory) -> None:
    for policy, stores in ((Policy.DEVICE, 2), (Policy.NON_CACHEABLE, 1)):
        memory = replace(SLOW_RAM, kind=Kind.EXTERNAL, policy=policy, bank_of=0)
        p = Program(make(UNCACHED, [memory]))
        p.store(memory.base)  # leaves for the bus at once
        p.store(memory.base + 8)
        p.store(memory.base + 12)
        assert p.count("uncached_writes", 0) == 1 + stores


def test_a_drain_waits_for_the_slowest_store(make: MakeMemory) -> None:
    fast = Region(0x2400_0000, 0x1000, policy=Policy.NON_CACHEABLE, bank_of=1)
    p = Program(make(UNCACHED, [BUFFERED, fast]))
    p.store(RAM)  # at 0, done at 10
    p.store(fast.base)  # at 1, done at 2
    assert p.memory.drain(2) == 8
    assert p.memory.drain(10) == 0


def test_a_dmb_waits_for_the_store_buffer_alone(make: MakeMemory) -> None:
    tcm = Region(0x2000_0000, 0x1000, Kind.DTCM, never_cached=1)
    p = Program(make(UNCACHED, [BUFFERED, tcm]))
    p.store(RAM)  # at 0, done at 10
    for _ in range(3):
        p.memory.write(1, tcm.base, 1)  # 4 cycles each
    assert p.memory.drain_buffer(2) == 8
    assert p.memory.drain_buffer(2) == 0
    assert p.memory.drain(2) == 1 + 3 * 4 - 2


def test_a_dsb_waits_for_stores_and_for_lines_that_come(make: MakeMemory) -> None:
    p = Program(make(CACHED, [SLOW_RAM]))
    p.store(RAM)  # allocates: the line comes in behind it
    waited = p.memory.synchronize(p.time)
    assert waited > 0
    assert p.memory.drain(p.time) == 0  # no store is in flight: the line has it
    assert p.memory.synchronize(p.time + waited) == 0
