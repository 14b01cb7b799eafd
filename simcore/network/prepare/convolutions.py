"""CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV.

TFLM: tensorflow/lite/micro/kernels/conv_common.cc, depthwise_conv_common.cc, transpose_conv.cc.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from simcore.network.graph import Tensor
from simcore.network.lowering import Buffer, Constant, KernelCall, Scratch
from simcore.network.prepare import scales
from simcore.network.prepare.node import OperatorNode, constant, words
from simcore.network.windows import windows

MOST_PIXELS = 4096  # of a stride, a dilation, a side of a window: far below where sums wrap around


@dataclass(frozen=True, slots=True)
class Window:
    """How a window goes over a picture: sizes of the output, padding before, strides, dilations."""

    height: int
    width: int
    top: int
    left: int
    strides: tuple[int, int]
    dilations: tuple[int, int] = (1, 1)


def window(node: OperatorNode, size: tuple[int, int], kernel: tuple[int, int]) -> Window:
    """The window of an operator's options over a picture of (height, width)."""
    strides = node.number("stride_h", 1), node.number("stride_w", 1)
    dilations = node.number("dilation_h_factor", 1), node.number("dilation_w_factor", 1)
    padding = node.text("padding", "SAME")
    if min(*strides, *dilations, *kernel) < 1:
        node.refuse("a stride, dilation or window below 1")
    if max(*strides, *dilations, *kernel) > MOST_PIXELS:
        node.refuse(f"a stride, dilation or window above {MOST_PIXELS}")
    if padding not in ("SAME", "VALID"):
        node.refuse(f"padding {padding}; SAME and VALID are known")
    reach = [(k - 1) * dilation + 1 for k, dilation in zip(kernel, dilations, strict=True)]
    outputs, before = [], []
    for pixels, wide, stride in zip(size, reach, strides, strict=True):
        output, padded = windows(pixels, wide, stride, padding)
        if output < 1:
            node.refuse(
                f"a window of {reach[0]} x {reach[1]} over {size[0]} x {size[1]} without padding"
            )
        outputs.append(output)
        before.append(padded)
    return Window(outputs[0], outputs[1], before[0], before[1], strides, dilations)


def weight_kind(node: OperatorNode, inputs: Tensor, weights: Tensor) -> str:
    """The type of the inputs, once the weights go with it."""
    kind = node.kind_of(inputs, ("int8", "int16", "float32"))
    if kind == "float32" and weights.type != "float32":
        node.refuse(
            f"{weights.type} weights with float32 inputs (hybrid, 'dynamic range'); TFLM has no"
            " kernel for it: quantize the inputs too, with a representative data set"
        )
    if kind != "float32" and weights.type != "int8":
        node.refuse(f"{kind} inputs with {weights.type} weights; they must be int8")
    return kind


def channel_scales(
    node: OperatorNode,
    inputs: Tensor,
    weights: Tensor,
    output: Tensor,
    axis: int,
    most_shift: int = 30,
) -> tuple[Constant, Constant]:
    """Multipliers and shifts of each output channel, along an axis of the weights."""
    channels = weights.shape[axis]
    weight_scales = node.scales(weights)
    if len(weight_scales) == 1:
        weight_scales *= channels
    elif (
        len(weight_scales) != channels
        or not weights.quantization
        or weights.quantization.axis != axis
    ):
        node.refuse(f"'{weights.name}' has {len(weight_scales)} scales for {channels} channels")
    node.no_zero_point(weights)
    scale_in, scale_out = node.scale(inputs), node.scale(output)
    pairs = [node.multiplier(scale_in * scale / scale_out, most_shift) for scale in weight_scales]
    return (
        constant("multipliers", "i", (pair[0] for pair in pairs)),
        constant("shifts", "i", (pair[1] for pair in pairs)),
    )


def bias_kind(
    node: OperatorNode, bias: Tensor | None, channels: int, allowed: tuple[str, ...]
) -> str | None:
    """The type of the bias, None without one."""
    if bias is None:
        return None
    node.elements_are(bias, channels)
    return node.kind_of(bias, allowed)


def has_narrow_sums(node: OperatorNode, bias: str | None) -> bool:
    """Whether sums of int16 inputs have 32 bits: the bias says so, or an option without one."""
    return bias == "int32" or (
        bias is None and node.text("quantized_bias_type", "FLOAT32") == "INT32"
    )


