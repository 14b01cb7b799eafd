"""Functions of one value, and SOFTMAX.

TFLM: tensorflow/lite/micro/kernels/activations_common.cc, leaky_relu_common.cc,
hard_swish_common.cc, logistic_common.cc, tanh.cc, softmax_common.cc. A function of an int8 is a
table of 256 bytes, which gives what TFLM computes for each value anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from simcore.network.graph import Tensor
from simcore.network.lowering import Constant, KernelCall, Scratch
from simcore.network.prepare import scales, tables
from simcore.network.prepare.node import OperatorNode, constant, words

IN_PLACE = {1: 0}
INT8 = range(-128, 128)


def _unary(node: OperatorNode) -> tuple[Tensor, Tensor, str]:
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, ("int8", "int16", "float32"))
    node.same_kind(inputs, output)
    node.elements_are(output, inputs.elements)
    return inputs, output, kind


def _call(
    name: str,
    params: tuple[int, ...],
    inputs: Tensor,
    output: Tensor,
    *more: Constant,
    fast: bool = False,
) -> KernelCall:
    return KernelCall(
        name, params, (inputs.index, output.index, *more), ops=output.elements, is_optimised=fast,
        in_place=dict(IN_PLACE),
    )  # fmt: skip


def table_call(inputs: Tensor, output: Tensor, values: Iterable[int]) -> KernelCall:
    """The call of a table of what every int8 becomes."""
    table = Constant("table", bytes(value & 0xFF for value in values))
    return _call("op_table_s8", (output.elements,), inputs, output, table, fast=True)


def relu(node: OperatorNode) -> KernelCall:
    """Values below 0 become 0, in the output's scale."""
    inputs, output, kind = _unary(node)
    if kind == "float32":
        return _call("op_clamp_f32", words(output.elements, 0.0, math.inf), inputs, output)
    if kind == "int16":
        node.no_zero_point(inputs, output)
    pair = node.multiplier(node.scale(inputs) / node.scale(output))
    zero_in, zero_out = node.zero_point(inputs), node.zero_point(output)
    low, high = max(scales.LIMITS[kind][0], zero_out), scales.LIMITS[kind][1]
    if pair == scales.IDENTITY and zero_in == zero_out:
        name = "op_clamp_s8" if kind == "int8" else "op_clamp_s16"
        return _call(name, words(output.elements, low, high), inputs, output, fast=kind == "int8")
    if kind == "int8":
        values = (zero_out + scales.multiply_by_multiplier(x - zero_in, *pair) for x in INT8)
        return table_call(inputs, output, (scales.clamp(value, (low, high)) for value in values))
    params = words(output.elements, -zero_in, zero_out, pair, pair, 0, low, high)
    return _call("op_leaky_s16", params, inputs, output)


def relu6(node: OperatorNode) -> KernelCall:
    """Values limited to 0 to 6, in the input's scale."""
    inputs, output, kind = _unary(node)
    if kind == "float32":
        return _call("op_clamp_f32", words(output.elements, 0.0, 6.0), inputs, output)
    scale, zero_point = node.scale(inputs), node.zero_point(inputs)
    six = scales.clamp(
        scales.round_away(scales.single(6.0 / scale)) + zero_point, scales.LIMITS[kind]
    )
    name = "op_clamp_s8" if kind == "int8" else "op_clamp_s16"
    return _call(name, words(output.elements, zero_point, six), inputs, output, fast=kind == "int8")


