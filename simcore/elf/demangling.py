"""Mangled names of C++ and Rust as their authors wrote them; hostile ones stay as they are.

LLVM's demanglers read them: the Itanium C++ ABI (``_Z``) and Rust's v0 scheme (``_R``). Rust's
older scheme is Itanium's with escapes and a hash at the end. What compilers append to a name of
their own, such as ``.constprop.0``, is put behind it in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import log2
from typing import Final

MAX_SYMBOL_CHARS: Final = 2048  # of 700,000 names of large programs the longest has 1,230
MAX_TEXT_CHARS: Final = 1 << 14  # of a name; more is of no use to a reader
# A name can repeat parts of itself, so a short one may stand for more text than memory holds. The
# demangler has no bound, so a name is not given to it where this much could come of it.
MAX_GROWTH: Final = 24  # log2 of how many characters of a symbol it prints, with repeated ones
MAX_IMAGE_CHARS: Final = 1 << 26  # of all names of a program

_MANGLED = re.compile(r"_?_Z[A-Z0-9a-z]|_?_R[A-Z0-9]")
_LEGACY_RUST = re.compile(r"(_ZN.*17h[0-9a-f]{16}E)(\..*)?", re.DOTALL)
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_ESCAPE = re.compile(r"\$(SP|BP|RF|LT|GT|LP|RP|C|u[0-9a-f]{1,6})\$")
_ESCAPES = {"SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ","}
# Tokens of a C++ name, as far as they matter to how long its text can be: references, which print
# again what stands before them; expansions, which print what follows once for each type of a pack;
# digits that are no length of an identifier; and lengths. No reading may hide a reference.
_TOKEN = re.compile(
    r"(?P<reference>S[0-9A-Z]*_|TL?[0-9]*_)"
    r"|(?P<expansion>Dp|sp|f[lrLR][0-9]*(?=[a-z][a-zA-Z]))"
    r"|DF[0-9]+|_[0-9]"
    r"|(?P<length>[1-9][0-9]*)(?=[A-DF-Za-z$])"
    r"|.",
    re.DOTALL,
)
_FLOAT = re.compile(r"_ZGR|L(?:[fdeg]|D.)[0-9a-f]{4}")  # other digits than lengths
_ANY_REFERENCE = re.compile(r"S[0-9A-Z]*_|TL?[0-9]*_")  # in identifiers, too
_ANY_EXPANSION = re.compile(r"Dp|sp|f[lrLR]")
_RUST_REFERENCE = re.compile(r"B[0-9A-Za-z]*_")
_THREE = log2(3) / 3


def is_mangled(symbol: str) -> bool:
    """Whether a name begins as a mangled one does."""
    return _MANGLED.match(symbol) is not None


class Demangler:
    """Demangles the names of one program, up to a bound on their sum."""

    def __init__(self) -> None:
        self._left = MAX_IMAGE_CHARS
        self._known: dict[str, str] = {}

    def __call__(self, symbol: str) -> str:
        """The name as its author wrote it; the symbol where it is not mangled, or too much."""
        if not is_mangled(symbol):
            return symbol
        if symbol not in self._known:
            found = _demangled(symbol) if self._left > 0 else None
            self._left -= len(found or "")
            if found is None or len(found) > MAX_TEXT_CHARS or not found.isprintable():
                found = symbol
            self._known[symbol] = found
        return self._known[symbol]


def _demangled(symbol: str) -> str | None:
    if len(symbol) > MAX_SYMBOL_CHARS or _growth(symbol) > MAX_GROWTH or not symbol.isascii():
        return None
    import pycxxfilt  # 2.5 ms that only a program with such names pays

    name = symbol[1:] if symbol.startswith("__") else symbol
    rust = _LEGACY_RUST.fullmatch(name)
    if rust is not None:
        head, tail = rust[1], rust[2] or ""
    else:
        head, dot, tail = name.partition(".")  # no scheme has a dot in its names
        tail = dot + tail
    read: Callable[[str], str | None]
    read = pycxxfilt.rust_demangle if name[1] == "R" else pycxxfilt.itanium_demangle
    try:
        text = read(head)
    except ValueError:
        return None
    if not text or text == head:
        return None
    if rust is not None:
        text = _unescaped(text)
    return f"{text} [{tail}]" if tail else text


def _unescaped(text: str) -> str:
    """A path of Rust's legacy scheme, which C++'s demangler has read, without escapes and hash."""
    text = _RUST_HASH.sub("", text)
    text = re.sub(r"(^|::)_(?=\$)", r"\1", text).replace("..", "::")

    def character(match: re.Match[str]) -> str:
        code = match[1]
        if code in _ESCAPES:
            return _ESCAPES[code]
        value = int(code[1:], 16)
        return chr(value) if 0x20 <= value < 0x11_0000 else match[0]

    return _ESCAPE.sub(character, text)


def _growth(symbol: str) -> float:
    """log2 of a bound on how many characters of a name, repeated ones too, are printed.

    With k references a part can be printed 3 ** (k / 3) times at most: three references to a part
    of three references, and so on. A pack has at most as many types as the name has characters.
    """
    length = log2(len(symbol))
    if symbol.lstrip("_")[0] == "R":
        return length + len(_RUST_REFERENCE.findall(symbol)) * _THREE
    quick = length * (1 + len(_ANY_EXPANSION.findall(symbol)))
    quick += len(_ANY_REFERENCE.findall(symbol)) * _THREE
    if quick <= MAX_GROWTH:
        return quick
    references = expansions = at = 0
    skip = not _FLOAT.search(symbol)
    rest = []  # what is no identifier
    while at < len(symbol):
        token = _TOKEN.match(symbol, at)
        assert token is not None
        references += token.lastgroup == "reference"
        expansions += token.lastgroup == "expansion"
        rest.append(token[0])
        at = token.end()
        if token.lastgroup == "length" and skip:
            at += int(token[0]) if len(token[0]) < 5 else len(symbol)
    packs = expansions * log2(len("".join(rest))) if any("J" in part for part in rest) else 0.0
    return length + packs + references * _THREE
