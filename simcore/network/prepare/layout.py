"""Operators that move values and compute nothing.

TFLM: tensorflow/lite/micro/kernels/pad_common.cc, strided_slice_common.cc, transpose_common.cc,
concatenation.cc, split.cc, split_v.cc, pack.cc. All but PAD's and TRANSPOSE's int8 kernels count in
bytes, so that every type of one size is moved by the same code.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod

from simcore.network.graph import BYTES_OF_TYPE, Tensor
from simcore.network.lowering import KernelCall
from simcore.network.prepare.node import OperatorNode, steps_of, walk, words

IN_PLACE = {1: 0}
KINDS = ("int8", "int16", "int32", "float32")
MORE_KINDS = (*KINDS, "int64", "bool")


def size_of(tensor: Tensor) -> int:
    """Bytes of a value."""
    return BYTES_OF_TYPE[tensor.type]


def copy_call(source: Tensor, output: Tensor) -> KernelCall:
    """The call that copies a tensor, or nothing where both lie at one place."""
    return KernelCall(
        "op_copy",
        (output.size_bytes,),
        (source.index, output.index),
        is_optimised=True,
        in_place=dict(IN_PLACE),
    )


def reshape(node: OperatorNode) -> KernelCall:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: other axes for the same values."""
    inputs, output = node.input(0), node.output()
    expands = node.operator.kind == "EXPAND_DIMS"
    node.kind_of(inputs, ("int8", "int16", "float32") if expands else tuple(BYTES_OF_TYPE))
    node.same_kind(inputs, output)
    node.elements_are(output, inputs.elements)
    return copy_call(inputs, output)


def concatenation(node: OperatorNode) -> KernelCall:
    """Tensors joined along an axis; int8 ones must have one scale."""
    node.no_activation()
    output = node.output()
    node.kind_of(output, MORE_KINDS)
    rank = len(output.shape)
    axis = node.axis(node.number("axis", 0), rank)
    parts = [node.input(place) for place in range(len(node.operator.inputs))]
    total = 0
    for part in parts:
        node.same_kind(part, output)
        if len(part.shape) != rank:
            node.refuse(f"'{part.name}' has {len(part.shape)} axes, not {rank}")
        node.shape_is(part, (*output.shape[:axis], part.shape[axis], *output.shape[axis + 1 :]))
        total += part.shape[axis]
        if part.type == "int8" and (part.quantization or output.quantization):
            if node.scale(part) != node.scale(output) or node.zero_point(part) != node.zero_point(
                output
            ):
                node.refuse(f"'{part.name}' has another scale than the output")
        elif part.type == "int16":
            node.no_zero_point(part, output)
    if total != output.shape[axis]:
        node.refuse(f"parts of {total} along axis {axis}, output of {output.shape[axis]}")
    return _join(parts, output, axis)


def pack(node: OperatorNode) -> KernelCall:
    """Tensors joined along an axis that they do not have yet."""
    output = node.output()
    node.kind_of(output, (*KINDS, "int64"))
    axis = node.axis(node.number("axis", 0), len(output.shape))
    parts = [node.input(place) for place in range(len(node.operator.inputs))]
    for part in parts:
        node.same_kind(part, output)
        node.shape_is(part, (*output.shape[:axis], *output.shape[axis + 1 :]))
    if len(parts) != output.shape[axis]:
        node.refuse(f"{len(parts)} inputs for an axis of {output.shape[axis]}")
    return _join(parts, output, axis)


