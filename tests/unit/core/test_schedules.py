"""What is scheduled of straight-line code whose loads meet the same bank or not, as it comes."""

from __future__ import annotations

from random import Random

from simcore.core.schedules import Scheduler
from simcore.cpu_model import load_cpu_model
from simcore.isa import ProbeKind, decode_block
from simcore.pipeline import make_pipeline
from tests.unit.thumb_code import code

#: A look-up in a table, in the manner of a cipher: the second load's bank hangs on data.
LOOK_UP = (
    "ldr.w r0,[r1,r2,lsl #2] ; ldr.n r3,[r0] ; eor.w r0,r1,r2 ; eor.w r3,r0,r4 ;"
    " eor.w r4,r0,r5,lsl #2 ; lsl.w r0,r1,#3 ; uxtb.w r2,r3 ; eor.w r6,r7,r8"
)
TIMES, EXECUTIONS = 12, 300


def test_work_grows_with_the_code_and_not_with_the_combinations() -> None:
    bytes_ = code(" ; ".join([LOOK_UP] * TIMES))
    block = decode_block(0x400, bytes_)
    banks = [bit for bit, probe in enumerate(block.probes) if probe.kind == ProbeKind.SAME_BANK]
    assert len(banks) == TIMES
    scheduler = Scheduler(make_pipeline(load_cpu_model("stm32f746").core.pipeline))
    cut = scheduler.cut(block, bytes_, 0)
    random, seen = Random(1), set()
    for _ in range(EXECUTIONS):
        variant = sum(random.getrandbits(1) << bit for bit in banks)
        seen.add(variant)
        state = scheduler.pipeline.reset_state
        for number, stretch in enumerate(cut.stretches):
            schedule = scheduler.schedule(cut, number, state, variant & stretch.probes)
            state = schedule.after_next
    scheduled = sum(len(schedule.instructions) for schedule in cut.schedules.values())
    assert len(seen) > EXECUTIONS // 2  # as one block it would be scheduled for each of them
    assert scheduled <= 4 * len(block.instructions)
