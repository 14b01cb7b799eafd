"""What pipelines said in runs before: the file gives it back; what does not hold is made again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from simcore.core.answers import Answers
from simcore.core.extension import ffi, lib
from simcore.core.facts import BlockFacts
from simcore.core.kept_facts import DamagedFileError, KeptFacts, file_of
from simcore.core.schedules import Decoder, Scheduler
from simcore.cpu_model import load_cpu_model
from simcore.isa import decode_block
from simcore.pipeline import make_pipeline

PARAMS = load_cpu_model("stm32f746").core.pipeline
#: (address, code), as GNU as has it: loads whose banks are asked for, SP, a store multiple, a
#: division, a branch.
BLOCKS = [
    # ldr.w r0,[r1,r2,lsl #2]; ldr r3,[r0]; ldr r4,[r5,#4]; add.w r0,r3,r4
    (0x400, bytes.fromhex("51f8220003686c6803eb0400")),
    # push {r4,r5,lr}; udiv r0,r1,r2; stm.w r0,{r1,r2,r3,r4}; pop {r4,r5,pc}
    (0x804, bytes.fromhex("30b5b1fbf2f080e81e0030bd")),
    # twelve times ldr.w r0,[r1,r2,lsl #2]; ldr r3,[r0]; muls r3,r0,r3
    (0xA02, bytes.fromhex("51f8220003684343" * 12)),
    # cmp r0,#0; beq 0xc22
    (0xC00, bytes.fromhex("00280ed0")),
]
FIELDS = (
    "branch", "branch_predicated", "branch_address", "branch_target", "instructions", "accesses",
    "probes", "notes", "barriers", "stretches", "stack_access", "stack_offset", "stack_moves",
)  # fmt: skip


class Asked:
    """Answers asked as C asks: every block, its stretches from reset and from where that leads."""

    def __init__(self, kept: bytes | None = None) -> None:
        pipeline = make_pipeline(PARAMS)
        self.kept = None if kept is None else KeptFacts(kept, pipeline)
        self.scheduler = Scheduler(pipeline, self.kept)
        self.answers = Answers(self.scheduler, Decoder(), lambda _: None)
        self.answers.number(pipeline.reset_state)
        self.said: list[Any] = []

    def run(self) -> Asked:
        block, schedule = ffi.new("struct block_static *"), ffi.new("struct block_schedule *")
        for number, (address, bytes_) in enumerate(BLOCKS):
            self.answers.define(address, address, bytes_, 0, block)
            self.said.append([getattr(block, name) for name in FIELDS])
            self.said += _arrays(block)
            state, stretches, timed = 0, block.stretches, _timed(block)
            for stretch in range(stretches):
                self.answers.schedule(number, stretch, state, 0, schedule)
                self.said.append(ffi.unpack(schedule.cycles_by_cause, 9))
                self.said.append(ffi.unpack(schedule.access_cycles, timed[stretch]))
                state = schedule.after_next
                behind = (schedule.after_next, schedule.after_taken, schedule.after_mispredict)
                self.said.append((*behind, schedule.dual_issues, schedule.mispredict_cycles))
        return self


def _timed(block: Any) -> list[int]:
    ends = [
        0,
        *(block.stretch[i].accesses + block.stretch[i].barriers for i in range(block.stretches)),
    ]
    return [end - start for start, end in pairwise(ends)]


def _arrays(block: Any) -> list[Any]:
    """What the pointers of struct block_static lead to."""
    counts = {
        "instruction_offsets": block.instructions, "instruction_predicated": block.instructions,
        "macs": block.instructions, "access": block.accesses, "probe": block.probes,
        "note": block.notes, "barrier": block.barriers, "stretch": block.stretches,
        "stack_move": block.stack_moves,
    }  # fmt: skip
    found = []
    for name, count in counts.items():
        items = [getattr(block, name)[i] for i in range(count)]
        item = ffi.typeof(getattr(block, name)).item
        fields = [field for field, _ in item.fields] if item.kind == "struct" else []
        found.append([[getattr(i, f) for f in fields] if fields else i for i in items])
    return found


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def refuse(*_: Any) -> None:
        raise AssertionError("it was there")

    def forbid() -> None:
        monkeypatch.setattr("simcore.core.schedules.decode_block", refuse)
        monkeypatch.setattr("simcore.pipeline.in_order.InOrderPipeline.schedule_stretch", refuse)

    return forbid


def test_c_is_told_what_the_decoder_and_the_pipeline_say() -> None:
    asked = Asked().run()
    for number, (address, bytes_) in enumerate(BLOCKS):
        block = decode_block(address, bytes_)
        defined = asked.answers.blocks[number]
        assert defined.accesses == block.accesses
        assert [defined.address_of(i) for i in range(len(block.instructions))] == [
            instruction.address for instruction in block.instructions
        ]
        assert defined == block
    told = asked.said[0]
    assert told[FIELDS.index("accesses")] == 3
    assert len(asked.answers.schedules) == len(
        [row for row in asked.said if isinstance(row, tuple)]
    )


def test_a_file_says_the_same_again_without_decoding(no_decoding: Callable[[], None]) -> None:
    first = Asked().run()
    data = file_of(first.scheduler, None)
    no_decoding()
    assert data is not None
    again = Asked(data).run()
    assert again.said == first.said
    assert file_of(again.scheduler, again.kept) == data


def test_a_schedule_that_is_asked_for_later_is_the_one_that_c_was_told() -> None:
    first = Asked().run()
    data = file_of(first.scheduler, None)
    assert data is not None
    again = Asked(data).run()
    assert again.answers.schedules == tuple(first.answers.schedules)


def test_blocks_that_nobody_asked_for_stay_in_the_file() -> None:
    first = Asked().run()
    data = file_of(first.scheduler, None)
    assert data is not None
    other = Scheduler(make_pipeline(PARAMS))
    kept = KeptFacts(data, other.pipeline)
    assert len(kept) == len(BLOCKS)
    assert file_of(other, kept) == data


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_refused_or_what_does_not_hold_is_made_again(seed: int) -> None:
    """Any bytes of it, anywhere: no error but the file's own, and C reads nothing outside."""
    data = file_of(Asked().run().scheduler, None)
    assert data is not None
    random = Random(seed)
    for _ in range(60):
        damaged = bytearray(data)
        if random.random() < 0.2:
            damaged = damaged[: random.randrange(len(damaged))]
        for _ in range(random.randint(1, 4)):
            if damaged:
                damaged[random.randrange(len(damaged))] = random.choice((0, 1, 0x7F, 0x80, 0xFF))
        try:
            asked = Asked(bytes(damaged))
        except DamagedFileError:
            continue
        asked.run()


@pytest.mark.parametrize("field", range(15))
def test_facts_with_a_count_that_lies_are_not_sound(field: int) -> None:
    asked = Asked().run()
    facts = asked.answers.facts[1]
    size = len(BLOCKS[1][1])
    lies = bytearray(facts.packed)
    lies[4 * field : 4 * field + 4] = (0x7FFF_FFF8).to_bytes(4, "little")
    block = ffi.new("struct block_static *")
    told = BlockFacts(bytes(lies))
    status = lib.core_unpack_block(
        told.address, len(lies), 0x804, size, len(asked.answers.tables), block
    )
    # Where a branch goes and what SP is are numbers that nothing is read by.
    assert (status == lib.CORE_OK) == (field in (5, 14))
