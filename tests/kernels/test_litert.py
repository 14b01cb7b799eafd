"""The kernels against LiteRT's reference kernels on single-operation models, bit for bit.

Scales are drawn as floats; multipliers and shifts follow from them as TFLite derives them: the
product of the scales in double precision, then 31 bits of it.
"""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert: pip install mcusim[test]")

from ai_edge_litert import schema_py_generated as schema

from tests.kernels import layers_nn as nn
from tests.kernels import litert
from tests.kernels import reference_nn as ref
from tests.kernels.device import Device
from tests.kernels.litert import Tensor, constant

Array = npt.NDArray[Any]
EXAMPLES = settings(max_examples=120)
FEWER = settings(max_examples=60)
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


@pytest.mark.parametrize("name", ["max_pool_s8", "average_pool_s8"])
@EXAMPLES
@given(data=st.data())
def test_pooling_is_litert(device: Device, name: str, data: st.DataObject) -> None:
    draw = data.draw
    padding, fused = draw(paddings), draw(activations)
    size, window = window_of(draw, padding, dilates=False)
    channels = draw(st.integers(1, 19))
    scale, zero = float32(draw(st.floats(0.01, 0.1))), draw(int8s)
    rng = np.random.default_rng(draw(nn.seeds))
    image = nn.int8_values(rng, (1, *size, channels), draw(st.sampled_from(nn.STYLES)))
    options = schema.Pool2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = window.stride
    options.filterHeight, options.filterWidth = window.kernel
    options.fusedActivationFunction = fused
    model = litert.build(
        Op.MAX_POOL_2D if name == "max_pool_s8" else Op.AVERAGE_POOL_2D,
        options,
        [Tensor(image.shape, np.int8, [scale], zero)],
        Tensor((1, *window.output, channels), np.int8, [scale], zero),
        version=2,
    )
    expected = litert.run(model, [image])[0]
    limits = activation_limits(fused, scale, zero)
    for variant in (name, f"{name}_plain"):
        device.reset()
        layer = device.layer([
            *image.shape[1:], *window.output, *window.kernel, *window.stride, *window.padding,
            *limits,
        ])  # fmt: skip
        output = device.room(expected.size)
        device.call(variant, layer, device.array(image), output)
        np.testing.assert_array_equal(device.values(output, expected.shape, np.int8), expected)


@EXAMPLES
@given(data=st.data())
def test_add_and_mul_are_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    shape = (1, draw(st.integers(1, 70)))
    fused = draw(activations)
    scale1, scale2, scale = (float32(draw(st.floats(0.005, 0.2))) for _ in range(3))
    zero1, zero2, zero = (draw(int8s) for _ in range(3))
    rng = np.random.default_rng(draw(nn.seeds))
    values1, values2 = (
        nn.int8_values(rng, shape, draw(st.sampled_from(nn.STYLES))) for _ in range(2)
    )
    tensors = [
        Tensor(shape, np.int8, [scale1], zero1),
        Tensor(shape, np.int8, [scale2], zero2),
    ]
    output_tensor = Tensor(shape, np.int8, [scale], zero)
    limits = activation_limits(fused, scale, zero)
    twice = 2.0 * max(scale1, scale2)
    sum_layer = ref.Add(
        -zero1, *quantize(scale1 / twice), -zero2, *quantize(scale2 / twice),
        zero, *quantize(twice / (2.0**20 * scale)), *limits,
    )  # fmt: skip
    product_scale = float(np.float32(scale1) * np.float32(scale2) / np.float32(scale))
    product_layer = ref.Mul(-zero1, -zero2, zero, *quantize(product_scale), *limits)
    for name, operator, options, layer in (
        ("add_s8", Op.ADD, schema.AddOptionsT(), sum_layer),
        ("mul_s8", Op.MUL, schema.MulOptionsT(), product_layer),
    ):
        options.fusedActivationFunction = fused
        model = litert.build(operator, options, tensors, output_tensor, version=2)
        expected = litert.run(model, [values1, values2])
        for variant in (name, f"{name}_plain"):
            device.reset()
            output = device.room(expected.size)
            device.call(
                variant, device.layer(astuple(layer)), device.array(values1),
                device.array(values2), shape[1], output,
            )  # fmt: skip
            np.testing.assert_array_equal(device.values(output, shape, np.int8), expected)


def one_input(
    operator: int, options: Any, values: Array, scales: tuple[float, float], zeros: tuple[int, int],
    reference: bool = True, version: int = 1, shape: tuple[int, ...] | None = None,
) -> Array:  # fmt: skip
    """The output of a model with one int8 input."""
    tensor = Tensor(values.shape, np.int8, [scales[0]], zeros[0])
    output = Tensor(shape or values.shape, np.int8, [scales[1]], zeros[1])
    return litert.run(
        litert.build(operator, options, [tensor], output, version), [values], reference
    )


