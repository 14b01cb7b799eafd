"""The result of a study as plain immutable data, with JSON out: schema mcusim.whatif/1."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simcore.costs.profile import Cpu, Elf, Exit, LayoutBand, PlacedItem, Tool
from simcore.errors import ExitCode
from simcore.plain import to_plain

SCHEMA = "mcusim.whatif/1"


@dataclass(frozen=True, slots=True)
class ObjectStalls:
    """Stalls that a part of the program made, or by how much they changed.

    Of a function the cycles that its fetches and its DSBs waited, of a data object those that its
    loads and stores waited: no cycle counts twice.
    """

    name: str
    kind: str  # function, symbol, stack, heap or region
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a configuration changes against the first; differences are this one minus the first.

    ``significant`` is False where alignment alone may make as large a difference in cycles, None
    when the layout was not swept.
    """

    cycles: int
    cycles_relative: float
    time_s: float
    energy_j: float
    energy_relative: float | None
    cycles_by_cause: dict[str, int]  # sums to cycles
    objects: tuple[ObjectStalls, ...]  # largest change first, those without any left out
    significant: bool | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One configuration and what the program cost under it."""

    name: str
    elf: Elf
    cpu: Cpu
    exit: Exit
    instructions: int
    cycles: int
    time_s: float
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    power_w: float | None
    icache_misses: int
    dcache_misses: int
    stack_high_water_bytes: int | None
    cycles_by_cause: dict[str, int]  # sums to cycles
    object_stalls: tuple[ObjectStalls, ...]  # those with any: functions, then data objects
    tcm_bytes: dict[str, int]  # taken by the program with its stack, by region
    placement: tuple[PlacedItem, ...]
    copied_bytes: int  # that a relinked program copies into RAM at its start; not in the cycles
    layout: LayoutBand | None
    change: Change | None  # None for the first of a program
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Configurations in the order in which they were asked for."""

    schema: str
    tool: Tool
    args: tuple[str, ...]
    executions: int  # of the program: configurations of one part share one
    configurations: tuple[Outcome, ...]
    interrupted: bool  # Ctrl-C came before all were done; those that were are here

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this result."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return max((row.exit.status for row in self.configurations), default=ExitCode.OK)

    def to_json(self) -> str:
        """The study as a JSON document; the same run gives the same bytes on every host."""
        return json.dumps(to_plain(self), indent=1, allow_nan=False) + "\n"
