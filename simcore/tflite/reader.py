"""The bytes of a .tflite file to a Model, whatever operators and types it has.

Laxer than LiteRT, which refuses person_detect of TensorFlow Lite Micro. What cannot be run is the
affair of runnable.py: a firmware's model is read for its names alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from simcore.elf.image import printable
from simcore.errors import NetworkError
from simcore.network.graph import (
    ABSENT,
    BYTES_OF_TYPE,
    Model,
    Operator,
    Quantization,
    Subgraph,
    Tensor,
)
from simcore.tflite.formats import CONVERT, is_tflite, other_network
from simcore.tflite.schema import CUSTOM, ENUMS, OPERATORS, OPTIONS, TYPES
from simcore.tflite.tables import Buffer, DamagedError, FlatTable

MAX_FILE_BYTES: Final = 64 << 20  # the largest flash beside a Cortex-M7 has as much
MAX_SUBGRAPHS: Final = 64
MAX_TENSORS: Final = 1 << 14  # of a subgraph, and so of its operators
MAX_BUFFERS: Final = 1 << 16
MAX_RANK: Final = 8
MAX_ELEMENTS: Final = 1 << 31

Options = dict[str, int | float | bool | str | tuple[int, ...]]


def read_model(data: bytes) -> Model:
    """The network of a .tflite file's bytes. Raises NetworkError, one line, what is wrong."""
    if not is_tflite(data):
        raise NetworkError(other_network(data) or "is no .tflite file; " + CONVERT)
    if len(data) > MAX_FILE_BYTES:
        raise NetworkError(f"too large (limit {MAX_FILE_BYTES >> 20} MiB)")
    try:
        return _Reader(data).model()
    except DamagedError as error:
        raise NetworkError(f"damaged .tflite file: {error}; copy it again") from None


class _Code(NamedTuple):
    kind: str
    version: int
    custom: str


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._root = Buffer(data).root()
        self._known: dict[tuple[int, int], bytes] = {}

    def model(self) -> Model:
        root = self._root
        if root.unsigned(0) != 3:
            raise NetworkError(
                f"has version {root.unsigned(0)} of the .tflite format, where 3 is known; {CONVERT}"
            )
        self._codes = [_code(table) for table in root.tables(1, "operator codes", MAX_TENSORS)]
        self._buffers = [self._span(table) for table in root.tables(4, "buffers", MAX_BUFFERS)]
        subgraphs = tuple(
            self._subgraph(table) for table in root.tables(2, "subgraphs", MAX_SUBGRAPHS)
        )
        if not subgraphs:
            raise DamagedError("it has no subgraph")
        return Model(printable(root.text(3)), subgraphs)

    def _span(self, buffer: FlatTable) -> tuple[int, int]:
        """Where the bytes of a buffer lie: in it, or behind the flatbuffer."""
        offset, size = buffer.unsigned(1, 8), buffer.unsigned(2, 8)
        if offset <= 1:
            return buffer.span(0)
        if offset + size > len(self._data):
            raise DamagedError(f"a buffer of {size} bytes at {offset} of {len(self._data)}")
        return offset, size

    def _bytes(self, number: int) -> bytes | None:
        """The bytes of a buffer, the same object for the same bytes; None without any."""
        if number >= len(self._buffers):
            raise DamagedError(f"a tensor in buffer {number} of {len(self._buffers)}")
        span = self._buffers[number]
        if not span[1]:
            return None
        if span not in self._known:
            self._known[span] = self._data[span[0] : span[0] + span[1]]
        return self._known[span]

    def _subgraph(self, table: FlatTable) -> Subgraph:
        tensors = tuple(
            self._tensor(index, one)
            for index, one in enumerate(table.tables(0, "tensors", MAX_TENSORS))
        )
        operators = tuple(
            self._operator(index, one, len(tensors))
            for index, one in enumerate(table.tables(3, "operators", MAX_TENSORS))
        )
        ends = [table.integers(1), table.integers(2)]
        _check_indices((*ends[0], *ends[1]), len(tensors), optional=False)
        return Subgraph(printable(table.text(4)), tensors, operators, *ends)

    def _tensor(self, index: int, table: FlatTable) -> Tensor:
        shape, dynamic = table.integers(0), table.integers(7)
        name = printable(table.text(3)) or f"tensor {index}"
        if len(shape) > MAX_RANK:
            raise DamagedError(f"tensor {index} has {len(shape)} dimensions (limit {MAX_RANK})")
        if any(size < 0 for size in shape):
            shape = tuple(max(size, 0) for size in shape) or dynamic
        if math.prod(shape) > MAX_ELEMENTS:
            raise DamagedError(f"tensor {index} has {math.prod(shape):,} elements")
        number = table.signed(1, 1)
        kind = TYPES[number] if 0 <= number < len(TYPES) else f"type {number}"
        data = self._bytes(table.unsigned(2))
        tensor = Tensor(
            index, name, shape, kind, _quantization(table.table(4), shape), data,
            bool(table.unsigned(5, 1)),
        )  # fmt: skip
        if data is not None and kind in BYTES_OF_TYPE and len(data) != tensor.size_bytes:
            if table.table(6) is None:
                raise DamagedError(
                    f"tensor '{name}' needs {tensor.size_bytes} bytes, its buffer has {len(data)}"
                )
            raise NetworkError(
                f"tensor '{name}' is sparse; convert the network without pruning's sparse format"
            )
        return tensor

    def _operator(self, index: int, table: FlatTable, tensors: int) -> Operator:
        number = table.unsigned(0)
        if number >= len(self._codes):
            raise DamagedError(f"operator {index} has code {number} of {len(self._codes)}")
        code = self._codes[number]
        inputs, outputs, between = table.integers(1), table.integers(2), table.integers(8)
        _check_indices(inputs, tensors)
        _check_indices((*outputs, *between), tensors, optional=False)
        options = {"custom_code": code.custom} if code.kind == CUSTOM else _options(table)
        return Operator(index, code.kind, code.version, inputs, outputs, between, options)


