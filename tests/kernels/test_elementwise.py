"""Pooling, element-wise operations, softmax, tables and layouts against the numpy reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
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
EXAMPLES = examples(200)
FEWER = examples(60)
int8s = st.integers(-128, 127)


def name_of(name: str, plain: bool) -> str:
    """The symbol of a variant."""
    return f"{name}_plain" if plain else name


def random_values(data: st.DataObject, shape: tuple[int, ...]) -> Array:
    """int8 values of any style."""
    rng = np.random.default_rng(data.draw(nn.seeds))
    return nn.int8_values(rng, shape, data.draw(st.sampled_from(nn.STYLES)))


def activation(data: st.DataObject) -> tuple[int, int]:
    """A fused activation, half of the time none."""
    if data.draw(st.booleans()):
        return -128, 127
    low = data.draw(int8s)
    return low, data.draw(st.integers(low, 127))


@st.composite
def pools(draw: st.DrawFn) -> tuple[tuple[int, int], ref.Window]:
    """An image size and windows that all hold at least one value."""
    size, window = draw(nn.windows(dilates=False))
    if draw(st.booleans()):  # the sizes that have code of their own
        kernel = draw(st.sampled_from((2, 3)))
        window = ref.Window((kernel, kernel), window.output, window.stride)
    output = []
    for n, kernel, stride, pad in zip(
        size, window.kernel, window.stride, window.padding, strict=True
    ):
        last = (n - 1 + pad) // stride  # the last window that begins inside
        output.append(min(last, (n + 2 * pad - kernel) // stride if n + pad >= kernel else 0) + 1)
    fixed = ref.Window(window.kernel, (output[0], output[1]), window.stride, (1, 1), window.padding)
    return size, fixed


POOLS: dict[str, Callable[[Array, ref.Window, int, int], Array]] = {
    "max_pool_s8": ref.max_pool,
    "average_pool_s8": ref.average_pool,
}


def pool(
    device: Device,
    name: str,
    image: Array,
    window: ref.Window,
    limits: tuple[int, int],
    at: int = 0,
) -> Array:
    """Run a pool on the device."""
    device.reset()
    fields = [*image.shape, *window.output, *window.kernel, *window.stride, *window.padding]
    layer = device.layer([*fields, *limits])
    shape = (*window.output, image.shape[2])
    output = device.room(int(np.prod(shape)), offset=at)
    device.call(name, layer, device.array(image, at), output)
    return device.values(output, shape, np.int8)


@VARIANTS
@pytest.mark.parametrize("name", POOLS)
@EXAMPLES
@given(data=st.data())
def test_pooling_is_the_reference(
    device: Device, name: str, plain: bool, data: st.DataObject
) -> None:
    size, window = data.draw(pools())
    image = random_values(data, (*size, data.draw(st.integers(1, 19))))
    limits = activation(data)
    got = pool(device, name_of(name, plain), image, window, limits, data.draw(st.integers(0, 3)))
    np.testing.assert_array_equal(got, POOLS[name](image, window, *limits))


@VARIANTS
@pytest.mark.parametrize("side", [16, 17])
@pytest.mark.parametrize("style", nn.STYLES)
def test_an_average_over_windows_at_and_beyond_256_values_is_exact(
    device: Device, side: int, style: str, plain: bool
) -> None:
    image = nn.int8_values(np.random.default_rng(1), (side, side, 5), style)
    window = ref.Window((side, side), (1, 1))
    got = pool(device, name_of("average_pool_s8", plain), image, window, (-128, 127))
    np.testing.assert_array_equal(got, ref.average_pool(image, window, -128, 127))


@VARIANTS
@EXAMPLES
@given(data=st.data())
def test_clamp_and_relu_are_the_reference(device: Device, plain: bool, data: st.DataObject) -> None:
    values = random_values(data, (data.draw(st.integers(1, 200)),))
    low, high = activation(data)
    at = data.draw(st.integers(0, 3))
    for name, limits in (("clamp_s8", (low, high)), ("relu_s8", (low,))):
        device.reset()
        output = device.room(len(values), offset=data.draw(st.integers(0, 3)))
        device.call(name_of(name, plain), device.array(values, at), len(values), *limits, output)
        expected = np.clip(values, low, high if name == "clamp_s8" else 127)
        np.testing.assert_array_equal(device.values(output, values.shape, np.int8), expected)


def test_a_relu_works_in_place(device: Device) -> None:
    values = nn.int8_values(np.random.default_rng(2), (333,), "uniform")
    device.reset()
    buffer = device.array(values, 1)
    device.call("relu_s8", buffer, len(values), -7, buffer)
    np.testing.assert_array_equal(device.values(buffer, values.shape, np.int8), values.clip(-7))


multipliers = st.one_of(
    st.integers(1 << 30, (1 << 31) - 1), st.sampled_from((1 << 30, (1 << 31) - 1))
)


@VARIANTS
@EXAMPLES
@given(data=st.data())
def test_add_s8_is_the_reference(device: Device, plain: bool, data: st.DataObject) -> None:
    values1 = random_values(data, (data.draw(st.integers(1, 70)),))
    values2 = random_values(data, values1.shape)
    limits = activation(data)
    # Where the scales are TFLite's, the larger is half of the common one; both when they are equal.
    half = (1 << 30, 0)
    any_scale = st.tuples(multipliers, st.integers(-9, 0))
    scale1 = data.draw(st.one_of(st.just(half), any_scale))
    scale2 = data.draw(st.one_of(st.just(half), any_scale))
    layer = ref.Add(
        data.draw(st.integers(-127, 128)), *scale1, data.draw(st.integers(-127, 128)), *scale2,
        data.draw(int8s), data.draw(multipliers), data.draw(st.integers(-24, 0)), *limits,
    )  # fmt: skip
    device.reset()
    at = data.draw(st.integers(0, 3))
    output = device.room(len(values1), offset=at)
    device.call(
        name_of("add_s8", plain), device.layer(astuple(layer)), device.array(values1, at),
        device.array(values2), len(values1), output,
    )  # fmt: skip
    got = device.values(output, values1.shape, np.int8)
    np.testing.assert_array_equal(got, ref.add(values1, values2, layer))


@VARIANTS
@EXAMPLES
@given(data=st.data())
def test_mul_s8_is_the_reference(device: Device, plain: bool, data: st.DataObject) -> None:
    values1 = random_values(data, (data.draw(st.integers(1, 70)),))
    values2 = random_values(data, values1.shape)
    limits = activation(data)
    layer = ref.Mul(
        data.draw(st.integers(-127, 128)), data.draw(st.integers(-127, 128)), data.draw(int8s),
        data.draw(multipliers), data.draw(st.integers(-16, 3)), *limits,
    )  # fmt: skip
    device.reset()
    at = data.draw(st.integers(0, 3))
    output = device.room(len(values1), offset=at)
    device.call(
        name_of("mul_s8", plain), device.layer(astuple(layer)), device.array(values1, at),
        device.array(values2), len(values1), output,
    )  # fmt: skip
    got = device.values(output, values1.shape, np.int8)
    np.testing.assert_array_equal(got, ref.mul(values1, values2, layer))


@VARIANTS
@FEWER
@given(data=st.data())
def test_softmax_s8_is_the_reference(device: Device, plain: bool, data: st.DataObject) -> None:
    shape = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 40))
    rows = random_values(data, shape)
    multiplier, shift = data.draw(multipliers), data.draw(st.integers(0, 26))
    device.reset()
    smallest = device.call("softmax_s8_smallest_difference", shift)
    layer = device.layer([*shape, multiplier, shift, smallest - (smallest >> 31 << 32)])
    output = device.room(rows.size)
    arguments = [layer, device.array(rows), output]
    if not plain:
        arguments.append(device.room(device.call("softmax_s8_scratch_bytes", layer)))
    device.call(name_of("softmax_s8", plain), *arguments)
    got = device.values(output, shape, np.int8)
    np.testing.assert_array_equal(got, ref.softmax(rows, multiplier, shift))


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), from the exponential on in single precision, as TFLite computes it."""
    with np.errstate(over="ignore"):
        power = np.exp(-x).astype(np.float32)
    return np.asarray(np.float32(1) / (np.float32(1) + power))


