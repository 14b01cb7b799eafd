"""Networks as data: networks.toml read, shapes carried through, the runner's layer list written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from pathlib import Path
from typing import Any

from simcore.errors import ConfigError, nearest
from simcore.study.buffers import Lifetime, plan

FILE = Path(__file__).with_name("networks.toml")
INPUT = "input"  # the name of the tensor that a network is given

Shape = tuple[int, int, int]  # height, width, channels


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with the names and shapes of its inputs; ``arguments`` are the runner's."""

    name: str
    kernel: str
    inputs: tuple[str, ...]
    arguments: Mapping[str, int | str]
    output: Shape
    weights: int

    @property
    def biases(self) -> int:
        """One for each output channel of a layer that has weights."""
        return self.output[2] if self.weights else 0


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in the order in which they run; the output of each is a tensor of its name.

    ``macs`` is what networks.toml promises, for a test.
    """

    name: str
    title: str
    source: str
    input: Shape
    macs: int
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(layer.weights + layer.biases for layer in self.layers)


def load_networks() -> tuple[Network, ...]:
    """The networks that ship with mcusim."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(_network(row) for row in table["network"])


def select(networks: Sequence[Network], patterns: Sequence[str]) -> tuple[Network, ...]:
    """The networks whose name a pattern matches, all when there is none.

    Raises ConfigError for a pattern that matches none, with the names that come near.
    """
    names = [network.name for network in networks]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            hint = nearest(pattern, names) or f" ({', '.join(names)})"
            raise ConfigError(f"--only '{pattern}' matches no network{hint}")
    return tuple(
        network
        for network in networks
        if not patterns or any(fnmatchcase(network.name, pattern) for pattern in patterns)
    )


def _network(row: Mapping[str, Any]) -> Network:
    height, width, channels = row["input"]
    shapes: dict[str, Shape] = {INPUT: (height, width, channels)}
    layers: list[Layer] = []
    for entry in row["layer"]:
        others = {k: v for k, v in entry.items() if k not in ("kernel", "name", "from")}
        before = layers[-1].name if layers else INPUT
        inputs = tuple(entry.get("from", (before,)))
        shape = shapes[inputs[0]]
        arguments, output = _shapes(entry["kernel"], others, shape)
        weights = _weights(entry["kernel"], arguments, shape, output)
        layers.append(Layer(entry["name"], entry["kernel"], inputs, arguments, output, weights))
        shapes[entry["name"]] = output
    return Network(
        name=row["name"],
        title=row["title"],
        source=row["source"],
        input=shapes[INPUT],
        macs=row["macs"],
        layers=tuple(layers),
    )


def _shapes(
    kernel: str, others: Mapping[str, Any], shape: Shape
) -> tuple[dict[str, int | str], Shape]:
    """The runner's arguments and the output of a kernel on an input of this shape."""
    height, width, channels = shape
    image = {"h": height, "w": width, "c": channels}
    match kernel:
        case "fully_connected_s8":
            return {"inputs": prod(shape), **others}, (1, 1, others["outputs"])
        case "softmax_s8":
            return {"rows": height * width, "columns": channels, **others}, shape
        case "add_s8":
            return {**image, **others}, shape
        case "pointwise_conv2d_s8":
            return {**image, **others}, (height, width, others["filters"])
        case "conv2d_s8" | "depthwise_conv2d_s8" | "max_pool_s8" | "average_pool_s8":
            pools = kernel.endswith("pool_s8")
            rows = _windows(height, others, "h", pools)
            columns = _windows(width, others, "w", pools)
            return {**image, **others}, (rows, columns, others.get("filters", channels))
        case _:
            raise ValueError(f"no shape rule for {kernel}")


def _weights(kernel: str, arguments: Mapping[str, int | str], shape: Shape, output: Shape) -> int:
    """How many weights a kernel has between an input and an output of these shapes."""
    window = prod(int(arguments.get(f"k{axis}", arguments.get("k", 1))) for axis in "hw")
    match kernel:
        case "fully_connected_s8":
            return prod(shape) * output[2]
        case "conv2d_s8" | "pointwise_conv2d_s8":
            return window * shape[2] * output[2]
        case "depthwise_conv2d_s8":
            return window * output[2]
        case _:
            return 0


def _windows(size: int, arguments: Mapping[str, Any], axis: str, pools: bool) -> int:
    """Windows along one axis, as the runner counts them; a pool's stride is its window."""
    kernel = arguments.get(f"k{axis}", arguments.get("k"))
    stride = arguments.get(f"s{axis}", arguments.get("stride", kernel if pools else 1))
    assert kernel is not None
    if arguments.get("pad", "same") == "same":
        return -(-size // int(stride))
    return (size - int(kernel)) // int(stride) + 1


def arena(network: Network) -> tuple[dict[str, int], int]:
    """Offset of every tensor of a network in one buffer, and the bytes of that buffer.

    A tensor lives from the layer that writes it to the last that reads it; the network's output to
    the end.
    """
    written = {INPUT: -1} | {layer.name: i for i, layer in enumerate(network.layers)}
    read = {name: i for i, layer in enumerate(network.layers) for name in layer.inputs}
    read[network.layers[-1].name] = len(network.layers)
    shapes = {INPUT: network.input} | {layer.name: layer.output for layer in network.layers}
    return plan(
        {
            name: Lifetime(prod(shapes[name]), max(first, 0), read.get(name, first))
            for name, first in written.items()
        }
    )


def layer_list(network: Network, variant: str) -> str:
    """The layer list that the runner takes, tensors placed by :func:`arena`."""
    offsets, _ = arena(network)
    lines = [f"# {network.title}"]
    for layer in network.layers:
        words = [f"{key}={value}" for key, value in layer.arguments.items()]
        tensors = zip(("in", "in2"), layer.inputs, strict=False)
        words += [f"{key}={offsets[name]}" for key, name in tensors]
        words += [f"out={offsets[layer.name]}", f"variant={variant}"]
        lines.append(f"{layer.kernel} name={layer.name} {' '.join(words)}")
    return "\n".join(lines) + "\n"
