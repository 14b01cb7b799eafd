"""How DWARF writes values: LEB128 numbers, forms, unit lengths, abbreviations.

Every reader checks the end of its section and raises IndexError, ValueError or KeyError; section
numbers are those of the DWARF 5 standard.
"""

from __future__ import annotations

from typing import Final

Buffer = bytes | memoryview
Name = tuple[str, int]  # section that holds the text, offset in it

# 7.5.6: size in bytes of the forms of fixed size.
_FIXED_FORMS: Final = {
    0x01: 4, 0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x0C: 1, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8,
    0x19: 0, 0x1C: 4, 0x1E: 16, 0x20: 8, 0x21: 0, 0x24: 8, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4,
    0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4,
}  # fmt: skip
_OFFSET_FORMS: Final = frozenset((0x0E, 0x10, 0x17, 0x1D, 0x1F))  # 4 or 8 bytes by DWARF format
_LEB_FORMS: Final = frozenset((0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23))
_BLOCK_FORMS: Final = {0x0A: 1, 0x03: 2, 0x04: 4}  # DW_FORM_block1, 2, 4
_FORM_STRING, _FORM_STRP, _FORM_LINE_STRP = 0x08, 0x0E, 0x1F
FORM_UDATA, _FORM_BLOCK, _FORM_EXPRLOC, _FORM_IMPLICIT_CONST = 0x0F, 0x09, 0x18, 0x21


def read_uleb128(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """Return an unsigned LEB128 number and the position behind it.

    Raises IndexError at the end of `data`, ValueError beyond ten bytes (more than 64 bits).
    """
    value = data[position]
    position += 1
    if value < 0x80:
        return value, position
    value &= 0x7F
    for shift in range(7, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a LEB128 number is longer than 64 bits")


def number(data: Buffer, at: int, size: int) -> int:
    if not 0 <= size <= 8 or at < 0 or at + size > len(data):
        raise IndexError("a number beyond the section")
    return int.from_bytes(data[at : at + size], "little")


def name_at(data: Buffer, at: int, form: int, word: int, here: str) -> Name:
    """Return where the text of a value lies; `here` names the section that `data` is."""
    if form == _FORM_STRING:
        return here, at
    if form == _FORM_STRP:
        return ".debug_str", number(data, at, word)
    if form == _FORM_LINE_STRP:
        return ".debug_line_str", number(data, at, word)
    raise ValueError("a name in a form that needs other tables")


def unit_length(data: Buffer, at: int) -> tuple[bool, int, int]:
    """Return (64-bit format, unit_length, position behind it) (7.4)."""
    length = number(data, at, 4)
    if length < 0xFFFFFFF0:
        return False, length, at + 4
    if length != 0xFFFFFFFF:
        raise ValueError("a reserved unit length")
    return True, number(data, at + 4, 8), at + 12


def behind_text(data: Buffer, at: int) -> int:
    step = 256
    while at < len(data):
        end = bytes(data[at : at + step]).find(b"\0")
        if end >= 0:
            return at + end + 1
        at += step
    raise IndexError("a text without end")


def skip_form(data: Buffer, at: int, form: int, word: int, address_size: int) -> int:
    """Return the position behind a value (7.5.6)."""
    if form == 0x01:
        return at + address_size
    if form in _FIXED_FORMS:
        return at + _FIXED_FORMS[form]
    if form in _OFFSET_FORMS:
        return at + word
    if form in _LEB_FORMS:
        return read_uleb128(data, at)[1]
    if form == _FORM_STRING:
        return behind_text(data, at)
    if form in (_FORM_BLOCK, _FORM_EXPRLOC):
        size, at = read_uleb128(data, at)
        return at + size
    if form in _BLOCK_FORMS:
        size = number(data, at, _BLOCK_FORMS[form])
        return at + _BLOCK_FORMS[form] + size
    raise ValueError("a form that no standard up to 5 defines")


def abbreviation(
    data: Buffer, at: int, code: int, budget: int
) -> tuple[list[tuple[int, int]], int]:
    """Return the (attribute, form) pairs of abbreviation `code` and the bytes scanned (7.5.3)."""
    start = at
    while True:
        if at - start > budget:
            raise ValueError("the abbreviations take too long to search")
        found, at = read_uleb128(data, at)
        if found == 0:
            raise KeyError(code)
        _, at = read_uleb128(data, at)
        at += 1  # DW_CHILDREN
        pairs: list[tuple[int, int]] = []
        while True:
            name, at = read_uleb128(data, at)
            form, at = read_uleb128(data, at)
            if form == _FORM_IMPLICIT_CONST:
                _, at = read_uleb128(data, at)
            if name == form == 0:
                break
            pairs.append((name, form))
        if found == code:
            return pairs, at - start
