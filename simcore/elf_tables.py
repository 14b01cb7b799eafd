"""The tables of an ELF32 file: bytes -> header, segments, sections, symbols.

Layouts are those of the System V gABI and of "ELF for the Arm Architecture" (Arm IHI 0044). The
tables are read with `struct`, not with a library, because a hostile file must cost bounded time and
memory: every count is checked against the file before anything is allocated, every loop moves
forward, every name is cut at a limit. What the loadable part needs is refused with `ElfError`;
what only names things degrades to nothing and leaves a warning. Nothing here judges the program.

The `ElfError` raised here has no path in it yet; `elf.load_image` puts it in front.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from simcore.errors import ElfError

ADDRESS_SPACE: Final = 1 << 32
MAX_SYMBOLS: Final = 1 << 18  # a full firmware has under 2^15
MAX_SECTIONS: Final = 1 << 16
MAX_NAME_BYTES: Final = 4096  # mangled C++ names stay below
MAX_NAME_BYTES_TOTAL: Final = 1 << 26  # all names of one table: 64 MiB
MAX_DEBUG_SECTION_BYTES: Final = 1 << 26  # a compressed section may grow to 64 MiB

_HEADER: Final = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM_HEADER: Final = struct.Struct("<8I")
_SECTION_HEADER: Final = struct.Struct("<10I")
_SYMBOL: Final = struct.Struct("<IIIBBH")

_EM_ARM: Final = 40
_MACHINES: Final = {
    2: "SPARC", 3: "x86", 4: "m68k", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S/390",
    42: "SuperH", 62: "x86-64", 83: "AVR", 93: "ARC", 94: "Xtensa", 105: "MSP430", 164: "Hexagon",
    183: "AArch64", 243: "RISC-V", 252: "C-SKY", 258: "LoongArch",
}  # fmt: skip
_TYPES: Final = {
    1: "a relocatable file (.o); link it first",
    3: "a shared library or position-independent executable; link it statically at fixed addresses",
    4: "a core dump; give the executable",
}
_OTHER_FORMATS: Final = (
    (b"!<arch>\n", "an archive (.a); link it into an executable"),
    (b":", "an Intel HEX file; give the ELF file it was made from"),
    (b"S0", "an S-record file; give the ELF file it was made from"),
    (b"UF2\n", "a UF2 file; give the ELF file it was made from"),
    (b"#!", "a script"),
)

PT_LOAD: Final = 1
SHT_SYMTAB: Final = 2
SHT_STRTAB: Final = 3
SHT_NOBITS: Final = 8
SHF_WRITE: Final = 1
SHF_ALLOC: Final = 2
SHF_EXECINSTR: Final = 4
SHF_COMPRESSED: Final = 0x800

_STT_KINDS: Final = {
    0: "label", 1: "object", 2: "function", 5: "object", 6: "object",
    10: "function",  # STT_GNU_IFUNC
    13: "function",  # STT_ARM_TFUNC, Thumb function of the pre-EABI tools
}  # fmt: skip
_STB: Final = {0: "local", 1: "global", 2: "weak"}


@dataclass(frozen=True, slots=True)
class Header:
    """What the ELF header says; counts and offsets as in the file."""

    entry: int
    program_offset: int
    program_count: int
    section_offset: int
    section_count: int
    names_index: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One PT_LOAD: `data` is found at `address` after reset, and runs at `run_address`.

    `memory_size` (bytes) may exceed `len(data)`: the rest is RAM at `run_address + len(data)`
    that the program clears itself (.bss).
    """

    address: int
    run_address: int
    data: bytes
    memory_size: int
    executable: bool
    writable: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One section. `load_address` is where hardware finds its bytes after reset."""

    name: str
    address: int
    size: int
    load_address: int
    allocated: bool
    executable: bool
    writable: bool
    has_data: bool = True  # False for SHT_NOBITS (.bss) and for data that lies beyond the file


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol. The Thumb bit of a function's address is cleared; `size` 0 means unknown."""

    name: str
    address: int
    size: int
    kind: str  # "function", "object" or "label"
    section: str  # "" for absolute symbols
    binding: str = "global"  # or "weak", "local"


