"""An ELF32 little-endian executable with more in it: sections with their segments, and symbols.

What is there keeps its place in the file; new contents and tables stand behind it. The input is an
executable of ours, whose tables are whole.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_HEADER: Final = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM: Final = struct.Struct("<8I")
_SECTION: Final = struct.Struct("<10I")
_SYMBOL: Final = struct.Struct("<IIIBBH")
_PT_LOAD, _PF_W, _PF_R = 1, 2, 4
_SHT_PROGBITS, _SHT_SYMTAB, _SHT_NOBITS = 1, 2, 8
_SHF_WRITE, _SHF_ALLOC = 1, 2
_GLOBAL_OBJECT: Final = 1 << 4 | 1  # STB_GLOBAL, STT_OBJECT


@dataclass(frozen=True, slots=True)
class NewSymbol:
    """A data symbol of ``size`` bytes."""

    name: str
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class NewSection:
    """Memory of its own segment: ``data``, then zeros that are not in the file, ``size`` in all."""

    name: str
    address: int
    size: int
    data: bytes = b""
    writable: bool = False
    symbols: Sequence[NewSymbol] = field(default_factory=tuple)


def extended(elf: bytes, sections: Sequence[NewSection], patches: Mapping[int, bytes]) -> bytes:
    """The executable with these sections; ``patches`` are written over bytes of it, by address."""
    header = list(_HEADER.unpack_from(elf))
    programs = [
        _PROGRAM.unpack_from(elf, header[5] + at * _PROGRAM.size) for at in range(header[10])
    ]
    old = [
        list(_SECTION.unpack_from(elf, header[6] + at * _SECTION.size)) for at in range(header[12])
    ]
    out = bytearray(elf)
    for address, data in patches.items():
        start = _offset_of(programs, address, len(data))
        out[start : start + len(data)] = data
    symtab = next(at for at, row in enumerate(old) if row[1] == _SHT_SYMTAB)
    strtab, names = old[symtab][6], header[13]
    texts = {at: bytearray(_content(elf, old[at])) for at in {strtab, names}}
    symbols = bytearray(_content(elf, old[symtab]))

    for section in sections:
        start = _append(out, section.data)
        flags = _SHF_ALLOC | (_SHF_WRITE if section.writable else 0)
        kind = _SHT_PROGBITS if section.data else _SHT_NOBITS
        size = len(section.data) or section.size
        place = [section.address, start, size, 0, 0, 4, 0]
        name = _text(texts[names], section.name)
        for symbol in section.symbols:
            symbols += _SYMBOL.pack(
                _text(texts[strtab], symbol.name), symbol.address, symbol.size, _GLOBAL_OBJECT, 0,
                len(old),
            )  # fmt: skip
        old.append([name, kind, flags, *place])
        programs.append(
            (
                _PT_LOAD, start, section.address, section.address, len(section.data), section.size,
                _PF_R | (_PF_W if section.writable else 0), 4,
            )
        )  # fmt: skip

    for at, content in [(symtab, symbols), *texts.items()]:
        old[at][4], old[at][5] = _append(out, bytes(content)), len(content)
    header[5], header[10] = (
        _append(out, b"".join(_PROGRAM.pack(*row) for row in programs)),
        len(programs),
    )
    header[6], header[12] = _append(out, b"".join(_SECTION.pack(*row) for row in old)), len(old)
    out[: _HEADER.size] = _HEADER.pack(*header)
    return bytes(out)


def _offset_of(programs: Sequence[tuple[int, ...]], address: int, size: int) -> int:
    for kind, offset, _, load, held, *_ in programs:
        if kind == _PT_LOAD and load <= address and address + size <= load + held:
            return offset + address - load
    raise ValueError(f"{address:#x} is not in the file")


def _content(elf: bytes, row: Sequence[int]) -> bytes:
    return elf[row[4] : row[4] + row[5]]


def _append(out: bytearray, data: bytes) -> int:
    out += bytes(-len(out) % 4)
    out += data
    return len(out) - len(data)


def _text(table: bytearray, text: str) -> int:
    table += text.encode() + b"\0"
    return len(table) - len(text.encode()) - 1
