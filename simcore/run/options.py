"""What a run is told, as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import BinaryIO

from simcore.records import dataclass
from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec
from simcore.run.uarts import STANDARD_INPUT, read_source

#: What ends a run that says nothing of its end.
DEFAULT_FOR_S = 10.0  # of modelled time
DEFAULT_INSTRUCTIONS = 2_000_000_000
#: Calls of semihosting and pages that they move: they take the host some 0.1 ms each, and the
#: program no time.
DEFAULT_PIECES = 1 << 22
MAX_PRINTED = 16 << 20  # bytes that a program prints: 20 minutes at 115,200 baud are 14 MB
NEVER = 2**63 - 1  # instructions or cycles that no run reaches

ReadMemory = Callable[[int, int], bytes | None]


class StandardInput(bytearray):
    """What was read of standard input; ``asked`` once something was to be read, the end too."""

    asked = False


class NotedInput:
    """A stream to read that tells afterwards whether a run asked for anything of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.kept = StandardInput()

    @property
    def asked(self) -> bool:
        """Whether something was to be read, the end too."""
        return self.kept.asked

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def fileno(self) -> int:
        return self._stream.fileno()


class Streams:
    """What a program reads and prints: empty and discarded when None.

    ``ended`` is called at the end of the run with what reads its memory: address and bytes.

    Of a run that begins anew, the input is the same again and the output is printed once.
    """

    def __init__(
        self,
        stdin: BinaryIO | NotedInput | None = None,
        stdout: BinaryIO | None = None,
        ended: Callable[[ReadMemory], None] | None = None,
    ) -> None:
        self.ended = ended
        self.stdin = stdin
        self.stdin_read = stdin.kept if isinstance(stdin, NotedInput) else StandardInput()
        self.stdout = None if stdout is None else _Output(stdout)
        self._received: dict[str, bytes] = {}

    def received(self, name: str, source: str) -> bytes:
        """What a serial port receives of ``--uart``, whole and once. Raises ConfigError."""
        if source not in self._received:
            stdin = None if self.stdin is None else self.stdin.read
            self.stdin_read.asked |= source == STANDARD_INPUT
            self._received[source] = read_source(name, source, stdin)
        return self._received[source]

    def again(self) -> None:
        """The run begins anew."""
        if self.stdout is not None:
            self.stdout.again()


class _Output:
    """A console that leaves out what it was given before the run began anew, and what comes behind
    MAX_PRINTED bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._given = 0
        self._skip = 0  # bytes that were given before

    def again(self) -> None:
        self._skip = max(self._skip, self._given)
        self._given = 0

    @property
    def lost(self) -> int:
        """Bytes that were too many."""
        return max(0, self._given - MAX_PRINTED)

    def write(self, data: bytes) -> int:
        known, room = max(0, self._skip - self._given), max(0, MAX_PRINTED - self._given)
        self._given += len(data)
        if new := data[known:room]:
            self._stream.write(new)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run: what was asked for, the operating point that its setup gave, and the console.

    What says nothing of its limits has default ones. `clock_hz` is the core clock.
    """

    clock_hz: int
    spec: RunSpec = field(default_factory=RunSpec)
    voltage_scale: str | None = None
    caches: str = "auto"
    streams: Streams = field(default_factory=Streams)

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
        return min(asked or 0, NEVER)

    @property
    def max_cycles(self) -> int:
        """Core cycles after which the run ends, 0 for no limit."""
        seconds = DEFAULT_FOR_S if self.is_unlimited else self.spec.for_s
        if seconds is None or not math.isfinite(seconds):
            return 0
        return max(1, round(min(seconds * self.clock_hz, NEVER)))

    @property
    def most_pieces(self) -> float:
        """What semihosting does for the program until the run ends."""
        return DEFAULT_PIECES if self.is_unlimited else math.inf

    @classmethod
    def of(
        cls,
        spec: RunSpec,
        setup: TimingSetup,
        streams: Streams | None = None,
    ) -> RunOptions:
        """How a run of ``spec`` is timed under ``setup``."""
        console = streams or Streams()
        return cls(setup.core_clock_hz, spec, setup.voltage_scale, setup.caches, console)


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
