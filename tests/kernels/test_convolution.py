"""Convolutions and fully connected layers against the numpy reference, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.kernels import layers_nn as nn
from tests.kernels import reference_nn as ref
from tests.kernels.device import Device

Array = npt.NDArray[Any]
VARIANTS = pytest.mark.parametrize("plain", [False, True], ids=["optimised", "plain"])
EXAMPLES = examples(300)
FEWER = examples(120)


def parameters(
    draw: Any, rng: np.random.Generator, shape: tuple[int, ...], channels: int, terms: int
) -> nn.Parameters:
    """Random weights, bias and scales."""
    scales = draw(nn.scales(channels, terms))
    bias = nn.any_bias(rng, channels, scales) if draw(st.booleans()) else None
    style = draw(st.sampled_from(nn.STYLES))
    return nn.Parameters(nn.int8_values(rng, shape, style), bias, scales)


def bias_of(layer: nn.Parameters) -> Array | int:
    """The bias, or 0."""
    return 0 if layer.bias is None else layer.bias


@VARIANTS
@EXAMPLES
@given(data=st.data())
def test_conv2d_s8_is_the_reference(device: Device, plain: bool, data: st.DataObject) -> None:
    size, window = data.draw(nn.windows())
    channels, filters = data.draw(st.integers(1, 13)), data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(nn.seeds))
    terms = window.kernel[0] * window.kernel[1] * channels
    layer = parameters(data.draw, rng, (filters, *window.kernel, channels), filters, terms)
    image = nn.int8_values(rng, (*size, channels), data.draw(st.sampled_from(nn.STYLES)))
    fields = [
        *size, channels, *window.output, filters, *nn.window_fields(window),
        *nn.scale_fields(layer.scales),
    ]  # fmt: skip
    got = nn.run_quantized(
        device, "conv2d_s8", fields, image, layer, (*window.output, filters), plain,
        data.draw(st.integers(0, 3)),
    )  # fmt: skip
    shifted = ref.shift_inputs(image, layer.scales)
    sums = ref.conv2d_sums(shifted, layer.weights.astype(np.int64), bias_of(layer), window)
    np.testing.assert_array_equal(got, ref.finish(sums, layer.scales))


@VARIANTS
@EXAMPLES
@given(data=st.data())
def test_depthwise_conv2d_s8_is_the_reference(
    device: Device, plain: bool, data: st.DataObject
) -> None:
    size, window = data.draw(nn.windows())
    if data.draw(st.booleans()):  # the case that has code of its own
        window = ref.Window((3, 3), window.output, window.stride, (1, 1), (0, 0))
        (oh, ow), (sh, sw) = window.output, window.stride
        size = (oh - 1) * sh + 3, (ow - 1) * sw + 3
    channels = data.draw(st.integers(1, 13))
    multiplier = data.draw(st.sampled_from((1, 1, 1, 2, 3, 4, 5, 8)))
    outputs = channels * multiplier
    rng = np.random.default_rng(data.draw(nn.seeds))
    terms = window.kernel[0] * window.kernel[1]
    layer = parameters(data.draw, rng, (*window.kernel, outputs), outputs, terms)
    image = nn.int8_values(rng, (*size, channels), data.draw(st.sampled_from(nn.STYLES)))
    fields = [
        *size, channels, *window.output, multiplier, *nn.window_fields(window),
        *nn.scale_fields(layer.scales),
    ]  # fmt: skip
    got = nn.run_quantized(
        device, "depthwise_conv2d_s8", fields, image, layer, (*window.output, outputs), plain,
        data.draw(st.integers(0, 3)),
    )  # fmt: skip
    shifted = ref.shift_inputs(image, layer.scales)
    sums = ref.depthwise_sums(shifted, layer.weights.astype(np.int64), bias_of(layer), window)
    np.testing.assert_array_equal(got, ref.finish(sums, layer.scales))


@VARIANTS
@EXAMPLES
@given(data=st.data())
def test_pointwise_conv2d_s8_is_the_reference(
    device: Device, plain: bool, data: st.DataObject
) -> None:
    pixels = data.draw(st.integers(1, 19))
    channels, filters = data.draw(st.integers(1, 21)), data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(nn.seeds))
    layer = parameters(data.draw, rng, (filters, channels), filters, channels)
    image = nn.int8_values(rng, (pixels, channels), data.draw(st.sampled_from(nn.STYLES)))
    fields = [pixels, channels, filters, *nn.scale_fields(layer.scales)]
    got = nn.run_quantized(
        device, "pointwise_conv2d_s8", fields, image, layer, (pixels, filters), plain,
        data.draw(st.integers(0, 3)),
    )  # fmt: skip
    shifted = ref.shift_inputs(image, layer.scales)
    sums = shifted @ layer.weights.astype(np.int64).T + bias_of(layer)
    np.testing.assert_array_equal(got, ref.finish(sums, layer.scales))


@VARIANTS
@EXAMPLES
@given(data=st.data())
def test_fully_connected_s8_is_the_reference(
    device: Device, plain: bool, data: st.DataObject
) -> None:
    inputs, outputs = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 11))
    rng = np.random.default_rng(data.draw(nn.seeds))
    layer = parameters(data.draw, rng, (outputs, inputs), outputs, inputs)
    values = nn.int8_values(rng, (inputs,), data.draw(st.sampled_from(nn.STYLES)))
    got = nn.run_quantized(
        device, "fully_connected_s8", [inputs, outputs, *nn.scale_fields(layer.scales)],
        values, layer, (outputs,), plain, data.draw(st.integers(0, 3)),
    )  # fmt: skip
    shifted = ref.shift_inputs(values, layer.scales)
    sums = ref.fully_connected_sums(shifted, layer.weights.astype(np.int64), bias_of(layer))
    np.testing.assert_array_equal(got, ref.finish(sums, layer.scales))


def wide_parameters(
    draw: Any, rng: np.random.Generator, shape: tuple[int, ...], channels: int, terms: int
) -> nn.Parameters:
    """Weights, 64-bit bias and scales of a layer with int16 activations."""
    usual = -7 - int(np.log2(terms) / 2)
    shifts = rng.integers(-30 if draw(st.booleans()) else usual - 1, usual + 3, channels)
    high = draw(st.sampled_from((32767, 6000)))
    scales = ref.Scales(
        0, 0, draw(st.sampled_from((-32768, 0))), high,
        rng.integers(1 << 30, (1 << 31) - 1, channels, np.int64, endpoint=True), shifts,
    )  # fmt: skip
    bias = rng.integers(-(1 << 34), 1 << 34, channels) if draw(st.booleans()) else None
    if bias is not None and draw(st.booleans()):
        bias >>= 16
    style = draw(st.sampled_from(nn.STYLES))
    return nn.Parameters(nn.int8_values(rng, shape, style), bias, scales)


def wide_values(draw: Any, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """int16 activations, some of them all at an end."""
    if draw(st.booleans()):
        return rng.integers(-32768, 32768, shape, np.int16)
    return np.full(shape, draw(st.sampled_from((-32768, 32767))), np.int16)


@VARIANTS
@FEWER
@given(data=st.data())
def test_conv2d_s16_is_the_reference(device: Device, plain: bool, data: st.DataObject) -> None:
    size, window = data.draw(nn.windows())
    channels = data.draw(st.sampled_from((1, 3, 4, 8, 17, 40)))  # 5x5x40 is beyond a block of sums
    filters = data.draw(st.integers(1, 5))
    rng = np.random.default_rng(data.draw(nn.seeds))
    terms = window.kernel[0] * window.kernel[1] * channels
    layer = wide_parameters(data.draw, rng, (filters, *window.kernel, channels), filters, terms)
    image = wide_values(data.draw, rng, (*size, channels))
    fields = [
        *size, channels, *window.output, filters, *nn.window_fields(window),
        layer.scales.low, layer.scales.high,
    ]  # fmt: skip
    got = nn.run_quantized(
        device, "conv2d_s16", fields, image, layer, (*window.output, filters), plain
    )
    wide = image.astype(np.int64)
    sums = ref.conv2d_sums(wide, layer.weights.astype(np.int64), bias_of(layer), window)
    np.testing.assert_array_equal(got, ref.finish_wide(sums, layer.scales))


@VARIANTS
@FEWER
@given(data=st.data())
def test_fully_connected_s16_is_the_reference(
    device: Device, plain: bool, data: st.DataObject
) -> None:
    inputs = data.draw(st.one_of(st.integers(1, 70), st.integers(500, 1100)))
    outputs = data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(nn.seeds))
    layer = wide_parameters(data.draw, rng, (outputs, inputs), outputs, inputs)
    values = wide_values(data.draw, rng, (inputs,))
    got = nn.run_quantized(
        device, "fully_connected_s16", [inputs, outputs, layer.scales.low, layer.scales.high],
        values, layer, (outputs,), plain,
    )  # fmt: skip
    wide = values.astype(np.int64)
    sums = ref.fully_connected_sums(wide, layer.weights.astype(np.int64), bias_of(layer))
    values = ref.requantize_whole(sums, layer.scales.multipliers, layer.scales.shifts)
    np.testing.assert_array_equal(got, np.clip(values, layer.scales.low, layer.scales.high))


@VARIANTS
@FEWER
@given(data=st.data())
def test_conv2d_f32_is_within_the_rounding_of_its_sums(
    device: Device, plain: bool, data: st.DataObject
) -> None:
    size, window = data.draw(nn.windows())
    channels, filters = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(nn.seeds))
    image = rng.normal(size=(*size, channels)).astype(np.float32)
    weights = rng.normal(size=(filters, *window.kernel, channels)).astype(np.float32)
    bias = rng.normal(size=filters).astype(np.float32)
    low, high = data.draw(st.sampled_from(((-np.inf, np.inf), (0.0, 6.0))))
    device.reset()
    fields = [*size, channels, *window.output, filters, *nn.window_fields(window)]
    layer = device.layer([*fields, float(low), float(high)])
    output = device.room(4 * filters * window.output[0] * window.output[1])
    arguments = [layer, *map(device.array, (image, weights, bias)), output]
    if not plain:
        arguments.append(device.room(device.call("conv2d_f32_scratch_bytes", layer)))
    device.call("conv2d_f32_plain" if plain else "conv2d_f32", *arguments)
    got = device.values(output, (*window.output, filters), np.float32)
    exact = ref.conv2d_sums(image.astype(float), weights.astype(float), bias.astype(float), window)
    size_of_sums = ref.conv2d_sums(
        abs(image.astype(float)), abs(weights.astype(float)), abs(bias.astype(float)), window
    )
    terms = window.kernel[0] * window.kernel[1] * channels
    error = np.abs(got - np.clip(exact, low, high))
    assert (error <= nn.float_limit(terms, size_of_sums)).all()


@VARIANTS
@FEWER
@given(data=st.data())
def test_fully_connected_f32_is_within_the_rounding_of_its_sums(
    device: Device, plain: bool, data: st.DataObject
) -> None:
    inputs, outputs = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 11))
    rng = np.random.default_rng(data.draw(nn.seeds))
    values = rng.normal(size=inputs).astype(np.float32)
    weights = rng.normal(size=(outputs, inputs)).astype(np.float32)
    bias = rng.normal(size=outputs).astype(np.float32)
    low, high = data.draw(st.sampled_from(((-np.inf, np.inf), (0.0, 6.0))))
    device.reset()
    layer = device.layer([inputs, outputs, float(low), float(high)])
    output = device.room(4 * outputs)
    name = "fully_connected_f32_plain" if plain else "fully_connected_f32"
    device.call(name, layer, *map(device.array, (values, weights, bias)), output)
    got = device.values(output, (outputs,), np.float32)
    exact = ref.fully_connected_sums(
        values.astype(float), weights.astype(float), bias.astype(float)
    )
    size_of_sums = abs(weights.astype(float)) @ abs(values.astype(float)) + abs(bias.astype(float))
    error = np.abs(got - np.clip(exact, low, high))
    assert (error <= nn.float_limit(inputs, size_of_sums)).all()
