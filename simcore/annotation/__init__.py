"""The Annotation: where the cycles of functions go, instruction by instruction, as plain data.

The document of schema ``mcusim.annotation/1``. Cycles of a function are its own, callees left out,
and add up: over ``instructions`` and ``elsewhere`` to ``cycles``, over causes and over lines too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from simcore.costs.profile import Accuracy, Cpu, Elf, Exit, Tool
from simcore.plain import to_plain

SCHEMA = "mcusim.annotation/1"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that kept an instruction out of the younger slot of the cycle before it."""

    rule: str
    executions: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Executions that waited for a register; they may have lost only a pair and no cycle."""

    register: str
    address: int | None  # of the instruction that wrote it; None when several are possible
    text: str | None  # its disassembly
    executions: int
    cycles: int


@dataclass(frozen=True, slots=True)
class AccessCosts:
    """One memory access of an instruction; a load multiple has one per register."""

    kind: str  # read or write
    size_bytes: int
    executions: int
    misses: int  # of the data cache
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class AnnotatedInstruction:
    """One instruction that ran. Cycles that an older instruction began are not the younger's.

    An instruction cache miss stands at the first instruction of the block that missed.
    """

    address: int
    text: str
    file: str | None
    line: int | None
    executions: int
    skipped: int  # executions whose IT condition was false
    cycles: int
    cycles_by_cause: dict[str, int]  # sums to cycles
    older: int  # executions as the older of a pair
    younger: int  # as the younger: it cost no issue cycle
    folded: int  # of an IT: took no slot
    refusals: tuple[Refusal, ...]  # most frequent first
    waits: tuple[Wait, ...]  # most cycles first
    accesses: tuple[AccessCosts, ...]
    icache_misses: int
    mispredicts: int

    @property
    def misses(self) -> int:
        """Data-cache misses of all accesses."""
        return sum(access.misses for access in self.accesses)


@dataclass(frozen=True, slots=True)
class AnnotatedLine:
    """One source line of a function; ``source`` is its text when the file was found."""

    file: str | None
    line: int | None
    source: str | None
    executions: int  # of its most executed instruction
    instructions: int
    cycles: int
    cycles_by_cause: dict[str, int]


@dataclass(frozen=True, slots=True)
class Loop:
    """A natural loop: everything that runs between its head and a jump back to the head.

    Costs are those of the function's own instructions in it, inner loops included, callees not.
    """

    head: int  # address
    first: int  # lowest and highest address of an instruction in it
    last: int
    addresses: tuple[int, ...]
    file: str | None  # of the head
    line: int | None
    iterations: int  # how often its head ran
    entries: int | None  # how often it was entered from outside; None when that is not known
    calls: bool  # it holds calls
    instructions: int
    cycles: int
    cycles_by_cause: dict[str, int]


@dataclass(frozen=True, slots=True)
class AnnotatedFunction:
    """A function that ran; ``elsewhere`` has cycles by cause of no instruction, such as sleep."""

    name: str
    address: int | None
    file: str | None
    line: int | None
    calls: int
    executions: int  # of all its instructions
    macs: int
    cycles: int  # cycles_self of the profile
    cycles_by_cause: dict[str, int]
    elsewhere: dict[str, int]
    loops: tuple[Loop, ...]  # most cycles first
    instructions: tuple[AnnotatedInstruction, ...]  # by address
    lines: tuple[AnnotatedLine, ...]  # by file and line


@dataclass(frozen=True, slots=True)
class Annotation:
    """Functions of one run, most cycles first; ``not_run`` are asked-for names that never ran."""

    schema: str
    tool: Tool
    elf: Elf
    cpu: Cpu
    exit: Exit
    accuracy: Accuracy
    cycles: int  # of the whole run
    functions: tuple[AnnotatedFunction, ...]
    not_run: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """The annotation as a JSON document; the same run gives the same bytes."""
        return json.dumps(to_plain(self), indent=1, allow_nan=False) + "\n"
