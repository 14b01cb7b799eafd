"""What a fuzz target is: seeds, a change of an input, and what reads it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
FIRMWARE = ROOT / "tests" / "firmware" / "prebuilt"
KERNELS = ROOT / "kernels" / "prebuilt"
#: Inputs that are kept: seeds in seeds/TARGET, past findings in found/TARGET.
CORPUS = ROOT / "tests" / "fuzz"


@dataclass
class Attempt:
    """One run of one input: where its file may lie, and how far it came."""

    folder: Path
    passed: bool = False  # the first check of its reader
    refused: bool = False  # by an error of mcusim's own

    def file(self, data: bytes, name: str) -> str:
        """The path of a file with the input."""
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of foreign input.

    `run` reads an input to the end and sets `passed` behind the first check; it raises McusimError
    for what is refused. `change` makes a new input from two, most of it from the first.
    """

    name: str
    summary: str
    seeds: Callable[[], Sequence[bytes]]
    change: Callable[[Random, bytes, bytes], bytes]
    run: Callable[[bytes, Attempt], None]


def kept(kind: str, name: str) -> list[bytes]:
    """The inputs in a folder of the corpus, by name."""
    folder = CORPUS / kind / name
    return [path.read_bytes() for path in sorted(folder.glob("*"))]


def prebuilt(*names: str) -> list[bytes]:
    """Some of the firmware that tests run."""
    return [(FIRMWARE / f"{name}.elf").read_bytes() for name in names]


@cache
def keep_tool() -> None:
    """The hash of mcusim, which its files and packages are looked at for, is one word."""
    from simcore.cache import tool

    tool.tool_fingerprint = lambda room=None, shown=False: f"fuzz {shown}"  # type: ignore[assignment]


@cache
def keep_parts() -> None:
    """Shipped part files are read once in this process: to read them takes longer than the rest."""
    from simcore.cpu_model import tree

    read: Callable[..., Any] = tree._load
    known: dict[Path, bytes] = {}
    shipped = ROOT / "cpu_models"

    def load(path: Path, chain: tuple[Path, ...]) -> Any:
        if path.parent != shipped:
            return read(path, chain)
        if path not in known:
            known[path] = pickle.dumps(read(path, chain))
        return pickle.loads(known[path])  # a tenth of copy.deepcopy()

    tree._load = load


@cache
def keep_structs() -> None:
    """pyelftools makes the structures of each file anew, half of a small one's time: made once."""
    from elftools.elf.structs import ELFStructs

    known: dict[tuple[object, ...], dict[str, Any]] = {}

    def once(name: str) -> None:
        make = getattr(ELFStructs, name)

        def made(structs: ELFStructs, *kinds: str | None) -> None:
            key = (name, structs.little_endian, structs.elfclass, *kinds)
            if key not in known:
                make(structs, *kinds)
                if len(known) < 64:
                    known[key] = dict(structs.__dict__)
            else:
                structs.__dict__.update(known[key])

        setattr(ELFStructs, name, made)

    once("create_basic_structs")
    once("create_advanced_structs")


@cache
def keep_templates() -> None:
    """Templates of pages are compiled once: that takes ten times as long as a page."""
    from simcore.report.html import page

    page._environment = cache(page._environment)
