"""Networks as data: shapes, buffers that are shared over time, and the runner's layer list."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.errors import ConfigError
from simcore.network.arena import LINE, Lifetime, least, plan
from simcore.study.charts import on_colour
from simcore.study.layers import arena, layer_list, load_networks, select

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
    assert arena(NETWORKS[name])[1] == peak
    assert NETWORKS[name].parameters == parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_a_layer_never_writes_what_it_or_a_later_layer_still_reads(name: str) -> None:
    network = NETWORKS[name]
    offsets, size = arena(network)
    shapes = {"input": network.input} | {layer.name: layer.output for layer in network.layers}
    for number, layer in enumerate(network.layers):
        live = {tensor for later in network.layers[number:] for tensor in later.inputs}
        written = {"input"} | {before.name for before in network.layers[:number]}
        for other in live & written:
            mine = range(offsets[layer.name], offsets[layer.name] + _bytes(shapes[layer.name]))
            theirs = range(offsets[other], offsets[other] + _bytes(shapes[other]))
            assert mine.stop <= theirs.start or theirs.stop <= mine.start
    assert max(offsets.values()) < size


def _bytes(shape: tuple[int, int, int]) -> int:
    return shape[0] * shape[1] * shape[2]


def test_the_layer_list_is_what_the_runner_reads() -> None:
    lines = layer_list(NETWORKS["resnet-8"], "plain").splitlines()
    assert lines[0] == "# ResNet-8 image classification"
    assert lines[4] == (
        "add_s8 name=s1-add h=32 w=32 c=16 activation=relu in=0 in2=32768 out=16384 variant=plain"
    )
    assert len(lines) == 16
    assert max(map(len, lines)) < 511


def test_networks_are_chosen_by_pattern() -> None:
    chosen = select(list(NETWORKS.values()), ["*-8", "auto*"])
    assert [network.name for network in chosen] == ["resnet-8", "autoencoder"]
    with pytest.raises(ConfigError, match="'resnet8' matches no network; did you mean 'resnet-8'"):
        select(list(NETWORKS.values()), ["resnet8"])


def test_letters_stand_out_on_every_colour() -> None:
    assert on_colour("#000000") == on_colour("#0072B2") == "white"
    assert on_colour("#ffffff") == on_colour("#E69F00") == "#222222"
