"""What LiteRT models of one operation are drawn from: windows, scales, activations.

Scales are drawn as floats; multipliers and shifts follow from them as TFLite derives them: the
product of the scales in double precision, then 31 bits of it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from hypothesis import strategies as st

from tests.kernels import layers_nn as nn
from tests.kernels import reference_nn as ref

Array = npt.NDArray[Any]
SAME, VALID = 0, 1  # schema.Padding
NONE, RELU, RELU6 = 0, 1, 3  # schema.ActivationFunctionType
Op = schema.BuiltinOperator
int8s = st.integers(-128, 127)
magnitudes = st.floats(0.001, 1.0)
paddings = st.sampled_from((SAME, VALID))
activations = st.sampled_from((NONE, RELU, RELU6))


def quantize(scale: float) -> tuple[int, int]:
    """TFLite's QuantizeMultiplier."""
    mantissa, exponent = math.frexp(scale)
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        return 2**30, exponent + 1
    return (multiplier, exponent) if exponent >= -31 else (0, 0)


def float32(value: float) -> float:
    """A scale as the model file holds it."""
    return float(np.float32(value))


def activation_limits(fused: int, scale: float, zero_point: int) -> tuple[int, int]:
    """The fused activation in the output's scale, as TFLite computes it in single precision."""
    low, high = -128, 127
    if fused in (RELU, RELU6):
        low = max(low, zero_point)
    if fused == RELU6:
        six = np.float32(6.0) / np.float32(scale)
        high = min(high, zero_point + math.floor(float(six) + 0.5))
    return low, high


def output_size(padding: int, size: int, reach: int, stride: int) -> int:
    """Rows or columns of the output; 0 when the kernel does not fit."""
    return -(-size // stride) if padding == SAME else max(size - reach + stride, 0) // stride


def window_of(draw: Any, padding: int, dilates: bool = True) -> tuple[tuple[int, int], ref.Window]:
    """An image size and a window as TFLite lays it."""
    while True:
        size = draw(st.integers(1, 9)), draw(st.integers(1, 9))
        kernel = draw(st.integers(1, 5)), draw(st.integers(1, 5))
        stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2))) if dilates else (1, 1)
        if padding == VALID:  # as large as it must be
            size = (
                max(size[0], (kernel[0] - 1) * dilation[0] + 1),
                max(size[1], (kernel[1] - 1) * dilation[1] + 1),
            )
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        output = [
            output_size(padding, n, r, s) for n, r, s in zip(size, reach, stride, strict=True)
        ]
        before = [
            max((o - 1) * s + r - n, 0) // 2
            for o, s, r, n in zip(output, stride, reach, size, strict=True)
        ]
        return size, ref.Window(
            kernel, (output[0], output[1]), stride, dilation, (before[0], before[1])
        )


def convolution_options(options: Any, window: ref.Window, padding: int, fused: int) -> Any:
    """Fills the options that convolutions share."""
    options.padding = padding
    options.strideH, options.strideW = window.stride
    options.dilationHFactor, options.dilationWFactor = window.dilation
    options.fusedActivationFunction = fused
    return options


def weight_values(rng: np.random.Generator, shape: tuple[int, ...], style: str) -> Array:
    """Weights: never -128, as the specification asks."""
    return np.maximum(nn.int8_values(rng, shape, style), -127).astype(np.int8)


def channel_scales(
    draw: Any, rng: np.random.Generator, terms: int, channels: int
) -> tuple[float, list[float], float]:
    """Scales of input, weights by channel, and output; now and then so that outputs saturate."""
    input_scale = float32(draw(magnitudes))
    weight_scales = [float32(value) for value in rng.uniform(0.001, 0.05, channels)]
    spread = input_scale * 0.02 * 74 * 74 * math.sqrt(terms)
    output_scale = float32(spread / draw(st.sampled_from((0.5, 45.0, 45.0, 4000.0))))
    return input_scale, weight_scales, output_scale


def layer_scales(
    input_scale: float, weight_scales: list[float], output_scale: float,
    zero_points: tuple[int, int], limits: tuple[int, int],
) -> ref.Scales:  # fmt: skip
    """What the kernels take for these scales."""
    pairs = [quantize(input_scale * scale / output_scale) for scale in weight_scales]
    return ref.Scales(
        -zero_points[0], zero_points[1], *limits,
        np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]),
    )  # fmt: skip
