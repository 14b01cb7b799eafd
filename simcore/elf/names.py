"""What functions and data are called: names as their authors wrote them, each of one thing only.

A name is the demangled symbol. Where two functions of a program would have one name, something
tells them apart behind it in brackets: which constructor it is, the file of a static function, else
the address. People may use any spelling: the name, the symbol, either of another symbol at the same
address, and each without parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from simcore.elf.demangling import Demangler, is_mangled
from simcore.elf.image import Function, Image, Symbol
from simcore.records import dataclass

SHOWN_ALIASES = 4  # a default handler of interrupts has a hundred

# "non-virtual thunk to f()" and "vtable for C" are no f and no C with a return type in front.
_SPECIAL = re.compile(
    r"(?:non-virtual |virtual |covariant return )?thunk to "
    r"|[a-z -]*(?:variable|vtable|VTT|typeinfo|name|routine|object|parameter)[a-z -]* for "
)
_BEHIND = (" const", " volatile", " noexcept", " &", " &&")
_OPERATOR = re.compile(
    r"operator ?(?:\(\)|\[\]|->\*?|<=>|<<=?|>>=?|<=?|>=?|\"\" ?\w+"
    r"|(?:new|delete)(?:\[\])?|co_await|[-+*/%^&|~!=,]{1,2}| )"
)
# Which of the functions of one constructor or destructor it is: Itanium C++ ABI, 5.1.4.3; of GCC
# the code that several of them share.
_STRUCTORS = {
    "C1": "complete", "C2": "base", "C3": "allocating", "C4": "shared", "D0": "deleting",
    "D1": "complete", "D2": "base", "D4": "shared",
}  # fmt: skip
_STRUCTOR = re.compile(r"[CD][0-4]")
_SPACE = re.compile(r"(?<=,) ++|(?<! ) ++(?=>)")


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something with an address: its demangled symbol, and the symbol."""

    text: str
    symbol: str
    address: int


def with_names(image: Image, demangle: bool = True) -> Image:
    """The image with functions that are called as their authors call them, no two by one name.

    ``demangle``: False keeps symbols as they are.
    """
    read: Callable[[str], str] = Demangler() if demangle else str
    entries = [_Entry(read(f.raw), f.raw, f.start) for f in image.functions]
    names = _distinct(entries, image.file_at)
    others = _other_symbols(image)
    functions = tuple(
        replace(
            function,
            name=name,
            symbol=None if name == function.raw else function.raw,
            aliases=_aliases(entry, others.get(function.start, ()), read),
        )
        for function, entry, name in zip(image.functions, entries, names, strict=True)
    )
    return replace(image, functions=functions, data_names=_data_names(image, read))


def _aliases(entry: _Entry, symbols: Iterable[str], read: Callable[[str], str]) -> tuple[str, ...]:
    """Other names than an entry's own of its address: each as written, and its symbol."""
    found: dict[str, None] = {}
    for symbol in symbols:
        if symbol != entry.symbol:
            found |= dict.fromkeys((read(symbol), symbol))
    found.pop(entry.text, None)
    return tuple(found)


def _other_symbols(image: Image) -> dict[int, list[str]]:
    """Names of functions and of entries that are not local labels, by address."""
    starts = {function.start for function in image.functions}
    found: dict[int, list[str]] = {}
    for symbol in image.symbols:
        is_entry = symbol.kind == "function" or (symbol.kind == "label" and _is_visible(symbol))
        if is_entry and symbol.address in starts:
            found.setdefault(symbol.address, []).append(symbol.name)
    return found


def _is_visible(symbol: Symbol) -> bool:
    return symbol.binding != "local" and symbol.section != ""


def _data_names(image: Image, read: Callable[[str], str]) -> dict[tuple[str, int], str]:
    """Names of data symbols that are not called as they are spelt, by symbol and address."""
    entries = {
        (symbol.name, symbol.address): _Entry(read(symbol.name), symbol.name, symbol.address)
        for symbol in image.symbols
        if symbol.kind == "object" and symbol.section
    }
    names = _distinct(list(entries.values()), image.file_at)
    return {key: name for key, name in zip(entries, names, strict=True) if name != key[0]}


def _distinct(entries: Sequence[_Entry], file_at: Callable[[int], str | None]) -> list[str]:
    """A name for each entry that no other has."""
    names = [entry.text for entry in entries]
    for tell in (_structors, _files(file_at), _addresses):
        groups: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            groups.setdefault(name, []).append(index)
        shared = [group for group in groups.values() if len(group) > 1]
        if not shared:
            break
        for group in shared:
            for index, note in zip(group, tell([entries[i] for i in group]), strict=True):
                if note:
                    names[index] = f"{entries[index].text} [{note}]"
    return names


def _structors(group: Sequence[_Entry]) -> list[str]:
    """Which constructor or destructor each of a group is; nothing for what is none."""
    symbols = [entry.symbol for entry in group]
    for match in _STRUCTOR.finditer(symbols[0]):
        at = match.end()
        bare = {symbol[: at - 1] + symbol[at:] for symbol in symbols}
        marks = [symbol[at - 2 : at] for symbol in symbols]
        if len(bare) == 1 and len(set(marks)) > 1 and all(mark in _STRUCTORS for mark in marks):
            return [_STRUCTORS[mark] for mark in marks]
    return [""] * len(group)


