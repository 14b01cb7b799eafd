"""Inlined functions: address -> the calls that a compiler replaced by code (DWARF 5, 3.3.8).

A unit of .debug_info is read when an address in it is asked for, in one pass over its entries in
which only inlined subroutines are decoded. A file that lies costs time by its bytes and what ran.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import Final, NamedTuple

from simcore.elf.debug_sections import DebugSections
from simcore.elf.dwarf_forms import (
    BROKEN,
    Shape,
    form_size,
    initial_length,
    number,
    shape_at,
    uleb,
)
from simcore.elf.image import HALFWORD, MAX_NAME_BYTES, Function, Image, InlinedCall, printable
from simcore.elf.names import without_parameters
from simcore.elf.units import MAX_UNITS, Unit, Units
from simcore.records import dataclass

_MAX_DEPTH: Final = 1 << 10  # entries inside entries
_MAX_SCOPES: Final = 64  # namespaces, classes and functions around a function
_MAX_ORIGINS: Final = 8  # from an inlined function to where its name stands
#: Inlined calls around one instruction, on average, that are looked at; compilers make a dozen.
_MOST_AROUND: Final = 256
_SPARE: Final = 1 << 16
_REF_ADDR: Final = 0x10
_UNIT_BYTES: Final = {1: 0, 2: 12, 3: 0, 4: 8, 5: 8, 6: 12}  # behind the head, by DW_UT

_NAME, _ORIGIN, _SPECIFICATION, _DECL_LINE, _CALL_LINE = 0x03, 0x31, 0x47, 0x3B, 0x59
_INLINED, _SUBPROGRAM, _NAMESPACE, _MODULE = 0x1D, 0x2E, 0x39, 0x1E
_CLASSES: Final = (0x02, 0x13, 0x17)  # class, structure, union
_SCOPES: Final = frozenset((_SUBPROGRAM, _NAMESPACE, _MODULE, *_CLASSES))


class _Abbreviation(NamedTuple):
    tag: int
    has_children: bool
    shape: Shape
    size: int | None  # of all attributes in a unit of 32 bits, None where values say that


@dataclass(slots=True, eq=False)
class _Frame:
    """An inlined subroutine: where its function is described, and inside which it lies."""

    origin: int  # in .debug_info, 0: nowhere
    line: int | None
    outer: _Frame | None
    chain: tuple[InlinedCall, ...] | None = None


@dataclass(slots=True)
class _Heads:
    """Units by the offset of their entries."""

    starts: list[int] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)


def inlined_into(image: Image, name: str) -> list[Function]:
    """The functions into which one was inlined, by the debug information, as their addresses go."""
    where = {at: f for f in image.functions for at in range(f.start, f.end, HALFWORD)}
    found = [
        where[at]
        for at, calls in sorted(image.inlined_at(where).items())
        if any(name in (call.name, without_parameters(call.name)) for call in calls)
    ]
    return list(dict.fromkeys(found))


class InlineTable:
    """Inlined calls by address, from debug sections."""

    def __init__(self, sections: DebugSections) -> None:
        self._sections = sections
        self._lock = threading.Lock()
        self._tables: dict[int, dict[int, _Abbreviation]] = {}
        self._heads: _Heads | None = None
        self._scope_of: dict[int, int] = {}  # by entry
        self._walked: set[int] = set()  # units whose scopes are known
        self._names: dict[int, str] = {}
        self._units: Units
        self._info = b""  # read when it is first asked for
        self._left = 0

    def chains(self, addresses: Iterable[int]) -> dict[int, tuple[InlinedCall, ...]]:
        """The inlined calls around each address that has some, outermost first."""
        with self._lock:
            self._units = Units(self._sections.get)  # with a budget for one pass
            if not self._info:
                self._info = bytes(self._sections.get("info"))
                self._left = 4 * len(self._sections.get("abbrev")) + _SPARE
            return self._chains(sorted(set(addresses)))

    def _chains(self, wanted: Sequence[int]) -> dict[int, tuple[InlinedCall, ...]]:
        around: list[_Frame | None] = [None] * len(wanted)
        budget = _MOST_AROUND * len(wanted) + _SPARE
        for unit in self._units:
            if not self._holds(unit, wanted):
                continue
            for frame, ranges in self._inlined(unit):
                for start, end in ranges:
                    if not start:
                        continue  # where linkers leave a function that they discarded
                    first, last = bisect_left(wanted, start), bisect_left(wanted, end)
                    budget -= max(last - first, 0) + 1
                    for index in range(first, last):
                        around[index] = frame
                if budget < 0:
                    return self._named(wanted, around)
        return self._named(wanted, around)

    def _named(
        self, wanted: Sequence[int], around: Sequence[_Frame | None]
    ) -> dict[int, tuple[InlinedCall, ...]]:
        found = zip(wanted, around, strict=True)
        return {address: self._chain(frame) for address, frame in found if frame is not None}

    def _chain(self, frame: _Frame) -> tuple[InlinedCall, ...]:
        pending: list[_Frame] = []
        at: _Frame | None = frame
        while at is not None and at.chain is None:
            pending.append(at)
            at = at.outer
        chain = at.chain if at is not None and at.chain is not None else ()
        for each in reversed(pending):
            chain = each.chain = (*chain, InlinedCall(self._name(each.origin), each.line))
        return chain

    def _holds(self, unit: Unit, wanted: Sequence[int]) -> bool:
        """Whether an address may lie in a unit."""
        try:
            ranges = self._units.ranges(unit)
        except BROKEN:
            return False
        return not ranges or any(
            bisect_left(wanted, start) < bisect_left(wanted, end) for start, end in ranges
        )

    # -- entries -----------------------------------------------------------------------------------

    def _inlined(self, unit: Unit) -> Iterator[tuple[_Frame, list[tuple[int, int]]]]:
        """The inlined subroutines of a unit that have code, each before those inside it."""
        try:
            yield from self._walk(unit)
        except BROKEN:
            return  # what was read holds

    def _walk(self, unit: Unit) -> Iterator[tuple[_Frame, list[tuple[int, int]]]]:
        self._walked.add(unit.offset)
        info, at, end = self._info, unit.first, unit.end
        table = self._table(unit.abbreviations)
        is_usual = unit.word == unit.address == 4
        frame: _Frame | None = None
        scope = 0
        stack: list[tuple[_Frame | None, int]] = []
        while at < end:
            entry = at
            code = info[at]
            at += 1
            if code > 0x7F:
                code, at = uleb(info, entry)
            if not code:
                if not stack:
                    return
                frame, scope = stack.pop()
                if not stack:
                    return
                continue
            known = table.get(code)
            if known is None:
                raise ValueError("an abbreviation that is not there")
            tag, has_children, shape, size = known
            inner, inside = frame, scope
            if tag == _INLINED:
                attributes, at = self._units.attributes(unit, info, at, shape)
                line = attributes[_CALL_LINE][1] if _CALL_LINE in attributes else None
                inner = _Frame(self._reference(unit, attributes.get(_ORIGIN)), line, frame)
                yield inner, self._units.ranges(unit, attributes)
            else:
                if tag in _SCOPES:
                    self._scope_of[entry] = scope
                    inside = entry
                if size is None or not is_usual:
                    at = self._units.past(unit, info, at, shape)
                else:
                    at += size
            if has_children:
                if len(stack) >= _MAX_DEPTH:
                    raise ValueError("entries inside entries without end")
                stack.append((frame, scope))
                frame, scope = inner, inside

    def _table(self, offset: int) -> dict[int, _Abbreviation]:
        """The abbreviations (7.5.3) at an offset in .debug_abbrev."""
        table = self._tables.get(offset)
        if table is not None:
            return table
        data, at = self._sections.get("abbrev"), offset
        table = self._tables[offset] = {}
        while True:
            start = at
            code, at = uleb(data, at)
            if not code:
                return table
            tag, at = uleb(data, at)
            has_children = data[at] != 0
            at += 1
            shape, at = shape_at(data, at)
            sizes = [_fixed(form) for _, form, _ in shape]
            size = None if None in sizes else sum(each or 0 for each in sizes)
            table.setdefault(code, _Abbreviation(tag, has_children, shape, size))
            self._left -= at - start
            if self._left < 0:
                raise ValueError("abbreviations that units share too often")

    # -- names -------------------------------------------------------------------------------------

    def _reference(self, unit: Unit, value: tuple[int, int] | None) -> int:
        if value is None:
            return 0
        form, offset = value
        return offset if form == _REF_ADDR else unit.offset + offset

    def _name(self, entry: int) -> str:
        """The name of a function with its namespaces and classes."""
        if entry not in self._names:
            try:
                self._names[entry] = self._spelt(entry) or f"inlined@{entry:#x}"
            except BROKEN:
                self._names[entry] = f"inlined@{entry:#x}"
        return self._names[entry]

    def _spelt(self, entry: int) -> str:
        own, declared = "", entry
        for _ in range(_MAX_ORIGINS):
            unit, attributes, _ = self._entry(declared)
            own = own or self._text(unit, attributes)
            behind = attributes.get(_SPECIFICATION) or attributes.get(_ORIGIN)
            if behind is None:
                break
            declared = self._reference(unit, behind)
        parts = [own]
        for _ in range(_MAX_SCOPES):
            declared = self._scope_of.get(declared, 0)
            if not declared:
                break
            unit, attributes, tag = self._entry(declared)
            line = attributes.get(_DECL_LINE, (0, 0))[1]
            parts.append(self._text(unit, attributes) or _unnamed(tag, parts[-1], line))
            for _ in range(_MAX_ORIGINS):  # a member function stands at its declaration
                behind = attributes.get(_SPECIFICATION) or attributes.get(_ORIGIN)
                if behind is None or parts[-1]:
                    break
                declared = self._reference(unit, behind)
                unit, attributes, tag = self._entry(declared)
                parts[-1] = self._text(unit, attributes)
        return "::".join(part for part in reversed(parts) if part)[:MAX_NAME_BYTES]

    def _text(self, unit: Unit, attributes: dict[int, tuple[int, int]]) -> str:
        return printable(self._units.text(unit, attributes, _NAME).decode("utf-8", "replace"))

    def _entry(self, at: int) -> tuple[Unit, dict[int, tuple[int, int]], int]:
        """An entry: its unit, attributes and tag. Raises BROKEN."""
        unit = self._unit_of(at)
        if unit.offset not in self._walked:
            for _ in self._inlined(unit):
                pass
        code, at = uleb(self._info, at)
        table = self._table(unit.abbreviations)
        if code not in table:
            raise ValueError("an abbreviation that is not there")
        tag, _, shape, _ = table[code]
        return unit, self._units.attributes(unit, self._info, at, shape)[0], tag

    def _unit_of(self, at: int) -> Unit:
        """The unit, of any kind, that holds an entry. Raises BROKEN."""
        if self._heads is None:
            self._heads = _Heads()
            for unit in self._all_units():
                self._heads.starts.append(unit.first)
                self._heads.units.append(unit)
        index = bisect_left(self._heads.starts, at + 1) - 1
        if index < 0 or at >= self._heads.units[index].end:
            raise IndexError("no unit")
        return self._heads.units[index]

    def _all_units(self) -> Iterator[Unit]:
        known = {unit.offset: unit for unit in self._units}
        info, at = self._info, 0
        try:
            for _ in range(MAX_UNITS):
                offset = at
                length, word, at = initial_length(info, at)
                end = at + length
                if not length:
                    continue
                version, at = number(info, at, 2)
                if version >= 5:
                    kind, address = info[at], info[at + 1]
                    table, at = number(info, at + 2, word)
                    at += _UNIT_BYTES.get(kind, 0)
                else:
                    table, at = number(info, at, word)
                    address, at = number(info, at, 1)
                unit = known.get(offset)
                if unit is None:
                    unit = Unit(offset, end, at, version, word, address, table, 0, {})
                yield unit
                at = end
        except BROKEN:
            return


def _fixed(form: int) -> int | None:
    """Bytes of an attribute in a unit of 32 bits, None where its value says them."""
    try:
        return form_size(form, 4, 4)
    except ValueError:
        return None


def _unnamed(tag: int, inside: str, line: int) -> str:
    """What stands for a namespace or class without a name, so that no two are alike."""
    if tag == _NAMESPACE:
        return "(anonymous namespace)"
    if tag in _CLASSES:
        kind = "lambda" if inside.startswith("operator()") else "unnamed"
        return f"{{{kind}:{line}}}" if line else f"{{{kind}}}"
    return ""