def leaky_relu(node: OperatorNode) -> KernelCall:
    """Values below 0 times a slope that is the same for all."""
    inputs, output, kind = _unary(node)
    alpha = node.real("alpha", 0.0)
    if kind == "float32":
        return _call("op_leaky_f32", words(output.elements, alpha), inputs, output)
    scale_in, scale_out = node.scale(inputs), node.scale(output)
    below = node.multiplier(scale_in * alpha / scale_out)
    pair = node.multiplier(scale_in / scale_out)
    zero_in, zero_out = node.zero_point(inputs), node.zero_point(output)
    is_negative = below[0] < 0
    below = abs(below[0]), below[1]
    limits = scales.LIMITS[kind]
    if kind == "int16":
        params = words(output.elements, -zero_in, zero_out, pair, below, is_negative, limits)
        return _call("op_leaky_s16", params, inputs, output)

    def leaky(stored: int) -> int:
        value = stored - zero_in
        if value >= 0:
            return scales.multiply_by_multiplier(value, *pair)
        scaled = scales.multiply_by_multiplier(value, *below)
        return -scaled if is_negative else scaled

    return table_call(inputs, output, (scales.clamp(zero_out + leaky(x), limits) for x in INT8))


def hard_swish(node: OperatorNode) -> KernelCall:
    """x * relu6(x + 3) / 6."""
    inputs, output, kind = _unary(node)
    if kind == "float32":
        return _call("op_hard_swish_f32", (output.elements,), inputs, output)
    if kind == "int16":
        node.refuse("int16; TFLM has int8 and float32")
    fine = node.scale(inputs) / 128.0
    pairs = [node.multiplier(fine / unit) for unit in (node.scale(output), 3.0 / 32768.0)]
    if pairs[0][1] > 0:
        node.refuse("an output scale too small for its input scale; TFLM refuses it too")
    if pairs[0][1] < -15 or pairs[1][1] > 15:
        node.refuse("scales beyond what its int16 arithmetic holds")
    short = [
        (0x7FFF if multiplier >= 0x7FFF_FFFF - (1 << 15) else (multiplier + (1 << 15)) >> 16, shift)
        for multiplier, shift in pairs
    ]
    values = tables.hard_swish_s8(
        node.scale(inputs), node.zero_point(inputs), node.zero_point(output), short[0], short[1]
    )
    return table_call(inputs, output, values)


def curve(node: OperatorNode) -> KernelCall:
    """LOGISTIC and TANH."""
    inputs, output, kind = _unary(node)
    is_logistic = node.operator.kind == "LOGISTIC"
    name = "logistic" if is_logistic else "tanh"
    if kind == "float32":
        return _call(f"op_{name}_f32", (output.elements,), inputs, output)
    if kind == "int16":
        params = words(output.elements, _curve_scale_s16(node, inputs, output, is_logistic))
        steps = constant("logistic_table", "H", tables.logistic_steps())
        return _call(f"op_{name}_s16", params, inputs, output, steps)
    if is_logistic and node.zero_point(output) != -128:
        node.refuse("the output's zero point must be -128")
    fraction, shift = math.frexp(node.scale(inputs) * (1 << 27))
    if not 0 <= shift <= 30:
        node.refuse(f"the input scale {node.scale(inputs):g} is beyond the kernel's")
    multiplier = min(scales.round_away(fraction * (1 << 31)), (1 << 31) - 1)
    scaled = multiplier, shift, scales.input_radius(4, shift)
    zero_point = node.zero_point(inputs)
    if is_logistic:
        return table_call(
            inputs, output, tables.curve_s8(tables.logistic_q4, 8, -128, scaled, zero_point)
        )
    return table_call(inputs, output, tables.curve_s8(tables.tanh_q4, 7, 0, scaled, zero_point))


def _curve_scale_s16(
    node: OperatorNode, inputs: Tensor, output: Tensor, is_logistic: bool
) -> tuple[int, int]:
    """Multiplier and right shift to 1/12288 units; an input scale of 2^-12 has an exact one."""
    node.no_zero_point(inputs, output)
    if scales.power_of_two(node.scale(output)) != (True, -15):
        node.refuse("the output's scale must be 2^-15")
    is_power, exponent = scales.power_of_two(node.scale(inputs))
    left = 12 + exponent
    if is_power and left in ((0,) if is_logistic else (0, 1)):
        return 3 << left, 0
    real, shift = node.scale(inputs) * 4096.0 * 3.0, 0
    while real <= 32767.0 / 2.0 and shift <= 30:
        shift += 1
        real *= 2.0
    if real > 32767:
        node.refuse(f"the input scale {node.scale(inputs):g} is too large for int16")
    return int(real), shift


