"""Ends of networks that no converter makes: each runs, or is refused in one line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simcore.errors import NetworkError
from simcore.network.graph import Model
from simcore.network.inputs import network_inputs
from simcore.network.refusals import refuse_unsupported
from tests.networks.building import Net

GIVEN, MADE, CONSTANT, UNUSED = range(4)  # tensors


def network(inputs: tuple[int, ...], outputs: tuple[int, ...], computes: int = MADE) -> Model:
    """The sum of an input and a constant, with these ends."""
    net = Net(np.random.default_rng(3))
    given = net.input((1, 8), "int8", 1.0, 0)
    net.tensor((1, 8), "int8", 1.0, 0)
    constant = net.constant(np.ones((1, 8), np.int8), 1.0)
    net.tensor((1, 8), "int8", 1.0, 0)
    net.add("ADD", (given, constant), (computes,))
    model = net.model(MADE)
    return replace(model, subgraphs=(replace(model.main, inputs=inputs, outputs=outputs),))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (network((GIVEN, CONSTANT), (MADE,)), "'t2' is a constant and an input of the network"),
        (network((GIVEN,), (CONSTANT, MADE)), "'t2' is a constant and an output of the network"),
        (network((GIVEN, MADE), (MADE,)), "operator 0 ADD: computes 't1', which is an input"),
        (network((GIVEN,), (UNUSED,)), "no operator computes its output 't3'"),
        (network((GIVEN,), (MADE,), CONSTANT), "operator 0 ADD: computes 't2', which is a const"),
        (network((GIVEN,), ()), "the network has no output"),
    ],
)
def test_ends_that_cannot_be_are_refused(model: Model, said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        refuse_unsupported(model)


def test_a_tensor_that_is_an_end_twice_is_given_once() -> None:
    model = network((GIVEN, UNUSED, GIVEN), (MADE, MADE, GIVEN))
    refuse_unsupported(model)
    (row,) = network_inputs(model.main, (), 1).inferences
    alone = replace(model.main, inputs=(GIVEN, UNUSED))
    (once,) = network_inputs(alone, (), 1).inferences
    assert row == (*once, once[0])
