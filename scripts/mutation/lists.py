"""The lists of tests/mutants: modules that are mutated, what was explained, mutants of C rules."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "simcore" / "native"
LISTS = ROOT / "tests" / "mutants"


class ListError(Exception):
    """An entry of a list that fits its source or its test no longer; the message says which."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Mutants of one line that may survive: the line, what it becomes, and why no test notices.

    Lines are given as `one_line` makes them.
    """

    line: str
    becomes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class PythonModule:
    """A module that is mutated, its own tests, and its explained mutants. Paths from the root."""

    path: str
    tests: tuple[str, ...]
    explained: tuple[Explained, ...]

    @property
    def name(self) -> str:
        return Path(self.path).stem

    def reason_of(self, line: str, becomes: str) -> str | None:
        """Why a mutant may survive, None when nobody explained it."""
        of_line = (x for x in self.explained if x.line == line)
        return next((x.reason for x in of_line if becomes in x.becomes), None)


@dataclass(frozen=True, slots=True)
class NativeMutant:
    """A C file of simcore/native with one snippet replaced.

    `rule` is the sentence that is true no more; `noticed_by` the test that has to fail, as pytest
    names it; `reason` why none can, for a mutant that is explained.
    """

    file: str
    before: str
    after: str
    rule: str
    noticed_by: str
    reason: str | None = None

    def mutated(self, source: str) -> str:
        """The text of the file with the snippet replaced. Raises ListError."""
        found = source.count(self.before)
        if found != 1:
            raise ListError(f"{self.file} has {found} times, not once: {self.before}")
        if self.before == self.after:
            raise ListError(f"{self.file}: replaced by itself: {self.before}")
        return source.replace(self.before, self.after)


def one_line(text: str) -> str:
    """Text with each run of white space as one blank."""
    return " ".join(text.split())


def python_modules() -> list[PythonModule]:
    """tests/mutants/python.toml. Raises ListError for a line that is not in its module once."""
    modules = []
    for entry in _load("python.toml")["module"]:
        explained = tuple(
            Explained(one_line(x["line"]), tuple(map(one_line, x["becomes"])), x["reason"])
            for x in entry.get("explained", ())
        )
        lines = [one_line(line) for line in (ROOT / entry["path"]).read_text().splitlines()]
        for line in {x.line for x in explained}:
            if lines.count(line) != 1:
                raise ListError(f"{entry['path']} has {lines.count(line)} times, not once: {line}")
        modules.append(PythonModule(entry["path"], tuple(entry["tests"]), explained))
    return modules


def native_mutants() -> list[NativeMutant]:
    """tests/mutants/native.toml. Raises ListError for a snippet or a test that is not there."""
    mutants = [NativeMutant(**entry) for entry in _load("native.toml")["mutant"]]
    for mutant in mutants:
        mutant.mutated((NATIVE / mutant.file).read_text(encoding="utf-8"))
    for mutant in mutants:
        path, _, function = mutant.noticed_by.partition("::")
        if f"def {function}(" not in (ROOT / path).read_text(encoding="utf-8"):
            raise ListError(f"{path} has no test {function}")
    return mutants


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((LISTS / name).read_text(encoding="utf-8"))
