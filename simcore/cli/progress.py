"""A progress line on the terminal, for runs that last over a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TextIO

DELAY_S = 1.0
INTERVAL_S = 0.1
BAR = 16  # characters
KEPT_BYTES = 64 << 10  # of what the program prints, for a report


class Progress:
    """Called with the instructions so far; draws over itself on ``stream`` and leaves no trace."""

    def __init__(self, stream: TextIO, limit: int | None, width: int) -> None:
        self.stream = stream
        self.limit = limit
        self.width = width
        self.started = self.drawn = time.monotonic()
        self.visible = False

    def __call__(self, instructions: int) -> None:
        now = time.monotonic()
        if now - self.started < DELAY_S or now - self.drawn < INTERVAL_S:
            return
        self.drawn = now
        rate = instructions / (now - self.started)
        text = f"{instructions / 1e6:,.1f} M instructions, {rate / 1e6:.1f} M a second"
        if self.limit:
            share = min(1.0, instructions / self.limit)
            done = round(BAR * share)
            text = f"[{'#' * done}{' ' * (BAR - done)}] {share:4.0%}  {text}"
        self.visible = True  # first: Ctrl-C may come at any moment
        self.stream.write(f"\r{text[: self.width - 1]}\x1b[K")
        self.stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self.visible:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.visible = False


class ProgramOutput:
    """The program's console: takes the progress line away before it writes.

    When nobody reads the console any more, what the program prints is lost and it runs on. The
    first KEPT_BYTES of it are added to ``kept`` as well.
    """

    def __init__(
        self, stream: BinaryIO, progress: Progress | None, kept: bytearray | None = None
    ) -> None:
        self.stream = stream
        self.progress = progress
        self.kept = kept

    def write(self, data: bytes) -> int:
        if self.progress is not None:
            self.progress.clear()
        with suppress(BrokenPipeError):
            self.stream.write(data)
        if self.kept is not None:
            self.kept += data[: KEPT_BYTES - len(self.kept)]
        return len(data)

    def flush(self) -> None:
        with suppress(BrokenPipeError):
            self.stream.flush()


class RunsProgress:
    """Called as each of several runs ends; draws over itself on ``stream`` like Progress."""

    def __init__(self, stream: TextIO | None, runs: int) -> None:
        self.stream = stream
        self.runs = runs
        self.done = 0
        self.started = time.monotonic()
        self.visible = False

    def __call__(self) -> None:
        self.done += 1
        if self.stream is None or time.monotonic() - self.started < DELAY_S:
            return
        done = round(BAR * self.done / self.runs)
        bar = f"[{'#' * done}{' ' * (BAR - done)}]"
        self.visible = True
        self.stream.write(f"\r{bar} {self.done} of {self.runs} runs\x1b[K")
        self.stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self.visible and self.stream is not None:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.visible = False


@contextmanager
def runs_progress(runs: int) -> Iterator[RunsProgress]:
    """Progress over several runs on stderr when that is a terminal; no line is left."""
    progress = RunsProgress(sys.stderr if sys.stderr.isatty() else None, runs)
    try:
        yield progress
    finally:
        progress.clear()


class SearchProgress:
    """Called with the step of a search and its share that is done, 0 to 1; draws like Progress."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self.stream = stream
        self.width = width
        self.started = self.drawn = time.monotonic()
        self.visible = False

    def __call__(self, step: str, share: float) -> None:
        now = time.monotonic()
        if now - self.started < DELAY_S or now - self.drawn < INTERVAL_S:
            return
        self.drawn = now
        done = round(BAR * min(1.0, share))
        text = (
            f"[{'#' * done}{' ' * (BAR - done)}] {share:4.0%}  {step}, {now - self.started:.0f} s"
        )
        self.visible = True  # first: Ctrl-C may come at any moment
        self.stream.write(f"\r{text[: self.width - 1]}\x1b[K")
        self.stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self.visible:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.visible = False


@contextmanager
def search_progress(before: Progress | None) -> Iterator[Callable[[str, float], None] | None]:
    """Progress of a search where that of the run ``before`` it was drawn; no line is left."""
    if before is None:
        yield None
        return
    progress = SearchProgress(before.stream, before.width)

    def tell(step: str, share: float) -> None:
        before.clear()
        progress(step, share)

    try:
        yield tell
    finally:
        progress.clear()
