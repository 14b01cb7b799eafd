"""What a run is told, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec

#: What ends a run that says nothing of its end.
DEFAULT_FOR_S = 10.0  # of modelled time
DEFAULT_INSTRUCTIONS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run: what was asked for, the operating point that its setup gave, and the console.

    What says nothing of its limits has default ones. `clock_hz` is the core clock. `stdin` and
    `stdout` are empty and discarded when None.
    """

    clock_hz: int
    spec: RunSpec = field(default_factory=RunSpec)
    voltage_scale: str | None = None
    caches: str = "auto"
    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None

    @property
    def is_unlimited(self) -> bool:
        """Whether the run says nothing of its limits, so that the default ones hold."""
        spec = self.spec
        return spec.for_s is None and spec.max_instructions is None and spec.timeout_s is None

    @property
    def instruction_limit(self) -> int:
        """Instructions after which the run ends, 0 for no limit."""
        asked = self.spec.max_instructions
        if self.is_unlimited or (self.spec.from_ is not None and asked is None):
            return DEFAULT_INSTRUCTIONS
        return asked or 0

    @property
    def max_cycles(self) -> int:
        """Core cycles after which the run ends, 0 for no limit."""
        seconds = DEFAULT_FOR_S if self.is_unlimited else self.spec.for_s
        if seconds is None or not math.isfinite(seconds):
            return 0
        return max(1, round(seconds * self.clock_hz))

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
