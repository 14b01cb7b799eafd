"""RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR: which inputs each output row and column comes from.

TFLM: tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h and resize_bilinear.h,
whose coordinates are in single precision, and in 1/1024 for int8.
"""

from __future__ import annotations

import math
import struct

from simcore.network.graph import Tensor
from simcore.network.lowering import Constant, KernelCall
from simcore.network.prepare.layout import size_of
from simcore.network.prepare.node import OperatorNode, constant, words
from simcore.network.prepare.scales import round_away, single


def _sizes(
    node: OperatorNode, inputs: Tensor, output: Tensor
) -> tuple[int, int, int, int, int, int]:
    batches, height, width, channels = node.rank_is(inputs, 4)
    size = node.integers(node.input(1), "size")
    if len(size) != 2 or min(size) < 1:
        node.refuse(f"a size of {list(size)}")
    node.same_kind(inputs, output)
    node.shape_is(output, (batches, *size, channels))
    if node.flag("align_corners") and node.flag("half_pixel_centers"):
        node.refuse("align_corners and half_pixel_centers together")
    return batches, height, width, channels, size[0], size[1]


def nearest(node: OperatorNode) -> KernelCall:
    """Each output is the input nearest to it."""
    inputs, output = node.input(0), node.output()
    node.kind_of(inputs, ("int8", "int16", "float32"))
    batches, height, width, channels, new_height, new_width = _sizes(node, inputs, output)
    aligned, halves = node.flag("align_corners"), node.flag("half_pixel_centers")

    def sources(size: int, new_size: int) -> list[int]:
        is_aligned = aligned and new_size > 1
        scale = single((size - 1) / (new_size - 1)) if is_aligned else single(size / new_size)
        places = (single(single(i + (0.5 if halves else 0.0)) * scale) for i in range(new_size))
        found = (round_away(place) if aligned else math.floor(place) for place in places)
        return [max(0, min(place, size - 1)) for place in found]

    rows = constant("rows", "i", sources(height, new_height))
    columns = constant("columns", "i", sources(width, new_width))
    params = words(batches, height, width, channels * size_of(inputs), new_height, new_width)
    return KernelCall("op_resize_nearest", params, (inputs.index, output.index, rows, columns))


def bilinear(node: OperatorNode) -> KernelCall:
    """Each output lies between four inputs."""
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, ("int8", "float32"))
    batches, height, width, channels, new_height, new_width = _sizes(node, inputs, output)
    between = _between_s32 if kind == "int8" else _between_f32
    rows = Constant("rows", between(node, height, new_height))
    columns = Constant("columns", between(node, width, new_width))
    params = words(batches, height, width, channels, new_height, new_width)
    name = "op_resize_bilinear_s8" if kind == "int8" else "op_resize_bilinear_f32"
    ops = 8 * output.elements  # four products and their sum
    return KernelCall(name, params, (inputs.index, output.index, rows, columns), ops=ops)


def _between_s32(node: OperatorNode, size: int, new_size: int) -> bytes:
    is_aligned = node.flag("align_corners") and new_size > 1
    old, new = (size - 1, new_size - 1) if is_aligned else (size, new_size)
    scale = (1024 * old + new // 2) // new
    data = b""
    for i in range(new_size):
        place = i * scale + (scale // 2 - 512 if node.flag("half_pixel_centers") else 0)
        first = max(int(place / 1024), 0)
        second = min(int((place + 1023) / 1024), size - 1)
        data += struct.pack("<3i", min(first, size - 1), second, place - 1024 * first)
    return data


def _between_f32(node: OperatorNode, size: int, new_size: int) -> bytes:
    is_aligned = node.flag("align_corners") and new_size > 1
    scale = single((size - 1) / (new_size - 1)) if is_aligned else single(size / new_size)
    data = b""
    for i in range(new_size):
        if node.flag("half_pixel_centers"):
            place = single(single(single(i + 0.5) * scale) - 0.5)
        else:
            place = single(i * scale)
        first = max(math.floor(place), 0)
        second = min(math.ceil(place), size - 1)
        data += struct.pack("<2if", min(first, size - 1), second, single(place - first))
    return data
