"""timing.c and run.c: what records cost and count, by the cases of tests/rules/timing.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import native
from tests.rule_cases import each_case, read
from tests.unit.native.timed import Timed

BLOCKS = read("timing")["block"]
Make = Callable[..., Timed]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes configurations, which end with the test."""
    made: list[Timed] = []

    def timed(**options: Any) -> Timed:
        made.append(Timed(BLOCKS, **options))
        assert made[-1].status == made[-1].lib.CORE_OK
        return made[-1]

    yield timed
    for each in made:
        each.close()


@each_case("timing")
def test_records_cost_and_count(case: dict[str, Any], make: Make) -> None:
    options = {key: case[key] for key in ("config", "moves", "extra") if key in case}
    timed = make(**options)
    t, lib = timed.t, timed.lib
    if "stack" in case:
        assert lib.stacks_begin(t, *case["stack"]) == lib.CORE_OK

    assert timed.consume(case["records"]) == getattr(lib, case.get("status", "CORE_OK"))

    found = timed.counters()
    expected = case.get("counters", {})
    assert {name: found.get(name, 0) for name in expected} == expected
    cycles = sum(value for name, value in found.items() if name.startswith("cycles."))
    # Every cycle has a cause. Of a block that is stopped in its middle the causes are told already.
    assert cycles == t.now or "status" in case
    assert t.now == case.get("now", t.now)
    assert timed.asked == case.get("asked", timed.asked)
    assert timed.nodes() == case.get("nodes", timed.nodes())
    assert t.unmatched == case.get("unmatched", 0)
    stacks = [t.stacks.stack[at].info for at in range(t.stacks.stacks)]
    found_stacks = [[s.top, s.lowest] for s in stacks]
    assert found_stacks == case.get("stacks", found_stacks)
    chains = [
        [[s.link[n].function, s.link[n].bytes] for n in range(s.info.links)]
        for s in (t.stacks.stack[at] for at in range(t.stacks.stacks))
    ]
    assert chains == case.get("chains", chains)
    contexts = [t.contexts.context[at].info for at in range(t.contexts.contexts)]
    known = [
        [c.function, c.stack, c.switches, c.longest_wait, c.task]
        for c in contexts
        if c.function < 1 << 31
    ]
    assert known == case.get("contexts", known)
    kinds = native.constants("fault_kind", "FAULT_")
    fault = case.get("fault", {})
    for field, value in fault.items():
        assert getattr(t.fault, field) == (kinds[value] if field == "kind" else value)
    if "kind" not in fault:
        assert t.fault.kind == lib.FAULT_NONE
    for name, sites in case.get("sites", {}).items():
        block = t.blocks.block[timed.names.index(name)]
        counts = [block.site[at].counts for at in range(block.facts.accesses)]
        assert [[c.executions, c.misses, c.stall_cycles] for c in counts] == sites
    for name, skipped in case.get("skipped", {}).items():
        block = t.blocks.block[timed.names.index(name)]
        assert list(block.skipped[0 : block.facts.instructions]) == skipped
    for name, (linked, timed_at) in case.get("places", {}).items():
        block = t.blocks.block[timed.names.index(name)]
        assert (block.info.address, block.place) == (linked, timed_at)


@each_case("timing", "refused")
def test_words_that_are_no_records_of_these_blocks_are_refused(
    case: dict[str, Any], make: Make
) -> None:
    timed = make()
    assert timed.consume([{"words": case["words"]}]) == timed.lib.CORE_ERR_STREAM


def test_blocks_are_counted_by_node_when_it_is_asked_for(make: Make) -> None:
    timed = make()
    lib = timed.lib
    assert lib.timing_node_blocks(timed.t) == lib.CORE_OK
    call = [{"run": "caller"}, {"run": "callee"}, {"run": "back_in_caller"}]
    assert timed.consume([*call, {"run": "start", "times": 3}]) == lib.CORE_OK

    def rows() -> list[tuple[int, str, int, int]]:
        kept = timed.t.node_blocks
        found = timed.ffi.new("struct node_block_info[]", kept.rows)
        lib.node_blocks_copy(kept, found)
        return sorted((r.node, timed.names[r.block], r.executions, r.cycles) for r in found)

    # A block takes a cycle for each instruction.
    where = {timed.t.calls.node[n].info.function: n for n in range(timed.t.calls.nodes)}
    assert rows() == sorted([
        (where[1], "caller", 1, 2), (where[2], "callee", 1, 4), (where[1], "back_in_caller", 1, 3),
        (where[0], "start", 3, 9),
    ])  # fmt: skip
    assert timed.consume([{"words": [0x8006_0000]}]) == lib.CORE_OK  # counting begins here
    assert rows() == []


def test_many_nodes_and_blocks_are_kept_apart() -> None:
    ffi, lib = native.load()
    kept = ffi.gc(ffi.new("struct node_blocks *"), lib.node_blocks_free)
    pairs = [(node, block) for node in range(100) for block in range(0, 9900, 99)]
    for times in range(2):
        for node, block in pairs:
            lib.node_blocks_add(kept, node, block, 1 + times, node)
    assert kept.rows == len(pairs)
    found = ffi.new("struct node_block_info[]", kept.rows)
    lib.node_blocks_copy(kept, found)
    counts = {(r.node, r.block): (r.executions, r.cycles) for r in found}
    assert counts == {(node, block): (3, 2 * node) for node, block in pairs}


def test_an_error_of_a_question_ends_the_pass(make: Make) -> None:
    for failing in ("define", "schedule"):
        timed = make()

        def fail(*_: Any, timed: Timed = timed) -> int:
            return int(timed.lib.CORE_ERR_CALLBACK)

        callback = timed.ffi.callback(f"core_{failing}_fn *", fail)
        setattr(timed.t.blocks.callbacks, failing, callback)
        assert timed.consume([{"run": "start"}]) == timed.lib.CORE_ERR_CALLBACK


@pytest.mark.parametrize(
    "setup", [{"regions": 33}, {"moves": 1, "move": [(0x100, 0, 0x200)]}], ids=["regions", "moves"]
)
def test_a_setup_that_the_core_cannot_hold_is_refused(make: Make, setup: dict[str, Any]) -> None:
    timed = make()
    if "move" in setup:
        setup = {**setup, "move": timed.ffi.new("struct core_move[]", setup["move"])}
    for field, value in setup.items():
        setattr(timed.setup, field, value)
    other = timed.ffi.new("struct timing *")
    assert timed.lib.timing_init(other, timed.setup, timed.stream) == timed.lib.CORE_ERR_CONFIG
    timed.lib.timing_free(other)


def test_a_trace_has_room_for_two_spans_and_samples_and_is_asked_for_once(make: Make) -> None:
    timed = make()
    t, lib = timed.t, timed.lib
    assert lib.timing_trace(t, 1, 2) == lib.timing_trace(t, 2, 1) == lib.CORE_ERR_CONFIG
    assert lib.timing_trace(t, 2, 2) == lib.CORE_OK
    assert lib.timing_trace(t, 2, 2) == lib.CORE_ERR_CONFIG
