"""The symbol table: names of what is defined, mapping symbols, and where input files begin."""

from __future__ import annotations

from typing import Any, Final

from simcore.elf.image import MAX_NAME_BYTES, MappingSymbol, Symbol, printable
from simcore.elf.segments import ADDRESS_SPACE
from simcore.elf.stream import BudgetError
from simcore.elf.tables import TABLE_READS, NamedHeaders, is_in_file, is_strings

MAX_SYMBOLS: Final = 1 << 16  # a full firmware has under 2^15; pyelftools takes 25 us for each
_SYMBOL_BYTES: Final = 16
_SYMBOL_KINDS: Final = {
    "STT_NOTYPE": "label", "STT_OBJECT": "object", "STT_COMMON": "object", "STT_TLS": "object",
    "STT_FUNC": "function",
    "STT_LOOS": "function",  # STT_GNU_IFUNC
    "STT_LOPROC": "function",  # STT_ARM_TFUNC, Thumb function of the pre-EABI tools
}  # fmt: skip
_BINDINGS: Final = {"STB_GLOBAL": "global", "STB_WEAK": "weak"}


def read_symbols(
    elf: Any, headers: NamedHeaders, file_size: int, warnings: list[str]
) -> tuple[list[Symbol], list[MappingSymbol], list[tuple[int, str]]]:
    """Return the defined symbols in file order, the mapping symbols by address, and where the parts
    of input files begin by address.

    A missing table is no fault (a stripped file); a broken one leaves a warning and no symbols.
    """
    from elftools.elf.sections import StringTableSection, SymbolTableSection

    header = next((h for _, h in headers if h["sh_type"] == "SHT_SYMTAB"), None)
    if header is None:
        return [], [], []
    strings = headers[header["sh_link"]][1] if header["sh_link"] < len(headers) else None
    count = header["sh_size"] // _SYMBOL_BYTES
    if count > MAX_SYMBOLS and is_in_file(header, file_size):
        warnings.append(f"{count} symbols are too many (limit {MAX_SYMBOLS}): no names")
        return [], [], []
    try:
        if not (
            strings is not None
            and is_strings(strings, file_size)
            and is_in_file(header, file_size)
            and header["sh_entsize"] == _SYMBOL_BYTES
        ):
            raise ValueError("no symbol table")
        # Names may share one endless string; each 64 bytes of a name are a read.
        elf.stream.budget.left = 16 * count + TABLE_READS // 4
        names = StringTableSection(strings, "", elf)
        return _sort_symbols(SymbolTableSection(header, "", elf, names), headers)
    except BudgetError:
        warnings.append("the symbol names are too long in sum: functions have no names")
    except Exception:  # see attempt()
        warnings.append("the symbol table is broken: functions have no names")
    return [], [], []


def _sort_symbols(
    table: Any, headers: NamedHeaders
) -> tuple[list[Symbol], list[MappingSymbol], list[tuple[int, str]]]:
    symbols: list[Symbol] = []
    mapping: list[MappingSymbol] = []
    origins: dict[int, tuple[bool, str]] = {}  # address -> whether a typed symbol says so, file
    file = ""
    for entry in table.iter_symbols():
        if entry["st_info"]["type"] == "STT_FILE":
            file = printable(entry.name[:MAX_NAME_BYTES])
            continue
        kind = _SYMBOL_KINDS.get(entry["st_info"]["type"])
        index, value, size = entry["st_shndx"], entry["st_value"], entry["st_size"]
        absolute = index == "SHN_ABS"
        if kind is None or not (absolute or (isinstance(index, int) and index < len(headers))):
            continue
        length = min(table.stringtable["sh_size"] - entry["st_name"], MAX_NAME_BYTES)
        name = printable(entry.name[: max(length, 0)])
        if not name:
            continue
        if file and entry["st_info"]["bind"] == "STB_LOCAL" and not absolute:
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
        binding = _BINDINGS.get(entry["st_info"]["bind"], "local")
        symbols.append(Symbol(name, value, size, kind, section, binding))
    mapping.sort(key=lambda symbol: symbol.address)
    return symbols, mapping, sorted((at, name) for at, (_, name) in origins.items())
