"""cache.c by the textbook: what hits, what is thrown out, what maintenance writes back.

The C alone; test_twin.py compares it with its twin. Expected counts are worked out by hand
in each test. K is a 1 KiB cache: 8 sets of 4 ways of 32 bytes, so addresses 256 apart share a set.
"""

from __future__ import annotations

import pytest

from tests import native
from tests.reference_cache import CacheShape, Replacement

LINE, WAYS, SETS = 32, 4, 8
SIZE = LINE * WAYS * SETS
SAME_SET = LINE * SETS
SET_SHIFT, WAY_SHIFT = 5, 30  # of DCISW: line offset bits, and log2(4) bits of way at the top


def cache(replacement: Replacement = Replacement.LRU, size: int = SIZE) -> native.Cache:
    return native.Cache(CacheShape(size, WAYS, LINE, replacement))


def misses(c: native.Cache, addresses: list[int]) -> int:
    return sum(not c.read(address) for address in addresses)


@pytest.mark.parametrize("replacement", Replacement)
def test_a_streaming_read_misses_once_a_line(replacement: Replacement) -> None:
    words = list(range(0, 16 * SIZE, 4))
    assert misses(cache(replacement), words) == 16 * SIZE // LINE


@pytest.mark.parametrize("replacement", Replacement)
def test_an_array_of_the_size_of_the_cache_stays_in_it(replacement: Replacement) -> None:
    c = cache(replacement)
    words = list(range(0, SIZE, 4))
    assert misses(c, words) == SIZE // LINE
    assert misses(c, words * 10) == 0


@pytest.mark.parametrize("replacement", [Replacement.LRU, Replacement.ROUND_ROBIN])
def test_a_power_of_two_stride_thrashes_one_set(replacement: Replacement) -> None:
    # Five lines of one set of four ways, over and over: the next one needed is the one thrown out.
    thrashing = [way * SAME_SET for way in range(WAYS + 1)]
    assert misses(cache(replacement), thrashing * 100) == 500
    # One line more per step, and the five lie in five sets.
    spread = [way * (SAME_SET + LINE) for way in range(WAYS + 1)]
    assert misses(cache(replacement), spread * 100) == 5
    # Four lines fit.
    assert misses(cache(replacement), thrashing[:WAYS] * 100) == 4


@pytest.mark.parametrize("replacement", [Replacement.LRU, Replacement.ROUND_ROBIN])
def test_a_loop_over_an_array_a_way_larger_than_the_cache_never_hits(
    replacement: Replacement,
) -> None:
    lines = list(range(0, SIZE + SAME_SET, LINE))
    assert misses(cache(replacement), lines * 20) == 20 * len(lines)


def test_random_replacement_keeps_part_of_an_array_larger_than_the_cache() -> None:
    # With w ways and w + 1 lines in a circle one line is missing. The miss throws out one of the w
    # others, 1 .. w steps ahead with equal chance, (w + 1) / 2 on average: 2 / (w + 1) = 40 % miss.
    lines = list(range(0, SIZE + SAME_SET, LINE))
    c = cache(Replacement.RANDOM)
    rate = misses(c, lines * 2000) / (2000 * len(lines))
    assert rate == pytest.approx(0.40, abs=0.005)


def test_lru_throws_out_the_line_not_used_for_longest() -> None:
    c = cache(Replacement.LRU)
    misses(c, [way * SAME_SET for way in (0, 1, 2, 3)])
    assert c.read(0)
    assert c.insert(4 * SAME_SET) == (1 * SAME_SET, False)
    assert c.insert(5 * SAME_SET) == (2 * SAME_SET, False)
    assert c.insert(6 * SAME_SET) == (3 * SAME_SET, False)
    assert c.insert(7 * SAME_SET) == (0, False)


def test_round_robin_throws_out_in_order_of_arrival_whatever_was_used() -> None:
    c = cache(Replacement.ROUND_ROBIN)
    misses(c, [way * SAME_SET for way in (0, 1, 2, 3)])
    assert c.read(0)
    thrown_out = [c.insert(way * SAME_SET) for way in (4, 5, 6, 7, 8)]
    assert thrown_out == [(way * SAME_SET, False) for way in (0, 1, 2, 3, 4)]


def test_round_robin_goes_round_in_each_set_by_itself() -> None:
    c = cache(Replacement.ROUND_ROBIN)
    misses(c, [way * SAME_SET + offset for way in range(WAYS) for offset in (0, LINE)])
    thrown_out = [c.insert(way * SAME_SET) for way in (4, 5)]
    assert thrown_out == [(0, False), (SAME_SET, False)]
    assert c.insert(4 * SAME_SET + LINE) == (LINE, False)


def test_random_ways_come_from_a_shift_register_of_full_period() -> None:
    # A maximal 16-bit register passes every value but 0: of 65535 picks of 4 ways, way 0 lacks one.
    c = native.Cache(CacheShape(WAYS * LINE, WAYS, LINE, Replacement.RANDOM))
    picks = dict.fromkeys(range(WAYS), 0)
    held = dict(enumerate(range(WAYS)))
    for line in range(WAYS):
        c.insert(line * LINE)
    start = c.c.lfsr
    for line in range(WAYS, WAYS + 65535):
        old = c.insert(line * LINE)
        assert old is not None
        way = next(way for way, there in held.items() if there * LINE == old[0])
        picks[way] += 1
        held[way] = line
    assert c.c.lfsr == start
    assert picks == {0: 16383, 1: 16384, 2: 16384, 3: 16384}


