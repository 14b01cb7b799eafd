"""Data objects: where they lie, what accesses make of them, and that their counts add up."""

from __future__ import annotations

from pathlib import Path

import pytest

import simcore
from simcore.core.data_objects import ObjectMap, object_map
from simcore.costs.profile import Profile
from simcore.costs.tables import ObjectCosts
from simcore.elf import Image, Symbol

KERNELS = Path(__file__).parents[3] / "kernels" / "prebuilt"
NOTHING = (0, 0)


def image(*symbols: tuple[str, int, int]) -> Image:
    return Image(
        path="demo.elf",
        sha256="",
        build_id=None,
        compiler=None,
        entry=1,
        segments=(),
        symbols=tuple(Symbol(name, at, size, "object", ".data") for name, at, size in symbols),
    )


def places(mapped: ObjectMap) -> list[tuple[int, int, str]]:
    return [(base, size, mapped.objects[index].name) for base, size, index in mapped.ranges]


def test_of_symbols_that_overlap_the_first_and_largest_counts() -> None:
    program = image(("inner", 104, 4), ("all", 100, 20), ("alias", 100, 8), ("next", 120, 4))
    assert places(object_map(program, NOTHING, NOTHING)) == [(100, 20, "all"), (120, 4, "next")]


def test_symbols_without_a_size_are_left_out() -> None:
    assert places(object_map(image(("label", 100, 0)), NOTHING, NOTHING)) == []


def test_stack_and_heap_are_what_symbols_leave_of_them() -> None:
    program = image(("before", 90, 20), ("inside", 140, 10))
    assert places(object_map(program, (100, 200), (40, 60))) == [
        (40, 20, "(heap)"),
        (90, 20, "before"),
        (110, 30, "(stack)"),
        (140, 10, "inside"),
        (150, 50, "(stack)"),
    ]


@pytest.fixture(scope="module")
def profile() -> Profile:
    return simcore.profile(KERNELS / "mixed.elf", args=("repeat=1",), instructions=True)


def named(profile: Profile, name: str) -> ObjectCosts:
    (found,) = (row for row in profile.objects if row.name == name)
    return found


def test_objects_sum_to_the_totals_and_to_the_regions(profile: Profile) -> None:
    totals, causes = profile.totals, profile.totals.cycles_by_cause
    for field in ("reads", "writes", "read_bytes", "write_bytes"):
        assert sum(getattr(row, field) for row in profile.objects) == getattr(totals, field)
        for region in profile.memory:
            rows = [row for row in profile.objects if row.region == region.region]
            assert sum(getattr(row, field) for row in rows) == getattr(region, field)
    assert sum(row.misses for row in profile.objects) == profile.caches.dcache.misses
    # System register writes may stall, too; these programs have none that does. A DSB, which waits
    # for stores in flight, accesses nothing.
    waits = [row for row in profile.instructions or () if row.text.startswith("dsb")]
    barriers = sum(row.cycles_by_cause["store"] for row in waits)
    stalls = causes["load"] + causes["store"] - barriers
    assert barriers > 0
    assert sum(row.stall_cycles for row in profile.objects) == stalls


def test_an_array_that_is_read_so_often_is_counted_so_often(profile: Profile) -> None:
    # text_scan() reads each of 640 bytes, 12 times; text_disturb() reads and partly writes every
    # 7th, 8th, ... 18th; text_fill() writes each once (kernels/src/mixed.c), after start-up zeroed
    # all of it by words.
    text = named(profile, "text")
    disturbed = sum(-(-640 // every) for every in range(7, 19))
    assert (text.region, text.size, text.kind) == ("sram1", 640, "symbol")
    assert text.read_bytes == text.reads
    assert 640 * 12 + disturbed <= text.reads <= 640 * 12 + 2 * disturbed
    assert 640 // 4 + 640 < text.writes <= 640 // 4 + 640 + disturbed


def test_sites_are_the_instructions_that_touch_the_object(profile: Profile) -> None:
    nodes = named(profile, "nodes")
    assert 0 < len(nodes.sites) <= 8
    assert {site.function for site in nodes.sites} <= {"Reset_Handler", "mixed_run"}
    assert nodes.sites[0].file == "kernels/src/mixed.c"
    assert sum(site.reads for site in nodes.sites) <= nodes.reads


def test_the_stack_is_an_object_and_so_is_what_else_a_region_holds(profile: Profile) -> None:
    assert named(profile, "(stack)").kind == "stack"
    literals = named(profile, "flash")
    assert (literals.kind, literals.address, literals.size) == ("region", None, None)
    assert literals.reads > 0
