"""int8 networks with made-up weights, layer by layer: what they compute is noise, never saturated.

Every tensor has the same scale, and weights one that keeps sums of random values within it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod, sqrt
from random import Random
from typing import Final

from simcore.errors import ConfigError
from simcore.network.graph import Model, Operator, Quantization, Subgraph, Tensor
from simcore.network.prepare.scales import single
from simcore.study.operators import RunnerOperator, Shape

_SCALE: Final = 1 / 16
#: Of a tensor behind a fused ReLU the whole range is above 0, as converters have it.
_ZERO_POINTS: Final = {"RELU": -128, "NONE": -5}
_PROBABILITIES: Final = Quantization((1 / 256,), (-128,))  # of softmax, by its specification
#: Root of the mean square of random int8 inputs and weights, and what outputs are to have.
_INPUTS, _WEIGHTS, _OUTPUTS = 50.0, 74.0, 40.0
_BIAS: Final = 1 << 10


class MadeUp:
    """A network that grows; tensors are known by their names. ``seed`` decides the weights.

    ``blank``: weights are zeros, of a network whose shapes alone are asked for.
    """

    def __init__(self, seed: str, blank: bool = False) -> None:
        self._random = Random(seed)
        self._is_blank = blank
        self._name = seed
        self._tensors: list[Tensor] = []
        self._operators: list[Operator] = []
        self._at: dict[str, int] = {}

    def input(self, name: str, shape: Shape) -> None:
        """The input of the network."""
        self._tensor(name, shape, Quantization((_SCALE,), (_ZERO_POINTS["NONE"],)))

    def layer(self, name: str, operator: RunnerOperator, inputs: Sequence[str]) -> None:
        """An operator on tensors by name; its output has the name of the layer.

        Raises ConfigError for an input that no layer before makes.
        """
        for one in inputs:
            if one not in self._at:
                raise ConfigError(f"{self._name}: layer {name} reads '{one}', which no layer makes")
        read = [self._at[one] for one in inputs]
        if operator.weights is not None:
            read += self._weights(name, operator.weights, operator.kind)
        made = self._tensor(name, operator.output, self._quantization(operator, read[0]))
        self._operators.append(
            Operator(len(self._operators), operator.kind, 1, tuple(read), (made,),
                     options=operator.options)
        )  # fmt: skip

    def model(self, output: str) -> Model:
        """The network, whose output is the tensor of that name."""
        tensors, operators = tuple(self._tensors), tuple(self._operators)
        main = Subgraph(self._name, tensors, operators, (0,), (self._at[output],))
        return Model(self._name, (main,))

    def _quantization(self, operator: RunnerOperator, first: int) -> Quantization | None:
        """Of an output: softmax has its own, what only moves values that of its input."""
        if operator.kind == "SOFTMAX":
            return _PROBABILITIES
        if operator.weights is None and operator.kind != "ADD":
            return self._tensors[first].quantization
        activation = str(operator.options.get("fused_activation_function", "NONE"))
        return Quantization((_SCALE,), (_ZERO_POINTS[activation],))

    def _weights(self, name: str, shape: Shape, kind: str) -> list[int]:
        """Weights of a scale for each output channel, and biases: their indices."""
        axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
        channels = shape[axis]
        scale = single(_OUTPUTS / (_INPUTS * _WEIGHTS * sqrt(prod(shape) / channels)))
        zeros = (0,) * channels
        size = prod(shape)
        if self._is_blank:
            data, biases = bytes(size), bytes(4 * channels)
        else:
            data = self._random.randbytes(size).replace(b"\x80", b"\x81")  # -127 to 127
            values = (self._random.randint(-_BIAS, _BIAS) for _ in range(channels))
            biases = struct.pack(f"<{channels}i", *values)
        weights = Quantization((scale,) * channels, zeros, axis)
        bias = Quantization((scale * _SCALE,) * channels, zeros)
        return [
            self._tensor(f"{name}.weights", shape, weights, data),
            self._tensor(f"{name}.bias", (channels,), bias, biases, "int32"),
        ]  # fmt: skip

    def _tensor(
        self,
        name: str,
        shape: Shape,
        quantization: Quantization | None,
        data: bytes | None = None,
        kind: str = "int8",
    ) -> int:
        at = len(self._tensors)
        self._tensors.append(Tensor(at, name, shape, kind, quantization, data))
        self._at[name] = at
        return at
