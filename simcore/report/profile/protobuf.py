"""The wire format of protocol buffers, as far as messages of numbers and texts need it.

Encoding only: protobuf.dev/programming-guides/encoding. A field that is 0 or empty is left out, as
proto3 wants it.
"""

from __future__ import annotations

from collections.abc import Iterable

_VARINT, _BYTES = 0, 2  # wire types


def varint(value: int) -> bytes:
    """A number in base 128, least significant digits first; negative ones as 64-bit."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def number(field: int, value: int) -> bytes:
    """A field of type int64, uint64 or bool."""
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def message(field: int, content: bytes) -> bytes:
    """A field that holds a message; unlike other fields it is there when empty, too."""
    return varint(field << 3 | _BYTES) + varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    """An element of a repeated string field: there when empty, too."""
    return message(field, value.encode("utf-8", "backslashreplace"))


def numbers(field: int, values: Iterable[int]) -> bytes:
    """A repeated field of numbers, packed."""
    return message(field, b"".join(map(varint, values)))
