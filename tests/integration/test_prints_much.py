"""What a program prints is kept up to a bound, which is said."""

from __future__ import annotations

import io

from simcore.cpu_model import CpuModel
from simcore.run.options import MAX_PRINTED
from tests.integration.assembled import Build, go

PIECE, TIMES = 32768, 600  # 18.75 MiB
PRINTS = f"""
    movw r5, #{TIMES}
again:
    ldr r1, =text
    semihost 4
    subs r5, #1
    bne again
    movs r0, #0
    b exit_r0
    .ltorg
text:
    .fill {PIECE - 1}, 1, 'a'
    .asciz "\\n"
"""


def test_text_behind_the_bound_is_left_out_and_counted(build: Build, model: CpuModel) -> None:
    out = io.BytesIO()
    result = go(build(PRINTS), model, stdout=out)
    assert len(out.getvalue()) == MAX_PRINTED
    lost = PIECE * TIMES - MAX_PRINTED
    assert [text for text in result.warnings if f"{lost:,} bytes more than the 16 MiB" in text]