def softmax(node: OperatorNode) -> KernelCall:
    """Softmax along the last axis."""
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, ("int8", "int16", "float32"))
    node.shape_is(output, inputs.shape)
    if not inputs.shape:
        node.refuse("a scalar has no axis")
    columns = inputs.shape[-1]
    rows = inputs.elements // columns
    beta = node.real("beta", 0.0)
    buffers = (inputs.index, output.index)
    ops = 3 * inputs.elements  # exponential, sum, quotient
    if kind == "float32":
        node.same_kind(inputs, output)
        return KernelCall("op_softmax_f32", words(rows, columns, beta), buffers, ops=ops)
    if kind == "int16":
        node.same_kind(inputs, output)
        node.no_zero_point(inputs, output)
        if abs(node.scale(output) - 1 / 32768) > 0.001 / 32768:
            node.refuse("the output's scale must be 1/32768")
        pair = node.multiplier(node.scale(inputs) * beta / (10.0 / 65535.0))
        luts = (
            constant("exp_table", "h", _exp_table()),
            constant("reciprocal_table", "h", _reciprocal_table()),
        )
        params = words(rows, columns, pair)
        return KernelCall("op_softmax_s16", params, (*buffers, *luts), ops=ops)
    to_int16 = node.kind_of(output, ("int8", "int16")) == "int16"
    zero_point, scale = (-32768, 1 / 65536) if to_int16 else (-128, 1 / 256)
    if node.zero_point(output) != zero_point or abs(node.scale(output) - scale) > (
        0.001 * scale if to_int16 else 0
    ):
        node.refuse(
            f"the output's scale must be 1/{round(1 / scale)} and its zero point {zero_point}"
        )
    real = min(beta * node.scale(inputs) * (1 << 26), (1 << 31) - 1.0)
    if real <= 1.0:
        node.refuse(
            f"an input scale of {node.scale(inputs):g} and beta of {beta:g}; they are too small"
        )
    multiplier, shift = scales.quantize_multiplier(real)
    smallest = -scales.input_radius(5, shift)
    if not to_int16:
        params = words(rows, columns, multiplier, shift, smallest)
        buffers_s8 = (*buffers, Scratch(4 * columns))
        return KernelCall("op_softmax_s8", params, buffers_s8, ops=ops, is_optimised=True)
    exponentials = [
        tables.exp_of_negative(scales.multiply_by_multiplier(-i, multiplier, shift), 5)
        if -i >= smallest
        else 0
        for i in range(256)
    ]
    table = constant("exp_table", "i", exponentials)
    return KernelCall("op_softmax_s8_s16", words(rows, columns), (*buffers, table), ops=ops)


def _exp_table() -> list[int]:
    """e^x over -10 to 0, in units of 2/65535."""
    unit_in, unit_out = (
        scales.single(scales.single(10.0) / 65535),
        scales.single(scales.single(2.0) / 65535),
    )
    ends = scales.single(unit_in * (-32768 - 32767)), scales.single(unit_in * 0)
    return tables.table_s16(math.exp, ends, _output_ends(unit_out))


def _reciprocal_table() -> list[int]:
    """1 / (1 + x) over 0 to 1, in units of 2/65535."""
    unit_in, unit_out = (
        scales.single(scales.single(1.0) / 65535),
        scales.single(scales.single(2.0) / 65535),
    )
    ends = scales.single(unit_in * 0), scales.single(unit_in * (32767 + 32768))
    return tables.table_s16(
        lambda x: scales.single(1.0 / scales.single(1.0 + x)), ends, _output_ends(unit_out)
    )


def _output_ends(unit: float) -> tuple[float, float]:
    return scales.single(unit * -32768), scales.single(unit * 32767)
