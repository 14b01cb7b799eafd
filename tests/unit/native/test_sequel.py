"""The short way through blocks, and what waits for the call tree, against all the rules."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

from tests.reference_cache import CacheShape, Replacement
from tests.unit.native.timed import Timed

FLASH, SRAM, DTCM = 0x0800_0000, 0x2002_0000, 0x2000_0000
STATES, VARIANTS = range(3), range(2)
SEEDS = [*range(24), *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(24, 60))]


def schedules(draw: random.Random, probes: bool, accesses: int) -> list[dict[str, Any]]:
    """One for each state and variant: behind a block follows one state or another."""
    return [
        {
            "state": state,
            "variant": variant,
            "cycles": {"issue": draw.randint(1, 4), "load_use": draw.randint(0, 2)},
            "at": [draw.randint(0, 3) for _ in range(accesses)],
            "next": draw.choice(STATES),
            "taken": draw.choice(STATES),
            "mispredict": draw.choice(STATES),
            "penalty": draw.randint(5, 9),
        }
        for state, variant in product(STATES, VARIANTS if probes else (0,))
    ]


def program(draw: random.Random) -> dict[str, dict[str, Any]]:
    """Blocks of functions, one behind the other: loops, a switch, calls, predicates, a DSB.

    Function 1 is called by function 0 and by function 2.
    """
    shapes: list[dict[str, Any]] = [
        {"instructions": "...", "accesses": [[1, "load"]], "branch": "conditional"},
        {"instructions": "..", "accesses": [[0, "load"], [1, "store", 1]], "branch": "conditional",
         "probes": [["same_bank", 0, 1]]},
        {"instructions": "." * 20},
        {"instructions": "..", "accesses": [[0, "store", 2]], "branch": "table"},
        {"instructions": ".p.", "accesses": [[1, "load"]], "branch": "conditional"},
        {"instructions": "..", "accesses": [[0, "load"], [1, "load"]], "barriers": [[0, 1]],
         "branch": "direct"},
        {"instructions": "..", "moves": [[0, "added", -8, 0, 0]], "accesses": [[0, "store"]],
         "branch": "call"},
        {"instructions": "...", "accesses": [[0, "load"]], "branch": "conditional"},
        {"instructions": "..", "function": 1, "accesses": [[0, "load"]], "branch": "conditional"},
        {"instructions": "..", "function": 1, "entry": False, "accesses": [[1, "store"]],
         "branch": "return"},
        {"instructions": "..", "function": 2, "accesses": [[0, "load"]], "branch": "call"},
        {"instructions": "..", "function": 2, "entry": False, "branch": "return"},
    ]  # fmt: skip
    found, address = {}, FLASH
    for number, shape in enumerate(shapes):
        block = {"entry": number in (0, 8, 10), **shape, "address": address}
        block["schedules"] = schedules(draw, "probes" in block, 2)
        found[f"b{number}"] = block
        address += 2 * len(block["instructions"])
    return found


def walk(draw: random.Random, blocks: dict[str, dict[str, Any]], count: int) -> list[Any]:
    """Records of a run through them, most of it as it was before."""
    records: list[Any] = []
    returns: list[int] = []
    at, habits = 0, {number: draw.choice((0, 0, 2, 3)) for number in range(10)}
    for _ in range(count):
        block = blocks[f"b{at}"]
        base = draw.choice((SRAM, SRAM, DTCM))
        record: dict[str, Any] = {
            "run": f"b{at}",
            "at": [
                base + draw.choice((0, 4, 8, 12, 32, 36, 1024, 4 * draw.randint(0, 600)))
                for _ in block.get("accesses", [])
            ],
        }
        if "p" in block["instructions"]:
            ran = draw.random() < 0.5
            record |= {"notes": [[1, 0]] if ran else [], "at": record["at"] if ran else []}
        records.append(record)
        if draw.random() < 0.01:
            records.append(draw.choice(({"sleep": 9}, {"op_begin": 0}, {"op_end": 0})))
        strays = draw.random() < 0.15
        match block.get("branch", "none"):
            case "conditional" if at < 8:
                at = draw.randint(0, 7) if strays else (habits[at] if habits[at] else at + 1) % 8
            case "table":
                at = draw.choice((0, 1, 5)) if strays else 4
            case "direct":
                at = 0
            case "call":
                returns.append(at + 1)
                at = draw.choice((8, 10)) if at == 6 else 8
            case "conditional":
                at = 8 if strays else 9
            case "return":
                at = returns.pop()
            case _:
                at += 1
    return records


def state_of(timed: Timed) -> list[Any]:
    """All that was counted."""
    t, lib = timed.t, timed.lib
    blocks = [
        [
            getattr(t.blocks.block[index].info, name)
            for name in ("executions", "icache_misses", "mispredicts", "fetch_stall_cycles",
                         "branch_stall_cycles", "execute_stall_cycles", "barrier_stall_cycles")
        ] + [
            (site.executions, site.misses, site.stall_cycles)
            for site in (
                t.blocks.block[index].site[a].counts
                for a in range(t.blocks.block[index].facts.accesses)
            )
        ]
        for index in range(t.blocks.blocks)
    ]  # fmt: skip
    told = timed.ffi.new("struct schedule_info[]", t.blocks.schedules)
    lib.timing_schedules(t, told)
    executions = sorted((s.block, s.stretch, s.state, s.variant, s.executions) for s in told)
    nodes = [timed.node_counters(index) for index in range(t.calls.nodes)]
    return [t.now, t.instructions, t.stacks.sp, nodes, blocks, executions]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_short_way_counts_what_all_the_rules_count(seed: int) -> None:
    draw = random.Random(seed)
    blocks = program(draw)
    cache = CacheShape(512, 2, 32, draw.choice((Replacement.RANDOM, Replacement.ROUND_ROBIN)))
    config = {
        "icache": CacheShape(draw.choice((64, 128, 1024)), 2, 32, Replacement.RANDOM),
        "dcache": cache,
        "caches": draw.choice((1, 1, 2)),
        "btac_entries": draw.choice((0, 4, 16)),
        "btac_ways": 2,
    }
    pieces = [walk(draw, blocks, 150) for _ in range(4)]
    found = []
    for by_all_rules in (0, 1):
        timed = Timed(blocks, config)
        timed.t.memory.by_all_rules = by_all_rules
        for piece in pieces:
            assert timed.consume(piece) == 0
        found.append(state_of(timed))
        timed.close()
    assert found[0] == found[1]
    assert sum(row[0] for row in found[0][4]) == 600
