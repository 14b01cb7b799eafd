"""Figures of a study of operations; each function draws one for one part."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from simcore.study.charts import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    GROUP_COLOURS,
    ORANGE,
    SERIES,
    apart,
    change_colours,
    new_figure,
    plain_log_axis,
    saved,
)
from simcore.study.grid import load_grid
from simcore.study.ops import OpsRow, OpsStudy, StudyPart
from simcore.study.spread_figure import spread
from simcore.units import clock, count, si

ROW_INCHES = 0.26  # of figures with a row for each type
MOST_PER_BYTE = 1000.0  # MACs per byte, of what moves next to nothing past the cache


def figures(study: OpsStudy) -> Iterator[tuple[str, bytes]]:
    """File name and content of every figure, PNG and SVG."""
    for part in study.parts:
        yield from spread(study, part)
        yield from throughput_and_energy(study, part)
        yield from operations_and_cycles(study, part)
        yield from memory(study, part)
        yield from roofline(study, part)
        yield from placements(study, part)
    if len(study.parts) > 1:
        yield from parts_beside_each_other(study)


def _subtitle(study: OpsStudy, part: StudyPart) -> str:
    return f"{part.name} at {clock(part.clock_hz)}"


def throughput_and_energy(study: OpsStudy, part: StudyPart) -> Iterator[tuple[str, bytes]]:
    """Rate and energy of every type at equal operation counts, the first type's being 1."""
    rows = study.compared(part.name, "optimised")
    plain = study.compared(part.name, "plain")
    base = rows[0]
    with new_figure(10, 1.6 + ROW_INCHES * len(rows)) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        _dots(left, rows, plain, [r.ops_per_s / base.ops_per_s for r in rows],
              [r.ops_per_s / base.ops_per_s for r in plain])  # fmt: skip
        _dots(right, rows, plain, [r.j_per_op / base.j_per_op for r in rows],
              [r.j_per_op / base.j_per_op for r in plain])  # fmt: skip
        left.set_title("Throughput (more is better)")
        left.set_xlabel(
            f"operations/s, {base.operation} = 1: {si(base.ops_per_s, 'op/s')} (modelled)"
        )
        right.set_title("Energy per operation (less is better)")
        right.set_xlabel(f"J/operation, {base.operation} = 1: {si(base.j_per_op, 'J')} (estimated)")
        left.set_yticks(range(len(rows)), [row.operation for row in rows])
        left.invert_yaxis()
        operations = count(study.sizes[study.compared_size])
        figure.suptitle(
            f"{_subtitle(study, part)}: types at {operations} operations each,"
            " weights in flash, activations in SRAM",
            fontsize=10,
        )
        _legend(figure, rows)
        yield from saved(figure, f"{part.name}-throughput-energy")


def _dots(
    axes: Any,
    rows: Sequence[OpsRow],
    plain: Sequence[OpsRow],
    values: Sequence[float],
    plain_values: Sequence[float],
) -> None:
    """A dot for the optimised kernel, a ring for the plain one, the value beside the dot."""
    axes.set_xscale("log")
    for y, (row, value, other) in enumerate(zip(rows, values, plain_values, strict=True)):
        colour = GROUP_COLOURS[row.group]
        axes.plot([value, other], [y, y], color=colour, linewidth=1, alpha=0.5, zorder=2)
        axes.plot([other], [y], "o", color="white", markeredgecolor=colour, markersize=6, zorder=3)
        axes.plot([value], [y], "o", color=colour, markersize=7, zorder=4)
        side = 1 if value >= other else -1  # away from the ring
        axes.annotate(
            f"{value:.3g}" if value < 99.5 else f"{value:.0f}",
            (value, y),
            xytext=(7 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=8,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
        )
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=1)
    low, high = min(*values, *plain_values), max(*values, *plain_values)
    axes.set_xlim(low / 2.4, high * 2.4)
    plain_log_axis(axes.xaxis)
    axes.grid(axis="y", visible=False)


def _legend(figure: Any, rows: Sequence[OpsRow], variants: bool = True) -> None:
    from matplotlib.lines import Line2D

    groups = load_grid().groups
    handles = [
        Line2D([], [], marker="o", linestyle="", color=GROUP_COLOURS[group], label=groups[group])
        for group in dict.fromkeys(row.group for row in rows)
    ]
    if variants:
        handles.append(
            Line2D([], [], marker="o", linestyle="", color="white", markeredgecolor=BLACK,
                   label="plain C")
        )  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8)


