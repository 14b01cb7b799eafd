"""C sources of the suite in parts that can be left out: functions, structs and macros.

They are written as .clang-format has them: what begins in the first column ends there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_STRUCT: Final = re.compile(r"struct (\w+) \{")
_DEFINE: Final = re.compile(r"#define (\w+)")
#: A macro that makes a function: NAME(op_..., ...).
_MADE: Final = re.compile(r"[A-Z][A-Z0-9_]*\((\w+),")
_FUNCTION: Final = re.compile(r"(?!typedef\b|enum\b|union\b|return\b)[A-Za-z_][\w *]*\b(\w+)\(")
_ATTRIBUTE: Final = re.compile(r"__attribute__\(\(\w+(?:\([^()]*\))?\)\) ?")
_BLANK: Final = re.compile(r"\n{3,}")


class SourcePart(NamedTuple):
    """Text of a source; ``defines`` is None of what is never left out, ``names`` what it needs.

    ``is_shared``: other files may call it.
    """

    text: str
    defines: str | None
    names: frozenset[str]
    is_shared: bool = False


def parts_of(text: str) -> tuple[SourcePart, ...]:
    """A source in parts, in order, with the comment in front of each."""
    return tuple(_parts(text.splitlines(keepends=True)))


def joined(parts: Iterator[SourcePart]) -> str:
    """The text of some parts, without the gaps that others leave."""
    return _BLANK.sub("\n\n", "".join(part.text for part in parts))


def _parts(lines: list[str]) -> Iterator[SourcePart]:
    at, comment = 0, ""
    while at < len(lines):
        if lines[at].startswith("/*"):
            end = at
            while "*/" not in lines[end]:
                end += 1
            yield from _kept(comment)
            comment, at = "".join(lines[at : end + 1]), end + 1
            continue
        found = _definition(lines, at)
        if found is None:
            yield from _kept(comment)
            yield _part(lines[at], None)
            at += 1
        else:
            name, end = found
            yield _part(comment + "".join(lines[at:end]), name)
            at = end
        comment = ""
    yield from _kept(comment)


def _kept(comment: str) -> Iterator[SourcePart]:
    if comment:
        yield _part(comment, None)


def _part(text: str, defines: str | None) -> SourcePart:
    code = _COMMENT.sub(" ", text)
    names = frozenset(_NAME.findall(code)) - {defines}
    first = _ATTRIBUTE.sub("", code.lstrip())
    is_made = _MADE.match(first) is not None and (defines or "").startswith("op_")
    is_function = _FUNCTION.match(first) is not None and _STRUCT.match(first) is None
    is_shared = is_made or (is_function and not first.startswith("static "))
    return SourcePart(text, defines, names, defines is not None and is_shared)


def _definition(lines: list[str], at: int) -> tuple[str, int] | None:
    """What begins at a line, and the line behind its end; None of anything else."""
    line = lines[at]
    if (found := _DEFINE.match(line)) is not None:
        end = at
        while lines[end].rstrip().endswith("\\"):
            end += 1
        return found[1], end + 1
    if (found := _STRUCT.match(line)) is not None:
        return found[1], _behind(lines, at)
    if (found := _MADE.match(line)) is not None:
        return found[1], at + 1
    if (found := _FUNCTION.match(_ATTRIBUTE.sub("", line))) is not None:
        head = at
        while not lines[head].rstrip().endswith((";", "{", "}")):
            head += 1
        if lines[head].rstrip().endswith("{"):
            return found[1], _behind(lines, head)
    return None


def _behind(lines: list[str], at: int) -> int:
    """Behind the line that closes what is open at one."""
    while at < len(lines) and not lines[at].startswith("}"):
        at += 1
    return at + 1
