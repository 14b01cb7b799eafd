"""A check as text for people: a table of the runs, then what broke a limit, and why.

It stands in the logs of CI jobs: names and what a program printed, which whoever wrote the commit
chose, are shown so that they command nothing there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from simcore.checking.results import (
    CheckResult,
    MetricValue,
    Reason,
    RunResult,
    causes_text,
    reason_text,
    verdict,
)
from simcore.log_text import harmless, one_line, quoted
from simcore.report import RenderOptions
from simcore.report.page.cells import chop_cells
from simcore.report.page.console import new_console, printed_text
from simcore.report.page.styled import GAP, Printed, Text
from simcore.report.page.table import Column, build_table
from simcore.units import NOTHING, amount, count, place, relative_change, si, signed

#: Metrics of the table of runs, and when their columns leave.
_SHOWN = (("cycles", 0), ("energy", 1), ("stack", 3), ("load", 4))
_STYLES = {"passed": "green", "new": "yellow"}


def render(result: CheckResult, options: RenderOptions | None = None) -> str:
    """Runs that changed have a block of their own, the ones that failed first."""
    options = options or RenderOptions()
    result = _escaped(result)
    console = new_console(options)
    console.print(Text(_head(result), "bold"))
    if result.error is not None:
        console.print(Text(result.error, "bold red"))
    if result.runs:
        console.print()
        console.print(_runs(result.runs, options))
    if result.not_run:
        console.print()
        console.print(Text(result.not_run_text, "bold red" if result.require_all else "yellow"))
    changed = [run for run in result.runs if run.failures or run.message or _changes(run)]
    for run in sorted(changed, key=lambda run: not run.exit_code):
        console.print()
        for block in _blocks(run, options):
            console.print(block)
    warnings = dict.fromkeys(f"{run.name}: {text}" for run in result.runs for text in run.warnings)
    if warnings:
        console.print()
        console.print(Text("Warnings", "bold"))
        console.print(Text("\n".join(warnings), "yellow"))
    return "\n".join(map(harmless, printed_text(console, options).split("\n")))


def _head(result: CheckResult) -> str:
    """How many runs there are, and how many of them are compared with anything."""
    many = len(result.runs)
    runs = f"{many} run{'s' if many != 1 else ''}"
    if result.baseline is None:
        return f"{runs} against no baseline"
    new = sum(run.status in ("new", "no-baseline") for run in result.runs)
    baseline = f"baseline '{result.baseline}'"
    if new and new == many:
        return f"{runs}, not in {baseline}: nothing to compare with"
    return f"{runs} against {baseline}{f', {new} of them not in it' if new else ''}"


def _escaped(value: Any) -> Any:
    """A result whose texts are a line each, but for what programs printed."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return tuple(map(_escaped, value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    left = ("output", "comparison", "cpu")  # not shown, or not as a line
    texts = [field.name for field in fields(value) if field.init and field.name not in left]
    return replace(value, **{name: _escaped(getattr(value, name)) for name in texts})


def _runs(runs: Sequence[RunResult], options: RenderOptions) -> Printed:
    columns = [Column("run", [run.name for run in runs])]
    for name, drop in _SHOWN:
        values = [_total(run, name) for run in runs]
        if any(value is not None and value.after is not None for value in values):
            columns.append(Column(name, [_amount(value) for value in values], 2 * drop))
            if name == "cycles" and any(value is not None and value.spread for value in values):
                columns.append(Column("", [value.spread if value else "" for value in values]))
            # a change without its amount would be a riddle: it leaves first
            leaves = 2 * drop + 1 if drop else 0
            columns.append(Column("change", [_change(value) for value in values], leaves))
    columns.append(Column("", [_word(run) for run in runs]))
    return build_table(columns, options.width)


def _word(run: RunResult) -> str:
    if run.status == "passed":
        faster = _total(run, "cycles")
        return "faster" if faster is not None and faster.improved else "passed"
    return "no baseline" if run.status == "new" else run.status.upper()


