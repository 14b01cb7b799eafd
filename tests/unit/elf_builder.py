"""A builder of small ELF32 Arm executables for tests: sections, segments, symbols, line tables.

Everything is laid out in the order it was added: ELF header, program headers, section bytes,
section headers. What a test wants wrong is patched afterwards through the offsets in `Built`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

HEADER_BYTES, PROGRAM_HEADER_BYTES, SECTION_HEADER_BYTES, SYMBOL_BYTES = 52, 32, 40, 16
WRITE, ALLOC, EXEC, COMPRESSED = 1, 2, 4, 0x800
PROGBITS, SYMTAB, STRTAB, NOTE, NOBITS, ARM_ATTRIBUTES = 1, 2, 3, 7, 8, 0x70000003
NOTYPE, OBJECT, FUNC, FILE = 0, 1, 2, 4
LOCAL, GLOBAL, WEAK = 0, 1, 2
ABSOLUTE = 0xFFF1

FLASH = 0x08000000
RAM = 0x20000000
NOP, BX_LR = b"\x00\xbf", b"\x70\x47"  # thumb NOP (T1) and BX LR
CODE = b"\x01\x30" + BX_LR  # adds r0, #1; bx lr


@dataclass
class BuiltSection:
    name: str
    data: bytes
    address: int = 0
    flags: int = 0
    type: int = PROGBITS
    size: int | None = None  # of NOBITS
    load_address: int | None = None
    link: int = 0
    entry_size: int = 0
    segment: bool | None = None  # None: a PT_LOAD when allocated

    @property
    def has_segment(self) -> bool:
        return bool(self.flags & ALLOC) if self.segment is None else self.segment


@dataclass
class Built:
    """The bytes of a file and where its tables are."""

    data: bytes
    section_headers: int
    names: list[str]
    offsets: list[int]  # file offset of each section's bytes

    def section_header(self, name: str, field_index: int) -> int:
        """Return the file offset of a field of a section header (0 name, 1 type, 2 flags ...)."""
        index = self.names.index(name)
        return self.section_headers + index * SECTION_HEADER_BYTES + 4 * field_index

    def offset(self, name: str) -> int:
        return self.offsets[self.names.index(name)]

    def patched(self, *patches: tuple[int, str, int]) -> bytes:
        """Return the bytes with (offset, struct format, value) written over them."""
        data = bytearray(self.data)
        for offset, layout, value in patches:
            struct.pack_into(layout, data, offset, value)
        return bytes(data)


@dataclass
class ElfBuilder:
    entry: int = FLASH + 9
    kind: int = 2
    machine: int = 40
    elf_class: int = 1
    encoding: int = 1
    flags: int = 0x05000400  # EABI 5, hard float
    sections: list[BuiltSection] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int, int, int]] = field(default_factory=list)
    symbol_table: bool = True

    def section(
        self,
        name: str,
        data: bytes = b"",
        address: int = 0,
        flags: int = 0,
        *,
        type: int = PROGBITS,
        size: int | None = None,
        load_address: int | None = None,
        link: int = 0,
        entry_size: int = 0,
        segment: bool | None = None,
    ) -> int:
        """Add a section, see BuiltSection, and return its index."""
        self.sections.append(
            BuiltSection(
                name, data, address, flags, type, size, load_address, link, entry_size, segment
            )
        )
        return len(self.sections)

    def text(self, data: bytes, address: int = FLASH, name: str = ".text") -> int:
        return self.section(name, data, address, ALLOC | EXEC)

    def vectors(self, reset: int, stack: int = RAM + 0x10000, address: int = FLASH) -> int:
        return self.section(".isr_vector", struct.pack("<II", stack, reset), address, ALLOC)

    def symbol(
        self,
        name: str,
        address: int,
        size: int = 0,
        kind: int = FUNC,
        binding: int = GLOBAL,
        section: int = 1,
    ) -> None:
        """Add a symbol. `section` is an index as `section()` returned it, or ABSOLUTE."""
        self.symbols.append((name, address, size, kind, binding, section))

    def mapping(self, kind: str, address: int, section: int = 1) -> None:
        self.symbol(f"${kind}", address, 0, NOTYPE, LOCAL, section)

    def build(self) -> Built:
        sections = [BuiltSection("", b"", type=0, segment=False), *self.sections]
        if self.symbol_table:
            strings, table = bytearray(b"\0"), bytearray(SYMBOL_BYTES)
            for name, address, size, kind, binding, index in self.symbols:
                table += struct.pack(
                    "<IIIBBH", len(strings), address, size, binding << 4 | kind, 0, index
                )
                strings += name.encode("utf-8", "surrogateescape") + b"\0"
            link = len(sections) + 1
            sections.append(
                BuiltSection(
                    ".symtab", bytes(table), type=SYMTAB, link=link, entry_size=SYMBOL_BYTES
                )
            )
            sections.append(BuiltSection(".strtab", bytes(strings), type=STRTAB))
        sections.append(BuiltSection(".shstrtab", b"", type=STRTAB))
        names = bytearray()
        name_offsets = []
        for section in sections:
            name_offsets.append(len(names))
            names += section.name.encode() + b"\0"
        sections[-1].data = bytes(names)

        loaded = sum(section.has_segment for section in sections)
        position = HEADER_BYTES + PROGRAM_HEADER_BYTES * loaded
        offsets, body = [], bytearray()
        for section in sections:
            offsets.append(position + len(body))
            body += section.data + bytes(-len(section.data) % 4)
        section_headers = position + len(body)

        header = struct.pack(
            "<4sBBBB8xHHIIIIIHHHHHH",
            b"\x7fELF", self.elf_class, self.encoding, 1, 0, self.kind, self.machine, 1, self.entry,
            HEADER_BYTES, section_headers, self.flags, HEADER_BYTES, PROGRAM_HEADER_BYTES,
            loaded, SECTION_HEADER_BYTES, len(sections), len(sections) - 1,
        )  # fmt: skip
        programs, tables = bytearray(), bytearray()
        for section, name_offset, offset in zip(sections, name_offsets, offsets, strict=True):
            size = len(section.data) if section.size is None else section.size
            if section.has_segment:
                load = section.address if section.load_address is None else section.load_address
                flags = 4 | bool(section.flags & EXEC) | 2 * bool(section.flags & WRITE)
                programs += struct.pack(
                    "<8I", 1, offset, section.address, load, len(section.data), size, flags, 4
                )
            tables += struct.pack(
                "<10I", name_offset, section.type, section.flags, section.address, offset, size,
                section.link, 0, 4, section.entry_size,
            )  # fmt: skip
        data = header + bytes(programs) + bytes(body) + bytes(tables)
        return Built(data, section_headers, [s.name for s in sections], offsets)


def runnable() -> ElfBuilder:
    """A vector table and one function `main` of four bytes in flash."""
    builder = ElfBuilder()
    builder.vectors(reset=FLASH + 9)
    index = builder.text(CODE, FLASH + 8)
    builder.mapping("t", FLASH + 8, index)
    builder.symbol("main", FLASH + 9, len(CODE), section=index)
    return builder


def attributes(profile: str, architecture: int = 13) -> bytes:
    """.ARM.attributes with a CPU name, an architecture and an architecture profile."""
    tags = b"\x05cortex\0" + bytes((6, architecture, 7, ord(profile)))
    file_scope = b"\x01" + struct.pack("<I", 5 + len(tags)) + tags
    vendor = b"aeabi\0" + file_scope
    return b"A" + struct.pack("<I", 4 + len(vendor)) + vendor


def uleb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def sleb(value: int) -> bytes:
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value & 0x7F))


LINE_BASE, LINE_RANGE, OPCODE_BASE, MINIMUM_LENGTH = -5, 14, 13, 2
_OPCODE_LENGTHS = bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1))


def special(address_bytes: int, lines: int) -> bytes:
    """The special opcode that advances by so many bytes and lines (DWARF 5, 6.2.5.1)."""
    steps = address_bytes // MINIMUM_LENGTH
    return bytes(((lines - LINE_BASE) + LINE_RANGE * steps + OPCODE_BASE,))


def set_address(address: int) -> bytes:
    return b"\0\x05\x02" + struct.pack("<I", address)


END_SEQUENCE = b"\0\x01\x01"


def line_unit(version: int, names: bytes, program: bytes) -> bytes:
    """One unit of .debug_line: header (6.2.4) with the given directory and file tables, program."""
    tail = bytes((MINIMUM_LENGTH,))
    if version >= 4:
        tail += b"\1"  # maximum_operations_per_instruction
    tail += struct.pack("<BbBB", 1, LINE_BASE, LINE_RANGE, OPCODE_BASE) + _OPCODE_LENGTHS + names
    body = struct.pack("<H", version) + (b"\4\0" if version >= 5 else b"")
    body += struct.pack("<I", len(tail)) + tail + program
    return struct.pack("<I", len(body)) + body


def line_units(
    *line_offsets: int, version: int = 4, directory: str = "", wide: bool = False
) -> dict[str, bytes]:
    """.debug_info with a compile unit for each line table, and the sections that it needs.

    `wide` is the 64-bit format. Without `directory` a unit has no DW_AT_comp_dir.
    """
    # 1 is another abbreviation; 2 has name (strp), an implicit constant, stmt_list (sec_offset);
    # 3 has comp_dir (string) too.
    abbrev = b"\1\x24\0\x03\x08\0\0" + b"".join(
        bytes((code,)) + b"\x11\0\x03\x0e\x13\x21\x0c" + more + b"\x10\x17\0\0"
        for code, more in ((2, b""), (3, b"\x1b\x08"))
    ) + b"\0"  # fmt: skip
    word = "<Q" if wide else "<I"
    info = b""
    for offset in line_offsets:
        zero = struct.pack(word, 0)
        body = struct.pack("<H", version) + (b"\1\4" + zero if version >= 5 else zero + b"\4")
        body += (b"\3" if directory else b"\2") + zero
        body += (directory.encode() + b"\0" if directory else b"") + struct.pack(word, offset)
        info += (b"\xff\xff\xff\xff" if wide else b"") + struct.pack(word, len(body)) + body
    return {"debug_info": info, "debug_abbrev": abbrev, "debug_str": b"unit.c\0"}


def address_ranges(unit: int, *ranges: tuple[int, int]) -> bytes:
    """One set of .debug_aranges (6.1.2): (start, size) of the unit's code."""
    body = struct.pack("<HIBB4x", 2, unit, 4, 0)
    for start, size in (*ranges, (0, 0)):
        body += struct.pack("<II", start, size)
    return struct.pack("<I", len(body)) + body