@dataclass(frozen=True, slots=True)
class RawSection:
    """A section header, its name resolved."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int


@dataclass(frozen=True, slots=True)
class MappingSymbol:
    """$t, $a or $d of Arm IHI 0044: what the bytes from `address` on are."""

    address: int
    kind: str  # "t" Thumb code, "a" Arm code, "d" data


def printable(text: str) -> str:
    """Return `text` with everything that could move a cursor or break a line replaced by '?'."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def text_at(table: bytes | memoryview, offset: int) -> str:
    """Return the NUL-terminated name at `offset`, cut at MAX_NAME_BYTES or the table's end."""
    raw = bytes(table[offset : offset + MAX_NAME_BYTES])
    return printable(raw.partition(b"\0")[0].decode("utf-8", "replace"))


def read_header(data: bytes) -> Header:
    """Return the header of a 32-bit little-endian Arm executable; refuse anything else."""
    if not data:
        raise ElfError("the file is empty; give an ELF executable linked for a Cortex-M")
    if data[:4] != b"\x7fELF":
        for magic, what in _OTHER_FORMATS:
            if data.startswith(magic):
                raise ElfError(f"not an ELF file but {what}")
        raise ElfError("not an ELF file; give an ELF executable linked for a Cortex-M")
    if len(data) < 20:
        raise ElfError(f"truncated: {len(data)} bytes do not hold an ELF header; copy it again")
    if data[5] == 2:
        raise ElfError(
            "a big-endian ELF; mcusim runs little-endian Arm code, build without -mbig-endian"
        )
    machine = int.from_bytes(data[18:20], "little")
    if machine != _EM_ARM:
        name = _MACHINES.get(machine, "another machine")
        raise ElfError(
            f"built for {name} (e_machine {machine}), not for Arm; give a Cortex-M build"
        )
    if data[4] != 1 or data[5] != 1:
        raise ElfError(
            f"not a 32-bit little-endian ELF (class {data[4]}, data encoding {data[5]}); "
            "give a Cortex-M build"
        )
    if len(data) < _HEADER.size:
        raise ElfError(f"truncated: {len(data)} bytes do not hold an ELF header; copy it again")
    (_, kind, _, _, entry, phoff, shoff, flags, _, phentsize, phnum, shentsize, shnum, shstrndx) = (
        _HEADER.unpack_from(data)
    )
    if kind != 2:
        what = _TYPES.get(kind, f"an ELF of type {kind}; give an executable (type 2)")
        raise ElfError(f"not an executable but {what}")
    if flags & 0x00800000:  # EF_ARM_BE8
        raise ElfError(
            "big-endian code (BE8) for a little-endian machine; build without -mbig-endian"
        )
    if phnum and phentsize != _PROGRAM_HEADER.size:
        raise ElfError(f"program headers of {phentsize} bytes instead of 32; link the file again")
    if shnum and shentsize != _SECTION_HEADER.size:
        raise ElfError(f"section headers of {shentsize} bytes instead of 40; link the file again")
    if shoff and shnum == 0 and shoff + _SECTION_HEADER.size <= len(data):
        shnum = _SECTION_HEADER.unpack_from(data, shoff)[5]  # gABI: more than 0xff00 sections
    for table, offset, size in (
        ("program headers", phoff, phnum * _PROGRAM_HEADER.size),
        ("section headers", shoff, shnum * _SECTION_HEADER.size if shoff else 0),
    ):
        if offset + size > len(data):
            raise ElfError(
                f"truncated: the {table} end at byte {offset + size} of {len(data)} in the file; "
                "copy or link it again"
            )
    return Header(entry, phoff, phnum, shoff, shnum if shoff else 0, shstrndx)


