"""Networks that no kernel here runs, each with what to convert how."""

from __future__ import annotations

from typing import Final

from simcore.errors import NetworkError
from simcore.network.graph import ABSENT, BYTES_OF_TYPE, Model, Operator, Subgraph, Tensor

#: Places of activations and weights of operators where one may be float and the other int8:
#: dynamic-range quantisation.
_WEIGHTED: Final = {
    "CONV_2D": (0, 1), "DEPTHWISE_CONV_2D": (0, 1), "FULLY_CONNECTED": (0, 1),
    "TRANSPOSE_CONV": (2, 1), "BATCH_MATMUL": (0, 1), "SVDF": (0, 1),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (0, 1),
}  # fmt: skip
MOST_BYTES: Final = 64 << 20  # of a tensor
_QUANTISE: Final = (
    "convert it with full integer quantisation (converter.optimizations ="
    " [tf.lite.Optimize.DEFAULT] with a representative_dataset)"
)
_OTHER_TYPES: Final = {
    "int4": f"int4 values need kernels that unpack them; {_QUANTISE} to int8",
    "float16": "float16 is no type of the kernels; convert to float32, or quantise to int8",
    "string": "strings cannot be computed on a microcontroller; take the text part out",
}


def refuse_unsupported(model: Model) -> None:
    """Raise NetworkError for the first operator that cannot be run whatever kernels there are."""
    for subgraph in model.subgraphs:
        made: set[int] = set()  # operators run in the order of the file
        for operator in subgraph.operators:
            where = f"operator {operator.index} {operator.kind}"
            if operator.kind == "CUSTOM":
                raise NetworkError(
                    f"{where} '{operator.options.get('custom_code', '')}' is a custom operator, of"
                    " which nothing but the name is in the file; convert without it"
                    " (allow_custom_ops = False), or profile a firmware that has it"
                )
            for index in (*operator.inputs, *operator.outputs):
                if index != ABSENT:
                    _refuse_tensor(where, subgraph.tensors[index])
            _refuse_hybrid(where, operator, subgraph)
            _refuse_unmade(where, operator, subgraph, made)
            _refuse_constant(where, operator, subgraph)
            made.update(operator.outputs)
        for index in (*subgraph.inputs, *subgraph.outputs):
            _refuse_tensor("the network", subgraph.tensors[index])
    _refuse_ends(model.main)


def _refuse_tensor(where: str, tensor: Tensor) -> None:
    if tensor.type == "resource":
        return
    if tensor.type not in BYTES_OF_TYPE or tensor.type in _OTHER_TYPES:
        why = _OTHER_TYPES.get(tensor.type, "no kernel here has that type")
        raise NetworkError(f"{where}: tensor '{tensor.name}' is {tensor.type}; {why}")
    if tensor.size_bytes > MOST_BYTES:
        raise NetworkError(
            f"{where}: tensor '{tensor.name}' has {tensor.size_bytes >> 20:,} MiB, more than any"
            f" memory of a microcontroller (limit {MOST_BYTES >> 20} MiB)"
        )
    if not tensor.elements:
        shape = ", ".join(f"{size}" if size else "?" for size in tensor.shape)
        raise NetworkError(
            f"{where}: tensor '{tensor.name}' has the shape [{shape}], which is not"
            " known before it runs; convert with fixed input shapes (a concrete function, or"
            " batch size 1)"
        )


def _refuse_hybrid(where: str, operator: Operator, subgraph: Subgraph) -> None:
    places = _WEIGHTED.get(operator.kind)
    if places is None or len(operator.inputs) <= max(places):
        return
    activations, weights = (operator.inputs[place] for place in places)
    if ABSENT in (activations, weights):
        return
    weight = subgraph.tensors[weights].type
    if subgraph.tensors[activations].type == "float32" and weight in ("int8", "uint8"):
        raise NetworkError(
            f"{where}: {weight} weights beside float32 activations (dynamic-range quantisation);"
            f" {_QUANTISE}"
        )


def _refuse_unmade(where: str, operator: Operator, subgraph: Subgraph, made: set[int]) -> None:
    for index in operator.inputs:
        if index == ABSENT or index in made or index in subgraph.inputs:
            continue
        tensor = subgraph.tensors[index]
        if tensor.data is None and not tensor.is_variable:
            raise NetworkError(f"{where}: nothing before it computes its input '{tensor.name}'")


def _refuse_constant(where: str, operator: Operator, subgraph: Subgraph) -> None:
    for index in operator.outputs:
        if index != ABSENT and subgraph.tensors[index].data is not None:
            name = subgraph.tensors[index].name
            raise NetworkError(f"{where}: computes '{name}', which is a constant")


def _refuse_ends(main: Subgraph) -> None:
    """Inputs are given and outputs computed, each in memory of its own."""
    if not main.outputs:
        raise NetworkError("the network has no output")
    for index in (*main.inputs, *main.outputs):
        tensor = main.tensors[index]
        if tensor.type == "resource" or tensor.is_variable:
            raise NetworkError(f"'{tensor.name}' is a variable, no input or output")
        if tensor.data is not None:
            end = "an input" if index in main.inputs else "an output"
            raise NetworkError(
                f"'{tensor.name}' is a constant and {end} of the network; convert without it"
            )
    made = {index: operator for operator in main.operators for index in operator.outputs}
    for index in main.inputs:
        if (operator := made.get(index)) is not None:
            raise NetworkError(
                f"operator {operator.index} {operator.kind}: computes '{main.tensors[index].name}',"
                " which is an input of the network"
            )
    for index in main.outputs:
        if index not in made and index not in main.inputs:
            raise NetworkError(f"no operator computes its output '{main.tensors[index].name}'")
