"""ELF -> Image: what a bare-metal Cortex-M executable holds and how it starts.

`load_image` refuses what cannot run on a Cortex-M with one line; what is only unknown (names,
lines) is left out with a warning. The tables are read in elf_tables.py and elf_notes.py, functions
found in elf_functions.py, source lines in dwarf_lines.py; here is the judgement, and the `Image`
that the rest of mcusim asks.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simcore import elf_notes as notes
from simcore import elf_tables as tables
from simcore.elf_functions import (
    CodeMap,
    Function,
    arm_state_code,
    build_functions,
    code_sections,
)
from simcore.elf_tables import Section, Segment, Symbol, printable
from simcore.errors import ElfError

if TYPE_CHECKING:
    from simcore.dwarf_lines import LineTable

__all__ = ["Function", "Image", "Section", "Segment", "Symbol", "load_image"]

MAX_FILE_BYTES: Final = 1 << 28  # 256 MiB; an image with debug information is a few MiB

# Names that start-up code in use gives the vector table: CMSIS, ST, Zephyr, Rust, Teensy, mbed ...
_VECTOR_SYMBOLS: Final = (
    "__isr_vector", "g_pfnVectors", "__Vectors", "__vectors", "_vectors", "__vector_table",
    "_vector_table", "vector_table", "__VECTOR_TABLE", "__isr_vectors", "isr_vector", "vectors",
    "_VectorsFlash", "__RESET",
)  # fmt: skip
_VECTOR_SECTIONS: Final = (
    ".isr_vector", ".vectors", ".vector_table", ".isr_vectors", ".intvec", ".intvecs",
    ".interrupts", ".vector", ".vtable", "RESET", "rom_start",
)  # fmt: skip
# Where a stack can be in the Armv7-M address map: SRAM with the TCMs, external RAM, but not the
# code region's lowest 256 MiB (flash aliases), peripherals or the system region.
_RAM: Final = ((0x1000_0000, 0x4000_0000), (0x6000_0000, 0xA000_0000), (0xC000_0000, 0xE000_0000))

_STACK_TOP: Final = (
    "_estack", "__StackTop", "__stack", "_stack", "__stack_top", "_stack_top", "_stack_start",
    "__initial_sp",
)  # fmt: skip
_STACK_LIMIT: Final = (
    "__StackLimit", "__stack_limit", "_stack_limit", "__stack_bottom", "_stack_end", "_sstack",
)  # fmt: skip
_HEAP_START: Final = ("end", "_end", "__end__", "__HeapBase", "__heap_start", "_sheap", "__sheap")

_DEBUG_SECTIONS: Final = frozenset(
    (".debug_line", ".debug_line_str", ".debug_str", ".debug_info", ".debug_abbrev")
)
_TAG_CPU_ARCH: Final = 6
_TAG_CPU_ARCH_PROFILE: Final = 7
_PROFILES: Final = {ord("A"): "A-profile", ord("R"): "R-profile", ord("S"): "A- or R-profile"}
_ARCH_V8M: Final = {16: "Armv8-M Baseline", 17: "Armv8-M Mainline", 21: "Armv8.1-M Mainline"}

# What Python raises on tables that lie; each is a broken file, not a broken mcusim.
_BROKEN: Final = (
    struct.error, IndexError, KeyError, ValueError, OverflowError, MemoryError, RecursionError,
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Image:
    """An executable as mcusim sees it; read-only after construction.

    Addresses are 32-bit byte addresses. Code and symbols have run addresses (p_vaddr), `segments`
    are sorted by load address (p_paddr). `functions` are sorted and do not overlap.
    """

    path: str
    sha256: str
    build_id: str | None
    compiler: str | None
    entry: int  # e_entry, bit 0 set: Thumb state
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    functions: tuple[Function, ...] = ()
    vector_table: int | None = None  # load address
    initial_sp: int | None = None  # word 0 of the vector table
    reset: int | None = None  # word 1: address of the reset handler, bit 0 set
    warnings: tuple[str, ...] = ()
    debug_sections: dict[str, memoryview] = field(default_factory=dict, repr=False)
    _starts: list[int] = field(init=False, repr=False)
    _by_run: list[Segment] = field(init=False, repr=False)
    _run_starts: list[int] = field(init=False, repr=False)
    _by_load: list[Segment] = field(init=False, repr=False)
    _load_starts: list[int] = field(init=False, repr=False)
    _names: dict[str, Symbol] = field(init=False, repr=False)
    _objects: _ObjectMap | None = field(init=False, repr=False, default=None)
    _lines: LineTable | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        self._starts = [function.start for function in self.functions]
        self._by_run = sorted(self.segments, key=lambda s: s.run_address)
        self._run_starts = [segment.run_address for segment in self._by_run]
        self._by_load = [s for s in self.segments if s.data]
        self._load_starts = [segment.address for segment in self._by_load]
        self._names = {}
        for symbol in self.symbols:
            known = self._names.get(symbol.name)
            if known is None or (known.binding == "local" and symbol.binding != "local"):
                self._names[symbol.name] = symbol

    def function_at(self, address: int) -> Function | None:
        """Return the function whose code holds `address`, in O(log n)."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.functions[index].end:
            return self.functions[index]
        return None

    def symbol(self, name: str) -> Symbol | None:
        """Return the symbol of that name; a global one before a local one."""
        return self._names.get(name)

    def object_at(self, address: int) -> Symbol | None:
        """Return the data symbol that holds `address`; the innermost where several do."""
        if self._objects is None:
            self._objects = _ObjectMap(self.symbols, self.sections)
        return self._objects.at(address)

    def line_at(self, address: int) -> tuple[str, int] | None:
        """Return the source file and line of the instruction at `address`, None if unknown.

        The debug information is decoded on the first call. Broken debug information is no error.
        """
        if self._lines is None:
            from simcore.dwarf_lines import LineTable

            self._lines = LineTable(self.debug_sections, self._is_code)
        return self._lines.line_at(address)

    def read(self, address: int, size: int) -> bytes | None:
        """Return `size` bytes at a run or load address as the file gives them; .bss reads as zeros.

        None where the range is not inside one segment.
        """
        index = bisect_right(self._run_starts, address) - 1
        if index >= 0 and size >= 0:
            segment = self._by_run[index]
            offset = address - segment.run_address
            if offset + size <= segment.memory_size:
                return segment.data[offset : offset + size].ljust(size, b"\0")
        index = bisect_right(self._load_starts, address) - 1
        if index >= 0 and size >= 0:
            segment = self._by_load[index]
            offset = address - segment.address
            if offset + size <= len(segment.data):
                return segment.data[offset : offset + size]
        return None

    def stack_symbol(self) -> Symbol | None:
        """Return the symbol that a linker script puts at the stack's top, e.g. _estack."""
        return self._first_symbol(_STACK_TOP)

    def stack_limit(self) -> Symbol | None:
        """Return the symbol of the lowest address of the stack, e.g. __StackLimit."""
        return self._first_symbol(_STACK_LIMIT)

    def heap_start(self) -> int | None:
        """Return the address behind the program's data, where newlib's heap begins."""
        symbol = self._first_symbol(_HEAP_START)
        return symbol.address if symbol else None

    def _first_symbol(self, names: tuple[str, ...]) -> Symbol | None:
        return next((self._names[name] for name in names if name in self._names), None)

    def _is_code(self, start: int, end: int) -> bool:
        """Tell whether a line sequence can be real.

        GNU ld leaves the sequences of discarded functions at 0. Where code does begin at 0 (ITCM)
        the real sequence is the one that ends with a function.
        """
        index = bisect_right(self._run_starts, start) - 1
        if index < 0:
            return False
        segment = self._by_run[index]
        if not segment.executable or end > segment.run_address + len(segment.data):
            return False
        if start:
            return True
        last = self.function_at(end - 1)
        return bool(self._starts) and self._starts[0] == 0 and last is not None and last.end == end


