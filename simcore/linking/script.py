"""What must be known of a GNU ld script to edit it: MEMORY, and the output sections of SECTIONS.

Grammar: manual of GNU ld, chapter Scripts. What an output section holds is only looked through for
input section patterns. Offsets are characters of ``text``, in which files are in place of their
INCLUDE when they hold MEMORY or SECTIONS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from simcore.cpu_model.linker_script import memory_entries, without_comments
from simcore.errors import ConfigError
from simcore.files import is_file, read_regular
from simcore.linking.mapfile import MemoryRange
from simcore.log_text import one_line

MAX_SCRIPT_BYTES: Final = 1 << 20
MAX_INCLUDES: Final = 16

_TOKEN: Final = re.compile(
    r'(?P<space>\s+|/\*.*?\*/)|(?P<string>"[^"\n]*")|(?P<name>(?:(?!/\*)[\w.$\\~*?\[\]/-])(?:(?!/\*)[\w.$\\~*?\[\]/^!+-])*)'
    r"|(?P<mark>[{}();:=,<>&|+!^%@'-])",
    re.DOTALL,
)
_CALLS: Final = ("ASSERT", "PROVIDE", "PROVIDE_HIDDEN", "HIDDEN", "ENTRY", "EXTERN", "NOCROSSREFS")
_EXCLUDED: Final = re.compile(r"EXCLUDE_FILE\s*\([^()]*\)")
_SORTED: Final = re.compile(r"\bSORT\w*+\s*+\(|[()]")
_LISTS: Final = re.compile(r"\(([^()]*)\)")  # the innermost: of sections


class Token(NamedTuple):
    kind: str  # name, string or mark
    text: str
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class OutputSection:
    """An output section: [start, end) of it, (body, body_end) between its braces."""

    name: str
    start: int
    body: int
    body_end: int
    end: int
    head: str  # what stands between the name and the brace
    region: str | None
    load_region: str | None
    phdr: str | None = None  # the last of those that it names itself


@dataclass(frozen=True, slots=True)
class Script:
    """A linker script. ``sections`` in their order."""

    path: str
    text: str
    memory: tuple[MemoryRange, ...]
    sections: tuple[OutputSection, ...]
    sections_at: int  # where the first SECTIONS begins
    phdrs_end: int | None = None  # where PHDRS closes

    def those_that_take(self, names: Sequence[str]) -> Iterator[OutputSection]:
        """Output sections with a pattern for any of these input sections."""
        for section in self.sections:
            if section.name != "/DISCARD/" and any(
                takes(self.text[at:end], names) for at, end in self.statements(section)
            ):
                yield section

    def statements(self, section: OutputSection) -> list[tuple[int, int]]:
        """Where the statements of an output section begin and end."""
        found, start, depth, assigns = [], -1, 0, False
        tokens = list(_tokens(self.path, self.text, section.body, section.body_end))
        for index, token in enumerate(tokens):
            start = token.at if start < 0 else start
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "mark" else 0
            assigns = assigns or (depth == 0 and token.text.endswith("="))
            following = tokens[index + 1].text if index + 1 < len(tokens) else ""
            closes = token.text == ")" and depth == 0 and not assigns and following != ";"
            if closes or (token.text == ";" and depth == 0):
                found.append((start, token.end))
                start, assigns = -1, False
        return found

    def line(self, at: int) -> int:
        """The line of an offset."""
        return self.text.count("\n", 0, at) + 1


def takes(statement: str, names: Sequence[str]) -> bool:
    """Whether a statement's patterns match any of the input sections."""
    text = _without_sort(_EXCLUDED.sub(" ", without_comments(statement, lambda _: " ")))
    patterns = [p for found in _LISTS.findall(text) for p in re.split(r"[\s,]+", found) if p]
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _without_sort(text: str) -> str:
    """What SORT...() sorts, without it: in the list that it stands in."""
    kept: list[str] = []
    opened: list[bool] = []
    at = 0
    for found in _SORTED.finditer(text):
        sorts = opened.pop() if found[0] == ")" and opened else found[0][0] == "S"
        if found[0] != ")":
            opened.append(sorts)
        kept += [text[at : found.start()], " " if sorts else found[0]]
        at = found.end()
    return "".join((*kept, text[at:]))


def read_script(path: str | os.PathLike[str]) -> Script:
    """Read a script with what it includes. Raises ConfigError, one line with the line's number."""
    told = os.fspath(path)
    return parse_script(told, _read(told, told))


def parse_script(path: str, text: str) -> Script:
    """As `read_script`, of a script's text; files are looked for beside ``path``."""
    text = _with_includes(path, text)
    sections: list[OutputSection] = []
    sections_at, phdrs_end = -1, None
    tokens = list(_tokens(path, text, 0, len(text)))
    index = 0
    while index < len(tokens):
        token = tokens[index]
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.text in ("MEMORY", "SECTIONS", "PHDRS") and following == "{":
            end = _closing(path, text, tokens, index + 1)
            inside = tokens[index + 2 : end]
            if token.text == "SECTIONS":
                sections_at = token.at if sections_at < 0 else sections_at
                sections += _sections(path, text, inside)
            elif token.text == "PHDRS":
                phdrs_end = tokens[end].at
            index = end
        elif token.text in ("{", "("):
            index = _closing(path, text, tokens, index)
        elif token.text in ("}", ")"):
            raise _error(path, text, token.at, f"'{token.text}' closes nothing")
        index += 1
    if sections_at < 0:
        raise ConfigError(
            f"{one_line(path)}: has no SECTIONS that could be edited; give the script that holds"
            " them"
        )
    memory = [
        MemoryRange(entry.name, entry.origin, entry.length)
        for entry in memory_entries(one_line(path), text) or ()
    ]
    return Script(path, text, tuple(memory), tuple(sections), sections_at, phdrs_end)


