"""Pools, element-wise operations and layouts against LiteRT's reference kernels, bit for bit."""

from __future__ import annotations

import math
from dataclasses import astuple
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
    RELU6,
    Op,
    activation_limits,
    activations,
    float32,
    int8s,
    paddings,
    quantize,
    window_of,
)

Array = npt.NDArray[Any]
EXAMPLES = examples(120)
FEWER = examples(60)


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
def test_clamp_s8_is_litert_s_relu6(device: Device, data: st.DataObject) -> None:
    size, zero = data.draw(st.integers(1, 200)), data.draw(int8s)
    scale = float32(data.draw(st.floats(0.02, 0.2)))
    rng = np.random.default_rng(data.draw(nn.seeds))
    values = nn.int8_values(rng, (1, size), data.draw(st.sampled_from(nn.STYLES)))
    expected = one_input(Op.RELU6, None, values, (scale, scale), (zero, zero), version=2)
    for name in ("clamp_s8", "clamp_s8_plain"):
        device.reset()
        output = device.room(size)
        limits = activation_limits(RELU6, scale, zero)
        device.call(name, device.array(values), size, *limits, output)
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


@pytest.mark.parametrize("variant", ["", "_plain"], ids=["optimised", "plain"])
@FEWER
@given(data=st.data())
def test_pad_concatenate_transpose_and_reshape_are_litert(
    device: Device, variant: str, data: st.DataObject
) -> None:
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
    device.call(f"pad_s8{variant}", device.layer(fields), source, output)
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
    device.call(f"transpose_s8{variant}", device.layer([*shape, *order]), source, output)
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
    device.call(
        f"concatenate_s8{variant}", pointers, device.layer([inner, inner]), 2, outer, output
    )
    expected = litert.run(model, [image, other])
    np.testing.assert_array_equal(device.values(output, joined, np.int8), expected)

    flat = np.array([image.size], np.int32)
    model = litert.build(
        Op.RESHAPE, schema.ReshapeOptionsT(), [tensor, constant(flat)],
        Tensor((image.size,), np.int8, [0.1], zero),
    )  # fmt: skip
    output = device.room(image.size)
    device.call(f"copy_s8{variant}", source, image.size, output)
    expected = litert.run(model, [image])
    np.testing.assert_array_equal(device.values(output, (image.size,), np.int8), expected)
