"""Spaces of networks: families of layer lists, of which each choice is picked by who asks.

ds-cnn: Zhang and others, Hello Edge, arXiv 1711.07128, and MicroNets, arXiv 2010.11267. mobilenet:
inverted residuals, arXiv 1801.04381. resnet: MLPerf Tiny's ResNet-8 and its kin. autoencoder: that
of MLPerf Tiny.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

from simcore.errors import ConfigError

Row = dict[str, Any]


class Pick(Protocol):
    """Picks one of several options, which has a name."""

    def __call__(self, name: str, options: Sequence[Any], /) -> Any: ...


@dataclass(frozen=True, slots=True)
class NetworkSpace:
    """What networks of a family may be; every field has all that may be picked.

    ``inputs`` are height, width and channels (of the autoencoder 1, 1 and values), ``blocks`` how
    many, ``widths`` channels or neurons, ``strides`` of blocks, ``expansions`` of inverted
    residuals, ``first`` is the window and stride of the first convolution.
    """

    family: str
    inputs: tuple[tuple[int, int, int], ...]
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    strides: tuple[int, ...] = (1, 2)
    expansions: tuple[int, ...] = (1, 4, 6)
    first: tuple[int, int, int] = (3, 3, 2)
    outputs: int = 10

    def table(self, name: str, pick: Pick) -> Row:
        """A network of it as a layer list, see :func:`simcore.estimate`."""
        shape = pick("input", self.inputs)
        layers = FAMILIES[self.family](self, pick, shape)
        return {"name": name, "input": list(shape), "layer": layers}


def random_tables(space: NetworkSpace, count: int, seed: int) -> list[Row]:
    """Random networks of a space; ``seed`` and a network's number decide it, whatever the count."""
    digits = len(str(max(count - 1, 1)))
    found = []
    for number in range(count):
        random = Random(f"{space.family} {seed} {number}")
        found.append(
            space.table(
                f"{space.family}-{number:0{digits}}", lambda _, options, r=random: r.choice(options)
            )
        )
    return found


#: The space of the figures in docs/search.md.
RANKED: Final = NetworkSpace(
    "ds-cnn",
    inputs=((49, 10, 1), (28, 28, 1), (32, 32, 3)),
    blocks=tuple(range(4, 13)),
    widths=tuple(range(8, 257, 8)),
    strides=(1, 2),
    outputs=12,
)


def _conv(filters: int, window: tuple[int, int], stride: int, **more: Any) -> Row:
    return {
        "kernel": "conv2d_s8", "filters": filters, "kh": window[0], "kw": window[1],
        "stride": stride, "activation": "relu", **more,
    }  # fmt: skip


def _pointwise(filters: int, **more: Any) -> Row:
    return {"kernel": "pointwise_conv2d_s8", "filters": filters, **more}


def _depthwise(stride: int) -> Row:
    return {"kernel": "depthwise_conv2d_s8", "k": 3, "stride": stride, "activation": "relu"}


def _first(space: NetworkSpace, pick: Pick) -> tuple[Row, int]:
    height, width, stride = space.first
    filters = pick("width0", space.widths)
    return _conv(filters, (height, width), stride), filters


def _classifier(space: NetworkSpace, size: tuple[int, int]) -> list[Row]:
    return [
        {"kernel": "average_pool_s8", "kh": size[0], "kw": size[1], "pad": "valid"},
        {"kernel": "fully_connected_s8", "outputs": space.outputs},
        {"kernel": "softmax_s8"},
    ]


def _shrunk(size: tuple[int, int], stride: int) -> tuple[int, int]:
    return -(-size[0] // stride), -(-size[1] // stride)


def _ds_cnn(space: NetworkSpace, pick: Pick, shape: tuple[int, int, int]) -> list[Row]:
    row, _ = _first(space, pick)
    layers, size = [row], _shrunk((shape[0], shape[1]), space.first[2])
    for block in range(1, pick("blocks", space.blocks) + 1):
        stride, width = pick(f"stride{block}", space.strides), pick(f"width{block}", space.widths)
        layers += [_depthwise(stride), _pointwise(width, activation="relu")]
        size = _shrunk(size, stride)
    return [*layers, *_classifier(space, size)]


def _mobilenet(space: NetworkSpace, pick: Pick, shape: tuple[int, int, int]) -> list[Row]:
    row, channels = _first(space, pick)
    layers: list[Row] = [{**row, "name": "first"}]
    size, before = _shrunk((shape[0], shape[1]), space.first[2]), "first"
    for block in range(1, pick("blocks", space.blocks) + 1):
        stride, width = pick(f"stride{block}", space.strides), pick(f"width{block}", space.widths)
        times = pick(f"expansion{block}", space.expansions)
        if times > 1:
            layers.append(_pointwise(channels * times, activation="relu"))
        layers += [_depthwise(stride), _pointwise(width, name=f"block{block}")]
        if stride == 1 and width == channels:
            name = f"add{block}"
            layers.append({"kernel": "add_s8", "name": name, "from": [before, f"block{block}"]})
            before = name
        else:
            before = f"block{block}"
        channels, size = width, _shrunk(size, stride)
    return [*layers, *_classifier(space, size)]


def _resnet(space: NetworkSpace, pick: Pick, shape: tuple[int, int, int]) -> list[Row]:
    row, channels = _first(space, pick)
    layers: list[Row] = [{**row, "name": "first"}]
    size, before = _shrunk((shape[0], shape[1]), space.first[2]), "first"
    for block in range(1, pick("blocks", space.blocks) + 1):
        stride, width = pick(f"stride{block}", space.strides), pick(f"width{block}", space.widths)
        layers.append(_conv(width, (3, 3), stride))
        last = _conv(width, (3, 3), 1, name=f"block{block}")
        del last["activation"]
        layers.append(last)
        beside = before
        if stride != 1 or width != channels:
            beside = f"beside{block}"
            short = _conv(width, (1, 1), stride, name=beside)
            short["from"] = [before]
            del short["activation"]
            layers.append(short)
        before = f"add{block}"
        sources = [beside, f"block{block}"]
        layers.append({"kernel": "add_s8", "name": before, "from": sources, "activation": "relu"})
        channels, size = width, _shrunk(size, stride)
    return [*layers, *_classifier(space, size)]


def _autoencoder(space: NetworkSpace, pick: Pick, shape: tuple[int, int, int]) -> list[Row]:
    values = shape[0] * shape[1] * shape[2]
    half = [
        pick(f"width{layer}", space.widths) for layer in range(1, pick("blocks", space.blocks) + 1)
    ]
    return [
        {"kernel": "fully_connected_s8", "outputs": outputs}
        for outputs in [*half, pick("bottleneck", space.widths), *reversed(half), values]
    ]


FAMILIES: Final[Mapping[str, Callable[[NetworkSpace, Pick, tuple[int, int, int]], list[Row]]]] = {
    "ds-cnn": _ds_cnn,
    "mobilenet": _mobilenet,
    "resnet": _resnet,
    "autoencoder": _autoencoder,
}


def check_space(space: NetworkSpace) -> None:
    """Raise ConfigError for a space that holds no network."""
    if space.family not in FAMILIES:
        raise ConfigError(f"family = '{space.family}': it is one of {', '.join(FAMILIES)}")
    for name in ("inputs", "blocks", "widths", "strides", "expansions"):
        values = getattr(space, name)
        if not values:
            raise ConfigError(f"the space is empty: {name} names nothing to pick")
