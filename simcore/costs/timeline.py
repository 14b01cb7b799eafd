"""When functions and operations ran, and power and cache misses over time: a run's timeline.

Times are modelled core cycles from the start of the run. Memory is bounded: native/timing/trace.h
says what a long run leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simcore.costs.nodes import joules

if TYPE_CHECKING:
    from simcore.core.counters import Counters, TraceSample
    from simcore.costs.nodes import EnergyModel


@dataclass(frozen=True, slots=True)
class Span:
    """One activation of a function or operation, in cycles; callees lie inside."""

    node: int  # index into call_tree
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TimelineSample:
    """Counts and energy of the run from its start up to a cycle."""

    cycle: int
    instructions: int
    energy_j: float
    icache_accesses: int
    icache_misses: int
    dcache_accesses: int
    dcache_misses: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Spans in the order in which they began, samples in the order of time.

    ``dropped`` spans, shorter than ``resolution`` cycles, had no room, and calls deeper than
    ``depth_limit`` frames have none; ``deepest`` is the deepest of all.
    """

    resolution: int
    dropped: int
    deepest: int
    depth_limit: int
    spans: tuple[Span, ...]
    samples: tuple[TimelineSample, ...]

    def warnings(self) -> tuple[str, ...]:
        """What is not in it, one line each."""
        found = []
        if self.dropped:
            found.append(
                f"the timeline leaves out {self.dropped:,} activations of functions and operations"
                f" that took fewer than {self.resolution:,} cycles"
            )
        if self.deepest > self.depth_limit:
            found.append(
                f"the timeline leaves out calls deeper than {self.depth_limit} frames; the deepest"
                f" has {self.deepest:,}"
            )
        return tuple(found)


def timeline(counters: Counters, energy: EnergyModel) -> Timeline:
    """The timeline of a run that kept one."""
    trace = counters.trace
    assert trace is not None
    return Timeline(
        resolution=trace.resolution,
        dropped=trace.dropped,
        deepest=trace.deepest,
        depth_limit=trace.depth_limit,
        spans=tuple(Span(span.node, span.start, span.end) for span in trace.spans),
        samples=tuple(_sample(sample, counters.columns, energy) for sample in trace.samples),
    )


def _sample(sample: TraceSample, columns: Sequence[str], energy: EnergyModel) -> TimelineSample:
    counts = dict(zip(columns, sample.vector, strict=True))
    return TimelineSample(
        cycle=sample.cycle,
        instructions=counts["instructions"],
        energy_j=joules(sum(energy.femtojoules(counts).values())),
        icache_accesses=counts["icache_accesses"],
        icache_misses=counts["icache_misses"],
        dcache_accesses=counts["dcache_reads"]
        + counts["dcache_writes"]
        - counts["dcache_streamed_writes"],
        dcache_misses=counts["dcache_read_misses"] + counts["dcache_write_misses"],
    )
