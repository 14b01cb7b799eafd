"""How large the tensors of a runner's operation are, from its arguments: the runner's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

Shape = tuple[int, int, int]  # height, width, channels
Arguments = Mapping[str, int | str]

WINDOWED = ("conv2d", "depthwise_conv2d", "max_pool", "average_pool")
_BYTES = {"s8": 1, "s16": 2, "f32": 4}  # of an activation; weights are int8 or float


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


def split(kernel: str) -> tuple[str, str]:
    """An operation and its number format: conv2d and s8."""
    name, _, number_format = kernel.rpartition("_")
    return name, number_format


def read_arguments(text: str) -> dict[str, int | str]:
    """The arguments of a command as numbers, where they are some."""
    words = (word.partition("=") for word in text.split())
    return {key: int(value) if value.isdigit() else value for key, _, value in words}


def tensors_of(kernel: str, arguments: Arguments) -> Tensors:
    """The tensors of an operation whose shape is given whole."""
    name, number_format = split(kernel)
    size = _BYTES[number_format]
    weight_size = 4 if number_format == "f32" else 1
    if name == "fully_connected":
        inputs, outputs = _number(arguments, "inputs"), _number(arguments, "outputs")
        return Tensors((size * inputs,), size * outputs, weight_size * inputs * outputs)
    if name == "softmax":
        values = _number(arguments, "rows") * _number(arguments, "columns")
        return Tensors((values,), values, 0)
    height = _number(arguments, "h")
    shape = (height, _number(arguments, "w", height), _number(arguments, "c"))
    values = prod(shape)
    if name in ("add", "mul"):
        return Tensors((values, values), values, 0)
    if name == "concatenate":
        second = shape[0] * shape[1] * _number(arguments, "c2", shape[2])
        return Tensors((values, second), values + second, 0)
    if name == "pad":
        pad = 2 * _number(arguments, "pad", 1)
        return Tensors((values,), (shape[0] + pad) * (shape[1] + pad) * shape[2], 0)
    output = output_shape(kernel, arguments, shape)
    weights = weight_size * weights_of(kernel, arguments, shape, output)
    return Tensors((size * values,), size * prod(output), weights)


def output_shape(kernel: str, arguments: Arguments, shape: Shape) -> Shape:
    """The output of an operation on one image."""
    name, _ = split(kernel)
    if name == "fully_connected":
        return 1, 1, _number(arguments, "outputs")
    if name == "pointwise_conv2d":
        return shape[0], shape[1], _number(arguments, "filters", shape[2])
    if name not in WINDOWED:
        return shape
    rows, columns = (
        _windows(size, arguments, axis, name.endswith("pool"))
        for size, axis in ((shape[0], "h"), (shape[1], "w"))
    )
    return rows, columns, _number(arguments, "filters", shape[2])


def weights_of(kernel: str, arguments: Arguments, shape: Shape, output: Shape) -> int:
    """How many weights an operation has between an input and an output of these shapes."""
    name, _ = split(kernel)
    window = prod(_number(arguments, f"k{axis}", _number(arguments, "k", 1)) for axis in "hw")
    match name:
        case "fully_connected":
            return prod(shape) * output[2]
        case "conv2d" | "pointwise_conv2d":
            return window * shape[2] * output[2]
        case "depthwise_conv2d":
            return window * output[2]
        case _:
            return 0


def _windows(size: int, arguments: Arguments, axis: str, pools: bool) -> int:
    """Windows along one axis; a pool's stride is its window unless it says another."""
    kernel = _number(arguments, f"k{axis}", _number(arguments, "k", 1))
    stride = _number(arguments, f"s{axis}", _number(arguments, "stride", kernel if pools else 1))
    if arguments.get("pad", "same") == "same":
        return -(-size // stride)
    return (size - kernel) // stride + 1


def _number(arguments: Arguments, key: str, fallback: int | None = None) -> int:
    value = arguments.get(key, fallback)
    assert isinstance(value, int), f"{key} is no number"
    return value
