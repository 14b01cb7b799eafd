"""The operations as the TFLite int8 quantization specification defines them, slow and obvious.

Plain Python integers in the order of the formulas, sharing nothing with the C kernels: no
unpacking, no blocking, no shortcuts in the rounding. layers.py makes expected outputs with it.
Source of the rounding rules: gemmlowp fixedpoint.h and TFLite's MultiplyByQuantizedMultiplier,
restated from their documentation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class Quantization:
    """Offsets and fused activation of a layer; multiplier and shift per output channel."""

    input_offset: int  # minus the input zero point
    output_offset: int  # the output zero point
    activation_min: int
    activation_max: int
    multipliers: tuple[int, ...]
    shifts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Convolution:
    """Shape of a convolution: NHWC activations of batch 1, OHWI weights."""

    input_height: int
    input_width: int
    input_channels: int
    output_height: int
    output_width: int
    output_channels: int
    kernel_height: int
    kernel_width: int
    stride_height: int = 1
    stride_width: int = 1
    dilation_height: int = 1
    dilation_width: int = 1
    padding_top: int = 0
    padding_left: int = 0


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """A positive real scale as (multiplier in [2^30, 2^31), shift): scale = m * 2^(shift - 31)."""
    mantissa, exponent = math.frexp(scale)
    multiplier = round(mantissa * 2**31)
    if multiplier == 2**31:
        return 2**30, exponent + 1
    return multiplier, exponent


def saturating_rounding_doubling_high_multiply(a: int, b: int) -> int:
    """round(2ab / 2^32) as gemmlowp: nudge by a half away from zero, divide towards zero."""
    if a == INT32_MIN and b == INT32_MIN:
        return INT32_MAX
    product = a * b
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    quotient = abs(nudged) // 2**31
    return quotient if nudged >= 0 else -quotient


def rounding_divide_by_power_of_two(value: int, exponent: int) -> int:
    """round(value / 2^exponent), ties away from zero."""
    quotient, remainder = divmod(abs(value), 1 << exponent)
    rounded = quotient + (2 * remainder >= 1 << exponent and exponent > 0)
    return rounded if value >= 0 else -rounded


def requantize(accumulator: int, multiplier: int, shift: int) -> int:
    """TFLite's MultiplyByQuantizedMultiplier."""
    left, right = max(shift, 0), max(-shift, 0)
    high = saturating_rounding_doubling_high_multiply(accumulator << left, multiplier)
    return rounding_divide_by_power_of_two(high, right)


def finish(accumulator: int, channel: int, quantization: Quantization) -> int:
    """Requantizes one output value and applies zero point and activation."""
    value = requantize(accumulator, quantization.multipliers[channel], quantization.shifts[channel])
    value += quantization.output_offset
    return min(max(value, quantization.activation_min), quantization.activation_max)


def conv2d(
    shape: Convolution,
    quantization: Quantization,
    inputs: Sequence[int],
    weights: Sequence[int],
    bias: Sequence[int],
) -> list[int]:
    """Output of a convolution in NHWC order; places outside the input hold the zero point."""
    channels = shape.input_channels
    size = shape.kernel_height * shape.kernel_width * channels
    rows = [weights[o * size : (o + 1) * size] for o in range(shape.output_channels)]
    outputs: list[int] = []
    for oy in range(shape.output_height):
        for ox in range(shape.output_width):
            patch: list[int] = []
            for ky in range(shape.kernel_height):
                y = oy * shape.stride_height - shape.padding_top + ky * shape.dilation_height
                for kx in range(shape.kernel_width):
                    x = ox * shape.stride_width - shape.padding_left + kx * shape.dilation_width
                    if 0 <= y < shape.input_height and 0 <= x < shape.input_width:
                        start = (y * shape.input_width + x) * channels
                        pixel = inputs[start : start + channels]
                        patch.extend(value + quantization.input_offset for value in pixel)
                    else:
                        patch.extend([0] * channels)
            outputs.extend(
                finish(bias[o] + sum(map(mul, patch, row)), o, quantization)
                for o, row in enumerate(rows)
            )
    return outputs


def depthwise_conv2d(
    shape: Convolution,
    quantization: Quantization,
    inputs: Sequence[int],
    weights: Sequence[int],
    bias: Sequence[int],
) -> list[int]:
    """Output of a depthwise convolution with as many outputs as inputs: weights by height, width
    and channel; places outside the input hold the zero point."""
    channels = shape.input_channels
    outputs: list[int] = []
    for oy in range(shape.output_height):
        for ox in range(shape.output_width):
            sums = list(bias)
            for ky in range(shape.kernel_height):
                y = oy * shape.stride_height - shape.padding_top + ky * shape.dilation_height
                for kx in range(shape.kernel_width):
                    x = ox * shape.stride_width - shape.padding_left + kx * shape.dilation_width
                    if not (0 <= y < shape.input_height and 0 <= x < shape.input_width):
                        continue
                    at = (y * shape.input_width + x) * channels
                    tap = (ky * shape.kernel_width + kx) * channels
                    for c in range(channels):
                        value = inputs[at + c] + quantization.input_offset
                        sums[c] += value * weights[tap + c]
            outputs.extend(finish(value, c, quantization) for c, value in enumerate(sums))
    return outputs


def fully_connected(
    quantization: Quantization,
    inputs: Sequence[int],
    weights: Sequence[int],
    bias: Sequence[int],
) -> list[int]:
    """Output of a fully connected layer; weights are rows of len(inputs) values per output."""
    shifted = [value + quantization.input_offset for value in inputs]
    size = len(inputs)
    return [
        finish(
            bias[o] + sum(map(mul, shifted, weights[o * size : (o + 1) * size])), o, quantization
        )
        for o in range(len(bias))
    ]