def _check_indices(indices: Sequence[int], tensors: int, *, optional: bool = True) -> None:
    for index in indices:
        if not (ABSENT if optional else 0) <= index < tensors:
            raise DamagedError(f"tensor {index} is named, of {tensors}")


def _code(table: FlatTable) -> _Code:
    # Codes up to 127 stand in the old field too, and only there in files of before 2020.
    number = max(table.signed(0, 1), table.signed(3))
    kind = OPERATORS[number] if 0 <= number < len(OPERATORS) else f"operator {number}"
    return _Code(kind, table.signed(2, default=1), printable(table.text(1)))


def _quantization(table: FlatTable | None, shape: Sequence[int]) -> Quantization | None:
    if table is None:
        return None
    scales, zero_points, axis = table.reals(2), table.integers(3, 8), table.signed(6)
    if not scales:
        return None
    zero_points = zero_points or (0,) * len(scales)
    if not all(math.isfinite(scale) for scale in scales):
        raise DamagedError("a scale is no finite number")
    if len(zero_points) == 1:
        zero_points *= len(scales)
    if len(zero_points) != len(scales):
        raise DamagedError(f"{len(scales)} scales have {len(zero_points)} zero points")
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        # TOCO gave a bias the dimension of its filter: person_detect has such.
        if len(scales) not in shape:
            raise DamagedError(f"{len(scales)} scales for a tensor of {list(shape)}")
        axis = tuple(shape).index(len(scales))
    return Quantization(scales, zero_points, axis)


def _options(operator: FlatTable) -> Options:
    """The options of an operator with all their fields; {} of those that nobody here knows."""
    fields = OPTIONS.get(operator.unsigned(3, 1))
    table = operator.table(4)
    if fields is None or table is None:
        return {}
    return dict(_values(table, fields))


def _values(
    table: FlatTable, fields: str
) -> Iterator[tuple[str, int | float | bool | str | tuple[int, ...]]]:
    for number, name, kind, default in _fields(fields):
        match kind:
            case "int":
                yield name, table.signed(number, default=int(default))
            case "uint":
                yield name, table.unsigned(number)
            case "bool":
                yield name, bool(table.unsigned(number, 1, int(default)))
            case "float":
                yield name, table.real(number)
            case "text":
                yield name, printable(table.text(number))
            case "ints":
                yield name, table.integers(number)
            case _:
                value, names = table.signed(number, 1), ENUMS[kind]
                yield name, names[value] if 0 <= value < len(names) else f"{kind} {value}"


@cache
def _fields(text: str) -> tuple[tuple[int, str, str, float], ...]:
    """Number, name, type and default of each field of a line of schema.py."""
    found = []
    for place, word in enumerate(text.split()):
        number, _, rest = word.rpartition("!")
        name, _, kind = rest.partition(":")
        kind, _, default = kind.partition("=")
        found.append((int(number or place), name, kind, float(default or 0)))
    return tuple(found)
