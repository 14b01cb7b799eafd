"""What a run is told, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run: what was asked for, the operating point that its setup gave, and the console.

    `clock_hz` is the core clock. `stdin` and `stdout` are empty and discarded when None.
    """

    clock_hz: int
    spec: RunSpec = field(default_factory=RunSpec)
    voltage_scale: str | None = None
    caches: str = "auto"
    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None

    @classmethod
    def of(
        cls,
        spec: RunSpec,
        setup: TimingSetup,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
    ) -> RunOptions:
        """How a run of ``spec`` is timed under ``setup``."""
        return cls(setup.core_clock_hz, spec, setup.voltage_scale, setup.caches, stdin, stdout)


def command_line(name: str, args: Sequence[str]) -> str:
    """The program's name and arguments, quoted as newlib's start-up code splits them again."""
    words = []
    for word in (name, *args):
        if word and not any(c in " \"'" for c in word):
            words.append(word)
        else:
            quote = "'" if '"' in word else '"'
            words.append(f"{quote}{word}{quote}")
    return " ".join(words)
