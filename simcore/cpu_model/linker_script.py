"""Reads the MEMORY block of a GNU ld script and puts its memories into a model's memory map."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from simcore.cpu_model.schema import MEMORY_KINDS, Tree
from simcore.errors import ModelError, nearest
from simcore.files import read_regular

PAGE = 4096
_SUFFIXES = {"": 1, "k": 1024, "m": 1024**2}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|[0-9]+)(?P<suffix>[kKmM]?)\b"
    r"|(?P<name>[A-Za-z_.$][\w.$]*)"
    r"|(?P<operator><<|>>|[-+*/%&|~(),]))"
)
# What follows is read in one pass however it is written: no quantifier gives back what it took.
_NAME_AT_END = re.compile(r"[\w.$\-]++")  # of the text from its end
_ORIGIN = re.compile(r"\s*+(?:ORIGIN|org|o)\s*+=")
_LENGTH = re.compile(r"(?<![\w.$])(?:LENGTH|len|l)\s*+=")
_BLOCK = re.compile(r"\bMEMORY\s*+\{([^{}]*+)\}")
_SYMBOL = re.compile(r"^[^\S\n]*+([A-Za-z_.$][\w.$]*+)\s*+=\s*+([^;=]++);", re.MULTILINE)
_MAX_DEPTH = 50
MAX_ENTRIES = 256
_MAX_BITS = 64  # of what an expression comes to, as ld has it


@dataclass(frozen=True, slots=True)
class LinkerMemory:
    """One line of a MEMORY block. `attributes` is the text between the parentheses, or ""."""

    name: str
    attributes: str
    origin: int
    length: int  # bytes


def read_memory_block(path: str) -> tuple[LinkerMemory, ...]:
    """The MEMORY entries of a GNU ld script, in file order.

    Numbers may have K and M suffixes, and + - * / % << >> & |, parentheses, ORIGIN(x), LENGTH(x)
    and symbols that the script sets before. Raises ModelError for an unreadable file, a script
    without MEMORY, an expression it cannot work out.
    """
    try:
        text = read_regular(path).decode("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ModelError(f"{path}: cannot read linker script: {reason}") from None
    entries = memory_entries(path, text)
    if entries is None:
        raise ModelError(f"{path}: has no MEMORY block; --memory-from needs a GNU ld script")
    return entries


def memory_entries(path: str, text: str) -> tuple[LinkerMemory, ...] | None:
    """As `read_memory_block`, of a script's text; None when it has no MEMORY block."""
    text = without_comments(text, lambda comment: "\n" * comment.count("\n"))
    block = _BLOCK.search(text)
    if block is None:
        return None
    script = _Script(path, text)
    for symbol in _SYMBOL.finditer(text, 0, block.start()):
        script.symbols[symbol[1]] = symbol[2]
    line, counted = 1, 0
    for entry in _entries(block[1]):
        at = block.start(1) + entry.at
        line, counted = line + text.count("\n", counted, at), at
        if entry.origin is None:
            raise ModelError(f"{path}:{line}: cannot read MEMORY entry '{_first_line(entry.text)}'")
        if len(script.entries) == MAX_ENTRIES:
            raise ModelError(f"{path}:{line}: more than {MAX_ENTRIES} MEMORY entries")
        script.add(line, entry)
    if not script.entries:
        raise ModelError(f"{path}: its MEMORY block is empty")
    return tuple(script.entries.values())


def without_comments(text: str, blank: Callable[[str], str]) -> str:
    """A script's text with what `blank` makes of each comment in its place."""
    kept, at = [], 0
    while (begin := text.find("/*", at)) >= 0 and (end := text.find("*/", begin + 2)) >= 0:
        kept += [text[at:begin], blank(text[begin : end + 2])]
        at = end + 2
    return "".join((*kept, text[at:]))


class _Entry(NamedTuple):
    """An entry of a MEMORY block as it is written, from offset `at` of the block on."""

    at: int
    text: str
    name: str = ""
    attributes: str = ""
    origin: str | None = None  # None of what is no entry
    length: str = ""


def _entries(body: str) -> Iterator[_Entry]:
    """The entries: name and attributes before each colon, ORIGIN and LENGTH behind it."""
    parts = body.split(":")
    begin, head = _leading(parts[0]), parts[0].strip()
    at = len(parts[0]) + 1
    if len(parts) == 1 and head:
        yield _Entry(begin, head)
    for number, part in enumerate(parts[1:], 2):
        before, following = part, ""
        if number < len(parts):
            before = part[: len(part) - len(_head_at_end(part))]
            following = part[len(before) :]
        name, attributes = _name_and_attributes(head)
        origin, length = _ORIGIN.match(before), _LENGTH.search(before)
        if name is None or origin is None or length is None or length.start() < origin.end():
            yield _Entry(begin, f"{head}:{before}")
            return
        yield _Entry(
            begin, head, name, attributes,
            before[origin.end() : length.start()].strip().removesuffix(",").strip(),
            before[length.end() :].strip(),
        )  # fmt: skip
        begin, head = at + len(before) + _leading(following), following.strip()
        at += len(part) + 1


