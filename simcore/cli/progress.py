"""A progress line on the terminal, for runs that last over a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TextIO

from simcore.run.reached import Reached

DELAY_S = 1.0
INTERVAL_S = 0.1
BAR = 16  # characters
KEPT_BYTES = 64 << 10  # of what the program prints, for a report


class Line:
    """A line that draws over itself on ``stream`` and leaves no trace, once work takes over a
    second. None as ``stream``: nobody watches."""

    def __init__(self, stream: TextIO | None, width: int | None = None) -> None:
        self.stream = stream
        self.width = width  # columns; None: no line is too long
        self.started = self.drawn = time.monotonic()
        self.visible = False

    def is_due(self, interval_s: float = 0.0) -> bool:
        """Whether to draw now, so long after the last time."""
        now = time.monotonic()
        if self.stream is None or now - self.started < DELAY_S or now - self.drawn < interval_s:
            return False
        self.drawn = now
        return True

    def draw(self, text: str) -> None:
        """Put a text in place of what stands there."""
        assert self.stream is not None
        shown = text if self.width is None else text[: self.width - 1]
        self.visible = True  # first: Ctrl-C may come at any moment
        self.stream.write(f"\r{shown}\x1b[K")
        self.stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self.visible and self.stream is not None:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.visible = False


def _bar(share: float) -> str:
    done = round(BAR * share)
    return f"[{'#' * done}{' ' * (BAR - done)}]"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Progress(Line):
    """Called with how far a run is, of ``limit`` instructions if there is one."""

    def __init__(self, stream: TextIO, limit: int | None, width: int) -> None:
        super().__init__(stream, width)
        self.limit = limit

    def __call__(self, reached: Reached) -> None:
        if not self.is_due(INTERVAL_S):
            return
        spent_s, done = self.drawn - self.started, reached.instructions
        share, up_to, bar, told = reached.share, "", "", []
        if share is None:
            told = [f"{done / 1e6:,.1f} M instructions", f"{done / spent_s / 1e6:.1f} M a second"]
            if self.limit:
                share, up_to = min(1.0, done / self.limit), "up to "
        told.append(f"{reached.modelled_s:,.3f} s modelled")
        if share is not None:
            left_s = spent_s / share - spent_s if share else 0.0
            bar = f"{_bar(share)} {share:4.0%}  "
            told.append(f"{up_to}{_duration(left_s)} left")
        if len(told) > 3 and self.width is not None and len(bar + ", ".join(told)) >= self.width:
            del told[1]
        self.draw(bar + ", ".join(told))


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


class RunsProgress(Line):
    """Called as each of several runs ends."""

    def __init__(self, stream: TextIO | None, runs: int, what: str = "runs") -> None:
        super().__init__(stream)
        self.what = what
        self.runs = runs
        self.done = 0
        self.before: int | None = None

    def __call__(self) -> None:
        self.tell(self.done + 1, self.runs)

    def tell(self, done: int, runs: int) -> None:
        """So many of all are done; what is told first was there before."""
        if not self.runs or self.before is None:
            self.before = 0 if self.runs else done
        self.done, self.runs = done, runs
        if self.done and self.is_due():
            made = max(self.done - self.before, 1)
            left_s = (self.runs - self.done) * (self.drawn - self.started) / made
            left = f", {_duration(left_s)} left" if self.done < self.runs else ""
            self.draw(f"{_bar(self.done / self.runs)} {self.done} of {self.runs} {self.what}{left}")


@contextmanager
def runs_progress(runs: int, what: str = "runs") -> Iterator[RunsProgress]:
    """Progress over several runs, or ``what`` else is counted, on stderr when that is a terminal;
    no line is left."""
    progress = RunsProgress(sys.stderr if sys.stderr.isatty() else None, runs, what)
    try:
        yield progress
    finally:
        progress.clear()


class SearchProgress(Line):
    """Called with the step of a search and its share that is done, 0 to 1."""

    def __call__(self, step: str, share: float) -> None:
        if self.is_due(INTERVAL_S):
            spent_s = self.drawn - self.started
            self.draw(f"{_bar(min(1.0, share))} {share:4.0%}  {step}, {spent_s:.0f} s")


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
