"""ELF -> Image: reads an executable with pyelftools and refuses what cannot run on a Cortex-M.

Programs in other files have binary.py, names from a second file naming.py.

What the loadable part needs is refused with one line; what only names things (symbols, lines,
notes) is left out with a warning. Only this package imports elftools, and does so when a file is
loaded. A hostile file must cost bounded time and memory: pyelftools reads from a
BoundedStream, and counts and sizes are held against the file before they are used.
"""

from __future__ import annotations

import hashlib
import os
import stat
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from simcore.elf.binary import Binary, read_binary
from simcore.elf.functions import CodeMap, arm_state_code, build_functions, code_sections
from simcore.elf.image import (
    MAX_NAME_BYTES,
    Function,
    Image,
    Section,
    Segment,
    Symbol,
    printable,
)
from simcore.elf.lines import LineTable
from simcore.elf.names import with_names
from simcore.elf.naming import named
from simcore.elf.notes import (
    form_names,
    open_dwarf,
    read_attributes,
    read_build_id,
    read_compiler,
    refuse_other_profiles,
)
from simcore.elf.segments import ADDRESS_SPACE, load_segments
from simcore.elf.start import boot_image_entry, find_vector_table, thumb_entry, vector_table_at
from simcore.elf.stream import BoundedStream, Budget, attempt
from simcore.elf.symbols import read_symbols
from simcore.elf.tables import TABLE_READS, NamedHeaders, is_in_file, is_strings
from simcore.errors import ElfError

__all__ = ["Function", "Image", "Section", "Segment", "Symbol", "load_image", "vector_table_at"]

MAX_FILE_BYTES: Final = 1 << 28  # 256 MiB; an image with debug information is a few MiB
MAX_SECTIONS: Final = 1 << 13  # a firmware has some dozens; pyelftools takes 20 us for each

_HEADER_BYTES: Final = 52
_PROGRAM_HEADER_BYTES: Final = 32
_SECTION_HEADER_BYTES: Final = 40
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECINSTR, _SHF_COMPRESSED = 1, 2, 4, 0x800
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


def load_image(
    path: str | os.PathLike[str],
    symbols: Iterable[str | os.PathLike[str]] = (),
    demangle: bool = True,
) -> Image:
    """Read a bare-metal ELF32 little-endian Arm executable, or one in Intel HEX, S-records or UF2.

    ``symbols`` are ELF files whose names it has, too; without ``demangle`` names are those of the
    symbol table. Raises ElfError, one line with the path, when a file cannot be read or cannot run.
    """
    names = [(os.fspath(file), load_bytes(file)) for file in symbols]
    return image_of_bytes(os.fspath(path), load_bytes(path), names, demangle)


def load_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of an executable's file. Raises ElfError, one line with the path."""
    try:
        return _read_file(path)
    except ElfError as error:
        raise ElfError(f"{printable(os.fspath(path))}: {error}") from None


def image_of_bytes(
    path: str, data: bytes, symbols: Iterable[tuple[str, bytes]] = (), demangle: bool = True
) -> Image:
    """As `load_image`, of the bytes of files with their names."""
    program = _image_of_file(path, data)
    others = [_image_of_file(*file) for file in symbols]
    for other in others:
        if not other.symbols:
            raise ElfError(f"{other.path}: has no names for --symbols; give the ELF with them")
    if not others:
        return _with_own_names(program, demangle)
    image = named(program, others)
    if image.vector_table is None:
        image = _started(image, image.entry, set())
    return with_names(image, demangle)


def _image_of_file(path: str, data: bytes) -> Image:
    shown = printable(path)
    try:
        return _judge(shown, data)
    except ElfError as error:
        raise ElfError(f"{shown}: {error}") from None


@lru_cache(maxsize=4)  # as _judge, whose images these are
def _with_own_names(program: Image, demangle: bool) -> Image:
    return with_names(program, demangle)


def _read_file(path: str | os.PathLike[str]) -> bytes:
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise ElfError("is a directory; give the ELF file itself")
        if not stat.S_ISREG(status.st_mode):
            raise ElfError("is not a regular file; copy it to one first")
        if status.st_size > MAX_FILE_BYTES:
            raise ElfError(
                f"{status.st_size} bytes are too large (limit {MAX_FILE_BYTES}); strip it"
            )
        with Path(path).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ElfError("no such file; check the path") from None
    except PermissionError:
        raise ElfError("permission denied; make it readable") from None
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ElfError(f"cannot be read: {reason}; check the path") from None


