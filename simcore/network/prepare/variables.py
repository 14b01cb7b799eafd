"""VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE: tensors that live from one inference to the next.

TFLM: tensorflow/lite/micro/kernels/var_handle.cc, read_variable.cc, assign_variable.cc and
tensorflow/lite/micro/micro_resource_variable.cc: a variable starts filled with its zero point.
"""

from __future__ import annotations

from simcore.network.graph import BYTES_OF_TYPE, Operator, Tensor
from simcore.network.lowering import KernelCall, Variable
from simcore.network.prepare.layout import copy_call
from simcore.network.prepare.node import OperatorNode


def _variable(node: OperatorNode, value: Tensor) -> Variable:
    """The variable that input 0 of an operator names, and whose value has this tensor's size."""
    resource = node.operator.inputs[0] if node.operator.inputs else -1
    for operator in node.subgraph.operators:
        if operator.kind == "VAR_HANDLE" and resource in operator.outputs:
            return Variable(name_of(operator), value.size_bytes, fill=node.zero_point(value) & 0xFF)
    node.refuse("its variable is not that of a VAR_HANDLE of the same subgraph")


def name_of(operator: Operator) -> str:
    """The name of the variable of a VAR_HANDLE; handles of one name are one variable."""
    parts = (str(operator.options.get(name, "")) for name in ("container", "shared_name"))
    return "/".join(part for part in parts if part) or "variable"


def read(node: OperatorNode) -> KernelCall:
    """Copy a variable to the output."""
    output = node.output()
    node.kind_of(output, tuple(BYTES_OF_TYPE))
    call = copy_call(output, output)
    return KernelCall(
        call.kernel, call.params, (_variable(node, output), output.index), is_optimised=True
    )


def assign(node: OperatorNode) -> KernelCall:
    """Copy the input to a variable."""
    value = node.input(1)
    node.kind_of(value, tuple(BYTES_OF_TYPE))
    call = copy_call(value, value)
    return KernelCall(
        call.kernel, call.params, (value.index, _variable(node, value)), is_optimised=True
    )
