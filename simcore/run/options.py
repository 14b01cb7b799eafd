"""What a run is given and what it gives back, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from simcore.core.core import PeripheralUse
    from simcore.core.counters import Counters
    from simcore.elf import Image
    from simcore.isa import Block
    from simcore.pipeline import Schedule
    from simcore.run.faults import Fault


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run. `clock_hz` is the core clock, `timeout_s` host seconds, None no limit.

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
    args: tuple[str, ...] = ()
    semihost_dir: Path | None = None
    strict: bool = False
    verbose: bool = False
    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that ended. `exit_reason` is exit, fault, max-instructions, timeout or interrupted.

    `exit_code` is the program's own, None when it did not end by itself. `clock_dependent`: what
    the program did may hang on modelled time, which it read or which interrupted it.
    """

    counters: Counters
    blocks: tuple[Block, ...]  # decoded, in the order of counters.blocks
    schedules: tuple[Schedule, ...]  # in the order of counters.entries
    exit_reason: str
    exit_code: int | None
    fault: Fault | None
    warnings: tuple[str, ...]
    clock_dependent: bool = False


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


def peripheral_warning(uses: Sequence[PeripheralUse], image: Image, most: int | None) -> str:
    """One line on the peripheral registers that were used, at most `most` of them by address."""
    shown = []
    for use in uses[:most]:
        symbol = image.object_at(use.address)
        name = f"{use.address:#010x}" + (f" {symbol.name}" if symbol else "")
        shown.append(f"{name} ({use.reads} reads, {use.writes} writes)")
    more = f" and {len(uses) - len(shown)} more" if len(shown) < len(uses) else ""
    return f"peripherals are not modelled, reads gave 0: {', '.join(shown)}{more}"