@pytest.mark.parametrize("replacement", Replacement)
def test_a_free_way_is_filled_before_anything_is_thrown_out(replacement: Replacement) -> None:
    c = cache(replacement)
    misses(c, [way * SAME_SET for way in range(WAYS)])
    c.line_op(2 * SAME_SET, invalidate=True)
    assert c.insert(9 * SAME_SET) is None
    assert misses(c, [way * SAME_SET for way in (0, 1, 3, 9)]) == 0


def test_a_line_that_is_thrown_out_says_whether_it_is_dirty() -> None:
    c = cache(Replacement.LRU)
    for way in range(WAYS):
        c.read(way * SAME_SET)
    c.write(1 * SAME_SET + 12)
    thrown_out = [c.insert(way * SAME_SET) for way in (4, 5, 6, 7)]
    # Writing used line 1 last.
    assert thrown_out == [(0, False), (512, False), (768, False), (256, True)]


def dirty_every_other_line(c: native.Cache) -> None:
    """Fills the cache; the even lines are dirty."""
    for number, address in enumerate(range(0, SIZE, LINE)):
        if number % 2:
            c.read(address)
        else:
            c.write(address)


def test_a_clean_by_address_writes_back_exactly_the_dirty_lines() -> None:
    c = cache()
    dirty_every_other_line(c)
    cleaned = [c.line_op(address, clean=True) for address in range(0, 2 * SIZE, LINE)]
    assert cleaned == [1, 0] * (SIZE // LINE // 2) + [0] * (SIZE // LINE)
    # They are clean now, and still there.
    assert sum(c.line_op(address, clean=True) for address in range(0, SIZE, LINE)) == 0
    assert misses(c, list(range(0, SIZE, LINE))) == 0


def test_a_clean_by_set_and_way_writes_back_exactly_the_dirty_lines() -> None:
    c = cache()
    dirty_every_other_line(c)
    for clean, invalidate, expected in ((True, False, SIZE // LINE // 2), (True, True, 0)):
        cleaned = [
            c.set_way_op(way << WAY_SHIFT | number << SET_SHIFT, clean, invalidate)
            for number in range(SETS)
            for way in range(WAYS)
        ]
        assert sum(cleaned) == expected
    assert misses(c, list(range(0, SIZE, LINE))) == SIZE // LINE


def test_an_operation_by_set_and_way_touches_that_line_alone() -> None:
    c = cache()
    for address in range(0, SIZE, LINE):  # way 0 of all sets first, then way 1 ...
        c.read(address)
    c.set_way_op(2 << WAY_SHIFT | 3 << SET_SHIFT, invalidate=True)
    gone = [address for address in range(0, SIZE, LINE) if c.find(address) is None]
    assert gone == [2 * SAME_SET + 3 * LINE]


def test_the_operands_of_a_16_kib_data_cache_are_those_of_the_manual() -> None:
    # TRM configuration table: 16 KB in 4 ways is 128 sets; set in bits 11:5, way in bits 31:30.
    c = native.Cache(CacheShape(16 * 1024, 4))
    for address in range(0, 16 * 1024, 32):
        c.write(address)
    assert c.set_way_op(3 << 30 | 127 << 5, clean=True) == 1
    assert c.line_op(16 * 1024 - 32, clean=True) == 0
    everything = [way << 30 | number << 5 for way in range(4) for number in range(128)]
    assert sum(c.set_way_op(operand, clean=True) for operand in everything) == 511


def test_invalidating_alone_writes_nothing_back() -> None:
    c = cache()
    dirty_every_other_line(c)
    assert sum(c.line_op(address, invalidate=True) for address in range(0, SIZE, LINE)) == 0
    assert misses(c, list(range(0, SIZE, LINE))) == SIZE // LINE
    c.invalidate_all()
    assert misses(c, list(range(0, SIZE, LINE))) == SIZE // LINE


def test_the_generation_changes_exactly_when_a_line_comes_or_goes() -> None:
    c = cache()
    seen = [c.c.generation]

    def changed() -> bool:
        seen.append(c.c.generation)
        return bool(seen[-1] != seen[-2])

    c.read(0)
    assert changed()
    c.read(0)
    c.write(0)
    c.line_op(0, clean=True)
    c.line_op(SAME_SET, invalidate=True)  # not there
    assert not changed()
    c.line_op(0, invalidate=True)
    assert changed()
    c.invalidate_all()
    assert changed()


def test_without_a_cache_nothing_is_held_and_maintenance_does_nothing() -> None:
    c = native.Cache(CacheShape(0, 0))
    assert c.line_op(0, clean=True, invalidate=True) == 0
    assert c.set_way_op(0xFFFF_FFFF, clean=True, invalidate=True) == 0
    c.invalidate_all()


@pytest.mark.parametrize(
    "shape",
    [
        CacheShape(1000, 4),  # not a whole number of sets
        CacheShape(4 * 3 * 32, 4),  # 3 sets
        CacheShape(1024, 0),
        CacheShape(65 * 32, 65),
        CacheShape(1024, 4, 8),  # flags live in the low four bits of a line address
        CacheShape(24 * 4, 4, 24),
    ],
)
def test_a_shape_that_is_no_cache_is_refused(shape: CacheShape) -> None:
    _, lib = native.load()
    with pytest.raises(ValueError, match=str(lib.CORE_ERR_CONFIG)):
        native.Cache(shape)


def test_three_ways_are_a_cache_whose_way_operand_has_two_bits() -> None:
    c = native.Cache(CacheShape(3 * 32 * 2, 3))
    for address in range(0, 3 * 64, 32):
        c.write(address)
    assert c.set_way_op(3 << 30, clean=True) == 0  # there is no fourth way
    assert (
        sum(c.set_way_op(way << 30 | s << 5, clean=True) for way in range(3) for s in (0, 1)) == 6
    )
