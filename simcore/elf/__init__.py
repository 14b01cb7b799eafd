"""ELF -> Image: reads an executable with pyelftools and refuses what cannot run on a Cortex-M.

The header is header.py's. Programs in other files have binary.py, names from a second file
naming.py, debug information of its own file debug_files.py.

What the loadable part needs is refused with one line; what only names things (symbols, lines,
notes) is left out with a warning. Only this package imports elftools, and does so when a file is
loaded. A hostile file must cost bounded time and memory: pyelftools reads from a
BoundedStream (stream.py), and counts and sizes are held against the file before they are used.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from simcore.elf.binary import Binary, read_binary
from simcore.elf.debug_files import candidates, is_debug_only, read_debug_link
from simcore.elf.debug_files import debug_file as find_debug_file
from simcore.elf.debug_sections import DebugSections
from simcore.elf.functions import CodeMap, arm_state_code, build_functions, code_sections
from simcore.elf.header import (
    PROGRAM_HEADER_BYTES,
    first_section,
    name_sections,
    open_elf,
    read_headers,
    read_section_headers,
)
from simcore.elf.image import (
    Function,
    Image,
    Section,
    Segment,
    Symbol,
    printable,
)
from simcore.elf.inlines import InlineTable
from simcore.elf.lines import LineTable
from simcore.elf.names import with_names
from simcore.elf.naming import named
from simcore.elf.notes import (
    read_attributes,
    read_build_id,
    read_compiler,
    refuse_other_profiles,
)
from simcore.elf.segments import load_segments
from simcore.elf.start import boot_image_entry, find_vector_table, thumb_entry, vector_table_at
from simcore.elf.structs import struct_reader
from simcore.elf.symbols import read_symbols
from simcore.elf.tables import NamedHeaders
from simcore.errors import ElfError
from simcore.files import is_folder, read_regular

__all__ = [
    "Function",
    "Image",
    "ProgramFiles",
    "Section",
    "Segment",
    "Symbol",
    "debug_places",
    "image_of_files",
    "load_files",
    "load_image",
    "vector_table_at",
]

MAX_FILE_BYTES: Final = 1 << 28  # 256 MiB; an image with debug information is a few MiB
_STRIPPED: Final = (
    "no symbols (stripped): rows are sections; --symbols FILE.elf with the program before it was"
    " stripped, or --debug-file FILE, brings functions and lines"
)


def load_image(
    path: str | os.PathLike[str],
    symbols: Iterable[str | os.PathLike[str]] = (),
    debug_file: str | os.PathLike[str] | None = None,
    debug_dir: str | None = None,
    demangle: bool = True,
) -> Image:
    """Read a bare-metal ELF32 little-endian Arm executable, or one in Intel HEX, S-records or UF2.

    Without ``demangle`` names are those of the symbol table; the other arguments are those of
    `load_files`. Raises ElfError, one line with the path, when
    a file cannot be read or cannot run.
    """
    return image_of_files(load_files(path, symbols, debug_file, debug_dir), demangle)


class ProgramFiles(NamedTuple):
    """The bytes of a program and of the files that name what it has, and what to say of them."""

    path: str
    data: bytes
    names: tuple[tuple[str, bytes], ...] = ()
    warnings: tuple[str, ...] = ()


def load_files(
    path: str | os.PathLike[str],
    symbols: Iterable[str | os.PathLike[str]] = (),
    debug_file: str | os.PathLike[str] | None = None,
    debug_dir: str | None = None,
) -> ProgramFiles:
    """Read a program and the files with its names.

    ``symbols`` are ELF files whose names it has, too, ``debug_file`` one with debug information
    only. A program without debug information has that of a separate file when one is found, see
    debug_files.py, also in the debug directory ``debug_dir``. Raises ElfError.
    """
    told, data = os.fspath(path), load_bytes(path)
    if debug_dir is not None and not is_folder(debug_dir):
        raise ElfError(f"{printable(debug_dir)}: no such folder; check --debug-dir")
    files = [*symbols, *(() if debug_file is None else (debug_file,))]
    names = [(os.fspath(file), load_bytes(file)) for file in files]
    image = _image_of_file(told, data)
    if image.lines is not None or debug_file is not None:
        return ProgramFiles(told, data, tuple(names))
    found, said = find_debug_file(image, debug_dir, load_bytes, _build_id)
    return ProgramFiles(told, data, (*names, *((found,) if found else ())), said)


def debug_places(path: str, debug_dir: str | None = None) -> tuple[str, ...]:
    """The files that `load_files` would take a program's debug information from, if they are there.

    None of a program that has its own. Raises ElfError.
    """
    image = _image_of_file(path, load_bytes(path))
    return () if image.lines is not None else tuple(map(str, candidates(image, debug_dir)))


def load_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of an executable's file. Raises ElfError, one line with the path."""
    try:
        return _read_file(path)
    except ElfError as error:
        raise ElfError(f"{printable(os.fspath(path))}: {error}") from None


