"""Functions from symbols: sections, symbols and mapping symbols -> non-overlapping code ranges.

Compiled code comes with typed, sized symbols. Hand-written assembly comes with labels without type
or size, several names for one entry, entries inside another function and tables between the code.
Every byte of code ends up in at most one `Function`, so that counts by function sum to the total.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from simcore.elf.image import Function, MappingSymbol, Section, Segment, Symbol

_BINDING_RANK = {"global": 0, "weak": 1, "local": 2}
# Fill between functions: zeros, erased flash, NOP (T1), NOP.W (T2), MOV r8,r8.
_FILL = re.compile(rb"(?:\x00\x00|\xff\xff|\x00\xbf|\xaf\xf3\x00\x80|\xc0\x46)*")

# BL <label>, encoding T1 (DDI 0403, A7.7.18), at any byte.
_BL = re.compile(rb"(?=(.[\xf0-\xf7].[\xd0-\xdf\xf0-\xff]))", re.DOTALL)


class CodeMap:
    """What the mapping symbols say about code sections; where they are silent it is Thumb code."""

    def __init__(self, mapping: Iterable[MappingSymbol], code: Iterable[Section]) -> None:
        # Empty input sections leave several symbols at one address: code wins, and Arm state is
        # believed only where nothing else is said.
        rank = {"t": 0, "d": 1, "a": 2}
        kinds: dict[int, str] = {}
        for symbol in mapping:
            before = kinds.get(symbol.address)
            if before is None or rank[symbol.kind] < rank[before]:
                kinds[symbol.address] = symbol.kind
        for section in code:
            kinds.setdefault(section.address, "t")
        self._starts = sorted(kinds)
        self._kinds = [kinds[start] for start in self._starts]

    def ranges(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Yield (start, end, kind) for the parts of [start, end)."""
        first, last = bisect_right(self._starts, start), bisect_left(self._starts, end)
        kind = self.kind_at(start)
        for index in range(first, last):
            yield start, self._starts[index], kind
            start, kind = self._starts[index], self._kinds[index]
        if start < end:
            yield start, end, kind

    def kind_at(self, address: int) -> str:
        """Return "t" (Thumb code), "a" (Arm code) or "d" (data)."""
        index = bisect_right(self._starts, address) - 1
        return self._kinds[index] if index >= 0 else "t"


def code_sections(sections: Iterable[Section], segments: Iterable[Segment]) -> list[Section]:
    """Return the loaded code by address without overlap: executable sections, else segments."""
    loaded = sorted((s for s in segments if s.data), key=lambda s: s.run_address)
    starts = [segment.run_address for segment in loaded]

    def is_loaded(section: Section) -> bool:
        index = bisect_right(starts, section.address) - 1
        end = section.address + section.size
        return index >= 0 and end <= starts[index] + len(loaded[index].data)

    found = sorted(
        (s for s in sections if s.allocated and s.executable and s.size and is_loaded(s)),
        key=lambda s: s.address,
    )
    if not found:
        return [
            Section(
                f"segment@0x{s.run_address:08x}", s.run_address, len(s.data), s.address,
                allocated=True, executable=True, writable=s.writable, has_data=True,
            )
            for s in loaded
            if s.executable
        ]  # fmt: skip
    result: list[Section] = []
    for section in found:
        if not result or section.address >= result[-1].address + result[-1].size:
            result.append(section)
    return result


def arm_state_code(code: Iterable[Section], map_: CodeMap) -> int | None:
    """Return the first address of Arm-state ($a) code, None when there is none."""
    for section in code:
        for start, _, kind in map_.ranges(section.address, section.address + section.size):
            if kind == "a":
                return start
    return None


def build_functions(
    code: Sequence[Section],
    symbols: Sequence[Symbol],
    map_: CodeMap,
    read: Callable[[int, int], bytes | None],
) -> list[Function]:
    """Return the functions of all code sections by address.

    `read(address, size)` gives loaded bytes; they tell fill from code where no symbol does.
    The rules, in order:

    1. Typed function symbols, global labels, and local labels that a BL of the section calls start
       functions, objects start data. Other labels, and those inside a sized function, are branch
       targets, as are typed symbols without a size there (IAR's labels, .thumb_func labels).
    2. Of several names at one address the typed one wins, then global, weak, local, file order.
    3. A size that is missing reaches to the next start or the section's end. A function that starts
       inside another ends it, and takes over the rest of it.
    4. Code that is left belongs to the first local label on it, else to "<section>+0x<offset>".
    """
    starts = [section.address for section in code]
    by_section: list[list[Symbol]] = [[] for _ in code]
    for symbol in symbols:
        index = bisect_right(starts, symbol.address) - 1
        if index >= 0 and symbol.section and symbol.address < starts[index] + code[index].size:
            by_section[index].append(symbol)
    found: list[tuple[str, int, int]] = []
    for section, inside in zip(code, by_section, strict=True):
        data = read(section.address, section.size) or b""
        found.extend(_section_functions(section, inside, map_, data))
    return [Function(index, *entry) for index, entry in enumerate(found)]


