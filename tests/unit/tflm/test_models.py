"""Models in memory: found by their own bytes, or refused, never with an error."""

from __future__ import annotations

import random
import struct

import pytest

from simcore.errors import NetworkError
from simcore.network.counts import activation_bytes, macs_of, param_bytes
from simcore.tflm.lifetimes import lifetimes
from simcore.tflm.models import Models, load
from tests import flat_models
from tests.flat_models import Operator, Subgraph, Tensor
from tests.unit.tflm.memory import FLASH, RAM, Memory

DENSE, CALLING = flat_models.dense(), flat_models.calling()


def lists(address: int, data: bytes, subgraph: int, operator: int) -> tuple[int, int]:
    """Where the inputs and outputs of an operator lie, of a model at an address."""
    loaded = load(address, data)
    assert loaded is not None
    return next(key for key, held in loaded.operators.items() if (subgraph, operator) in held)


def test_a_list_of_tensors_is_where_the_flatbuffer_has_it() -> None:
    inputs, outputs = lists(FLASH, DENSE, 0, 2)
    assert struct.unpack_from("<3i", DENSE, inputs - FLASH) == (2, 2, 3)
    assert struct.unpack_from("<2i", DENSE, outputs - FLASH) == (1, 4)


@pytest.mark.parametrize("base", [FLASH, RAM])
def test_the_model_is_the_one_that_has_the_lists(base: int) -> None:
    """Two models and the code's own `TFL3` lie in front of each other."""
    start = 48
    second = start + len(DENSE) + 16
    content = b"TFL3".rjust(16, b"x").ljust(start, b"\0") + DENSE + bytes(16) + CALLING
    memory = Memory(content) if base == FLASH else Memory(ram=content)
    models = Models(memory)
    for address, data, subgraph, operator in (
        (base + second, CALLING, 1, 0), (base + start, DENSE, 0, 3), (base + second, CALLING, 0, 1),
    ):  # fmt: skip
        found = models.of(*lists(address, data, subgraph, operator))
        assert found is not None
        assert (found[0].address, found[1]) == (address, ((subgraph, operator),))
    assert len(models.found) == 2
    assert models.of(base + start + 4, base + start + 8) is None
    assert models.of(0x6000_0000, 0x6000_0000) is None


def test_what_looks_like_a_model_and_is_none_is_remembered() -> None:
    inputs, outputs = lists(FLASH, DENSE, 0, 0)
    models = Models(Memory(flat_models.damaged()))
    assert models.of(inputs, outputs) is None
    assert "damaged .tflite file" in models.refused[FLASH]


def test_changed_bytes_make_a_model_or_one_line() -> None:
    """2,000 models with a few random bytes changed, by seed."""
    chance = random.Random(20)
    for _ in range(2000):
        data = bytearray(chance.choice((DENSE, CALLING)))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        refused = ""
        try:
            load(FLASH, bytes(data[: chance.choice((len(data), chance.randrange(8, 400)))]))
        except NetworkError as error:
            refused = str(error)
        assert "\n" not in refused


def test_a_tensor_lives_from_who_writes_it_to_who_reads_it_last() -> None:
    loaded = load(FLASH, DENSE)
    assert loaded is not None
    # input; of layer 1, of the activation, of the sum, of layer 2; constants are left out
    assert lifetimes(loaded.model.main) == {0: (0, 0), 2: (0, 2), 3: (1, 2), 4: (2, 3), 6: (3, 3)}


def test_counts_are_those_of_shapes() -> None:
    tensors = [
        Tensor("in", (1, 10, 8, 3)),
        Tensor("conv/weights", (16, 3, 5, 3), bytes(16 * 45)),
        Tensor("conv", (1, 10, 8, 16)),
        Tensor("depthwise/weights", (1, 3, 3, 16), bytes(9 * 16)),
        Tensor("depthwise", (1, 5, 4, 16)),
        Tensor("sum", (1, 5, 4, 16)),
    ]
    operators = [
        Operator("CONV_2D", (0, 1), (2,)),
        Operator("DEPTHWISE_CONV_2D", (2, 3), (4,)),
        Operator("ADD", (4, 4), (5,)),
    ]
    loaded = load(0, flat_models.model([Subgraph(tensors, operators, (0,), (5,))]))
    assert loaded is not None
    graph = loaded.model.main
    assert [macs_of(one, graph) for one in graph.operators] == [
        10 * 8 * 16 * 3 * 5 * 3, 5 * 4 * 16 * 3 * 3, 0,
    ]  # fmt: skip
    assert [param_bytes(one, graph) for one in graph.operators] == [720, 144, 0]
    assert [activation_bytes(one, graph) for one in graph.operators] == [240 + 1280, 1600, 640]
