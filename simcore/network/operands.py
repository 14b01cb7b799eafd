"""What each pointer of a kernel's call points to, whoever writes the call: an ELF or C sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from simcore.network.activations import ALIGN, scratch_offsets
from simcore.network.lowering import Constant, Scratch, Variable
from simcore.network.steps import Key, Lowered, Step


class ScratchAt(NamedTuple):
    """Bytes from an offset of the scratch memory on."""

    offset: int


class ConstantBytes(NamedTuple):
    """Bytes that are read; ``name`` is what they are to their layer."""

    data: bytes
    align: int
    name: str


class ComputedTensor(NamedTuple):
    """A tensor that lies in the arena."""

    key: Key


Operand: TypeAlias = ScratchAt | ConstantBytes | Variable | ComputedTensor | None


def operands(network: Lowered, step: Step) -> Iterator[Operand]:
    """For each buffer of a step's call what lies there, None for a null pointer."""
    scratch, _ = scratch_offsets(step.call)
    for place, item in enumerate(step.call.buffers):
        if item is None:
            yield None
        elif isinstance(item, Scratch):
            yield ScratchAt(scratch[place])
        elif isinstance(item, Constant):
            yield ConstantBytes(item.data, item.align, network.constant_name(step, place))
        elif isinstance(item, int) and (data := network.tensor(step.key(item)).data) is not None:
            yield ConstantBytes(data, ALIGN, network.constant_name(step, place))
        elif (variable := network.variable(step, item)) is not None:
            yield variable
        else:
            assert isinstance(item, int)
            yield ComputedTensor(step.key(item))


def constant_bytes(network: Lowered, step: Step) -> int:
    """Bytes of the constants that a step reads: weights, biases, multipliers, shifts, tables."""
    return sum(len(one.data) for one in operands(network, step) if isinstance(one, ConstantBytes))
