"""What rows of a run are called: the same in baselines and in every report, no two by one name.

A name without doubt stays as it is. Of rows that share one, each has behind it in brackets what
tells it apart: its file, as much of the path as it takes; else its address or number; else which of
them it is, in the order in which they first ran. Limits and people may leave the brackets out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Protocol, TypeVar


class NamedRow(Protocol):
    """A function, an operation, an interrupt or a task: it has a name, perhaps a file, an address,
    or a number."""

    @property
    def name(self) -> str: ...


Row = TypeVar("Row", bound=NamedRow)

#: The last note behind a name.
_NOTE = re.compile(r"(?<=\S) \[([^\[\]]+)\]$")
#: Notes that tell no file: an address, a number, which constructor, what a compiler made.
_ADDRESS = re.compile(r"0x[0-9a-f]{8}")
_NO_FILE = re.compile(r"[0-9]+|complete|base|allocating|shared|deleting|clone .*")


def unique_names(rows: Iterable[NamedRow]) -> list[str]:
    """A name for each row that no other of them has."""
    rows = list(rows)
    names = [row.name for row in rows]
    tells: tuple[Callable[[Sequence[Any]], list[str]], ...] = (_files, _addresses, _numbers)
    for tell in tells:
        shared = {name for name, many in Counter(names).items() if many > 1}
        if not shared:
            return names
        for name in sorted(shared):
            group = [index for index, other in enumerate(names) if other == name]
            notes = tell([rows[index] for index in group])
            for index, note in zip(group, notes, strict=True):
                if note:
                    names[index] = f"{name} [{note}]"
    return _counted(names)


def noted_file(name: str) -> str:
    """The file that the brackets behind a name tell, or the end of its path; "" without."""
    found = _NOTE.search(name) if name.endswith("]") else None
    if found is None or _ADDRESS.fullmatch(found[1]) or _NO_FILE.fullmatch(found[1]):
        return ""
    if found[1].startswith("."):  # what the compiler made of it: [.constprop.0]
        return ""
    return found[1]


def with_file(name: str, file: str | None, note: str) -> str | None:
    """A name with its file in brackets, when ``note`` is that file or the end of its path."""
    return f"{name} [{note}]" if file and note and _is_end(_parts(note), _parts(file)) else None


def may_be_one(old: NamedRow, new: NamedRow) -> bool:
    """False for rows of two files where the name of one tells which of its name it is."""
    notes = noted_file(old.name), noted_file(new.name)
    if not any(notes) and not any(_has_address(row.name) for row in (old, new)):
        return True
    first, second = (
        _parts(note or getattr(row, "file", None) or "")
        for note, row in zip(notes, (old, new), strict=True)
    )
    return old.name == new.name or _is_end(first, second) or _is_end(second, first)


def _has_address(name: str) -> bool:
    found = _NOTE.search(name) if name.endswith("]") else None
    return found is not None and _ADDRESS.fullmatch(found[1]) is not None


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path.replace("\\", "/")).parts


def _is_end(end: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return bool(end) and path[-len(end) :] == end


def named_apart(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The same rows, each by its unique name."""
    return tuple(
        row if row.name == name else replace(row, name=name)  # type: ignore[type-var]
        for row, name in zip(rows, unique_names(rows), strict=True)
    )


def _files(group: Sequence[Any]) -> list[str]:
    """The shortest ends of their paths that differ; nothing for what has no file of its own."""
    paths = [_parts(getattr(row, "file", None) or "") for row in group]
    counted = Counter(paths)
    notes = []
    for path in paths:
        note = ""
        if path and counted[path] == 1:
            for many in range(1, len(path) + 1):
                note = "/".join(path[-many:])
                if sum(other[-many:] == path[-many:] for other in paths) == 1:
                    break
        notes.append(note)
    return notes


def _addresses(group: Sequence[Any]) -> list[str]:
    found = [getattr(row, "address", None) for row in group]
    return ["" if one is None or found.count(one) > 1 else f"0x{one:08x}" for one in found]


def _numbers(group: Sequence[Any]) -> list[str]:
    found = [getattr(row, "number", None) for row in group]
    return ["" if one is None or found.count(one) > 1 else str(one) for one in found]


def _counted(names: Sequence[str]) -> list[str]:
    """Names of which the second by a name is ``name [2]``."""
    taken = set(names)
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        new, number = name, seen[name]
        while number > 1:
            new = f"{name} [{number}]"
            if new not in taken:
                taken.add(new)
                break
            number += 1
        found.append(new)
    return found
