"""Instructions that are told of lie in more places than the engine knows ranges of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from simcore.cpu_model import CpuModel
from tests.integration.assembled import Build, go

PLACES = 48  # three times the ranges, see CODE_RANGES of native/capture/state.h
TURNS = 7


def program(order: Sequence[int], gaps: Sequence[int]) -> str:
    """Calls functions in an order, each turn. Of function i two instructions of four are skipped
    when r7, the turn, is not below i; behind each lie so many bytes, with a plain loop in front."""
    calls = "\n".join(f"    bl place{i}" for i in order)
    places = "\n".join(
        f"""
    .type place{i}, %function
place{i}:
    movs r2, #3
1:  subs r2, #1
    bne 1b
    cmp r7, #{i}
    itt lt
    addlt r0, r0, #1
    addlt r0, r0, #1
    bx lr
    .space {gaps[i]}
    .type plain{i}, %function
plain{i}:
    adds r1, #1
    bx lr
"""
        for i in range(PLACES)
    )
    plain = "\n".join(f"    bl plain{i}" for i in range(PLACES))
    return f"""
    movs r0, #0
    movs r1, #0
    movs r7, #0
turn:
{calls}
{plain}
    adds r7, #1
    cmp r7, #{TURNS}
    bne turn
    b exit_r0
{places}
"""


@pytest.mark.parametrize("seed", range(4))
def test_each_predicate_is_counted_wherever_it_lies(
    build: Build, model: CpuModel, seed: int
) -> None:
    drawn = random.Random(seed)
    order = drawn.sample(range(PLACES), PLACES)
    gaps = [drawn.choice((4, 16, 40, 200, 900, 4000)) for _ in range(PLACES)]
    result = go(build(program(order, gaps)), model)
    executed = 2 * sum(turn < place for turn in range(TURNS) for place in range(PLACES))
    assert result.exit_code == executed
    assert result.counters.total()["skipped"] == 2 * TURNS * PLACES - executed
