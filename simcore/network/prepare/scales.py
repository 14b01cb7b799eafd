"""Real scales as an integer multiplier and a shift, and limits of activations, as TFLM makes them.

TFLM: tensorflow/lite/kernels/internal/quantization_util.cc (QuantizeMultiplier,
CalculateInputRadius, CheckedLog2) and tensorflow/lite/kernels/kernel_util.cc
(CalculateActivationRangeQuantized). Scales are numbers of single precision. Their products and
quotients are of double precision everywhere, as in TFLM since autumn of 2026 (tested on its wheel
0.dev20261023182759); before, FULLY_CONNECTED and others took single precision, by which a
multiplier differs in its last bits.
"""

from __future__ import annotations

import math
import struct

LIMITS = {
    "int8": (-(1 << 7), (1 << 7) - 1),
    "uint8": (0, (1 << 8) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
}
LARGEST_F32 = struct.unpack("<f", struct.pack("<I", 0x7F7F_FFFF))[0]
#: Low and high limit of each fused activation that a kernel can clamp to.
ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}
IDENTITY = (1 << 30, 1)  # the multiplier and shift of 1.0


def single(value: float) -> float:
    """Round to single precision; what is too large is infinite."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def bits(value: float) -> int:
    """The 32 bits of a number of single precision, as an int32."""
    return int(struct.unpack("<i", struct.pack("<f", single(value)))[0])


def round_away(value: float) -> int:
    """Round to the nearest integer, halves away from zero, as C's round()."""
    whole = math.floor(abs(value))
    whole += abs(value) - whole >= 0.5
    return -whole if value < 0 else whole


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Return (multiplier, shift) with real = multiplier * 2^(shift - 31), |multiplier| from 2^30.

    What is below 2^-32 becomes (0, 0).
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(abs(real))
    multiplier = int(fraction * (1 << 31) + 0.5)  # the sum is exact where it is no whole number
    if multiplier == 1 << 31:
        multiplier >>= 1
        shift += 1
    if shift < -31:
        return 0, 0
    return (multiplier if real > 0 else -multiplier), shift


def input_radius(integer_bits: int, left_shift: int) -> int:
    """The largest input whose scaled value stays within so many integer bits of 31."""
    span = float((1 << integer_bits) - 1) * (1 << (31 - integer_bits))
    return math.floor(span / 2.0**left_shift)


def multiply_by_multiplier(value: int, multiplier: int, shift: int) -> int:
    """What C's requantize() makes of an int32: two roundings, wrapping around as int32 does."""
    left, right = max(shift, 0), max(-shift, 0)
    high = (wrap(value << left) * multiplier + (1 << 30)) >> 31
    return rounding_divide(min(high, LIMITS["int32"][1]), right)


def rounding_divide(value: int, exponent: int) -> int:
    """value / 2^exponent, to nearest, halves away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> exponent) + ((value & mask) > threshold)


def wrap(value: int, size_bits: int = 32) -> int:
    """A number as a signed integer of so many bits holds it."""
    half = 1 << (size_bits - 1)
    return (value + half) % (2 * half) - half


def clamp(value: int, limits: tuple[int, int]) -> int:
    """The nearest number within limits."""
    return max(limits[0], min(limits[1], value))


def quantized_limits(activation: str, kind: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Limits of a fused activation in units of an output of an integer type."""
    low, high = LIMITS[kind]
    real_low, real_high = ACTIVATIONS[activation]
    if real_low is not None:
        low = max(low, zero_point + round_away(single(real_low / scale)))
    if real_high is not None:
        high = min(high, zero_point + round_away(single(real_high / scale)))
    return low, high


def real_limits(activation: str) -> tuple[float, float]:
    """Limits of a fused activation of float32, the largest numbers where it has none."""
    low, high = ACTIVATIONS[activation]
    return (-LARGEST_F32 if low is None else low, LARGEST_F32 if high is None else high)


def power_of_two(scale: float) -> tuple[bool, int]:
    """Whether a scale is nearly a power of two, and the nearest one's exponent."""
    exact = single(single(math.log(scale)) * single(1.0 / single(math.log(2.0))))
    rounded = round_away(exact)
    return abs(exact - rounded) < 1e-3, rounded
