"""Compilation units of .debug_info (DWARF 5, 7.5): where their code is and which lines they have.

Only the first entry of each unit is read, and all of them where functions at one address are asked
for. Versions 2 to 5, both formats, skeletons of split units. A file that lies costs time by its
bytes: tables that units share, and attributes without bytes, have a budget of their size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from simcore.elf.dwarf_forms import (
    ADDR,
    ADDRX,
    BROKEN,
    IMPLICIT_CONST,
    LINE_STRP,
    RNGLISTX,
    STRING,
    STRP,
    STRX,
    Bytes,
    Shape,
    form_size,
    initial_length,
    number,
    shape_at,
    text_at,
    uleb,
    value_of,
)
from simcore.records import dataclass

MAX_UNITS: Final = 1 << 16  # a firmware has hundreds
_SPARE_BYTES: Final = 1 << 16  # of the budget of a table
_COMPILE, _SKELETON = 0x11, 0x4A  # DW_TAG_compile_unit, DW_TAG_skeleton_unit
_SUBPROGRAM: Final = 0x2E
_UNIT_TYPES: Final = {1: 0, 3: 0, 4: 8, 5: 8, 2: 12, 6: 12}  # more bytes of the head; 2, 6: types
_HAS_CODE: Final = (1, 4)  # DW_UT_compile, DW_UT_skeleton
_NO_BASE: Final = 0xFFFFFFFF  # in .debug_ranges: the next word is a base

# Attributes (7.5.4)
_NAME, _STMT_LIST, _LOW_PC, _HIGH_PC, _COMP_DIR, _RANGES = 0x03, 0x10, 0x11, 0x12, 0x1B, 0x55
_ORIGIN, _SPECIFICATION, _DECL_LINE, _LINKAGE_NAME, _MIPS_NAME = 0x31, 0x47, 0x3B, 0x6E, 0x2007
_STR_BASE, _ADDR_BASE, _RANGES_BASE = 0x72, 0x73, 0x74
_GNU_ADDR_BASE, _DWO_NAME, _GNU_DWO_NAME = 0x2133, 0x76, 0x2130

Section = Callable[[str], memoryview]  # the bytes of .debug_<name>
_Abbreviation = tuple[int, Shape]  # its tag
_Attributes = dict[int, tuple[int, int]]  # attribute -> form, value


class Subprogram(NamedTuple):
    """A function that has code: its names, where it ends, and the line that declares it."""

    names: tuple[str, ...]
    end: int
    line: int | None


@dataclass(slots=True, eq=False)
class Unit:
    """A unit: head, and the attributes of its first entry."""

    offset: int
    end: int
    first: int  # its first entry
    version: int
    word: int  # bytes of an offset
    address: int  # bytes of an address
    abbreviations: int  # offset in .debug_abbrev
    tag: int
    attributes: _Attributes

    @property
    def program(self) -> int | None:
        """Where its line program is in .debug_line."""
        found = self.attributes.get(_STMT_LIST)
        return found[1] if found else None

    @property
    def is_split(self) -> bool:
        """Whether its debug information, but for lines, is in a file of its own (.dwo)."""
        return _DWO_NAME in self.attributes or _GNU_DWO_NAME in self.attributes


class _Budget:
    """Bytes of a table that may still be read, each several times by sound files at most."""

    def __init__(self, size: int) -> None:
        self._left = 2 * size + _SPARE_BYTES

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("a table that units share too often")


class Units:
    """The units of a program. `section` gives the bytes of .debug_<name>."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self._tables: dict[int, tuple[dict[int, _Abbreviation], int]] = {}  # read up to there
        self._abbreviations = _Budget(len(section("abbrev")))
        self._ranges = _Budget(len(section("ranges")) + len(section("rnglists")))
        self._heads = self._entries = _Budget(len(section("info")))
        self.broken: dict[int, str] = {}  # units that cannot be read, by offset; why

    def __iter__(self) -> Iterator[Unit]:
        """The units that may have code, in the order of the file."""
        info, at = self._section("info"), 0
        self._heads = _Budget(len(info))
        for _ in range(MAX_UNITS):
            if at >= len(info):
                return
            offset = at
            try:
                length, word, at = initial_length(info, at)
            except BROKEN:
                length, word = len(info), 0
            if length > len(info) - at:
                self.broken[offset] = "is cut off"
                return
            first, at = at, at + length
            if not length:
                continue  # fill
            try:
                unit = self._unit(info[:at], offset, first, word)
            except BROKEN as error:
                self.broken[offset] = f"is broken ({error})"
                continue
            if unit is not None:
                yield unit
        if at < len(info):
            self.broken[at] = f"is behind {MAX_UNITS} others, which is the limit"

    def _unit(self, info: memoryview, offset: int, at: int, word: int) -> Unit | None:
        version, at = number(info, at, 2)
        if not 2 <= version <= 5:
            raise ValueError(f"version {version} is unknown")
        if version >= 5:
            kind, address = info[at], info[at + 1]
            abbreviations, at = number(info, at + 2, word)
            if kind not in _UNIT_TYPES:
                raise ValueError(f"type {kind} is unknown")
            if kind not in _HAS_CODE:
                return None
            at += _UNIT_TYPES[kind]
        else:
            abbreviations, at = number(info, at, word)
            address, at = number(info, at, 1)
        unit = Unit(offset, len(info), at, version, word, address, abbreviations, 0, {})
        code, at = uleb(info, at)
        if not code:
            return None
        unit.tag, shape = self._abbreviation(abbreviations, code)
        if unit.tag not in (_COMPILE, _SKELETON):
            return None
        self._heads.take(1 + len(shape))  # some attributes have no bytes
        unit.attributes, _ = self.attributes(unit, info, at, shape)
        return unit

    def _abbreviation(self, offset: int, code: int) -> _Abbreviation:
        """Tag and attributes of an abbreviation (7.5.3) of the table at `offset`."""
        known, at = self._tables.get(offset, ({}, offset))
        data = self._section("abbrev")
        while code not in known:
            start = at
            number_, at = uleb(data, at)
            if not number_:
                raise ValueError("an abbreviation that is not there")
            tag, at = uleb(data, at)
            at += 1  # whether it has children
            shape, at = shape_at(data, at)
            known.setdefault(number_, (tag, shape))
            self._abbreviations.take(at - start)
            self._tables[offset] = known, at
        return known[code]

    # -- what attributes say -----------------------------------------------------------------------

    def text(self, unit: Unit, attributes: _Attributes, attribute: int) -> bytes:
        """A name; none where it is not there or in another file."""
        if attribute not in attributes:
            return b""
        form, value = attributes[attribute]
        if form == STRING:
            return text_at(self._section("info"), value)
        if form == STRP:
            return text_at(self._section("str"), value)
        if form == LINE_STRP:
            return text_at(self._section("line_str"), value)
        if form in STRX:
            offsets = self._section("str_offsets")
            base = unit.attributes.get(_STR_BASE, (0, 0))[1]
            return text_at(
                self._section("str"), number(offsets, base + value * unit.word, unit.word)[0]
            )
        return b""

    def name(self, unit: Unit) -> bytes:
        """The source file of a unit, as the compiler was told it."""
        try:
            return self.text(unit, unit.attributes, _NAME)
        except BROKEN:
            return b""

    def directory(self, unit: Unit) -> bytes:
        """The directory of the compilation."""
        try:
            return self.text(unit, unit.attributes, _COMP_DIR)
        except BROKEN:
            return b""

    def _address(self, unit: Unit, form: int, value: int) -> int:
        if form not in ADDRX:
            return value
        base = unit.attributes.get(_ADDR_BASE) or unit.attributes.get(_GNU_ADDR_BASE) or (0, 0)
        return number(self._section("addr"), base[1] + value * unit.address, unit.address)[0]

    def _low_high(self, unit: Unit, attributes: _Attributes) -> tuple[int, int] | None:
        if _LOW_PC not in attributes or _HIGH_PC not in attributes:
            return None
        low = self._address(unit, *attributes[_LOW_PC])
        form, high = attributes[_HIGH_PC]
        if form == ADDR or form in ADDRX:
            return low, self._address(unit, form, high)
        return low, low + high

    def ranges(self, unit: Unit, attributes: _Attributes | None = None) -> list[tuple[int, int]]:
        """Where the code of an entry, or of the unit, is (2.17), none when it does not say that.

        Raises BROKEN.
        """
        top = unit.attributes
        own = top if attributes is None else attributes
        if _RANGES not in own:
            both = self._low_high(unit, own)
            return [both] if both else []
        base = self._address(unit, *top[_LOW_PC]) if _LOW_PC in top else 0
        form, at = own[_RANGES]
        if unit.version < 5:
            return list(self._range_list(unit, at, base))
        if form == RNGLISTX:
            start = top[_RANGES_BASE][1] if _RANGES_BASE in top else 0
            offset, _ = number(self._section("rnglists"), start + at * unit.word, unit.word)
            at = start + offset
        return list(self._entry_list(unit, at, base))

    def _range_list(self, unit: Unit, at: int, base: int) -> Iterator[tuple[int, int]]:
        """An entry of .debug_ranges (DWARF 4, 2.17.3)."""
        data, size = self._section("ranges"), unit.address
        top = _NO_BASE if size == 4 else (1 << 8 * size) - 1
        while True:
            self._ranges.take(2 * size)
            low, at = number(data, at, size)
            high, at = number(data, at, size)
            if low == high == 0:
                return
            if low == top:
                base = high
            else:
                yield base + low, base + high

    def _entry_list(self, unit: Unit, at: int, base: int) -> Iterator[tuple[int, int]]:
        """An entry of .debug_rnglists (2.17.3)."""
        data, size = self._section("rnglists"), unit.address

        def index() -> int:
            nonlocal at
            value, at = uleb(data, at)
            return self._address(unit, 0x1B, value)

        def address() -> int:
            nonlocal at
            value, at = number(data, at, size)
            return value

        def length() -> int:
            nonlocal at
            value, at = uleb(data, at)
            return value

        while True:
            kind, begin = data[at], at
            at += 1
            if kind == 0:  # DW_RLE_end_of_list
                return
            if kind == 1:  # base_addressx
                base = index()
            elif kind == 5:  # base_address
                base = address()
            elif kind == 2:  # startx_endx
                yield index(), index()
            elif kind == 3:  # startx_length
                low = index()
                yield low, low + length()
            elif kind == 4:  # offset_pair
                low = base + length()
                yield low, base + length()
            elif kind == 6:  # start_end
                yield address(), address()
            elif kind == 7:  # start_length
                low = address()
                yield low, low + length()
            else:
                raise ValueError(f"range list entry {kind} is unknown")
            self._ranges.take(at - begin)

    # -- functions ---------------------------------------------------------------------------------

    def subprograms_at(self, unit: Unit, address: int) -> list[Subprogram] | None:
        """The functions of a unit whose code begins at `address`; None when it has no functions.

        All entries are read, one behind the other.
        """
        info = self._section("info")[: unit.end]
        found: list[Subprogram] = []
        has_any, at = False, unit.first
        try:
            while at < unit.end:
                code, at = uleb(info, at)
                if not code:
                    continue
                tag, shape = self._abbreviation(unit.abbreviations, code)
                self._entries.take(1 + len(shape))
                if tag != _SUBPROGRAM:
                    at = self.past(unit, info, at, shape)
                    continue
                attributes, at = self.attributes(unit, info, at, shape)
                both = self._low_high(unit, attributes)
                has_any = has_any or both is not None
                if both and both[0] == address:
                    found.append(self._subprogram(unit, info, attributes, both[1]))
        except BROKEN:
            pass  # what was read holds
        return found if has_any else None

    def past(
        self, unit: Unit, info: Bytes, at: int, shape: tuple[tuple[int, int, int], ...]
    ) -> int:
        for _, form, _ in shape:
            size = form_size(form, unit.word, unit.address)
            at = value_of(form, info, at, unit.word, unit.address)[2] if size is None else at + size
        return at

    def attributes(
        self, unit: Unit, info: Bytes, at: int, shape: tuple[tuple[int, int, int], ...]
    ) -> tuple[_Attributes, int]:
        attributes: _Attributes = {}
        for attribute, form, constant in shape:
            if form == IMPLICIT_CONST:
                attributes[attribute] = form, constant
                continue
            form, value, at = value_of(form, info, at, unit.word, unit.address)
            attributes[attribute] = form, value
        return attributes, at

    def _subprogram(
        self, unit: Unit, info: memoryview, attributes: _Attributes, end: int
    ) -> Subprogram:
        """Names stand where a function is declared, or at the abstract one of inlined copies."""
        names: dict[str, None] = {}
        line = None
        for _ in range(4):
            for attribute in (_LINKAGE_NAME, _MIPS_NAME, _NAME):
                name = self.text(unit, attributes, attribute)
                if name:
                    names[name.decode("utf-8", "replace")] = None
            if line is None and _DECL_LINE in attributes:
                line = attributes[_DECL_LINE][1]
            origin = attributes.get(_SPECIFICATION) or attributes.get(_ORIGIN)
            at = unit.offset + origin[1] if origin else 0
            if not origin or not unit.first <= at < unit.end:
                break  # in another unit
            code, at = uleb(info, at)
            attributes, _ = self.attributes(
                unit, info, at, self._abbreviation(unit.abbreviations, code)[1]
            )
        return Subprogram(tuple(names), end, line)
