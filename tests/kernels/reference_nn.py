"""The operations as the TFLite quantization specification defines them, with numpy.

Whole tensors of 64-bit integers in the order of the formulas, sharing nothing with the C kernels.
Shapes: activations [height, width, channels], weights [outputs, kernel height, kernel width,
inputs], depthwise weights [kernel height, kernel width, outputs]. Rounding: gemmlowp's
fixedpoint.h and TFLite's MultiplyByQuantizedMultiplier, restated from their documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Window:
    """How a kernel moves over an image. Pairs are (vertical, horizontal)."""

    kernel: tuple[int, int]
    output: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)  # rows above, columns left


@dataclass(frozen=True)
class Scales:
    """Zero points, fused activation, and a multiplier and shift per output channel."""

    input_offset: int
    output_offset: int
    low: int
    high: int
    multipliers: Array
    shifts: Array


def divide_towards_zero(value: Array, divisor: int) -> Array:
    """C's integer division."""
    return np.asarray(np.sign(value) * (np.abs(value) // divisor))


def high_multiply(value: Array | int, multiplier: Array | int) -> Array:
    """round(value * multiplier / 2^31), halves up; never both INT32_MIN."""
    product = np.asarray(value, np.int64) * np.asarray(multiplier, np.int64)
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    return divide_towards_zero(product + nudge, 1 << 31)


def divide_by_power_of_two(value: Array, exponent: Array | int) -> Array:
    """round(value / 2^exponent), halves away from zero."""
    half = (np.int64(1) << np.asarray(exponent, np.int64)) >> 1
    return np.asarray(np.sign(value) * ((np.abs(value) + half) >> np.asarray(exponent, np.int64)))


def requantize(sums: Array, multipliers: Array | int, shifts: Array | int) -> Array:
    """MultiplyByQuantizedMultiplier; shift > 0 scales up first, shift < 0 divides afterwards."""
    shifts = np.asarray(shifts, np.int64)
    scaled = (np.asarray(sums, np.int64) << np.maximum(shifts, 0)).astype(np.int32)
    return divide_by_power_of_two(high_multiply(scaled, multipliers), np.maximum(-shifts, 0))


def requantize_wide(sums: Array, multipliers: Array, shifts: Array) -> Array:
    """The same for 64-bit accumulators: 15 bits of the multiplier, one rounding, halves up."""
    reduced = np.where(multipliers < 0x7FFF0000, (multipliers + (1 << 15)) >> 16, 0x7FFF)
    right = 15 - np.asarray(shifts, np.int64)
    return np.asarray((sums * reduced + (np.int64(1) << (right - 1))) >> right)


def requantize_whole(sums: Array, multipliers: Array, shifts: Array) -> Array:
    """As LiteRT's fully connected layer does it: the whole multiplier, one rounding, halves up."""
    triples = zip(sums.tolist(), multipliers.tolist(), shifts.tolist(), strict=True)
    return np.array([(x * m + (1 << (30 - s))) >> (31 - s) for x, m, s in triples])


def finish(sums: Array, scales: Scales) -> Array:
    """Output values of sums whose last axis is the output channel."""
    values = requantize(sums, scales.multipliers, scales.shifts) + scales.output_offset
    return np.asarray(np.clip(values, scales.low, scales.high).astype(np.int8))


def finish_wide(sums: Array, scales: Scales) -> Array:
    """The same for int16 activations."""
    values = requantize_wide(sums, scales.multipliers, scales.shifts)
    return np.asarray(np.clip(values, scales.low, scales.high).astype(np.int16))


def taps(image: Array, window: Window, fill: float = 0) -> Array:
    """The image under each tap: [kernel height, kernel width, output height, output width, c]."""
    (kh, kw), (oh, ow), (sh, sw) = window.kernel, window.output, window.stride
    (dh, dw), (top, left) = window.dilation, window.padding
    height = max((oh - 1) * sh + (kh - 1) * dh + 1, top + image.shape[0])
    width = max((ow - 1) * sw + (kw - 1) * dw + 1, left + image.shape[1])
    padded = np.full((height, width, image.shape[2]), fill, image.dtype)
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    rows = [
        [
            padded[ky * dh :: sh, kx * dw :: sw][:oh, :ow]
            for kx in range(kw)
        ]
        for ky in range(kh)
    ]  # fmt: skip
    return np.array(rows)


def conv2d_sums(image: Array, weights: Array, bias: Array | int, window: Window) -> Array:
    """Sums of a convolution; image holds values with the offset added already."""
    return np.asarray(np.einsum("yxijc,oyxc->ijo", taps(image, window), weights) + bias)


def depthwise_sums(image: Array, weights: Array, bias: Array | int, window: Window) -> Array:
    """Sums of a depthwise convolution; the outputs of an input channel are neighbours."""
    multiplier = weights.shape[2] // image.shape[2]
    repeated = np.repeat(image, multiplier, axis=2)
    return np.asarray(np.einsum("yxijc,yxc->ijc", taps(repeated, window), weights) + bias)


def fully_connected_sums(values: Array, weights: Array, bias: Array | int) -> Array:
    """Sums of a fully connected layer."""
    return np.asarray(weights @ values + bias)


def shift_inputs(values: Array, scales: Scales) -> Array:
    """Values with the input offset added, wide enough for sums."""
    return np.asarray(values.astype(np.int64) + scales.input_offset)


def max_pool(image: Array, window: Window, low: int, high: int) -> Array:
    """Largest value of each window; places outside take no part."""
    most = taps(image.astype(np.int64), window, -128).max(axis=(0, 1))
    return np.asarray(np.clip(most, low, high).astype(np.int8))


def average_pool(image: Array, window: Window, low: int, high: int) -> Array:
    """Mean of each window over the values inside, halves away from zero."""
    sums = taps(image.astype(np.int64), window).sum(axis=(0, 1))
    counts = taps(np.ones_like(image, np.int64), window).sum(axis=(0, 1))
    means = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
    return np.asarray(np.clip(means, low, high).astype(np.int8))


@dataclass(frozen=True)
class Add:
    """Offsets (minus the zero point of inputs, the zero point of the output) and scales."""

    offset1: int
    multiplier1: int
    shift1: int
    offset2: int
    multiplier2: int
    shift2: int
    output_offset: int
    output_multiplier: int
    output_shift: int
    low: int
    high: int


def add(values1: Array, values2: Array, layer: Add) -> Array:
    """Sum of two tensors: both widened by 20 bits and scaled to twice the larger scale."""
    wide1 = (values1.astype(np.int64) + layer.offset1) << 20
    wide2 = (values2.astype(np.int64) + layer.offset2) << 20
    sums = requantize(wide1, layer.multiplier1, layer.shift1)
    sums = sums + requantize(wide2, layer.multiplier2, layer.shift2)
    result = requantize(sums, layer.output_multiplier, layer.output_shift) + layer.output_offset
    return np.asarray(np.clip(result, layer.low, layer.high).astype(np.int8))


@dataclass(frozen=True)
class Mul:
    """As Add."""

    offset1: int
    offset2: int
    output_offset: int
    output_multiplier: int
    output_shift: int
    low: int
    high: int


def mul(values1: Array, values2: Array, layer: Mul) -> Array:
    """Product of two tensors."""
    product = (values1.astype(np.int64) + layer.offset1) * (
        values2.astype(np.int64) + layer.offset2
    )
    result = requantize(product, layer.output_multiplier, layer.output_shift) + layer.output_offset
    return np.asarray(np.clip(result, layer.low, layer.high).astype(np.int8))


def _saturate(value: int) -> int:
    return min(max(value, -(2**31)), 2**31 - 1)


def _multiply(a: int, b: int) -> int:
    return int(high_multiply(a, b))


def _shift_rounded(value: int, exponent: int) -> int:
    return int(divide_by_power_of_two(np.asarray(value), exponent))


def exp_on_negative(value: int) -> int:
    """e^value of a Q5.26, at most 0, as Q0.31, by gemmlowp's series and barrel shifter."""
    if value == 0:
        return 2**31 - 1
    quarter = 1 << 24
    rest = (value & (quarter - 1)) - quarter
    x = (rest << 5) + (1 << 28)
    x2 = _multiply(x, x)
    x3, x4 = _multiply(x2, x), _multiply(x2, x2)
    third = round(2**31 / 3)
    tail = _shift_rounded(_multiply(_shift_rounded(x4, 2) + x3, third) + x2, 1)
    constant = round(np.exp(-0.125) * 2**31)
    result = _saturate(constant + _multiply(constant, x + tail))
    for k in range(7):
        if (rest - value) & (quarter << k):
            result = _multiply(result, round(float(np.exp(-(2.0 ** (k - 2)))) * 2**31))
    return result


def reciprocal_of_one_plus(value: int) -> int:
    """1 / (1 + value) of a Q0.31 in [0, 1], by three Newton steps."""
    half = (value + 2**31) // 2
    x = round(48 / 17 * 2**29) + _multiply(half, round(-32 / 17 * 2**29))
    for _ in range(3):
        error = (1 << 29) - _multiply(half, x)
        x += _saturate(_multiply(x, error) << 2)
    return _saturate(x << 1)


def softmax(rows: Array, multiplier: int, shift: int) -> Array:
    """TFLite's integer softmax of int8 rows; the output's scale is 1/256, its zero point -128."""
    smallest = -(((2**5 - 1) << 26) >> shift)
    result = np.full(rows.shape, -128, np.int8)
    for row, values in enumerate(rows.astype(int)):
        most = max(values)
        powers = {
            i: exp_on_negative(_multiply(int(value - most) << shift, multiplier))
            for i, value in enumerate(values)
            if value - most >= smallest
        }
        total = sum(_shift_rounded(power, 12) for power in powers.values())
        headroom = 32 - total.bit_length()
        reciprocal = reciprocal_of_one_plus((total << headroom) - 2**31)
        for i, power in powers.items():
            quotient = _shift_rounded(_multiply(reciprocal, power), 12 - headroom + 31 - 8)
            result[row, i] = min(quotient - 128, 127)
    return result


def table(function: Any, scale: float, zero_point: int, one: int, output_zero: int) -> Array:
    """function of every int8, rounded to units of 1/one, halves away from zero."""
    inputs = np.float32(scale) * np.arange(-128 - zero_point, 128 - zero_point, dtype=np.float32)
    units = function(inputs.astype(np.float64)).astype(np.float32) * np.float32(one)
    rounded = np.sign(units) * np.floor(np.abs(units) + np.float32(0.5))
    return np.asarray(np.clip(rounded.astype(np.int64) + output_zero, -128, 127).astype(np.int8))
