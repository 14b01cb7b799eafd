"""A what-if study as text, JSON or CSV: a row per configuration, and where changes come from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from simcore.cpu_model.schema import TCM_KINDS
from simcore.errors import ExitCode
from simcore.plain import to_plain
from simcore.report import RenderOptions
from simcore.report.escaped import document_of
from simcore.report.page.console import (
    Block,
    new_console,
    print_blocks,
    printed_text,
    warnings_block,
)
from simcore.report.page.csv import table_text
from simcore.report.page.styled import Text, TextTable
from simcore.report.page.table import Column, build_table
from simcore.report.studies.deadlines import deadline_blocks
from simcore.units import NOTHING, clock, count, percent, si, signed
from simcore.whatif.results import Outcome, Relinked, WhatIf

FORMATS = ("text", "json", "csv")
OBJECTS = 6  # columns of the table of objects, those that change most


def render(study: WhatIf, format_name: str, options: RenderOptions) -> str:
    """The study in one of FORMATS."""
    if format_name == "json":
        return study.to_json()
    if format_name == "csv":
        return table_text(list(_csv_rows(study.configurations)), ())
    return document_of(lambda found: _text(found, options), study, format_name)


def _text(study: WhatIf, options: RenderOptions) -> str:
    console = new_console(options)
    print_blocks(console, _header(study), _blocks(study, options))
    return printed_text(console, options)


def _csv_rows(rows: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    """A row for each configuration; for each interrupt that it gives a rate, where it does."""
    for row in rows:
        plain = to_plain(row)
        for one in row.deadlines or ():
            yield {**plain, "deadline": to_plain(one)}
        if not row.deadlines:
            yield plain


def _header(study: WhatIf) -> Text:
    rows = study.configurations
    text = Text()
    elves, parts = _different(rows, _elf), _different(rows, _part)
    text.append(rows[0].elf.name if len(elves) < 2 else f"{len(elves)} programs", "bold")
    text.append(f" on {parts[0]}" if len(parts) < 2 else f" on {len(parts)} parts or clocks")
    noun = "configuration" if len(rows) == 1 else "configurations"
    times = "one execution" if study.executions == 1 else f"{study.executions} executions"
    text.append(f": {len(rows)} {noun} from {times}")
    for row in rows:
        if row.exit.status is not ExitCode.OK:
            text.append(f"\n{row.name}: {row.exit.text}", "bold red")
    if study.interrupted:
        text.append("\ninterrupted; what was finished is here", "bold red")
    return text


def _blocks(study: WhatIf, options: RenderOptions) -> Iterator[Block]:
    rows = study.configurations
    note = "cycles modelled, energy estimated; change against the first"
    yield "Configurations", note, build_table(list(_columns(rows)), options.width)
    yield from deadline_blocks(rows, options.width)
    changed = [row for row in rows if row.change is not None]
    causes = [
        cause
        for cause in rows[0].cycles_by_cause
        if any(row.change and row.change.cycles_by_cause[cause] for row in changed)
    ]
    if causes:
        columns = [_names(changed, rows)]
        columns += [
            Column(
                cause.replace("_", " "),
                [_plus(row.change.cycles_by_cause[cause] if row.change else 0) for row in changed],
                drop,
            )
            for drop, cause in enumerate(causes)
        ]
        yield (
            "Change by cause",
            "cycles, modelled",
            build_table(columns, options.width),
        )
    objects = _objects(changed)
    if objects:
        columns = [_names(changed, rows)]
        columns += [
            Column(name, [_plus(_stalls(row, name, kind)) for row in changed], drop)
            for drop, (name, kind) in enumerate(objects)
        ]
        yield (
            "Change by object",
            "cycles that fetches of functions and accesses to data wait, modelled",
            build_table(columns, options.width),
        )
    if any(row.layout for row in rows):
        note = "cycles with all code shifted by the words of a cache line, modelled"
        yield "Layout", note, _layout(rows, options)
    if study.relinked is not None:
        note = "cycles modelled; change against as linked"
        yield "Relinked", note, _relinked(study.relinked, options)
    yield from warnings_block(_warnings(study))


def _relinked(one: Relinked, options: RenderOptions) -> TextTable:
    """As linked, placed and relinked; what the relinked program does that the placed one lacks."""
    rest = one.cycles - one.start_up_cycles
    cycles = [one.linked_cycles, one.placed_cycles, one.cycles, rest, rest - one.veneer_cycles]
    against = [value - one.linked_cycles for value in cycles]
    return build_table(
        [
            Column(
                "",
                [
                    "as linked", f"placed: {one.placed}", "relinked", "without start-up copies",
                    f"and without {one.veneer_calls:,} veneer calls",
                ],
            ),
            Column("cycles", [count(value) for value in cycles]),
            Column(
                "change",
                [NOTHING, *(signed(percent(v, one.linked_cycles, 2), v) for v in against[1:])],
            ),
            Column(
                "against placed",
                ["", "", *(_plus(value - one.placed_cycles) for value in cycles[2:])],
            ),
        ],
        options.width,
    )  # fmt: skip


def _columns(rows: Sequence[Outcome]) -> Iterator[Column]:
    changes = [row.change for row in rows]
    cycles = [None if change is None else change.cycles_relative for change in changes]
    energy = [None if change is None else change.energy_relative for change in changes]
    yield _names(rows, rows)
    if len(_different(rows, _part)) > 1:
        yield Column("part", [row.cpu.name for row in rows], 6)
        yield Column("clock", [clock(row.cpu.clock_hz) for row in rows], 7)
    if any(row.active_cycles != row.cycles for row in rows):
        yield Column("active cycles", [count(row.active_cycles) for row in rows])
        loads = [percent(row.active_cycles, row.cycles) for row in rows]
        yield Column("CPU load", loads, 4)
    else:
        yield Column("cycles", [count(row.cycles) for row in rows])
    yield Column("change", [_relative(value) for value in cycles])
    yield Column("time", [si(row.time_s, "s") for row in rows], 2)
    yield Column("energy", [si(row.energy_j, "J") for row in rows], 1)
    yield Column("change", [_relative(value) for value in energy], 1)
    for kind in TCM_KINDS:
        yield Column(f"{kind.upper()} B", [_tcm(row, kind) for row in rows], 3)
    if any(_significance(row) for row in rows):
        yield Column("", ["~" if _significance(row) else "" for row in rows])


def _names(shown: Sequence[Outcome], rows: Sequence[Outcome]) -> Column:
    several = len(_different(rows, _elf)) > 1
    return Column(
        "configuration",
        [f"{row.elf.name}: {row.name}" if several else row.name for row in shown],
    )


def _tcm(row: Outcome, kind: str) -> str:
    used = [size for name, size in row.tcm_bytes.items() if kind in name]
    return count(sum(used)) if used else NOTHING


def _relative(value: float | None) -> str:
    return NOTHING if value is None else signed(percent(value, digits=2), value)


def _plus(value: int) -> str:
    return f"{value:+,}" if value else "0"


def _objects(rows: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Names and kinds of the objects that change most: each configuration chooses in turn, what one
    of them moved before what else changed with it.

    So one in which all is slower takes no column from what another one moved.
    """
    moved = {item.name for row in rows for item in row.placement}
    wishes = [_wishes(row, moved) for row in rows]
    found: dict[tuple[str, str], None] = {}
    for turn in range(max(map(len, wishes), default=0)):
        for wish in wishes:
            if turn < len(wish) and len(found) < OBJECTS:
                found[wish[turn]] = None
    return list(found)


