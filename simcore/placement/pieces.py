"""What the names of a placement stand for in a program: pieces of memory that can move."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from simcore.elf import Image, Section, Symbol
from simcore.elf.names import matches, names_for_hints, spellings, spellings_of, without_parameters
from simcore.errors import ConfigError, nearest
from simcore.placement.request import SPECIAL, PlaceRequest, Selector, parse_what

LINE = 32  # bytes of a cache line: no object of a C program asks for more
WORD = 4  # bytes; a function and its literal pool keep their place in a word
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,8}")
FIRST_VECTORS = 64  # bytes: the 16 entries that every Cortex-M has

#: Of a program that was made of a network: the section of its tables, network/compose.py, and what
#: its arena is called, network/layout.py; where that is in pieces, they are arena.1, arena.2.
NETWORK_TABLES, NETWORK_ARENA = ".network", "arena"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a program that stay together. ``address`` is where they run.

    ``alignment`` is what a linker would keep; ``is_rom`` says that the program does not write them.
    ``least`` bytes have to fit; the heap takes more where there is more.
    """

    name: str
    kind: str  # function, object, section, vectors, stack or heap
    address: int
    size: int
    alignment: int
    is_code: bool = False
    is_rom: bool = False
    least: int | None = None  # None: all of it
    symbol: str | None = None  # in the symbol table, where the name is another

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class ProgramMemory:
    """Where a program's stack and heap lie: [first, end), empty if it has none.

    ``stack_bytes`` is what the linker script keeps for the stack below its top.
    """

    stack: tuple[int, int]
    stack_bytes: int
    heap: tuple[int, int]


def select(image: Image, memory: ProgramMemory, request: PlaceRequest) -> list[Piece]:
    """The pieces that a request names, by address, without those that lie in another of them.

    Raises ConfigError for a name that the program does not have.
    """
    found: list[Piece] = []
    for selector in _selectors(image, request):
        pieces = list(_matches(image, memory, selector, request))
        found += [_cut(piece, selector, request) for piece in pieces]
    found.sort(key=lambda piece: (piece.address, -piece.size, piece.name))
    kept: list[Piece] = []
    for piece in found:
        if kept and piece.end <= kept[-1].end:
            continue  # an alias, or part of one that was named too
        if kept and piece.address < kept[-1].end:
            raise ConfigError(
                f"--place '{request}': {piece.name} overlaps {kept[-1].name} at"
                f" {piece.address:#010x}; place one of them"
            )
        kept.append(piece)
    return kept


def _selectors(image: Image, request: PlaceRequest) -> tuple[Selector, ...]:
    """The names that a request joins; a name may itself hold '+', colons and brackets."""
    whole = request.what
    # "section+0x12" is how code without a symbol is called, "operator+" what C++ does.
    if any(whole in spellings_of(function) for function in image.functions):
        return (Selector("function", whole),)
    if any(whole in _data_spellings(image, symbol) for symbol in _data_symbols(image)):
        return (Selector("object", whole),)
    return parse_what(whole)


def _matches(
    image: Image, memory: ProgramMemory, selector: Selector, request: PlaceRequest
) -> Iterator[Piece]:
    pattern, kind = selector.pattern, selector.kind
    if kind is None and pattern in SPECIAL:
        yield _special(image, memory, selector, request)
        return
    found: list[Piece] = []
    if kind is None and _ADDRESS.fullmatch(pattern):
        yield _range(image, selector, request)
        return
    if kind == "section" or (kind is None and pattern.startswith(".")):
        found = [_section_piece(s) for s in _sections(image) if fnmatchcase(s.name, pattern)]
    else:
        if kind in (None, "function"):
            found += _functions(image, lambda spelt, _: matches(spelt, pattern))
        if kind in (None, "object"):
            found += _objects(image, lambda spelt, _: matches(spelt, pattern))
        if kind == "file" or (kind is None and not found):
            found = _of_file(image, pattern)
    if kind in (None, "object") and pattern == NETWORK_ARENA and is_composed(image):
        found = _objects(image, lambda spelt, _: matches(spelt, f"{NETWORK_ARENA}.*")) or found
    if not found:
        raise ConfigError(_unknown(image, selector, request))
    yield from found


def is_composed(image: Image) -> bool:
    """Whether a program was made of a network's file."""
    return any(section.name == NETWORK_TABLES for section in image.sections)


def all_pieces(image: Image) -> list[Piece]:
    """Every function and every data object of the program that has a size."""
    return _functions(image, lambda *_: True) + _objects(image, lambda *_: True)


def _functions(image: Image, wanted: Callable[[Collection[str], int], bool]) -> list[Piece]:
    """Functions by any of their names; their code goes up to the next function's start."""
    return [
        Piece(
            f.name,
            "function",
            f.start,
            f.end - f.start,
            WORD,
            is_code=True,
            is_rom=True,
            symbol=f.symbol,
        )
        for f in image.functions
        if wanted(spellings_of(f), f.start)
    ]


def _objects(image: Image, wanted: Callable[[Collection[str], int], bool]) -> list[Piece]:
    return [
        Piece(
            image.data_name(s),
            "object",
            s.address,
            s.size,
            _alignment(s.address, s.size),
            is_rom=_is_rom(image, s.address),
            symbol=None if image.data_name(s) == s.name else s.name,
        )
        for s in _data_symbols(image)
        if wanted(_data_spellings(image, s), s.address)
    ]


def _data_symbols(image: Image) -> list[Symbol]:
    return [s for s in image.symbols if s.kind == "object" and s.size and s.section]


