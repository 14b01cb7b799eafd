"""A study of networks as text, JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.console import Block
from simcore.report.page.csv import table_text
from simcore.report.page.styled import Stacked, Text
from simcore.report.page.table import Column, build_table
from simcore.report.studies.parts import parts_text
from simcore.study.networks import NetworkRow, NetworkStudy
from simcore.study.parts import NetworkPart
from simcore.units import count, decimal, percent, si

FORMATS = ("text", "json", "csv")

_RANK_NAMES = {
    "ops": "operations",
    "param_bytes": "parameters",
    "peak_activation_bytes": "peak activation",
    "time_s": "latency",
    "energy_j": "energy",
    "cycles_per_mac": "cycles per MAC",
}


def render(study: NetworkStudy, format_name: str, options: RenderOptions) -> str:
    """The study in one of FORMATS; CSV holds a row for each network, without its layers."""
    if format_name == "json":
        return study.to_json()
    if format_name == "csv":
        names = [name for name in field_names(NetworkStudy, "rows") if name != "layers"]
        return table_text([to_plain(row) for row in study.rows], names)

    def blocks(part: NetworkPart) -> Iterator[Block]:
        return _blocks(study, part, options)

    return parts_text("Networks", study.parts, blocks, options)


def _blocks(study: NetworkStudy, part: NetworkPart, options: RenderOptions) -> Iterator[Block]:
    rows = study.of(part.name, "optimised")
    plain = {row.network: row for row in study.of(part.name, "plain")}
    columns = [
        Column("network", [row.network for row in rows]),
        Column("layers", [str(len(row.layers)) for row in rows], 8),
        Column("MACs", [count(row.macs) for row in rows]),
        Column("parameters", [count(row.parameters) for row in rows]),
        Column("peak act.", [count(row.peak_activation_bytes) for row in rows]),
        Column("no reuse", [count(row.all_activation_bytes) for row in rows], 7),
        Column("scratch", [count(row.scratch_bytes) for row in rows], 5),
        Column("cyc/MAC", [decimal(row.cycles_per_mac) for row in rows], 3),
        Column("latency", [si(row.time_s, "s") for row in rows]),
        Column("energy", [si(row.energy_j, "J") for row in rows]),
        Column("+/-", [percent(row.energy_high_j - row.energy_low_j,
                               row.energy_high_j + row.energy_low_j, digits=0) for row in rows], 4),
        Column("power", [si(row.power_w, "W") for row in rows], 6),
        Column("plain", [_gain(row, plain.get(row.network)) for row in rows], 2),
    ]  # fmt: skip
    note = "weights in flash, activations and scratch in SRAM, in one buffer"
    yield "Networks", note, build_table(columns, options.width)
    yield from _rankings(study, part, options)
    yield from _measured(study, part, options)
    yield from _layers(study, part, options)


def _gain(row: NetworkRow, plain: NetworkRow | None) -> str:
    return "-" if plain is None else f"{plain.cycles / row.cycles:.1f}x"


def _rankings(study: NetworkStudy, part: NetworkPart, options: RenderOptions) -> Iterator[Block]:
    rankings = [ranking for ranking in study.rankings if ranking.part == part.name]
    if not rankings or len(rankings[0].networks) < 2:
        return
    # What a network needs does not hang on the variant; what it costs does.
    chosen = [r for r in rankings if r.variant == "optimised"]
    chosen += [r for r in rankings if r.variant == "plain" and r.by in _COSTS]
    labels = [_RANK_NAMES[r.by] + (f", {r.variant}" if r.by in _COSTS else "") for r in chosen]
    networks = rankings[0].networks
    if len(networks) <= _BY_PLACE:
        columns = [Column("by", labels)]
        for place in range(len(networks)):  # those without a plain variant are missing at the end
            names = [(*r.networks, *"-" * len(networks))[place] for r in chosen]
            columns.append(Column(f"{place + 1}", names))
        yield "Rankings", "the largest first", build_table(columns, options.width)
        return
    chosen = [r for r in chosen if r.variant == "optimised"]
    columns = [Column("network", list(networks))]
    for ranking in chosen:
        places = {name: f"{place + 1}" for place, name in enumerate(ranking.networks)}
        columns.append(Column(_RANK_NAMES[ranking.by], [places.get(n, "-") for n in networks]))
    yield "Rankings", "1 is the largest", build_table(columns, options.width)


_BY_PLACE = 4  # networks, so many of which stand beside each other in a line
_LEAST_SHARE = 0.0005
_COSTS = ("time_s", "energy_j", "cycles_per_mac")


def _measured(study: NetworkStudy, part: NetworkPart, options: RenderOptions) -> Iterator[Block]:
    rows = [row for row in study.measured if row.part == part.name]
    if not rows:
        return
    ours = {row.network: row for row in study.of(part.name, "optimised")}
    columns = [
        Column("network", [row.network for row in rows]),
        Column("runtime", [row.runtime for row in rows]),
        Column("cyc/MAC", [decimal(row.cycles_per_mac) for row in rows], 2),
        Column("latency", [si(row.time_s, "s") for row in rows]),
        Column("this suite", [si(ours[row.network].time_s, "s") for row in rows], 1),
        Column("ratio", [decimal(row.time_ratio) for row in rows]),
        Column("energy", [si(row.energy_j, "J") for row in rows]),
        Column("this suite", [si(ours[row.network].energy_j, "J") for row in rows], 1),
        Column("ratio", [decimal(row.energy_ratio) for row in rows]),
    ]
    sources = dict.fromkeys(row.source.partition(";")[0] for row in rows)
    yield (
        "Measured",
        "by others with their kernels: libraries differ, nothing is fitted",
        Stacked(
            build_table(columns, options.width),
            *(Text(f"Measured: {source}", "dim") for source in sources),
        ),
    )


def _layers(study: NetworkStudy, part: NetworkPart, options: RenderOptions) -> Iterator[Block]:
    """Shares of kinds of layers in MACs and in what they cost."""
    rows = study.of(part.name, "optimised")
    lines: list[tuple[str, str, float, float, float]] = []
    for row in rows:
        for kernel in dict.fromkeys(layer.kernel for layer in row.layers):
            mine = [layer for layer in row.layers if layer.kernel == kernel]
            lines.append(
                (
                    row.network,
                    kernel,
                    sum(layer.macs for layer in mine) / max(row.macs, 1),
                    sum(layer.cycles for layer in mine) / row.cycles,
                    sum(layer.energy_j for layer in mine) / row.energy_j,
                )
            )
    lines = [line for line in lines if max(line[2:]) >= _LEAST_SHARE]
    columns = [
        Column("network", [line[0] for line in lines]),
        Column("kernel", [line[1] for line in lines]),
        Column("MACs", [percent(line[2]) for line in lines]),
        Column("cycles", [percent(line[3]) for line in lines]),
        Column("energy", [percent(line[4]) for line in lines]),
    ]
    note = "by kernel, optimised: share of MACs, cycles and energy; what is below 0.05 % left out"
    yield "Where it goes", note, build_table(columns, options.width)
