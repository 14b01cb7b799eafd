"""Who issued with whom and waited for what, over blocks that the pipeline itself schedules."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.annotation.pairing import IssueSum, sum_issues
from simcore.core.counters import Counters, EntryCounts
from simcore.cpu_model import load_cpu_model
from simcore.isa import Block, decode_block
from simcore.pipeline import Pipeline, Schedule, make_pipeline
from simcore.pipeline.stretches import cut
from tests.unit.thumb_code import code

BASE = 0x0800_0000


def pipeline() -> Pipeline:
    return make_pipeline(load_cpu_model("stm32f746").core.pipeline)


def settled(pipe: Pipeline) -> int:
    """A state in which nothing is in flight and fetch is far ahead: behind a divide."""
    wait = decode_block(0x400, code("udiv r11,r12,r12 ; 2x nop.w"))
    return pipe.schedule(wait, pipe.reset_state).after_next


def issues(
    blocks: Sequence[Block], entries: Sequence[tuple[int, int, int]], pipe: Pipeline
) -> dict[int, IssueSum]:
    """Entries are (block, state, executions)."""
    schedules: list[Schedule] = [pipe.schedule(blocks[b], state) for b, state, _ in entries]
    counters = Counters((), (), (), tuple(EntryCounts(b, s, 0, n) for b, s, n in entries))
    return sum_issues(counters, blocks, schedules, range(len(blocks)))


def test_a_pair_has_an_older_and_a_younger_and_a_rule_keeps_the_next_apart() -> None:
    """The sequence and its rules are those of test_a_listing_names_cause_rule_and_producer."""
    pipe = pipeline()
    text = "ldr.w r0,[r1] ; ubfx r2,r3,#3,#5 ; eor.w r4,r0,r5,lsl #2 ; eor.w r6,r7,r8"
    found = issues([decode_block(BASE, code(text))], [(0, settled(pipe), 7)], pipe)
    assert found[BASE + 4].refused == {"DSP instruction must be older": 7}
    assert found[BASE + 8].refused == {"shifter": 7}
    assert (found[BASE + 8].older, found[BASE + 12].younger) == (7, 7)
    assert (found[BASE].older, found[BASE].younger) == (0, 0)


def test_a_wait_names_register_producer_and_cycles() -> None:
    pipe = pipeline()
    block = decode_block(BASE, code("ldr.w r0,[r1] ; eor.w r4,r0,r5,lsl #2"))
    (wait,) = issues([block], [(0, settled(pipe), 5)], pipe)[BASE + 4].waits.items()
    (register, producer), lost = wait
    assert (register, producer) == (0, BASE)
    assert (lost.executions, lost.cycles) == (5, 5)  # load use of one cycle, five times


def test_a_pair_and_a_wait_across_blocks_find_the_block_before() -> None:
    pipe = pipeline()
    load = decode_block(BASE, code("ldr.w r0,[r1]"))
    use = decode_block(BASE + 4, code("eor.w r4,r0,r5,lsl #2"))
    free = decode_block(BASE + 8, code("eor.w r6,r7,r8"))
    start = settled(pipe)
    second = pipe.schedule(load, start).after_next
    third = pipe.schedule(use, second).after_next
    found = issues([load, use, free], [(0, start, 3), (1, second, 3), (2, third, 3)], pipe)
    assert list(found[BASE + 4].waits) == [(0, BASE)]
    assert (found[BASE + 4].older, found[BASE + 8].younger) == (3, 3)


def test_stretches_of_a_block_tell_what_the_block_tells_as_one() -> None:
    """Pairs and waits over cuts: for a load two stretches before; an IT block stays one."""
    pipe = pipeline()
    text = (
        "ldr.w r0,[r1] ; nop.w ; eor.w r4,r0,r5,lsl #2 ; ldrd r0,r2,[r1] ; uxtb.w r2,r3 ; nop.w ;"
        " mla r0,r1,r2,r3 ; vmov s0,r0 ; vadd.f32 s0,s1,s2 ; nop.w ; nop.w ; vmul.f32 s3,s0,s4 ;"
        " itte ne ; adds r0,#1 ; ldr.n r2,[r3] ; cmp r0,#1 ; udiv r0,r1,r2 ; eor.w r0,r1,r2"
    )
    block, start = decode_block(BASE, code(text)), settled(pipe)
    as_one = issues([block], [(0, start, 3)], pipe)
    assert sum(len(issue.waits) for issue in as_one.values()) > 3
    for longest in range(1, 8):
        state, schedules, entries = start, [], []
        for number, stretch in enumerate(cut(block, 6, longest)):
            schedules.append(pipe.schedule_stretch(stretch, state, 0))
            entries.append(EntryCounts(0, state, 0, 3, number))
            state = schedules[-1].after_next
        counters = Counters((), (), (), tuple(entries))
        assert len(entries) > 2
        assert sum_issues(counters, [block], schedules, {0}) == as_one


def test_where_two_producers_are_possible_none_is_named() -> None:
    """The second block ends at the same place; its exit state is set to that of the first."""
    pipe = pipeline()
    one = decode_block(BASE, code("ldr.w r0,[r1]"))
    other = decode_block(BASE - 4, code("ldr.w r0,[r1] ; nop.w"))
    use = decode_block(BASE + 4, code("eor.w r4,r0,r5,lsl #2"))
    start = settled(pipe)
    first = pipe.schedule(one, start)
    state = first.after_next
    second = pipe.schedule(other, start)._replace(after_next=state)
    schedules = [first, second, pipe.schedule(use, state)]

    def waits(executions_of_other: int) -> list[tuple[int, int | None]]:
        entries = (
            EntryCounts(0, start, 0, 3),
            EntryCounts(1, start, 0, executions_of_other),
            EntryCounts(2, state, 0, 3),
        )
        counters = Counters((), (), (), entries)
        return list(sum_issues(counters, [one, other, use], schedules, {2})[BASE + 4].waits)

    assert waits(0) == [(0, BASE)]  # a block that never ran was never before
    assert waits(1) == [(0, None)]


def test_a_result_is_found_behind_a_branch_taken() -> None:
    pipe = pipeline()
    load = decode_block(BASE, code("ldrb.w r0,[r1] ; b.n .+8"))
    use = decode_block(BASE + 12, code("eor.w r4,r0,r5,lsl #2"))
    start = settled(pipe)
    state = pipe.schedule(load, start).after_taken
    found = issues([load, use], [(0, start, 2), (1, state, 2)], pipe)
    assert list(found[BASE + 12].waits) == [(0, BASE)]


def test_blocks_that_are_not_wanted_or_never_ran_are_left_out() -> None:
    pipe = pipeline()
    blocks = [decode_block(BASE, code("nop.w")), decode_block(BASE + 4, code("nop.w"))]
    start = settled(pipe)
    schedules = [pipe.schedule(block, start) for block in blocks]
    counters = Counters((), (), (), (EntryCounts(0, start, 0, 0), EntryCounts(1, start, 0, 2)))
    assert sum_issues(counters, blocks, schedules, {0, 1}).keys() == {BASE + 4}
    assert sum_issues(counters, blocks, schedules, {0}) == {}
