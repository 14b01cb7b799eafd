"""The Annotation: where the cycles of functions go, instruction by instruction, as plain data.

The document of schema ``mcusim.annotation/1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simcore.core.counters import CAUSES
from simcore.costs.origin import Accuracy, Cpu, Elf, Exit, Tool
from simcore.costs.tables import Causes
from simcore.plain import Address, Count, Document, Json, one_of, schema_name

SCHEMA = "mcusim.annotation/1"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that kept an instruction out of the younger slot of the cycle before it."""

    rule: str
    executions: Count


@dataclass(frozen=True, slots=True)
class Wait:
    """Executions that waited for a register; they may have lost only a pair and no cycle."""

    register: str
    address: Address | None
    """Of the instruction that wrote it; null when several are possible."""
    text: str | None
    """Its disassembly."""
    executions: Count
    cycles: Count


@dataclass(frozen=True, slots=True)
class AccessCosts:
    """One memory access of an instruction; a load multiple has one per register."""

    kind: Annotated[str, one_of("read", "write")]
    size_bytes: Count
    executions: Count
    misses: Count
    """Of the data cache."""
    stall_cycles: Count


@dataclass(frozen=True, slots=True)
class AnnotatedInstruction:
    """An instruction that ran. Cycles that an older instruction began are not the younger's."""

    address: Address
    text: str
    """Disassembly."""
    file: str | None
    line: Count | None
    executions: Count
    skipped: Count
    """Executions with a false IT condition."""
    cycles: Count
    cycles_by_cause: Causes
    """Sums to cycles."""
    older: Count
    """Executions as the older of a pair."""
    younger: Count
    """Executions as the younger of a pair: they cost no issue cycle."""
    folded: Count
    """Executions of an IT that took no slot."""
    refusals: tuple[Refusal, ...]
    """Most frequent first."""
    waits: tuple[Wait, ...]
    """Most cycles first."""
    accesses: tuple[AccessCosts, ...]
    """In program order."""
    icache_misses: Count
    """At the first instruction of the block that missed."""
    mispredicts: Count
    """Of the branch that ends a block."""

    @property
    def misses(self) -> int:
        """Data-cache misses of all accesses."""
        return sum(access.misses for access in self.accesses)


@dataclass(frozen=True, slots=True)
class AnnotatedLine:
    """A source line of a function; without file and line, the code of no known line."""

    file: str | None
    line: Count | None
    source: str | None
    """Its text, when the file was found."""
    executions: Count
    """Those of its most executed instruction."""
    instructions: Count
    cycles: Count
    cycles_by_cause: Causes


@dataclass(frozen=True, slots=True)
class Loop:
    """A natural loop: everything that runs between its head and a jump back to the head.

    Costs are those of the function's own instructions in it, inner loops included, callees not.
    """

    head: Address
    first: Address
    """The lowest of an instruction in it."""
    last: Address
    """The highest of an instruction in it."""
    addresses: tuple[Address, ...]
    file: str | None
    """Of the head."""
    line: Count | None
    iterations: Count
    """How often its head ran."""
    entries: Count | None
    """How often it was entered from outside; null when that is not known."""
    calls: bool
    """It holds calls."""
    instructions: Count
    cycles: Count
    cycles_by_cause: Causes


@dataclass(frozen=True, slots=True)
class AnnotatedFunction:
    """A function that ran. Cycles are its own, callees left out.

    They add up over instructions and elsewhere, over causes and over lines and elsewhere.
    """

    name: str
    address: Address | None
    file: str | None
    line: Count | None
    calls: Count
    executions: Count
    """Of all its instructions."""
    macs: Count
    """Multiply-accumulates that ran."""
    cycles: Count
    """cycles_self of the profile."""
    cycles_by_cause: Causes
    elsewhere: Annotated[dict[str, int], Json(propertyNames={"enum": list(CAUSES)})]
    """Cycles by cause of no instruction, such as sleep; causes without any are left out."""
    loops: tuple[Loop, ...]
    """Most cycles first."""
    instructions: tuple[AnnotatedInstruction, ...]
    """By address."""
    lines: tuple[AnnotatedLine, ...]
    """By file and line."""
    symbol: str | None = None
    """Name in the symbol table; left out where it is the name."""
    aliases: tuple[str, ...] | None = None
    """Other names of its address, demangled and as symbols; left out without any."""


@dataclass(frozen=True, slots=True)
class Annotation(Document):
    """Where the cycles of functions of one run go, instruction by instruction.

    Counts are exact, cycles modelled.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    elf: Elf
    cpu: Cpu
    exit: Exit
    accuracy: Accuracy
    cycles: Count
    """Of the whole run, or of the one call that was counted."""
    functions: tuple[AnnotatedFunction, ...]
    """Most cycles first."""
    not_run: tuple[str, ...]
    """Names that were asked for and never ran."""
    warnings: tuple[str, ...]
    """One line each, for people."""
