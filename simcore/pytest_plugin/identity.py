"""What a run of a test is called: the test, and what it ran, however often and in what order.

``test_it.py::test_it > build/kernel.elf stm32f746 clock_hz=100000000 -- x y``: the ELF from
the root of the project, the part, what else decides the run, its arguments. Only runs that are
equal in all that have a number, in the order of their calls: ``#2``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simcore.comparison.summary import Summary

#: Between the node id of a test and what it ran.
BEHIND = " > "
#: Options that add tables or time, and decide nothing.
_NO_RESULT = (
    "verbose", "timeout_s", "max_memory", "instructions", "lines", "coverage", "timeline",
    "inlines", "uncertainty", "layout_sweep", "stdin", "stdout", "progress", "log", "inspect",
)  # fmt: skip


def run_name(
    test: str,
    root: Path,
    elf: Path,
    part: str,
    options: Mapping[str, Any],
    name: str | None = None,
) -> str:
    """The name of a run of a test, without a number."""
    words = [_path(root, elf), part]
    if name is not None:
        words.insert(0, f"'{name}'")
    args = options.get("args") or ()
    for key, value in sorted(options.items()):
        if key not in _NO_RESULT and key not in ("args", "cpu") and value is not None:
            words.append(f"{key}={_value(root, value)}")
    if args:
        words += ["--", *([args] if isinstance(args, str) else map(str, args))]
    return f"{test}{BEHIND}{' '.join(words)}"


def test_of(name: str) -> str:
    """The node id of the test of a run; of an earlier mcusim that is all, with #2 for a second."""
    test, found, _ = name.partition(BEHIND)
    head, _, number = name.rpartition("#")
    return head if not found and head and number.isdecimal() else test


def known_as(name: str, after: Summary, known: Mapping[str, Summary], number: int) -> str | None:
    """The name of a run in a baseline of this mcusim or an earlier one, which numbered the calls.

    Of an earlier one it is the like of the same program, arguments and part.
    """
    if name in known:
        return name
    like = [
        other
        for other, run in known.items()
        if BEHIND not in other and test_of(other) == test_of(name) and is_like(run, after)
    ]
    return like[number - 1] if number <= len(like) else None


def is_like(run: Summary, other: Summary) -> bool:
    """Whether two runs are of one program under one configuration."""
    return _what(run) == _what(other)


def _what(run: Summary) -> tuple[object, ...]:
    cpu = run.cpu
    return run.elf.name, run.args or (), cpu.name, cpu.clock_hz, cpu.caches, cpu.overrides


def is_covered(test: str, arguments: Iterable[str], root: Path, folder: Path) -> bool:
    """Whether pytest was asked for a test by its arguments, which it sees from a folder."""
    file, _, inside = test.partition("::")
    path = os.path.normpath(root / file)
    for argument in arguments:
        place, _, wanted = argument.partition("::")
        asked = os.path.normpath(folder / place)
        within = path == asked or path.startswith(asked.rstrip(os.sep) + os.sep)
        if within and f"{inside}::".startswith((wanted + "::") if wanted else ""):
            return True
        if within and wanted and inside.startswith(wanted + "["):
            return True
    return False


def _path(root: Path, path: str | os.PathLike[str]) -> str:
    """A path from the root of the project; of a file elsewhere, which may be in another place on
    another machine, the name."""
    full = Path(os.path.normpath(Path.cwd() / path))
    for base in (root, Path(os.path.realpath(root))):
        if full.is_relative_to(base):
            return full.relative_to(base).as_posix()
    return full.name


def _value(root: Path, value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(_value(root, one) for one in value)
    if isinstance(value, os.PathLike) or (isinstance(value, str) and value.startswith("/")):
        return _path(root, value)
    return str(value)
