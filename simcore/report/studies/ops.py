"""A study of operations as text, JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.console import Block
from simcore.report.page.csv import table_text
from simcore.report.page.table import Column, build_table
from simcore.report.studies.parts import parts_text
from simcore.study.ops import OpsRow, OpsStudy, StudyPart
from simcore.units import NOTHING, count, decimal, si

FORMATS = ("text", "json", "csv")


def render(study: OpsStudy, format_name: str, options: RenderOptions) -> str:
    """The study in one of FORMATS."""
    if format_name == "json":
        return study.to_json()
    if format_name == "csv":
        rows = [_flat(row) for row in study.rows]
        return table_text(rows, field_names(OpsStudy, "rows"))
    return parts_text(
        "Operations", study.parts, lambda part: _blocks(study, part, options), options
    )


def _flat(row: OpsRow) -> dict[str, object]:
    """A row in which truth is said as JSON says it."""
    plain = to_plain(row)
    return {k: str(v).lower() if isinstance(v, bool) else v for k, v in plain.items()}


def _blocks(study: OpsStudy, part: StudyPart, options: RenderOptions) -> Iterator[Block]:
    yield from _types(study, part, options)
    yield from _placements(study, part, options)
    yield from _spreads(study, part, options)


def _types(study: OpsStudy, part: StudyPart, options: RenderOptions) -> Iterator[Block]:
    """Every type at the same number of operations, optimised beside plain."""
    rows = study.compared(part.name, "optimised")
    plain = {row.operation: row for row in study.compared(part.name, "plain")}
    size = study.compared_size
    title = f"Types at {count(study.sizes[size])} operations each"
    base = rows[0]
    columns = [
        Column("operation", [row.operation for row in rows]),
        Column("layer", [row.shape.partition(" repeat")[0] for row in rows], 5),
        Column("cyc/op", [decimal(row.cycles_per_op) for row in rows]),
        Column("plain", [decimal(plain[row.operation].cycles_per_op) for row in rows], 3),
        Column("gain", [f"{plain[row.operation].cycles / row.cycles:.1f}x" for row in rows], 4),
        Column("rate", [si(row.ops_per_s, "op/s") for row in rows]),
        Column("relative", [_relative(row.ops_per_s, base.ops_per_s) for row in rows], 2),
        Column("J/op", [si(row.j_per_op, "J") for row in rows]),
        Column("relative", [_relative(row.j_per_op, base.j_per_op) for row in rows], 2),
        Column("power", [si(row.power_w, "W") for row in rows], 6),
    ]
    places = f"{_place(rows[0])}; a MAC is two operations, any other value one"
    yield title, places, build_table(columns, options.width)
    columns = [
        Column("operation", [row.operation for row in rows]),
        Column("layer", [row.shape for row in rows], 4),
        Column("parameters", [_bytes(row.param_bytes) for row in rows]),
        Column("activations", [_bytes(row.activation_bytes) for row in rows]),
        Column("scratch", [_bytes(row.scratch_bytes) for row in rows]),
        Column("peak activation", [_bytes(row.peak_activation_bytes) for row in rows]),
        Column("moved/op", [decimal(row.refill_bytes / row.ops) for row in rows], 2),
        Column("loaded/op", [decimal(row.loaded_bytes / row.ops) for row in rows], 3),
    ]
    note = "bytes of one layer; moved: between data cache and memory, per operation"
    yield "Memory", note, build_table(columns, options.width)


def _relative(value: float, base: float) -> str:
    """A ratio with three significant digits at most."""
    return f"{value / base:.3g}"


def _bytes(value: int) -> str:
    return count(value) if value else NOTHING


def _place(row: OpsRow) -> str:
    weights = f"weights in {row.weights}, " if row.weights else ""
    return f"{weights}activations in {row.activations}, code in {row.code}"


def _placements(study: OpsStudy, part: StudyPart, options: RenderOptions) -> Iterator[Block]:
    """Cycles of each placement of tensors against the usual one, and of code, optimised kernels."""
    rows = study.placed(part.name, "optimised")
    for weights in (True, False):
        mine = [row for row in rows if (row.weights is not None) is weights]
        places = list(dict.fromkeys(row.place for row in mine))
        if len(places) < 2:
            continue
        usual, *others = places
        data = [place for place in others if place[2] == usual[2]]
        code = [place for place in others if place[:2] == usual[:2]]
        title = "weights, activations and code" if weights else "activations and code"
        cells = {(row.operation, row.place): row for row in mine}
        names = list(dict.fromkeys(row.operation for row in mine))
        columns = [Column("operation", names)]
        for place in (usual, *data, *code):
            changed = f"code {place[2]}" if place in code else _heading(*place[:2])
            texts = [_change(cells.get((n, place)), cells[n, usual]) for n in names]
            columns.append(Column(changed, texts))
        note = "cycles/op, and the change against the first; all of them in CSV"
        yield f"Placement of {title}", note, build_table(columns, options.width)


def _heading(weights: str | None, activations: str) -> str:
    return f"{weights}+{activations}" if weights else activations


def _change(row: OpsRow | None, usual: OpsRow) -> str:
    if row is None:
        return NOTHING
    if row is usual:
        return decimal(row.cycles_per_op)
    change = round(100 * (row.cycles / usual.cycles - 1))
    return f"{row.cycles_per_op:.2f} {change:+d}%" if change else f"{row.cycles_per_op:.2f}  0%"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio < 99.5 else f"{ratio:.0f}x"


def _spreads(study: OpsStudy, part: StudyPart, options: RenderOptions) -> Iterator[Block]:
    spreads = [
        spread
        for spread in study.spreads
        if (spread.part, spread.size) == (part.name, study.compared_size)
    ]
    if not spreads:
        return

    def ends(names: Sequence[tuple[str, str]]) -> list[str]:
        return [f"{high} / {low}" for high, low in names]

    columns = [
        Column("types", [spread.name for spread in spreads]),
        Column("variant", [spread.variant for spread in spreads]),
        Column("MAC", [str(spread.operations_per_mac) for spread in spreads]),
        Column("rate", [_times(spread.throughput_ratio) for spread in spreads]),
        Column("J/op", [_times(spread.energy_ratio) for spread in spreads]),
        Column("fastest / slowest", ends([(s.fastest, s.slowest) for s in spreads]), 1),
        Column("least / most energy", ends([(s.thriftiest, s.hungriest) for s in spreads]), 2),
    ]
    operations = count(study.sizes[study.compared_size])
    note = f"largest over smallest between types at {operations} operations; a MAC is 2 or 1"
    yield "Spread", note, build_table(columns, options.width)
