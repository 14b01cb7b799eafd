"""The steps of an inference: each operator with the kernel call that it becomes, set-up before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simcore.errors import NetworkError
from simcore.network.graph import ABSENT, Model, Operator, Tensor
from simcore.network.lowering import Constant, KernelCall
from simcore.network.prepare import lower
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
    """A call of a kernel. ``layer`` names it in symbols; ``is_setup``: in the first inference alone."""

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
    try:
        found = lower(model)
    except (KeyError, IndexError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        # What a damaged file can bring about is not foreseen everywhere.
        raise NetworkError(
            "the options or tensors of an operator are not those of its kind"
            f" ({type(error).__name__}: {error})"
        ) from None
    rows = [(step, True) for step in found.once] + [(step, False) for step in found.each]
    if not found.each:
        raise NetworkError("the network has no operator that does anything")
    steps = []
    for number, (step, is_setup) in enumerate(rows):
        layer = f"{step.operator.kind.lower()}_{step.operator.index}"
        if is_setup:
            layer = f"setup{step.subgraph}_{layer}"
        steps.append(Step(number, layer, step.subgraph, step.operator, step.call, is_setup))
    return Lowered(model, tuple(steps))


def output_of(step: Step) -> int:
    """The first output of an operator, ABSENT without any."""
    return next((index for index in step.operator.outputs if index != ABSENT), ABSENT)
