"""The pipeline model by itself: rules, latencies, loops and what it reports for a listing.

The rows of public measurements are in tests/oracle; here each expected number says which sentence
of the sources it comes from (cpu_models/cortex-m7.toml, [pipeline] and [sources]).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.isa import decode_block
from simcore.pipeline import OTHER_BLOCK, Pipeline, Schedule, make_pipeline
from simcore.pipeline.latency import EXTRA_TABLES
from tests.unit.thumb_code import code

BASE = 0x400


@cache
def params() -> Any:
    return load_cpu_model("stm32f746").core.pipeline


def settled(pipeline: Pipeline) -> int:
    """A state in which fetch is far ahead and nothing is in flight: behind a divide."""
    wait = pipeline.schedule(decode_block(BASE, code("udiv r11,r12,r12 ; 2x nop.w")),
                             pipeline.reset_state)  # fmt: skip
    return wait.after_next


def run(text: str, variant: int = 0, address: int = BASE + 0x100) -> Schedule:
    pipeline = make_pipeline(params())
    return pipeline.schedule(decode_block(address, code(text)), settled(pipeline), variant)


def pairs(older: str, younger: str, variant: int = 0) -> bool:
    return run(f"{older} ; {younger}", variant).instructions[1].slot == 1


def distance(producer: str, consumer: str) -> int:
    """Cycles between the issues of two instructions that follow each other."""
    schedule = run(f"{producer} ; {consumer}")
    spent = [sum(cost.cycles_by_cause) for cost in schedule.instructions]
    return 0 if schedule.instructions[1].slot else spent[1]


def loop(text: str, head: int, iterations: int = 40) -> list[int]:
    """Cycles of each iteration of a loop at byte `head` that ends in its own branch."""
    pipeline = make_pipeline(params())
    block = decode_block(head, code(text))
    state, cycles = pipeline.reset_state, []
    for _ in range(iterations):
        schedule = pipeline.schedule(block, state)
        cycles.append(schedule.cycles)
        state = schedule.after_taken
    return cycles


@pytest.mark.parametrize(("offset", "cycles"), [(0, 1), (2, 1), (4, 1), (6, 2)])
def test_a_two_instruction_loop_costs_a_cycle_more_when_it_straddles_fetch_groups(
    offset: int, cycles: int
) -> None:
    """DW1: one cycle an iteration, two when the head is at 6 mod 8."""
    assert loop("subs r0,#1 ; bne.n .-2", BASE + offset)[2:] == [cycles] * 38


def test_the_back_edge_of_a_loop_shares_a_cycle_with_the_first_load() -> None:
    """DW0: 16 loads of one word, SUBS and BNE take 16 cycles."""
    assert loop("16x ldr.n r3,[r0] ; subs r1,#1 ; bne.n .-34", BASE)[2:] == [16] * 38


def test_a_loop_of_odd_length_slips_by_half_a_cycle_only_with_fetch_slack() -> None:
    """JNK: a taken branch pairs with its target after two 16-bit instructions: 41 take 20.5."""
    wide = loop("39x nop.w ; subs.w r9,r9,#1 ; bne.w .-160", BASE)
    narrow = loop("37x nop.w ; 2x nop.n ; subs.w r9,r9,#1 ; bne.w .-156", BASE)
    assert wide[4:] == [21] * 36
    assert sum(narrow[4:]) == 20.5 * 36


@pytest.mark.parametrize(
    ("older", "younger", "together"),
    [
        ("eor.w r0,r1,r2", "eor.w r3,r4,r5", True),
        ("uxtb.w r0,r1", "uadd8 r3,r4,r5", False),
        ("eor.w r0,r1,r2", "uadd8 r3,r4,r5", False),
        ("uadd8 r3,r4,r5", "eor.w r0,r1,r2", True),
        ("smlad r0,r1,r2,r3", "uxtb.w r4,r5", False),
        ("lsl.w r0,r1,#3", "eor.w r3,r4,r5,lsl #2", False),
        ("eor.w r3,r4,r5,lsl #2", "lsl.w r0,r1,#3", True),
        ("muls r0,r1", "str.n r2,[r3]", False),
        ("str.n r2,[r3]", "muls r0,r1", False),
        ("ldrd r0,r2,[r1]", "nop.w", False),
        ("nop.w", "ldrd r0,r2,[r1]", False),
        ("vadd.f32 s0,s1,s2", "vmul.f32 s3,s4,s5", False),
        ("vadd.f32 s0,s1,s2", "eor.w r0,r1,r2", True),
        ("eor.w r0,r1,r2", "vadd.f64 d1,d2,d3", False),
        ("vadd.f64 d1,d2,d3", "eor.w r0,r1,r2", True),
        ("vfma.f64 d1,d2,d3", "ldr.w r0,[r1]", False),
        ("vdiv.f32 s0,s1,s2", "eor.w r0,r1,r2", True),
        ("vdiv.f32 s0,s1,s2", "vmov.f32 s3,s4", False),
        ("udiv r0,r1,r2", "nop.w", False),
    ],
)
def test_which_two_share_a_cycle(older: str, younger: str, together: bool) -> None:
    """Timing page (b) 5 to 13."""
    assert pairs(older, younger) is together


@pytest.mark.parametrize(
    ("text", "variant", "together"),
    [
        ("ldr.w r0,[r1] ; ldr.w r2,[r1,#4]", 0, True),
        ("ldr.w r0,[r1] ; ldr.w r2,[r1,#8]", 0, False),
        ("ldrb.w r0,[r1] ; ldrb.w r2,[r1,#1]", 0, True),
        ("ldrb.w r0,[r1] ; ldrb.w r2,[r1,#1]", 1, False),
    ],
)
def test_two_loads_pair_when_their_banks_differ(text: str, variant: int, together: bool) -> None:
    """JNK: address bit 2 decides; it is read off the code or asked for by a probe."""
    assert (run(text, variant).instructions[1].slot == 1) is together


@pytest.mark.parametrize(
    ("producer", "consumer", "cycles"),
    [
        ("add.w r0,r1,r2", "eor.w r3,r0,r4", 0),  # early ALU to late ALU
        ("add.w r0,r1,r2", "eor.w r3,r4,r0,lsl #2", 1),  # early to early
        ("eor.w r0,r1,r2", "eor.w r3,r0,r4", 1),  # late to late
        ("eor.w r0,r1,r2", "eor.w r3,r4,r0,lsl #2", 2),  # late to early
        ("eor.w r0,r1,r2", "ldr.w r3,[r0]", 2),
        ("ldr.w r0,[r1]", "eor.w r3,r0,r4", 1),
        ("ldr.w r0,[r1]", "eor.w r3,r0,r4,lsl #2", 2),  # the unshifted operand waits too
        ("ldr.w r0,[r1]", "muls r2,r0", 2),
        ("ldr.w r0,[r1]", "ldr.w r3,[r0]", 2),
        ("ldr.w r0,[r1]", "ldr.w r3,[r4,r0]", 3),
        ("ldrb.w r0,[r1]", "eor.w r3,r0,r4,lsl #2", 2),  # the unshifted operand does not
        ("mla r0,r1,r2,r3", "pkhtb r3,r0,r4,asr #16", 2),
        ("ldrb.w r0,[r1]", "eor.w r3,r0,r4", 2),
        ("ldrb.w r0,[r1]", "mla r3,r4,r5,r0", 1),
        ("ldr.w r0,[r1]", "str.w r0,[r2]", 0),
        ("mla r0,r1,r2,r3", "mla r0,r4,r5,r0", 1),  # accumulator chain
        ("mla r0,r1,r2,r3", "eor.w r3,r0,r4", 2),
        ("mla r0,r1,r2,r3", "ldr.w r3,[r0]", 4),
        ("vadd.f32 s0,s1,s2", "vmul.f32 s3,s0,s4", 3),
        ("vadd.f32 s0,s1,s2", "vstr s0,[r0]", 1),
        ("vfma.f32 s0,s1,s2", "vfma.f32 s0,s3,s4", 3),
        ("vfma.f32 s0,s1,s2", "vmul.f32 s3,s0,s4", 5),
        ("vmla.f32 s0,s1,s2", "vmul.f32 s3,s0,s4", 6),
        ("vldr s0,[r0]", "vfma.f32 s0,s1,s2", 3),
        ("vldr s0,[r0]", "vmla.f32 s0,s1,s2", 2),
        ("ldr.w r0,[r1]", "cbz r0,.+8", 1),
        ("ldr.w r3,[r1]", "bx r3", 1),
        ("ldrb.w r3,[r1]", "blx r3", 2),
        ("usada8 r0,r1,r2,r3", "usada8 r0,r4,r5,r0", 1),
        ("ldr.w r0,[r1]", "mla r3,r4,r5,r0", 1),
        ("rev.w r0,r1", "lsl.w r3,r0,#2", 1),
        ("and.w r0,r1,r2", "rrx r3,r0", 2),
        ("vcvt.f32.f64 s0,d1", "vadd.f32 s3,s0,s4", 3),
        ("vmov r0,s0", "eor.w r3,r0,r4", 1),
        ("vmla.f32 s0,s1,s2", "vfma.f32 s3,s4,s5", 2),  # not in the next cycle
        ("vfma.f32 s0,s1,s2", "vadd.f32 s3,s4,s5", 4),  # blocked for 3 cycles
    ],
)
def test_issue_distances(producer: str, consumer: str, cycles: int) -> None:
    """JNK; LLVM for addresses, branches, shifts, loaded accumulators and from a MAC to PKHTB."""
    assert distance(producer, consumer) == cycles


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        ("ldm.w r1,{r0,r2}", 1), ("ldm.w r1,{r0,r2,r3}", 2), ("push {r4-r6,lr}", 2),
        ("pop {r0,r2}", 1), ("vldmia r1,{s0-s2}", 2), ("vldmia r1!,{d0-d2}", 3),
    ],
)  # fmt: skip
def test_a_multiple_transfer_moves_two_words_a_cycle(text: str, cycles: int) -> None:
    assert run(text).cycles == cycles


def test_a_store_multiple_of_an_even_count_pays_for_an_odd_word_address() -> None:
    assert run("push {r4-r6,lr}", variant=1).cycles == run("push {r4-r6,lr}").cycles + 1
    assert not decode_block(BASE, code("push {r4-r6}")).probes


@pytest.mark.parametrize(
    ("text", "variant", "cycles"),
    [
        ("ldr.w r0,[r1]", 0b1, 1 + 2),
        ("nop.w ; ldr.w r0,[r1]", 0b1, 1 + 3),
        ("ldr.w r0,[r1] ; ldr.w r2,[r1,#4]", 0b1, 1 + 3),  # one probe: both are aligned alike
        ("ldr.w r0,[r1] ; ldr.w r2,[r3]", 0b010, 1 + 3),
        ("ldr.w r0,[r1] ; ldr.w r2,[r3]", 0b110, 1 + 2),  # its first bank is the aligned one's
    ],
)
def test_unaligned_loads(text: str, variant: int, cycles: int) -> None:
    """2 more as the older, 3 as the younger or for both (DW1), one less on the same bank (JNK)."""
    assert run(text, variant).cycles == cycles


def test_an_aligned_younger_load_of_the_bank_that_comes_first_spares_the_older_a_cycle() -> None:
    """JNK says -1 of the other load whichever slot it is in; what was loaded is there as early."""
    schedule = run("ldr.w r0,[r1] ; ldr.w r2,[r3] ; eor.w r3,r0,r4", 0b101)
    costs = [cost.cycles_by_cause for cost in schedule.instructions]
    assert [sum(cost) for cost in costs] == [2, 0, 1]
    assert schedule.instructions[1].slot == 1
    assert schedule.cycles == 3


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("vadd.f64 d0,d1,d2", "vadd.f64", (1, 2, 3, 3)),
        ("vmul.f64 d0,d1,d2", "vmul.f64", (5, 5, 5, 4)),
        ("vdiv.f64 d0,d1,d2", "vdiv.f64", (30, 30, 30, 2)),
        ("vfma.f64 d0,d1,d2", "vfma.f64", (7, 8, 10, 6)),
        ("vmla.f64 d0,d1,d2", "vmla.f64", (8, 9, 10, 7)),
    ],
)
def test_doubles_hold_the_pipe_by_operand_class(
    text: str, table: str, expected: tuple[int, ...]
) -> None:
    """JNK's table: same exponent, different exponents, a denormal, a zero; first of a chain."""
    pipeline = make_pipeline(params())
    assert [note.table for note in decode_block(BASE, code(text)).notes] == [table]
    assert tuple(run(text).cycles + extra for extra in pipeline.extra_cycles(table)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("vfma.f64 d0,d1,d2", (6, 7, 9, 5)), ("vmla.f64 d0,d1,d2", (5, 7, 8, 5))],
)
def test_a_chained_double_mac_is_cheaper(text: str, expected: tuple[int, ...]) -> None:
    pipeline = make_pipeline(params())
    both = f"{text} ; {text.replace('d0', 'd3')}"
    more = run(both).cycles - run(text).cycles
    table = decode_block(BASE, code(both)).notes[1].table
    assert tuple(more + extra for extra in pipeline.extra_cycles(table)) == expected