def operations_and_cycles(study: OpsStudy, part: StudyPart) -> Iterator[tuple[str, bytes]]:
    """Cycles over operation counts, a line a type, a panel a group."""
    rows = [r for r in study.usual(part.name, "optimised") if r.reference]
    groups = list(dict.fromkeys(row.group for row in rows))
    titles = load_grid().groups
    with new_figure(10, 3.6 * math.ceil(len(groups) / 2) + 0.4) as figure:
        columns = min(2, len(groups))
        grid = figure.subplots(
            math.ceil(len(groups) / 2), columns, sharex=True, sharey=True, squeeze=False
        )
        panels = list(grid.flat)
        for axes, group in zip(panels, groups, strict=False):
            _lines(axes, rows, group)
            axes.set_title(titles[group])
            axes.set_xlabel("operations (exact)")
            axes.set_ylabel("cycles (modelled)")
            axes.tick_params(labelbottom=True, labelleft=True)
        for axes in panels[len(groups) :]:
            axes.set_visible(False)
        figure.suptitle(
            f"{_subtitle(study, part)}: operations do not tell cycles (grey: all other types)",
            fontsize=10,
        )
        yield from saved(figure, f"{part.name}-operations-cycles")


def _lines(axes: Any, rows: Sequence[OpsRow], group: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    names = list(dict.fromkeys(row.operation for row in rows))
    ends: list[tuple[str, OpsRow, str]] = []
    mine = [name for name in names if any(r.operation == name and r.group == group for r in rows)]
    for name in names:
        line = [row for row in rows if row.operation == name]
        xs, ys = [row.ops for row in line], [row.cycles for row in line]
        if name not in mine:
            axes.plot(xs, ys, "-", color="#D5D5D5", linewidth=1, zorder=1)
            continue
        colour = SERIES[mine.index(name) % len(SERIES)]
        style = "-" if mine.index(name) < len(SERIES) else "--"
        axes.plot(xs, ys, style, color=colour, marker="o", markersize=4, zorder=3)
        ends.append((name, line[-1], colour))
    low, high = min(row.ops for row in rows), max(row.ops for row in rows)
    bottom, top = min(row.cycles for row in rows), max(row.cycles for row in rows)
    axes.set_xlim(low / 1.4, high * 1.25 * (high / low * 1.75) ** 0.42)
    axes.set_ylim(bottom / 2, top * 2)
    decades = math.log10(top * 2 / (bottom / 2))
    heights = apart([math.log10(row.cycles) for _, row, _ in ends], decades * 0.062)
    for (name, row, colour), height in zip(ends, heights, strict=True):
        axes.annotate(
            f"{name} {row.cycles_per_op:.2g}/op" if row.cycles_per_op < 99.5
            else f"{name} {row.cycles_per_op:.0f}/op",
            (row.ops, row.cycles),
            xytext=(high * 1.45, 10**height),
            ha="left",
            va="center",
            fontsize=8,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkB": 3},
        )  # fmt: skip


def memory(study: OpsStudy, part: StudyPart) -> Iterator[tuple[str, bytes]]:
    """Parameters, inputs and outputs, and scratch of every type's layer."""
    rows = study.compared(part.name, "optimised")
    with new_figure(10, 1.6 + ROW_INCHES * len(rows)) as figure:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 3])
        heights = range(len(rows))
        left.barh(heights, [row.param_bytes / 1024 for row in rows], color=BLUE, height=0.7)
        moved = [row.activation_bytes / 1024 for row in rows]
        scratch = [row.scratch_bytes / 1024 for row in rows]
        right.barh(heights, moved, color=ORANGE, height=0.7, label="inputs and outputs")
        right.barh(heights, scratch, left=moved, color=GREEN, height=0.7, label="scratch")
        for axes, sums in (
            (left, [row.param_bytes for row in rows]),
            (right, [row.peak_activation_bytes for row in rows]),
        ):
            for y, value in enumerate(sums):
                axes.annotate(f" {count(value)}" if value else " none", (value / 1024, y),
                              va="center", fontsize=8)  # fmt: skip
            axes.set_xlabel("KiB (exact; bytes beside the bars)")
            axes.margins(x=0.16)
            axes.grid(axis="y", visible=False)
        left.set_title("Parameters")
        right.set_title("Peak activation memory")
        right.legend(loc="lower right", fontsize=8)
        labels = [f"{row.operation}  ({row.shape.partition(' repeat')[0]})" for row in rows]
        left.set_yticks(heights, labels)
        left.invert_yaxis()
        figure.suptitle(f"{part.name}: memory of one layer of each type", fontsize=10)
        yield from saved(figure, f"{part.name}-memory")