class _ObjectMap:
    """Data symbols by address; a missing size reaches to the next object or the section's end."""

    MAX_NESTING: Final = 64  # objects inside objects that are looked through

    def __init__(self, symbols: tuple[Symbol, ...], sections: tuple[Section, ...]) -> None:
        objects = sorted(
            (
                s for s in symbols
                if s.kind == "object" or (s.kind == "label" and s.size and s.section)
            ),
            key=lambda s: (s.address, -s.size, s.binding == "local"),
        )  # fmt: skip
        allocated = sorted((s.address, s.address + s.size) for s in sections if s.allocated)
        section_starts = [start for start, _ in allocated]
        self._entries: list[tuple[int, int, Symbol]] = []
        starts = sorted({s.address for s in objects})
        for symbol in objects:
            start = symbol.address
            if self._entries and self._entries[-1][0] == start:
                continue  # an alias: the largest and most visible came first
            end = start + symbol.size
            if not symbol.size:
                section = bisect_right(section_starts, start) - 1
                following = bisect_right(starts, start)
                end = allocated[section][1] if section >= 0 else start
                if following < len(starts):
                    end = min(end, starts[following])
            self._entries.append((start, end, symbol))
        self._starts = [start for start, _, _ in self._entries]

    def at(self, address: int) -> Symbol | None:
        last = bisect_right(self._starts, address) - 1
        for index in range(last, max(last - self.MAX_NESTING, -1), -1):
            if address < self._entries[index][1]:
                return self._entries[index][2]
        return None


def load_image(path: str | os.PathLike[str]) -> Image:
    """Read a bare-metal ELF32 little-endian Arm executable.

    Raises ElfError, one line with the path, when the file cannot be read or cannot run.
    """
    shown = printable(os.fspath(path))
    try:
        return _judge(shown, _read_file(path))
    except ElfError as error:
        raise ElfError(f"{shown}: {error}") from None
    except _BROKEN as error:
        raise ElfError(
            f"{shown}: broken ELF tables ({type(error).__name__}); link it again"
        ) from None


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
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ElfError(f"cannot be read: {reason}; check the path") from None


