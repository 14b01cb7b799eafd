"""Advice as plain immutable data, with JSON out: schema mcusim.advice/1."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simcore.costs.profile import Cpu, Elf, Exit, LayoutBand, PlacedItem, Tool
from simcore.errors import ExitCode
from simcore.plain import to_plain

SCHEMA = "mcusim.advice/1"


@dataclass(frozen=True, slots=True)
class Cost:
    """What the program costs under a placement."""

    cycles: int
    time_s: float
    energy_j: float
    tcm_bytes: dict[str, int]  # taken by the program with its stack, by region


@dataclass(frozen=True, slots=True)
class AdvisedMove:
    """Something to move. Gains are cycles: of it alone, and what the choice loses without it, which
    is None for what has to go to make room for the rest."""

    name: str
    kind: str  # function, object or stack
    from_region: str | None
    region: str
    size: int  # bytes
    cycles_alone: int
    cycles_without: int | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that waits but is not worth moving, or has no room.

    ``cycles_alone`` is what the best region would gain, by itself.
    """

    name: str
    kind: str
    region: str | None
    size: int
    cycles_alone: int
    reason: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The best placement that was found, and how it was found."""

    schema: str
    tool: Tool
    elf: Elf
    cpu: Cpu
    exit: Exit
    args: tuple[str, ...]
    minimise: str  # cycles, energy or tcm
    deadline_s: float | None
    meets_deadline: bool | None
    linked: Cost
    advised: Cost
    predicted_cycles: int  # the sum of what each gains alone, taken from those as linked
    timings: int  # placements that were timed
    moves: tuple[AdvisedMove, ...]  # largest gain first
    placement: tuple[PlacedItem, ...]
    rejected: tuple[Rejected, ...]
    linked_layout: LayoutBand
    advised_layout: LayoutBand
    significant: bool  # the gain is larger than what alignment alone makes
    copied_bytes: int  # that the program has to copy into RAM at its start
    copy_cycles: int  # the least that this takes, once; not in the costs
    linker_script: str
    attributes: str
    warnings: tuple[str, ...]

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this result."""
        if self.exit.status is not ExitCode.OK:
            return self.exit.status
        return ExitCode.REGRESSION if self.meets_deadline is False else ExitCode.OK

    def to_json(self) -> str:
        """The advice as a JSON document; the same run gives the same bytes on every host."""
        return json.dumps(to_plain(self), indent=1, allow_nan=False) + "\n"
