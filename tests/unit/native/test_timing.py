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
