"""The result of a study as plain immutable data, with JSON out: schema mcusim.whatif/1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simcore.core.counters import CAUSES
from simcore.costs.interrupts import InterruptCosts
from simcore.costs.origin import Cpu, Elf, Exit, Tool
from simcore.costs.tables import Causes, LayoutBand, PlacedItem
from simcore.errors import ExitCode
from simcore.plain import Amount, Count, Document, by_name, one_of, schema_name
from simcore.whatif.rates import Deadline

SCHEMA = "mcusim.whatif/1"

CauseChanges = Annotated[
    dict[str, int], by_name("CauseChanges", CAUSES, "Differences of cycles by cause.")
]


@dataclass(frozen=True, slots=True)
class ObjectStalls:
    """Stalls that a part of the program made, or by how much they changed.

    Of a function the cycles that its fetches and its DSBs waited, of a data object those that its
    loads and stores waited: no cycle counts twice.
    """

    name: str
    kind: Annotated[str, one_of("function", "symbol", "stack", "heap", "region")]
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a configuration changes against the first of its program: its own value minus that."""

    cycles: int
    """Active ones: how long the core slept is not what a configuration costs."""
    cycles_relative: float
    """Of the first's active cycles."""
    time_s: float
    energy_j: float
    energy_relative: float | None
    """Of the first's energy."""
    cycles_by_cause: CauseChanges
    """Sums to cycles and what sleep changed."""
    objects: tuple[ObjectStalls, ...]
    """Largest change first; those without any are left out."""
    significant: bool | None
    """False where alignment alone may make as much; null when the layout was not swept."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One configuration and what the program cost under it."""

    name: str
    elf: Elf
    cpu: Cpu
    exit: Exit
    instructions: Count
    cycles: Count
    active_cycles: Count
    """Those of them in which the core did not sleep."""
    time_s: Amount
    energy_j: Amount
    energy_low_j: Amount
    energy_high_j: Amount
    power_w: float | None
    icache_misses: Count
    dcache_misses: Count
    stack_high_water_bytes: int | None
    """Bytes."""
    cycles_by_cause: Causes
    """Sums to cycles."""
    object_stalls: tuple[ObjectStalls, ...]
    """Those with any: functions, then data objects."""
    tcm_bytes: dict[str, Count]
    """Bytes that the program takes of each TCM, its stack with them, by region."""
    placement: tuple[PlacedItem, ...]
    """What was placed elsewhere, by address."""
    copied_bytes: Count
    """Bytes that a relinked program copies from ROM into RAM at its start; the cycles do not hold
    that."""
    layout: LayoutBand | None
    change: Change | None
    """Null for the first of a program."""
    warnings: tuple[str, ...]
    interrupts: tuple[InterruptCosts, ...] | None = None
    """Interrupts and exceptions by number; left out when none was taken."""
    deadlines: tuple[Deadline, ...] | None = None
    """Interrupts that it gives rates; left out when it gives none."""


@dataclass(frozen=True, slots=True)
class Relinked:
    """The program relinked with a placement, beside the placed one. Cycles are active ones."""

    placed: str
    """The configuration with the placement."""
    elf: Elf
    exit: Exit
    linked_cycles: Count
    placed_cycles: Count
    cycles: Count
    """Of the relinked program, its start-up code with them."""
    instructions: Count
    energy_j: Amount
    start_up_cycles: int
    """What the reset handler takes more than as linked: it fills what moved."""
    veneer_calls: Count
    veneer_cycles: Count
    """Of the linker's veneers by themselves; the placed timing holds neither these nor the
    start-up code."""
    stays: tuple[str, ...]
    """What no linker moves, with why."""
    along: tuple[str, ...]
    """What moved unasked, as it shares an input section with what was to move: symbols."""


@dataclass(frozen=True, slots=True)
class WhatIf(Document):
    """Programs under several configurations, as 'mcusim whatif' writes it.

    Counts are exact, cycles are modelled, energy is estimated.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    args: tuple[str, ...]
    """Given to the program."""
    executions: Count
    """Of the programs: configurations of one part share one."""
    configurations: tuple[Outcome, ...]
    """In the order in which they were asked for."""
    interrupted: bool
    """Ctrl-C came before all were done; those that were are here."""
    relinked: Relinked | None = None
    """Left out when no build was asked for."""

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this result."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return max((row.exit.status for row in self.configurations), default=ExitCode.OK)
