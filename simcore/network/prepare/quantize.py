"""QUANTIZE, DEQUANTIZE and CAST.

TFLM: tensorflow/lite/micro/kernels/quantize_common.cc, dequantize_common.cc, cast.cc.
"""

from __future__ import annotations

from simcore.network.lowering import KernelCall
from simcore.network.prepare import scales
from simcore.network.prepare.activations import table_call
from simcore.network.prepare.node import OperatorNode, words

SHORT = {"int8": "s8", "uint8": "u8", "int16": "s16", "int32": "s32", "float32": "f32"}
#: What each type of input may become, as TFLM has kernels for it.
QUANTIZED = {
    "float32": ("int8", "int16"),
    "int8": ("int8", "uint8", "int16", "int32"),
    "uint8": ("int8",),
    "int16": ("int8", "int16", "int32"),
    "int32": ("int8", "int16"),
}
CAST_CODES = {"int8": 0, "int16": 1, "int32": 2, "float32": 3, "bool": 4}


def quantize(node: OperatorNode) -> KernelCall:
    """A tensor in another scale or type."""
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, tuple(QUANTIZED))
    to = node.kind_of(output, QUANTIZED[kind])
    node.elements_are(output, inputs.elements)
    scale, zero_out = node.scale(output), node.zero_point(output)
    buffers = (inputs.index, output.index)
    size = output.elements
    if kind == "float32":
        return KernelCall(
            f"op_quantize_f32_{SHORT[to]}", words(size, float(scale), zero_out), buffers, ops=size
        )
    pair = node.multiplier(node.scale(inputs) / scale)
    zero_in = node.zero_point(inputs)
    if kind in ("int8", "uint8") and to in ("int8", "uint8"):
        values = []
        for stored in range(-128, 128):
            value = (stored & 0xFF if kind == "uint8" else stored) - zero_in
            scaled = scales.multiply_by_multiplier(value, *pair) + zero_out
            values.append(scales.clamp(scaled, scales.LIMITS[to]))
        return table_call(inputs, output, values)
    params = words(size, -zero_in, zero_out, pair)
    return KernelCall(f"op_requantize_{SHORT[kind]}_{SHORT[to]}", params, buffers, ops=size)


def dequantize(node: OperatorNode) -> KernelCall:
    """A quantized tensor as float32."""
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, ("int8", "uint8", "int16"))
    node.kind_of(output, ("float32",))
    node.elements_are(output, inputs.elements)
    params = words(output.elements, float(node.scale(inputs)), node.zero_point(inputs))
    return KernelCall(
        f"op_dequantize_{SHORT[kind]}", params, (inputs.index, output.index), ops=output.elements
    )


def cast(node: OperatorNode) -> KernelCall:
    """The same numbers in another type."""
    inputs, output = node.input(0), node.output()
    kind = node.kind_of(inputs, tuple(CAST_CODES))
    to = node.kind_of(output, ("int8", "int16", "int32", "float32"))
    node.elements_are(output, inputs.elements)
    params = words(output.elements, CAST_CODES[kind], CAST_CODES[to])
    return KernelCall("op_cast", params, (inputs.index, output.index), ops=output.elements)
