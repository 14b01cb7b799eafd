"""What all tests of a session share: finished runs, captures and rendered documents, made once.

Whichever test asks first makes a thing, in a folder that the first process of the session opens and
removes; tests in other processes wait for it. A thing is found by what it is made from, so a
program that was built anew is another. Tests that are about running itself run for themselves.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

import simcore
from simcore.costs.profile import Profile
from simcore.simulation.capture import record_run

FOLDER = "MCUSIM_TESTS_SHARED"  # environment variable
#: Every table that a profile holds on request.
TABLES: dict[str, Any] = dict.fromkeys(("instructions", "lines", "coverage", "timeline"), True)
LIMIT = 20_000_000  # instructions of a run whose test says nothing


@dataclass(frozen=True, slots=True)
class Finished:
    """A run's profile, with every table, and what the program printed."""

    profile: Profile
    output: bytes


def made_once(key: object, make: Callable[[Path], None], suffix: str = "") -> Path:
    """The file or folder that ``make`` writes, made by the first test of the session that asks.

    ``key`` says what it is made from; its repr() must tell it from all others.
    """
    digest = hashlib.sha256(repr((make.__module__, key)).encode()).hexdigest()[:24]
    path = Path(os.environ[FOLDER], digest + suffix)
    with FileLock(path.with_name(digest + ".lock")):
        if not path.exists():
            part = path.with_name("part-" + path.name)
            make(part)
            part.replace(path)
    return path


@dataclass(frozen=True, slots=True)
class Asked:
    """A run to be shared."""

    elf: Path
    cpu: str = "stm32f746"
    args: tuple[str, ...] = ()
    stdin: bytes = b""
    max_instructions: int = LIMIT

    def options(self) -> dict[str, Any]:
        """What mcusim is told beside the program."""
        limits = {"args": self.args, "max_instructions": self.max_instructions}
        return {"cpu": self.cpu, "stdin": io.BytesIO(self.stdin), **limits}

    def key(self, what: str) -> tuple[object, ...]:
        """What the program, not only its file, is found by."""
        return what, hashlib.sha256(self.elf.read_bytes()).hexdigest(), self


@cache
def finished(asked: Asked) -> Finished:
    """A run of a program, counted whole, with every table."""

    def run(file: Path) -> None:
        printed = io.BytesIO()
        profile = simcore.profile(
            asked.elf, stdout=printed, per="none", **asked.options(), **TABLES
        )
        file.write_bytes(pickle.dumps(Finished(profile, printed.getvalue())))

    found: Finished = pickle.loads(made_once(asked.key("run"), run).read_bytes())
    return found


@cache
def captured(asked: Asked) -> Path:
    """A capture of a run of a program; to be read only."""

    def run(file: Path) -> None:
        with file.open("wb") as writer:
            record_run(asked.elf, writer, **asked.options())

    return made_once(asked.key("capture"), run, ".mcu")