def roofline(study: OpsStudy, part: StudyPart) -> Iterator[tuple[str, bytes]]:
    """MACs per cycle over MACs per byte, past the cache and at the core, under what bounds them."""
    rows = [row for row in study.usual(part.name, "optimised") if row.macs]
    if not rows:
        return
    rows = [row for row in rows if row.size == study.compared_size]
    with new_figure(11, 5) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        past = [min(row.macs / max(row.refill_bytes, 1), MOST_PER_BYTE) for row in rows]
        core = [row.macs / (row.loaded_bytes + row.stored_bytes) for row in rows]
        lines = [
            (f"{roof.name} {roof.bytes_per_cycle:.2g} B/cycle", roof.bytes_per_cycle)
            for roof in part.refill_bandwidths
        ]
        _roofline(left, rows, past, lines, part.peak_macs_per_cycle)
        name = part.core_bandwidth.name
        per_cycle = part.core_bandwidth.bytes_per_cycle
        _roofline(right, rows, core, [(f"{name} {per_cycle:g} B/cycle", per_cycle)],
                  part.peak_macs_per_cycle)  # fmt: skip
        left.set_title("Between data cache and memory")
        left.set_xlabel("MACs per byte read and written back (modelled)")
        left.set_ylabel("MACs per cycle (modelled)")
        right.set_title("Between core and its memories")
        right.set_xlabel("MACs per byte loaded and stored (exact)")
        right.set_ylabel("MACs per cycle (modelled)")
        right.tick_params(labelleft=True)
        figure.suptitle(
            f"{_subtitle(study, part)}: multiply-accumulates per cycle and byte; small dots are"
            " other shapes",
            fontsize=10,
        )
        _legend(figure, rows, variants=False)
        yield from saved(figure, f"{part.name}-roofline")


def _roofline(
    axes: Any,
    rows: Sequence[OpsRow],
    xs: Sequence[float],
    lines: Sequence[tuple[str, float]],
    peak: int,
) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    ys = [row.macs / row.cycles for row in rows]
    ridges = [peak / per_cycle for _, per_cycle in lines]
    low, high = min(*xs, *ridges) / 2, max(*xs, *ridges) * 2
    high *= (high / low) ** 0.3  # with room for the names
    bottom, top = min(ys) / 1.8, peak * 1.5
    axes.set_xlim(low, high)
    axes.set_ylim(bottom, top)
    axes.plot([min(ridges, default=low), high], [peak, peak], color=BLACK, linewidth=1.2)
    axes.annotate(f"peak: {peak} MAC/cycle", (high, peak), xytext=(-4, 3), ha="right",
                  textcoords="offset points", va="bottom", fontsize=8)  # fmt: skip
    for number, (name, per_cycle) in enumerate(lines):
        style = ("--", "-.", ":", (0, (1, 3)))[number % 4]
        ends = [bottom / per_cycle, peak / per_cycle]
        axes.plot(ends, [x * per_cycle for x in ends], linestyle=style, color=GREY, label=name)
    axes.legend(loc="lower right", fontsize=8)
    firsts = [i for i, row in enumerate(rows) if row.reference]
    for i, row in enumerate(rows):
        colour = GROUP_COLOURS[row.group]
        marker = "o" if row.reference else "."
        axes.plot([xs[i]], [ys[i]], marker, color=colour, markersize=6, zorder=6)
    span = math.log10(top / bottom)
    heights = apart([math.log10(ys[i]) for i in firsts], span * 0.045)
    for i, height in zip(firsts, heights, strict=True):
        axes.annotate(
            rows[i].operation,
            (xs[i], ys[i]),
            xytext=(xs[i] * (high / low) ** 0.045, 10**height),
            fontsize=8,
            va="center",
            color=GROUP_COLOURS[rows[i].group],
            zorder=5,
            bbox={
                "boxstyle": "square,pad=0.05",
                "facecolor": "white",
                "alpha": 0.75,
                "edgecolor": "none",
            },
            arrowprops={"arrowstyle": "-", "color": "#BBBBBB", "linewidth": 0.6},
        )
    plain_log_axis(axes.yaxis, (1, 2, 5))
    plain_log_axis(axes.xaxis)