def image_of_files(files: ProgramFiles, demangle: bool = True) -> Image:
    """As `load_image`, of the bytes of files with their names."""
    program = _image_of_file(files.path, files.data)
    others = [_image_of_file(*file, program) for file in files.names]
    for other in others:
        if not other.symbols and other.lines is None:
            raise ElfError(f"{other.path}: has no names for --symbols; give the ELF with them")
    image = program
    if others:
        image = named(program, others)
        if image.vector_table is None:
            image = _started(image, image.entry, set())
    said = files.warnings
    if program.is_stripped and not image.symbols:
        said = (*said, _STRIPPED)
    image = with_names(image, demangle) if others else _with_own_names(image, demangle)
    return replace(image, warnings=(*image.warnings, *said)) if said else image


def _image_of_file(path: str, data: bytes, program: Image | None = None) -> Image:
    """The image of a file; of one with debug information only, with the bytes of the program."""
    shown = printable(path)
    try:
        return _judge(shown, data) if program is None else _judge_names(shown, data, program)
    except ElfError as error:
        raise ElfError(f"{shown}: {error}") from None


_REFUSED = {
    errno.ENOENT: "no such file; check the path",
    errno.EACCES: "permission denied; make it readable",
    errno.EISDIR: "is a directory; give the ELF file itself",
    errno.EINVAL: "is not a regular file; copy it to one first",
    errno.ENXIO: "is not a regular file; copy it to one first",  # a socket
    errno.EFBIG: f"too large (limit {MAX_FILE_BYTES} bytes); strip it",
}


@lru_cache(maxsize=4)  # as _judge, whose images these are
def _with_own_names(program: Image, demangle: bool) -> Image:
    return with_names(program, demangle)


def _read_file(path: str | os.PathLike[str]) -> bytes:
    try:
        return read_regular(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        reason = getattr(error, "strerror", None) or type(error).__name__
        otherwise = f"cannot be read: {reason}; check the path"
        raise ElfError(_REFUSED.get(getattr(error, "errno", 0), otherwise)) from None


# An Image does not change, and what it decodes when asked, such as lines, costs more than to read
# it: a process that runs a program several times keeps it.
@lru_cache(maxsize=4)
def _judge(path: str, data: bytes) -> Image:
    binary = read_binary(data)
    return _judge_elf(path, data) if binary is None else _judge_binary(path, data, binary)


@lru_cache(maxsize=4)
def _judge_names(path: str, data: bytes, program: Image) -> Image:
    headers = _headers(data)
    return _judge_elf(path, data, program) if is_debug_only(headers) else _judge(path, data)


def _headers(data: bytes) -> NamedHeaders:
    """The section headers of an ELF, none of any other file."""
    if data[:4] != b"\x7fELF":
        return []
    return read_section_headers(open_elf(data), len(data), [])


def _build_id(data: bytes) -> str | None:
    """The build id of an ELF, None if it has none or is no ELF of this kind."""
    try:
        elf = open_elf(data)
    except ElfError:
        return None
    return read_build_id(elf, read_section_headers(elf, len(data), []))


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


def _judge_elf(path: str, data: bytes, program: Image | None = None) -> Image:
    elf = open_elf(data)
    warnings: list[str] = []
    headers = read_section_headers(elf, len(data), warnings)
    refuse_other_profiles(read_attributes(elf, headers), warnings)
    if program is not None:
        segments = list(program.segments)
    elif is_debug_only(headers):
        raise ElfError(
            "holds debug information only (objcopy --only-keep-debug); give the program, and this"
            " file to --debug-file"
        )
    else:
        programs = read_headers(elf, elf.structs.Elf_Phdr, elf["e_phoff"], elf["e_phnum"])
        header_end = elf["e_phoff"] + elf["e_phnum"] * PROGRAM_HEADER_BYTES
        segments = load_segments(programs, data, header_end, first_section(headers))
    sections = name_sections(headers, segments, len(data))
    said = len(warnings)
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
        debug_link=read_debug_link(data, headers),
        is_stripped=not symbols and len(warnings) == said,
    )
    debug = DebugSections(data, headers)
    if "line" in debug or "info" in debug:
        table = LineTable(debug, image)
        image.lines, image.lacks = table.line_at, table.lacking
        image.inlines = InlineTable(debug).chains
        image.structs = struct_reader(debug)
    return image
