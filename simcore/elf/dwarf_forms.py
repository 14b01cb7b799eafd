"""Numbers and attribute forms of DWARF (version 5: 7.5.5, 7.6), read within bounds.

Positions are bytes in a section. What is cut off raises IndexError or struct.error, what cannot be
raises ValueError: BROKEN are all of these.
"""

from __future__ import annotations

import struct
from typing import Final

from simcore.elf.image import MAX_NAME_BYTES

Bytes = bytes | memoryview
Shape = tuple[tuple[int, int, int], ...]  # of an abbreviation: attribute, form, constant
BROKEN: Final = (ValueError, IndexError, OverflowError, struct.error)
MAX_LEB_BYTES: Final = 16  # 64 bits need 10; compilers may pad

# Forms by their code in 7.5.6, and those of GNU split DWARF before version 5.
ADDR, STRING, STRP, LINE_STRP, IMPLICIT_CONST = 0x01, 0x08, 0x0E, 0x1F, 0x21
ADDRX: Final = {0x1B: 0, 0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4, 0x1F01: 0}  # 0: ULEB128
STRX: Final = {0x1A: 0, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x1F02: 0}
RNGLISTX: Final = 0x23
_INDIRECT: Final = 0x16
_FIXED: Final = {
    0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x19: 0,
    0x1C: 4, 0x1E: 16, 0x20: 8, 0x21: 0, 0x24: 8,
    0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4,
}  # fmt: skip
_OFFSETS: Final = frozenset((0x0E, 0x17, 0x1D, 0x1F, 0x1F20, 0x1F21))  # sized by the format
_LEB: Final = frozenset((0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23, 0x1F01, 0x1F02))
_BLOCKS: Final = {0x03: 2, 0x04: 4, 0x0A: 1, 0x09: 0, 0x18: 0}  # bytes of the length, 0: ULEB128
_SDATA, _REF_ADDR = 0x0D, 0x10


def uleb(data: Bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift, first = byte & 0x7F, 7, at
    while byte > 0x7F:
        at += 1
        if at - first >= MAX_LEB_BYTES:
            raise ValueError("a number that is too long")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
    return value, at + 1


def sleb(data: Bytes, at: int) -> tuple[int, int]:
    """A signed LEB128 number, and where it ends."""
    value, end = uleb(data, at)
    bits = 7 * (end - at)
    return value - (1 << bits) if data[end - 1] & 0x40 else value, end


def number(data: Bytes, at: int, size: int) -> tuple[int, int]:
    """An unsigned number of so many bytes, and where it ends."""
    if at < 0 or at + size > len(data):
        raise IndexError("behind the end")
    return int.from_bytes(data[at : at + size], "little"), at + size


def initial_length(data: Bytes, at: int) -> tuple[int, int, int]:
    """The bytes that follow, those of an offset (4, or 8 in the 64-bit format), and the end."""
    length, at = number(data, at, 4)
    if length < 0xFFFFFFF0:
        return length, 4, at
    if length != 0xFFFFFFFF:
        raise ValueError("a length that is reserved")
    length, at = number(data, at, 8)
    return length, 8, at


def shape_at(data: Bytes, at: int) -> tuple[Shape, int]:
    """Attributes of an abbreviation (7.5.3): (name, form, constant) of each; and their end."""
    shape: list[tuple[int, int, int]] = []
    while True:
        attribute, at = uleb(data, at)
        form, at = uleb(data, at)
        constant = 0
        if form == IMPLICIT_CONST:
            constant, at = sleb(data, at)
        if not (attribute or form):
            return tuple(shape), at
        shape.append((attribute, form, constant))


def text_at(data: Bytes, at: int) -> bytes:
    """The string that begins there, without its end; cut off where no name is as long."""
    if not 0 <= at < len(data):
        raise IndexError("behind the end")
    return bytes(data[at : at + MAX_NAME_BYTES]).split(b"\0", 1)[0]


def past_string(data: Bytes, at: int) -> int:
    """Where the next thing begins behind a string."""
    size = 64
    while True:
        piece = bytes(data[at : at + size])
        found = piece.find(b"\0")
        if found >= 0:
            return at + found + 1
        if len(piece) < size:
            raise IndexError("a string without end")
        at += size
        size = 4096


def form_size(form: int, word: int, address: int) -> int | None:
    """The bytes that a form takes, None where its value says that. Raises ValueError.

    `word` are the bytes of an offset, `address` those of an address.
    """
    size = _FIXED.get(form)
    if size is not None:
        return size
    if form in _OFFSETS or form == _REF_ADDR:
        return word
    if form == ADDR:
        return address
    if form in _LEB or form in _BLOCKS or form in (STRING, _INDIRECT):
        return None
    raise ValueError(f"form {form:#x} is unknown")


def value_of(form: int, data: Bytes, at: int, word: int, address: int) -> tuple[int, int, int]:
    """Form, value and end of an attribute: a number, or where a string or block begins."""
    while form == _INDIRECT:
        form, at = uleb(data, at)
        if form == _INDIRECT:
            raise ValueError("an indirect form that is indirect")
    size = form_size(form, word, address)
    if size is not None:
        if size > 8:
            return form, at, at + size
        value, at = number(data, at, size)
        return form, value, at
    if form in _LEB:
        value, at = (sleb if form == _SDATA else uleb)(data, at)
        return form, value, at
    if form == STRING:
        return form, at, past_string(data, at)
    length = _BLOCKS[form]
    size, at = number(data, at, length) if length else uleb(data, at)
    if at + size > len(data):
        raise IndexError("behind the end")
    return form, at, at + size
