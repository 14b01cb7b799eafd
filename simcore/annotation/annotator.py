"""From a run to its Annotation: chooses functions and puts together what is known of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from simcore.annotation import (
    SCHEMA,
    AccessCosts,
    AnnotatedFunction,
    AnnotatedInstruction,
    AnnotatedLine,
    Annotation,
    Loop,
    Refusal,
    Wait,
)
from simcore.annotation.loops import LoopShape, find_loops
from simcore.annotation.pairing import IssueSum, sum_issues
from simcore.annotation.sources import SourceFiles, SourcePlaces
from simcore.core.counters import CAUSES
from simcore.costs.instructions import InstructionSum, sum_instructions
from simcore.costs.tables import FunctionCosts
from simcore.elf.names import matches, names_for_hints, spellings, spellings_of
from simcore.errors import ConfigError, nearest
from simcore.pipeline.state import register_name
from simcore.plain import filled
from simcore.run.reached import Watcher
from simcore.simulation.program import open_program

if TYPE_CHECKING:
    from simcore.elf import Image
    from simcore.isa import Instruction
    from simcore.simulation.simulation import Simulation

DEFAULT_COVER = 0.9  # share of the run's cycles that the functions chosen by themselves make up
DEFAULT_TOP = 5
NAMES_OFFERED = 3


def check_functions(image: Image, patterns: Sequence[str]) -> None:
    """Refuse a pattern that no function of the image matches. Raises ConfigError."""
    for pattern in patterns:
        if not any(matches(spellings_of(function), pattern) for function in image.functions):
            close = nearest(pattern, names_for_hints(image.functions), NAMES_OFFERED)
            hint = close or "; 'mcusim profile' lists the functions that run"
            raise ConfigError(f"{image.path} has no function '{pattern}'{hint}")


def annotate(
    file: str | os.PathLike[str],
    functions: Sequence[str] = (),
    cpu: str | os.PathLike[str] | None = None,
    *,
    top: int = DEFAULT_TOP,
    cover: float = DEFAULT_COVER,
    sources: SourcePlaces | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Watcher | None = None,
    **options: Any,
) -> Annotation:
    """Run an ELF, or time a capture again, and annotate its functions, as :func:`annotate_run`.

    ``stdin``, ``stdout`` and ``progress`` are as :func:`simcore.profile` has them; ``cpu`` and
    ``options`` are fields of a RunSpec, and of a capture what is not given is as it was recorded.
    Raises what :func:`simcore.profile` raises, and CaptureError.
    """
    program = open_program(file, cpu, **options)
    check_functions(program.image, functions)
    simulation = program.run(stdin=stdin, stdout=stdout, progress=progress)
    return annotate_run(simulation, functions, top=top, cover=cover, sources=sources)


def annotate_run(
    simulation: Simulation,
    patterns: Sequence[str] = (),
    *,
    top: int = DEFAULT_TOP,
    cover: float = DEFAULT_COVER,
    sources: SourcePlaces | None = None,
) -> Annotation:
    """The Annotation of a run's functions, most cycles first.

    ``patterns`` are names or globs; without any, the functions that cost most up to a share of
    ``cover`` of all cycles, at most ``top`` of them (0: no limit). ``sources`` says where source
    text may be read beside the working folder and the ELF's. Raises ConfigError for a pattern that
    no function of the image matches.
    """
    image = simulation.image
    check_functions(image, patterns)
    profile = simulation.profile()
    ran = [row for row in profile.functions if row.instructions]
    if patterns:
        chosen = [row for row in ran if any(_matches(row, p) for p in patterns)]
    else:
        chosen = _hottest(ran, cover * profile.totals.cycles, top)
    files = SourceFiles(image.path, sources)
    listing = _Listing(simulation, files)
    functions = tuple(listing.function(row) for row in chosen)
    return filled(
        Annotation,
        profile,
        schema=SCHEMA,
        cycles=profile.totals.cycles,
        functions=functions,
        not_run=tuple(p for p in patterns if not any(_matches(row, p) for row in ran)),
        warnings=(*profile.scope_notes, *profile.warnings, *files.withheld()),
    )


def _matches(row: FunctionCosts, pattern: str) -> bool:
    return matches(spellings(row.name, row.symbol, row.aliases), pattern)


def _hottest(ran: Sequence[FunctionCosts], enough: float, top: int) -> list[FunctionCosts]:
    chosen: list[FunctionCosts] = []
    for row in ran:
        if sum(each.cycles_self for each in chosen) >= enough or (top and len(chosen) >= top):
            break
        chosen.append(row)
    return chosen


class _Listing:
    """Annotates functions of one run.

    A block belongs to the function that holds its first instruction, as in the call tree; so a
    listing adds up to what the profile says.
    """

    def __init__(self, simulation: Simulation, sources: SourceFiles) -> None:
        self._image = simulation.image
        self._result = simulation.result
        self._sources = sources
        self._texts = {i.address: i.text for b in self._result.blocks for i in b.instructions}
        self._blocks_of: dict[int | None, set[int]] = {}
        for index, block in enumerate(self._result.blocks):
            function = self._image.function_at(block.address)
            start = None if function is None else function.start
            self._blocks_of.setdefault(start, set()).add(index)

    def function(self, costs: FunctionCosts) -> AnnotatedFunction:
        """The annotated function of a row of the profile."""
        result, wanted = self._result, self._blocks_of.get(costs.address, set())
        sums = sum_instructions(result.counters, result.blocks, result.schedules, wanted)
        issues = sum_issues(result.counters, result.blocks, result.schedules, wanted)
        code = {
            i.address: i for n in wanted for i in result.blocks[n].instructions if i.address in sums
        }
        rows = tuple(
            self._instruction(address, total, issues.get(address, IssueSum()))
            for address, total in sums.items()
        )
        spent = _causes(rows)
        return filled(
            AnnotatedFunction,
            costs,
            executions=costs.instructions,
            cycles=costs.cycles_self,
            elsewhere={
                cause: cycles - spent[cause]
                for cause, cycles in costs.cycles_by_cause.items()
                if cycles != spent[cause]
            },
            loops=_loops(code, {result.blocks[n].address for n in wanted}, rows),
            instructions=rows,
            lines=self._lines(rows),
        )

    def _instruction(
        self, address: int, total: InstructionSum, issue: IssueSum
    ) -> AnnotatedInstruction:
        file, line = self._image.line_at(address) or (None, None)
        refusals = sorted(issue.refused.items(), key=lambda item: (-item[1], item[0]))
        waits = [
            Wait(
                register=register_name(register),
                address=producer,
                text=None if producer is None else self._texts.get(producer),
                executions=wait.executions,
                cycles=wait.cycles,
            )
            for (register, producer), wait in issue.waits.items()
        ]
        waits.sort(key=lambda wait: (-wait.cycles, -wait.executions, wait.register))
        return filled(
            AnnotatedInstruction,
            total,
            issue,
            address=address,
            file=file,
            line=line,
            cycles=sum(total.cycles),
            cycles_by_cause=dict(zip(CAUSES, total.cycles, strict=True)),
            refusals=tuple(Refusal(rule, executions) for rule, executions in refusals),
            waits=tuple(waits),
            accesses=tuple(
                filled(
                    AccessCosts,
                    access,
                    kind="write" if access.is_write else "read",
                    size_bytes=access.size,
                )
                for access in total.accesses
            ),
        )

    def _lines(self, rows: Sequence[AnnotatedInstruction]) -> tuple[AnnotatedLine, ...]:
        lines: dict[tuple[str, int], list[AnnotatedInstruction]] = {}
        for row in rows:
            lines.setdefault((row.file or "", row.line or 0), []).append(row)
        return tuple(
            AnnotatedLine(
                file=file or None,
                line=line or None,
                source=self._sources.line(file, line) if file else None,
                executions=max(row.executions for row in members),
                instructions=sum(row.executions for row in members),
                cycles=sum(row.cycles for row in members),
                cycles_by_cause=_causes(members),
            )
            for (file, line), members in sorted(lines.items())
        )


def _loops(
    code: Mapping[int, Instruction], entries: set[int], rows: Sequence[AnnotatedInstruction]
) -> tuple[Loop, ...]:
    at = {row.address: row for row in rows}
    loops = [_loop(shape, at) for shape in find_loops(code, entries)]
    return tuple(sorted(loops, key=lambda loop: (-loop.cycles, loop.head)))


def _loop(shape: LoopShape, at: Mapping[int, AnnotatedInstruction]) -> Loop:
    members = [at[address] for address in shape.addresses]
    head = at[shape.head]
    entries = None
    if shape.outside:
        entries = sum(at[address].executions for address in shape.outside)
    return filled(
        Loop,
        shape,
        head,
        first=shape.addresses[0],
        last=shape.addresses[-1],
        iterations=head.executions,
        entries=entries,
        instructions=sum(row.executions for row in members),
        cycles=sum(row.cycles for row in members),
        cycles_by_cause=_causes(members),
    )


def _causes(rows: Sequence[AnnotatedInstruction]) -> dict[str, int]:
    return {cause: sum(row.cycles_by_cause[cause] for row in rows) for cause in CAUSES}
