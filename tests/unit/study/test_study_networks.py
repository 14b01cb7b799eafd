"""Networks of a study: sizes, buffers that are shared over time, plain loops of the same shapes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.elf import load_image
from simcore.errors import ConfigError
from simcore.network.arena import LINE, Lifetime, least, plan
from simcore.study.charts import on_colour
from simcore.study.layers import load_networks, read_networks, select, told_apart
from simcore.study.plain import layer_list
from tests.networks.writer import write

PREBUILT = Path(__file__).resolve().parents[3] / "kernels" / "prebuilt"
NETWORKS = {network.name: network for network in load_networks()}

lifetimes = st.builds(
    lambda size, first, length: Lifetime(size, first, first + length),
    st.integers(1, 5000),
    st.integers(0, 8),
    st.integers(0, 4),
)


@given(st.lists(lifetimes, max_size=12))
def test_tensors_that_live_together_share_no_byte(tensors: list[Lifetime]) -> None:
    named = {f"t{i}": tensor for i, tensor in enumerate(tensors)}
    offsets, size = plan(named)
    assert list(offsets) == list(named)
    assert all(offset % LINE == 0 for offset in offsets.values())
    for one, other in itertools.combinations(named, 2):
        if named[one].meets(named[other]):
            apart = offsets[one] + named[one].size <= offsets[other]
            assert apart or offsets[other] + named[other].size <= offsets[one]
    assert size == max((offsets[n] + named[n].size for n in named), default=0)
    assert size >= least(named)


def test_a_place_is_used_again_when_its_tensor_is_dead() -> None:
    chain = {f"t{i}": Lifetime(100 - i, i, i + 1) for i in range(6)}
    assert plan(chain)[1] == 128 + 99
    assert least(chain) == 199


@pytest.mark.parametrize(
    ("name", "peak", "parameters"),
    [
        # Conv1's input beside nothing larger than its own output and pool1's: 32 x 32 x 32 and a
        # quarter of it.
        ("cifar10-cnn", 32 * 32 * 32 + 16 * 16 * 32, 89_578),
        ("ds-cnn", 2 * 25 * 5 * 64, 22_604),
        ("resnet-8", 3 * 32 * 32 * 16, 77_706),  # the skipped tensor, and one in and one out
        ("autoencoder", 640 + 128, 265_864),
    ],
)
def test_memory_of_a_network_is_what_one_counts_by_hand(
    name: str, peak: int, parameters: int
) -> None:
    assert NETWORKS[name].peak_activation_bytes == peak
    assert NETWORKS[name].parameters == parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_are_those_that_are_promised(name: str) -> None:
    network = NETWORKS[name]
    assert sum(step.call.macs for step in network.lowered.steps) == network.macs
    assert all(step.call.is_optimised for step in network.lowered.steps)


def test_the_layer_list_is_what_the_runner_reads() -> None:
    """Tensors lie where the plan of the network has them, an addition in place of its input."""
    network = NETWORKS["resnet-8"]
    text = layer_list(network, "plain", load_image(str(PREBUILT / "nn.elf")))
    assert text is not None
    lines = text.splitlines()
    assert lines[0] == "# ResNet-8 image classification"
    places = {
        network.lowered.tensor(key).name: one.offset for key, one in network.plan.places.items()
    }
    first, other, made = (places[name] for name in ("conv1", "s1-conv2", "s1-add"))
    assert lines[4] == (
        f"add_s8 name=s1-add size=16384 activation=relu in={first} in2={other} out={made}"
        " variant=plain"
    )
    assert made in (first, other)
    assert len(lines) == 16
    assert max(map(len, lines)) < 511


def test_a_file_of_a_network_is_that_network(tmp_path: Path) -> None:
    """Written as a converter writes it and read again: the same calls, the same places."""
    shipped = NETWORKS["ds-cnn"]
    (tmp_path / "mine.tflite").write_bytes(write(shipped.lowered.model))
    (read,) = read_networks([str(tmp_path / "mine.tflite")])
    calls, others = ([step.call for step in one.lowered.steps] for one in (read, shipped))
    assert calls == others
    assert (read.plan, read.parameters) == (shipped.plan, shipped.parameters)
    assert read.layer_name(read.lowered.steps[1]) == "depthwise_conv_2d_1"


def test_files_of_one_name_are_called_by_their_paths() -> None:
    files = [
        replace(network, name=name, source=f"{folder}/{name}.tflite", is_file=True)
        for folder, name, network in (
            ("a", "ds-cnn", NETWORKS["ds-cnn"]),
            ("a", "mine", NETWORKS["autoencoder"]),
        )
    ]
    names = [network.name for network in told_apart((*files, NETWORKS["ds-cnn"]))]
    assert names == ["a/ds-cnn.tflite", "mine", "ds-cnn"]


def test_a_network_of_other_operators_has_no_plain_variant() -> None:
    network = NETWORKS["autoencoder"]
    steps = network.lowered.steps
    other = replace(steps[3], call=replace(steps[3].call, kernel="op_mean_s8"))
    odd = replace(network, lowered=replace(network.lowered, steps=(*steps[:3], other, *steps[4:])))
    assert layer_list(odd, "plain", load_image(str(PREBUILT / "nn.elf"))) is None


def test_networks_are_chosen_by_pattern() -> None:
    chosen = select(list(NETWORKS.values()), ["*-8", "auto*"])
    assert [network.name for network in chosen] == ["resnet-8", "autoencoder"]
    with pytest.raises(ConfigError, match="'resnet8' matches no network; did you mean 'resnet-8'"):
        select(list(NETWORKS.values()), ["resnet8"])


def test_letters_stand_out_on_every_colour() -> None:
    assert on_colour("#000000") == on_colour("#0072B2") == "white"
    assert on_colour("#ffffff") == on_colour("#E69F00") == "#222222"
