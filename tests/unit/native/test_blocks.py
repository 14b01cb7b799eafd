"""blocks.c: what Python is asked, what C keeps of it, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import native
from tests.rule_cases import each_case, read
from tests.unit.native.timed import Timed

TOLD = read("blocks")["block"]["told"]
STATES = [{"state": state, "variant": variant} for state in range(3) for variant in range(2)]
BLOCKS = {
    "first": {"address": 0x100, "instructions": "....", "schedules": STATES},
    "second": {"address": 0x200, "instructions": "..", "schedules": STATES},
}


@pytest.fixture
def timed() -> Iterator[Timed]:
    timed = Timed(BLOCKS)
    yield timed
    timed.close()


def block_for(timed: Timed, name: str, first: int = 0, end: int | None = None) -> int:
    """The number of the block for a piece of a definition, or a status."""
    end = 2 * len(timed.blocks[name]["instructions"]) if end is None else end
    t = timed.t
    blocks, memory = timed.ffi.addressof(t, "blocks"), timed.ffi.addressof(t, "memory")
    return int(timed.lib.blocks_for(blocks, memory, timed.ids[name], first, end))


def find(timed: Timed, block: int, state: int, variant: int = 0) -> int:
    """The number of the entry, made when it is not there yet, or a status."""
    blocks, lib = timed.ffi.addressof(timed.t, "blocks"), timed.lib
    found = int(lib.blocks_find(blocks, block, state, variant))
    return int(lib.blocks_enter(blocks, block, state, variant)) if found < 0 else found


@each_case("blocks", "refused")
def test_facts_that_do_not_fit_each_other_are_refused(case: dict[str, Any]) -> None:
    timed = Timed({"told": {**TOLD, **case}})
    assert block_for(timed, "told") == timed.lib.CORE_ERR_STREAM
    assert timed.t.blocks.blocks == 0
    timed.close()


def test_a_block_is_asked_for_once_as_a_whole_and_once_for_each_piece(timed: Timed) -> None:
    pieces = [(0, 8), (0, 4), (4, 8), (0, 6)]
    numbers = [block_for(timed, "first", *piece) for piece in pieces]
    assert numbers == [0, 1, 2, 3]
    assert [block_for(timed, "first", *piece) for piece in reversed(pieces)] == [3, 2, 1, 0]
    assert timed.asked == ["first"] * 4
    assert [timed.t.blocks.block[n].facts.instructions for n in numbers] == [4, 2, 2, 3]


def test_what_is_copied_of_a_block_is_what_was_told() -> None:
    timed = Timed({"told": {**TOLD, "macs": [0, 2], "instructions": ".p", "notes": [[1, 3]]}})
    number = block_for(timed, "told")
    block = timed.t.blocks.block[number]
    timed._keep.clear()  # C has its own copy
    facts = block.facts
    assert list(facts.instruction_offsets[0:2]) == [0, 2]
    assert list(facts.instruction_predicated[0:2]) == [0, 1]
    assert list(facts.macs[0:2]) == [0, 2]
    assert (facts.note[0].instruction, facts.note[0].table) == (1, 3)
    assert (facts.barrier[0].instruction, facts.barrier[0].access) == (0, 0)
    assert (facts.access[0].instruction, facts.access[0].size) == (1, 4)
    assert facts.probe[0].kind == timed.lib.PROBE_ODD_WORD
    assert facts.counters[timed.lib.COUNTER_MACS] == 2
    assert (block.predicated, block.is_plain) == (1, 0)
    assert (block.skipped[0], block.skipped[1], block.site.counts.executions) == (0, 0, 0)
    timed.close()


def test_an_entry_is_asked_for_once_for_each_state_and_variant(timed: Timed) -> None:
    block = block_for(timed, "first")
    keys = [(state, variant) for state in range(3) for variant in range(2)]
    numbers = [find(timed, block, *key) for key in keys]
    assert numbers == list(range(6))
    for _ in range(2):  # a look-up moves the entry to the front of the block's list
        assert [find(timed, block, *key) for key in reversed(keys)] == numbers[::-1]
    assert len(timed.asked) == 1 + 6


def test_entries_of_a_block_share_the_schedules_of_its_stretches() -> None:
    stretches = [{"variant": 1}, {}, {"stretch": 1, "variant": 2}, {"stretch": 1}]
    told = {**TOLD, "stretches": [[1, 0, 1], [2, 1, 1]], "schedules": stretches}
    timed = Timed({"told": told})
    block = block_for(timed, "told")
    assert [find(timed, block, 0, variant) for variant in (0, 1, 2, 3, 0)] == [0, 1, 2, 3, 0]
    of_second = " of stretch 1"
    asked = ["told", "told 0 0", f"told 0 0{of_second}", "told 0 1", f"told 0 2{of_second}"]
    assert timed.asked == asked
    assert [list(timed.t.blocks.cost[entry].schedule[0:2]) for entry in range(4)] == [
        [0, 1], [2, 1], [0, 3], [2, 3],
    ]  # fmt: skip
    timed.close()


@pytest.mark.parametrize("settles", [True, False])
def test_a_block_of_stretches_keeps_few_entries_and_all_counts(settles: bool) -> None:
    """Each of many states leads to the same state of the second stretch, by its own cycles."""
    states = range(3 * native.load()[1].ENTRIES_MAX)
    first = [{"state": state, "cycles": {"issue": 1 + state}, "next": 99} for state in states]
    timed = Timed(
        {
            "many": {
                "address": 0x100,
                "instructions": "..",
                "stretches": [[0, 0, 0], [0, 0, 0]],
                "schedules": [*first, {"stretch": 1, "state": 99, "cycles": {"issue": 5}}],
            }
        }
    )
    for state in [*states, *reversed(states)]:
        timed.t.state = state
        timed.t.last_block = timed.t.last_entry = -1
        assert timed.consume([{"run": "many"}], settles) == 0
    assert timed.consume([]) == 0
    assert timed.t.blocks.entries == timed.lib.ENTRIES_MAX
    assert len(timed.asked) == 1 + len(states) + 1
    schedules = timed.ffi.new("struct schedule_info[]", timed.t.blocks.schedules)
    timed.lib.timing_schedules(timed.t, schedules)
    told = {(s.stretch, s.state): s.executions for s in schedules}
    assert told == {(1, 99): 2 * len(states), **{(0, state): 2 for state in states}}
    assert timed.counters()["cycles.issue"] == 2 * sum(1 + state + 5 for state in states)
    timed.close()


def test_an_entry_is_found_by_its_block_its_state_and_its_variant(timed: Timed) -> None:
    first, second = block_for(timed, "first"), block_for(timed, "second")
    find(timed, first, 0)
    for _ in range(2):
        assert find(timed, second, 0) == 1
        assert find(timed, second, 1) == 2
        assert find(timed, second, 1, 1) == 3
        assert find(timed, first, 0) == 0


def test_past_their_limit_all_states_count_as_the_one_out_of_reset(timed: Timed) -> None:
    first, second = block_for(timed, "first"), block_for(timed, "second")
    timed.t.blocks.most = 2
    known = [find(timed, first, 1), find(timed, first, 2)]
    assert [find(timed, first, state) for state in (1, 2)] == known
    assert timed.t.blocks.merged == 0
    rest = find(timed, second, 1)
    assert [find(timed, second, state, variant) for state, variant in ((2, 0), (1, 1))] == [
        rest
    ] * 2
    assert (timed.t.blocks.entry[rest].state, timed.t.blocks.entry[rest].variant) == (0, 0)
    assert (timed.t.blocks.entries, timed.t.blocks.merged) == (3, 3)


def test_a_failed_question_leaves_the_tables_as_they_were(timed: Timed) -> None:
    error, lib = timed.lib.CORE_ERR_CALLBACK, timed.lib
    callbacks = timed.t.blocks.callbacks
    fail = timed.ffi.callback("core_schedule_fn *", lambda *_: error)
    block, known = block_for(timed, "first"), callbacks.schedule
    callbacks.schedule = fail
    assert find(timed, block, 0) == error
    callbacks.schedule = known
    assert find(timed, block, 0) == 0
    assert lib.blocks_whole(timed.ffi.addressof(timed.t, "blocks"), timed.ids["first"]) == block


def test_the_tables_grow_with_the_program() -> None:
    many = {
        f"b{n}": {"address": 0x100 + 2 * n, "instructions": ".", "accesses": [[0, "load"]]}
        for n in range(3000)
    }
    timed = Timed(many)
    assert timed.consume([{"run": name, "at": [0x2000_0000]} for name in many]) == 0
    assert (timed.t.blocks.blocks, timed.t.blocks.entries) == (3000, 3000)
    assert timed.counters()["instructions"] == 3000
    timed.close()