@pytest.mark.parametrize(
    ("name", "function", "one", "zero"),
    [("sigmoid_s8_table", sigmoid, 256, -128), ("tanh_s8_table", np.tanh, 128, 0)],
)
@FEWER
@given(scale=st.floats(2.0**-12, 4.0, width=32), zero_point=int8s)
def test_tables_hold_the_rounded_function(
    device: Device, name: str, function: Any, one: int, zero: int, scale: float, zero_point: int
) -> None:
    device.reset()
    table = device.room(256)
    device.call_table(name, scale, zero_point, table)
    got = device.values(table, (256,), np.int8)
    np.testing.assert_array_equal(got, ref.table(function, scale, zero_point, one, zero))


@VARIANTS
@FEWER
@given(data=st.data())
def test_a_table_maps_every_value(device: Device, plain: bool, data: st.DataObject) -> None:
    values = random_values(data, (data.draw(st.integers(1, 70)),))
    table = nn.int8_values(np.random.default_rng(data.draw(nn.seeds)), (256,), "uniform")
    device.reset()
    output = device.room(len(values), offset=data.draw(st.integers(0, 3)))
    arguments = (device.array(values), len(values), device.array(table), output)
    device.call(name_of("table_s8", plain), *arguments)
    expected = table[values.astype(int) + 128]
    np.testing.assert_array_equal(device.values(output, values.shape, np.int8), expected)