#: An object file that a compiler's driver made and removed: another name in each build.
_TEMPORARY: Final = re.compile(r"cc\w{6}\.o")


def _files(file_at: Callable[[int], str | None]) -> Callable[[Sequence[_Entry]], list[str]]:
    def tell(group: Sequence[_Entry]) -> list[str]:
        files = [file_at(entry.address) or "" for entry in group]
        files = ["" if _TEMPORARY.fullmatch(file) else file for file in files]
        return [file if files.count(file) == 1 else "" for file in files]

    return tell


def _addresses(group: Sequence[_Entry]) -> list[str]:
    return [f"0x{entry.address:08x}" for entry in group]


# -- spellings -------------------------------------------------------------------------------------


def without_brackets(name: str) -> str:
    """A name without what tells it from others of the program, and what a compiler made of it."""
    end = len(name)
    while end and name[end - 1] == "]":
        begin = name.rfind("[", 0, end)
        if begin < 1 or name[begin - 1] != " " or "]" in name[begin : end - 1]:
            break
        end = begin - 1
    return name[:end]


def _without_qualifiers(name: str) -> str:
    """Without what stands behind the parameters: const, noexcept, a clause of requirements."""
    required = name.find(" requires ")
    end = required if required >= 0 else len(name)
    while found := next((each for each in _BEHIND if name.endswith(each, 0, end)), ""):
        end -= len(found)
    return name[:end]


def special_prefix(name: str) -> str:
    """What stands in front of the name that the compiler made a thing for: ``vtable for ``."""
    found = _SPECIAL.match(name)
    return found[0] if found else ""


@lru_cache(maxsize=1 << 16)
def without_parameters(name: str) -> str:
    """The qualified name of a function: ``ns::Class<int>::f`` of ``void ns::Class<int>::f(int)``.

    A name that is not of that form comes back as it is.
    """
    text = without_brackets(name)
    if "(" not in text and " " not in text:
        return text
    if special_prefix(text):
        return text
    bare = _without_qualifiers(text)
    if not bare.endswith(")") or bare.endswith("operator()"):
        return text
    depth = 0
    for at in range(len(bare) - 1, -1, -1):
        depth += (bare[at] == ")") - (bare[at] == "(")
        if not depth:
            return _without_return_type(bare[:at]) or text
    return text


def _without_return_type(text: str) -> str:
    """What stands behind the last space outside of brackets; an operator's are no brackets."""
    depth = at = start = 0
    while at < len(text):
        operator = None if depth else _OPERATOR.match(text, at)
        if operator is not None and (
            at == 0 or not (text[at - 1].isalnum() or text[at - 1] == "_")
        ):
            return text[start:]  # a type behind it has spaces of its own
        if text[at] in "(<[{":
            depth += 1
        elif text[at] in ")>]}" and text[at - 1 : at + 1] != "->":
            depth -= 1
        elif text[at] == " " and not depth:
            start = at + 1
        at += 1
    return text[start:]


@lru_cache(maxsize=1 << 14)
def spellings(name: str, symbol: str | None, aliases: tuple[str, ...] | None) -> Collection[str]:
    """All that people may call something by, its name first."""
    if symbol is None and not aliases and "(" not in name and not name.endswith("]"):
        return (name,)
    found = [name, without_brackets(name), without_parameters(name)]
    for other in (*(() if symbol is None else (symbol,)), *(aliases or ())):
        found += [other, without_parameters(other)]
    return tuple(dict.fromkeys(found))


def spellings_of(function: Function) -> Collection[str]:
    """All that people may call a function by."""
    return spellings(function.name, function.symbol, function.aliases)


def matches(spelt: Iterable[str], pattern: str) -> bool:
    """Whether a name or glob is, or matches, one of the spellings.

    Spaces behind commas and between brackets do not count: ``f(int,int)`` is ``f(int, int)``.
    """
    # A C++ name may hold brackets and stars, which a glob would read as its own.
    folded = _folded(pattern)
    return any(_folded(one) == folded or fnmatchcase(_folded(one), folded) for one in spelt)


def matches_exactly(spelt: Iterable[str], name: str) -> bool:
    """Whether a name is one of the spellings; spaces count as in :func:`matches`."""
    folded = _folded(name)
    return any(_folded(one) == folded for one in spelt)


def _folded(name: str) -> str:
    return _SPACE.sub("", name) if " " in name else name


def also(aliases: Iterable[str] | None) -> str:
    """Other names of an address in a few words for people, "" without any."""
    names = [name for name in aliases or () if not is_mangled(name)]
    if not names:
        return ""
    more = f" and {len(names) - SHOWN_ALIASES} more" if len(names) > SHOWN_ALIASES else ""
    return f"also {', '.join(names[:SHOWN_ALIASES])}{more}: the calls of all its names are summed"


def names_for_hints(functions: Iterable[Function]) -> list[str]:
    """The names that a message may offer: of a C++ function without its parameters."""
    return list(
        dict.fromkeys(
            without_parameters(f.name) if is_mangled(f.raw) else f.name for f in functions
        )
    )
