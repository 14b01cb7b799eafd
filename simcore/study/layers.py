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
from simcore.network.arena import Lifetime, plan
from simcore.study.tensors import Shape, output_shape, weights_of

FILE = Path(__file__).with_name("networks.toml")
INPUT = "input"  # the name of the tensor that a network is given


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
        arguments = _arguments(entry["kernel"], shape) | others
        output = output_shape(entry["kernel"], arguments, shape)
        weights = weights_of(entry["kernel"], arguments, shape, output)
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


def _arguments(kernel: str, shape: Shape) -> dict[str, int | str]:
    """The runner's arguments that follow from the shape of the input."""
    height, width, channels = shape
    match kernel:
        case "fully_connected_s8":
            return {"inputs": prod(shape)}
        case "softmax_s8":
            return {"rows": height * width, "columns": channels}
        case _:
            return {"h": height, "w": width, "c": channels}


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
