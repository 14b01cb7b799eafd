"""Which bytes of an array are hot."""

from __future__ import annotations

import pytest

from simcore.advisor.slices import Part, cut_objects, hottest, waits_of
from simcore.core.counters import DataObject
from simcore.core.data_objects import ObjectMap, ObjectTable
from simcore.placement.pieces import Piece

BASE = 0x2001_0000
ARENA = Piece("arena", "object", BASE, 0x1000, 32)


def parts(*waits: int) -> list[Part]:
    """Parts of 256 bytes of the arena."""
    return [
        Part(BASE + 256 * i, BASE + 256 * (i + 1), waited, False)
        for i, waited in enumerate(waits)
        if waited
    ]


@pytest.mark.parametrize(
    ("waits", "room", "name"),
    [
        ((9, 9, 1, 0, 0, 0), 512, "arena[:512]"),
        ((9, 9, 1, 0, 0, 0), 4096, "arena[:768]"),  # no longer than what waits
        ((0, 1, 50, 60, 0, 3), 512, "arena[512:1K]"),
        ((0, 5, 5, 0, 0, 0), 512, "arena[256:768]"),
        ((99, 99, 1, 100, 0, 0), 512, "arena[:512]"),  # the head waits nearly as much
        ((10, 0, 0, 0, 0, 90), 256, "arena[1280:1536]"),
    ],
)
def test_the_hottest_bytes_in_a_row(waits: tuple[int, ...], room: int, name: str) -> None:
    found = hottest(ARENA, parts(*waits), room)
    assert found is not None
    assert found.name == name
    assert found.size <= room


def test_what_waits_nowhere_or_has_no_room_has_no_hot_part() -> None:
    assert hottest(ARENA, [], 4096) is None
    assert hottest(ARENA, parts(1, 2, 3), 128) is None
    assert waits_of(parts(1, 2, 3), BASE, BASE + 512) == 3


def test_large_objects_are_cut_and_tables_hold_none() -> None:
    arena = DataObject("arena", "symbol", BASE, 10_000)
    small = DataObject("small", "symbol", BASE + 10_000, 100)
    stack = DataObject("(stack)", "stack", 0x2000_0000, 8192)
    objects = (small, arena, stack)
    ranges = ((0x2000_0000, 8192, 2), (BASE, 10_000, 1), (BASE + 10_000, 100, 0))
    inner = (DataObject("tensor", "symbol", BASE, 64),)
    found = cut_objects(ObjectMap(objects, ranges, inner, (ObjectTable(((BASE, 64, 0),)),)))
    # 10,000 bytes in at most 128 parts of whole lines: 96 bytes each, the last one shorter.
    own = [one for one in found.objects if one.name == "arena"]
    assert [one.size for one in own] == [96] * 104 + [16]
    assert [one.address for one in own] == [BASE + 96 * i for i in range(105)]
    assert sum(size for _, size, _ in found.ranges) == 8192 + 10_000 + 100
    assert all(found.objects[index].address == base for base, _, index in found.ranges)
    assert found.inner == ()
    assert found.ranges_of(1) == found.ranges_of(0)
