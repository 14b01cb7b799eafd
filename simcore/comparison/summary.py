"""A profile cut down to what a comparison needs: small enough to commit, exact enough to compare.

A baseline holds summaries; `mcusim compare` makes them of two profiles.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from simcore.comparison.interrupts import InterruptSummary, summarize_interrupts
from simcore.comparison.metrics import Metrics, metrics_of
from simcore.comparison.names import named_apart
from simcore.comparison.networks import NetworkIdentity, network_identity
from simcore.comparison.outside import OutsideCalls
from simcore.comparison.tasks import TaskSummary, summarize_tasks
from simcore.costs.origin import Cpu, Exit
from simcore.costs.profile import Profile
from simcore.costs.tables import InstructionCosts
from simcore.plain import Amount, Count, Sha256, filled

LineText = Callable[[str, int], str | None]


@dataclass(frozen=True, slots=True)
class ComparedElf:
    """The ELF that ran."""

    name: str
    """Name of the file without its folder."""
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class FunctionSummary:
    """A function that ran, callees and sleep left out, and causes that cost nothing."""

    name: str
    calls: Count
    instructions: Count
    cycles: Count
    energy_j: Amount
    cycles_by_cause: dict[str, Count]
    """Sums to cycles."""
    file: str | None = None
    line: Count | None = None
    symbol: str | None = None
    """Name in the symbol table; left out where it is the name."""
    aliases: tuple[str, ...] | None = None
    """Other names of its address, demangled and as symbols; left out without any."""
    for_callers: Count | None = None
    """Of the cycles of a function from outside of the repository, those that functions of the
    repository spent in it; left out without any."""
    for_callers_j: Amount | None = None
    """Their energy."""


@dataclass(frozen=True, slots=True)
class OpSummary:
    """An operation over all its invocations, callees included and sleep left out."""

    name: str
    kind: str
    invocations: Count
    instructions: Count
    cycles: Count
    energy_j: Amount
    symbol: str | None = None
    """Of a function, its name in the symbol table; left out where it is the name."""
    caller: str | None = None
    """Of calls: the function that is called, or that calls; left out for what firmware marks."""
    call: Count | None = None
    """Which of the calls."""


@dataclass(frozen=True, slots=True)
class LineSummary:
    """What a source line cost inside one function, code inlined into it included.

    ``crc`` is the CRC-32 of the line's text where the source could be read: it tells a line that
    moved from one that changed.
    """

    function: str
    file: str
    line: int
    cycles: int
    cycles_by_cause: dict[str, int]  # sums to cycles
    crc: int | None = None


@dataclass(frozen=True, slots=True)
class FunctionLines:
    """The lines of one function in one file, a column for each field: a third of the bytes."""

    function: str
    file: str
    lines: tuple[Count, ...]
    cycles_by_cause: dict[str, tuple[Count, ...]]
    """Causes that cost nothing are left out."""
    crcs: tuple[Count, ...] | None = None


@dataclass(frozen=True, slots=True)
class CheapFunctions:
    """Functions that cost little beside others, a column for each figure that is kept of them."""

    names: tuple[str, ...]
    instructions: tuple[Count, ...]
    cycles: tuple[Count, ...]
    energy_fj: tuple[Count, ...]
    """Femtojoules."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One run: what ran on what, and what it cost; what is not known is left out."""

    mcusim: str
    """Version that made the run."""
    elf: ComparedElf
    cpu: Cpu
    exit: Exit
    metrics: Metrics
    energy_uncertainty: Amount
    """Half width of the interval around the energy, relative to it."""
    energy_by_component: dict[str, Amount]
    """Joules."""
    functions: tuple[FunctionSummary, ...]
    ops: tuple[OpSummary, ...]
    lines: tuple[FunctionLines, ...] | None = None
    args: tuple[str, ...] | None = None
    placement: tuple[str, ...] | None = None
    """What was placed elsewhere, as name=region."""
    layout_cycles: Count | None = None
    """Width of the band that alignment alone makes of the cycles, when it was asked for."""
    per: str | None = None
    """The one call that was counted; left out of a run that was counted whole."""
    network: NetworkIdentity | None = None
    """Of a network; left out of any other program."""
    interrupts: tuple[InterruptSummary, ...] | None = None
    """Interrupts and exceptions that were taken, by number."""
    tasks: tuple[TaskSummary, ...] | None = None
    """Of a run that switched between them: main, interrupts, then threads as they first ran."""
    outside: tuple[OutsideCalls, ...] | None = None
    """What functions of the repository spent in others, by function; left out where no function is
    known to be of the repository."""
    output_sha256: Sha256 | None = None
    """Of what the program printed."""
    output_bytes: Count | None = None
    cheap: CheapFunctions | None = None
    """Of a baseline that would be too large: functions beside those that cost most."""
    left_out_below: Count | None = None
    """Functions that cost no more cycles than this may be left out."""
    ops_left_out_below: Count | None = None
    """The same of operations."""

    def all_functions(self) -> tuple[FunctionSummary, ...]:
        """The functions with the cheap ones, of which neither calls nor causes are known.

        Raises ValueError when the columns are of unequal length.
        """
        if self.cheap is None:
            return self.functions
        one = self.cheap
        rows = zip(one.names, one.instructions, one.cycles, one.energy_fj, strict=True)
        return (
            *self.functions,
            *(
                FunctionSummary(name, 0, instructions, cycles, femtojoules / 1e15, {})
                for name, instructions, cycles, femtojoules in rows
            ),
        )

    def line_rows(self) -> list[LineSummary] | None:
        """The lines one by one. Raises ValueError when the columns are of unequal length."""
        if self.lines is None:
            return None
        return [row for columns in self.lines for row in _unpacked(columns)]


