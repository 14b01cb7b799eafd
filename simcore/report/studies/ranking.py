"""A study of rankings as text, JSON or CSV."""

from __future__ import annotations

from typing import Final

from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.console import Block, new_console, print_blocks, printed_text
from simcore.report.page.csv import table_text
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table
from simcore.search.ranking import COSTS, PREDICTORS, RankingStudy
from simcore.units import clock, count, percent, si

FORMATS: Final = ("text", "json", "csv")
SHOWN: Final = 10  # networks that the sum is furthest off for

_NAMES: Final = {
    "ops": "operations",
    "parameters": "parameters",
    "peak_activation_bytes": "peak activation",
    "estimated_cycles": "sum of layers",
    "time_s": "latency",
    "energy_j": "energy",
}


def render(study: RankingStudy, format_name: str, options: RenderOptions) -> str:
    """The study in one of FORMATS; CSV holds a row for each network."""
    if format_name == "json":
        return study.to_json()
    if format_name == "csv":
        return table_text([to_plain(row) for row in study.rows], field_names(RankingStudy, "rows"))
    console = new_console(options)
    head = (
        f"{count(len(study.rows))} random networks of the space {study.space} on {study.part} at"
        f" {clock(study.clock_hz)}, each run whole; seed {study.seed}, {count(study.drawn)} drawn"
    )
    print_blocks(console, Text(head, "bold"), _blocks(study, options))
    return printed_text(console, options)


def _blocks(study: RankingStudy, options: RenderOptions) -> list[Block]:
    by_pair = {(row.by, row.cost): row for row in study.taus}
    columns = [Column("by", [_NAMES[by] for by in PREDICTORS])]
    for cost in COSTS:
        rows = [by_pair[by, cost] for by in PREDICTORS]
        columns.append(Column(f"tau, {_NAMES[cost]}", [f"{row.tau:.4f}" for row in rows]))
        columns.append(Column("pairs swapped", [percent(row.swapped, digits=2) for row in rows]))
    taus: Block = (
        "Rankings", "Kendall's tau-b against whole runs: 1 is the same order",
        build_table(columns, options.width),
    )  # fmt: skip
    errors = [
        Column("sum of layers", [_NAMES[row.cost] for row in study.errors]),
        Column("mean", [_signed(row.mean) for row in study.errors]),
        Column("median size", [percent(row.median_size, digits=2) for row in study.errors]),
        Column("least", [_signed(row.least) for row in study.errors]),
        Column("most", [_signed(row.most) for row in study.errors]),
        Column("furthest off", [row.worst for row in study.errors]),
    ]
    note = f"against whole runs; {count(study.distinct_layers)} different layers"
    error_block: Block = "Error of the sum", note, build_table(errors, options.width)
    worst = sorted(
        study.rows, key=lambda row: (-abs(row.estimated_cycles / row.cycles - 1), row.network)
    )[:SHOWN]
    shown = [
        Column("network", [row.network for row in worst]),
        Column("input", ["x".join(map(str, row.input)) for row in worst]),
        Column("blocks", [count(row.blocks) for row in worst]),
        Column("MACs", [count(row.ops // 2) for row in worst]),
        Column("parameters", [count(row.parameters) for row in worst], 2),
        Column("peak act.", [count(row.peak_activation_bytes) for row in worst], 3),
        Column("cycles", [count(row.cycles) for row in worst]),
        Column("latency", [si(row.time_s, "s") for row in worst]),
        Column("sum", [_signed(row.estimated_cycles / row.cycles - 1) for row in worst]),
    ]
    return [
        taus,
        error_block,
        ("Where the sum is furthest off", "of cycles", build_table(shown, options.width)),
    ]


def _signed(share: float) -> str:
    return f"{100 * share:+.2f} %"