# An Image does not change, and what it decodes when asked, such as lines, costs more than to read
# it: a process that runs a program several times keeps it.
@lru_cache(maxsize=4)
def _judge(path: str, data: bytes) -> Image:
    binary = read_binary(data)
    return _judge_elf(path, data) if binary is None else _judge_binary(path, data, binary)


def _judge_binary(path: str, data: bytes, binary: Binary) -> Image:
    """The image of bytes without names."""
    segments = binary.segments()
    code = code_sections((), segments)
    bare = Image(path, hashlib.sha256(data).hexdigest(), None, None, binary.entry, tuple(segments))
    functions = build_functions(code, (), CodeMap((), code), bare.read)
    return _started(replace(bare, functions=tuple(functions)), binary.entry, {binary.entry})


def _started(image: Image, entry: int, thumb: set[int]) -> Image:
    """The image with where it starts; `thumb` are addresses that are known to be Thumb code."""
    table, no_start = None, None
    try:
        table = find_vector_table(image)
        if table is None:
            entry = boot_image_entry(image) or thumb_entry(image, entry, thumb)
    except ElfError as error:
        no_start = str(error)
    vector_table, initial_sp, reset = table or (None, None, None)
    return replace(
        image,
        entry=entry,
        vector_table=vector_table,
        initial_sp=initial_sp,
        reset=reset,
        no_start=no_start,
    )


def _judge_elf(path: str, data: bytes) -> Image:
    elf = _open(data)
    warnings: list[str] = []
    headers = _read_section_headers(elf, len(data), warnings)
    refuse_other_profiles(read_attributes(elf, headers), warnings)
    programs = _table(elf, elf.structs.Elf_Phdr, elf["e_phoff"], elf["e_phnum"])
    header_end = elf["e_phoff"] + elf["e_phnum"] * _PROGRAM_HEADER_BYTES
    segments = load_segments(programs, data, header_end, _first_section(headers))
    sections = _name_sections(headers, segments, len(data))
    symbols, mapping, origins = read_symbols(elf, headers, len(data), warnings)
    code = code_sections(sections, segments)
    code_map = CodeMap(mapping, code)
    arm_state = arm_state_code(code, code_map)
    if arm_state is not None:
        raise ElfError(
            f"Arm-state code at 0x{arm_state:08x}; a Cortex-M runs Thumb only, use -mthumb"
        )
    # The bare image answers read() and symbol() for the questions below.
    bare = Image(path, "", None, None, elf["e_entry"], tuple(segments), sections, tuple(symbols))
    functions = build_functions(code, symbols, code_map, bare.read)
    image = replace(
        _started(bare, bare.entry, {s.address for s in mapping if s.kind == "t"}),
        sha256=hashlib.sha256(data).hexdigest(),
        build_id=read_build_id(elf, headers),
        compiler=read_compiler(elf, headers, len(data)),
        functions=tuple(functions),
        warnings=tuple(warnings),
        origins=tuple(origins),
    )
    image.lines = LineTable(
        lambda: open_dwarf(elf, headers, len(data)), form_names, image.is_code
    ).line_at
    return image


# -- header and segments: refused when broken -----------------------------------------------------


def _open(data: bytes) -> Any:
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
        ("program headers", "e_ph", _PROGRAM_HEADER_BYTES),
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


def _table(elf: Any, layout: Any, offset: int, count: int) -> list[Any]:
    """Return headers as they are. ELFFile.iter_segments and iter_sections would make objects of
    them, some of which read other tables, fail where those are broken, or search all sections."""
    elf.stream.budget.left = count * 16  # one for each field
    elf.stream.seek(offset)
    return [layout.parse_stream(elf.stream) for _ in range(count)]


def _first_section(headers: NamedHeaders) -> int:
    """Return the file offset of the first byte that a section loads, 0 when there is none."""
    offsets = (
        header["sh_offset"]
        for _, header in headers
        if header["sh_flags"] & _SHF_ALLOC
        and header["sh_type"] != "SHT_NOBITS"
        and header["sh_size"]
    )
    return min(offsets, default=0)


# -- sections and symbols: left out with a warning when broken ------------------------------------


def _read_section_headers(elf: Any, file_size: int, warnings: list[str]) -> NamedHeaders:
    """Return the section headers with their names; unreadable names become numbers."""
    from elftools.elf.sections import StringTableSection

    count = attempt(elf.num_sections, 0)
    if count > MAX_SECTIONS:
        warnings.append(f"{count} sections are too many (limit {MAX_SECTIONS})")
        return []
    headers = _table(elf, elf.structs.Elf_Shdr, elf["e_shoff"], count)
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


def _name_sections(
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
        result.append(Section(name, address, size, load, allocated, executable, writable, has_data))
    return tuple(result)
