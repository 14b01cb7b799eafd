"""Which functions of the suite's C files some kernels need, and the files with these alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from simcore.errors import ConfigError
from simcore.network.export.c_parts import SourcePart, joined, parts_of
from simcore.resources import data_folder

_FOLDERS: Final = ("runner", "src")  # below kernels
_ENTRY: Final = "main.c"  # of the runner, which is no part of an export
_OPS: Final = "ops.h"  # declares all kernels
_INCLUDED: Final = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_INCLUDE: Final = "#include "
_ENUM: Final = re.compile(r"\benum(?: \w+)? \{([^}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_CALLED: Final = re.compile(r"\b(\w+)\(")  # prototypes, and what inline functions call
_TYPE: Final = re.compile(r"^typedef [^;]*\b(\w+);", re.MULTILINE)

_Place = tuple[str, int]  # a file and the number of a part


class _File(NamedTuple):
    parts: tuple[SourcePart, ...]
    includes: tuple[str, ...]
    is_header: bool


@cache
def _files() -> dict[str, _File]:
    """All sources and headers of kernels by name. Raises ConfigError when they are not there."""
    kernels = data_folder("kernels")
    found: dict[str, _File] = {}
    for folder in _FOLDERS:
        for path in sorted((kernels / folder).glob("*.[ch]")):
            if path.name != _ENTRY:
                found[path.name] = _read(path)
    if not found:
        raise ConfigError(f"{kernels}: the sources of kernels are missing: reinstall mcusim")
    return found


def _read(path: Path) -> _File:
    text = path.read_text(encoding="utf-8")
    return _File(parts_of(text), tuple(_INCLUDED.findall(text)), path.suffix == ".h")


def kernel_sources(kernels: Iterable[str]) -> dict[str, str]:
    """Name and text of each file that ``kernels`` need, headers too, in order of their names.

    A source has the functions, structs and macros that they reach and no others; headers are
    whole, and taken where a name of theirs is used. Raises ConfigError when a kernel is in no file.
    """
    files, everywhere = _files(), _everywhere()
    waiting: list[_Place] = []
    for kernel in sorted(set(kernels)):
        if kernel not in everywhere:
            raise ConfigError(f"{kernel}: no source of kernels defines it: reinstall mcusim")
        waiting += everywhere[kernel]
    reached: set[_Place] = set()
    while waiting:
        place = waiting.pop()
        if place in reached:
            continue
        reached.add(place)
        name, number = place
        waiting += [(name, at) for at, one in enumerate(files[name].parts) if one.defines is None]
        part = files[name].parts[number]
        if not part.text.startswith(_INCLUDE):
            here = _here(name)
            for used in part.names:
                waiting += here.get(used) or everywhere.get(used) or []
    found: dict[str, str] = {}
    headers: set[str] = set()
    for name in sorted({name for name, _ in reached}):
        kept = [part for at, part in enumerate(files[name].parts) if (name, at) in reached]
        names = frozenset[str]().union(*(p.names for p in kept if not p.text.startswith(_INCLUDE)))
        includes = [one for one in files[name].includes if one in files]
        unused = [one for one in includes if one not in (_OPS, f"{name[:-1]}h")]
        unused = [one for one in unused if not names & _says(one)]
        headers.update(one for one in includes if one not in unused)
        lines = {f'{_INCLUDE}"{one}"' for one in unused}
        found[name] = joined(part for part in kept if part.text.rstrip() not in lines)
    for name in headers:
        found |= {one: "".join(part.text for part in files[one].parts) for one in _with_own(name)}
    return dict(sorted(found.items()))


@cache
def _here(name: str) -> dict[str, list[_Place]]:
    """Parts of a file by what they define; a macro may be defined twice."""
    found: dict[str, list[_Place]] = {}
    for number, part in enumerate(_files()[name].parts):
        if part.defines is not None:
            found.setdefault(part.defines, []).append((name, number))
    return found


@cache
def _everywhere() -> dict[str, list[_Place]]:
    """Functions of sources that others may call."""
    return {
        function: places
        for name, file in _files().items()
        if not file.is_header
        for function, places in _here(name).items()
        if all(_files()[name].parts[at].is_shared for _, at in places)
    }


@cache
def _with_own(name: str) -> frozenset[str]:
    """A header with those that it includes."""
    own = (one for one in _files()[name].includes if one in _files())
    return frozenset({name}).union(*map(_with_own, own))


@cache
def _says(name: str) -> frozenset[str]:
    """What a header, and those that it includes, define and declare."""
    found: set[str] = set()
    for part in (part for one in _with_own(name) for part in _files()[one].parts):
        if part.defines is not None:
            found.add(part.defines)
        for listed in _ENUM.findall(part.text):
            found.update(_NAME.findall(listed))
        found.update(_CALLED.findall(part.text), _TYPE.findall(part.text))
    return frozenset(found)
