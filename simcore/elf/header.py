"""ELF header and section headers: refused when the file is none for a Cortex-M.

What the loadable part needs is refused with one line; section names that cannot be read become
numbers with a warning.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from typing import Any, Final

from simcore.elf.image import MAX_NAME_BYTES, Section, Segment, printable
from simcore.elf.segments import ADDRESS_SPACE
from simcore.elf.stream import BoundedStream, Budget, attempt
from simcore.elf.tables import TABLE_READS, NamedHeaders, is_in_file, is_strings
from simcore.errors import ElfError

MAX_SECTIONS: Final = 1 << 13  # a firmware has some dozens; pyelftools takes 20 us for each

#: Bytes; a vector table asks for at most 1024, what is more is broken.
MAX_ALIGNMENT: Final = 1 << 12

_HEADER_BYTES: Final = 52
PROGRAM_HEADER_BYTES: Final = 32
_SECTION_HEADER_BYTES: Final = 40
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECINSTR = 1, 2, 4
_EF_ARM_BE8: Final = 0x00800000

_TYPES: Final = {
    "ET_REL": "a relocatable file (.o); link it first",
    "ET_DYN": "a shared library or position-independent executable; "
    "link it statically at fixed addresses",
    "ET_CORE": "a core dump; give the executable",
}
_OTHER_FORMATS: Final = (
    (b"!<arch>\n", "an archive (.a); link it into an executable"),
    (b"#!", "a script"),
)


def open_elf(data: bytes) -> Any:
    """Return the ELFFile of a 32-bit little-endian Arm executable; refuse anything else."""
    from elftools.elf.elffile import ELFFile

    if not data:
        raise ElfError("the file is empty; give an ELF executable linked for a Cortex-M")
    if data[:4] != b"\x7fELF":
        for magic, what in _OTHER_FORMATS:
            if data.startswith(magic):
                raise ElfError(f"not an ELF file but {what}")
        raise ElfError("not an ELF file; give an ELF executable linked for a Cortex-M")
    truncated = f"truncated: {len(data)} bytes do not hold an ELF header; copy it again"
    if len(data) < _HEADER_BYTES:
        raise ElfError(truncated)
    if data[5] == 2:
        raise ElfError(
            "a big-endian ELF; mcusim runs little-endian Arm code, build without -mbig-endian"
        )
    elf = attempt(lambda: ELFFile(BoundedStream(data, Budget(TABLE_READS))), None)
    if elf is not None and elf["e_machine"] != "EM_ARM":
        name = elf.get_machine_arch().replace("<unknown>", "another machine")
        number = int.from_bytes(data[18:20], "little")
        raise ElfError(f"built for {name} (e_machine {number}), not for Arm; give a Cortex-M build")
    if data[4:6] != b"\1\1":
        raise ElfError(
            f"not a 32-bit little-endian ELF (class {data[4]}, data encoding {data[5]}); "
            "give a Cortex-M build"
        )
    if elf is None:
        raise ElfError(truncated)
    kind = elf["e_type"]
    if kind != "ET_EXEC":
        what = _TYPES.get(kind, f"an ELF of type {kind}; give an executable (type 2)")
        raise ElfError(f"not an executable but {what}")
    if elf["e_flags"] & _EF_ARM_BE8:
        raise ElfError(
            "big-endian code (BE8) for a little-endian machine; build without -mbig-endian"
        )
    _refuse_tables_beyond(elf, len(data))
    return elf


def _refuse_tables_beyond(elf: Any, file_size: int) -> None:
    """Hold e_phnum and e_shnum against the file: pyelftools makes an object for each header."""
    for table, prefix, entry_size in (
        ("program headers", "e_ph", PROGRAM_HEADER_BYTES),
        ("section headers", "e_sh", _SECTION_HEADER_BYTES),
    ):
        offset, count, size = (elf[prefix + name] for name in ("off", "num", "entsize"))
        if count and size != entry_size:
            raise ElfError(f"{table} of {size} bytes instead of {entry_size}; link the file again")
        if prefix == "e_sh":  # more than 0xff00 are counted in the first header, if there is one
            count = attempt(elf.num_sections, 0)
        if count and offset + count * entry_size > file_size:
            raise ElfError(
                f"truncated: the {table} end at byte {offset + count * entry_size} of {file_size} "
                "in the file; copy or link it again"
            )


def read_headers(elf: Any, layout: Any, offset: int, count: int) -> list[Any]:
    """Return headers as they are. ELFFile.iter_segments and iter_sections would make objects of
    them, some of which read other tables, fail where those are broken, or search all sections."""
    elf.stream.budget.left = count * 16  # one for each field
    elf.stream.seek(offset)
    return [layout.parse_stream(elf.stream) for _ in range(count)]


def first_section(headers: NamedHeaders) -> int:
    """Return the file offset of the first byte that a section loads, 0 when there is none."""
    offsets = (
        header["sh_offset"]
        for _, header in headers
        if header["sh_flags"] & _SHF_ALLOC
        and header["sh_type"] != "SHT_NOBITS"
        and header["sh_size"]
    )
    return min(offsets, default=0)


def read_section_headers(elf: Any, file_size: int, warnings: list[str]) -> NamedHeaders:
    """Return the section headers with their names; unreadable names become numbers."""
    from elftools.elf.sections import StringTableSection

    count = attempt(elf.num_sections, 0)
    if count > MAX_SECTIONS:
        warnings.append(f"{count} sections are too many (limit {MAX_SECTIONS})")
        return []
    headers = read_headers(elf, elf.structs.Elf_Shdr, elf["e_shoff"], count)
    index = attempt(elf.get_shstrndx, 0)
    strings = headers[index] if index < count else None
    names = None
    if strings is not None and is_strings(strings, file_size):
        names = attempt(lambda: StringTableSection(strings, "", elf), None)
    if headers and names is None:
        warnings.append("the section names cannot be read: debug information is not found")
    elf.stream.budget.left = TABLE_READS
    return [
        (attempt(partial(_name, names, header["sh_name"]), "") or f"section{number}", header)
        for number, header in enumerate(headers)
    ]


def _name(table: Any, offset: int) -> str:
    """Return a name of a string table. pyelftools reads on to the next NUL of the file."""
    length = min(table["sh_size"] - offset, MAX_NAME_BYTES)
    return printable(table.get_string(offset)[:length]) if length > 0 else ""


def name_sections(
    headers: NamedHeaders, segments: list[Segment], file_size: int
) -> tuple[Section, ...]:
    """Return the named, non-empty sections with the load address that their segment gives them."""
    by_run = sorted((s.run_address, s.address, len(s.data)) for s in segments)
    starts = [run for run, _, _ in by_run]
    result = []
    for name, header in headers:
        address, size, flags = header["sh_addr"], header["sh_size"], header["sh_flags"]
        allocated = bool(flags & _SHF_ALLOC)
        if header["sh_type"] == "SHT_NULL" or (allocated and address + size > ADDRESS_SPACE):
            continue
        load = address
        has_data = is_in_file(header, file_size)
        if allocated and has_data:
            run, start, length = by_run[max(bisect_right(starts, address) - 1, 0)]
            if 0 <= address - run < length:
                load = address - run + start
        executable, writable = bool(flags & _SHF_EXECINSTR), bool(flags & _SHF_WRITE)
        alignment = max(header["sh_addralign"], 1)
        if alignment & (alignment - 1) or alignment > MAX_ALIGNMENT:
            alignment = 1
        result.append(
            Section(name, address, size, load, allocated, executable, writable, has_data, alignment)
        )
    return tuple(result)
