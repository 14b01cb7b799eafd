"""Energy of instructions whose every counter is made by hand, on a part made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from simcore.core.counters import (
    BlockCounts,
    Counters,
    DataObject,
    EntryCounts,
    Node,
    ObjectUse,
    SiteCounts,
    column_names,
)
from simcore.costs.energy import energy_model
from simcore.costs.instruction_energy import with_energy
from simcore.costs.instructions import instruction_costs
from simcore.isa import Block, decode_block
from simcore.pipeline.schedule import Cycles, InstructionCost, Schedule
from tests.unit.hand_part import CLOCK_HZ, STANDING, hand_part

PART = hand_part()
ITCM, DTCM, FLASH = PART.regions[:3]
ENERGY = energy_model(PART, CLOCK_HZ)
COLUMNS = column_names(region.name for region in PART.regions)

CYCLE = sum(STANDING.values())  # fJ of a cycle that waits for a memory
MOVING = CYCLE + 24_000  # of one in which the pipeline moves
ALU, FETCH_BYTE, TCM_READ, TCM_WRITE = 4_000, 6_600, 2_400, 3_200

LDR, STR, ADDS, MOVW = "0868", "0860", "0130", "40f20000"  # [r1]; the last has four bytes
FUNCTION = SimpleNamespace(index=0, name="f")


def region_at(address: int) -> str | None:
    region = PART.region_at(address)
    return None if region is None else region.name


def block(region: Any, *code: str) -> Block:
    return decode_block(region.base, bytes.fromhex("".join(code)))


def energies(
    ran: Block,
    executions: int,
    sites: Sequence[SiteCounts] = (),
    objects: Sequence[DataObject] = (),
    icache_misses: int = 0,
    **whole: int,
) -> list[int]:
    """Energy of each instruction of a function that is one block, then of what none has.

    Every instruction issues alone, and each site touches the object of its number; `whole` are
    further counts of the function, `__` for a dot.
    """
    size = len(ran.instructions)
    stalls = {a.is_write: s.stall_cycles for a, s in zip(ran.accesses, sites, strict=True)}
    counts = {
        "cycles.issue": executions * size,
        "cycles.load": stalls.get(False, 0),
        "cycles.store": stalls.get(True, 0),
        **{name: executions * count for name, count in ran.class_counts.items()},
        f"{region_at(ran.address)}.fetch_bytes": executions * ran.size,
        **{name.replace("__", "."): count for name, count in whole.items()},
    }
    assert counts.keys() <= set(COLUMNS)
    counters = Counters(
        columns=COLUMNS,
        nodes=(Node(-1, 0, -1, 0, 1, tuple(counts.get(column, 0) for column in COLUMNS)),),
        blocks=(
            BlockCounts(
                ran.address, ran.size, executions, 0, 0, 0, 0, icache_misses, 0,
                tuple(sites), (0,) * size,
            ),
        ),
        entries=(EntryCounts(0, 0, 0, executions),),
        objects=tuple(objects),
        uses=tuple(
            ObjectUse(0, i, i, site.executions, site.misses, site.stall_cycles)
            for i, site in enumerate(sites)
        ),
    )  # fmt: skip
    costs = (InstructionCost(Cycles(issue=1), 0, ""),) * size
    schedule = Schedule(Cycles(issue=size), 0, (), (), 0, 0, 0, 0, costs)
    found = counters, [ran], [schedule]
    function: Any = FUNCTION
    rows = with_energy(
        instruction_costs(*found, lambda a: "f", lambda a: None),
        *found, lambda a: function, region_at, PART.regions, ENERGY,
    )  # fmt: skip
    spent = [row.femtojoules for row in rows]
    return [*spent, sum(ENERGY.femtojoules(counts).values()) - sum(spent)]


def in_region(region: Any) -> DataObject:
    return DataObject(region.name, "region")


def test_a_load_that_stalls_is_not_charged_for_the_pipeline_while_it_stands() -> None:
    spent = energies(
        block(ITCM, LDR, ADDS), 10, [SiteCounts(10, 0, 90)], [in_region(DTCM)], dtcm__reads=10
    )
    load = 10 * (MOVING + 2 * FETCH_BYTE + TCM_READ) + 90 * CYCLE
    assert spent == [load, 10 * (MOVING + 2 * FETCH_BYTE + ALU), 0]


def test_a_fetch_costs_by_bytes_and_a_store_by_its_region() -> None:
    spent = energies(
        block(ITCM, MOVW, STR), 3, [SiteCounts(3, 0, 0)], [in_region(DTCM)], dtcm__writes=3
    )
    assert spent == [
        3 * (MOVING + 4 * FETCH_BYTE + ALU),
        3 * (MOVING + 2 * FETCH_BYTE + TCM_WRITE),
        0,
    ]


def test_fetches_that_the_core_counts_per_function_are_shared_by_bytes() -> None:
    spent = energies(
        block(FLASH, MOVW, ADDS), 2, icache_misses=1,
        icache_accesses=3, flash__instruction_refills=1, flash__fetches=6,
    )  # fmt: skip
    # A miss is the block's first instruction's own; I-cache 800 fJ, fetch 12.8 pJ, refill 80 pJ.
    first = 2 * (MOVING + ALU) + 2 * 800 + 4 * 12_800 + 80_000
    assert spent == [first, 2 * (MOVING + ALU) + 800 + 2 * 12_800, 0]


def test_a_read_that_misses_has_its_linefill_and_misses_share_the_write_backs() -> None:
    spent = energies(
        block(ITCM, LDR, STR), 4, [SiteCounts(4, 1, 0), SiteCounts(4, 1, 0)],
        [in_region(FLASH), in_region(FLASH)], flash__reads=4, flash__writes=4, dcache_reads=4,
        dcache_writes=4, flash__data_refills=1, flash__uncached_writes=3, flash__write_backs=2,
    )  # fmt: skip
    each = 4 * (MOVING + 2 * FETCH_BYTE) + 4 * 1_600 + 40_000
    assert spent == [each + 80_000, each + 3 * 10_400, 0]


def test_reads_past_the_cache_are_no_accesses_to_it() -> None:
    spent = energies(
        block(ITCM, LDR), 4, [SiteCounts(4, 0, 0)], [in_region(FLASH)],
        flash__reads=4, flash__uncached_reads=4,
    )  # fmt: skip
    assert spent == [4 * (MOVING + 2 * FETCH_BYTE + 9_600), 0]


def test_where_a_stack_across_two_regions_was_touched_its_function_tells() -> None:
    stack = DataObject("(stack)", "stack", DTCM.base, FLASH.base + 4 - DTCM.base)
    spent = energies(
        block(ITCM, LDR, STR), 4, [SiteCounts(4, 2, 0), SiteCounts(4, 0, 0)], [stack, stack],
        dtcm__reads=1, dtcm__writes=4, flash__reads=3, dcache_reads=3, flash__data_refills=2,
    )  # fmt: skip
    each = 4 * (MOVING + 2 * FETCH_BYTE)
    assert spent == [each + TCM_READ + 3 * 1_600 + 2 * 80_000, each + 4 * TCM_WRITE, 0]


@pytest.mark.parametrize(
    ("column", "femtojoules"),
    [
        ("cycles__sleep", 8_667),
        ("cycles__branch", MOVING),  # exception entry
        ("flash__write_backs", 40_000),  # cache maintenance
    ],
)
def test_what_no_instruction_has_stays_with_the_function(column: str, femtojoules: int) -> None:
    spent = energies(block(ITCM, ADDS), 5, (), (), 0, **{column: 7})
    assert spent == [5 * (MOVING + 2 * FETCH_BYTE + ALU), 7 * femtojoules]
