"""Figures of a study of networks; each function draws one for one part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simcore.study.charts import BLACK, BLUE, GREY, SERIES, new_figure, on_colour, saved
from simcore.study.networks import NetworkRow, NetworkStudy
from simcore.study.parts import NetworkPart
from simcore.units import clock, si

KERNEL_NAMES = {
    "conv2d_s8": "convolution", "depthwise_conv2d_s8": "depthwise", "add_s8": "add",
    "pointwise_conv2d_s8": "pointwise", "fully_connected_s8": "fully connected",
    "max_pool_s8": "max pool", "average_pool_s8": "average pool",
}  # fmt: skip
OTHERS = "others"


def figures(study: NetworkStudy) -> Iterator[tuple[str, bytes]]:
    """File name and content of every figure, PNG and SVG."""
    for part in study.parts:
        yield from side_by_side(study, part)
        yield from where_it_goes(study, part)
        if any(row.part == part.name for row in study.measured):
            yield from beside_measured(study, part)


def side_by_side(study: NetworkStudy, part: NetworkPart) -> Iterator[tuple[str, bytes]]:
    """Operations, parameters, memory, latency and energy of every network, a panel each."""
    rows = study.of(part.name, "optimised")
    panels = (
        ("Operations", "millions (exact)", [row.ops / 1e6 for row in rows]),
        ("Parameters", "KiB (exact)", [row.param_bytes / 1024 for row in rows]),
        ("Peak activations", "KiB (exact)", [row.peak_activation_bytes / 1024 for row in rows]),
        ("Latency", "ms (modelled)", [row.time_s * 1e3 for row in rows]),
        ("Energy", "mJ (estimated)", [row.energy_j * 1e3 for row in rows]),
        ("Cost", "cycles per MAC (modelled)", [row.cycles_per_mac or 0.0 for row in rows]),
    )
    with new_figure(11, 1.5 + 0.75 * len(rows)) as figure:
        for axes, (title, unit, values) in zip(
            figure.subplots(2, 3, sharey=True).flat, panels, strict=True
        ):
            bars = axes.barh(range(len(rows)), values, color=BLUE, height=0.65)
            axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=3, fontsize=8)
            axes.set_title(title)
            axes.set_xlabel(unit)
            axes.margins(x=0.18)
            axes.grid(axis="y", visible=False)
            axes.set_yticks(range(len(rows)), [row.network for row in rows])
            axes.set_ylim(len(rows) - 0.5, -0.5)
        figure.suptitle(
            f"{part.name} at {clock(part.clock_hz)}: networks, weights in flash, activations and"
            " scratch in SRAM",
            fontsize=10,
        )
        yield from saved(figure, f"{part.name}-networks")


def where_it_goes(study: NetworkStudy, part: NetworkPart) -> Iterator[tuple[str, bytes]]:
    """Shares of kernels in each network's MACs, cycles and energy, and in its parameters."""
    rows = study.of(part.name, "optimised")
    ran = {_kind(layer.kernel) for row in rows for layer in row.layers}
    kinds = [kind for kind in (*KERNEL_NAMES.values(), OTHERS) if kind in ran]
    with new_figure(10, 1.2 + 1.05 * len(rows)) as figure:
        axes = figure.subplots()
        ticks, y = [], 0.0
        for row in rows:
            for label, field in (
                ("MACs", "macs"), ("cycles", "cycles"),
                ("energy", "energy_j"), ("parameters", "param_bytes"),
            ):  # fmt: skip
                ticks.append((y, f"{row.network}  {label}" if field == "macs" else label))
                left = 0.0
                for number, kind in enumerate(kinds):
                    share = _share(row, kind, field)
                    axes.barh([y], [share], left=left, color=SERIES[number], height=0.8,
                              label=kind if y == 0 else None)  # fmt: skip
                    if share > 4:
                        axes.annotate(f"{share:.0f}", (left + share / 2, y), ha="center",
                                      va="center", fontsize=8,
                                      color=on_colour(SERIES[number]))  # fmt: skip
                    left += share
                y += 1
            y += 0.6
        axes.set_yticks([at for at, _ in ticks], [label for _, label in ticks])
        axes.set_ylim(y - 0.9, -0.7)
        axes.set_xlim(0, 100)
        axes.set_xlabel("share, % (MACs and parameters exact, cycles modelled, energy estimated)")
        axes.grid(axis="y", visible=False)
        figure.legend(loc="outside lower center", ncols=4, fontsize=8)
        figure.suptitle(f"{part.name}: what each kernel has and what it costs", fontsize=10)
        yield from saved(figure, f"{part.name}-kernels")


def _kind(kernel: str) -> str:
    return KERNEL_NAMES.get(kernel, OTHERS)


def _share(row: NetworkRow, kind: str, field: str) -> float:
    values = [(_kind(layer.kernel), getattr(layer, field)) for layer in row.layers]
    whole = sum(value for _, value in values)
    return float(100 * sum(value for name, value in values if name == kind) / (whole or 1))


def beside_measured(study: NetworkStudy, part: NetworkPart) -> Iterator[tuple[str, bytes]]:
    """Latency (and energy) of other libraries as measured, and of this suite as modelled."""
    measured = [row for row in study.measured if row.part == part.name]
    ours = {row.network: row for row in study.of(part.name, "optimised")}
    networks = list(dict.fromkeys(row.network for row in measured))
    energies = any(row.energy_j is not None for row in measured)
    lines = max(sum(row.network == name for row in measured) for name in networks) + 1
    with new_figure(5.2 * len(networks), (1.0 + 0.4 * lines) * (2 if energies else 1)) as figure:
        grid = figure.subplots(2 if energies else 1, len(networks), squeeze=False)
        for column, name in enumerate(networks):
            mine = [row for row in measured if row.network == name]
            labels = [row.runtime for row in mine] + ["this suite, modelled"]
            times = [row.time_s for row in mine] + [ours[name].time_s]
            _bars(grid[0][column], labels, times, "s")
            grid[0][column].set_title(f"{name}: latency")
            if energies:
                known = [(row.runtime, row.energy_j) for row in mine if row.energy_j is not None]
                values = [value for _, value in known] + [ours[name].energy_j]
                error = (ours[name].energy_high_j - ours[name].energy_low_j) / 2
                _bars(grid[1][column], [*(text for text, _ in known), labels[-1]], values, "J",
                      error)  # fmt: skip
                grid[1][column].set_title(f"{name}: energy")
        figure.suptitle(
            f"{part.name} at {clock(part.clock_hz)}: kernel libraries compared, nothing is fitted",
            fontsize=10,
        )
        yield from saved(figure, f"{part.name}-measured")


def _bars(axes: Any, labels: list[str], values: list[float], unit: str, error: float = 0.0) -> None:
    """Bars with their values; the last is the modelled one, with the interval of its energy."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    heights = range(len(values))
    colours = [GREY] * (len(values) - 1) + [BLUE]
    axes.barh(heights, values, color=colours, height=0.65)
    if error:
        axes.errorbar([values[-1]], [heights[-1]], xerr=[error], color=BLACK, capsize=3, lw=1)
    for y, value in zip(heights, values, strict=True):
        end = value + (error if y == heights[-1] else 0)
        axes.annotate(f" {si(value, unit)}", (end, y), va="center", fontsize=8)
    axes.set_yticks(heights, labels)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(unit))
    axes.set_xlabel(f"grey: measured; blue: {'modelled' if unit == 's' else 'estimated'}")