def read_sections(data: bytes, header: Header, warnings: list[str]) -> list[RawSection]:
    """Return the section headers with their names; unreadable names become numbers."""
    if header.section_count > MAX_SECTIONS:
        warnings.append(f"{header.section_count} sections are too many (limit {MAX_SECTIONS})")
        return []
    end = header.section_offset + header.section_count * _SECTION_HEADER.size
    rows = list(_SECTION_HEADER.iter_unpack(data[header.section_offset : end]))
    names = b""
    if header.names_index < len(rows):
        _, kind, _, _, offset, size, *_ = rows[header.names_index]
        if kind == SHT_STRTAB and offset + size <= len(data):
            names = data[offset : offset + size]
    if rows and not names:
        warnings.append("the section names cannot be read: debug information is not found")
    known: dict[int, str] = {}
    total = 0
    sections = []
    for index, row in enumerate(rows):
        name, kind, flags, address, offset, size, link, _, _, entry_size = row
        if name not in known:
            known[name] = text_at(names, name) if total < MAX_NAME_BYTES_TOTAL else ""
            total += len(known[name])
        sections.append(
            RawSection(
                known[name] or f"section{index}",
                kind,
                flags,
                address,
                offset,
                size,
                link,
                entry_size,
            )
        )
    return sections


def section_data(data: bytes, section: RawSection) -> memoryview | None:
    """Return the bytes of a section, inflated if compressed; None if the file lacks them."""
    if section.type == SHT_NOBITS or section.offset + section.size > len(data):
        return None
    view = memoryview(data)[section.offset : section.offset + section.size]
    if not section.flags & SHF_COMPRESSED:
        return view
    if len(view) < 12:
        return None
    method, size, _ = struct.unpack_from("<III", view)
    if method != 1 or size > MAX_DEBUG_SECTION_BYTES:  # ELFCOMPRESS_ZLIB
        return None
    try:
        inflated = zlib.decompressobj().decompress(view[12:], size)
    except zlib.error:
        return None
    return memoryview(inflated) if len(inflated) == size else None


def read_segments(data: bytes, header: Header, sections: list[RawSection]) -> list[Segment]:
    """Return the PT_LOAD segments by load address; refuse what cannot be loaded.

    GNU ld maps the ELF header into the first segment when the page has room below the first
    section. A programmer writes sections, never that header, so it is cut off here too.
    """
    end = header.program_offset + header.program_count * _PROGRAM_HEADER.size
    first_section = min(
        (s.offset for s in sections if s.flags & SHF_ALLOC and s.type != SHT_NOBITS and s.size),
        default=0,
    )
    claimed = 0
    loads: list[tuple[int, int, int, int, int, int]] = []
    rows = _PROGRAM_HEADER.iter_unpack(data[header.program_offset : end])
    for index, (kind, offset, run, load, size, memory, flags, _) in enumerate(rows):
        if kind != PT_LOAD or memory == 0:
            continue
        if size > memory:
            raise ElfError(
                f"segment {index} holds {size} bytes for {memory} bytes of memory; link it again"
            )
        if offset + size > len(data):
            raise ElfError(
                f"truncated: segment {index} ends at byte {offset + size} of a file of "
                f"{len(data)} bytes; copy or link it again"
            )
        if load + size > ADDRESS_SPACE or run + memory > ADDRESS_SPACE:
            raise ElfError(
                f"segment {index} at 0x{run:08x} of {memory} bytes ends beyond the 32-bit "
                "address space; check the linker script"
            )
        claimed += size
        if claimed > len(data):
            raise ElfError("the segments claim more bytes than the file has; link it again")
        if offset == 0 and size:
            cut = first_section if first_section < size else size if size <= end else 0
            offset, run, load, size, memory = cut, run + cut, load + cut, size - cut, memory - cut
            if memory == 0:
                continue
        loads.append((load, run, offset, size, memory, flags))
    if not loads:
        raise ElfError("no loadable segment; link it with a linker script for the part")
    loads.sort()
    _refuse_overlap([(load, size) for load, _, _, size, _, _ in loads if size], "load")
    _refuse_overlap(sorted((run, memory) for _, run, _, _, memory, _ in loads), "run")
    return [
        Segment(load, run, data[offset : offset + size], memory, bool(flags & 1), bool(flags & 2))
        for load, run, offset, size, memory, flags in loads
    ]


