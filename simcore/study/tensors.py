"""How large the tensors of a runner's operation are, each in cache lines of its own."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from simcore.network.graph import BYTES_OF_TYPE
from simcore.study.operators import Arguments, runner_operator


@dataclass(frozen=True, slots=True)
class Tensors:
    """Bytes of inputs, output and weights. Biases, multipliers and shifts are not among them."""

    inputs: tuple[int, ...]
    output: int
    weights: int

    @property
    def activations(self) -> int:
        """Inputs and output, each in cache lines of its own."""
        return sum(lines(size) for size in (*self.inputs, self.output))


def lines(size: int) -> int:
    """Bytes rounded up to whole cache lines of 32 bytes."""
    return -(-size // 32) * 32


def tensors_of(kernel: str, arguments: Arguments) -> Tensors:
    """The tensors of an operation whose shape is given whole."""
    operator = runner_operator(kernel, arguments)
    size, weights = BYTES_OF_TYPE[operator.type], operator.weights
    return Tensors(
        tuple(size * prod(shape) for shape in operator.inputs),
        size * prod(operator.output),
        0 if weights is None else BYTES_OF_TYPE[operator.weight_type] * prod(weights),
    )