def _total(run: RunResult, metric: str) -> MetricValue | None:
    return next((value for value in run.values if value.name == metric), None)


def _amount(value: MetricValue | None) -> str:
    return NOTHING if value is None else amount(value.after, value.unit)


def _change(value: MetricValue | None) -> str:
    if value is None or value.before is None:
        return "N/A"
    return relative_change(value.difference, value.before)


def _changes(run: RunResult) -> list[MetricValue]:
    """Values that are shown: those that changed, of rows with a limit, with one inside ±."""
    return [
        value
        for value in run.values
        if value.difference or value.failed or value.row or value.undecided
    ]


def _blocks(run: RunResult, options: RenderOptions) -> Iterator[Printed]:
    style = "bold red" if run.exit_code else "bold"
    head = verdict(run) if run.exit_code else _word(run)
    yield Text.assemble((run.name, "bold"), ": ", (head, style))
    values = _changes(run)
    if values:
        yield _values(values, options)
    if run.reasons:
        yield Text("because of", "dim")
        yield _reasons(run.reasons, options)
    if run.output:
        yield Text("the program's last words", "dim")
        yield Text("\n".join(_rows(quoted(run.output), options.width)))


def _rows(lines: Sequence[str], width: int) -> Iterator[str]:
    """Quoted lines in rows of ``width``, each with the mark of the quotation."""
    mark = "| "
    for line in lines:
        pieces = chop_cells(line[len(mark) :], max(width - len(mark), 2)) or [""]
        yield from (f"{mark}{piece}" for piece in pieces)


def _values(values: Sequence[MetricValue], options: RenderOptions) -> Printed:
    return build_table(
        [
            Column("  metric", [f"  {value.name}" for value in values]),
            Column("before", [amount(value.before, value.unit) for value in values], 2),
            Column("after", [amount(value.after, value.unit) for value in values]),
            Column(
                "change",
                [signed(amount(v.difference, v.unit), v.difference) for v in values],
                3,
            ),
            Column("", [relative_change(v.difference, v.before) for v in values]),
            Column("limit", [_limits(value) for value in values], 1),
            Column("", [_note(value) for value in values], 4, "dim"),
        ],
        options.width,
    )


def _limits(value: MetricValue) -> str:
    texts = []
    for limit in value.limits:
        words = [] if limit.holds else ["BROKEN"]
        words += ["inside ±"] if limit.undecided else []
        texts.append(" ".join([limit.text, ", ".join(words)]).rstrip())
    return " | ".join(texts)


def _note(value: MetricValue) -> str:
    words = [value.span] if value.span else []
    if value.within is not None:
        words.append(f"within {value.within}")
    elif value.improved:
        words.append("improved")
    return ", ".join(words)


def _reasons(reasons: Sequence[Reason], options: RenderOptions) -> Printed:
    """A table of functions with the line of the largest change; in words where it is too wide."""
    names = [r.function if r.status == "same" else f"{r.function} ({r.status})" for r in reasons]
    places = [NOTHING if r.file is None else place(r.file, r.line or 0) for r in reasons]
    places = [" ".join(filter(None, (at, r.inside))) for at, r in zip(places, reasons, strict=True)]
    lines = [NOTHING if r.line_cycles is None else _signed(r.line_cycles) for r in reasons]
    causes = [causes_text(reason, 2) or NOTHING for reason in reasons]
    columns = [
        Column("  function", [f"  {name}" for name in names]),
        Column("cycles", [_signed(reason.cycles_difference) for reason in reasons]),
        Column("of them", causes),
        Column("line", places),
        Column("cycles", lines, 1),
        Column("energy", [_joules(reason.energy_difference_j) for reason in reasons], 3),
    ]
    if sum(column.width + GAP for column in columns if not column.drop) > options.width:
        return Text("\n".join(f"  {reason_text(reason)}" for reason in reasons))
    return build_table(columns, options.width)


def _joules(value: float) -> str:
    return signed(si(value, "J"), value)


def _signed(value: int) -> str:
    return signed(count(value), value)