def _head_at_end(text: str) -> str:
    """The end of a text that names an entry: a name, blanks and attributes."""
    rest = text.rstrip()
    if rest.endswith(")"):
        rest = rest[: max(rest.rfind("("), 0)].rstrip()
    name = _NAME_AT_END.match(rest[::-1])
    return text[len(rest) - (len(name[0]) if name else 0) :]


def _name_and_attributes(head: str) -> tuple[str | None, str]:
    """Name and attributes of an entry's head; None when it is none."""
    name, bracket, attributes = head.partition("(")
    name = name.strip()
    if bracket and not attributes.endswith(")"):
        return None, ""
    whole = _NAME_AT_END.fullmatch(name)
    return (name if whole else None), attributes[:-1].strip()


def apply_memory_block(tree: Tree, path: str) -> Tree:
    """Return a model tree whose memories are those of the MEMORY block of `path`.

    Each entry takes kind and timing from the part's region in which it lies, split where another
    region of the part begins; what is longer than the part's region extends it. Peripherals,
    system space and read-only memories that the block does not mention stay; RAM and external
    memory that it does not mention are gone. Bounds are widened to pages of 4096 bytes; a page
    that two entries share belongs to the first. Raises ModelError.
    """
    old = {name: region for name, region in tree["region"].items() if not region.get("absent")}
    pieces: list[tuple[LinkerMemory, str, int, int]] = []
    free_from = 0
    for memory in sorted(read_memory_block(path), key=lambda memory: memory.origin):
        start = max(memory.origin // PAGE * PAGE, free_from)
        end = -(-(memory.origin + memory.length) // PAGE) * PAGE
        if memory.origin + PAGE <= free_from:
            raise ModelError(f"{path}: MEMORY entry '{memory.name}' overlaps the one before it")
        free_from = max(free_from, end)
        pieces += [(memory, *piece) for piece in _split(path, memory, start, end, old)]
    touched = {part_name for _, part_name, _, _ in pieces}
    regions = {
        name: region
        for name, region in old.items()
        if region["kind"] not in MEMORY_KINDS or (region["kind"] == "flash" and name not in touched)
    }
    for memory, part_name, low, high in pieces:
        part = old[part_name]
        if part["kind"] in MEMORY_KINDS:
            regions[_region_name(memory.name, regions)] = _piece(
                path, memory, part, part_name, low, high
            )
    kept = {key: table for key, table in tree.items() if key != "flexram"}  # it is divided now
    return {**kept, "region": regions}


class _Script:
    """The entries read so far, and the symbols that an expression may use."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.symbols: dict[str, str] = {}
        self._values: dict[str, int] = {}  # a symbol is worked out once
        self.entries: dict[str, LinkerMemory] = {}

    def add(self, line: int, entry: _Entry) -> None:
        name = entry.name
        where = f"{self.path}:{line}: MEMORY entry '{name}'"
        if name in self.entries:
            raise ModelError(f"{where} stands there twice")
        try:
            origin, length = self.evaluate(entry.origin or ""), self.evaluate(entry.length)
        except (ValueError, ZeroDivisionError, RecursionError, OverflowError) as error:
            raise ModelError(f"{where}: {error}") from None
        if length <= 0:
            raise ModelError(f"{where}: LENGTH is {length}")
        if origin < 0 or origin + length > 1 << 32:
            raise ModelError(f"{where}: {origin:#x} to {origin + length:#x} is no 32-bit range")
        self.entries[name] = LinkerMemory(name, entry.attributes, origin, length)

    def value(self, symbol: str, depth: int) -> int:
        """The value of a symbol that the script sets."""
        if symbol not in self._values:
            self._values[symbol] = self.evaluate(self.symbols[symbol], depth)
        return self._values[symbol]

    def evaluate(self, text: str, depth: int = 0) -> int:
        if depth > _MAX_DEPTH:
            raise ValueError(f"'{_first_line(text)}' is nested too deeply")
        return _Expression(self, text, depth).value()


class _Expression:
    """A recursive-descent evaluation of one constant expression."""

    _LEVELS = (("|",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))

    def __init__(self, script: _Script, text: str, depth: int) -> None:
        self.script = script
        self.text = text.strip()
        self.depth = depth
        self.tokens: list[re.Match[str]] = []
        position = 0
        while position < len(self.text):
            token = _TOKEN.match(self.text, position)
            if token is None:
                raise ValueError(f"cannot work out '{_first_line(self.text)}'")
            self.tokens.append(token)
            position = token.end()
        self.next = 0

    def value(self) -> int:
        result = self.level(0, self.depth)
        if self.next != len(self.tokens):
            raise ValueError(f"cannot work out '{_first_line(self.text)}'")
        return result

    def peek(self) -> str:
        return self.tokens[self.next][0].strip() if self.next < len(self.tokens) else ""

    def expect(self, text: str) -> None:
        if self.peek() != text:
            raise ValueError(f"'{text}' is missing in '{_first_line(self.text)}'")
        self.next += 1

    def level(self, level: int, depth: int) -> int:
        if level == len(self._LEVELS):
            return self.operand(depth)
        left = self.level(level + 1, depth)
        while self.peek() in self._LEVELS[level]:
            operator = self.peek()
            self.next += 1
            left = _apply(operator, left, self.level(level + 1, depth))
            if abs(left) >> _MAX_BITS:
                raise ValueError(f"'{_first_line(self.text)}' has more than {_MAX_BITS} bits")
        return left

    def operand(self, depth: int) -> int:
        if depth > _MAX_DEPTH:
            raise ValueError(f"'{_first_line(self.text)}' is nested too deeply")
        if self.next >= len(self.tokens):
            raise ValueError(f"'{_first_line(self.text)}' ends too early")
        token = self.tokens[self.next]
        self.next += 1
        if token["number"]:
            return (
                int(token["number"], 0 if token["number"][:2].lower() == "0x" else 10)
                * (_SUFFIXES[token["suffix"].lower()])
            )
        if token["name"]:
            return self.name(token["name"], depth)
        match token["operator"]:
            case "(":
                result = self.level(0, depth + 1)
                self.expect(")")
                return result
            case "-":
                return -self.operand(depth + 1)
            case "+":
                return self.operand(depth + 1)
            case "~":
                return ~self.operand(depth + 1) & 0xFFFFFFFF
        raise ValueError(f"cannot work out '{_first_line(self.text)}'")

    def name(self, name: str, depth: int) -> int:
        if name in ("ORIGIN", "LENGTH", "org", "len"):
            self.expect("(")
            entry = self.peek()
            self.next += 1
            self.expect(")")
            entries = self.script.entries
            if entry not in entries:
                raise ValueError(
                    f"no MEMORY entry '{entry}' stands before{nearest(entry, entries)}"
                )
            return entries[entry].origin if name in ("ORIGIN", "org") else entries[entry].length
        symbols = self.script.symbols
        if name not in symbols:
            raise ValueError(f"symbol '{name}' is not set in the script{nearest(name, symbols)}")
        return self.script.value(name, depth + 1)


def _apply(operator: str, left: int, right: int) -> int:
    if operator in ("<<", ">>") and not 0 <= right < 64:
        raise ValueError(f"shift by {right}")
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left // right
        case "%":
            return left % right
        case "<<":
            return left << right
        case ">>":
            return left >> right
        case "&":
            return left & right
        case _:
            return left | right


def _split(
    path: str, memory: LinkerMemory, start: int, end: int, regions: Tree
) -> list[tuple[str, int, int]]:
    """Cut [start, end) where the part's regions begin: (region of the part, start, end)."""
    order = sorted(regions, key=lambda name: _base(regions[name]))
    pieces: list[tuple[str, int, int]] = []
    while start < end:
        below = [name for name in order if _base(regions[name]) <= start]
        if not below or (
            not pieces and start >= _base(regions[below[-1]]) + _size(regions[below[-1]])
        ):
            raise ModelError(
                f"{path}: MEMORY entry '{memory.name}' begins at {memory.origin:#010x}, where the"
                " part has no memory; choose the part whose map fits, or extend it in a TOML file"
            )
        above = [_base(regions[name]) for name in order if _base(regions[name]) > start]
        stop = min([end, *above[:1]])
        pieces.append((below[-1], start, stop))
        start = stop
    return pieces


def _piece(
    path: str, memory: LinkerMemory, part: Tree, part_name: str, low: int, high: int
) -> Tree:
    note = f"{Path(path).name}: {memory.name}"

    def fact(value: int, unit: str) -> dict[str, Any]:
        return {
            "value": value,
            "unit": unit,
            "source": "linker script",
            "status": "documented",
            "note": note,
        }

    region = {
        **part,
        "device": part.get("device", part_name),
        "base": fact(low, "address"),
        "size": fact(high - low, "B"),
        "device_offset": fact(low - _base(part), "B"),
    }
    attributes = memory.attributes.lower().partition("!")[0]
    if part["kind"] == "external" and "r" in attributes and "w" not in attributes:
        region["writable"] = False
    return region


def _region_name(name: str, taken: Tree) -> str:
    """The entry's name as a region name: lower case, and none of those taken."""
    base = re.sub(r"[^a-z0-9_]", "_", name.lower())
    base = base if base[:1].isalpha() else f"m{base}"
    candidate, number = base, 2
    while candidate in taken:
        candidate, number = f"{base}_{number}", number + 1
    return candidate


def _base(region: Tree) -> int:
    return int(region["base"]["value"])


def _size(region: Tree) -> int:
    return int(region["size"]["value"])


def _leading(text: str) -> int:
    return len(text) - len(text.lstrip())


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= 60 else line[:57] + "..."
