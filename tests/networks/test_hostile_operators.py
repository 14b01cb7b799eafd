"""A damaged operator is refused in one line, or its kernel keeps to its buffers."""

from __future__ import annotations

import random

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert: pip install mcusim[test]")

from simcore.errors import McusimError
from tests.networks.examples import examples_of, kinds
from tests.networks.hostile import can_run, damaged
from tests.networks.target import Network, Target

MOST_WORK = 2_000_000  # operations of a kernel that a test waits for


def _tried(seed: int, count: int) -> tuple[int, int]:
    """How many damaged operators ran, and how many were refused."""
    rng, target = random.Random(seed), Target()
    base = [example for kind in kinds() for example in examples_of(kind, 1)]
    ran, messages = 0, list[str]()
    for _ in range(count):
        model = damaged(rng, rng.choice(base).model)
        try:
            network = Network(target, model)
        except McusimError as error:
            messages.append(str(error))
            continue
        work = sum(2 * call.macs + call.ops for _, call in network.each)
        if not can_run(model.main) or work > MOST_WORK:
            continue
        tensors = [model.main.tensors[index] for index in model.main.inputs]
        network.run(
            [[np.frombuffer(t.data or rng.randbytes(t.size_bytes), np.uint8) for t in tensors]]
        )
        ran += 1
    assert not [message for message in messages if "\n" in message]
    return ran, len(messages)


def test_damaged_operators_are_refused_or_keep_to_their_buffers() -> None:
    ran, refused = _tried(1, 600)
    assert ran > 100
    assert refused > 200


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", [2, 3])
def test_more_damaged_operators_are_refused_or_keep_to_their_buffers(seed: int) -> None:
    _tried(seed, 8_000)
