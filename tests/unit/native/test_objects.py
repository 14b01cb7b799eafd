"""objects.c: what each access site did to which data object, by tests/rules/objects.toml."""

from __future__ import annotations

from typing import Any

from tests import native
from tests.reference_config import Caches, Config, Region
from tests.rule_cases import each_case
from tests.unit.native.memory_program import KIB

CONFIG = Config(icache=KIB, dcache=KIB, caches=Caches.OFF)
BLOCK, ACCESS = 7, 3


@each_case("objects")
def test_each_access_counts_for_the_object_that_it_touches(case: dict[str, Any]) -> None:
    ffi, lib = native.load()
    bases = case.get("regions", [0x2000_0000])
    memory = native.Memory(CONFIG, [Region(base, 0x1_0000) for base in bases])
    placement = native.Placement([tuple(move) for move in case.get("moves", [])])
    objects = ffi.gc(ffi.new("struct objects *"), lib.objects_free)
    ranges = case.get("ranges", [])
    assert lib.objects_init(objects, 0, *_told(ranges)) == 0
    site = ffi.new("struct site *")
    kind = ffi.new("struct access_static *", {"size": 4})

    look_ups = 0
    for stall, address in enumerate(case["addresses"], 1):
        if not lib.objects_is_current(ffi.addressof(site, "object"), address):
            look_ups += 1
            status = lib.objects_switch(
                objects, memory.m, placement.p, site, BLOCK, ACCESS, address, kind
            )
            assert status == lib.CORE_OK
        site.counts.executions += 1
        site.counts.stall_cycles += stall
    for _ in range(2):  # what is settled is not counted again
        lib.objects_settle(objects, site)

    found = []
    for use in (objects.use[index].info for index in range(objects.uses)):
        assert (use.block, use.access) == (BLOCK, ACCESS)
        found.append([_name(use.object), use.counts.executions, use.counts.stall_cycles])
    assert found == case["uses"]
    assert look_ups == case["look_ups"]


@each_case("objects", "refused")
def test_ranges_that_are_no_list_of_objects_are_refused(case: dict[str, Any]) -> None:
    ffi, lib = native.load()
    objects = ffi.gc(ffi.new("struct objects *"), lib.objects_free)
    assert lib.objects_init(objects, 0, *_told(case["ranges"])) == lib.CORE_ERR_CONFIG


def test_a_table_of_objects_takes_the_place_of_another() -> None:
    ffi, lib = native.load()
    memory, placement = native.Memory(CONFIG, [Region(0x2000_0000, 0x1_0000)]), native.Placement([])
    objects = ffi.gc(ffi.new("struct objects *"), lib.objects_free)
    arena, switch = 0x2000_0100, lib.objects_switch
    kind = ffi.new("struct access_static *")
    assert lib.objects_init(objects, 0, *_told([(arena, 64)])) == 0
    halves = ffi.new("struct object_range[]", [(arena, 32, 1), (arena + 32, 32, 2)])
    assert lib.objects_init(objects, 2, halves, 2) == lib.CORE_ERR_CONFIG  # there is no number 1
    assert lib.objects_init(objects, 1, halves, 2) == 0
    site = ffi.new("struct site *")
    for table in (0, 1, 1, 0):
        assert lib.objects_use(objects, table) == 0
        for _ in range(3):
            address = arena + 40
            if not lib.objects_is_current(ffi.addressof(site, "object"), address):
                switch(objects, memory.m, placement.p, site, BLOCK, ACCESS, address, kind)
            site.counts.executions += 1
        lib.objects_settle(objects, site)
        lib.objects_leave(site)
    found = [objects.use[index].info for index in range(objects.uses)]
    assert [(use.object, use.counts.executions) for use in found] == [(0, 6), (2, 6)]
    assert lib.objects_use(objects, 2) == lib.CORE_ERR_STREAM


def test_past_its_limit_uses_count_for_the_region() -> None:
    """Of four objects that a site walks over, two are kept, and the operations of two."""
    ffi, lib = native.load()
    memory, placement = native.Memory(CONFIG, [Region(0x2000_0000, 0x1_0000)]), native.Placement([])
    objects = ffi.gc(ffi.new("struct objects *"), lib.objects_free)
    objects.most = 2
    ranges = [(0x2000_0000 + 16 * number, 16) for number in range(4)]
    assert lib.objects_init(objects, 0, *_told(ranges)) == 0
    site, kind = ffi.new("struct site *"), ffi.new("struct access_static *", {"size": 4})
    for state, number in enumerate((0, 1, 2, 3, 0, 2)):
        objects.state = state + 1
        address = 0x2000_0000 + 16 * number
        switch = lib.objects_switch
        assert switch(objects, memory.m, placement.p, site, BLOCK, ACCESS, address, kind) == 0
        site.counts.executions += 1
        assert lib.objects_settle(objects, site) == 0
    found = [objects.use[index].info for index in range(objects.uses)]
    region = lib.OBJECT_IN_REGION
    assert [(u.object, u.counts.executions) for u in found] == [(0, 2), (1, 1), (region, 3)]
    assert (objects.states.keys, objects.merged) == (2, 3 + 4)


def _told(ranges: list[Any]) -> tuple[Any, int]:
    """Ranges for C, each of an object of its own."""
    ffi, _ = native.load()
    rows = [(base, size, number) for number, (base, size) in enumerate(ranges)]
    return ffi.new("struct object_range[]", rows), len(rows)


def _name(number: int) -> int | str:
    _, lib = native.load()
    if not number & lib.OBJECT_IN_REGION:
        return number
    region = number & ~lib.OBJECT_IN_REGION
    return "nowhere" if region == lib.NO_REGION else f"region {region}"
