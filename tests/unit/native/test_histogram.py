"""histogram.c: quantiles of cycle counts, against a sorted list."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests import native


class Histogram:
    """A struct histogram with a list beside it."""

    def __init__(self) -> None:
        self.ffi, self.lib = native.load()
        self.c = self.ffi.gc(self.ffi.new("struct histogram *"), self.lib.histogram_free)
        self.values: list[int] = []

    def add(self, value: int) -> None:
        assert self.lib.histogram_add(self.c, value) == self.lib.CORE_OK
        self.values.append(value)

    def quantile(self, percent: int) -> tuple[int, int]:
        """What C says, and the nearest rank of the list."""
        found: Any = self.lib.histogram_quantile(self.c, percent)
        rank = max(1, -(-len(self.values) * percent // 100))
        return found, sorted(self.values)[rank - 1]


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 5000])
def test_quantiles_are_the_nearest_ranks(count: int) -> None:
    h, draw = Histogram(), random.Random(count)
    for _ in range(count):
        h.add(draw.randrange(2000))
    for percent in (0, 1, 50, 99, 100):
        found, expected = h.quantile(percent)
        assert found == expected
    assert (h.c.least, h.c.most, h.c.total) == (min(h.values), max(h.values), count)


def test_with_more_values_than_there_is_room_for_a_quantile_is_at_most_that_much_too_high() -> None:
    h, draw = Histogram(), random.Random(1)
    for _ in range(20_000):
        h.add(draw.randrange(1 << 20))
    assert h.c.used <= h.lib.HISTOGRAM_VALUES
    assert h.c.shift > 0
    for percent in (1, 50, 99):
        found, expected = h.quantile(percent)
        assert expected <= found < expected + (1 << h.c.shift)
    assert (h.c.least, h.c.most) == (min(h.values), max(h.values))


def test_forgetting_begins_anew() -> None:
    h = Histogram()
    h.add(7)
    h.lib.histogram_forget(h.c)
    h.values.clear()
    h.add(3)
    assert h.quantile(50) == (3, 3)
    assert (h.c.least, h.c.most, h.c.total) == (3, 3, 1)
