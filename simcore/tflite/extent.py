"""Where a model ends in bytes that hold more behind it, such as a firmware's flash.

A flatbuffer does not say its length. It ends where the last of its tables, vectors and texts does,
those that no reader here needs left out where nothing leads to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simcore.tflite.formats import is_tflite
from simcore.tflite.tables import Buffer, DamagedError, FlatTable

_VERSION: Final = 3
_MOST: Final = 1 << 16  # tables of a kind
# Numbers of fields: tensorflow/compiler/mlir/lite/schema/schema.fbs.
_CODES, _SUBGRAPHS, _DESCRIPTION, _BUFFERS, _METADATA_BUFFER, _METADATA = 1, 2, 3, 4, 5, 6


class _Measured(Buffer):
    """Remembers the end of the last byte that was looked at."""

    end = 0

    def _end(self, at: int, size: int) -> int:
        found = super()._end(at, size)
        self.end = max(self.end, found)
        return found


def model_size(data: bytes) -> int | None:
    """Bytes of the model that ``data`` begin with; None when they begin with none.

    One that has no operator counts as none.
    """
    if not is_tflite(data):
        return None
    buffer = _Measured(data)
    try:
        is_model = _walk(buffer)
    except DamagedError:
        return None
    return buffer.end if is_model else None


def _walk(buffer: _Measured) -> bool:
    """Look at all of it; whether it is a model with an operator."""
    root = buffer.root()
    if root.unsigned(0) != _VERSION:
        return False
    root.measure()
    root.text(_DESCRIPTION, 0)
    root.integers(_METADATA_BUFFER)
    for code in _each(root, _CODES):
        code.text(1, 0)
    operators = [one for graph in _each(root, _SUBGRAPHS) for one in _operators_of(graph)]
    for held in _each(root, _BUFFERS):
        offset, size = held.unsigned(1, 8), held.unsigned(2, 8)
        if offset > 1:  # behind the flatbuffer
            buffer._end(offset, size)
        else:
            held.span(0)
    for note in _each(root, _METADATA):
        note.text(0, 0)
    return bool(operators)


def _operators_of(graph: FlatTable) -> Iterator[FlatTable]:
    graph.text(4, 0)
    for ends in (1, 2):
        graph.integers(ends)
    for tensor in _each(graph, 0):
        for numbers in (0, 7):  # shape, and shape with unknown dimensions
            tensor.integers(numbers)
        tensor.text(3, 0)
        if (quantization := tensor.table(4)) is not None:
            quantization.measure()
            for reals in (0, 1, 2):
                quantization.reals(reals)
            quantization.integers(3, 8)
    for operator in _each(graph, 3):
        for numbers in (1, 2, 8):
            operator.integers(numbers)
        for octets in (5, 7):  # of custom operators; which inputs change
            operator.span(octets)
        for options in (4, 12):
            if (table := operator.table(options)) is not None:
                table.measure()
        yield operator


def _each(table: FlatTable, field: int) -> Iterator[FlatTable]:
    for one in table.tables(field, "tables", _MOST):
        one.measure()
        yield one
