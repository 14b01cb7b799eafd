"""FULLY_CONNECTED and BATCH_MATMUL.

TFLM: tensorflow/lite/micro/kernels/fully_connected_common.cc, batch_matmul.cc and
GetQuantizedConvolutionMultipler of tensorflow/lite/kernels/kernel_util.cc.
"""

from __future__ import annotations

from collections.abc import Iterable

from simcore.network.graph import Tensor
from simcore.network.lowering import KernelCall, Scratch
from simcore.network.prepare import scales
from simcore.network.prepare.convolutions import (
    bias_kind,
    channel_scales,
    has_narrow_sums,
    strip_bytes,
    weight_kind,
)
from simcore.network.prepare.node import OperatorNode, constant, steps_of, words


def one_multiplier(
    node: OperatorNode, left: Tensor, right: Tensor, output: Tensor, most_shift: int
) -> tuple[int, int]:
    """The multiplier and shift of products of two tensors with one scale each."""
    product = node.scale(left) * node.scale(right)
    return node.multiplier(product / node.scale(output), most_shift)


def fully_connected(node: OperatorNode) -> KernelCall:
    """Rows of inputs times a matrix with a row for each output."""
    inputs, weights, bias, output = node.input(0), node.input(1), node.optional(2), node.output()
    kind = weight_kind(node, inputs, weights)
    node.same_kind(inputs, output)
    if node.text("weights_format", "DEFAULT") != "DEFAULT":
        node.refuse("shuffled weights")
    outputs, depth = node.rank_is(weights, 2)
    rows = output.elements // outputs
    if not output.shape or output.shape[-1] != outputs or inputs.elements != rows * depth:
        node.refuse(
            f"weights of the shape {list(weights.shape)} from {list(inputs.shape)} to"
            f" {list(output.shape)}"
        )
    allowed = {"int8": ("int32",), "int16": ("int64", "int32"), "float32": ("float32",)}
    bias_type = bias_kind(node, bias, outputs, allowed[kind])
    macs = node.macs
    tensors = (inputs.index, weights.index, bias.index if bias else None, output.index)
    if kind == "float32":
        params = words(rows, depth, outputs, scales.real_limits(node.activation()))
        return KernelCall(
            "op_fully_connected_f32", params, tensors, macs, 2 * macs, is_optimised=True
        )
    limits = node.quantized_limits(output, node.activation())
    is_narrow = kind == "int8" or has_narrow_sums(node, bias_type)
    most_shift = 30 if is_narrow else 7
    weight_offset = 0
    if len(node.scales(weights)) > 1:
        table = channel_scales(node, inputs, weights, output, 0, most_shift)
    else:
        if bias is not None:
            product = node.scale(inputs) * node.scale(weights)
            if abs(product - _scale_of_bias(bias)) / node.scale(output) > 0.02:
                node.refuse(f"the scale of bias '{bias.name}' is not that of its products")
        pair = one_multiplier(node, inputs, weights, output, most_shift)
        table = (
            constant("multipliers", "i", [pair[0]] * outputs),
            constant("shifts", "i", [pair[1]] * outputs),
        )
        weight_offset = -node.zero_point(weights)
    if kind == "int16":
        node.no_zero_point(inputs, output)
    offsets = (-node.zero_point(inputs), node.zero_point(output))
    if weight_offset != 0:
        if kind == "int16" and is_narrow:
            node.refuse("int16 inputs, 32-bit sums and weights with a zero point")
        params = words(rows, depth, outputs, offsets[0], weight_offset, offsets[1], limits)
        name = "op_fully_connected_s8_plain" if kind == "int8" else "op_fully_connected_s16_plain"
        return KernelCall(name, params, (*tensors, *table), macs, 2 * macs)
    if kind == "int16":
        pixels = (1, rows, depth, 1, rows, outputs, 1, 1)
        geometry = (1, 1, 1, 1, 0, 0)
        if is_narrow:
            params = words(1, pixels, depth, geometry, 0, 0, limits)
            name = "op_fully_connected_s16_bias32_plain"
            return KernelCall(name, params, (*tensors, *table), macs, 2 * macs)
        params = words(1, pixels, geometry, limits)
        buffers = (*tensors, *table, Scratch(strip_bytes(depth)))
        return KernelCall(
            "op_fully_connected_s16", params, buffers, macs, 2 * macs, is_optimised=True
        )
    if rows > 1:
        params = words(rows, depth, outputs, offsets, limits)
        buffers = (*tensors, *table, Scratch(strip_bytes(depth)))
        return KernelCall(
            "op_pointwise_conv2d_s8", params, buffers, macs, 2 * macs, is_optimised=True
        )
    params = words(depth, outputs, offsets, limits)
    buffers = (*tensors, *table, Scratch((depth + 3) // 4 * 8))
    return KernelCall("op_fully_connected_s8", params, buffers, macs, 2 * macs, is_optimised=True)


def _scale_of_bias(bias: Tensor) -> float:
    return bias.quantization.scales[0] if bias.quantization and bias.quantization.scales else 0.0


def batch_matmul(node: OperatorNode) -> KernelCall:
    """Products of pairs of matrices, each side transposed when an option says so."""
    left, right, output = node.input(0), node.input(1), node.output()
    kind = node.kind_of(left, ("int8", "int16", "float32"))
    node.same_kind(left, right, output)
    most = max(len(left.shape), len(right.shape))
    if min(len(left.shape), len(right.shape)) < 2 or most > 5:
        node.refuse("matrices of 2 to 5 axes are known")
    left_shape, right_shape = ((1,) * (5 - len(t.shape)) + t.shape for t in (left, right))
    batches = [max(pair) for pair in zip(left_shape[:3], right_shape[:3], strict=True)]
    for size, one, other in zip(batches, left_shape, right_shape, strict=False):
        if one not in (1, size) or other not in (1, size):
            node.refuse(f"shapes {list(left.shape)} and {list(right.shape)} do not go together")
    left_steps, right_steps = steps_of(left_shape), steps_of(right_shape)
    row, depth = (4, 3) if node.flag("adj_x") else (3, 4)
    column, right_depth = (3, 4) if node.flag("adj_y") else (4, 3)
    if left_shape[depth] != right_shape[right_depth]:
        node.refuse(f"shapes {list(left.shape)} and {list(right.shape)} do not go together")
    sizes = (left_shape[row], right_shape[column], left_shape[depth])
    node.shape_is(output, (*batches[5 - most :], *sizes[:2]))
    batch_steps = [
        [0 if size == 1 else step for size, step in zip(shape[:3], steps, strict=False)]
        for shape, steps in ((left_shape, left_steps), (right_shape, right_steps))
    ]
    matrix_steps = (
        left_steps[row],
        left_steps[depth],
        right_steps[column],
        right_steps[right_depth],
    )
    macs = node.macs
    buffers = (left.index, right.index, output.index)
    shape: tuple[Iterable[int], ...] = (batches, *batch_steps, sizes, matrix_steps)
    if kind == "float32":
        params = words(*shape, 0, 0, 0, 0, 0, 0, 0)
        return KernelCall("op_batch_matmul_f32", params, buffers, macs, 2 * macs)
    if kind == "int16":
        node.no_zero_point(left, right, output)
    multiplier = one_multiplier(node, left, right, output, 7 if kind == "int16" else 30)
    offsets = (-node.zero_point(left), -node.zero_point(right), node.zero_point(output))
    params = words(*shape, offsets, multiplier, scales.LIMITS[kind])
    name = "op_batch_matmul_s8" if kind == "int8" else "op_batch_matmul_s16"
    return KernelCall(name, params, buffers, macs, 2 * macs)
