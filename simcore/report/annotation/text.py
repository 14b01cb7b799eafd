"""An Annotation as text: per function its loops, its listing and its source lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from simcore.annotation import (
    AnnotatedFunction,
    AnnotatedLine,
    Annotation,
    Loop,
)
from simcore.costs.nodes import ratio
from simcore.elf.names import also
from simcore.report import RenderOptions
from simcore.report.annotation.listing import listing, per
from simcore.report.page.console import new_console, printed_text
from simcore.report.page.styled import GAP, Printed, Text
from simcore.report.page.table import Column, build_table, cut_text
from simcore.units import clock, count, decimal, percent

SOURCE_LEAST = 12  # columns of source text that are worth their room


def render(annotation: Annotation, options: RenderOptions) -> str:
    """The listings; ``options.top`` bounds the tables of loops and lines."""
    console = new_console(options)
    for part in _page(annotation, options):
        console.print(part)
    return printed_text(console, options)


def _page(annotation: Annotation, options: RenderOptions) -> Iterator[Printed]:
    header = Text()
    header.append(annotation.elf.name, style="bold")
    header.append(f" on {annotation.cpu.name} at {clock(annotation.cpu.clock_hz)}")
    if annotation.exit.status:
        header.append(f"\n{annotation.exit.text[0].upper()}{annotation.exit.text[1:]}.", "bold red")
    yield header
    for name in annotation.not_run:
        yield Text(f"\n{name} ran zero times: there is nothing to list. {_INLINED}")
    for function in annotation.functions:
        yield Text()
        yield from _function(annotation, function, options)
    if annotation.functions:
        yield Text(f"\n{_LEGEND}", "dim")
    if annotation.warnings:
        yield Text("\n" + "\n".join(annotation.warnings), style="yellow")


_INLINED = "What was inlined stands in the function that it went into."
_LEGEND = (
    "┌ older and └ younger of a pair, ┼ both in turn; a share stands where it is not always. The"
    " younger costs no cycle of its own. /run and the causes are cycles per run; callees left out."
)


def _function(
    annotation: Annotation, function: AnnotatedFunction, options: RenderOptions
) -> Iterator[Printed]:
    title = Text.assemble((function.name, "bold"))
    if function.file:
        title.append(f"  {function.file}:{function.line}", "cyan")
    yield title
    yield Text(", ".join(facts_of(function, annotation)))
    yield Text(f"{sum_of(function.cycles_by_cause)} = {count(function.cycles)} cycles")
    if function.loops:
        yield Text()
        yield from _loops(function, options)
    yield Text()
    lines = sorted(function.lines, key=lambda line: (-line.cycles, line.file or "", line.line or 0))
    numbers = {(line.file, line.line): n for n, line in enumerate(lines[: options.top or None], 1)}
    yield from listing(function, options.width, numbers)
    if function.elsewhere:
        elsewhere = sum_of(function.elsewhere)
        yield Text(f"and at no instruction: {elsewhere}; in all {count(function.cycles)} cycles")
    if any(line.file for line in lines):
        yield Text()
        yield _lines(function, lines, options)


def facts_of(
    function: AnnotatedFunction, annotation: Annotation, of: str = "of the run"
) -> list[str]:
    """What a function ran and took, in a few words each; ``of`` is what its share is of."""
    younger = sum(row.younger for row in function.instructions)
    facts = [
        f"{count(function.cycles)} cycles",
        f"{percent(function.cycles, annotation.cycles)} {of}",
        f"{count(function.calls)} calls",
        f"{count(function.executions)} instructions",
        f"{decimal(ratio(function.executions, function.cycles))} a cycle",
        f"{percent(2 * younger, function.executions, 0)} in pairs",
    ]
    if function.macs:
        facts.append(f"{decimal(ratio(function.cycles, function.macs))} cycles per MAC")
    if others := also(function.aliases):
        facts.append(others)
    return facts


def sum_of(causes: dict[str, int]) -> str:
    spent = sorted(((n, cause) for cause, n in causes.items() if n), reverse=True)
    return " + ".join(f"{cause.replace('_', ' ')} {count(n)}" for n, cause in spent) or "0"


def _loops(function: AnnotatedFunction, options: RenderOptions) -> Iterator[Printed]:
    loops = function.loops[: options.top or None]
    table = build_table(
        [
            Column("loop", [f"{loop.first:x}-{loop.last:x}" for loop in loops]),
            Column("head", [_place(loop.file, loop.line) for loop in loops], 6),
            Column("entries", [count(loop.entries) for loop in loops], 5),
            Column("iterations", [count(loop.iterations) for loop in loops]),
            Column("cycles", [count(loop.cycles) for loop in loops], 3),
            Column("share", [percent(loop.cycles, function.cycles) for loop in loops], 4),
            Column("per iteration", [per(loop.cycles, loop.iterations) for loop in loops]),
            Column("instructions", [per(loop.instructions, loop.iterations) for loop in loops], 1),
            Column(
                "a cycle", [decimal(ratio(loop.instructions, loop.cycles)) for loop in loops], 2
            ),
        ],
        options.width,
    )
    yield table
    yield Text(iteration_of(function))


def iteration_of(function: AnnotatedFunction) -> str:
    """What an iteration of the hottest innermost loop costs; nothing without loops."""
    loop = next((loop for loop in function.loops if is_innermost(loop, function)), None)
    if loop is None:
        return ""
    spent = sorted(((n, cause) for cause, n in loop.cycles_by_cause.items() if n), reverse=True)
    sums = " + ".join(f"{cause.replace('_', ' ')} {per(n, loop.iterations)}" for n, cause in spent)
    return (
        f"Each of the {count(loop.iterations)} iterations from {loop.head:x}: {sums}"
        f" = {per(loop.cycles, loop.iterations)} cycles"
        f"{'; calls in it are not counted' if loop.calls else ''}."
    )


def is_innermost(loop: Loop, function: AnnotatedFunction) -> bool:
    inside = set(loop.addresses)
    return not any(other.head in inside for other in function.loops if other != loop)


def _lines(
    function: AnnotatedFunction, lines: Sequence[AnnotatedLine], options: RenderOptions
) -> Printed:
    """Source lines by cycles, numbered as in the listing; the rest in one row."""
    shown = lines[: options.top or None]
    rest = lines[len(shown) :]
    digits = len(str(len(shown)))
    names = [
        f"{number:>{digits}} {_place(line.file, line.line) or 'no line'}"
        for number, line in enumerate(shown, 1)
    ]
    runs = [count(line.executions) for line in shown]
    cycles = [line.cycles for line in shown]
    sources = [line.source or "" for line in shown]
    if rest:
        names.append(f"{len(rest)} more lines")
        runs.append("")
        cycles.append(sum(line.cycles for line in rest))
        sources.append("")
    columns = [
        Column("source line", names),
        Column("runs", runs, 2),
        Column("cycles", [count(n) for n in cycles]),
        Column("share", [percent(n, function.cycles) for n in cycles], 1),
    ]
    if not any(sources):
        return build_table(columns, options.width)
    room = max(options.width - sum(column.width + GAP for column in columns), SOURCE_LEAST)
    columns.append(Column("text", [cut_text(text, room) for text in sources], 3, "cyan"))
    table = build_table(columns, options.width)
    if len(table.columns) == len(columns):
        table.columns[-1].justify = "left"
    return table


def _place(file: str | None, line: int | None) -> str:
    return f"{PurePath(file).name}:{line}" if file else ""
