"""The steps of an inference: each operator with its kernel call, those of set-up before it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Final

from simcore.errors import NetworkError
from simcore.network.graph import ABSENT, Model, Operator, Subgraph, Tensor
from simcore.network.lowering import Constant, KernelCall, Variable, initial_byte
from simcore.network.prepare import prepare
from simcore.network.refusals import refuse_unsupported

#: Names of constant inputs by operator and place; others are called by their place.
_ROLES: Final = {
    "CONV_2D": {1: "weights", 2: "bias"},
    "DEPTHWISE_CONV_2D": {1: "weights", 2: "bias"},
    "FULLY_CONNECTED": {1: "weights", 2: "bias"},
    "TRANSPOSE_CONV": {1: "weights", 3: "bias"},
    "SVDF": {1: "feature_weights", 2: "time_weights", 3: "bias"},
    "PRELU": {1: "slopes"},
}

Key = tuple[int, int]  # a tensor: its subgraph and its index there


@dataclass(frozen=True, slots=True)
class Step:
    """A call of a kernel. ``layer`` names it in symbols; ``is_setup``: in the first inference."""

    number: int
    layer: str
    subgraph: int
    operator: Operator
    call: KernelCall
    is_setup: bool

    def key(self, tensor: int) -> Key:
        return self.subgraph, tensor


@dataclass(frozen=True, slots=True)
class Lowered:
    """A network as steps, those of set-up first."""

    model: Model
    steps: tuple[Step, ...]

    def tensor(self, key: Key) -> Tensor:
        return self.model.subgraphs[key[0]].tensors[key[1]]

    def variable(self, step: Step, item: object) -> Variable | None:
        """What a buffer of a step is that outlives an inference, None for any other."""
        if isinstance(item, Variable):
            return item
        if isinstance(item, int) and (tensor := self.tensor(step.key(item))).is_variable:
            inner = f"subgraph{step.subgraph}." if step.subgraph else ""
            return Variable(f"{inner}tensor{item}", tensor.size_bytes, initial_byte(tensor))
        return None

    def variables(self) -> dict[str, Variable]:
        """All of them by name, in the order of their first use."""
        found: dict[str, Variable] = {}
        for step in self.steps:
            for item in step.call.buffers:
                if (variable := self.variable(step, item)) is not None:
                    found.setdefault(variable.name, variable)
        return found

    def constant_name(self, step: Step, place: int) -> str:
        """What the constant at a place of a step's buffers is called, without the layer."""
        item = step.call.buffers[place]
        if isinstance(item, Constant):
            return item.name
        inputs = step.operator.inputs
        at = inputs.index(item) if item in inputs else place
        return _ROLES.get(step.operator.kind, {}).get(at, f"input{at}")


def lowered(model: Model) -> Lowered:
    """The steps of a network. Raises NetworkError, or ConfigError of a preparation."""
    refuse_unsupported(model)
    once: dict[int, list[Step]] = {}
    each = _steps(model, 0, once)
    if not each:
        raise NetworkError("the network has no operator that does anything")
    rows = [step for steps in once.values() for step in steps] + each
    return Lowered(model, tuple(replace(step, number=at) for at, step in enumerate(rows)))


def _steps(model: Model, number: int, once: dict[int, list[Step]]) -> list[Step]:
    """The steps of a subgraph; those of subgraphs that are called once are put into ``once``."""
    subgraph, steps = model.subgraphs[number], []
    for operator in subgraph.operators:
        if operator.kind == "CALL_ONCE":
            called = operator.options.get("init_subgraph_index")
            if not isinstance(called, int) or not 0 < called < len(model.subgraphs):
                raise NetworkError(f"layer {operator.index} (CALL_ONCE): calls subgraph {called}")
            if called not in once:
                once[called] = []  # before its own steps: a circle ends
                once[called] = _steps(model, called, once)
        elif operator.kind != "VAR_HANDLE":  # a name, and nothing to do
            layer = f"{operator.kind.lower()}_{operator.index}"
            if number:
                layer = f"setup{number}_{layer}"
            call = _prepared(operator, subgraph)
            steps.append(Step(0, layer, number, operator, call, is_setup=number > 0))
    return steps


def _prepared(operator: Operator, subgraph: Subgraph) -> KernelCall:
    try:
        return prepare(operator, subgraph)
    except (KeyError, IndexError, ValueError, TypeError, ArithmeticError, struct.error) as error:
        # What a damaged file can bring about is not foreseen everywhere.
        raise NetworkError(
            f"layer {operator.index} ({operator.kind}): its options or tensors are not those of"
            f" such an operator ({type(error).__name__}: {error})"
        ) from None


def tensor_name(network: Lowered, key: Key) -> str:
    """What a computed tensor is called: LAYER.output, or input."""
    inputs = [(0, index) for index in dict.fromkeys(network.model.main.inputs)]
    if key in inputs:
        return "input" if len(inputs) == 1 else f"input{inputs.index(key)}"
    for step in network.steps:
        outputs = [step.key(index) for index in step.operator.outputs]
        if key in outputs:
            number = outputs.index(key)
            return f"{step.layer}.output{number if len(outputs) > 1 else ''}"
    return f"tensor{key[1]}"


def output_of(step: Step) -> int:
    """The first output of an operator, ABSENT without any."""
    return next((index for index in step.operator.outputs if index != ABSENT), ABSENT)
