"""Functions of a quantized value as tables, made as TFLM's reference kernels compute each value.

int8 logistic and tanh are fixed-point arithmetic: tensorflow/lite/kernels/internal/reference/
integer_ops/logistic.h and tanh.h, with gemmlowp's fixedpoint/fixedpoint.h for the exponential (a
polynomial of the fourth degree around -1/8 and a factor for each bit) and the reciprocal (three
steps of Newton's method). Numbers named Qn.f have n integer and f fraction bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from simcore.network.prepare.scales import (
    LIMITS,
    clamp,
    multiply_by_multiplier,
    round_away,
    rounding_divide,
    single,
)

ONE = (1 << 31) - 1  # 1.0 in Q0.31
_FACTORS = (
    1672461947,
    1302514674,
    790015084,
    290630308,
    39332535,
    720401,
    242,
)  # e^-2^k, k from -2
_INT32 = LIMITS["int32"]


def _multiply(a: int, b: int) -> int:
    return clamp((a * b + (1 << 30)) >> 31, _INT32)


def _exp_of_small(a: int) -> int:
    """e^a for a in [-1/4, 0), Q0.31."""
    x = a + (1 << 28)
    x2 = _multiply(x, x)
    x3, x4 = _multiply(x2, x), _multiply(x2, x2)
    third = _multiply(rounding_divide(x4, 2) + x3, 715827883)
    tail = rounding_divide(third + x2, 1)
    return 1895147668 + _multiply(1895147668, x + tail)


def exp_of_negative(a: int, integer_bits: int) -> int:
    """e^a for a <= 0 with so many integer bits, as Q0.31."""
    if a == 0:
        return ONE
    quarter = 1 << (31 - integer_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _exp_of_small(clamp(rest << integer_bits, _INT32))
    for k, factor in enumerate(_FACTORS):
        if integer_bits > k - 2 and (rest - a) & (quarter << k):
            result = _multiply(result, factor)
    return result


def _newton(a: int) -> int:
    """2 / (1 + a) for a in [0, 1], Q0.31 to Q2.29."""
    half = (a + ONE + 1) // 2
    x = 1515870810 + _multiply(half, -1010580540)  # 48/17 - 32/17 * half
    for _ in range(3):
        x += clamp(_multiply(x, (1 << 29) - _multiply(half, x)) << 2, _INT32)
    return x


def logistic_q4(a: int) -> int:
    """The logistic function of a Q4.27, as Q0.31."""
    if a == 0:
        return 1 << 30
    result = clamp(_newton(exp_of_negative(-abs(a), 4)) << 1, _INT32)  # 1 / (1 + e)
    return result if a > 0 else ONE - result


def tanh_q4(a: int) -> int:
    """The hyperbolic tangent of a Q4.27, as Q0.31."""
    if a == 0:
        return 0
    result = clamp((_newton(exp_of_negative(-abs(a), 5)) - (1 << 29)) << 2, _INT32)
    return result if a > 0 else -result


def curve_s8(
    curve: Callable[[int], int],
    fraction_bits: int,
    offset: int,
    scaled: tuple[int, int, int],
    zero_point: int,
) -> list[int]:
    """A curve of Q4.27 of all int8; scaled: multiplier, shift, and the radius where it is flat."""
    multiplier, shift, radius = scaled
    low, high = LIMITS["int8"]
    values = []
    for stored in range(low, high + 1):
        value = stored - zero_point
        if abs(value) >= radius:
            values.append(low if value < 0 else high)
            continue
        result = curve(multiply_by_multiplier(value, multiplier, shift))
        values.append(clamp(rounding_divide(result, 31 - fraction_bits) + offset, (low, high)))
    return values


def logistic_steps() -> list[int]:
    """2^16 times the logistic function at every 1/24, as uint16: the table of the int16 curves.

    Each value is moved by half of the error of a line in the middle of the step behind it, which
    makes the errors of both signs alike. These are the values of sigmoid_table_uint16 of
    tensorflow/lite/kernels/internal/common.h, whose last is rounded up.
    """

    def logistic(step: float) -> float:
        return 65536 / (1 + math.exp(-step / 24))

    values = []
    for step in range(255):
        error = logistic(step + 0.5) - (logistic(step) + logistic(step + 1)) / 2
        values.append(math.floor(logistic(step) + error / 2 + 0.5))
    return [*values, 65535]


def table_s16(
    function: Callable[[float], float], inputs: tuple[float, float], outputs: tuple[float, float]
) -> list[int]:
    """513 values over all int16, each moved by half the error of a line in the middle of its step.

    inputs and outputs: the real values of -32768 and 32767. TFLM: LUTPopulateInt16 of
    tensorflow/lite/kernels/internal/common.h, in single precision.
    """
    steps, limits = 512, LIMITS["int16"]
    step = single(single(inputs[1] - inputs[0]) / steps)
    half = single(step / 2)
    inverse = single(65536.0 / single(outputs[1] - outputs[0]))

    def real(x: float) -> float:
        return single(function(x))

    values = []
    for i in range(steps):
        start = single(inputs[0] + single(i * step))
        value = single(real(start) * inverse)
        middle = single(real(single(start + half)) * inverse)
        following = single(real(single(inputs[0] + single((i + 1) * step))) * inverse)
        line = round_away(single(single(following + round_away(value)) / 2))
        bias = round_away((line - round_away(middle)) / 2)
        values.append(clamp(round_away(value) - bias, limits))
    values.append(clamp(round_away(single(real(inputs[1]) * inverse)), limits))
    return values


def hard_swish_s8(
    input_scale: float,
    input_zero: int,
    output_zero: int,
    output: tuple[int, int],
    reluish: tuple[int, int],
) -> list[int]:
    """x * relu6(x + 3) / 6 of all int8, in int16; pairs are 16-bit multiplier and exponent.

    TFLM: tensorflow/lite/kernels/internal/reference/hard_swish.h.
    """
    limits = LIMITS["int16"]

    def high_rounded(a: int, b: int) -> int:
        product = a * b
        nudged = product + ((1 << 14) if product >= 0 else 1 - (1 << 14))
        return clamp(int(math.copysign(abs(nudged) >> 15, nudged)), limits)

    def high(a: int, b: int) -> int:
        product = a * b
        return clamp(int(math.copysign(abs(product) >> 15, product)), limits)

    values = []
    for stored in range(LIMITS["int8"][0], LIMITS["int8"][1] + 1):
        fine = (stored - input_zero) << 7
        scaled = high_rounded(fine, output[0])
        part = fine
        if reluish[1] > 0:
            part = clamp(part << (reluish[1] - 1), limits)
        part = high_rounded(part, reluish[0])
        if reluish[1] > 0:
            part = clamp(part << 1, limits)
        if reluish[1] < 0:
            part = rounding_divide(part, -reluish[1])
        part = (part + (1 << 15)) >> 1
        value = rounding_divide(high(part, scaled), -output[1])
        values.append(clamp(value + output_zero, LIMITS["int8"]))
    return values
