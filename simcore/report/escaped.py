"""Texts of a result that are one printable line each: the last border in front of a document.

Names are made printable where they are read (ELF, DWARF, saved documents); this holds whatever way
a text came, so that no document moves a cursor or begins a line by what a program is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from simcore.log_text import harmless, one_line

Found = TypeVar("Found")

#: What no document of ours holds: controls but for line ends and tabs, and lone surrogates. The
#: colours of a text are its own.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|\x1b(?!\\[[0-9;]*m)"
)


def escaped(found: Found, left: Collection[str] = ()) -> Found:
    """The same with every text in it a line, but for fields named in ``left``."""
    return _escaped(found, left)  # type: ignore[no-any-return]


def _escaped(value: Any, left: Collection[str]) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return tuple([_escaped(each, left) for each in value])
    if isinstance(value, dict):
        made = {_escaped(key, left): _escaped(each, left) for key, each in value.items()}
        return value if made == value else made
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {}
    for field in fields(value):
        if field.init and field.name not in left:
            old = getattr(value, field.name)
            if (new := _escaped(old, left)) is not old and new != old:
                changes[field.name] = new
    return replace(value, **changes) if changes else value


def rendered_safely(
    render: Callable[[Found], str | bytes],
    found: Found,
    *,
    escapes: bool = False,
    left: Collection[str] = (),
) -> str | bytes:
    """What ``render`` makes; of escaped texts when asked, or when it would hold what no document
    does. Fields named in ``left`` are texts of many lines of our own.

    To look at the document takes a thousandth of the time that it takes to escape every name.
    """
    if escapes:
        return render(escaped(found, left))
    made = render(found)
    if isinstance(made, str) and _UNSAFE.search(made):
        made = render(escaped(found, left))
    return made


def document_of(
    render: Callable[[Found], str | bytes],
    found: Found,
    format_name: str,
    left: Collection[str] = (),
) -> str:
    """What ``render`` makes in this format, in which no name is more than a name.

    The lines of a text are its own: names lose their line ends, and no line commands a CI. Other
    formats quote line ends, or have blanks in their place.
    """
    is_text = format_name == "text"
    made = str(rendered_safely(render, found, escapes=is_text, left=left))
    return "\n".join(map(harmless, made.split("\n"))) if is_text else made
