"""Pools, MEAN and SUM, ARG_MAX and ARG_MIN.

TFLM: tensorflow/lite/micro/kernels/pooling_common.cc, reduce_common.cc, arg_min_max.cc and
tensorflow/lite/kernels/internal/reference/reduce.h.
"""

from __future__ import annotations

from math import prod

from simcore.network.lowering import KernelCall, Scratch
from simcore.network.prepare import scales
from simcore.network.prepare.convolutions import window
from simcore.network.prepare.node import OperatorNode, steps_of, walk, words

SUFFIX = {"int8": "s8", "int16": "s16", "int32": "s32", "float32": "f32"}


def pool(node: OperatorNode) -> KernelCall:
    """The maximum or the average of windows; input and output have one scale."""
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, ("int8", "int16", "float32"))
    node.same_kind(inputs, output)
    batches, height, width, channels = node.rank_is(inputs, 4)
    size = node.number("filter_height", 1), node.number("filter_width", 1)
    place = window(node, (height, width), size)
    node.shape_is(output, (batches, place.height, place.width, channels))
    limits: tuple[float, float]
    if kind == "float32":
        limits = scales.real_limits(node.activation())
    else:
        if abs(node.scale(inputs) - node.scale(output)) > 1e-6 or node.zero_point(
            inputs
        ) != node.zero_point(output):
            node.refuse("input and output have different scales; they must have one")
        limits = node.quantized_limits(output, node.activation())
    params = words(
        batches,
        height,
        width,
        channels,
        place.height,
        place.width,
        size,
        place.strides,
        place.top,
        place.left,
        limits,
    )
    name = "max" if node.operator.kind == "MAX_POOL_2D" else "average"
    return KernelCall(
        f"op_{name}_pool_{SUFFIX[kind]}", params, (inputs.index, output.index),
        ops=output.elements * size[0] * size[1], is_optimised=kind == "int8",
    )  # fmt: skip


def reduce(node: OperatorNode) -> KernelCall:
    """Sums or means over some axes."""
    inputs, output = node.input(0), node.output()
    is_mean = node.operator.kind == "MEAN"
    kind = node.kind_of(inputs, ("int8", "int16", "float32"))
    node.same_kind(inputs, output)
    rank = len(inputs.shape)
    axes = {node.axis(value, rank) for value in node.integers(node.input(1), "axes")}
    kept = [1 if axis in axes else size for axis, size in enumerate(inputs.shape)]
    terms = prod(inputs.shape[axis] for axis in axes)
    node.shape_is(
        output,
        kept
        if node.flag("keep_dims")
        else [kept[axis] for axis in range(rank) if axis not in axes],
    )
    steps = [0 if axis in axes else step for axis, step in enumerate(steps_of(kept))]
    sizes_steps = walk(node, inputs.shape, steps)
    buffers: tuple[int | Scratch, ...] = (inputs.index, output.index)
    ops = inputs.elements + (output.elements if is_mean else 0)
    if kind == "float32":
        params = words(*sizes_steps, output.elements, terms, 0, 0, 0, 0, 0, 0, is_mean)
        return KernelCall("op_reduce_f32", params, buffers, ops=ops)
    multiplier, shift = node.multiplier(node.scale(inputs) / node.scale(output))
    if is_mean:
        widen = min(terms.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << widen) // terms, shift - widen
    offset = -node.zero_point(inputs) * terms
    params = words(
        *sizes_steps, output.elements, terms, offset, node.zero_point(output), multiplier, shift,
        scales.LIMITS[kind], is_mean,
    )  # fmt: skip
    return KernelCall(
        f"op_reduce_{SUFFIX[kind]}", params, (*buffers, Scratch(4 * output.elements)), ops=ops
    )


def argument(node: OperatorNode) -> KernelCall:
    """The index of the largest or smallest value along an axis."""
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, ("int8", "float32"))
    node.kind_of(output, ("int32",))
    (value,) = node.integers(node.input(1), "axis")[:1]
    axis = node.axis(value, len(inputs.shape))
    shape = inputs.shape
    node.shape_is(output, (*shape[:axis], *shape[axis + 1 :]))
    params = words(
        prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]), node.operator.kind == "ARG_MAX"
    )
    return KernelCall(
        f"op_argument_{SUFFIX[kind]}", params, (inputs.index, output.index), ops=inputs.elements
    )
