"""Annotated functions for the HTML report: facts, loops, and the listing with its source lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from simcore.annotation import AnnotatedFunction, AnnotatedInstruction, Annotation
from simcore.costs.nodes import ratio
from simcore.report.annotation.listing import (
    HOT,
    LONGEST,
    WARM,
    cost_note,
    loop_lanes,
    pair_mark,
    per,
)
from simcore.report.annotation.text import facts_of, iteration_of, sum_of
from simcore.report.html.profile_tables.beside import Beside
from simcore.report.html.tables import (
    EXACT,
    MODELLED,
    Cell,
    HtmlColumn,
    HtmlTable,
    cut,
    number,
    parts,
    place,
    rate,
    share,
    text,
)
from simcore.report.source_links import Links
from simcore.units import count

#: Instructions of one function's listing; of a longer one the hot loops, then the hot rest.
MOST_INSTRUCTIONS = 300
LEAST_SHARE = 0.005  # of a function's cycles that one instruction outside of hot loops makes up
MOST_ROWS = 15  # of the tables of loops and of lines


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A row: of a ``source`` line, of an instruction (``code``), or a ``gap`` between them."""

    kind: str
    place: str = ""
    url: str = ""  # of the place
    source: str = ""
    lanes: str = ""
    address: str = ""
    pair: str = ""
    text: str = ""
    runs: str = ""
    cycles: str = ""
    per_run: str = ""
    heat: str = ""  # warm or hot
    causes: tuple[tuple[str, float], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class HotFunction:
    """An annotated function, ready to be written down."""

    target: str  # id
    name: str
    place: str
    url: str  # of the place
    facts: str
    causes: str
    iteration: str  # what an iteration of the hottest innermost loop costs
    loops: HtmlTable | None
    lines: HtmlTable
    rows: Sequence[ListingRow] = field(default=())
    elsewhere: str = ""
    has_source: bool = False


def hot_functions(annotation: Annotation, beside: Beside) -> list[HotFunction]:
    """The annotated functions, the costliest awake first."""
    order = sorted(annotation.functions, key=lambda function: -_awake(function).cycles)
    slept = beside.slept.cycles
    run = replace(annotation, cycles=annotation.cycles - slept)
    of = "of the cycles awake" if slept else "of the run"
    return [_function(run, function, n, beside.links, of) for n, function in enumerate(order)]


def _awake(function: AnnotatedFunction) -> AnnotatedFunction:
    """A function without the cycles that it slept."""
    slept = function.cycles_by_cause.get("sleep", 0)
    if not slept:
        return function
    causes = {**function.cycles_by_cause, "sleep": 0}
    elsewhere = {cause: n for cause, n in function.elsewhere.items() if cause != "sleep"}
    return replace(
        function, cycles=function.cycles - slept, cycles_by_cause=causes, elsewhere=elsewhere
    )


def _function(
    annotation: Annotation, function: AnnotatedFunction, index: int, links: Links, of: str
) -> HotFunction:
    function = _awake(function)
    facts = facts_of(function, annotation, of)
    elsewhere = ""
    if function.elsewhere:
        elsewhere = f"and at no instruction: {sum_of(function.elsewhere)}"
    return HotFunction(
        target=f"hot-{index}",
        name=function.name,
        place=place(function.file, function.line),
        url=links(function.file, function.line),
        facts=", ".join(facts),
        causes=f"{sum_of(function.cycles_by_cause)} = {count(function.cycles)} cycles",
        iteration=iteration_of(function),
        loops=_loops(function, index, links),
        lines=_lines(function, index, links),
        rows=tuple(_rows(function, links)),
        elsewhere=elsewhere,
        has_source=any(line.source for line in function.lines),
    )


def _loops(function: AnnotatedFunction, index: int, links: Links) -> HtmlTable | None:
    if not function.loops:
        return None
    longest = function.loops[0].cycles
    columns = (
        HtmlColumn("loop", numeric=False),
        HtmlColumn("head", numeric=False),
        HtmlColumn("entries", EXACT),
        HtmlColumn("iterations", EXACT),
        HtmlColumn("cycles", MODELLED),
        HtmlColumn("share", MODELLED, "of the function's own cycles"),
        HtmlColumn("by cause", MODELLED),
        HtmlColumn("cycles/iteration", MODELLED),
        HtmlColumn("instructions/iteration", EXACT),
        HtmlColumn("IPC", MODELLED, "instructions a cycle"),
    )
    rows = [
        (
            text(f"{loop.first:x} to {loop.last:x}"),
            text(place(loop.file, loop.line), url=links(loop.file, loop.line)),
            number(loop.entries),
            number(loop.iterations),
            number(loop.cycles),
            share(loop.cycles, function.cycles),
            parts(loop.cycles_by_cause, longest),
            rate(ratio(loop.cycles, loop.iterations)),
            rate(ratio(loop.instructions, loop.iterations)),
            rate(ratio(loop.instructions, loop.cycles)),
        )
        for loop in function.loops
    ]
    return cut(
        HtmlTable(f"loops-{index}", f"Loops of {function.name}", columns, rows, sorted_by=4),
        MOST_ROWS,
    )


def _lines(function: AnnotatedFunction, index: int, links: Links) -> HtmlTable:
    lines = sorted(function.lines, key=lambda line: (-line.cycles, line.file or "", line.line or 0))
    longest = lines[0].cycles if lines else 0
    columns = (
        HtmlColumn("line", numeric=False),
        HtmlColumn("source", numeric=False),
        HtmlColumn("runs", EXACT),
        HtmlColumn("cycles", MODELLED),
        HtmlColumn("share", MODELLED, "of the function's own cycles"),
        HtmlColumn("by cause", MODELLED),
    )
    rows = [
        (
            text(place(line.file, line.line) or "no line", url=links(line.file, line.line)),
            Cell(line.source or ""),
            number(line.executions),
            number(line.cycles),
            share(line.cycles, function.cycles),
            parts(line.cycles_by_cause, longest),
        )
        for line in lines
    ]
    return cut(
        HtmlTable(f"lines-{index}", f"Lines of {function.name}", columns, rows, sorted_by=3),
        MOST_ROWS,
    )


def _rows(function: AnnotatedFunction, links: Links) -> Iterator[ListingRow]:
    sources = {(line.file, line.line): line.source for line in function.lines}
    most = max((row.cycles for row in function.instructions), default=0)
    kept = kept_addresses(function)
    left_out: list[AnnotatedInstruction] = []
    before: tuple[str | None, int | None] | None = None
    end: int | None = None
    for row, lanes in zip(function.instructions, loop_lanes(function), strict=True):
        if row.address not in kept:
            left_out.append(row)
            continue
        if left_out or (end is not None and row.address > end + LONGEST):
            yield _gap(left_out)
            left_out, before = [], None
        end = row.address
        at = (row.file, row.line)
        if at != before:
            before = at
            yield ListingRow(
                "source",
                place=place(row.file, row.line) or "no line",
                url=links(row.file, row.line),
                source=sources.get(at) or "",
                lanes=lanes.translate(_GOES_ON),
            )
        yield _code(row, lanes, function.cycles, most)
    if left_out:
        yield _gap(left_out)


def kept_addresses(function: AnnotatedFunction) -> set[int]:
    """The instructions that a listing shows: all, or of a long function what is hot."""
    rows = function.instructions
    if len(rows) <= MOST_INSTRUCTIONS:
        return {row.address for row in rows}
    kept: set[int] = set()
    for loop in function.loops:
        if loop.cycles >= WARM * function.cycles:
            with_loop = kept.union(loop.addresses)
            kept = with_loop if len(with_loop) <= MOST_INSTRUCTIONS else kept
    for row in sorted(rows, key=lambda row: (-row.cycles, row.address)):
        if len(kept) >= MOST_INSTRUCTIONS or row.cycles < LEAST_SHARE * function.cycles:
            break
        kept.add(row.address)
    return kept


def _gap(left_out: Sequence[AnnotatedInstruction]) -> ListingRow:
    """What stands between two instructions of a listing: code that never ran, or ran cheaply."""
    if not left_out:
        return ListingRow("gap")
    cycles = count(sum(row.cycles for row in left_out))
    return ListingRow("gap", note=f"{count(len(left_out))} instructions, {cycles} cycles in all")


_GOES_ON = str.maketrans({"╭": " ", "╰": "│", "├": "│"})


def _code(row: AnnotatedInstruction, lanes: str, whole: int, most: int) -> ListingRow:
    part = row.cycles / whole if whole else 0
    return ListingRow(
        "code",
        lanes=lanes,
        address=f"{row.address:x}",
        pair=pair_mark(row),
        text=row.text,
        runs=count(row.executions),
        cycles=count(row.cycles),
        per_run=per(row.cycles, row.executions),
        heat="hot" if part >= HOT else "warm" if part >= WARM else "",
        causes=tuple(
            (cause, cycles / most) for cause, cycles in row.cycles_by_cause.items() if cycles
        ),
        note=cost_note(row, causes=True),
    )
