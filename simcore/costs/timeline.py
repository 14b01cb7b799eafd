"""When functions and operations ran, and power and cache misses over time: a run's timeline.

Times are modelled core cycles from the start of the run. Memory is bounded: native/timing/trace.h
says what a long run leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simcore.costs.interrupts import Activation
from simcore.costs.nodes import joules
from simcore.plain import Amount, Count, filled
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.core.counters import Counters, TraceSample
    from simcore.costs.nodes import LinearEnergy


@dataclass(frozen=True, slots=True)
class Span:
    """One activation of a function or operation, in cycles from the start; callees lie inside."""

    node: Count
    """Index into call_tree."""
    start: Count
    end: Count


@dataclass(frozen=True, slots=True)
class TimelineSample:
    """Counts and energy of the run from its start up to a cycle."""

    cycle: Count
    instructions: Count
    energy_j: Amount
    icache_accesses: Count
    icache_misses: Count
    dcache_accesses: Count
    dcache_misses: Count


@dataclass(frozen=True, slots=True)
class Timeline:
    """When functions and operations ran, in modelled cycles from the start of the run."""

    resolution: Count
    """Cycles; activations that took fewer are left out where there was no room."""
    dropped: Count
    """Activations that were left out."""
    deepest: Count
    """Frames of the deepest call."""
    depth_limit: Count
    """Frames that can have spans: deeper calls have none."""
    spans: tuple[Span, ...]
    """Activations in the order in which they began."""
    samples: tuple[TimelineSample, ...]
    """In the order of time; the last one is the end of the run."""
    activations: tuple[Activation, ...] | None = None
    """Handlers of interrupts and exceptions, in the order in which they began; left out when there
    were none. Where there was no room, shorter ones are left out."""

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


def timeline(counters: Counters, energy: LinearEnergy) -> Timeline:
    """The timeline of a run that kept one."""
    trace = counters.trace
    assert trace is not None
    return filled(
        Timeline,
        trace,
        spans=tuple(Span(span.node, span.start, span.end) for span in trace.spans),
        samples=tuple(_sample(sample, counters.columns, energy) for sample in trace.samples),
    )


def _sample(sample: TraceSample, columns: Sequence[str], energy: LinearEnergy) -> TimelineSample:
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