def _section_functions(
    section: Section, symbols: list[Symbol], map_: CodeMap, data: bytes
) -> Iterator[tuple[str, int, int]]:
    base, limit = section.address, section.address + section.size
    chosen = _starts(section, symbols, map_, data)
    labels = sorted(
        (s.address, s.name)
        for s in symbols
        if s.kind == "label" and s.binding == "local" and map_.kind_at(s.address) == "t"
    )
    covered = base  # everything below is in a function or passed over
    reach = base  # how far the functions so far say they go
    order = sorted(chosen)
    for position, start in enumerate(order):
        symbol = chosen[start]
        following = order[position + 1] if position + 1 < len(order) else limit
        yield from _unnamed(section, covered, start, labels, map_, data)
        own = start + symbol.size if symbol.size else following
        if symbol.kind == "object":
            covered = min(own, following)
            reach = max(reach, covered)
            continue
        reach = max(reach, own)
        covered = min(reach, following, limit)
        yield symbol.name, start, covered
    yield from _unnamed(section, covered, limit, labels, map_, data)


def _starts(
    section: Section, symbols: list[Symbol], map_: CodeMap, data: bytes
) -> dict[int, Symbol]:
    """Return by address the symbols that start a function or an object (rules 1 and 2)."""
    chosen: dict[int, Symbol] = {}
    sized = sorted(
        (s.address, s.address + s.size) for s in symbols if s.kind == "function" and s.size
    )
    sized_starts = [start for start, _ in sized]
    reach: list[int] = []
    for _, end in sized:
        reach.append(max(end, reach[-1]) if reach else end)

    def rank(symbol: Symbol) -> tuple[int, int]:
        return ("function", "label", "object").index(symbol.kind), _BINDING_RANK[symbol.binding]

    def in_function(symbol: Symbol) -> bool:
        before = bisect_left(sized_starts, symbol.address) - 1
        return before >= 0 and reach[before] > symbol.address

    entries = {
        id(s)
        for s in symbols
        if s.kind == "label" and map_.kind_at(s.address) == "t" and not in_function(s)
    }
    local = {s.address for s in symbols if id(s) in entries and s.binding == "local"}
    called = _called(section, data, local) if local else set()
    for symbol in symbols:
        if symbol.kind == "label" and (
            id(symbol) not in entries
            or (symbol.binding == "local" and symbol.address not in called)
        ):
            continue
        if symbol.kind == "function" and not symbol.size and in_function(symbol):
            continue
        other = chosen.get(symbol.address)
        if other is None or rank(symbol) < rank(other):
            chosen[symbol.address] = symbol
    return chosen


def _called(section: Section, data: bytes, labels: set[int]) -> set[int]:
    """Return those of `labels` that are the target of a BL in the section."""
    called = set()
    for match in _BL.finditer(data):
        if match.start() % 2:
            continue
        first, second = struct.unpack("<HH", match[1])
        sign = first >> 10 & 1
        i1, i2 = (second >> 13 & 1) ^ sign ^ 1, (second >> 11 & 1) ^ sign ^ 1
        offset = (i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1) - (
            sign << 24
        )
        target = section.address + match.start() + 4 + offset
        if target in labels:
            called.add(target)
    return called


def _unnamed(
    section: Section,
    start: int,
    end: int,
    labels: list[tuple[int, str]],
    map_: CodeMap,
    data: bytes,
) -> Iterator[tuple[str, int, int]]:
    """Yield functions for the code in [start, end) that no symbol covers (rule 4)."""
    if start >= end:
        return
    index = bisect_left(labels, (start, ""))
    label = labels[index] if index < len(labels) and labels[index][0] < end else None
    first = _first_code(section, start, label[0] if label else end, map_, data)
    if first is not None:
        yield f"{section.name}+0x{first - section.address:x}", first, label[0] if label else end
    if label:
        yield label[1], label[0], end


def _first_code(section: Section, start: int, end: int, map_: CodeMap, data: bytes) -> int | None:
    """Return where code other than fill begins in [start, end)."""
    for low, high, kind in map_.ranges(start, end):
        if kind != "t":
            continue
        low += low & 1
        fill = _FILL.match(data, low - section.address, max(high, low) - section.address)
        if fill and section.address + fill.end() < high:
            return section.address + fill.end()
    return None
