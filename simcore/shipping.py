"""Files that work names, on another machine: what they hold goes there, and paths are exchanged.

A worker keeps what it was sent as long as its process lives, in a folder of its own: each set of
files as a tree of the paths that they have at home, so that what lies beside what stays there.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from simcore.errors import ConfigError
from simcore.files import MOST_BYTES, is_folder, read_regular, replace_file


class Sent(NamedTuple):
    """A file as work names it: its absolute path at home and the SHA-256 of what it holds.

    Of a folder the hash is empty: of what is in it goes what is named.
    """

    name: str
    path: str
    sha256: str


class Parcel:
    """The files of many pieces of work; each is read once."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}  # by hash
        self._known: dict[str, Sent] = {}

    def add(self, names: Iterable[str]) -> tuple[Sent, ...]:
        """Files by their names. Raises ConfigError for one that cannot be read."""
        return tuple(self._add(name) for name in dict.fromkeys(names))

    def _add(self, name: str) -> Sent:
        if name not in self._known:
            path = os.path.abspath(name)  # noqa: PTH100  links stay as they are
            if is_folder(path):
                self._known[name] = Sent(name, path, "")
                return self._known[name]
            try:
                data = read_regular(path, MOST_BYTES)
            except OSError as error:
                raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
            sha256 = hashlib.sha256(data).hexdigest()
            self.contents[sha256] = data
            self._known[name] = Sent(name, path, sha256)
        return self._known[name]


def unpacked(
    files: Iterable[Sent], contents: Mapping[str, bytes], below: str | None = None
) -> dict[str, str]:
    """The files of a piece of work on this machine: their paths by their names at home.

    They lie in a folder of this process ``below`` one that is given, else where the system has
    temporary ones.
    """
    named = sorted(files)
    tree = hashlib.sha256(json.dumps(named).encode()).hexdigest()[:32]
    root = Path(_own_folder(below).name, tree)
    for file in named:
        place = Path(f"{root}{file.path}")
        if not file.sha256:
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            replace_file(place, contents[file.sha256])
    return {file.name: f"{root}{file.path}" for file in named}


@cache
def _own_folder(below: str | None) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mcusim-worker-", dir=below)  # gone with the process


def renamed(value: Any, paths: Mapping[str, str]) -> Any:
    """Plain data with other paths: in a text that is one, and in one that has one behind ``=``, in
    front of ``:``, or between."""
    return _mapped(value, lambda text: _renamed_text(text, paths)) if paths else value


def _renamed_text(text: str, paths: Mapping[str, str]) -> str:
    head, mark, rest = text.rpartition("=")
    file, colon, symbol = rest.rpartition(":")
    before = head + mark
    for name, front, behind in ((text, "", ""), (rest, before, ""), (file, before, colon + symbol)):
        if name in paths:
            return f"{front}{paths[name]}{behind}"
    return text


def packed_result(result: Any, paths: Mapping[str, str]) -> bytes:
    """What work gave, with the names that its files have at home."""
    data = pickle.dumps(result)
    if not any(path.encode() in data for path in paths.values()):
        return data
    names = sorted(((there, name) for name, there in paths.items()), key=lambda one: -len(one[0]))

    def at_home(text: str) -> str:
        for there, name in names:
            text = text.replace(there, name)
        return text

    return pickle.dumps(_mapped(result, at_home))


def _mapped(value: Any, change: Any) -> Any:
    """Plain data with each text of it changed; what has none is the same object."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, BaseException):
        value.args = tuple(_mapped(one, change) for one in value.args)
        return value
    if is_dataclass(value) and not isinstance(value, type):
        found = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        changed = {name: _mapped(one, change) for name, one in found.items()}
        other = {name: one for name, one in changed.items() if one is not found[name]}
        return replace(value, **other) if other else value
    if isinstance(value, dict):
        return {_mapped(key, change): _mapped(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        items = [_mapped(one, change) for one in value]
        if all(one is before for one, before in zip(items, value, strict=True)):
            return value
        if hasattr(value, "_fields"):  # a named tuple
            return type(value)(*items)
        return type(value)(items)
    return value
