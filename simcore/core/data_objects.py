"""The data objects of a program: its data symbols, the stack and the heap, as address ranges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simcore.core.counters import DataObject
from simcore.elf import Image

STACK, HEAP = "(stack)", "(heap)"


@dataclass(frozen=True, slots=True)
class ObjectMap:
    """Objects and the ranges they occupy: (first address, bytes, index of the object).

    Ranges are sorted and do not overlap. Stack and heap may have several.
    """

    objects: tuple[DataObject, ...]
    ranges: tuple[tuple[int, int, int], ...]

    def at(self, address: int) -> DataObject | None:
        """The object that holds an address."""
        for base, size, index in self.ranges:
            if base <= address < base + size:
                return self.objects[index]
        return None


def object_map(image: Image, stack: tuple[int, int], heap: tuple[int, int]) -> ObjectMap:
    """Where each object lies. `stack` and `heap` are (first address, end), empty if there is none.

    Of symbols that overlap the one that begins first counts, and of those the largest; symbols
    without a size are left out. What a symbol holds belongs to neither stack nor heap.
    """
    objects: list[DataObject] = []
    ranges: list[tuple[int, int, int]] = []
    symbols = [symbol for symbol in image.symbols if symbol.kind == "object" and symbol.size]
    end = 0
    for symbol in sorted(symbols, key=lambda s: (s.address, -s.size, s.name)):
        if symbol.address >= end:
            end = symbol.address + symbol.size
            ranges.append((symbol.address, symbol.size, len(objects)))
            name = image.data_name(symbol)
            own = None if name == symbol.name else symbol.name
            objects.append(DataObject(name, "symbol", symbol.address, symbol.size, own))
    for name, (first, last) in ((STACK, stack), (HEAP, heap)):
        if first < last:
            pieces = list(_gaps(first, last, sorted(ranges)))
            ranges += [(begin, end - begin, len(objects)) for begin, end in pieces]
            objects.append(DataObject(name, name.strip("()"), first, last - first))
    return ObjectMap(tuple(objects), tuple(sorted(ranges)))


def _gaps(
    first: int, last: int, taken: Iterable[tuple[int, int, int]]
) -> Iterable[tuple[int, int]]:
    """The parts of [first, last) that no range of `taken`, which is sorted, holds."""
    for base, size, _ in taken:
        if base + size <= first:
            continue
        if base >= last:
            break
        if base > first:
            yield first, base
        first = base + size
    if first < last:
        yield first, last