def _join(parts: Sequence[Tensor], output: Tensor, axis: int) -> KernelCall:
    outer = prod(output.shape[:axis])
    params = words(len(parts), outer, [part.size_bytes // outer for part in parts])
    buffers = (*(part.index for part in parts), output.index)
    return KernelCall("op_concatenate", params, buffers, is_optimised=True)


def split(node: OperatorNode) -> KernelCall:
    """SPLIT and SPLIT_V: a tensor cut along an axis."""
    is_even = node.operator.kind == "SPLIT"
    inputs, axis_tensor = (
        (node.input(1), node.input(0)) if is_even else (node.input(0), node.input(2))
    )
    node.kind_of(inputs, KINDS)
    axis = node.axis(node.integers(axis_tensor, "axis")[0], len(inputs.shape))
    outputs = [node.output(place) for place in range(len(node.operator.outputs))]
    total = 0
    for output in outputs:
        node.same_kind(inputs, output)
        if len(output.shape) != len(inputs.shape):
            node.refuse(f"'{output.name}' has {len(output.shape)} axes, not {len(inputs.shape)}")
        node.shape_is(output, (*inputs.shape[:axis], output.shape[axis], *inputs.shape[axis + 1 :]))
        total += output.shape[axis]
    if total != inputs.shape[axis] or (is_even and len({output.shape for output in outputs}) > 1):
        node.refuse(f"outputs of {total} along axis {axis}, input of {inputs.shape[axis]}")
    outer = prod(inputs.shape[:axis])
    params = words(len(outputs), outer, [output.size_bytes // outer for output in outputs])
    return KernelCall("op_split", params, (inputs.index, *(output.index for output in outputs)))


def _pieces(
    node: OperatorNode, sizes: Sequence[int], steps: Sequence[int], value_bytes: int
) -> tuple[int, list[list[int]]]:
    """Bytes of a piece that lies together on both sides, and the walk over all pieces, in bytes."""
    merged = walk(node, sizes, steps)
    piece = value_bytes
    if merged[1][-1] == 1:
        piece *= merged[0].pop()
        merged = walk(node, merged[0], merged[1][:-1])
    return piece, [merged[0], [step * value_bytes for step in merged[1]]]


def strided_slice(node: OperatorNode) -> KernelCall:
    """Every so many values between a begin and an end along each axis."""
    inputs, output = node.input(0), node.output()
    node.kind_of(inputs, (*KINDS, "bool"))
    node.same_kind(inputs, output)
    rank = len(inputs.shape)
    begin, end, strides = (
        node.integers(node.input(place), "begin, end or stride") for place in (1, 2, 3)
    )
    if rank > 4 or {len(begin), len(end), len(strides)} != {rank}:
        node.refuse("begin, end and strides must name each of at most 4 axes")
    if node.number("ellipsis_mask", 0) or node.number("new_axis_mask", 0) or node.flag("offset"):
        node.refuse("an ellipsis, a new axis or an offset, which TFLM does not know")
    begin_mask, end_mask = node.number("begin_mask", 0), node.number("end_mask", 0)
    shrink = node.number("shrink_axis_mask", 0)
    starts, sizes, shape = [], [], []
    for axis, size in enumerate(inputs.shape):
        stride = strides[axis]
        if stride == 0:
            node.refuse("a stride of 0")
        low, high = (0, size) if stride > 0 else (-1, size - 1)
        first = (
            (low if stride > 0 else high)
            if begin_mask >> axis & 1
            else _limit(begin[axis], size, low, high)
        )
        last = (
            (high if stride > 0 else low)
            if end_mask >> axis & 1
            else _limit(end[axis], size, low, high)
        )
        if shrink >> axis & 1:
            last = first + 1
            stride = 1
            if not 0 <= first < size:
                node.refuse(f"index {begin[axis]} of an axis of {size}")
        count = max(0, -(-(last - first) // stride))
        starts.append(first)
        sizes.append(count)
        if not shrink >> axis & 1:
            shape.append(count)
    node.shape_is(output, shape)
    base = steps_of(inputs.shape)
    steps = [step * stride for step, stride in zip(base, strides, strict=True)]
    start = sum(first * step for first, step in zip(starts, base, strict=True))
    piece, merged = _pieces(node, sizes, steps, size_of(inputs))
    params = words(piece, start * size_of(inputs), *merged)
    return KernelCall("op_strided_slice", params, (inputs.index, output.index))


def _limit(index: int, size: int, low: int, high: int) -> int:
    return max(low, min(high, index + size if index < 0 else index))


def transpose(node: OperatorNode) -> KernelCall:
    """Axes in another order."""
    inputs, output = node.input(0), node.output()
    node.kind_of(inputs, ("int8", "int16", "float32"))
    node.same_kind(inputs, output)
    order = node.integers(node.input(1), "order of axes")
    rank = len(inputs.shape)
    if sorted(order) != list(range(rank)):
        node.refuse(f"the order {list(order)} of {rank} axes")
    node.shape_is(output, [inputs.shape[axis] for axis in order])
    if inputs.type == "int8" and rank <= 4:
        missing = 4 - rank
        params = words(
            [1] * missing, inputs.shape, range(missing), [axis + missing for axis in order]
        )
        return KernelCall(
            "op_transpose_s8", params, (inputs.index, output.index), is_optimised=True
        )
    base = steps_of(inputs.shape)
    piece, merged = _pieces(node, output.shape, [base[axis] for axis in order], size_of(inputs))
    return KernelCall("op_transpose", words(piece, 0, *merged), (inputs.index, output.index))


def pad(node: OperatorNode) -> KernelCall:
    """PAD and PADV2: values of one kind around a tensor; PAD's are its zero point."""
    inputs, filling, output = node.input(0), node.optional(2), node.output()
    kind = node.kind_of(inputs, KINDS)
    node.same_kind(inputs, output)
    rank = len(inputs.shape)
    flat = node.integers(node.input(1), "paddings")
    if len(flat) != 2 * rank or rank > 5:
        node.refuse(f"{len(flat)} paddings for {rank} axes; pairs for at most 5 axes are known")
    if min(flat, default=0) < 0:
        node.refuse("a padding below 0")
    before, behind = flat[::2], flat[1::2]
    node.shape_is(
        output, [a + size + b for a, size, b in zip(before, inputs.shape, behind, strict=True)]
    )
    if filling is not None:
        node.same_kind(inputs, filling)
        node.elements_are(filling, 1)
        if filling.data is None:
            node.refuse(f"the value '{filling.name}' is computed; it must be a constant")
        if kind == "int8" and (node.scale(filling), node.zero_point(filling)) != (
            node.scale(output),
            node.zero_point(output),
        ):
            node.refuse(f"the value '{filling.name}' has another scale than the output")
        data = filling.data
    elif kind == "int8":
        data = struct.pack("<b", node.zero_point(output))
    else:
        data = bytes(size_of(output))
    if (
        kind == "int8"
        and rank == 4
        and not any((before[0], behind[0], before[3], behind[3]))
        and inputs.shape[0] == 1
    ):
        params = words(
            inputs.shape[1:],
            before[1],
            behind[1],
            before[2],
            behind[2],
            int.from_bytes(data, "little", signed=True),
        )
        return KernelCall("op_pad_s8", params, (inputs.index, output.index), is_optimised=True)
    steps = steps_of(output.shape)
    start = sum(count * step for count, step in zip(before, steps, strict=True)) * size_of(output)
    piece, merged = _pieces(node, inputs.shape, steps, size_of(output))
    value = int.from_bytes(data.ljust(4, b"\0"), "little", signed=True)
    params = words(output.size_bytes, size_of(output), value, piece, start, *merged)
    return KernelCall("op_pad", params, (inputs.index, output.index))
