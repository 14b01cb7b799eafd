"""Two runs as one HTML page: what changed by metric, cause, operation, function and source line."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.comparison.comparison import Comparison, FunctionChange
from simcore.comparison.operations import OpChange, calls_changed
from simcore.costs.profile import Profile
from simcore.report.comparison.headline import headline
from simcore.report.comparison.tasks import task_table
from simcore.report.comparison.text import band_text, faint, is_changed, side_text
from simcore.report.html.colors import word_class
from simcore.report.html.flame import differential_data
from simcore.report.html.page import as_json, write_page
from simcore.report.html.tables import (
    Cell,
    HtmlColumn,
    HtmlTable,
    change,
    cut,
    folded,
    number,
    place,
    text,
    words,
)
from simcore.report.meanings import CAUSES, COMPONENTS, told
from simcore.report.source_links import Links, unlinked
from simcore.units import amount, count, relative_change, signed


def render(comparison: Comparison, before: Profile, after: Profile, links: Links = unlinked) -> str:
    """The page; the profiles are those compared, for the differential flame graph.

    ``links`` are the addresses of lines after; what is gone has none.

    Raises ConfigError when a profile's call tree is corrupt.
    """
    functions = [row for row in comparison.functions if is_changed(row)]
    operations = [row for row in comparison.ops if is_changed(row)]
    return write_page(
        "comparison.html.j2",
        title=_title(comparison.before.elf.name, comparison.after.elf.name),
        comparison=comparison,
        calls=list(calls_changed(comparison.ops, "before")),
        headline=headline(comparison),
        band=band_text(comparison),
        sides=[("before", side_text(comparison.before)), ("after", side_text(comparison.after))],
        metrics=_metrics(comparison),
        causes=_parts(
            "causes",
            "Cycles by cause",
            "cause",
            [(row.cause, row.before, row.after, row.difference) for row in comparison.causes],
            "",
        ),
        components=_parts(
            "components",
            "Energy by component",
            "component",
            [
                (row.component, row.before_j, row.after_j, row.difference_j)
                for row in comparison.components
            ],
            "J",
        ),
        operations=_rows("operations", "Operations", "operation", operations, comparison, links),
        functions=_rows("functions", "Functions", "function", functions, comparison, links),
        lines=_lines(comparison, links),
        tasks=task_table(comparison),
        unchanged=len(comparison.functions) - len(functions),
        flame_tree=as_json(differential_data(before, after)),
    )


def _title(before: str, after: str) -> str:
    return f"What changed: {before if before == after else f'{before} to {after}'}"


def _value(value: float | None, unit: str) -> Cell:
    return Cell(amount(value, unit), -1.0 if value is None else value)


def _difference(value: float | None, unit: str) -> Cell:
    return Cell(signed(amount(value, unit), value), 0.0 if value is None else value)


def _relative(difference: float | None, before: float | None) -> Cell:
    share = difference / before if difference is not None and before else None
    return Cell(relative_change(difference, before), 0.0 if share is None else share)


def _metrics(comparison: Comparison) -> HtmlTable:
    rows = [row for row in comparison.metrics if (row.before, row.after) != (None, None)]
    largest = max((abs(row.relative or 0) for row in rows), default=0)
    columns = (
        HtmlColumn("metric", numeric=False),
        HtmlColumn("before"),
        HtmlColumn("after"),
        HtmlColumn("change"),
        HtmlColumn("relative"),
        HtmlColumn("bar"),
        HtmlColumn("accuracy", numeric=False),
        HtmlColumn("note", numeric=False),
    )
    return HtmlTable(
        "metrics",
        "Metrics",
        columns,
        [
            (
                text(words(row.metric)),
                _value(row.before, row.unit),
                _value(row.after, row.unit),
                _difference(row.difference, row.unit),
                _relative(row.difference, row.before),
                change(row.relative, largest),
                text(row.accuracy),
                text(f"within {row.within}" if row.within else ""),
            )
            for row in rows
        ],
        faint=faint([(row.difference, row.before) for row in rows]),
    )


def _parts(
    name: str,
    caption: str,
    heading: str,
    rows: Sequence[tuple[str, float, float, float]],
    unit: str,
) -> HtmlTable:
    shown = [row for row in rows if row[1] or row[2]]
    largest = max((abs(difference) for *_, difference in shown), default=0)
    trust = "estimated" if unit == "J" else "modelled"
    columns = (
        HtmlColumn(heading, numeric=False),
        HtmlColumn("before", trust),
        HtmlColumn("after", trust),
        HtmlColumn("change", trust),
        HtmlColumn("relative", trust),
        HtmlColumn("bar"),
    )
    return HtmlTable(
        name,
        caption,
        columns,
        [
            (
                text(words(part), swatch=word_class(part)),
                _value(before, unit),
                _value(after, unit),
                _difference(difference, unit),
                _relative(difference, before),
                change(difference, largest),
            )
            for part, before, after, difference in shown
        ],
        faint=faint([(difference, before) for _, before, _, difference in shown]),
        told=[told(COMPONENTS if unit == "J" else CAUSES, part) for part, *_ in shown],
    )


def _folded(table: HtmlTable, changes: Sequence[int], comparison: Comparison) -> HtmlTable:
    """The table with changes folded that hardly count in the run; the largest stand first."""
    whole = max(
        (row.before or 0 for row in comparison.metrics if row.metric == "cycles"), default=0
    )
    shares = [change / max(whole, 1) for change in changes]
    return cut(folded(table, shares, " of the run's cycles"))


def _rows(
    name: str,
    caption: str,
    heading: str,
    rows: Sequence[FunctionChange] | Sequence[OpChange],
    comparison: Comparison,
    links: Links,
) -> HtmlTable:
    largest = max((abs(row.cycles_difference) for row in rows), default=0)
    columns = [
        HtmlColumn(heading, numeric=False),
        HtmlColumn("cycles before", "modelled"),
        HtmlColumn("after", "modelled"),
        HtmlColumn("change", "modelled"),
        HtmlColumn("relative", "modelled"),
        HtmlColumn("bar"),
        HtmlColumn("calls", "exact", "change"),
        HtmlColumn("instructions", "exact", "change"),
        HtmlColumn("energy", "estimated", "change"),
    ]
    cells = [
        [
            _name(row, links),
            number(row.cycles_before),
            number(row.cycles_after),
            _difference(row.cycles_difference, ""),
            _relative(row.cycles_difference, row.cycles_before),
            change(row.cycles_difference, largest),
            _difference(_calls(row), ""),
            _difference(row.instructions_difference, ""),
            _difference(row.energy_difference_j, "J"),
        ]
        for row in rows
    ]
    causes: list[str] = []
    for row in rows:
        if isinstance(row, FunctionChange):
            causes.append(_causes(row))
    if causes:
        columns.append(
            HtmlColumn("mostly", "modelled", "the causes that changed most", numeric=False)
        )
        for line, cause in zip(cells, causes, strict=True):
            line.append(text(cause))
    grey = faint([(row.cycles_difference, row.cycles_before) for row in rows])
    table = HtmlTable(name, caption, columns, cells, faint=grey)
    return _folded(table, [row.cycles_difference for row in rows], comparison)


def _name(row: FunctionChange | OpChange, links: Links) -> Cell:
    before = url = ""
    if isinstance(row, FunctionChange):
        where = place(row.file, row.line)
        url = links(row.file, row.line) if row.status != "removed" else ""
        before = f"renamed from {row.renamed_from}?" if row.renamed_from else ""
    else:
        where = row.kind if row.kind != row.name else ""
    details = [where, before, "" if row.status == "same" else row.status]
    return text(row.name, ", ".join(filter(None, details)), url=url)


def _calls(row: FunctionChange | OpChange) -> int:
    if isinstance(row, FunctionChange):
        return row.calls_after - row.calls_before
    return row.invocations_after - row.invocations_before


CAUSES_NAMED = 2


def _causes(row: FunctionChange) -> str:
    """The causes that changed most, with their signs."""
    most = sorted(row.cycles_by_cause.items(), key=lambda item: (-abs(item[1]), item[0]))[
        :CAUSES_NAMED
    ]
    return ", ".join(f"{words(cause)} {signed(count(cycles), cycles)}" for cause, cycles in most)


def _lines(comparison: Comparison, links: Links) -> HtmlTable | None:
    if comparison.lines is None:
        return None
    rows = [row for row in comparison.lines if row.cycles_difference]
    largest = max((abs(row.cycles_difference) for row in rows), default=0)
    columns = (
        HtmlColumn("line", numeric=False),
        HtmlColumn("function", numeric=False),
        HtmlColumn("cycles before", "modelled"),
        HtmlColumn("after", "modelled"),
        HtmlColumn("change", "modelled"),
        HtmlColumn("bar"),
        HtmlColumn("mostly", "modelled", numeric=False),
    )
    cells = [
        (
            text(
                place(row.file, row.line),
                url=links(row.file, row.line) if row.cycles_after else "",
            ),
            text(row.function),
            number(row.cycles_before),
            number(row.cycles_after),
            _difference(row.cycles_difference, ""),
            change(row.cycles_difference, largest),
            text(words(row.main_cause or "")),
        )
        for row in rows
    ]
    grey = faint([(row.cycles_difference, row.cycles_before) for row in rows])
    table = HtmlTable("lines", "Source lines", columns, cells, faint=grey)
    return _folded(table, [row.cycles_difference for row in rows], comparison)