def _judge(path: str, data: bytes) -> Image:
    header = tables.read_header(data)
    warnings: list[str] = []
    raw = tables.read_sections(data, header, warnings)
    _refuse_other_profiles(notes.read_attributes(data, raw), warnings)
    segments = tables.read_segments(data, header, raw)
    sections = tables.name_sections(data, raw, segments)
    symbols, mapping = tables.read_symbols(data, raw, warnings)
    code = code_sections(sections, segments)
    code_map = CodeMap(mapping, code)
    arm_state = arm_state_code(code, code_map)
    if arm_state is not None:
        raise ElfError(
            f"Arm-state code at 0x{arm_state:08x}; a Cortex-M runs Thumb only, use -mthumb"
        )
    # The bare image answers read() and symbol() for the two questions below.
    bare = Image(
        path, "", None, None, header.entry, tuple(segments), tuple(sections), tuple(symbols)
    )
    functions = build_functions(code, symbols, code_map, bare.read)
    table = _find_vector_table(bare)
    entry = header.entry
    if table is None:
        thumb = {symbol.address for symbol in mapping if symbol.kind == "t"}
        entry = _thumb_entry(bare, entry, thumb)
    vector_table, initial_sp, reset = table or (None, None, None)
    return Image(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        build_id=notes.read_build_id(data, raw),
        compiler=notes.read_compiler(data, raw),
        entry=entry,
        segments=tuple(segments),
        sections=tuple(sections),
        symbols=tuple(symbols),
        functions=tuple(functions),
        vector_table=vector_table,
        initial_sp=initial_sp,
        reset=reset,
        warnings=tuple(warnings),
        debug_sections={
            section.name: view
            for section in raw
            if section.name in _DEBUG_SECTIONS
            and (view := tables.section_data(data, section)) is not None
        },
    )


def _refuse_other_profiles(attributes: dict[int, int], warnings: list[str]) -> None:
    profile = attributes.get(_TAG_CPU_ARCH_PROFILE, 0)
    if profile in _PROFILES:
        raise ElfError(
            f"{_PROFILES[profile]} code by its build attributes; build with -mcpu=cortex-m7 -mthumb"
        )
    architecture = _ARCH_V8M.get(attributes.get(_TAG_CPU_ARCH, 0))
    if architecture:
        warnings.append(f"built for {architecture}: instructions that a Cortex-M7 lacks will fault")


def _thumb_entry(image: Image, entry: int, thumb: set[int]) -> int:
    """Return the entry with its Thumb bit; refuse one that is Arm state or outside the program."""
    if entry % 2 == 0 and entry in thumb:
        entry |= 1  # an assembly label without .thumb_func: the linker does not know it is code
    if not _is_executable(image, entry & ~1):
        raise ElfError(
            f"no vector table, and the entry point 0x{entry:08x} lies in no executable segment; "
            "link a vector table or set the entry with -e"
        )
    if entry % 2 == 0:
        raise ElfError(
            f"no vector table, and the entry point 0x{entry:08x} is Arm state (bit 0 clear); "
            "a Cortex-M runs Thumb only, use -mthumb"
        )
    return entry


def _find_vector_table(image: Image) -> tuple[int, int, int] | None:
    """Return (load address, initial SP, reset vector), None when there is no table.

    By the symbol or section that start-up code names, else the lowest loaded words when they look
    like one: a stack pointer into RAM and a Thumb address inside an executable segment.
    """
    candidates = [symbol.address for name in _VECTOR_SYMBOLS if (symbol := image.symbol(name))]
    by_name = {section.name: section for section in reversed(image.sections)}
    candidates += [by_name[name].address for name in _VECTOR_SECTIONS if name in by_name]
    for address in candidates:
        words = _table_words(image, address)
        if words:
            return _load_address(image, address), *words
    lowest = next((segment for segment in image.segments if segment.data), None)
    if lowest is None:
        return None
    words = _table_words(image, lowest.run_address)
    if words and any(low <= words[0] - 4 < high for low, high in _RAM):
        return lowest.address, *words
    return None


def _table_words(image: Image, address: int) -> tuple[int, int] | None:
    data = image.read(address, 8)
    if data is None or address % 4:
        return None
    stack, reset = struct.unpack("<II", data)
    if stack == 0 or stack % 4 or reset % 2 == 0 or not _is_executable(image, reset & ~1):
        return None
    return stack, reset


def _segment_at(image: Image, address: int, *, load: bool) -> Segment | None:
    for segment in image.segments:
        start = segment.address if load else segment.run_address
        if start <= address < start + len(segment.data):
            return segment
    return None


def _is_executable(image: Image, address: int) -> bool:
    segments = (_segment_at(image, address, load=load) for load in (False, True))
    return any(segment is not None and segment.executable for segment in segments)


def _load_address(image: Image, run_address: int) -> int:
    segment = _segment_at(image, run_address, load=False)
    return run_address - segment.run_address + segment.address if segment else run_address
