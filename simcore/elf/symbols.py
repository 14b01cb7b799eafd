"""The symbol table: names of what is defined, mapping symbols, and where input files begin."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from simcore.elf.image import MAX_NAME_BYTES, MappingSymbol, Symbol, printable
from simcore.elf.segments import ADDRESS_SPACE
from simcore.elf.stream import BudgetError
from simcore.elf.tables import TABLE_READS, NamedHeaders, is_in_file, is_strings

MAX_SYMBOLS: Final = 1 << 16  # a full firmware has under 2^15
#: Elf32_Sym: name, value, size, info, other, section (ELF specification 1.2, figure 1-15).
_SYMBOL: Final = struct.Struct("<3I2BH")
_NO_TYPE, _OBJECT, _FUNCTION, _FILE, _COMMON, _TLS = 0, 1, 2, 4, 5, 6
_GNU_IFUNC: Final = 10
_ARM_TFUNC: Final = 13  # a Thumb function of the pre-EABI tools
_SYMBOL_KINDS: Final = {
    _NO_TYPE: "label", _OBJECT: "object", _COMMON: "object", _TLS: "object",
    _FUNCTION: "function", _GNU_IFUNC: "function", _ARM_TFUNC: "function",
}  # fmt: skip
_LOCAL: Final = 0
_BINDINGS: Final = {1: "global", 2: "weak"}
_NOWHERE, _RESERVED, _ABSOLUTE = 0, 0xFF00, 0xFFF1  # special section indices
#: A symbol and each piece of its name of so many bytes cost a unit of the budget.
_NAME_PIECE: Final = 64
_UNITS: Final = 7


def read_symbols(
    elf: Any, headers: NamedHeaders, file_size: int, warnings: list[str]
) -> tuple[list[Symbol], list[MappingSymbol], list[tuple[int, str]]]:
    """Return the defined symbols in file order, the mapping symbols by address, and where the parts
    of input files begin by address.

    A missing table is no fault (a stripped file); a broken one leaves a warning and no symbols.
    """
    header = next((h for _, h in headers if h["sh_type"] == "SHT_SYMTAB"), None)
    if header is None:
        return [], [], []
    strings = headers[header["sh_link"]][1] if header["sh_link"] < len(headers) else None
    count = header["sh_size"] // _SYMBOL.size
    if count > MAX_SYMBOLS and is_in_file(header, file_size):
        warnings.append(f"{count} symbols are too many (limit {MAX_SYMBOLS}): no names")
        return [], [], []
    try:
        if not (
            strings is not None
            and is_strings(strings, file_size)
            and is_in_file(header, file_size)
            and header["sh_entsize"] == _SYMBOL.size
        ):
            raise ValueError("no symbol table")
        rows = _rows(elf.stream.getvalue(), header, strings, 16 * count + TABLE_READS // 4)
        return _sort_symbols(rows, strings["sh_size"], headers)
    except BudgetError:
        warnings.append("the symbol names are too long in sum: functions have no names")
    except Exception:  # see attempt()
        warnings.append("the symbol table is broken: functions have no names")
    return [], [], []


class _Row(NamedTuple):
    """A symbol as the table has it; pyelftools takes 25 us to say the same of one."""

    name: str
    name_at: int
    value: int
    size: int
    kind: int
    binding: int
    section: int


def _rows(data: bytes, header: Any, strings: Any, budget: int) -> Iterator[_Row]:
    """The symbols of a file's table. Raises BudgetError when names that share one are too long."""
    first = header["sh_offset"]
    for name_at, value, size, info, _, section in _SYMBOL.iter_unpack(
        data[first : first + header["sh_size"]]
    ):
        at = strings["sh_offset"] + name_at
        most = _NAME_PIECE * max(0, budget)
        end = data.find(b"\0", at, at + most)
        if end < 0 and at + most < len(data):
            raise BudgetError
        budget -= _UNITS + (max(end, at) - at) // _NAME_PIECE
        name = data[at:end].decode("utf-8", "replace") if end > at else ""
        yield _Row(name, name_at, value, size, info & 0xF, info >> 4, section)


def _sort_symbols(
    rows: Iterator[_Row], names_bytes: int, headers: NamedHeaders
) -> tuple[list[Symbol], list[MappingSymbol], list[tuple[int, str]]]:
    symbols: list[Symbol] = []
    mapping: list[MappingSymbol] = []
    origins: dict[int, tuple[bool, str]] = {}  # address -> whether a typed symbol says so, file
    file = ""
    for row in rows:
        if row.kind == _FILE:
            file = printable(row.name[:MAX_NAME_BYTES])
            continue
        kind = _SYMBOL_KINDS.get(row.kind)
        index, value, size = row.section, row.value, row.size
        absolute = index == _ABSOLUTE
        is_section = _NOWHERE < index < min(_RESERVED, len(headers))
        if kind is None or not (absolute or is_section):
            continue
        length = min(names_bytes - row.name_at, MAX_NAME_BYTES)
        name = printable(row.name[: max(length, 0)])
        if not name:
            continue
        if file and row.binding == _LOCAL and not absolute:
            typed = kind in ("function", "object")
            at = value & ~1 if kind == "function" else value
            if at not in origins or (typed and not origins[at][0]):
                origins[at] = (typed, file)
        if name[0] == "$" and name[1:2] in ("t", "a", "d") and name[2:3] in ("", "."):
            mapping.append(MappingSymbol(value, name[1]))
            continue
        if kind == "function":
            value &= ~1
        if value + size > ADDRESS_SPACE:
            size = 0
        section = "" if absolute else headers[index][0]
        binding = _BINDINGS.get(row.binding, "local")
        symbols.append(Symbol(name, value, size, kind, section, binding))
    mapping.sort(key=lambda symbol: symbol.address)
    return symbols, mapping, sorted((at, name) for at, (_, name) in origins.items())
