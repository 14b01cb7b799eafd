"""What shapes say of an operator: multiply-accumulates, bytes of parameters and activations."""

from __future__ import annotations

from math import prod

from simcore.network.graph import BYTES_OF_TYPE, Operator, Subgraph, Tensor


def macs_of(operator: Operator, subgraph: Subgraph) -> int:
    """Multiply-accumulates of one invocation, those on padding too; 0 of what has none."""
    tensors = subgraph.tensors
    inputs = [tensors[index] if index >= 0 else None for index in operator.inputs]
    outputs = [tensors[index] for index in operator.outputs]
    if len(inputs) < 2 or not outputs or inputs[1] is None or inputs[0] is None:
        return 0
    shape, weights, made = inputs[0].shape, inputs[1].shape, outputs[0].elements
    match operator.kind:
        case "CONV_2D" if len(weights) == 4:  # output channels, height, width, input channels
            return made * prod(weights[1:])
        case "DEPTHWISE_CONV_2D" if len(weights) == 4:  # 1, height, width, channels
            return made * weights[1] * weights[2]
        case "FULLY_CONNECTED" if weights:
            return made * weights[-1]
        case "TRANSPOSE_CONV" if len(inputs) > 2 and inputs[2] is not None and len(weights) == 4:
            return inputs[2].elements * weights[0] * weights[1] * weights[2]
        case "BATCH_MATMUL" if shape:
            is_adjoint = bool(operator.options.get("adj_x"))
            return made * shape[-2 if is_adjoint and len(shape) > 1 else -1]
        case "SVDF" if len(inputs) > 2 and inputs[2] is not None and shape and len(weights) == 2:
            return shape[0] * (prod(weights) + inputs[2].elements)
        case "UNIDIRECTIONAL_SEQUENCE_LSTM" if len(shape) == 3:
            matrices = [one.elements for one in inputs[1:9] if one is not None]
            return shape[0] * shape[1] * sum(matrices)
    return 0


def bytes_of(tensor: Tensor) -> int:
    """Bytes of a tensor; 0 of a type without a size of its own."""
    return tensor.elements * BYTES_OF_TYPE.get(tensor.type, 0)


def param_bytes(operator: Operator, subgraph: Subgraph) -> int:
    """Bytes of the constants that an operator reads, each once."""
    named = {index for index in operator.inputs if index >= 0}
    return sum(len(subgraph.tensors[index].data or b"") for index in sorted(named))


def activation_bytes(operator: Operator, subgraph: Subgraph) -> int:
    """Bytes of what an operator reads and writes that is computed, each tensor once."""
    named = {index for index in (*operator.inputs, *operator.outputs) if index >= 0}
    tensors = (subgraph.tensors[index] for index in sorted(named))
    return sum(bytes_of(tensor) for tensor in tensors if tensor.data is None)
