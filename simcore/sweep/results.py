"""The result of a sweep as plain immutable data, with JSON out: schema mcusim.sweep/1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simcore.costs.origin import Tool
from simcore.errors import ExitCode
from simcore.plain import Amount, Count, Document, Sha256, one_of, schema_name
from simcore.sweep.front import OBJECTIVES

SCHEMA = "mcusim.sweep/1"


@dataclass(frozen=True, slots=True)
class SweptAxis:
    """What was varied."""

    name: str
    choices: tuple[str, ...]
    """In the order of the file."""


@dataclass(frozen=True, slots=True)
class SweptPoint:
    """One point of the space and what it cost. What is not known is left out."""

    settings: dict[str, str]
    """The choice of each axis."""
    part: str
    end: str
    """How it ended, as in a profile; refused for one that could not run."""
    on_front: bool
    """Whether no other point is as good in all objectives and better in one."""
    error: str | None = None
    """Why it did not end well."""
    program_sha256: Sha256 | None = None
    """Of the ELF."""
    clock_hz: Count | None = None
    instructions: Count | None = None
    cycles: Count | None = None
    active_cycles: Count | None = None
    """Those of them in which the core did not sleep."""
    time_s: Amount | None = None
    energy_j: Amount | None = None
    energy_low_j: Amount | None = None
    energy_high_j: Amount | None = None
    flash_bytes: Count | None = None
    """Bytes that programming the part writes."""
    ram_bytes: Count | None = None
    """Bytes of writable data, heap and stack sections, and of what placements copy into RAM."""
    stack_bytes: int | None = None
    """Deepest use of the main stack."""
    icache_misses: Count | None = None
    dcache_misses: Count | None = None
    compiler: str | None = None
    """From the .comment section."""


@dataclass(frozen=True, slots=True)
class SweepResult(Document):
    """Points of a space of builds, parts, placements and layouts, as 'mcusim sweep' writes it.

    Counts are exact, cycles are modelled, energy is estimated.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    name: str
    """Of the sweep's file."""
    method: Annotated[str, one_of("grid", "sobol")]
    seed: Count
    """Of the sample."""
    space: Count
    """Points that the whole space has."""
    axes: tuple[SweptAxis, ...]
    objectives: tuple[Annotated[str, one_of(*OBJECTIVES)], ...]
    points: tuple[SweptPoint, ...]
    """In the order of the space, or of the sample."""
    interrupted: bool
    """Ctrl-C came before all were run; those that were are here."""

    @property
    def front(self) -> tuple[SweptPoint, ...]:
        """The points on the front, the fewest of the first objective first."""
        first = OBJECTIVES[self.objectives[0]]
        found = [point for point in self.points if point.on_front]
        return tuple(
            sorted(found, key=lambda point: (getattr(point, first), *point.settings.values()))
        )

    @property
    def failed(self) -> tuple[SweptPoint, ...]:
        """The points that did not end well."""
        return tuple(point for point in self.points if point.error is not None)

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this result."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        nothing = len(self.failed) == len(self.points)
        return ExitCode.PROGRAM_FAILED if nothing else ExitCode.OK
