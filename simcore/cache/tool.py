"""What of mcusim itself decides results: its code, its parts and the packages that it runs on."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from simcore import __version__
from simcore.cache.place import NO_ROOM
from simcore.cache.room import Room
from simcore.resources import MANIFEST, data_folder

KIND = "tool"
_HASH_DIGITS = 64
#: Folders of the package that decide no result: they start runs, judge and show them.
_NO_RESULT = ("cli", "kept", "report", "store", "study", "sweep")
#: Those of them that reports come from, too, and the packages that write these.
_REPORTS = ("cli", "kept", "report")
_WRITERS = ("click", "numpy", "rich", "scipy")
#: Packages that results come from and whose versions are free in a range.
_PACKAGES = (
    "backports.zstd", "bincopy", "capstone", "cmsis-svd", "lxml", "pycxxfilt", "pyelftools",
    "unicorn",
)  # fmt: skip


def content_key(
    kind: str, content: Any, *, beside: str = "", room: Room = NO_ROOM, shown: bool = False
) -> str:
    """The key of an entry: a hash of plain values that decide it, and of mcusim.

    ``beside`` is a file of the package that decides it beside what decides every run; ``shown``:
    it is a report, which the code that writes reports decides as well. ``room`` remembers the hash
    of mcusim.
    """
    decides = {"kind": kind, "tool": tool_fingerprint(room, shown), "content": content}
    if beside:
        decides["beside"] = _sha256(_package() / beside)
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


@cache
def tool_fingerprint(room: Room = NO_ROOM, shown: bool = False) -> str:
    """mcusim's version with a hash of its code: no result outlives the code that made it.

    ``shown``: with the code that starts runs and writes reports.

    Beside the code these are the parts and prebuilt programs that ship with it, the C core, and
    the versions of Python and of packages that results come from. ``room`` remembers the hash as
    long as no file changes, which saves reading them all.
    """
    files = list(_files(shown))
    states = [(name, *_state(file)) for name, file in files]
    key = hashlib.sha256(repr((str(_package()), states)).encode()).hexdigest()
    known = room.get(KIND, key)
    if known is None or len(known) != _HASH_DIGITS:
        digest = hashlib.sha256()
        for name, file in files:
            digest.update(f"{name}\0{_sha256(file)}\n".encode())
        known = digest.hexdigest().encode()
        room.put(KIND, key, known)
    around = (known.decode("ascii", "replace"), sys.version_info[:2], sys.byteorder)
    packages = sorted(_packages(_PACKAGES + (_WRITERS if shown else ())))
    return f"{__version__}+{hashlib.sha256(repr((around, packages)).encode()).hexdigest()}"


def _state(file: Path) -> tuple[int, int, int, int]:
    """What changes when a file does: the time of its change can be set by nobody."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _package() -> Path:
    return Path(__file__).resolve().parent.parent


def _files(shown: bool = False) -> Iterator[tuple[str, Path]]:
    """All files that decide results, by names that are the same in every installation."""
    package = _package()
    for folder in sorted(entry.name for entry in os.scandir(package) if entry.is_dir()):
        if folder in _NO_RESULT and not (shown and folder in _REPORTS):
            continue
        if folder not in ("_data", "native", "__pycache__"):
            yield from _code(package / folder, folder)
    yield from ((file.name, file) for file in sorted(package.glob("*.py")))
    core = find_spec("simcore._core")  # an editable installation has it elsewhere
    if core is not None and core.origin is not None:
        yield "_core", Path(core.origin)
    for file in sorted(data_folder("cpu_models").glob("*.toml")):
        yield f"cpu_models/{file.name}", file
    kernels = data_folder("kernels")
    for manifest in (f"prebuilt/{MANIFEST}", f"runner/prebuilt/{MANIFEST}"):
        yield manifest, kernels / manifest  # with their checksums


def _code(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _code(Path(entry.path), f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{name}/{entry.name}", Path(entry.path)


def _packages(wanted: tuple[str, ...] = _PACKAGES) -> set[str]:
    """Names with versions, as installers leave them; importlib.metadata takes 20 ms for it."""
    found: set[str] = set()
    for place in filter(os.path.isdir, sys.path):
        for entry in os.scandir(place):
            if entry.name.endswith("-info"):
                name, _, version = entry.name.rpartition(".")[0].partition("-")
                plain = name.lower().replace("_", "-")
                if plain in wanted or plain.replace("-", ".") in wanted:
                    found.add(f"{plain}-{version}")
    return found


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