def test_a_loaded_sum_comes_a_cycle_later_than_a_loaded_factor() -> None:
    """JNK of VLDR.F32: 3 to the accumulator. Taken for VLDR.F64, whose operand LLVM has after 2."""
    summed = run("vldr d0,[r0] ; vfma.f64 d0,d1,d2")
    assert summed.cycles == run("vldr d0,[r0] ; vfma.f64 d1,d0,d2").cycles + 1


def test_divide_time_follows_the_formula_of_the_r4() -> None:
    """CR4: 3 + max(floor((clz(B) - clz(A) + 1) / 2), 0), SDIV one more, by zero 3 (or 4)."""
    pipeline = make_pipeline(params())
    base = run("udiv r0,r1,r2").cycles
    unsigned, signed = pipeline.extra_cycles("udiv"), pipeline.extra_cycles("sdiv")
    for divisor, dividend in ((0, 31), (5, 5), (12, 3), (31, 0)):  # leading zeros
        expected = 3 + max((divisor - dividend + 1) // 2, 0)
        distance_class = max(divisor - dividend, -1) + 1
        assert base + unsigned[distance_class] == expected
        assert base + signed[distance_class] == expected + 1
    assert (base + unsigned[33], base + signed[33]) == (3, 4)


def test_every_table_of_extra_cycles_has_its_numbers() -> None:
    pipeline = make_pipeline(params())
    for table in EXTRA_TABLES:
        assert all(cycles >= 0 for cycles in pipeline.extra_cycles(table))
    assert pipeline.extra_tables == EXTRA_TABLES


@pytest.mark.parametrize(("gap", "penalty"), [(0, 8), (2, 8), (4, 6), (6, 6)])
def test_a_mispredict_costs_less_when_the_flags_were_set_in_time(gap: int, penalty: int) -> None:
    """JNK: 8 cycles, 6 from a distance of three cycles between flags and branch."""
    filler = f"{gap}x nop.w ; " if gap else ""
    schedule = run(f"cmp.w r1,r2 ; nop.w ; {filler}nop.w ; beq.n .+8")
    assert schedule.instructions[-1].slot == 1
    assert schedule.mispredict_cycles == penalty


def test_the_penalty_counts_from_the_slot_that_the_next_instruction_would_have_had() -> None:
    older = run("cmp.w r1,r2 ; nop.w ; beq.n .+8")
    assert older.instructions[-1].slot == 0
    assert older.mispredict_cycles == 7


def test_a_predicated_instruction_waits_for_the_flags() -> None:
    """LMUT: one cycle from flags to a predicated instruction; IT takes a slot meanwhile."""
    costs = run("cmp.w r1,r2 ; it ne ; adds r0,#1").instructions
    assert [cost.slot for cost in costs] == [0, 1, 0]
    assert costs[2].cycles_by_cause.dependency == 0


@pytest.mark.parametrize("setter", ["muls r1,r2", "cmp.w r1,r2,lsl #3"])
def test_late_flags_are_late_for_what_reads_them_as_an_operand_only(setter: str) -> None:
    """LMUT: into a predicate never more than one cycle; ADC waits for the 2 of LLVM."""
    assert run(f"{setter} ; it ne ; adds r0,#1").instructions[2].cycles_by_cause.dependency == 0
    assert distance(setter, "adc.w r0,r3,r4") == 2


@pytest.mark.parametrize(
    ("consumer", "cycles"), [("eor.w r3,r0,r4", 1), ("eor.w r3,r0,r4,lsl #2", 2)]
)
def test_a_predicated_result_reaches_what_has_no_condition_later(
    consumer: str, cycles: int
) -> None:
    """LMUT: 1, but 2 to the operand beside an inline shift; a condition is as its opposite."""
    same = run(f"itt ne ; eor.w r0,r1,r2 ; {consumer}").cycles
    assert run(f"ite ne ; eor.w r0,r1,r2 ; {consumer}").cycles == same
    assert run(f"it ne ; eor.w r0,r1,r2 ; {consumer}").cycles == same + cycles


def test_a_listing_names_cause_rule_and_producer() -> None:
    costs = run(
        "ldr.w r0,[r1] ; ubfx r2,r3,#3,#5 ; eor.w r4,r0,r5,lsl #2 ; eor.w r6,r7,r8"
    ).instructions
    assert costs[1].why == "DSP instruction must be older"
    assert costs[2].why == "shifter"
    assert costs[3].slot == 1
    assert costs[3].paired_with == 2
    waiting = run("ldr.w r0,[r1] ; eor.w r4,r0,r5,lsl #2").instructions[1]
    assert (waiting.why, waiting.waited_for) == ("operand not ready", 0)
    assert waiting.cycles_by_cause.load_use == 1
    waiting = run("eor.w r0,r1,r2 ; eor.w r4,r5,r0,lsl #2").instructions[1]
    assert waiting.cycles_by_cause.dependency == 1
    multiple = run("push {r4-r6,lr}").instructions[0].cycles_by_cause
    assert (multiple.issue, multiple.execute) == (1, 1)


def test_a_listing_tells_of_an_older_instruction_in_the_block_before() -> None:
    pipeline = make_pipeline(params())
    first = pipeline.schedule(decode_block(BASE, code("eor.w r0,r1,r2")), settled(pipeline))
    second = pipeline.schedule(decode_block(BASE + 4, code("eor.w r3,r4,r5")), first.after_next)
    assert second.cycles == 0
    assert second.instructions[0].paired_with == OTHER_BLOCK


def test_fetch_waits_are_named_as_such() -> None:
    """From the reset state nothing is fetched ahead: one 64-bit group a cycle."""
    pipeline = make_pipeline(params())
    block = decode_block(BASE + 6, code("nop.w ; nop.w"))
    costs = pipeline.schedule(block, pipeline.reset_state).instructions
    assert costs[0].cycles_by_cause.fetch == 1  # it straddles two groups
    assert costs[1].slot == 1


def test_accesses_have_the_cycle_in_which_they_issue() -> None:
    schedule = run("ldr.w r0,[r1] ; ldr.w r2,[r1,#4] ; ldm.w r1,{r0,r2,r3} ; str.w r0,[r2]")
    assert schedule.access_cycles == (0, 0, 1, 1, 2, 3)


def test_states_are_described_in_words() -> None:
    pipeline = make_pipeline(params())
    block = decode_block(BASE, code("ldrb.w r0,[r1]"))
    after = pipeline.schedule(block, settled(pipeline)).after_next
    assert "r0: late 2" in pipeline.describe_state(after)
    assert "younger slot free" in pipeline.describe_state(after)
    assert "new cycle" in pipeline.describe_state(pipeline.reset_state)


def test_a_loop_settles_in_few_states() -> None:
    pipeline = make_pipeline(params())
    block = decode_block(BASE, code("8x ldr.n r3,[r0] ; subs r1,#1 ; bne.n .-18"))
    state = pipeline.reset_state
    for _ in range(100):
        state = pipeline.schedule(block, state).after_taken
    assert pipeline.state_count <= 12