def _data_spellings(image: Image, symbol: Symbol) -> Collection[str]:
    name = image.data_name(symbol)
    return spellings(name, None if name == symbol.name else symbol.name, None)


def _of_file(image: Image, pattern: str) -> list[Piece]:
    """Functions and objects of a source file by STT_FILE; functions by lines for a path."""

    def by_symbol(_: Collection[str], address: int) -> bool:
        file = image.file_at(address)
        return file is not None and fnmatchcase(file, pattern)

    def by_line(_: Collection[str], address: int) -> bool:
        line = image.line_at(address)
        return line is not None and fnmatchcase("/" + line[0], f"*/{pattern.lstrip('/')}")

    if "/" in pattern:
        return _functions(image, by_line)
    return _functions(image, by_symbol) + _objects(image, by_symbol)


def _sections(image: Image) -> list[Section]:
    return [section for section in image.sections if section.allocated and section.size]


def _section_piece(section: Section) -> Piece:
    return Piece(
        section.name,
        "section",
        section.address,
        section.size,
        _alignment(section.address, section.size),
        is_code=section.executable,
        is_rom=not section.writable,
    )


def _special(
    image: Image, memory: ProgramMemory, selector: Selector, request: PlaceRequest
) -> Piece:
    if selector.pattern == "vectors":
        return _vectors(image, request)
    if selector.pattern == "stack":
        first, top = memory.stack
        size = min(top - first, memory.stack_bytes if selector.end is None else selector.end)
        if size <= 0:
            raise ConfigError(f"--place '{request}': {image.path} has no stack")
        return Piece("stack", "stack", top - size, size, 8)
    first, end = memory.heap
    if end <= first:
        raise ConfigError(
            f"--place '{request}': {image.path} has no heap: no symbol such as 'end' says where it"
            " begins"
        )
    size = min(end - first, end - first if selector.end is None else selector.end)
    return Piece("heap", "heap", first, size, 8, least=None if selector.end else 8)


def _range(image: Image, selector: Selector, request: PlaceRequest) -> Piece:
    """Bytes from an address on, for memory that no symbol names."""
    address, size = int(selector.pattern, 0), selector.end
    if size is None or address % WORD or address + size > 1 << 32:
        raise ConfigError(
            f"--place '{request}': an address is a multiple of {WORD} and needs its bytes, such as"
            f" {selector.pattern}[:4K]"
        )
    is_rom = _is_rom(image, address)
    return Piece(
        selector.pattern, "object", address, size, _alignment(address, size), is_rom=is_rom
    )


def _vectors(image: Image, request: PlaceRequest) -> Piece:
    table = image.vector_table
    if table is None:
        raise ConfigError(f"--place '{request}': {image.path} has no vector table")
    section, symbol = image.section_at(table), image.object_at(table)
    size = FIRST_VECTORS
    if symbol is not None and symbol.address == table and symbol.size:
        size = symbol.size
    elif section is not None and section.address == table and not section.executable:
        size = section.size
    return Piece("vectors", "vectors", table, size, LINE, is_rom=True)


def _cut(piece: Piece, selector: Selector, request: PlaceRequest) -> Piece:
    """The bytes of a piece that a selector's range asks for; of the stack those below its top."""
    if selector.start is None and selector.end is None:
        return piece
    start, end = selector.start or 0, selector.end
    if piece.kind == "stack":
        if start:
            raise ConfigError(f"--place '{request}': the stack's bytes count from its top: [:4K]")
        return piece
    if end is None or (end > piece.size and piece.kind == "heap"):
        end = piece.size
    if not start < end <= piece.size:
        raise ConfigError(
            f"--place '{request}': {piece.name} has {piece.size:,} bytes, so no [{start}:{end}]"
        )
    if start % WORD:
        raise ConfigError(f"--place '{request}': a range of bytes starts at a multiple of {WORD}")
    address = piece.address + start
    return replace(
        piece, address=address, size=end - start, alignment=_alignment(address, end - start)
    )


def _alignment(address: int, size: int) -> int:
    """The alignment that a linker would have to keep, as far as the address tells.

    An address is aligned by chance, too: nothing is taken to need more than its size or a line.
    """
    alignment = min(address & -address or LINE, LINE)
    while alignment > WORD and alignment // 2 >= size:
        alignment //= 2
    return max(alignment, WORD)


def _is_rom(image: Image, address: int) -> bool:
    section = image.section_at(address)
    return section is not None and not section.writable


def _unknown(image: Image, selector: Selector, request: PlaceRequest) -> str:
    names: Iterable[str]
    functions = names_for_hints(image.functions)
    objects = [without_parameters(image.data_name(s)) for s in _data_symbols(image)]
    sections = [section.name for section in _sections(image)]
    files = sorted({file for _, file in image.origins})
    if selector.kind == "function":
        what, names = "function", functions
    elif selector.kind == "object":
        what, names = "data symbol", objects
    elif selector.kind == "section" or selector.pattern.startswith("."):
        what, names = "section", sections
    elif selector.kind == "file":
        what, names = "input file", files
    else:
        what, names = (
            "function, data symbol, section or input file",
            [*functions, *objects, *sections, *files, *SPECIAL],
        )
    hint = nearest(selector.pattern, names, 3)
    if is_composed(image) and selector.pattern.partition(".")[2].startswith("output"):
        hint = (
            "; computed tensors share memory over time: place 'arena', or spread them over"
            " memories with --arena"
        )
    return f"--place '{request}': {image.path} has no {what} '{selector.pattern}'{hint}"
