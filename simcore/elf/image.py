"""What mcusim knows of an executable: segments, sections, symbols, functions, and questions.

The data that elf.py fills in. No file is read here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Final, NamedTuple

from simcore.records import dataclass

LineAt = Callable[[int], "tuple[str, int] | None"]  # address -> (source file, line)


class Member(NamedTuple):
    """Of a structure, bytes; `size` is 0 where its type does not say it."""

    offset: int
    size: int


#: Address of a function, names of a type: members of the first such type in its unit.
StructAt = Callable[[int, tuple[str, ...]], dict[str, Member]]
Lacks = Callable[[Iterable[int]], tuple[str, ...]]
HALFWORD: Final = 2  # bytes: where Thumb instructions can start
MAX_NAME_BYTES: Final = 4096  # mangled C++ names stay below

_STACK_TOP: Final = (
    "_estack", "__StackTop", "__stack", "_stack", "__stack_top", "_stack_top", "_stack_start",
    "__initial_sp",
)  # fmt: skip
_STACK_LIMIT: Final = (
    "__StackLimit", "__stack_limit", "_stack_limit", "__stack_bottom", "_stack_end", "_sstack",
)  # fmt: skip
_PIECE: Final = re.compile(r"\.(?:cold|__part\.\d+)(?:[.\]]|$)")
_HEAP_START: Final = ("end", "_end", "__end__", "__HeapBase", "__heap_start", "_sheap", "__sheap")


def printable(text: str) -> str:
    """Return `text` with everything that could move a cursor or break a line replaced by '?'."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


class InlinedCall(NamedTuple):
    """A call that a compiler replaced by code: the function, and the line of the call if known."""

    name: str
    line: int | None


Inlines = Callable[[Iterable[int]], dict[int, tuple[InlinedCall, ...]]]


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
    alignment: int = 1  # bytes, a power of two: the largest of its parts


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
class MappingSymbol:
    """$t, $a or $d of Arm IHI 0044: what the bytes from `address` on are."""

    address: int
    kind: str  # "t" Thumb code, "a" Arm code, "d" data


@dataclass(frozen=True, slots=True)
class Function:
    """Code from `start` up to, not including, `end` (bytes, Thumb bit cleared).

    `name` is as its author wrote it and no other's of the program; `symbol` that of the symbol
    table, where it is another. `aliases` are other names of the same address, as written and as
    symbols: see names.py.
    """

    index: int
    name: str
    start: int
    end: int
    symbol: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def raw(self) -> str:
        """The name in the symbol table."""
        return self.symbol or self.name

    @property
    def is_piece(self) -> bool:
        """Whether it is a part of another function that a compiler placed elsewhere.

        GCC splits `f.cold` off, LLVM `f.cold` and `f.__part.N`; a jump there is no call. `f.part.N`
        is none: it is a function of its own, which is called.
        """
        return _PIECE.search(self.raw) is not None


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
    no_start: str | None = None  # why neither vector table nor entry point can be started from
    warnings: tuple[str, ...] = ()
    lines: LineAt | None = field(repr=False, default=None)  # None: no debug information
    lacks: Lacks | None = field(repr=False, default=None)  # why addresses have no line
    inlines: Inlines | None = field(repr=False, default=None)  # inlined calls around addresses
    structs: StructAt | None = field(repr=False, default=None)  # members of structure types
    debug_link: tuple[str, int] | None = None  # name and CRC-32 of a file with debug information
    is_stripped: bool = False  # has no symbols, none that are broken either
    origins: tuple[tuple[int, str], ...] = ()  # where input files begin, by address; file names
    # Names of data that are not the symbol's, by symbol and address.
    data_names: dict[tuple[str, int], str] = field(repr=False, default_factory=dict)
    _starts: list[int] = field(init=False, repr=False)
    _by_run: list[Segment] = field(init=False, repr=False)
    _run_starts: list[int] = field(init=False, repr=False)
    _by_load: list[Segment] = field(init=False, repr=False)
    _load_starts: list[int] = field(init=False, repr=False)
    _names: dict[str, Symbol] = field(init=False, repr=False)
    _objects: _ObjectMap | None = field(init=False, repr=False, default=None)

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

    @property
    def load_bytes(self) -> int:
        """Bytes that programming the part with this executable writes."""
        return sum(len(segment.data) for segment in self.segments)

    @property
    def ram_bytes(self) -> int:
        """Bytes of writable data, with what the linker script reserves for heap and stack."""
        writable = [section.size for section in self.sections if section.writable]
        return sum(writable or (s.memory_size for s in self.segments if s.writable))

    def function_at(self, address: int) -> Function | None:
        """Return the function whose code holds `address`, in O(log n)."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.functions[index].end:
            return self.functions[index]
        return None

    @property
    def reset_handler(self) -> Function | None:
        """The function that runs at reset, None where there is no vector table or no symbol."""
        return None if self.reset is None else self.function_at(self.reset & ~1)

    def symbol(self, name: str) -> Symbol | None:
        """Return the symbol of that name; a global one before a local one."""
        return self._names.get(name)

    def data_name(self, symbol: Symbol) -> str:
        """What a data symbol is called: as its author wrote it, and no other of the program."""
        return self.data_names.get((symbol.name, symbol.address), symbol.name)

    def layout(self, function: str, names: tuple[str, ...]) -> dict[str, Member]:
        """Members of the first structure type of these names that the unit of a function declares.

        Nothing without debug information.
        """
        symbol = self.symbol(function)
        return {} if symbol is None or self.structs is None else self.structs(symbol.address, names)

    def object_at(self, address: int) -> Symbol | None:
        """Return the data symbol that holds `address`; the innermost where several do."""
        if self._objects is None:
            self._objects = _ObjectMap(self.symbols, self.sections)
        return self._objects.at(address)

    def section_at(self, address: int) -> Section | None:
        """Return the allocated section that holds `address` when the program runs."""
        for section in self.sections:
            if section.allocated and section.address <= address < section.address + section.size:
                return section
        return None

    def file_at(self, address: int) -> str | None:
        """Return the source file whose object gave the byte at `address`, by STT_FILE symbols.

        A local symbol stands behind the one that names its file, and each part of a section that an
        object file gives begins with one, if only a mapping symbol.
        """
        index = bisect_right(self.origins, address, key=lambda origin: origin[0]) - 1
        section = self.section_at(address)
        if index < 0 or section is None or self.origins[index][0] < section.address:
            return None
        return self.origins[index][1]

    def line_at(self, address: int) -> tuple[str, int] | None:
        """Return the source file and line of the instruction at `address`, None if unknown.

        Debug information is decoded when an address first needs it; broken one is no error.
        """
        return self.lines(address) if self.lines else None

    def lacking_lines(self, addresses: Iterable[int]) -> tuple[str, ...]:
        """What to say of addresses that have no line although the program was compiled with them.

        Nothing of code that has none. `addresses` are those of functions that ran.
        """
        return self.lacks(addresses) if self.lacks else ()

    def inlined_at(self, addresses: Iterable[int]) -> dict[int, tuple[InlinedCall, ...]]:
        """Return the inlined calls around each address that has some, outermost first.

        Debug information is read for that; broken one is no error.
        """
        return self.inlines(addresses) if self.inlines else {}

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

    def is_code(self, start: int, end: int) -> bool:
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
