"""What a run can be judged by: the metrics that comparisons show and limits name, less is better.

``MODEL_CYCLES_ERROR`` is how close cycles have to be to a measured microbenchmark to count as
agreeing (docs/model/pipeline.md, "Checked against"); the error of energy is the run's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simcore.core.counters import CAUSES
from simcore.errors import ConfigError, nearest
from simcore.plain import Amount, Count, filled

if TYPE_CHECKING:
    from simcore.costs.profile import Profile

MODEL_CYCLES_ERROR = 0.02


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one run; None where the run has none. Field names are those of a profile."""

    instructions: Count
    cycles: Count
    time_s: Amount
    energy_j: Amount
    read_bytes: Count
    write_bytes: Count
    icache_misses: Count
    dcache_misses: Count
    mispredicts: Count
    cycles_by_cause: dict[str, Count]
    stack_high_water_bytes: Count | None = None
    load_bytes: Count | None = None
    ram_bytes: Count | None = None
    heap_high_water_bytes: Count | None = None

    @property
    def active_cycles(self) -> int:
        """The cycles in which the core did not sleep."""
        return self.cycles - self.cycles_by_cause.get("sleep", 0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name in a limit, the field of :class:`Metrics` that holds it, its unit."""

    name: str
    field: str
    unit: str  # "" for a count, "B", "s" or "J"
    accuracy: str  # exact, modelled or estimated
    title: str

    def of(self, metrics: Metrics) -> float | None:
        """The value in a run."""
        head, _, cause = self.field.partition(".")
        value = getattr(metrics, head)
        number: float | None = value.get(cause, 0) if cause else value
        return number


#: In the order of tables. What @all stands for; the cycles of one cause are named cycles.CAUSE.
METRICS = (
    Metric("cycles", "cycles", "", "modelled", "cycles"),
    Metric("instructions", "instructions", "", "exact", "instructions"),
    Metric("time", "time_s", "s", "modelled", "time"),
    Metric("energy", "energy_j", "J", "estimated", "energy"),
    Metric("stack", "stack_high_water_bytes", "B", "exact", "stack high water"),
    Metric("load", "load_bytes", "B", "exact", "code and data to load"),
    Metric("ram", "ram_bytes", "B", "exact", "static RAM"),
    Metric("reads", "read_bytes", "B", "exact", "read"),
    Metric("writes", "write_bytes", "B", "exact", "written"),
    Metric("icache-misses", "icache_misses", "", "modelled", "I-cache misses"),
    Metric("dcache-misses", "dcache_misses", "", "modelled", "D-cache misses"),
    Metric("mispredicts", "mispredicts", "", "modelled", "mispredicts"),
)
CYCLES = METRICS[0]
#: What runs that slept are judged by instead: how long they slept is not what they cost.
ACTIVE = Metric("active-cycles", "active_cycles", "", "modelled", "active cycles")
#: Of programs that have a heap; @all leaves it out.
HEAP = Metric("heap", "heap_high_water_bytes", "B", "exact", "heap high water")
#: Metrics that functions and operations have too.
ROW_METRICS = ("cycles", "instructions", "energy")

_CAUSES = tuple(
    Metric(f"cycles.{cause}", f"cycles_by_cause.{cause}", "", "modelled", f"cycles of {cause}")
    for cause in CAUSES
)
_BY_NAME = {
    name: metric
    for metric in (*METRICS, ACTIVE, HEAP, *_CAUSES)
    for name in (metric.field, metric.name)
}


def find_metric(name: str) -> Metric:
    """The metric of a name or field name. Raises ConfigError with the nearest name."""
    if name not in _BY_NAME:
        known = [metric.name for metric in shown_metrics(slept=True, heap=True)]
        hint = nearest(name, _BY_NAME) or f"; the metrics are {', '.join(known)} and cycles.CAUSE"
        raise ConfigError(f"there is no metric '{name}'{hint}")
    return _BY_NAME[name]


def shown_metrics(*, slept: bool, heap: bool = False) -> tuple[Metric, ...]:
    """The metrics of a table, of runs of which one slept or has a heap, or of others."""
    shown = (CYCLES, ACTIVE, *METRICS[1:]) if slept else METRICS
    return (*shown, HEAP) if heap else shown


def joules(after: float, before: float) -> float:
    """The difference of two energies, to the femtojoule that mcusim counts in."""
    return (round(after * 1e15) - round(before * 1e15)) / 1e15


def change_of(unit: str, after: float, before: float) -> float:
    """After minus before of a metric of a unit. One unit in the last place of a time is none."""
    if unit == "J":
        return joules(after, before)
    return 0.0 if unit == "s" and abs(after - before) <= math.ulp(before) else after - before


def metrics_of(profile: Profile) -> Metrics:
    """The metrics of a run."""
    totals, caches = profile.totals, profile.caches
    return filled(
        Metrics,
        totals,
        profile.elf,
        heap_high_water_bytes=profile.heap_high_water_bytes,
        icache_misses=caches.icache.misses,
        dcache_misses=caches.dcache.misses,
        cycles_by_cause=dict(totals.cycles_by_cause),
    )
