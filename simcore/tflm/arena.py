"""The tensor arena of an interpreter: where it lies, and which tensor is where in it.

TFLM keeps a TfLiteEvalTensor for each tensor of a subgraph, {data, dims, type} of 12 bytes, in an
array (tensorflow/lite/c/common.h), and points `dims` into the flatbuffer. So the array is where
words point to the shapes of the model's tensors, one after another. The allocator keeps
{buffer_head, buffer_tail, head, tail} side by side (single_arena_buffer_allocator.h; 2021:
simple_memory_allocator.h): planned buffers grow from the head, what stays from the tail down.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from simcore.core.operators import ReadableMemory
from simcore.elf import Image
from simcore.tflm.models import LoadedModel

EVAL_TENSOR_BYTES: Final = 12
_DIMS = 4  # offset in it
_ALIGN = 16  # of the arena: MicroArenaBufferAlignment()
_NEAR_BYTES = 1 << 17
_ANCHORS = 8  # tensors by whose shapes the array is looked for

#: TfLiteType of tensorflow/lite/core/c/c_api_types.h, for the types of tensors that TFLM has.
_TYPES: Final = {
    "float32": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arena:
    """Addresses; [start, planned_end) is of planned buffers, [persistent, end) what stays.

    `symbol` is the object that holds it, "" where none does.
    """

    start: int
    end: int
    planned_end: int
    persistent: int
    symbol: str = ""

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def used(self) -> int:
        """Bytes that the interpreter takes: what arena_used_bytes() says."""
        return self.planned_end - self.start + self.end - self.persistent


def find_tensors(
    memory: ReadableMemory, node: int, loaded: LoadedModel, subgraph: int
) -> tuple[int, ...] | None:
    """Address of each tensor's data, 0 for none, of an interpreter that has a node at an address.

    None where the array of its tensors is not found.
    """
    region = memory.region_of(node)
    data = None if region is None else memory.read(*region)
    if region is None or data is None:
        return None
    shapes, tensors = loaded.shapes[subgraph], loaded.model.subgraphs[subgraph].tensors
    best, most = None, 0
    for first in _candidates(data, shapes):
        end = first + EVAL_TENSOR_BYTES * len(shapes)
        if first < 0 or end > len(data):
            continue
        rows = list(struct.iter_unpack("<III", data[first:end]))
        pairs = zip(tensors, rows, strict=True)
        typed = all(_TYPES.get(tensor.type, row[2]) == row[2] for tensor, row in pairs)
        dims = sum(row[1] == shape for shape, row in zip(shapes, rows, strict=True) if shape)
        # Kernels may give a tensor other dimensions, a copy in the arena; never another type.
        if typed and dims > most:
            best, most = rows, dims
    if best is None or 2 * most < sum(1 for shape in shapes if shape):
        return None
    return tuple(row[0] for row in best)


def _candidates(data: bytes, shapes: Sequence[int]) -> Iterator[int]:
    """Offsets at which the array of tensors may begin."""
    known: set[int] = set()
    anchors = [index for index, shape in enumerate(shapes) if shape][:_ANCHORS]
    for index in anchors:
        word, at = struct.pack("<I", shapes[index]), -1
        while (at := data.find(word, at + 1)) >= 0:
            first = at - _DIMS - EVAL_TENSOR_BYTES * index
            if at % 4 == 0 and first not in known:
                known.add(first)
                yield first


def find_arena(
    memory: ReadableMemory, image: Image, node: int, addresses: Sequence[int]
) -> Arena | None:
    """The arena around a node and planned buffers; None where its bounds are not found."""
    region = memory.region_of(node)
    data = None if region is None else memory.read(*region)
    if region is None or data is None or not addresses:
        return None
    base, end = region[0], region[0] + region[1]
    symbol = image.object_at(node)
    low, high = base, end
    if symbol is not None and symbol.size:
        low, high = symbol.address, symbol.address + symbol.size
    inside = [address for address in addresses if low <= address < high]
    if not inside:
        return None
    best: Arena | None = None
    for at in _heads(data, node - base, None if symbol is None else _aligned(low)):
        start, stop, head, tail = struct.unpack_from("<4I", data, at)
        is_around = low <= start <= min(inside) and node < stop <= high
        if not is_around or not max(inside) < head <= tail <= node:
            continue
        if best is None or stop - start < best.size:
            best = Arena(start, stop, head, tail, "" if symbol is None else image.data_name(symbol))
    return best


def _aligned(address: int) -> int:
    return (address + _ALIGN - 1) // _ALIGN * _ALIGN


def _heads(data: bytes, node: int, start: int | None) -> Iterator[int]:
    """Offsets at which an allocator may keep where its arena starts: a known address, or any.

    Its own structure is what it took first, so above a node's, and not far.
    """
    if start is None:
        yield from range(node // 4 * 4, min(len(data) - 16, node + _NEAR_BYTES), 4)
        return
    word, at = struct.pack("<I", start), -1
    while (at := data.find(word, at + 1, len(data) - 12)) >= 0:
        if at % 4 == 0:
            yield at


def pieces(
    bounds: tuple[int, int], live: Sequence[tuple[int, int, int]]
) -> list[tuple[int, int, tuple[int, ...]]]:
    """(address, bytes, tensors) of what tensors occupy inside bounds, sorted and apart.

    ``live``: (address, bytes, tensor); where several lie, a piece has all of them.
    """
    edges = sorted({edge for base, size, _ in live for edge in (base, base + size)})
    found: list[tuple[int, int, tuple[int, ...]]] = []
    for begin, end in pairwise(edges):
        held = tuple(t for base, size, t in live if base < end and begin < base + size)
        begin, end = max(begin, bounds[0]), min(end, bounds[1])
        if not held or begin >= end:
            continue
        if found and found[-1][2] == held and found[-1][0] + found[-1][1] == begin:
            found[-1] = (found[-1][0], end - found[-1][0], held)
        else:
            found.append((begin, end - begin, held))
    return found
