"""Numbers, names and arrays as C text."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Final

_WIDTH: Final = 100
#: C type, struct's letter and the bytes of an element, by a tensor's type.
C_TYPES: Final = {
    "int8": ("int8_t", "b"),
    "uint8": ("uint8_t", "B"),
    "bool": ("uint8_t", "B"),
    "int16": ("int16_t", "h"),
    "int32": ("int32_t", "i"),
    "int64": ("int64_t", "q"),
    "float32": ("float", "f"),
}


def identifier(text: str) -> str:
    """A C identifier that reads as the text does."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return f"_{name}" if name[:1].isdigit() else name


def string(text: str) -> str:
    """A string literal; what is not plain ASCII is written in octal, which cannot run on."""
    plain = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return f'"{plain}"'


def comment(text: str) -> str:
    """Text of the network's file that may stand in a comment."""
    plain = "".join(c if c.isprintable() and c.isascii() else "?" for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *")


def numbers(data: bytes, kind: str) -> tuple[str, list[str]]:
    """C type and literals of little-endian values of a tensor's type.

    Bits of a word each where a float is no number.
    """
    c_type, letter = C_TYPES[kind]
    count = len(data) // struct.calcsize(letter)
    values = struct.unpack(f"<{count}{letter}", data)
    if kind != "float32":
        return c_type, [_integer(value) for value in values]
    if not all(map(math.isfinite, values)):
        return "uint32_t", [f"{bits:#010x}u" for bits in struct.unpack(f"<{count}I", data)]
    return c_type, [f"{value.hex()}f" for value in values]


def _integer(value: int) -> str:
    if value == -(1 << 63):
        return "-9223372036854775807 - 1"
    return str(value)


def rows(values: Sequence[str], indent: str = "    ") -> str:
    """Values with commas between, in lines of the width of the sources."""
    return "\n".join(_lines(values or ["0"], indent))


def _lines(values: Sequence[str], indent: str) -> Iterable[str]:
    line = indent
    for value in values:
        if len(line) + len(value) + 2 > _WIDTH and line != indent:
            yield line.rstrip()
            line = indent
        line += f"{value}, "
    yield line.rstrip()
