"""Convolutions and fully connected layers against LiteRT's reference kernels, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert: pip install mcusim[test]")

from ai_edge_litert import schema_py_generated as schema

from tests.examples import examples
from tests.kernels import layers_nn as nn
from tests.kernels import litert
from tests.kernels import reference_nn as ref
from tests.kernels.device import Device
from tests.kernels.litert import Tensor, constant
from tests.kernels.litert_layers import (
    NONE,
    RELU,
    RELU6,
    VALID,
    Op,
    activation_limits,
    activations,
    channel_scales,
    convolution_options,
    float32,
    int8s,
    layer_scales,
    paddings,
    weight_values,
    window_of,
)

Array = npt.NDArray[Any]
EXAMPLES = examples(120)
FEWER = examples(60)
FLOAT_LIMITS = {NONE: (-math.inf, math.inf), RELU: (0.0, math.inf), RELU6: (0.0, 6.0)}


@EXAMPLES
@given(data=st.data())
def test_conv2d_s8_is_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    padding, fused = draw(paddings), draw(activations)
    size, window = window_of(draw, padding)
    channels, filters = draw(st.integers(1, 10)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(nn.seeds))
    scales = channel_scales(draw, rng, window.kernel[0] * window.kernel[1] * channels, filters)
    zeros = draw(int8s), draw(int8s)
    image = nn.int8_values(rng, (1, *size, channels), draw(st.sampled_from(nn.STYLES)))
    weights = weight_values(
        rng, (filters, *window.kernel, channels), draw(st.sampled_from(nn.STYLES))
    )
    bias = rng.integers(-30000, 30000, filters).astype(np.int32)
    model = litert.build(
        Op.CONV_2D,
        convolution_options(schema.Conv2DOptionsT(), window, padding, fused),
        [
            Tensor(image.shape, np.int8, [scales[0]], zeros[0]),
            constant(weights, scales[1]),
            constant(bias, [scales[0] * scale for scale in scales[1]]),
        ],
        Tensor((1, *window.output, filters), np.int8, [scales[2]], zeros[1]),
        version=3,
    )
    limits = activation_limits(fused, scales[2], zeros[1])
    layer = nn.Parameters(weights, bias, layer_scales(*scales, zeros, limits))
    fields = [
        *size, channels, *window.output, filters, *nn.window_fields(window),
        *nn.scale_fields(layer.scales),
    ]  # fmt: skip
    expected = litert.run(model, [image])[0]
    for plain in (False, True):
        got = nn.run_quantized(device, "conv2d_s8", fields, image[0], layer, expected.shape, plain)
        np.testing.assert_array_equal(got, expected)


@EXAMPLES
@given(data=st.data())
def test_depthwise_conv2d_s8_is_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    padding, fused = draw(paddings), draw(activations)
    size, window = window_of(draw, padding)
    channels, multiplier = draw(st.integers(1, 10)), draw(st.sampled_from((1, 1, 2, 3, 4)))
    outputs = channels * multiplier
    rng = np.random.default_rng(draw(nn.seeds))
    scales = channel_scales(draw, rng, window.kernel[0] * window.kernel[1], outputs)
    zeros = draw(int8s), draw(int8s)
    image = nn.int8_values(rng, (1, *size, channels), draw(st.sampled_from(nn.STYLES)))
    weights = weight_values(rng, (1, *window.kernel, outputs), draw(st.sampled_from(nn.STYLES)))
    bias = rng.integers(-3000, 3000, outputs).astype(np.int32)
    options = convolution_options(schema.DepthwiseConv2DOptionsT(), window, padding, fused)
    options.depthMultiplier = multiplier
    model = litert.build(
        Op.DEPTHWISE_CONV_2D,
        options,
        [
            Tensor(image.shape, np.int8, [scales[0]], zeros[0]),
            constant(weights, scales[1], axis=3),
            constant(bias, [scales[0] * scale for scale in scales[1]]),
        ],
        Tensor((1, *window.output, outputs), np.int8, [scales[2]], zeros[1]),
        version=3,
    )
    limits = activation_limits(fused, scales[2], zeros[1])
    layer = nn.Parameters(weights, bias, layer_scales(*scales, zeros, limits))
    fields = [
        *size, channels, *window.output, multiplier, *nn.window_fields(window),
        *nn.scale_fields(layer.scales),
    ]  # fmt: skip
    expected = litert.run(model, [image])[0]
    for plain in (False, True):
        got = nn.run_quantized(
            device, "depthwise_conv2d_s8", fields, image[0], layer, expected.shape, plain
        )
        np.testing.assert_array_equal(got, expected)


@EXAMPLES
@given(data=st.data())
def test_pointwise_conv2d_s8_is_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    size = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    window = ref.Window((1, 1), size)
    channels, filters = draw(st.integers(1, 21)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(nn.seeds))
    scales = channel_scales(draw, rng, channels, filters)
    zeros = draw(int8s), draw(int8s)
    image = nn.int8_values(rng, (1, *size, channels), draw(st.sampled_from(nn.STYLES)))
    weights = weight_values(rng, (filters, 1, 1, channels), draw(st.sampled_from(nn.STYLES)))
    bias = rng.integers(-30000, 30000, filters).astype(np.int32)
    model = litert.build(
        Op.CONV_2D,
        convolution_options(schema.Conv2DOptionsT(), window, VALID, NONE),
        [
            Tensor(image.shape, np.int8, [scales[0]], zeros[0]),
            constant(weights, scales[1]),
            constant(bias, [scales[0] * scale for scale in scales[1]]),
        ],
        Tensor((1, *size, filters), np.int8, [scales[2]], zeros[1]),
        version=3,
    )
    layer = nn.Parameters(weights, bias, layer_scales(*scales, zeros, (-128, 127)))
    fields = [size[0] * size[1], channels, filters, *nn.scale_fields(layer.scales)]
    expected = litert.run(model, [image])[0]
    for plain in (False, True):
        got = nn.run_quantized(
            device, "pointwise_conv2d_s8", fields, image[0], layer, expected.shape, plain
        )
        np.testing.assert_array_equal(got, expected)


@EXAMPLES
@given(data=st.data())
def test_fully_connected_s8_is_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    inputs, outputs = draw(st.integers(1, 70)), draw(st.integers(1, 11))
    fused = draw(activations)
    rng = np.random.default_rng(draw(nn.seeds))
    input_scale, weight_scales, output_scale = channel_scales(draw, rng, inputs, 1)
    zeros = draw(int8s), draw(int8s)
    values = nn.int8_values(rng, (1, inputs), draw(st.sampled_from(nn.STYLES)))
    weights = weight_values(rng, (outputs, inputs), draw(st.sampled_from(nn.STYLES)))
    bias = rng.integers(-30000, 30000, outputs).astype(np.int32)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = fused
    model = litert.build(
        Op.FULLY_CONNECTED,
        options,
        [
            Tensor(values.shape, np.int8, [input_scale], zeros[0]),
            constant(weights, weight_scales),
            constant(bias, [input_scale * weight_scales[0]]),
        ],
        Tensor((1, outputs), np.int8, [output_scale], zeros[1]),
        version=4,
    )
    limits = activation_limits(fused, output_scale, zeros[1])
    layer = nn.Parameters(
        weights, bias,
        layer_scales(input_scale, weight_scales * outputs, output_scale, zeros, limits),
    )  # fmt: skip
    fields = [inputs, outputs, *nn.scale_fields(layer.scales)]
    expected = litert.run(model, [values])[0]
    for plain in (False, True):
        got = nn.run_quantized(
            device, "fully_connected_s8", fields, values[0], layer, expected.shape, plain
        )
        np.testing.assert_array_equal(got, expected)


@FEWER
@given(data=st.data())
def test_conv2d_s16_is_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    padding = draw(paddings)
    size, window = window_of(draw, padding)
    channels, filters = draw(st.sampled_from((1, 3, 4, 40))), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(nn.seeds))
    terms = window.kernel[0] * window.kernel[1] * channels
    input_scale, weight_scales, _ = channel_scales(draw, rng, terms, filters)
    spread = input_scale * 0.02 * 74 * 18918 * math.sqrt(terms)
    output_scale = float32(spread / draw(st.sampled_from((300.0, 10000.0, 500000.0))))
    image = rng.integers(-32768, 32768, (1, *size, channels), np.int16)
    weights = weight_values(
        rng, (filters, *window.kernel, channels), draw(st.sampled_from(nn.STYLES))
    )
    bias = rng.integers(-(10**7), 10**7, filters).astype(np.int64)
    model = litert.build(
        Op.CONV_2D,
        convolution_options(schema.Conv2DOptionsT(), window, padding, NONE),
        [
            Tensor(image.shape, np.int16, [input_scale]),
            constant(weights, weight_scales),
            constant(bias, [input_scale * scale for scale in weight_scales]),
        ],
        Tensor((1, *window.output, filters), np.int16, [output_scale]),
        version=4,
    )
    layer = nn.Parameters(
        weights, bias,
        layer_scales(input_scale, weight_scales, output_scale, (0, 0), (-32768, 32767)),
    )  # fmt: skip
    fields = [
        *size, channels, *window.output, filters, *nn.window_fields(window), -32768, 32767,
    ]  # fmt: skip
    expected = litert.run(model, [image])[0]
    for plain in (False, True):
        got = nn.run_quantized(device, "conv2d_s16", fields, image[0], layer, expected.shape, plain)
        np.testing.assert_array_equal(got, expected)


@FEWER
@given(data=st.data())
def test_fully_connected_s16_is_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    inputs = draw(st.one_of(st.integers(1, 70), st.integers(500, 600)))
    outputs = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(nn.seeds))
    input_scale, weight_scales, _ = channel_scales(draw, rng, inputs, 1)
    spread = input_scale * 0.02 * 74 * 18918 * math.sqrt(inputs)
    output_scale = float32(spread / draw(st.sampled_from((300.0, 10000.0, 500000.0))))
    values = rng.integers(-32768, 32768, (1, inputs), np.int16)
    weights = weight_values(rng, (outputs, inputs), draw(st.sampled_from(nn.STYLES)))
    bias = rng.integers(-(10**7), 10**7, outputs).astype(np.int64)
    model = litert.build(
        Op.FULLY_CONNECTED,
        schema.FullyConnectedOptionsT(),
        [
            Tensor(values.shape, np.int16, [input_scale]),
            constant(weights, weight_scales),
            constant(bias, [input_scale * weight_scales[0]]),
        ],
        Tensor((1, outputs), np.int16, [output_scale]),
        version=7,
    )
    layer = nn.Parameters(
        weights, bias,
        layer_scales(input_scale, weight_scales * outputs, output_scale, (0, 0), (-32768, 32767)),
    )  # fmt: skip
    expected = litert.run(model, [values])[0]
    for plain in (False, True):
        got = nn.run_quantized(
            device, "fully_connected_s16", [inputs, outputs, -32768, 32767], values[0], layer,
            expected.shape, plain,
        )  # fmt: skip
        np.testing.assert_array_equal(got, expected)


@FEWER
@given(data=st.data())
def test_conv2d_f32_is_litert_within_the_rounding_of_its_sums(
    device: Device, data: st.DataObject
) -> None:
    """The order of additions differs, so no bit-exactness can be had."""
    draw = data.draw
    padding, fused = draw(paddings), draw(activations)
    size, window = window_of(draw, padding)
    channels, filters = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(nn.seeds))
    image = rng.normal(size=(1, *size, channels)).astype(np.float32)
    weights = rng.normal(size=(filters, *window.kernel, channels)).astype(np.float32)
    bias = rng.normal(size=filters).astype(np.float32)
    model = litert.build(
        Op.CONV_2D,
        convolution_options(schema.Conv2DOptionsT(), window, padding, fused),
        [Tensor(image.shape, np.float32), constant(weights), constant(bias)],
        Tensor((1, *window.output, filters), np.float32),
    )
    expected = litert.run(model, [image])[0]
    limit = 2 * nn.float_limit(
        window.kernel[0] * window.kernel[1] * channels,
        ref.conv2d_sums(
            abs(image[0].astype(float)), abs(weights.astype(float)), abs(bias.astype(float)), window
        ),
    )
    for plain in (False, True):
        device.reset()
        layer = device.layer([
            *size, channels, *window.output, filters, *nn.window_fields(window),
            *FLOAT_LIMITS[fused],
        ])  # fmt: skip
        output = device.room(expected.nbytes)
        arguments = [layer, *map(device.array, (image, weights, bias)), output]
        if not plain:
            arguments.append(device.room(device.call("conv2d_f32_scratch_bytes", layer)))
        device.call("conv2d_f32_plain" if plain else "conv2d_f32", *arguments)
        got = device.values(output, expected.shape, np.float32)
        assert (abs(got - expected) <= limit).all()


@FEWER
@given(data=st.data())
def test_fully_connected_f32_is_litert_within_the_rounding_of_its_sums(
    device: Device, data: st.DataObject
) -> None:
    draw = data.draw
    inputs, outputs = draw(st.integers(1, 70)), draw(st.integers(1, 11))
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = draw(activations)
    rng = np.random.default_rng(draw(nn.seeds))
    values = rng.normal(size=(1, inputs)).astype(np.float32)
    weights = rng.normal(size=(outputs, inputs)).astype(np.float32)
    bias = rng.normal(size=outputs).astype(np.float32)
    model = litert.build(
        Op.FULLY_CONNECTED,
        options,
        [Tensor(values.shape, np.float32), constant(weights), constant(bias)],
        Tensor((1, outputs), np.float32),
    )
    expected = litert.run(model, [values])[0]
    magnitudes = abs(weights.astype(float)) @ abs(values[0].astype(float)) + abs(bias.astype(float))
    for name in ("fully_connected_f32", "fully_connected_f32_plain"):
        device.reset()
        layer = device.layer([inputs, outputs, *FLOAT_LIMITS[options.fusedActivationFunction]])
        output = device.room(expected.nbytes)
        device.call(name, layer, *map(device.array, (values, weights, bias)), output)
        got = device.values(output, expected.shape, np.float32)
        assert (abs(got - expected) <= 2 * nn.float_limit(inputs, magnitudes)).all()
