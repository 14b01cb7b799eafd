"""Advice as plain immutable data, with JSON out: schema mcusim.advice/2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simcore.costs.origin import Cpu, Elf, Exit, Tool
from simcore.costs.tables import PlacedItem
from simcore.errors import ExitCode
from simcore.plain import Address, Amount, Count, Document, Json, one_of, schema_name

SCHEMA = "mcusim.advice/2"


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
class Promise:
    """What the program saves when it is linked as advised, against how it is linked now.

    The mean over what a linker may make of it: gaps that close, code shifted by double words of a
    cache line and by a line, with caches data in RAM by up to three. Cycles are those awake.
    """

    cycles: int
    cycles_relative: float
    """Of the cycles awake as linked."""
    band_cycles: Count
    """The farthest of those layouts from their mean, and a linefill for each line that start-up
    code reads to copy what moved, and what calls through veneers may take more or less: a relinked
    program lies so near to the promise."""
    mechanism_cycles: int
    """Of the cycles, those that fetches, loads and stores no longer wait: wait states, misses,
    TCM."""
    chance_cycles: int
    """The rest: branches that collide elsewhere, alignment, and the luck of the layout as linked;
    less what calls through the linker's veneers take."""
    veneer_cycles: Count
    """That calls through veneers take, for which the promise is smaller."""
    energy_j: float
    """Of a run that sleeps, less what it takes to sleep through the cycles that are saved."""
    energy_relative: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Over which layouts moves were judged, and what the advice brings in the mean of them."""

    layouts: Count
    """Orders of functions and data, each with all code shifted by other words of a cache line;
    moves of which the first four leave no doubt are judged over those."""
    answers: tuple[str, ...]
    """Settings of other answers to what no source decides, under which some of them are timed."""
    cycles: int
    """Saved in the mean."""
    spread_cycles: Amount
    """Twice the standard error of that mean."""
    mechanism_cycles: int
    """Of the cycles, those that fetches, loads and stores no longer wait."""
    energy_j: float
    """Saved in the mean."""


@dataclass(frozen=True, slots=True)
class AdvisedMove:
    """Something to move, and what it brings beside the other moves, in the mean of the layouts.

    Gains are null for what only makes room for the rest.
    """

    name: str
    """A part of an array has the bytes behind its name, as [:54K]."""
    kind: Annotated[str, one_of("function", "object", "stack")]
    file: str | None
    """Source file of its object file, as the symbol table says it."""
    address: Address
    from_region: str | None
    region: str
    size: Count
    """Bytes."""
    cycles: int | None
    spread_cycles: Amount | None
    """Twice the standard error of the mean."""
    mechanism_cycles: int | None
    """Of the cycles, those that were waits for memory; of data, which moves no branch, all."""
    energy_j: float | None
    """Saved; negative where it costs energy."""
    members: tuple[str, ...]
    """What else its input section holds and moves along: 'X and 2 more' has three."""
    stays: str | None
    """Why no linker script moves it; null of what the promise holds."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that waits but is not worth moving, or has no room."""

    name: str
    kind: Annotated[str, one_of("function", "object", "stack")]
    region: str | None
    """The one that would gain most."""
    size: Count
    """Bytes."""
    room: Count | None
    """Bytes that are free there; null where that is not the reason."""
    cycles: int
    """What it would bring there by itself; what it waits, when it has no room."""
    reason: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another choice, judged over the same layouts."""

    moves: tuple[str, ...]
    """As WHAT=REGION."""
    cycles: int
    """Saved in the mean."""
    spread_cycles: Amount
    energy_j: float
    """Saved in the mean; negative where it costs energy."""
    is_advised: bool


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
    scope: str | None
    """What of the run counts; null for all of it."""
    minimise: Annotated[str, one_of("cycles", "energy", "both", "tcm")]
    least_share: Amount
    """Of the cycles or the energy of what counts: a move that brings less is left out."""
    deadline_s: Annotated[float, Json(exclusiveMinimum=0)] | None
    meets_deadline: bool | None
    linked: Cost
    advised: Cost
    """As linked less what is promised."""
    promise: Promise
    judged: Judged
    timings: Count
    """Configurations that the run was timed under."""
    moves: tuple[AdvisedMove, ...]
    """Largest gain first."""
    by_hand: tuple[AdvisedMove, ...]
    """What is worth it and what no linker script moves: not in the promise."""
    by_hand_cycles: int
    """What they bring together more than the moves, in the mean of the layouts."""
    by_hand_spread_cycles: Amount
    placement: tuple[PlacedItem, ...]
    """Where the moves were timed, by address."""
    rejected: tuple[Rejected, ...]
    alternatives: tuple[Alternative, ...]
    """Of 'both' those of which none is better in cycles and energy; else one that is better than
    the advised one in both, if there is one."""
    copied_bytes: Count
    """Bytes that the program has to copy into RAM at its start."""
    copy_cycles: Count
    """About what start-up code takes to fill all that moved, with caches; not in the costs."""
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
