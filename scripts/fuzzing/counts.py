"""How many inputs each target took since code that it reaches last changed: a file that is kept.

What a target reaches are the files of simcore of which it called a function, and all of the C core
when `simcore/core` is one of them. Inputs of other code count no more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.fuzzing.target import CORPUS, ROOT
from scripts.fuzzing.worker import Done

COUNTS = CORPUS / "counts.json"
_SUMMED = ("inputs", "passed", "refused", "cpu_s")


def add(table: Mapping[str, Done], path: Path = COUNTS, since: float = 0.0) -> list[str]:
    """Add what campaigns did to the counts in a file; those of changed code are dropped.

    They began at `since`, by the clock of files. Returns the targets whose code changed meanwhile,
    or of which no worker came to its end: they are not counted.
    """
    targets, files = _read(path)
    left_out = [
        name
        for name, done in table.items()
        if not done.entered or _changed_since(done.entered, since)
    ]
    for name, done in table.items():
        if name in left_out:
            continue
        new: dict[str, Any] = {
            "inputs": done.runs, "passed": done.passed, "refused": done.refused,
            "ways": done.ways, "of": done.known_ways, "cpu_s": round(done.cpu_s, 1),
        }  # fmt: skip
        reached = set(done.entered)
        old = targets.get(name)
        if old is not None and old["code"] == _code(files[name]):
            reached |= files[name]
            for key in _SUMMED:
                new[key] = round(old[key] + new[key], 1)
            for key in ("ways", "of"):
                new[key] = max(old[key], new[key])
        files[name] = reached
        targets[name] = new | {"code": _code(reached)}
    by_file = {
        file: " ".join(sorted(name for name in files if file in files[name]))
        for file in sorted(set().union(*files.values()))
    }
    plain = {"targets": dict(sorted(targets.items())), "files": by_file}
    path.write_text(json.dumps(plain, indent=1) + "\n")
    return left_out


def kept(path: Path = COUNTS) -> Iterable[tuple[str, Done, bool]]:
    """Each target with its counts, and whether all code that they are of is there as it was."""
    targets, files = _read(path)
    for name, row in targets.items():
        done = Done(
            row["inputs"], row["passed"], row["refused"], row["ways"], row["of"], 0, row["cpu_s"]
        )
        yield name, done, row["code"] == _code(files[name])


def _read(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, set[str]]]:
    if not path.exists():
        return {}, {}
    plain = json.loads(path.read_text())
    files: dict[str, set[str]] = {name: set() for name in plain["targets"]}
    for file, names in plain["files"].items():
        for name in names.split():
            files[name].add(file)
    return plain["targets"], files


def _paths(files: Iterable[str]) -> list[Path]:
    paths = {ROOT / file for file in files}
    if any(file.startswith("simcore/core/") for file in files):
        paths |= set((ROOT / "simcore" / "native").rglob("*.[ch]"))
    return sorted(paths)


def _changed_since(files: Iterable[str], since: float) -> bool:
    return any(path.exists() and path.stat().st_mtime > since > 0 for path in _paths(files))


def _code(files: Iterable[str]) -> str:
    """A hash of files as they are now."""
    found = hashlib.sha256()
    for path in _paths(files):
        found.update(f"{path.relative_to(ROOT)} ".encode())
        found.update(path.read_bytes() if path.exists() else b"")
    return found.hexdigest()[:16]