@FEWER
@given(data=st.data())
def test_relu_s8_is_litert(device: Device, data: st.DataObject) -> None:
    size, zero = data.draw(st.integers(1, 200)), data.draw(int8s)
    rng = np.random.default_rng(data.draw(nn.seeds))
    values = nn.int8_values(rng, (1, size), data.draw(st.sampled_from(nn.STYLES)))
    expected = one_input(Op.RELU, None, values, (0.05, 0.05), (zero, zero), version=2)
    for name in ("relu_s8", "relu_s8_plain"):
        device.reset()
        output = device.room(size)
        device.call(name, device.array(values), size, zero, output)
        np.testing.assert_array_equal(device.values(output, values.shape, np.int8), expected)


@FEWER
@given(data=st.data())
def test_softmax_s8_is_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 40))
    scale, beta = float32(draw(st.floats(0.01, 0.5))), float32(draw(st.floats(0.3, 2.0)))
    rng = np.random.default_rng(draw(nn.seeds))
    rows = nn.int8_values(rng, shape, draw(st.sampled_from(nn.STYLES)))
    options = schema.SoftmaxOptionsT()
    options.beta = beta
    expected = one_input(
        Op.SOFTMAX, options, rows, (scale, 1 / 256), (draw(int8s), -128), version=2
    )
    multiplier, shift = quantize(min(beta * scale * 2.0**26, 2.0**31 - 1))
    for name in ("softmax_s8", "softmax_s8_plain"):
        device.reset()
        smallest = device.call("softmax_s8_smallest_difference", shift)
        layer = device.layer([*shape, multiplier, shift, smallest - (smallest >> 31 << 32)])
        output, scratch = device.room(rows.size), device.room(4 * shape[1])
        device.call(name, layer, device.array(rows), output, scratch)
        np.testing.assert_array_equal(device.values(output, shape, np.int8), expected)


@pytest.mark.parametrize(
    ("name", "operator", "scale", "zero"),
    [("sigmoid_s8", Op.LOGISTIC, 1 / 256, -128), ("tanh_s8", Op.TANH, 1 / 128, 0)],
)
@FEWER
@given(input_scale=st.floats(2.0**-9, 0.5, width=32), zero_point=int8s)
def test_tables_are_litert(
    device: Device, name: str, operator: int, scale: float, zero: int, input_scale: float,
    zero_point: int,
) -> None:  # fmt: skip
    """LiteRT's optimised kernels use tables, too; those of reference approximate."""
    values = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    expected = one_input(
        operator, None, values, (input_scale, scale), (zero_point, zero), False, version=2
    )[0]
    device.reset()
    table, output = device.room(256), device.room(256)
    device.call_table(f"{name}_table", input_scale, zero_point, table)
    device.call("table_s8", device.array(values), 256, table, output)
    np.testing.assert_array_equal(device.values(output, (256,), np.int8), expected)


@FEWER
@given(data=st.data())
def test_pad_concatenate_and_transpose_are_litert(device: Device, data: st.DataObject) -> None:
    draw = data.draw
    shape = 1, *(draw(st.integers(1, 6)) for _ in range(3))
    rng = np.random.default_rng(draw(nn.seeds))
    image = nn.int8_values(rng, shape, "uniform")
    zero = draw(int8s)
    sides = [[draw(st.integers(0, 3)), draw(st.integers(0, 3))] for _ in range(2)]
    around = np.array([[0, 0], *sides, [0, 0]])
    padded = (1, *(n + int(sum(more)) for n, more in zip(shape[1:], around[1:], strict=True)))
    tensor = Tensor(shape, np.int8, [0.1], zero)
    model = litert.build(
        Op.PAD, schema.PadOptionsT(), [tensor, constant(around.astype(np.int32))],
        Tensor(padded, np.int8, [0.1], zero), version=2,
    )  # fmt: skip
    device.reset()
    source = device.array(image)
    output = device.room(math.prod(padded))
    fields = [*shape[1:], *around[1].tolist(), *around[2].tolist(), zero]
    device.call("pad_s8", device.layer(fields), source, output)
    expected = litert.run(model, [image])
    np.testing.assert_array_equal(device.values(output, padded, np.int8), expected)

    order = draw(st.permutations(range(4)))
    turned = tuple(shape[axis] for axis in order)
    model = litert.build(
        Op.TRANSPOSE, schema.TransposeOptionsT(),
        [tensor, constant(np.array(order, np.int32))], Tensor(turned, np.int8, [0.1], zero),
        version=2,
    )  # fmt: skip
    output = device.room(image.size)
    device.call("transpose_s8", device.layer([*shape, *order]), source, output)
    expected = litert.run(model, [image])
    np.testing.assert_array_equal(device.values(output, turned, np.int8), expected)

    options = schema.ConcatenationOptionsT()
    options.axis = draw(st.integers(1, 3))
    joined = tuple(2 * n if axis == options.axis else n for axis, n in enumerate(shape))
    model = litert.build(
        Op.CONCATENATION, options, [tensor, tensor], Tensor(joined, np.int8, [0.1], zero), version=2
    )
    other = nn.int8_values(rng, shape, "uniform")
    inner = math.prod(shape[options.axis :])
    output = device.room(2 * image.size)
    pointers = device.layer([source, device.array(other)])
    outer = image.size // inner
    device.call("concatenate_s8", pointers, device.layer([inner, inner]), 2, outer, output)
    expected = litert.run(model, [image, other])
    np.testing.assert_array_equal(device.values(output, joined, np.int8), expected)
