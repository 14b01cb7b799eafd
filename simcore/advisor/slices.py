"""Which part of an array is hot: waits counted over equal parts of every large object.

An array that does not fit into a TCM may have a head that does, as a network's arena has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simcore.core.counters import Counters, DataObject
from simcore.core.data_objects import ObjectMap, ObjectTable, Range
from simcore.placement.pieces import LINE, Piece

_SLICE = re.compile(r"\[[0-9]*K?:[0-9]+K?\]$")

PARTS = 128  # of a large object
SMALLEST = 2048  # bytes of an object that is cut
#: A head is easier to split off: it is taken when it waits so much of what the hottest part does.
ALIKE = 0.98


@dataclass(frozen=True, slots=True)
class WaitingPart:
    """What accesses to the bytes [start, end) of the program waited, in cycles.

    ``readers`` are the addresses of the functions that read them.
    """

    start: int
    end: int
    stall_cycles: int
    is_written: bool
    readers: frozenset[int] = frozenset()


def cut_objects(objects: ObjectMap) -> ObjectMap:
    """The objects with large data symbols in at most PARTS parts, each an object of its own.

    What lies inside of others for a time counts for where it lies.
    """
    found: list[DataObject] = []
    ranges: list[Range] = []
    for index, item in enumerate(objects.objects):
        own = [one for one in objects.ranges if one[2] == index]
        if item.kind != "symbol" or item.size < SMALLEST or len(own) != 1:
            ranges += [(base, size, len(found)) for base, size, _ in own]
            found.append(item)
            continue
        step = -(-item.size // PARTS // LINE) * LINE or LINE
        for start in range(item.address, item.address + item.size, step):
            size = min(step, item.address + item.size - start)
            ranges.append((start, size, len(found)))
            found.append(replace(item, address=start, size=size))
    tables = tuple(ObjectTable(()) for _ in objects.tables)
    return ObjectMap(tuple(found), tuple(sorted(ranges)), (), tables)


def parts_of(
    counters: Counters, is_write: Sequence[Sequence[bool]], holders: Sequence[int | None]
) -> list[WaitingPart]:
    """What data symbols waited, by address; ``is_write`` says it of each access of each block,
    ``holders`` the address of each block's function."""
    waits: dict[int, int] = {}
    written: set[int] = set()
    readers: dict[int, set[int]] = {}
    for use in counters.uses:
        if counters.objects[use.object].kind != "symbol" or not use.executions:
            continue
        waits[use.object] = waits.get(use.object, 0) + use.stall_cycles
        if is_write[use.block][use.access]:
            written.add(use.object)
        elif (holder := holders[use.block]) is not None:
            readers.setdefault(use.object, set()).add(holder)
    parts = []
    for index, cycles in waits.items():
        item = counters.objects[index]
        parts.append(
            WaitingPart(
                item.address,
                item.address + item.size,
                cycles,
                index in written,
                frozenset(readers.get(index, ())),
            )
        )
    return sorted(parts, key=lambda part: part.start)


def waits_of(parts: Sequence[WaitingPart], start: int, end: int) -> int:
    """Cycles that accesses to [start, end) waited."""
    return sum(part.stall_cycles for part in parts if start <= part.start and part.end <= end)


def hottest(piece: Piece, parts: Sequence[WaitingPart], room: int) -> Piece | None:
    """The bytes of an object, at most ``room`` and in a row, whose accesses wait most.

    None when none of them waits. Of those that wait alike the object's head, then the first, as
    short as it can be.
    """
    own = [p for p in parts if piece.address <= p.start and p.end <= piece.end and p.stall_cycles]
    best: tuple[int, int, int, int] | None = None
    first, waited = 0, 0
    for last in own:
        waited += last.stall_cycles
        while last.end - own[first].start > room:
            waited -= own[first].stall_cycles
            first += 1
            if own[first - 1] is last:
                break
        if first >= len(own) or own[first].start > last.start:
            continue
        found = (-waited, last.end - own[first].start, own[first].start, last.end)
        best = found if best is None else min(best, found)
    if best is None:
        return None
    head = [part for part in own if part.end - piece.address <= room]
    if head and sum(part.stall_cycles for part in head) >= ALIKE * -best[0]:
        return slice_of(piece, piece.address, head[-1].end)
    return slice_of(piece, best[2], best[3])


def slice_of(piece: Piece, start: int, end: int) -> Piece:
    """The bytes [start, end) of an object as a piece, named as ``--place`` takes it."""
    low, high = start - piece.address, end - piece.address
    name = f"{piece.name}[{_bytes(low)}:{_bytes(high)}]"
    return replace(
        piece, name=name, address=start, size=end - start, alignment=min(piece.alignment, LINE)
    )


def is_slice(piece: Piece) -> bool:
    """Whether a piece is a part of an object; names of their own may end with a bracket, too."""
    return piece.kind == "object" and _SLICE.search(piece.name) is not None


def _bytes(number: int) -> str:
    if not number:
        return ""
    return f"{number // 1024}K" if number % 1024 == 0 else str(number)
