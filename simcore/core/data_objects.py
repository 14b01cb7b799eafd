"""The data objects of a program: its data symbols, the stack and the heap, as address ranges."""

from __future__ import annotations

from collections.abc import Iterable

from simcore.core.counters import DataObject
from simcore.elf import Image
from simcore.records import dataclass

STACK, HEAP = "(stack)", "(heap)"


Range = tuple[int, int, int]  # first address, bytes, index of the object


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """What lies, for a time, inside objects: a network's tensors in its arena.

    Each object is (first address, bytes, index among `ObjectMap.inner`); sorted, not overlapping.
    """

    inner: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class ObjectMap:
    """Objects and the ranges they occupy: (first address, bytes, index of the object).

    Ranges are sorted and do not overlap. Stack and heap may have several. `inner` are objects that
    lie inside others at some time, and `tables` say which of them where: number 1 is the first.
    """

    objects: tuple[DataObject, ...]
    ranges: tuple[Range, ...]
    inner: tuple[DataObject, ...] = ()
    tables: tuple[ObjectTable, ...] = ()

    @property
    def every(self) -> tuple[DataObject, ...]:
        """The objects, and behind them those that lie inside others."""
        return (*self.objects, *self.inner)

    def ranges_of(self, table: int) -> list[Range]:
        """The ranges while a table holds, by index of `every`; 0: while none does."""
        if not table:
            return [*self.ranges]
        first = len(self.objects)
        inner = [(base, size, first + index) for base, size, index in self.tables[table - 1].inner]
        outer = [
            (begin, end - begin, index)
            for base, size, index in self.ranges
            for begin, end in _gaps(base, base + size, inner)
        ]
        return sorted(outer + inner)

    def at(self, address: int) -> DataObject | None:
        """The object that holds an address."""
        index = self.index_at(address)
        return None if index < 0 else self.objects[index]

    def index_at(self, address: int) -> int:
        """The index of the object that holds an address, -1: none does."""
        found = (index for base, size, index in self.ranges if base <= address < base + size)
        return next(found, -1)


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
