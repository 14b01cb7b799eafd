"""Advice as plain immutable data, with JSON out: schema mcusim.advice/1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simcore.costs.origin import Cpu, Elf, Exit, Tool
from simcore.costs.tables import LayoutBand, PlacedItem
from simcore.errors import ExitCode
from simcore.plain import Amount, Count, Document, Json, one_of, schema_name

SCHEMA = "mcusim.advice/1"


@dataclass(frozen=True, slots=True)
class Cost:
    """What the program costs under a placement."""

    cycles: Count
    active_cycles: Count
    """Those of them in which the core did not sleep."""
    time_s: Amount
    energy_j: Amount
    tcm_bytes: dict[str, Count]
    """Bytes that the program takes of each TCM, its stack with them, by region."""


@dataclass(frozen=True, slots=True)
class AdvisedMove:
    """Something to move. Gains are cycles."""

    name: str
    kind: Annotated[str, one_of("function", "object", "stack")]
    from_region: str | None
    region: str
    size: Count
    """Bytes."""
    cycles_alone: int
    """Gain of this move by itself."""
    cycles_without: int | None
    """What the choice loses without it; null for what makes room for the rest."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that waits but is not worth moving, or has no room."""

    name: str
    kind: Annotated[str, one_of("function", "object", "stack")]
    region: str | None
    """The one that would gain most."""
    size: Count
    """Bytes."""
    cycles_alone: int
    """What that would gain by itself."""
    reason: str


@dataclass(frozen=True, slots=True)
class Advice(Document):
    """Where functions and data of a program should lie, as 'mcusim advise' writes it.

    Cycles are modelled, energy is estimated.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    elf: Elf
    cpu: Cpu
    exit: Exit
    args: tuple[str, ...]
    minimise: Annotated[str, one_of("cycles", "energy", "tcm")]
    deadline_s: Annotated[float, Json(exclusiveMinimum=0)] | None
    meets_deadline: bool | None
    linked: Cost
    advised: Cost
    predicted_cycles: int
    """Those as linked less what each move gains by itself."""
    timings: Count
    """Placements that were timed."""
    moves: tuple[AdvisedMove, ...]
    """Largest gain first."""
    placement: tuple[PlacedItem, ...]
    """Where the advised cost was timed, by address."""
    rejected: tuple[Rejected, ...]
    linked_layout: LayoutBand
    advised_layout: LayoutBand
    significant: bool
    """Whether the gain is larger than what alignment alone makes."""
    copied_bytes: Count
    """Bytes that the program has to copy into RAM at its start."""
    copy_cycles: Count
    """The least that this takes, once; not in the costs."""
    linker_script: str
    """Output sections of GNU ld and lld."""
    attributes: str
    """The same as attributes of GCC."""
    applied_script: str | None
    """The program's linker script with these output sections; null when none was given."""
    warnings: tuple[str, ...]

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this result."""
        if self.exit.status is not ExitCode.OK:
            return self.exit.status
        return ExitCode.REGRESSION if self.meets_deadline is False else ExitCode.OK