def packed_lines(rows: Iterable[LineSummary]) -> tuple[FunctionLines, ...]:
    """Lines by function and file, in columns."""
    groups: dict[tuple[str, str], list[LineSummary]] = {}
    for row in rows:
        groups.setdefault((row.function, row.file), []).append(row)
    packed = []
    for (function, file), group in groups.items():
        causes = dict.fromkeys(cause for row in group for cause in row.cycles_by_cause)
        crcs = [row.crc for row in group if row.crc is not None]
        packed.append(
            FunctionLines(
                function,
                file,
                tuple(row.line for row in group),
                {
                    cause: tuple(row.cycles_by_cause.get(cause, 0) for row in group)
                    for cause in causes
                },
                tuple(crcs) if len(crcs) == len(group) else None,
            )
        )
    return tuple(packed)


def _unpacked(columns: FunctionLines) -> Iterable[LineSummary]:
    crcs = columns.crcs or (None,) * len(columns.lines)
    by_line = zip(*columns.cycles_by_cause.values(), strict=True)
    for line, crc, cycles in zip(columns.lines, crcs, by_line, strict=True):
        causes = dict(zip(columns.cycles_by_cause, cycles, strict=True))
        yield LineSummary(columns.function, columns.file, line, sum(cycles), _costly(causes), crc)


def summarize(profile: Profile, line_text: LineText | None = None) -> Summary:
    """The summary of a profile; it has lines when the profile has instructions or lines.

    ``line_text`` gives the text of a source line, None where it is not found.
    """
    lines = placement = layout_cycles = None
    if profile.placement is not None:
        placement = tuple(
            sorted(f"{item.symbol or item.name}={item.region}" for item in profile.placement)
        )
    if profile.layout is not None:
        layout_cycles = profile.layout.maximum_cycles - profile.layout.minimum_cycles
    if profile.instructions is not None:
        lines = packed_lines(_lines_of_instructions(profile.instructions, line_text))
    elif profile.lines is not None:
        lines = packed_lines(
            LineSummary("", row.file, row.line, row.cycles, _costly(row.cycles_by_cause))
            for row in profile.lines
            if row.cycles
        )
    return filled(
        Summary,
        profile,
        profile.totals,
        mcusim=profile.tool.version,
        elf=filled(ComparedElf, profile.elf),
        metrics=metrics_of(profile),
        functions=tuple(
            filled(
                FunctionSummary,
                row,
                cycles=row.cycles_self - row.cycles_by_cause.get("sleep", 0),
                energy_j=row.energy_j_self,
                cycles_by_cause=_costly(row.cycles_by_cause),
            )
            for row in named_apart(profile.functions)
        ),
        ops=named_apart([filled(OpSummary, op, cycles=op.active_cycles) for op in profile.ops]),
        lines=lines,
        placement=placement,
        layout_cycles=layout_cycles,
        per=profile.scope,
        network=network_identity(profile),
        interrupts=summarize_interrupts(profile.interrupts),
        tasks=summarize_tasks(profile),
    )


def _lines_of_instructions(
    instructions: Iterable[InstructionCosts], line_text: LineText | None
) -> Iterable[LineSummary]:
    rows: dict[tuple[str, str, int], dict[str, int]] = {}
    for row in instructions:
        if row.file is not None and row.line is not None:
            into = rows.setdefault((row.function or "", row.file, row.line), {})
            for cause, cycles in row.cycles_by_cause.items():
                into[cause] = into.get(cause, 0) + cycles
    for (function, file, line), causes in sorted(rows.items()):
        if cycles := sum(causes.values()):
            text = None if line_text is None else line_text(file, line)
            crc = None if text is None else zlib.crc32(text.encode("utf-8", "backslashreplace"))
            yield LineSummary(function, file, line, cycles, _costly(causes), crc)


def _costly(causes: Mapping[str, int]) -> dict[str, int]:
    """Causes that cost something; how long the core slept is not what a row costs."""
    return {cause: cycles for cause, cycles in causes.items() if cycles and cause != "sleep"}