def _wishes(row: Outcome, moved: Collection[str]) -> list[tuple[str, str]]:
    """Objects of a configuration in the order in which it wants a column for them."""
    changed = list(row.change.objects) if row.change else []
    changed.sort(key=lambda one: (one.name not in moved, -abs(one.stall_cycles), one.name))
    return [(one.name, one.kind) for one in changed if one.stall_cycles]


def _stalls(row: Outcome, name: str, kind: str) -> int:
    changes = row.change.objects if row.change else ()
    return next((one.stall_cycles for one in changes if (one.name, one.kind) == (name, kind)), 0)


def _layout(rows: Sequence[Outcome], options: RenderOptions) -> TextTable:
    bands = [(row, row.layout) for row in rows if row.layout is not None]
    return build_table(
        [
            _names([row for row, _ in bands], rows),
            Column("minimum", [count(band.minimum_cycles) for _, band in bands]),
            Column("median", [count(band.median_cycles) for _, band in bands]),
            Column("maximum", [count(band.maximum_cycles) for _, band in bands]),
            Column("", [_significance(row) for row, _ in bands], 1),
        ],
        options.width,
    )


def _significance(row: Outcome) -> str:
    if row.change is None or row.change.significant is None:
        return ""
    return "" if row.change.significant else "~ not significant"


def _warnings(study: WhatIf) -> list[str]:
    """Each warning once, with its configurations where not all have it."""
    rows = study.configurations
    lines: dict[str, None] = {}
    for warning in dict.fromkeys(warning for row in rows for warning in row.warnings):
        having = [row.name for row in rows if warning in row.warnings]
        if len(having) == len(rows):
            lines[warning] = None
        elif len(having) == len(rows) - 1 > 1:
            (other,) = (row.name for row in rows if warning not in row.warnings)
            lines[f"all but {other}: {warning}"] = None
        else:
            lines[f"{', '.join(having)}: {warning}"] = None
    copied = [row for row in rows if row.copied_bytes]
    if copied:
        most = max(row.copied_bytes for row in copied)
        lines[
            f"a relinked program copies what moved from ROM into RAM at its start, up to {most:,}"
            " bytes here; the cycles do not hold that"
        ] = None
    if (relinked := study.relinked) is not None:
        lines |= dict.fromkeys(relinked.stays)
        if along := relinked.along:
            some = ", ".join(along[:4]) + (" ..." if len(along) > 4 else "")
            lines[f"moved along, as input sections are shared with it: {some}"] = None
    return list(lines)


def _different(rows: Sequence[Outcome], key: Callable[[Outcome], str]) -> list[str]:
    return list(dict.fromkeys(key(row) for row in rows))


def _elf(row: Outcome) -> str:
    return row.elf.sha256


def _part(row: Outcome) -> str:
    return f"{row.cpu.name} at {clock(row.cpu.clock_hz)}"
