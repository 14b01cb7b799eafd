"""The layers of the tests: random shapes that reach every tail and border, and the calls of them.

Values come from a seed; a style says how they are spread, as saturation and extreme zero points
need more than uniform values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from tests.kernels.device import Device
from tests.kernels.reference_nn import Scales, Window

Array = npt.NDArray[Any]
STYLES = ("uniform", "lowest", "highest", "ends")
seeds = st.integers(0, 2**32 - 1)


def int8_values(rng: np.random.Generator, shape: tuple[int, ...], style: str) -> Array:
    """Values of one of STYLES."""
    match style:
        case "lowest":
            return np.full(shape, -128, np.int8)
        case "highest":
            return np.full(shape, 127, np.int8)
        case "ends":
            return rng.choice(np.array([-128, 127], np.int8), shape)
        case _:
            return rng.integers(-128, 128, shape, np.int8)


@st.composite
def windows(draw: st.DrawFn, dilates: bool = True) -> tuple[tuple[int, int], Window]:
    """An image size and a window over it: all borders, strides beyond the kernel, one pixel.

    At least one tap of the first and of the last window lies inside.
    """
    sizes, kernels, outputs, strides, dilations, paddings = [], [], [], [], [], []
    for _ in range(2):
        size = draw(st.integers(1, 9))
        kernel = draw(st.integers(1, 5))
        dilation = draw(st.integers(1, 3)) if dilates else 1
        stride = draw(st.integers(1, 4))
        reach = (kernel - 1) * dilation
        before = draw(st.integers(0, reach))
        behind = draw(st.integers(0, reach))
        room = size + before + behind - reach - 1
        sizes.append(size)
        kernels.append(kernel)
        dilations.append(dilation)
        strides.append(stride)
        paddings.append(before)
        outputs.append(max(room, 0) // stride + 1)
    window = Window(
        (kernels[0], kernels[1]),
        (outputs[0], outputs[1]),
        (strides[0], strides[1]),
        (dilations[0], dilations[1]),
        (paddings[0], paddings[1]),
    )
    return (sizes[0], sizes[1]), window


@st.composite
def scales(draw: st.DrawFn, channels: int, terms: int) -> Scales:
    """Scales for sums of `terms` products: usual ones, saturating ones, any at all."""
    rng = np.random.default_rng(draw(seeds))
    kind = draw(st.sampled_from(("usual", "usual", "saturating", "flat", "mixed")))
    usual = -7 - int(np.log2(max(terms, 1)) / 2)
    shift = {"usual": usual, "saturating": 0, "flat": -20, "mixed": usual}[kind]
    shifts = rng.integers(shift - 1, shift + 1, channels, endpoint=True)
    if kind == "mixed":
        shifts = rng.integers(-31, 4, channels)
    low = draw(st.integers(-128, 127))
    high = draw(st.integers(low, 127))
    if draw(st.booleans()):
        low, high = -128, 127
    return Scales(
        input_offset=draw(st.integers(-127, 128)),
        output_offset=draw(st.integers(-128, 127)),
        low=low,
        high=high,
        multipliers=rng.integers(1 << 30, (1 << 31) - 1, channels, np.int64, endpoint=True),
        shifts=shifts.astype(np.int64),
    )


def any_bias(rng: np.random.Generator, channels: int, scales: Scales) -> Array:
    """A bias that the largest left shift of `scales` does not push out of 32 bits."""
    limit = 1 << (24 if (scales.shifts > 0).any() else int(rng.integers(4, 31)))
    return rng.integers(-limit, limit, channels, np.int64)


@dataclass(frozen=True)
class Parameters:
    """What a layer has beside its shape."""

    weights: Array
    bias: Array | None
    scales: Scales


def window_fields(window: Window) -> list[int]:
    """Kernel, stride, dilation and padding, as the structs of convolutions hold them."""
    return [*window.kernel, *window.stride, *window.dilation, *window.padding]


def scale_fields(scales: Scales) -> list[int]:
    """Offsets and activation."""
    return [scales.input_offset, scales.output_offset, scales.low, scales.high]


def run_quantized(
    device: Device,
    name: str,
    fields: list[int],
    values: Array,
    parameters: Parameters,
    output: tuple[int, ...],
    plain: bool,
    offset: int = 0,
) -> Array:
    """Call name or name_plain: (layer, input, weights, bias, multipliers, shifts, output, scratch).

    `offset`: how far int8 arrays begin from a multiple of 8.
    """
    device.reset()
    kind = values.dtype
    layer = device.layer(fields)
    shift = offset if kind == np.int8 else 0
    bias = parameters.bias
    arguments = [
        layer,
        device.array(values, shift),
        device.array(parameters.weights.astype(np.int8), offset),
        0 if bias is None else device.array(bias.astype(np.int32 if kind == np.int8 else np.int64)),
        device.array(parameters.scales.multipliers.astype(np.int32)),
        device.array(parameters.scales.shifts.astype(np.int32)),
    ]
    result = device.room(int(np.prod(output)) * kind.itemsize, offset=shift)
    arguments.append(result)
    if plain:
        device.call(f"{name}_plain", *arguments)
    else:
        scratch = device.room(device.call(f"{name}_scratch_bytes", layer))
        device.call(name, *arguments, scratch)
    return device.values(result, output, kind)


def float_limit(terms: int, magnitudes: Array) -> Array:
    """Bound of the error of `terms` + 1 additions in any order: each half an ulp of 2^-24."""
    return (terms + 2) * 2.0**-24 * magnitudes + 1e-30