@VARIANTS
@FEWER
@given(data=st.data())
def test_pad_s8_is_numpys(device: Device, plain: bool, data: st.DataObject) -> None:
    image = random_values(data, tuple(data.draw(st.integers(1, 9)) for _ in range(3)))
    top, bottom, left, right = (data.draw(st.integers(0, 3)) for _ in range(4))
    value = data.draw(int8s)
    expected = np.pad(image, ((top, bottom), (left, right), (0, 0)), constant_values=value)
    device.reset()
    layer = device.layer([*image.shape, top, bottom, left, right, value])
    at = data.draw(st.integers(0, 3))
    output = device.room(expected.size, offset=at)
    device.call(name_of("pad_s8", plain), layer, device.array(image, at), output)
    np.testing.assert_array_equal(device.values(output, expected.shape, np.int8), expected)


@VARIANTS
@FEWER
@given(data=st.data())
def test_concatenate_s8_is_numpys(device: Device, plain: bool, data: st.DataObject) -> None:
    outer = data.draw(st.integers(1, 9))
    widths = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    inputs = [random_values(data, (outer, width)) for width in widths]
    expected = np.concatenate(inputs, axis=1)
    device.reset()
    pointers = device.layer([device.array(values, 1) for values in inputs])
    output = device.room(expected.size)
    device.call(
        name_of("concatenate_s8", plain), pointers, device.layer(widths), len(widths), outer, output
    )
    np.testing.assert_array_equal(device.values(output, expected.shape, np.int8), expected)


@VARIANTS
@FEWER
@given(data=st.data())
def test_transpose_and_copy_are_numpys(device: Device, plain: bool, data: st.DataObject) -> None:
    values = random_values(data, tuple(data.draw(st.integers(1, 6)) for _ in range(4)))
    order = data.draw(st.permutations(range(4)))
    expected = values.transpose(order)
    device.reset()
    source, output = device.array(values, data.draw(st.integers(0, 3))), device.room(values.size)
    layer = device.layer([*values.shape, *order])
    device.call(name_of("transpose_s8", plain), layer, source, output)
    np.testing.assert_array_equal(device.values(output, expected.shape, np.int8), expected)
    device.call(name_of("copy_s8", plain), source, values.size, output)
    np.testing.assert_array_equal(device.values(output, values.shape, np.int8), values)
