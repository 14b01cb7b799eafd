"""Networks as sketches: sizes, memory and layers are those of the network that runs."""

from __future__ import annotations

from typing import Any

import pytest

from simcore.errors import ConfigError, NetworkError
from simcore.estimation.interpolation import ANCHORS, family_of
from simcore.estimation.shapes import layer_shape, made_up_facts, shape_of
from simcore.estimation.sketch import sketch_of, sketch_of_list
from simcore.search.spaces import FAMILIES, RANKED, NetworkSpace, random_tables
from simcore.study.layers import load_networks, network_of
from simcore.study.operators import read_arguments, runner_operator

NETWORKS = {network.name: network for network in load_networks()}
SMALL = NetworkSpace("ds-cnn", ((20, 12, 3), (9, 9, 1)), (2, 3), (8, 16, 24))
TABLES = [
    table
    for family in FAMILIES
    for table in random_tables(
        NetworkSpace(family, SMALL.inputs, SMALL.blocks, SMALL.widths), count=4, seed=3
    )
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table["name"])
def test_a_list_has_the_sizes_of_the_network_that_it_becomes(table: dict[str, Any]) -> None:
    # The network is made with its weights and planned as one that runs is.
    sketch, network = sketch_of_list(table), network_of(table)
    steps = network.lowered.steps
    assert [layer.facts.kernel for layer in sketch.layers] == [step.call.kernel for step in steps]
    assert sketch.macs == sum(step.call.macs for step in steps)
    assert sketch.parameters == network.parameters
    assert sketch.peak_activation_bytes == network.peak_activation_bytes
    assert sketch.scratch_bytes == network.scratch_bytes


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_and_its_list_have_the_same_layers(name: str) -> None:
    network = NETWORKS[name]
    sketch = sketch_of(network)
    assert all(layer.own is None for layer in sketch.layers)  # made-up weights are all usual
    assert sketch.peak_activation_bytes == network.peak_activation_bytes
    assert sketch.parameters == network.parameters


def test_huge_biases_are_another_class_of_quantization() -> None:
    # 2^29 is where requantize_is_small() of kernels/src/requantize.h ends.
    from dataclasses import replace

    network = NETWORKS["autoencoder"].lowered
    graph = network.model.main
    at = graph.operators[0].inputs[2]
    bias = graph.tensors[at]
    assert bias.data is not None
    huge = replace(bias, data=(1 << 29).to_bytes(4, "little") + bias.data[4:])
    tensors = (*graph.tensors[:at], huge, *graph.tensors[at + 1 :])
    other = replace(
        network, model=replace(network.model, subgraphs=(replace(graph, tensors=tensors),))
    )
    usual, none = shape_of(network, network.steps[0])
    unusual, own = shape_of(other, other.steps[0])
    assert (usual.content, none) == ("", None)
    assert unusual.content
    assert own is not None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "network: a network is a table with input = [height, width, channels]"),
        ({"input": [4, 4, 8], "layer": []}, "it has no layer"),
        ({"input": [4, 4, 8], "layer": [{"kernel": "conv9d_s8"}]}, "no operation 'conv9d_s8'"),
        ({"input": [4, 4, 8], "layer": [{"kernel": "conv2d_f32"}]}, "are int8"),
        ({"input": [4, 4, 8], "layer": [{"filters": 8}]}, "layer0: no layer of a list"),
        (
            {"input": [4, 4, 8], "layer": [{"kernel": "add_s8", "from": ["input", "else"]}]},
            "layer0: no layer of a list",
        ),
        (
            {"input": [4, 4, 8], "layer": [{"kernel": "conv2d_s8", "k": 9, "pad": "valid"}]},
            "layer0: ",
        ),
        ({"input": [4, 4, 8], "layer": [{"kernel": "fully_connected_s8"}]}, "outputs is no number"),
    ],
)  # fmt: skip
def test_a_wrong_list_is_one_line(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        sketch_of_list(table)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_no_network_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="int is no network"):
        sketch_of(3)
    path = tmp_path / "x.toml"
    path.write_text("input = ")
    with pytest.raises(NetworkError, match="not a list of layers"):
        sketch_of(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(NetworkError, match="not a list of layers"):
        sketch_of(path)
    with pytest.raises(NetworkError, match="cannot be read"):
        sketch_of(tmp_path / "none.tflite")


@pytest.mark.parametrize(
    ("command", "axes"),
    [
        ("pointwise_conv2d_s8 h=4 c=24 filters=40", 2),
        ("conv2d_s8 h=4 c=3 k=3 filters=40", 1),  # channels of a picture stay
        ("depthwise_conv2d_s8 h=4 c=24 k=3", 1),
        ("pointwise_conv2d_s8 h=4 c=24 filters=42", 0),  # no multiple of 8
        ("pointwise_conv2d_s8 h=4 c=24 filters=264", 0),  # beyond the anchors
        ("fully_connected_s8 inputs=24 outputs=40", 0),
    ],
)
def test_families_differ_in_channels_alone(command: str, axes: int) -> None:
    name, _, arguments = command.partition(" ")
    shape = layer_shape(runner_operator(name, read_arguments(arguments)))
    family = family_of(shape)
    assert axes == (0 if family is None else len(family.channels))
    if family is not None:
        assert family.member(family.channels) == shape
        other = family.member((ANCHORS[-1],) * axes)
        assert family_of(other) == family._replace(channels=(ANCHORS[-1],) * axes)
        assert made_up_facts(other).kernel == made_up_facts(shape).kernel


def test_random_networks_hang_on_seed_and_number_alone() -> None:
    assert random_tables(RANKED, 5, 1)[:3] == [
        {**table, "name": one["name"]}
        for table, one in zip(
            random_tables(RANKED, 3, 1), random_tables(RANKED, 5, 1), strict=False
        )
    ]
    assert random_tables(RANKED, 3, 1) != random_tables(RANKED, 3, 2)
