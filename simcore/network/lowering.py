"""What an operator becomes: a call of one C kernel with plain numbers and buffers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from simcore.network.graph import Tensor


@dataclass(frozen=True, slots=True)
class Constant:
    """Bytes that a kernel reads and that are not a tensor of the model: multipliers, tables.

    ``name`` is what they are to their call, "multipliers" say; other calls have some of that name.
    """

    name: str
    data: bytes
    align: int = 4


@dataclass(frozen=True, slots=True)
class Scratch:
    """Bytes that a kernel needs while it runs, and no longer."""

    size_bytes: int
    align: int = 8


@dataclass(frozen=True, slots=True)
class Variable:
    """Bytes that live from one inference to the next; calls that name one variable share it.

    ``fill``: each byte's value before the first inference.
    """

    name: str
    size_bytes: int
    fill: int = 0
    align: int = 8


Buffer: TypeAlias = int | Constant | Scratch | Variable | None


@dataclass(frozen=True, slots=True)
class KernelCall:
    """A call of ``void KERNEL(void *const *buffers, const int32_t *params)`` of the runner.

    ``buffers``: for each pointer the index of a tensor of the operator's subgraph, a Constant, a
    Scratch, a Variable, or None for a null pointer; inputs first, then outputs. ``params`` are the
    fields of the kernel's struct in order, 32-bit each, a float as its bits. ``is_optimised``:
    whether the suite has a fast kernel for it. ``macs`` and ``ops`` are of one invocation; an
    operation is one arithmetic step, a MAC two. ``in_place``: the place in ``buffers`` of an
    output, and of an input that it may overwrite.
    """

    kernel: str
    params: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    macs: int = 0
    ops: int = 0
    is_optimised: bool = False
    in_place: dict[int, int] = field(default_factory=dict)


def initial_byte(tensor: Tensor) -> int:
    """The value of each byte of a variable tensor before the first inference.

    TFLM fills int8 ones with their zero point and all others with 0: ResetTensorData of
    tensorflow/lite/micro/micro_interpreter_graph.cc.
    """
    points = tensor.quantization.zero_points if tensor.quantization else ()
    return points[0] & 0xFF if tensor.type == "int8" and points else 0