def strip_bytes(patch: int) -> int:
    """Scratch of a strip of pixels: kernels/src/strip.h."""
    return (patch + 3) // 4 * 64


def conv_2d(node: OperatorNode) -> KernelCall:
    """A convolution, which may have groups: each output channel sees a part of the input's."""
    inputs, weights, bias, output = node.input(0), node.input(1), node.optional(2), node.output()
    kind = weight_kind(node, inputs, weights)
    node.same_kind(inputs, output)
    batches, height, width, channels = node.rank_is(inputs, 4)
    filters, kernel_height, kernel_width, depth = node.rank_is(weights, 4)
    if channels % depth != 0 or filters % (channels // depth) != 0:
        node.refuse(f"{channels} input channels and {filters} filters of {depth} channels")
    place = window(node, (height, width), (kernel_height, kernel_width))
    node.shape_is(output, (batches, place.height, place.width, filters))
    allowed = {"int8": ("int32",), "int16": ("int64", "int32"), "float32": ("float32",)}
    bias_type = bias_kind(node, bias, filters, allowed[kind])
    is_grouped = depth != channels
    buffers: tuple[Buffer, ...]
    shape = (
        height,
        width,
        channels,
        place.height,
        place.width,
        filters,
        kernel_height,
        kernel_width,
    )
    geometry = (*place.strides, *place.dilations, place.top, place.left)
    patch = kernel_height * kernel_width * depth
    macs = node.macs
    tensors = (inputs.index, weights.index, bias.index if bias else None, output.index)
    if kind == "float32":
        limits = scales.real_limits(node.activation())
        if is_grouped:
            params = words(batches, shape, depth, geometry, 0, 0, limits)
            return KernelCall("op_conv2d_f32_plain", params, tensors, macs, 2 * macs)
        params = words(batches, shape, geometry, limits)
        buffers = (*tensors, Scratch(patch * 16))
        return KernelCall("op_conv2d_f32", params, buffers, macs, 2 * macs, is_optimised=True)
    limits = node.quantized_limits(output, node.activation())
    if kind == "int16":
        node.no_zero_point(inputs, output)
        is_narrow = has_narrow_sums(node, bias_type)
        table = channel_scales(node, inputs, weights, output, 0, 30 if is_narrow else 7)
        if is_narrow or is_grouped:
            name = "op_conv2d_s16_bias32_plain" if is_narrow else "op_conv2d_s16_plain"
            params = words(batches, shape, depth, geometry, 0, 0, limits)
            return KernelCall(name, params, (*tensors, *table), macs, 2 * macs)
        params = words(batches, shape, geometry, limits)
        buffers = (*tensors, *table, Scratch(strip_bytes(patch)))
        return KernelCall("op_conv2d_s16", params, buffers, macs, 2 * macs, is_optimised=True)
    offsets = (-node.zero_point(inputs), node.zero_point(output))
    table = channel_scales(node, inputs, weights, output, 0)
    if is_grouped:
        params = words(batches, shape, depth, geometry, offsets, limits)
        return KernelCall("op_conv2d_s8_plain", params, (*tensors, *table), macs, 2 * macs)
    buffers = (*tensors, *table, Scratch(strip_bytes(patch)))
    if (kernel_height, kernel_width, *place.strides) == (1, 1, 1, 1):
        params = words(batches * height * width, channels, filters, offsets, limits)
        return KernelCall(
            "op_pointwise_conv2d_s8", params, buffers, macs, 2 * macs, is_optimised=True
        )
    params = words(batches, shape, geometry, offsets, limits)
    return KernelCall("op_conv2d_s8", params, buffers, macs, 2 * macs, is_optimised=True)


def depthwise_conv_2d(node: OperatorNode) -> KernelCall:
    """A convolution of each channel by itself, which makes one output channel or several."""
    inputs, weights, bias, output = node.input(0), node.input(1), node.optional(2), node.output()
    kind = weight_kind(node, inputs, weights)
    node.same_kind(inputs, output)
    batches, height, width, channels = node.rank_is(inputs, 4)
    one, kernel_height, kernel_width, filters = node.rank_is(weights, 4)
    if one != 1 or filters % channels != 0:
        node.refuse(f"weights of the shape {list(weights.shape)} for {channels} channels")
    place = window(node, (height, width), (kernel_height, kernel_width))
    node.shape_is(output, (batches, place.height, place.width, filters))
    allowed = {"int8": ("int32",), "int16": ("int64",), "float32": ("float32",)}
    bias_kind(node, bias, filters, allowed[kind])
    geometry = (*place.strides, *place.dilations, place.top, place.left)
    taps = kernel_height * kernel_width
    macs = node.macs
    tensors = (inputs.index, weights.index, bias.index if bias else None, output.index)
    shape = (height, width, channels, place.height, place.width)
    plain = (batches, shape, filters, kernel_height, kernel_width, 1, geometry)
    if kind == "float32":
        params = words(*plain, 0, 0, scales.real_limits(node.activation()))
        return KernelCall("op_depthwise_conv2d_f32", params, tensors, macs, 2 * macs)
    limits = node.quantized_limits(output, node.activation())
    if kind == "int16":
        node.no_zero_point(inputs, output)
        table = channel_scales(node, inputs, weights, output, 3, 7)
        params = words(*plain, 0, 0, limits)
        return KernelCall("op_depthwise_conv2d_s16", params, (*tensors, *table), macs, 2 * macs)
    table = channel_scales(node, inputs, weights, output, 3)
    params = words(
        batches, shape, filters // channels, kernel_height, kernel_width, geometry,
        -node.zero_point(inputs), node.zero_point(output), limits,
    )  # fmt: skip
    fours = (filters + 3) // 4
    scratch = Scratch(
        fours * (taps * 2 + 4) * 4 + filters * 12
    )  # kernels/src/depthwise_conv2d_s8.c
    buffers = (*tensors, *table, scratch)
    return KernelCall("op_depthwise_conv2d_s8", params, buffers, macs, 2 * macs, is_optimised=True)


def transpose_conv(node: OperatorNode) -> KernelCall:
    """The gradient of a convolution: each input spreads over the outputs under its window."""
    weights, inputs, bias, output = node.input(1), node.input(2), node.optional(3), node.output()
    kind = weight_kind(node, inputs, weights)
    node.same_kind(inputs, output)
    batches, height, width, channels = node.rank_is(inputs, 4)
    filters, kernel_height, kernel_width, depth = node.rank_is(weights, 4)
    _, output_height, output_width, _ = node.rank_is(output, 4)
    node.shape_is(output, (batches, output_height, output_width, filters))
    if depth != channels:
        node.refuse(f"{channels} input channels and filters of {depth}")
    place = window(node, (output_height, output_width), (kernel_height, kernel_width))
    if (place.height, place.width) != (height, width):
        node.refuse(
            f"an output of {output_height} x {output_width} comes of {place.height} x {place.width}"
            f" inputs, not of {height} x {width}"
        )
    allowed = {"int8": ("int32",), "int16": ("int64", "int16"), "float32": ("float32",)}
    bias_type = bias_kind(node, bias, filters, allowed[kind])
    macs = node.macs
    bias_buffer: int | Constant | None = bias.index if bias else None
    if bias is not None and bias_type == "int16":
        if bias.data is None:
            node.refuse(f"bias '{bias.name}' is computed; it must be a constant")
        bias_buffer = constant("bias", "q", struct.unpack(f"<{filters}h", bias.data))
    tensors = (inputs.index, weights.index, bias_buffer, output.index)
    shape = (height, width, channels, output_height, output_width, filters)
    plain = (
        batches,
        shape,
        kernel_height,
        kernel_width,
        channels,
        place.strides,
        1,
        1,
        place.top,
        place.left,
    )
    if kind == "float32":
        params = words(*plain, 0, 0, scales.real_limits(node.activation()))
        buffers = (*tensors, Scratch(output.elements * 4))
        return KernelCall("op_transpose_conv_f32", params, buffers, macs, 2 * macs)
    limits = node.quantized_limits(output, node.activation())
    offsets = (-node.zero_point(inputs), node.zero_point(output))
    if kind == "int16":
        node.no_zero_point(inputs, output)
    table = channel_scales(node, inputs, weights, output, 0, 7 if kind == "int16" else 30)
    name = "op_transpose_conv_s16" if kind == "int16" else "op_transpose_conv_s8"
    scratch = Scratch(output.elements * (8 if kind == "int16" else 4))
    params = words(*plain, offsets, limits)
    return KernelCall(name, params, (*tensors, *table, scratch), macs, 2 * macs)
