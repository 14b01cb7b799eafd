"""Two runs beside each other as tables for people, with what changed most on top."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from simcore.comparison.comparison import (
    LAYOUT_BAND,
    Comparison,
    FunctionChange,
    LineChange,
    Side,
)
from simcore.comparison.interrupts import InterruptChange, InterruptSummary
from simcore.comparison.operations import OpChange, calls_changed
from simcore.report import RenderOptions
from simcore.report.comparison.headline import headline
from simcore.report.comparison.tasks import task_columns
from simcore.report.headline import headline_text
from simcore.report.page.console import Block, new_console, print_blocks, printed_text
from simcore.report.page.styled import Printed, Text, TextTable
from simcore.report.page.table import Column, build_table
from simcore.units import (
    NOTHING,
    amount,
    clock,
    count,
    place,
    relative_change,
    si,
    signed,
)

#: Part of what was before below which a change is shown in grey.
SMALL = 0.001


def render(comparison: Comparison, options: RenderOptions) -> str:
    """What changed most on top."""
    console = new_console(options)
    page = _Page(comparison, options)
    print_blocks(console, page.header(), page.blocks())
    return printed_text(console, options)


class _Page:
    """The blocks of one text report."""

    def __init__(self, comparison: Comparison, options: RenderOptions) -> None:
        self.comparison = comparison
        self.options = options
        self.top = options.top or None

    def header(self) -> Printed:
        before, after = self.comparison.before, self.comparison.after
        text = Text()
        text.append(f"before  {side_text(before)}\nafter   {side_text(after)}")
        for reason in self.comparison.unlike:
            text.append(f"\nNot comparable: {reason}.", "bold red")
        for line in calls_changed(self.comparison.ops, "before"):
            text.append(f"\n{line}.")
        if self.comparison.identical:
            text.append("\nNothing changed.")
        if said := headline_text(headline(self.comparison)):
            text.append(f"\n{said}", "bold")
        if said := band_text(self.comparison):
            text.append(f"\n{said}")
        return text

    def blocks(self) -> Iterator[Block]:
        comparison = self.comparison
        yield "Summary", "", self._metrics()
        if any(row.difference for row in comparison.causes):
            yield "Cycles by cause", "modelled", self._causes()
        if any(row.difference_j for row in comparison.components):
            yield "Energy by component", "estimated", self._components()
        ops = [row for row in comparison.ops if is_changed(row)]
        if ops:
            yield "Operations", self._of(len(ops), "callees included"), self._rows(ops)
        functions = [row for row in comparison.functions if is_changed(row)]
        if functions:
            yield "Functions", self._of(len(functions), "callees left out"), self._rows(functions)
        interrupts = [row for row in comparison.interrupts or () if row.is_changed]
        if interrupts:
            note = f"latency the longest, in cycles, modelled; {len(interrupts)} changed"
            yield "Interrupts and exceptions", note, self._interrupts(interrupts)
        tasks = [row for row in comparison.tasks or () if row.is_changed]
        if tasks:
            note = self._of(len(tasks), "cycles and response modelled, stack exact")
            yield "Tasks", note, self._table(task_columns(tasks[: self.top]))
        lines = [row for row in comparison.lines or () if row.cycles_difference]
        if lines:
            yield "Lines", self._of(len(lines), "cycles modelled"), self._lines(lines)

    def _of(self, rows: int, note: str) -> str:
        shown = rows if self.top is None else min(rows, self.top)
        return f"{note}; {f'top {shown} of ' if shown < rows else ''}{rows} changed"

    def _table(self, columns: Sequence[Column], faint: Collection[int] = ()) -> TextTable:
        return build_table(columns, self.options.width, faint=faint)

    def _metrics(self) -> TextTable:
        rows = [row for row in self.comparison.metrics if (row.before, row.after) != (None, None)]
        return self._table(
            [
                Column("metric", [row.metric for row in rows]),
                Column("before", [amount(row.before, row.unit) for row in rows]),
                Column("after", [amount(row.after, row.unit) for row in rows]),
                Column(
                    "change",
                    [signed(amount(row.difference, row.unit), row.difference) for row in rows],
                ),
                Column("", [relative_change(row.difference, row.before) for row in rows], 1),
                Column("", [row.accuracy for row in rows], 2, "dim"),
                Column("", [_within(row.within) for row in rows], 3, "dim"),
            ],
            faint([(row.difference, row.before) for row in rows]),
        )

    def _causes(self) -> TextTable:
        rows = [row for row in self.comparison.causes if row.before or row.after]
        return self._table(
            [
                Column("cause", [row.cause.replace("_", " ") for row in rows]),
                Column("before", [count(row.before) for row in rows], 2),
                Column("after", [count(row.after) for row in rows], 2),
                Column("change", [_count(row.difference) for row in rows]),
                Column("", [relative_change(row.difference, row.before) for row in rows], 1),
            ],
            faint([(row.difference, row.before) for row in rows]),
        )

    def _components(self) -> TextTable:
        rows = [row for row in self.comparison.components if row.before_j or row.after_j]
        return self._table(
            [
                Column("component", [row.component.replace("_", " ") for row in rows]),
                Column("before", [si(row.before_j, "J") for row in rows], 2),
                Column("after", [si(row.after_j, "J") for row in rows], 2),
                Column("change", [_joules(row.difference_j) for row in rows]),
                Column("", [relative_change(row.difference_j, row.before_j) for row in rows], 1),
            ],
            faint([(row.difference_j, row.before_j) for row in rows]),
        )

    def _rows(self, rows: Sequence[FunctionChange] | Sequence[OpChange]) -> TextTable:
        rows = rows[: self.top]
        columns = [
            Column("name", [_name(row) for row in rows]),
            Column("cycles before", [count(row.cycles_before) for row in rows], 4),
            Column("after", [count(row.cycles_after) for row in rows], 4),
            Column(
                "change",
                [_count(row.cycles_difference) for row in rows],
            ),
            Column(
                "", [relative_change(row.cycles_difference, row.cycles_before) for row in rows], 1
            ),
            Column(
                "instructions",
                [_count(row.instructions_difference) for row in rows],
                5,
            ),
            Column(
                "energy",
                [_joules(row.energy_difference_j) for row in rows],
                3,
            ),
        ]
        causes = [row.main_cause for row in rows if isinstance(row, FunctionChange)]
        if causes:
            columns.append(Column("mostly", list(map(_cause, causes)), 2))
        return self._table(columns, faint([(r.cycles_difference, r.cycles_before) for r in rows]))

    def _interrupts(self, rows: Sequence[InterruptChange]) -> TextTable:
        nothing = InterruptSummary(0, "", 0, 0, None, 0)
        before = [row.before or nothing for row in rows]
        after = [row.after or nothing for row in rows]
        return self._table(
            [
                Column("exception", [_name(row) for row in rows]),
                Column("count before", [count(one.count) for one in before], 2),
                Column("after", [count(one.count) for one in after], 2),
                Column("latency before", [count(one.latency_max_cycles) for one in before]),
                Column("after", [count(one.latency_max_cycles) for one in after]),
                Column("lost before", [count(one.lost) for one in before], 3),
                Column("after", [count(one.lost) for one in after], 3),
            ]
        )

    def _lines(self, rows: Sequence[LineChange]) -> TextTable:
        rows = rows[: self.top]
        return self._table(
            [
                Column("line", [place(row.file, row.line) for row in rows]),
                Column("function", [row.function for row in rows], 3),
                Column("cycles before", [count(row.cycles_before) for row in rows], 4),
                Column("after", [count(row.cycles_after) for row in rows], 4),
                Column(
                    "change",
                    [_count(row.cycles_difference) for row in rows],
                ),
                Column("mostly", [_cause(row.main_cause) for row in rows], 2),
            ],
            faint([(row.cycles_difference, row.cycles_before) for row in rows]),
        )


def _count(difference: int) -> str:
    return signed(count(difference), difference)


def _joules(difference: float) -> str:
    return signed(si(difference, "J"), difference)


def side_text(side: Side) -> str:
    """What ran where and how it ended."""
    cpu = side.cpu
    args = f" {' '.join(side.args)}" if side.args else ""
    return (
        f"{side.elf.name}{args} ({side.elf.sha256[:12]}) on {cpu.name} at {clock(cpu.clock_hz)},"
        f" {side.exit.text}"
    )


def faint(changes: Sequence[tuple[float | None, float | None]]) -> frozenset[int]:
    """Numbers of the rows, differences and values before, that changed by next to nothing."""
    return frozenset(
        number
        for number, (difference, before) in enumerate(changes)
        if difference is not None and before and abs(difference) < SMALL * before
    )


def band_text(comparison: Comparison) -> str:
    """That the cycles changed by no more than alignment alone makes; empty when they did."""
    for row in comparison.metrics:
        if row.within == LAYOUT_BAND and row.difference is not None:
            change = signed(count(round(row.difference)), row.difference)
            return (
                f"{change} {row.metric.replace('-', ' ')} lie inside the layout band: code that is"
                " only shifted changes by as much."
            )
    return ""


def is_changed(row: FunctionChange | OpChange) -> bool:
    """Whether there is anything to tell of a row."""
    return bool(
        row.status != "same"
        or row.cycles_difference
        or row.instructions_difference
        or row.energy_difference_j
    )


def _name(row: FunctionChange | OpChange | InterruptChange) -> str:
    if isinstance(row, FunctionChange) and row.renamed_from is not None:
        return f"{row.name} (renamed from {row.renamed_from}?)"
    return row.name if row.status == "same" else f"{row.name} ({row.status})"


def _cause(cause: str | None) -> str:
    return NOTHING if cause is None else cause.replace("_", " ")


def _within(reason: str | None) -> str:
    return "" if reason is None else f"within {reason}"