def _read(path: str, told: str) -> str:
    try:
        data = read_regular(path, MAX_SCRIPT_BYTES)
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{one_line(told)}: is no linker script: not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"{one_line(told)}: cannot read the linker script: {reason}") from None


def _with_includes(path: str, text: str) -> str:
    """The text with files that hold MEMORY or SECTIONS in place of their INCLUDE."""
    for _ in range(MAX_INCLUDES):
        for token, name in _includes(path, text):
            file = next((f for f in _places(path, name.text) if is_file(f)), None)
            content = "" if file is None else _read(str(file), name.text)
            if file is None or re.search(r"\b(?:MEMORY|SECTIONS|INCLUDE)\b", content):
                if file is None:
                    raise _error(
                        path, text, token.at,
                        f"INCLUDE {name.text}: is neither beside the script nor here",
                    )  # fmt: skip
                text = f"{text[: token.at]}{content.rstrip()}{text[name.end :]}"
                break
        else:
            return text
    raise ConfigError(f"{one_line(path)}: more than {MAX_INCLUDES} files included; is it a circle?")


def _places(path: str, name: str) -> tuple[Path, ...]:
    name = name.strip('"')
    return Path(path).parent / name, Path(name)


def _includes(path: str, text: str) -> list[tuple[Token, Token]]:
    tokens = list(_tokens(path, text, 0, len(text)))
    return [
        (one, name)
        for one, name in pairwise(tokens)
        if one.text == "INCLUDE" and name.kind != "mark"
    ]


def _tokens(path: str, text: str, at: int, end: int) -> Iterator[Token]:
    while at < end:
        match = _TOKEN.match(text, at, end)
        if match is None:
            what = text[at : at + 20].split("\n")[0]
            if text.startswith("/*", at):
                raise _error(path, text, at, "a comment does not end")
            if text[at] == "#":
                raise _error(
                    path, text, at,
                    f"'{what}' is for the C preprocessor; give the script that ld reads",
                )  # fmt: skip
            raise _error(path, text, at, f"cannot read '{what}'")
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match[0], at, match.end())
        at = match.end()


def _closing(path: str, text: str, tokens: Sequence[Token], index: int) -> int:
    """The index of the token that closes the one at ``index``."""
    closes = {"{": "}", "(": ")"}
    expected: list[Token] = []
    for at in range(index, len(tokens)):
        token = tokens[at]
        if token.kind != "mark":
            continue
        if token.text in closes:
            expected.append(token)
        elif token.text in closes.values():
            opened = expected.pop()
            if token.text != closes[opened.text]:
                raise _error(path, text, opened.at, f"'{opened.text}' is not closed")
            if not expected:
                return at
    raise _error(path, text, tokens[index].at, f"'{tokens[index].text}' is not closed")


def _sections(path: str, text: str, tokens: Sequence[Token]) -> Iterator[OutputSection]:
    index = 0
    while index < len(tokens):
        first = tokens[index]
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if first.text in ("OVERLAY", "CONSTRUCTORS"):
            raise _error(path, text, first.at, f"{first.text} in SECTIONS cannot be edited")
        if first.text in _CALLS and following == "(":
            index = _closing(path, text, tokens, index + 1) + 1
            continue
        if first.text == "INCLUDE":
            index += 2
            continue
        if first.text == ";":
            index += 1
            continue
        at, brace = index, -1
        while at < len(tokens) and tokens[at].text != ";":
            if tokens[at].text == "{":
                brace = at
                break
            at += 1
        if brace < 0:  # an assignment
            if at == len(tokens):
                raise _error(path, text, first.at, f"'{first.text}' in SECTIONS does not end")
            index = at + 1
            continue
        if first.kind == "mark":
            raise _error(path, text, first.at, f"'{first.text}' begins no output section")
        closing = _closing(path, text, tokens, brace)
        index, region, load, phdr = _trailer(tokens, closing + 1)
        yield OutputSection(
            first.text, first.at, tokens[brace].end, tokens[closing].at, tokens[index - 1].end,
            without_comments(text[first.end : tokens[brace].at], lambda _: " "), region, load, phdr,
        )  # fmt: skip


def _trailer(tokens: Sequence[Token], index: int) -> tuple[int, str | None, str | None, str | None]:
    """Behind an output section: where it ends, its region, the one it is loaded from, its phdr."""
    region, load, phdr = None, None, None
    while index < len(tokens):
        text = tokens[index].text
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if text == ">" and following:
            region, index = following, index + 2
        elif text == "AT" and following == ">" and index + 2 < len(tokens):
            load, index = tokens[index + 2].text, index + 3
        elif text in (":", "=") and following:
            phdr = following if text == ":" else phdr
            index += 2
        elif text == ",":
            index += 1
        else:
            break
    return index, region, load, phdr


def _error(path: str, text: str, at: int, what: str) -> ConfigError:
    line = text.count("\n", 0, at) + 1
    return ConfigError(f"{one_line(path)}:{line}: {one_line(what)}")
