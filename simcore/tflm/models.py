"""Models in a program's memory: the flatbuffers that an interpreter's structures point into."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from simcore.core.operators import ReadableMemory
from simcore.errors import NetworkError
from simcore.network.graph import Model
from simcore.tflite.reader import read_model
from simcore.tflite.tables import Buffer, DamagedError, FlatTable

IDENTIFIER: Final = b"TFL3"  # bytes 4 to 7 of a model
MAX_MODEL_BYTES: Final = 32 << 20
MAX_TRIES: Final = 64  # places in front of a pointer at which a model might begin
_SUBGRAPHS, _TENSORS, _OPERATORS, _SHAPE, _INPUTS, _OUTPUTS = 2, 0, 3, 0, 1, 2  # fields: schema.fbs
_MOST = 1 << 14


Place = tuple[int, int]  # of an operator: subgraph and index


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model at an address.

    `operators`: (subgraph, index) of the operators that have their lists of inputs and outputs at
    a pair of addresses. `shapes`: for each subgraph where the shape of each tensor lies, 0 for a
    tensor without any. TFLM points into the flatbuffer for all of them.
    """

    address: int
    model: Model
    operators: dict[tuple[int, int], tuple[Place, ...]] = field(repr=False)
    shapes: tuple[tuple[int, ...], ...] = field(repr=False)


class Models:
    """The models that were found so far."""

    def __init__(self, memory: ReadableMemory) -> None:
        self._memory = memory
        self.found: list[LoadedModel] = []
        self.refused: dict[int, str] = {}  # by address, what is wrong with what looks like one
        self._failed = 0

    def of(self, inputs: int, outputs: int) -> tuple[LoadedModel, tuple[Place, ...]] | None:
        """The model that has these lists of tensors, and whose they are; None without any."""
        for known in self.found:
            if places := known.operators.get((inputs, outputs)):
                return known, places
        if self._failed == MAX_TRIES:
            return None
        for loaded in self._around(inputs):
            if places := loaded.operators.get((inputs, outputs)):
                self.found.append(loaded)
                return loaded, places
        self._failed += 1
        return None

    def _around(self, pointer: int) -> Iterator[LoadedModel]:
        """Models that may hold an address, the nearest first."""
        region = self._memory.region_of(pointer)
        data = None if region is None else self._memory.read(*region)
        if region is None or data is None:
            return
        at = pointer - region[0]
        for _ in range(MAX_TRIES):
            at = data.rfind(IDENTIFIER, 0, at)
            if at < 4:
                return
            address = region[0] + at - 4
            try:
                loaded = load(address, data[at - 4 : at - 4 + MAX_MODEL_BYTES])
            except NetworkError as error:
                self.refused[address] = str(error).partition(";")[0]
            else:
                if loaded is not None:
                    yield loaded


def load(address: int, data: bytes) -> LoadedModel | None:
    """A model that begins with these bytes, None where none can. Raises NetworkError."""
    if len(data) < 8 or struct.unpack_from("<I", data)[0] >= len(data):
        return None
    model = read_model(data)
    operators: dict[tuple[int, int], tuple[Place, ...]] = {}
    shapes = []
    try:
        subgraphs = Buffer(data).root().tables(_SUBGRAPHS, "subgraphs", _MOST)
        for number, subgraph in enumerate(subgraphs):
            for index, table in enumerate(subgraph.tables(_OPERATORS, "operators", _MOST)):
                key = _list_at(address, table, _INPUTS), _list_at(address, table, _OUTPUTS)
                operators[key] = (*operators.get(key, ()), (number, index))
            tensors = subgraph.tables(_TENSORS, "tensors", _MOST)
            shapes.append(tuple(_list_at(address, table, _SHAPE) for table in tensors))
    except DamagedError:  # unless read_model() has a hole
        return None
    return LoadedModel(address, model, operators, tuple(shapes))


def _list_at(address: int, table: FlatTable, number: int) -> int:
    """Where a vector of numbers lies in memory, its length first; 0: there is none."""
    start, _ = table.span(number)
    return address + start - 4 if start else 0
