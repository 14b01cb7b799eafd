"""Writes a Model as a .tflite file, with the schema that ships with ai-edge-litert."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from simcore.network.graph import Model, Operator, Subgraph, Tensor

#: The table of options of each operator; those left out have one of the same name, or none.
OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "HARD_SWISH": "HardSwishOptions",
    "SOFTMAX": "SoftmaxOptions",
    "RESHAPE": "ReshapeOptions",
    "SQUEEZE": "SqueezeOptions",
    "EXPAND_DIMS": "ExpandDimsOptions",
    "CONCATENATION": "ConcatenationOptions",
    "PACK": "PackOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "TRANSPOSE": "TransposeOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "QUANTIZE": "QuantizeOptions",
    "DEQUANTIZE": "DequantizeOptions",
    "CAST": "CastOptions",
    "SVDF": "SVDFOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "VAR_HANDLE": "VarHandleOptions",
    "READ_VARIABLE": "ReadVariableOptions",
    "ASSIGN_VARIABLE": "AssignVariableOptions",
    "CALL_ONCE": "CallOnceOptions",
}
ENUMS = {
    "padding": schema.Padding,
    "fused_activation_function": schema.ActivationFunctionType,
    "quantized_bias_type": schema.TensorType,
    "weights_format": schema.FullyConnectedOptionsWeightsFormat,
    "in_data_type": schema.TensorType,
    "out_data_type": schema.TensorType,
    "output_type": schema.TensorType,
}


def write(model: Model) -> bytes:
    """The bytes of a .tflite file; options that are not named have the schema's default."""
    made = schema.ModelT()
    made.version = 3
    made.description = model.description
    made.buffers = [schema.BufferT()]
    made.operatorCodes = []
    codes: dict[tuple[str, int], int] = {}
    made.subgraphs = [_subgraph(subgraph, made, codes) for subgraph in model.subgraphs]
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _subgraph(subgraph: Subgraph, model: Any, codes: dict[tuple[str, int], int]) -> Any:
    made = schema.SubGraphT()
    made.name = subgraph.name
    made.tensors = [_tensor(tensor, model) for tensor in subgraph.tensors]
    made.operators = [_operator(operator, model, codes) for operator in subgraph.operators]
    made.inputs, made.outputs = list(subgraph.inputs), list(subgraph.outputs)
    return made


def _tensor(tensor: Tensor, model: Any) -> Any:
    made = schema.TensorT()
    made.name, made.shape = tensor.name, list(tensor.shape)
    made.type = getattr(schema.TensorType, tensor.type.upper())
    made.isVariable = tensor.is_variable
    made.buffer = 0
    if tensor.data is not None:
        held = schema.BufferT()
        held.data = np.frombuffer(tensor.data, np.uint8)
        made.buffer = len(model.buffers)
        model.buffers.append(held)
    if tensor.quantization is not None:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = list(tensor.quantization.scales)
        made.quantization.zeroPoint = list(tensor.quantization.zero_points)
        made.quantization.quantizedDimension = tensor.quantization.axis
    return made


def _operator(operator: Operator, model: Any, codes: dict[tuple[str, int], int]) -> Any:
    key = operator.kind, operator.version
    if key not in codes:
        codes[key] = len(model.operatorCodes)
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, operator.kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = operator.version
        model.operatorCodes.append(code)
    made = schema.OperatorT()
    made.opcodeIndex = codes[key]
    made.inputs, made.outputs = list(operator.inputs), list(operator.outputs)
    made.intermediates = list(operator.intermediates)
    if operator.kind in OPTIONS:
        table = OPTIONS[operator.kind]
        options = getattr(schema, table + "T")()
        for name, value in operator.options.items():
            first, *rest = name.split("_")
            field = first + "".join(part.capitalize() for part in rest)
            assert hasattr(options, field), f"{table} has no {field}"
            if name in ENUMS:
                value = getattr(ENUMS[name], str(value))
            setattr(options, field, list(value) if isinstance(value, tuple) else value)
        made.builtinOptions = options
        made.builtinOptionsType = getattr(schema.BuiltinOptions, table)
    return made
