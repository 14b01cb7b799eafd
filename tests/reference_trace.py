"""The slow twin of native/timing/trace.c: spans of activations, samples of counters over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FIRST_PERIOD = 256
DEPTH_MAX = 512


@dataclass(frozen=True)
class Span:
    number: int  # how many began before
    node: int
    start: int
    end: int

    @property
    def cycles(self) -> int:
        return self.end - self.start


@dataclass
class Trace:
    """Room for so many spans and samples; the last of `stack` is the innermost."""

    spans_room: int
    samples_room: int
    stack: list[Span] = field(default_factory=list)  # open ones; their end is not known yet
    operations: list[tuple[int, Span]] = field(default_factory=list)  # the same, with their serials
    spans: list[Span] = field(default_factory=list)
    begun: int = 0
    dropped: int = 0
    resolution: int = 0
    deepest: int = 0
    samples: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    period: int = FIRST_PERIOD
    next_sample: int = FIRST_PERIOD

    def follow(
        self, stack: Sequence[int], now: int, operations: Sequence[tuple[int, int]] = ()
    ) -> None:
        """The call stack is another from now on; `operations`: (serial, node) of what is open."""
        same = 0
        while self.operations[same:] and operations[same:]:
            if self.operations[same][0] != operations[same][0]:
                break
            same += 1
        while len(self.operations) > same:
            self._close(self.operations.pop()[1], now)
        for serial, node in operations[same:]:
            self.operations.append((serial, Span(self.begun, node, now, now)))
            self.begun += 1
        self.deepest = max(self.deepest, len(stack))
        shown = stack[:DEPTH_MAX]
        while len(self.stack) > len(shown):
            self._close(self.stack.pop(), now)
        replaced = len(stack) <= DEPTH_MAX and len(self.stack) == len(stack) > 0
        if replaced and self.stack[-1].node != stack[-1]:
            self._close(self.stack.pop(), now)
        for node in shown[len(self.stack) :]:
            self.stack.append(Span(self.begun, node, now, now))
            self.begun += 1

    def _close(self, opened: Span, now: int) -> None:
        span = Span(opened.number, opened.node, opened.start, now)
        if span.cycles >= self.resolution and len(self.spans) == self.spans_room:
            while len(self.spans) > self.spans_room // 2:
                self.resolution = max(1, 2 * self.resolution)
                self.spans = [kept for kept in self.spans if kept.cycles >= self.resolution]
        if span.cycles >= self.resolution:
            self.spans.append(span)

    def all_spans(self, now: int) -> list[Span]:
        """Spans in the order in which they began, the open ones up to now."""
        still = [*self.stack, *(span for _, span in self.operations)]
        opened = [Span(s.number, s.node, s.start, now) for s in still]
        return sorted([*self.spans, *opened], key=lambda span: span.number)

    def sample(self, now: int, counters: Mapping[int, Sequence[int]], is_last: bool) -> None:
        """Take a sample; `counters` are those of every node."""
        total = tuple(map(sum, zip(*counters.values(), strict=True)))
        if self.samples and self.samples[-1][0] == now:
            self.samples.pop()
        if len(self.samples) == self.samples_room:
            self.samples = self.samples[1::2]
            self.period *= 2
            self.next_sample = self._next_after(self.samples[-1][0])
            if now < self.next_sample and not is_last:
                return
        self.samples.append((now, total))
        self.next_sample = self._next_after(now)

    def _next_after(self, time: int) -> int:
        return (time // self.period + 1) * self.period
