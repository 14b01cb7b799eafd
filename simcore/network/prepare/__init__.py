"""Operators as calls of kernels: what TFLM's Prepare functions compute, once and in Python.

The results of the calls are those of TFLM's reference kernels (tensorflow/lite/micro/kernels); what
has no kernel is refused in one line that names layer and reason.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from simcore.network.graph import Operator, Subgraph
from simcore.network.lowering import KernelCall
from simcore.network.prepare.node import OperatorNode

#: Each operator's module and function in this package; imported when one occurs.
FUNCTIONS = {
    "CONV_2D": "convolutions.conv_2d",
    "DEPTHWISE_CONV_2D": "convolutions.depthwise_conv_2d",
    "TRANSPOSE_CONV": "convolutions.transpose_conv",
    "FULLY_CONNECTED": "fully_connected.fully_connected",
    "BATCH_MATMUL": "fully_connected.batch_matmul",
    "AVERAGE_POOL_2D": "pooling.pool",
    "MAX_POOL_2D": "pooling.pool",
    "MEAN": "pooling.reduce",
    "SUM": "pooling.reduce",
    "ARG_MAX": "pooling.argument",
    "ARG_MIN": "pooling.argument",
    "ADD": "elementwise.add_or_sub",
    "SUB": "elementwise.add_or_sub",
    "MUL": "elementwise.mul",
    "MAXIMUM": "elementwise.choice",
    "MINIMUM": "elementwise.choice",
    "PRELU": "elementwise.prelu",
    "RELU": "activations.relu",
    "RELU6": "activations.relu6",
    "LEAKY_RELU": "activations.leaky_relu",
    "HARD_SWISH": "activations.hard_swish",
    "LOGISTIC": "activations.curve",
    "TANH": "activations.curve",
    "SOFTMAX": "activations.softmax",
    "RESHAPE": "layout.reshape",
    "SQUEEZE": "layout.reshape",
    "EXPAND_DIMS": "layout.reshape",
    "CONCATENATION": "layout.concatenation",
    "PACK": "layout.pack",
    "SPLIT": "layout.split",
    "SPLIT_V": "layout.split",
    "STRIDED_SLICE": "layout.strided_slice",
    "TRANSPOSE": "layout.transpose",
    "PAD": "layout.pad",
    "PADV2": "layout.pad",
    "RESIZE_NEAREST_NEIGHBOR": "resize.nearest",
    "RESIZE_BILINEAR": "resize.bilinear",
    "QUANTIZE": "quantize.quantize",
    "DEQUANTIZE": "quantize.dequantize",
    "CAST": "quantize.cast",
    "SVDF": "recurrent.svdf",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "recurrent.lstm",
    "READ_VARIABLE": "variables.read",
    "ASSIGN_VARIABLE": "variables.assign",
}


def prepare(operator: Operator, subgraph: Subgraph) -> KernelCall:
    """The call that an operator becomes.

    VAR_HANDLE and CALL_ONCE become none: a variable's name, and a subgraph that runs once.

    Raises:
        ConfigError: operator, types, shapes or options have no kernel; one line with the layer.
    """
    node = OperatorNode(operator, subgraph)
    if operator.kind not in FUNCTIONS:
        node.refuse(
            "no kernel runs this operator; docs/model/operators.md lists those that have one"
        )
    module, function = FUNCTIONS[operator.kind].split(".")
    call = getattr(import_module(f"simcore.network.prepare.{module}"), function)(node)
    if not all(-(1 << 31) <= number < 1 << 31 for number in call.params):
        node.refuse("sizes or offsets beyond what 32 bits hold")
    return cast(KernelCall, call)
