"""What of mcusim itself decides results: its code, its parts and the packages that it runs on."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from simcore import __version__
from simcore.resources import MANIFEST, data_folder

#: Folders of the package that decide no result: they start runs, judge and show them.
_NO_RESULT = ("cli", "report", "study")
#: Packages whose versions are not pinned by an exact number.
_PACKAGES = re.compile(
    r"((?:backports[._]zstd|bincopy|capstone|cmsis[._-]svd|lxml|pycxxfilt|pyelftools|unicorn)-[^-]+)"
    r"\.(?:dist|egg)-info",
    re.IGNORECASE,
)


def content_key(kind: str, content: Any, *, beside: str = "") -> str:
    """The key of an entry: a hash of plain values that decide it, and of mcusim.

    ``beside`` is a file of the package that decides it beside what decides every run.
    """
    decides = {"kind": kind, "tool": tool_fingerprint(), "content": content}
    if beside:
        decides["beside"] = _sha256(_package() / beside)
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


@cache
def tool_fingerprint() -> str:
    """mcusim's version with a hash of its code: no result outlives the code that made it.

    Beside the code these are the parts and prebuilt programs that ship with it, the C core, and
    the versions of Python and of packages that results come from.
    """
    digest = hashlib.sha256()
    for name, file in _files():
        digest.update(f"{name}\0{_sha256(file)}\n".encode())
    digest.update(repr((sys.version_info[:2], sys.byteorder, sorted(_packages()))).encode())
    return f"{__version__}+{digest.hexdigest()}"


def _package() -> Path:
    return Path(__file__).resolve().parent.parent


def _files() -> Iterator[tuple[str, Path]]:
    """All files that decide results, by names that are the same in every installation."""
    package = _package()
    for folder in sorted(entry.name for entry in os.scandir(package) if entry.is_dir()):
        if folder not in (*_NO_RESULT, "_data", "native", "__pycache__"):
            yield from _code(package / folder, folder)
    yield from ((file.name, file) for file in sorted(package.glob("*.py")))
    core = find_spec("simcore._core")  # an editable installation has it elsewhere
    if core is not None and core.origin is not None:
        yield "_core", Path(core.origin)
    for file in sorted(data_folder("cpu_models").glob("*.toml")):
        yield f"cpu_models/{file.name}", file
    yield MANIFEST, data_folder("kernels") / "prebuilt" / MANIFEST  # with their checksums


def _code(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _code(Path(entry.path), f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{name}/{entry.name}", Path(entry.path)


def _packages() -> set[str]:
    """Names with versions, as installers leave them; importlib.metadata takes 20 ms for it."""
    found: set[str] = set()
    for place in map(Path, sys.path):
        if place.is_dir():
            matches = map(_PACKAGES.fullmatch, (entry.name for entry in os.scandir(place)))
            found |= {match[1].lower() for match in matches if match}
    return found


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
