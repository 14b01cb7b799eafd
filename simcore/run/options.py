"""What a run is told, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec

#: What ends a run that says nothing of its end.
DEFAULT_FOR_S = 10.0  # of modelled time
DEFAULT_INSTRUCTIONS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run. `clock_hz` is the core clock, `timeout_s` host seconds, `for_s` modelled ones.

    Without those two and `max_instructions` a default limit holds. `from_` and `until` are places
    as in run/places.py, `until_idle` ends the run at its first sleep.

    `voltage_scale` is the lowest that allows the clock when None; the flash's wait states hang on
    it. `caches` is auto, on or off. `args` reach the program over semihosting; `semihost_dir` opens
    a host folder to it; `stdin` and `stdout` are its console, empty and discarded when None.
    `strict` makes an access to a peripheral that is not modelled a fault. `verbose` adds a warning
    for each such peripheral address instead of one for all.
    """

    clock_hz: int
    voltage_scale: str | None = None
    caches: str = "auto"
    max_instructions: int | None = None
    timeout_s: float | None = None
    for_s: float | None = None
    until: str | None = None
    until_idle: bool = False
    from_: str | None = None
    args: tuple[str, ...] = ()
    semihost_dir: Path | None = None
    strict: bool = False
    verbose: bool = False
    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None

    @property
    def is_unlimited(self) -> bool:
        """Whether the run says nothing of its limits, so that the default ones hold."""
        return self.for_s is None and self.max_instructions is None and self.timeout_s is None

    @property
    def instruction_limit(self) -> int:
        """Instructions after which the run ends, 0 for no limit."""
        if self.is_unlimited or (self.from_ is not None and self.max_instructions is None):
            return DEFAULT_INSTRUCTIONS
        return self.max_instructions or 0

    @property
    def max_cycles(self) -> int:
        """Core cycles after which the run ends, 0 for no limit."""
        seconds = DEFAULT_FOR_S if self.is_unlimited else self.for_s
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
        return cls(
            clock_hz=setup.core_clock_hz,
            voltage_scale=setup.voltage_scale,
            caches=setup.caches,
            max_instructions=spec.max_instructions,
            timeout_s=spec.timeout_s,
            for_s=spec.for_s,
            until=spec.until,
            until_idle=spec.until_idle,
            from_=spec.from_,
            args=spec.args,
            semihost_dir=None if spec.semihost_dir is None else Path(spec.semihost_dir),
            strict=spec.strict,
            verbose=spec.verbose,
            stdin=stdin,
            stdout=stdout,
        )


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