def _refuse_overlap(ranges: list[tuple[int, int]], which: str) -> None:
    for (first, size), (second, _) in pairwise(ranges):
        if first + size > second:
            raise ElfError(
                f"segments overlap: {which} addresses 0x{first:08x}..0x{first + size:08x} and "
                f"0x{second:08x}; check the linker script (overlays are not supported)"
            )


def name_sections(
    data: bytes, sections: list[RawSection], segments: list[Segment]
) -> list[Section]:
    """Return the named, non-empty sections with the load address that their segment gives them."""
    by_run = sorted((s.run_address, s.address, len(s.data)) for s in segments)
    starts = [run for run, _, _ in by_run]
    result = []
    for raw in sections:
        allocated = bool(raw.flags & SHF_ALLOC)
        if raw.type == 0 or (allocated and raw.address + raw.size > ADDRESS_SPACE):
            continue
        load = raw.address
        has_data = raw.type != SHT_NOBITS and raw.offset + raw.size <= len(data)
        if allocated and has_data:
            run, start, size = by_run[max(bisect_right(starts, raw.address) - 1, 0)]
            if 0 <= raw.address - run < size:
                load = raw.address - run + start
        result.append(
            Section(
                raw.name,
                raw.address,
                raw.size,
                load,
                allocated,
                bool(raw.flags & SHF_EXECINSTR),
                bool(raw.flags & SHF_WRITE),
                has_data,
            )
        )
    return result


def read_symbols(
    data: bytes, sections: list[RawSection], warnings: list[str]
) -> tuple[list[Symbol], list[MappingSymbol]]:
    """Return the defined symbols in file order, and the mapping symbols by address.

    A missing table is no fault (a stripped file); a broken one leaves a warning and no symbols.
    """
    table = next((s for s in sections if s.type == SHT_SYMTAB), None)
    if table is None:
        return [], []
    strings = sections[table.link] if table.link < len(sections) else None
    rows = section_data(data, table)
    names = section_data(data, strings) if strings and strings.type == SHT_STRTAB else None
    if rows is None or names is None or table.entry_size != _SYMBOL.size:
        warnings.append("the symbol table is broken: functions have no names")
        return [], []
    count = len(rows) // _SYMBOL.size
    if count > MAX_SYMBOLS:
        warnings.append(f"{count} symbols are too many (limit {MAX_SYMBOLS}): no names")
        return [], []
    symbols: list[Symbol] = []
    mapping: list[MappingSymbol] = []
    known: dict[int, str] = {}
    total = 0
    for offset, value, size, info, _, index in _SYMBOL.iter_unpack(rows[: count * _SYMBOL.size]):
        kind = _STT_KINDS.get(info & 15)
        absolute = index == 0xFFF1
        if kind is None or not (absolute or 0 < index < len(sections)):
            continue
        name = known.get(offset)
        if name is None:
            name = known[offset] = text_at(names, offset)
            total += len(name)
            if total > MAX_NAME_BYTES_TOTAL:
                warnings.append("the symbol names are too long in sum: functions have no names")
                return [], []
        if not name:
            continue
        if name[0] == "$" and name[1:2] in ("t", "a", "d") and name[2:3] in ("", "."):
            mapping.append(MappingSymbol(value, name[1]))
            continue
        if kind == "function":
            value &= ~1
        if value + size > ADDRESS_SPACE:
            size = 0
        section = "" if absolute else sections[index].name
        symbols.append(Symbol(name, value, size, kind, section, _STB.get(info >> 4, "local")))
    mapping.sort(key=lambda symbol: symbol.address)
    return symbols, mapping
