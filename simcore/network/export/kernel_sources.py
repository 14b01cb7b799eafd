"""Which of the suite's C files some kernels need: by the functions that they define and name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from simcore.errors import ConfigError
from simcore.resources import data_folder

_FOLDERS: Final = ("runner", "src")  # below kernels
_ENTRY: Final = "main.c"  # of the runner, which is no part of an export

_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
#: A function at the start of a line, or one that a macro of its file makes: NAME(op_..., ...).
_DEFINED: Final = re.compile(
    r"^(?!static\b|typedef\b|return\b)[A-Za-z_][\w ]*[ *](\w+)\([^;{]*\{|^[A-Z_]+\((op_\w+),",
    re.MULTILINE,
)
_INCLUDED: Final = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


class _File(NamedTuple):
    text: str
    defines: frozenset[str]
    names: frozenset[str]
    includes: tuple[str, ...]


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
    code = _COMMENT.sub(" ", text)
    defines = frozenset(one or other for one, other in _DEFINED.findall(code))
    names = frozenset(_NAME.findall(code))
    if path.suffix == ".h":  # a header names more than is used of it
        defines, names = frozenset(), frozenset()
    return _File(text, defines, names, tuple(_INCLUDED.findall(code)))


def kernel_sources(kernels: Iterable[str]) -> dict[str, str]:
    """Name and text of each file that ``kernels`` need, headers too, in order of their names.

    Raises ConfigError when a kernel is in no file.
    """
    files, defined = _files(), _defined()
    needed: set[str] = set()
    waiting = []
    for kernel in sorted(set(kernels)):
        if kernel not in defined:
            raise ConfigError(f"{kernel}: no source of kernels defines it: reinstall mcusim")
        waiting.append(defined[kernel])
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        file = files[name]
        waiting += [other for other in file.includes if other in files]
        waiting += [defined[used] for used in file.names if used in defined]
    return {name: files[name].text for name in sorted(needed)}


def _defined() -> dict[str, str]:
    return {function: name for name, file in _files().items() for function in file.defines}
