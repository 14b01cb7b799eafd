"""A command of the runner of operations as an operator of a network, with its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from simcore.errors import ConfigError
from simcore.network.windows import windows

Shape: TypeAlias = tuple[int, ...]
Arguments: TypeAlias = Mapping[str, int | str]
Options: TypeAlias = dict[str, int | float | bool | str | tuple[int, ...]]

#: Builtin codes by the runner's names.
_KINDS = {
    "conv2d": "CONV_2D",
    "pointwise_conv2d": "CONV_2D",
    "depthwise_conv2d": "DEPTHWISE_CONV_2D",
    "fully_connected": "FULLY_CONNECTED",
    "max_pool": "MAX_POOL_2D",
    "average_pool": "AVERAGE_POOL_2D",
    "relu": "RELU",
    "clamp": "RELU6",
    "add": "ADD",
    "mul": "MUL",
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "softmax": "SOFTMAX",
    "copy": "RESHAPE",
    "pad": "PAD",
    "concatenate": "CONCATENATION",
    "transpose": "TRANSPOSE",
}
_TYPES = {"s8": "int8", "s16": "int16", "f32": "float32"}  # of activations
_WINDOWED = ("conv2d", "pointwise_conv2d", "depthwise_conv2d", "max_pool", "average_pool")


@dataclass(frozen=True, slots=True)
class RunnerOperator:
    """An operator as the schema has it; ``weights`` is the shape of its filter, None without one.

    ``type`` is that of its activations.
    """

    kind: str
    type: str
    inputs: tuple[Shape, ...]
    weights: Shape | None
    output: Shape
    options: Options

    @property
    def weight_type(self) -> str:
        """int8, also beside int16, or float32."""
        return "float32" if self.type == "float32" else "int8"


def split(kernel: str) -> tuple[str, str]:
    """An operation and its number format: conv2d and s8."""
    name, _, number_format = kernel.rpartition("_")
    return name, number_format


def read_arguments(text: str) -> dict[str, int | str]:
    """The arguments of a command as numbers, where they are some."""
    words = (word.partition("=") for word in text.split())
    return {key: int(value) if value.isdigit() else value for key, _, value in words}


def runner_operator(
    kernel: str, arguments: Arguments, inputs: Sequence[Shape] = ()
) -> RunnerOperator:
    """The operator of a command on inputs of these shapes, or of its own where none is given.

    Raises ConfigError for an operation that the runner does not have.
    """
    name, number_format = split(kernel)
    if name not in _KINDS or number_format not in _TYPES:
        raise ConfigError(f"the runner has no operation '{kernel}'")
    shapes = tuple(inputs) or _own_inputs(name, arguments)
    shape, options = shapes[0], _options(name, arguments)
    weights: Shape | None = None
    output = shape
    match name:
        case "fully_connected":
            outputs = _number(arguments, "outputs")
            weights, output = (outputs, prod(shape)), (1, outputs)
        case "concatenate":
            output = (*shape[:-1], shape[-1] + shapes[1][-1])
        case "pad":
            around = 2 * _number(arguments, "pad", 1)
            output = (shape[0], shape[1] + around, shape[2] + around, shape[3])
        case _ if name in _WINDOWED:
            window = _pair(arguments, "k", 1)
            filters = shape[3]
            if name == "depthwise_conv2d":
                filters *= _number(arguments, "multiplier", 1)
                weights = (1, *window, filters)
            elif name.endswith("conv2d"):
                filters = _number(arguments, "filters", shape[3])
                weights = (filters, *window, shape[3])
            output = (shape[0], *_windows(shape, window, options), filters)
    return RunnerOperator(_KINDS[name], _TYPES[number_format], shapes, weights, output, options)


def _own_inputs(name: str, arguments: Arguments) -> tuple[Shape, ...]:
    if name == "fully_connected":
        return ((1, _number(arguments, "inputs")),)
    if name == "softmax":
        return ((_number(arguments, "rows"), _number(arguments, "columns")),)
    height = _number(arguments, "h")
    shape = (1, height, _number(arguments, "w", height), _number(arguments, "c"))
    if name in ("add", "mul"):
        return shape, shape
    if name == "concatenate":
        return shape, (*shape[:3], _number(arguments, "c2", shape[3]))
    return (shape,)


def _options(name: str, arguments: Arguments) -> Options:
    """What the schema's options say of a command's arguments; those of a window are named alike."""
    found: Options = {}
    if arguments.get("activation") == "relu":
        found["fused_activation_function"] = "RELU"
    if name == "softmax":
        found["beta"] = 1.0
    if name not in _WINDOWED:
        return found
    pools = name.endswith("pool")
    height, width = _pair(arguments, "k", 1)
    stride = _number(arguments, "stride", 0)
    for axis, usual in (("h", height if pools else 1), ("w", width if pools else 1)):
        found[f"stride_{axis}"] = _number(arguments, f"s{axis}", stride or usual)
        if name in ("conv2d", "depthwise_conv2d"):
            found[f"dilation_{axis}_factor"] = _number(arguments, "dilation", 1)
    if pools:
        found |= {"filter_height": height, "filter_width": width}
    if name == "depthwise_conv2d":
        found["depth_multiplier"] = _number(arguments, "multiplier", 1)
    return found | {"padding": str(arguments.get("pad", "same")).upper()}


def _windows(shape: Shape, window: tuple[int, int], options: Options) -> tuple[int, int]:
    def along(axis: int) -> int:
        letter = "hw"[axis]
        dilation, stride = options.get(f"dilation_{letter}_factor", 1), options[f"stride_{letter}"]
        assert isinstance(dilation, int)
        assert isinstance(stride, int)
        reach = (window[axis] - 1) * dilation + 1
        return windows(shape[1 + axis], reach, stride, str(options["padding"]))[0]

    return along(0), along(1)


def _pair(arguments: Arguments, key: str, fallback: int) -> tuple[int, int]:
    """Arguments of both axes: kh and kw, or k for both."""
    both = _number(arguments, key, fallback)
    return _number(arguments, f"{key}h", both), _number(arguments, f"{key}w", both)


def _number(arguments: Arguments, key: str, fallback: int | None = None) -> int:
    value = arguments.get(key, fallback)
    assert isinstance(value, int), f"{key} is no number"
    return value
