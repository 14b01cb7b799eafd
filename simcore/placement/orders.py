"""Where a linker might have put code and data: in another order, or with gaps closed.

Only timed addresses change, as in a placement. Functions keep their place in a word, as a literal
pool asks; those that are placed elsewhere keep their place and their order there. The orders are
drawn by names and sizes, so that a program that is shifted or reordered draws the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise

from simcore.cpu_model import CpuModel
from simcore.cpu_model.schema import TCM_KINDS
from simcore.elf import Image
from simcore.placement.space import aligned, merged
from simcore.run.setup import WORD, Move

DOUBLE = 8  # bytes; what no linker needs less for is aligned so, however it was linked
#: A stretch of code that stays together: its first address, its end, and its name.
Stretch = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class _Item:
    """Bytes that a linker moves as one; those without a name stay behind the others."""

    start: int
    end: int
    name: str | None
    unit: int  # bytes: what its first word is aligned to

    def rank(self, number: int) -> tuple[bool, bytes, int]:
        """Its place in the order of that number."""
        if self.name is None:
            return True, b"", self.start
        drawn = f"{number} {self.name} {self.end - self.start}".encode()
        return False, sha256(drawn).digest(), self.start


def reordered(
    image: Image,
    model: CpuModel,
    moves: Sequence[Move],
    number: int,
    offset: int,
    *,
    data: bool = False,
) -> tuple[Move, ...] | None:
    """The moves with the functions of each section of code in the order of that number.

    With ``data`` the objects of each section outside of TCMs are in such an order, too: they share
    the sets of a data cache. Sections of ROM follow each other from a way of the caches on, so that
    the layout is the same wherever the program is linked; data in RAM keeps the bytes of its
    section. What moves leaves a gap, so that nothing else lies elsewhere by it. All code, moved or
    not, is timed `offset` bytes higher. None where that leaves a memory.
    """
    code = _code(image)
    taken = merged((move.start, move.end) for move in moves)
    own = [_shifted(code, move, offset) for move in moves]
    sections = [(start, end, True) for start, end in code]
    if data:
        sections += _data(image, model)
    way = max(cache.size // cache.ways for cache in (model.core.icache, model.core.dcache))
    for begin in (way, WORD):
        found: list[Move] = []
        behind: dict[str, int] = {}  # in each memory, of what was laid there
        for start, end, is_code in sorted(sections):
            home = model.region_at(start)
            name, at = "" if home is None else home.name, start
            is_rom = home is not None and not home.writable
            if is_rom and begin != WORD:
                at = -(-max(start, behind.get(name, 0)) // begin) * begin
            at += offset if is_code else 0
            laid = list(_laid(image, start, end, at, number, objects=data))
            last = max((to + item.end - item.start for item, to in laid), default=at)
            if not is_rom and not is_code and last > end:
                continue  # gaps between them grew
            behind[name] = last
            found += [move for item, to in laid for move in _around(taken, item, to)]
        found += own
        if all(_is_in_memory(model, move) for move in found):
            return tuple(sorted(found))
    return None


def _laid(
    image: Image, start: int, end: int, at: int, number: int, *, objects: bool
) -> Iterator[tuple[_Item, int]]:
    """What lies in a section with where it lies in the order of that number, from `at` on."""
    items = _items(image, start, end, objects=objects)
    for item in sorted(items, key=lambda item: item.rank(number)):
        to = aligned(at, item.start % WORD, item.unit)
        yield item, to
        at = to + item.end - item.start


def _items(image: Image, start: int, end: int, *, objects: bool) -> list[_Item]:
    """Functions and objects of a section, and what lies between them but for padding."""
    known = {symbol.name for symbol in image.symbols} or {f.raw for f in image.functions}
    named = [
        _Item(f.start, f.end, f.raw if f.raw in known else None, WORD)
        for f in image.functions
        if start <= f.start < end
    ]
    if objects:
        named += [
            _Item(s.address, s.address + s.size, s.name, DOUBLE if s.size >= DOUBLE else WORD)
            for s in image.symbols
            if s.kind == "object" and s.size and start <= s.address and s.address + s.size <= end
        ]
    found: list[_Item] = []
    at = start
    for item in sorted(named, key=lambda item: (item.start, -item.end)):
        if item.start < at:
            continue  # an alias, or inside of another
        if item.start - at >= WORD:
            found.append(_Item(at, item.start, None, WORD))
        found.append(replace(item, end=min(item.end, end)))
        at = found[-1].end
    return [*found, _Item(at, end, None, WORD)] if end - at >= WORD else found


def _around(taken: Sequence[tuple[int, int]], item: _Item, to: int) -> Iterator[Move]:
    """The moves of an item without what is moved elsewhere."""
    if to == item.start:
        return
    at = item.start
    for low, high in taken:
        if high <= at or item.end <= low:
            continue
        if at < low:
            yield Move(at, low - at, to + at - item.start)
        at = high
    if at < item.end:
        yield Move(at, item.end - at, to + at - item.start)


def _data(image: Image, model: CpuModel) -> list[tuple[int, int, bool]]:
    """Sections of data outside of TCMs."""
    found = []
    for section in image.sections:
        home = model.region_at(section.address)
        is_data = section.allocated and section.size and not section.executable
        if is_data and home is not None and home.kind not in TCM_KINDS:
            found.append((section.address, section.address + section.size, False))
    return found


def closed(
    image: Image, model: CpuModel, moves: Sequence[Move], offset: int
) -> tuple[Move, ...] | None:
    """The moves with the gaps closed that they leave, and the code that stays `offset` higher.

    As a linker does it; what moves stays where it was placed. None where that leaves a memory.
    """
    found: list[Move] = []
    taken = merged((move.start, move.end) for move in moves)
    for start, end in _code(image):
        at = start + offset
        for low, high, _ in _stretches(image, start, end, taken):
            if not _is_taken(taken, low):
                at = aligned(at, low, WORD)
                if at != low:
                    found.append(Move(low, high - low, at))
                at += high - low
    found += moves
    return tuple(sorted(found)) if all(_is_in_memory(model, move) for move in found) else None


def first_function(image: Image) -> int:
    """Where the first function lies behind the vector table; 0 when there is none."""
    table = image.vector_table
    starts = [f.start for f in image.functions if table is None or f.start > table]
    return min(starts, default=0)


def _shifted(code: Sequence[tuple[int, int]], move: Move, offset: int) -> Move:
    """A move of code so many bytes higher, one of data as it is."""
    is_code = any(start <= move.start and move.end <= end for start, end in code)
    return replace(move, to=move.to + offset) if is_code else move


def _is_taken(taken: Sequence[tuple[int, int]], address: int) -> bool:
    return any(start <= address < end for start, end in taken)


def _code(image: Image) -> list[tuple[int, int]]:
    return sorted(
        (section.address, section.address + section.size)
        for section in image.sections
        if section.allocated and section.executable and section.size
    ) or sorted(
        (s.run_address, s.run_address + len(s.data)) for s in image.segments if s.executable
    )


def _stretches(
    image: Image, start: int, end: int, taken: Sequence[tuple[int, int]]
) -> list[Stretch]:
    """Functions of a section and what lies between them, cut where something moves."""
    names = {f.start: f.raw for f in image.functions if start <= f.start < end}
    edges = {start, end, *names}
    edges |= {edge for pair in taken for edge in pair if start < edge < end}
    return [
        (low, high, names.get(low, f"{low - start:#x}")) for low, high in pairwise(sorted(edges))
    ]


def _is_in_memory(model: CpuModel, move: Move) -> bool:
    region = model.region_at(move.to)
    return region is not None and move.to + move.size <= region.end
