"""Single-operation LiteRT models, built as flatbuffers and run with LiteRT's reference kernels.

BUILTIN_REF chooses the kernels that define the specification; the optimised ones of a host round in
other ways. The schema is the one that ships with ai-edge-litert.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

Array = npt.NDArray[Any]
TYPES = {
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.float32): schema.TensorType.FLOAT32,
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model: an input or output when data is None, else a constant."""

    shape: tuple[int, ...]
    kind: npt.DTypeLike
    scales: Sequence[float] = ()  # one, or one for each index of the axis
    zero_point: int = 0
    axis: int = 0
    data: Array | None = None


def constant(data: Array, scales: Sequence[float] = (), axis: int = 0) -> Tensor:
    """A constant tensor."""
    return Tensor(data.shape, data.dtype, scales, 0, axis, data)


def _tensor(tensor: Tensor, index: int, buffer: int) -> Any:
    made = schema.TensorT()
    made.shape = list(tensor.shape)
    made.type = TYPES[np.dtype(tensor.kind)]
    made.name = f"tensor{index}"
    made.buffer = buffer
    if tensor.scales:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = list(tensor.scales)
        made.quantization.zeroPoint = [tensor.zero_point] * len(tensor.scales)
        made.quantization.quantizedDimension = tensor.axis
    return made


def build(
    operator: int, options: Any, inputs: Sequence[Tensor], output: Tensor, version: int = 1
) -> bytes:
    """A model of one builtin operator; `options` is its object of the schema, or None."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = []
    for index, tensor in enumerate([*inputs, output]):
        buffer = 0
        if tensor.data is not None:
            held = schema.BufferT()
            held.data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
            buffer = len(model.buffers)
            model.buffers.append(held)
        graph.tensors.append(_tensor(tensor, index, buffer))
    code = schema.OperatorCodeT()
    code.builtinCode = operator
    code.deprecatedBuiltinCode = min(operator, 127)
    code.version = version
    model.operatorCodes = [code]
    call = schema.OperatorT()
    call.opcodeIndex = 0
    call.inputs = list(range(len(inputs)))
    call.outputs = [len(inputs)]
    if options is not None:
        call.builtinOptions = options
        kind = type(options).__name__.removesuffix("T")
        call.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    graph.operators = [call]
    graph.inputs = [i for i, tensor in enumerate(inputs) if tensor.data is None]
    graph.outputs = [len(inputs)]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(model: bytes, inputs: Sequence[Array], reference: bool = True) -> Array:
    """The output of a model; with `reference` unset by LiteRT's optimised kernels."""
    resolver = (
        OpResolverType.BUILTIN_REF
        if reference
        else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package about itself
        interpreter = Interpreter(
            model_content=model, experimental_op_resolver_type=resolver, num_threads=1
        )
    interpreter.allocate_tensors()
    for detail, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    result: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return result
