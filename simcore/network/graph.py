"""A network as its file describes it: tensors, operators, subgraphs. Plain data, checked before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

ABSENT = -1  # index of an optional tensor that an operator goes without

BYTES_OF_TYPE = {
    "int8": 1,
    "uint8": 1,
    "bool": 1,
    "int16": 2,
    "int32": 4,
    "float32": 4,
    "int64": 8,
}


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (stored - zero point); one pair, or one for each index of ``axis``."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor. ``data``: bytes of a constant, little-endian, row-major; None when it is computed.

    ``shape`` has a number of elements for each dimension; () is a scalar.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    quantization: Quantization | None = None
    data: bytes | None = None
    is_variable: bool = False

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        return self.elements * BYTES_OF_TYPE[self.type]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator; ``kind`` is the name of its builtin code, CONV_2D say.

    ``inputs`` and ``outputs`` are indices of tensors of its subgraph, ABSENT where an optional one
    is left out. ``options`` are the fields of its options table by their names in the schema, enums
    by the name of their value.
    """

    index: int
    kind: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...] = ()
    options: Mapping[str, int | float | bool | str | tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Operators in the order in which they run, and the tensors that they share."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A network: the first subgraph is what an inference runs, others are called by operators."""

    description: str
    subgraphs: tuple[Subgraph, ...]

    @property
    def main(self) -> Subgraph:
        return self.subgraphs[0]
