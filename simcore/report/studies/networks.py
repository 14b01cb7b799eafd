"""A study of networks as text, JSON or CSV."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.console import new_console, printed_text
from simcore.report.page.csv import table_text
from simcore.report.page.table import Column, build_table
from simcore.study.networks import NetworkPart, NetworkStudy
from simcore.units import clock, count, decimal, percent, si

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
    console = new_console(options)
    for number, part in enumerate(study.parts):
        if number:
            console.print()
        _part(console, study, part, options)
    return printed_text(console, options)


def _title(console: Console, title: str, note: str) -> None:
    console.print()
    console.print(Text.assemble((title, "bold"), (f"  ({note})", "dim")))


def _part(console: Console, study: NetworkStudy, part: NetworkPart, options: RenderOptions) -> None:
    header = Text()
    header.append(f"Networks on {part.name}", "bold")
    header.append(f" at {clock(part.clock_hz)}, {part.voltage_v:g} V\n")
    header.append(f"{part.elf}; counts exact, cycles modelled, energy estimated", "dim")
    console.print(header)
    rows = study.of(part.name, "optimised")
    plain = {row.network: row for row in study.of(part.name, "plain")}
    _title(
        console, "Networks", "weights in flash, activations in SRAM in one buffer, scratch on top"
    )
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
        Column("plain", [f"{plain[row.network].cycles / row.cycles:.1f}x" for row in rows], 2),
    ]  # fmt: skip
    console.print(build_table(columns, options.width, "…"))
    _rankings(console, study, part, options)
    _measured(console, study, part, options)
    _layers(console, study, part, options)


def _rankings(
    console: Console, study: NetworkStudy, part: NetworkPart, options: RenderOptions
) -> None:
    rankings = [ranking for ranking in study.rankings if ranking.part == part.name]
    if not rankings or len(rankings[0].networks) < 2:
        return
    _title(console, "Rankings", "the largest first")
    # What a network needs does not hang on the variant; what it costs does.
    chosen = [r for r in rankings if r.variant == "optimised"]
    chosen += [r for r in rankings if r.variant == "plain" and r.by in _COSTS]
    labels = [_RANK_NAMES[r.by] + (f", {r.variant}" if r.by in _COSTS else "") for r in chosen]
    places = range(len(rankings[0].networks))
    columns = [Column("by", labels)]
    columns += [Column(f"{i + 1}", [r.networks[i] for r in chosen]) for i in places]
    console.print(build_table(columns, options.width, "…"))


_COSTS = ("time_s", "energy_j", "cycles_per_mac")


def _measured(
    console: Console, study: NetworkStudy, part: NetworkPart, options: RenderOptions
) -> None:
    rows = [row for row in study.measured if row.part == part.name]
    if not rows:
        return
    _title(console, "Measured", "by others with their kernels: libraries differ, nothing is fitted")
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
    console.print(build_table(columns, options.width, "…"))
    for source in dict.fromkeys(row.source.partition(";")[0] for row in rows):
        console.print(Text(f"Measured: {source}", "dim"))


def _layers(
    console: Console, study: NetworkStudy, part: NetworkPart, options: RenderOptions
) -> None:
    """Shares of kinds of layers in MACs and in what they cost."""
    rows = study.of(part.name, "optimised")
    _title(console, "Where it goes", "by kernel, optimised: share of MACs, cycles and energy")
    lines: list[tuple[str, str, float, float, float]] = []
    for row in rows:
        for kernel in dict.fromkeys(layer.kernel for layer in row.layers):
            mine = [layer for layer in row.layers if layer.kernel == kernel]
            lines.append(
                (
                    row.network,
                    kernel,
                    sum(layer.macs for layer in mine) / row.macs,
                    sum(layer.cycles for layer in mine) / row.cycles,
                    sum(layer.energy_j for layer in mine) / row.energy_j,
                )
            )
    columns = [
        Column("network", [line[0] for line in lines]),
        Column("kernel", [line[1] for line in lines]),
        Column("MACs", [percent(line[2]) for line in lines]),
        Column("cycles", [percent(line[3]) for line in lines]),
        Column("energy", [percent(line[4]) for line in lines]),
    ]
    console.print(build_table(columns, options.width, "…"))