def placements(study: OpsStudy, part: StudyPart) -> Iterator[tuple[str, bytes]]:
    """Change of cycles by placement, a cell each: of data with the usual code, then of code."""
    rows = study.placed(part.name, "optimised")
    # Those with weights first: what the others have no cells for is one block.
    by_weights = sorted(rows, key=lambda row: row.weights is None)
    names = list(dict.fromkeys(row.operation for row in by_weights))
    usual = {row.operation: row for row in study.compared(part.name, "optimised")}
    # What has no weights stands in the columns of the usual ones.
    weights = next((row.weights for row in rows if row.weights), None)
    base = next(iter(usual.values()))
    first = (weights, base.activations, base.code)
    places = [place for place in _columns(rows, weights, first) if place != first]
    if not places:
        return
    cells = [[math.nan] * len(places) for _ in names]
    for row in rows:
        place = (row.weights or weights, row.activations, row.code)
        if place in places:
            change = 100 * (row.cycles / usual[row.operation].cycles - 1)
            cells[names.index(row.operation)][places.index(place)] = change
    known = [value for line in cells for value in line if not math.isnan(value)]
    least, most = min(0.0, *known), max(0.0, *known)
    largest = max(-least, most, 1.0)
    with new_figure(2.6 + 1.1 * len(places), 1.9 + ROW_INCHES * len(names)) as figure:
        axes = figure.subplots()
        axes.grid(visible=False)
        axes.set_facecolor("#EEEEEE")  # where there are no weights to place, or no room
        image = axes.imshow(cells, cmap=change_colours(), vmin=-largest, vmax=largest,
                            aspect="auto")  # fmt: skip
        for y, line in enumerate(cells):
            for x, value in enumerate(line):
                if math.isnan(value):
                    continue
                dark = abs(value) > 0.6 * largest
                text = f"{value:+.1f}" if abs(value) >= 0.05 else "0"
                axes.annotate(text, (x, y), ha="center", va="center", fontsize=8,
                              color="white" if dark else BLACK)  # fmt: skip
        axes.set_yticks(range(len(names)), names)
        axes.set_xticks(range(len(places)), ["\n".join(_moved(one, first)) for one in places])
        axes.tick_params(length=0)
        axes.tick_params(axis="x", labelsize=8)
        bar = figure.colorbar(image, ax=axes, label="change of cycles, % (modelled)", shrink=0.8)
        bar.ax.set_ylim(least, max(most, least + 1.0))  # no half of it is there for nothing
        axes.set_title(
            f"{_subtitle(study, part)}: change of cycles, %, against"
            f" {', '.join(_moved(first, ('', '', '')))}",
            fontsize=10,
        )
        yield from saved(figure, f"{part.name}-placements")


_Place = tuple[str | None, str, str]


def _columns(rows: Sequence[OpsRow], weights: str | None, first: _Place) -> list[_Place]:
    """Places of data with the usual code, and of code with the usual data.

    What code adds hangs on where the data is by at most 0.3 % of the cycles (STM32F746, all types).
    """
    every = dict.fromkeys((row.weights or weights, row.activations, row.code) for row in rows)
    data = [place for place in every if place[2] == first[2]]
    return data + [place for place in every if place[:2] == first[:2] and place not in data]


def _moved(place: _Place, first: _Place) -> list[str]:
    """What of a place is another than in the first, in words."""
    words = ("weights", "activations", "code")
    return [
        f"{word} {where.upper()}"
        for word, where, usual in zip(words, place, first, strict=True)
        if where and where != usual
    ]


def parts_beside_each_other(study: OpsStudy) -> Iterator[tuple[str, bytes]]:
    """Rate and energy of every type on every part."""
    first = study.compared(study.parts[0].name, "optimised")
    with new_figure(10, 1.8 + ROW_INCHES * len(first)) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        for number, part in enumerate(study.parts):
            rows = study.compared(part.name, "optimised")
            marker = "osD^vP*X"[number % 8]
            label = f"{part.name}, {clock(part.clock_hz)}"
            colour = SERIES[number % len(SERIES)]
            for axes, values in (
                (left, [row.ops_per_s for row in rows]),
                (right, [row.j_per_op for row in rows]),
            ):
                axes.plot(values, range(len(rows)), marker, color=colour, markersize=5, alpha=0.9,
                          label=label if axes is left else None)  # fmt: skip
        for axes in (left, right):
            axes.set_xscale("log")
            axes.margins(x=0.08)
        left.set_title("Throughput")
        left.set_xlabel("operations/s (modelled)")
        right.set_title("Energy per operation")
        right.set_xlabel("J/operation (estimated)")
        left.set_yticks(range(len(first)), [row.operation for row in first])
        left.invert_yaxis()
        figure.legend(loc="outside lower center", ncols=min(4, len(study.parts)), fontsize=8)
        operations = count(study.sizes[study.compared_size])
        figure.suptitle(
            f"Types at {operations} operations each, weights in flash, activations in SRAM",
            fontsize=10,
        )
        yield from saved(figure, "parts")
