"""Counters of blocks to costs of instructions and source lines.

What the pipeline schedules is known per instruction. What C adds at run time is known per memory
access, and otherwise per block: then a wait for instructions goes to the block's first one, a
branch penalty to its last, and cycles that depend on operands are shared by the instructions
that have such cycles.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import field
from operator import itemgetter
from typing import TYPE_CHECKING

from simcore.core.counters import CAUSES, BlockCounts, Counters
from simcore.costs.tables import InstructionCosts, LineCosts
from simcore.plain import filled
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.isa import Block
    from simcore.pipeline import Schedule

LineAt = Callable[[int], tuple[str, int] | None]
NameAt = Callable[[int], str | None]

_BRANCH, _EXECUTE, _FETCH, _LOAD, _STORE = (
    CAUSES.index(cause) for cause in ("branch", "execute", "fetch", "load", "store")
)


@dataclass(slots=True)
class AccessSum:
    """What one memory access of an instruction did; a load multiple has one per register."""

    is_write: bool
    size: int  # bytes
    executions: int = 0
    misses: int = 0
    stall_cycles: int = 0


@dataclass(slots=True)
class InstructionSum:
    """What one instruction costs over all blocks that hold it."""

    text: str
    executions: int = 0
    skipped: int = 0
    icache_misses: int = 0
    mispredicts: int = 0
    cycles: list[int] = field(default_factory=lambda: [0] * len(CAUSES))  # by cause
    accesses: list[AccessSum] = field(default_factory=list)

    @property
    def misses(self) -> int:
        """Data-cache misses of all its accesses."""
        return sum(access.misses for access in self.accesses)


def sum_instructions(
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    wanted: Container[int] | None = None,
) -> dict[int, InstructionSum]:
    """What every instruction of some blocks cost, by address; blocks that never ended are left out.

    ``blocks`` are the decoded blocks of ``counters.blocks``, ``schedules`` what the pipeline said
    of ``counters.entries``, each in the same order; ``wanted`` holds indices of blocks, None: all.
    """
    sums: dict[int, InstructionSum] = {}

    def sums_of(block: Block) -> list[InstructionSum]:
        # The engine cuts the same code into blocks in several ways, so an address may be in many.
        return [sums.setdefault(i.address, InstructionSum(i.text)) for i in block.instructions]

    sum_blocks(counters, blocks, schedules, sums_of, wanted)
    return dict(sorted(sums.items()))


def instruction_costs(
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    name_at: NameAt,
    line_at: LineAt,
) -> tuple[InstructionCosts, ...]:
    """Costs of every instruction that ran, by address.

    A block counts for the function that holds its first instruction, as in the call tree.
    ``blocks`` and ``schedules`` are those of :func:`sum_instructions`.
    """
    sums: dict[tuple[int, str], InstructionSum] = {}  # by address and function, "" for none

    def sums_of(block: Block) -> list[InstructionSum]:
        name = name_at(block.address) or ""
        return [
            sums.setdefault((i.address, name), InstructionSum(i.text)) for i in block.instructions
        ]

    sum_blocks(counters, blocks, schedules, sums_of)
    rows = []
    for (address, function), total in sorted(sums.items(), key=itemgetter(0)):
        file, line = line_at(address) or (None, None)
        reads, writes = ([a for a in total.accesses if a.is_write is w] for w in (False, True))
        rows.append(
            filled(
                InstructionCosts,
                total,
                address=address,
                function=function or None,
                file=file,
                line=line,
                cycles=sum(total.cycles),
                cycles_by_cause=dict(zip(CAUSES, total.cycles, strict=True)),
                reads=sum(access.executions for access in reads),
                writes=sum(access.executions for access in writes),
                read_misses=sum(access.misses for access in reads),
                write_misses=sum(access.misses for access in writes),
            )
        )
    return tuple(rows)


def line_costs(instructions: Iterable[InstructionCosts]) -> tuple[LineCosts, ...]:
    """Costs of every source line that ran, by file and line; code without a line is left out."""
    lines: dict[tuple[str, int], list[InstructionCosts]] = {}
    for row in instructions:
        if row.file is not None and row.line is not None:
            lines.setdefault((row.file, row.line), []).append(row)
    return tuple(
        LineCosts(
            file=file,
            line=line,
            executions=_most_executions(rows),
            instructions=sum(row.executions for row in rows),
            cycles=sum(row.cycles for row in rows),
            cycles_by_cause={
                cause: sum(row.cycles_by_cause[cause] for row in rows) for cause in CAUSES
            },
            misses=sum(row.misses for row in rows),
        )
        for (file, line), rows in sorted(lines.items())
    )


def _most_executions(rows: Iterable[InstructionCosts]) -> int:
    """Executions of the instruction that ran most, over all functions that ran it."""
    executions: dict[int, int] = {}
    for row in rows:
        executions[row.address] = executions.get(row.address, 0) + row.executions
    return max(executions.values())


def sum_blocks(
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    sums_of: Callable[[Block], list[InstructionSum]],
    wanted: Container[int] | None = None,
) -> None:
    """Add the costs of blocks to what ``sums_of`` gives for each of a block's instructions."""
    sums: dict[int, list[InstructionSum]] = {}
    for index, (block, counts) in enumerate(zip(blocks, counters.blocks, strict=True)):
        if counts.executions and (wanted is None or index in wanted):
            sums[index] = sums_of(block)
            _add_counts(sums[index], block, counts)
    for entry, schedule in zip(counters.entries, schedules, strict=True):
        if entry.executions and (wanted is None or entry.block in wanted):
            if entry.block not in sums:
                sums[entry.block] = sums_of(blocks[entry.block])
            into = schedule.part_of(sums[entry.block])
            for total, instruction in zip(into, schedule.instructions, strict=True):
                for cause, cycles in enumerate(instruction.cycles_by_cause):
                    total.cycles[cause] += cycles * entry.executions


def _add_counts(into: Sequence[InstructionSum], block: Block, counts: BlockCounts) -> None:
    for total, skipped in zip(into, counts.skipped, strict=True):
        total.executions += counts.executions
        total.skipped += skipped
    numbers: dict[int, int] = {}  # accesses of each instruction so far
    for access, site in zip(block.accesses, counts.sites, strict=True):
        total = into[access.instruction]
        number = numbers.get(access.instruction, 0)
        numbers[access.instruction] = number + 1
        if number == len(total.accesses):
            total.accesses.append(AccessSum(access.is_write, access.size))
        same = total.accesses[number]
        same.executions += site.executions
        same.misses += site.misses
        same.stall_cycles += site.stall_cycles
        total.cycles[_STORE if access.is_write else _LOAD] += site.stall_cycles
    into[0].icache_misses += counts.icache_misses
    into[-1].mispredicts += counts.mispredicts
    into[0].cycles[_FETCH] += counts.fetch_stall_cycles
    into[-1].cycles[_BRANCH] += counts.branch_stall_cycles
    variable = [note.instruction for note in block.notes] or [0]
    barriers = [barrier.instruction for barrier in block.barriers] or [0]
    for cause, where, stall in (
        (_EXECUTE, variable, counts.execute_stall_cycles),
        (_STORE, barriers, counts.barrier_stall_cycles),
    ):
        for instruction, cycles in zip(where, _shares(stall, len(where)), strict=True):
            into[instruction].cycles[cause] += cycles


def _shares(whole: int, parts: int) -> list[int]:
    """A whole number in equal whole parts, the first ones larger when it does not divide."""
    each, rest = divmod(whole, parts)
    return [each + (part < rest) for part in range(parts)]
