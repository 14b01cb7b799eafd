"""The figure of a study of operations: how far types lie apart, in the column of a paper.

Throughput and energy per operation of the optimised kernels at equal operation counts, beside the
first type, a convolution. Types that networks spend their time in share two linear axes, with a
bracket over what they span; the others, up to hundreds of times as dear, have an axis of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from simcore.study.charts import (
    BLACK,
    GREY,
    GROUP_COLOURS,
    SMALL_TEXT,
    new_figure,
    plain_log_axis,
    saved,
)
from simcore.study.grid import Grid, load_grid
from simcore.study.ops import OpsRow, OpsStudy, StudyPart
from simcore.units import clock, count, si

#: The set of grid.toml whose types share the linear axes.
USUAL_TYPES = "with max pool, ReLU"
WIDTH_INCHES = 3.5  # of a column: IEEE 3.5, ACM 3.33
ROW_INCHES, PANEL_INCHES, HEAD_INCHES = 0.17, 0.62, 0.75


def spread(study: OpsStudy, part: StudyPart) -> Iterator[tuple[str, bytes]]:
    """The figure of one part, PNG and SVG."""
    grid, rows = load_grid(), study.compared(part.name, "optimised")
    base = rows[0]
    usual = [row for row in rows if _is_usual(grid, row)] or rows
    others = [row for row in rows if row not in usual]
    usual.sort(key=lambda row: -row.ops_per_s)
    others.sort(key=lambda row: row.j_per_op)
    panels = [len(usual), len(usual), *([len(others)] if others else [])]
    ratios = [lines + 1.5 for lines in panels[:2]] + [0.85 * lines for lines in panels[2:]]
    height = HEAD_INCHES + sum(PANEL_INCHES + ROW_INCHES * lines for lines in panels)
    with new_figure(WIDTH_INCHES, height, **SMALL_TEXT) as figure:
        axes = figure.subplots(len(panels), 1, height_ratios=ratios)
        rates = [row.ops_per_s / base.ops_per_s for row in usual]
        energies = [row.j_per_op / base.j_per_op for row in usual]
        _bars(axes[0], usual, rates, [_rate(row) for row in usual])
        axes[0].set_xlabel(f"throughput, {base.operation} = 1 (modelled)")
        _bars(axes[1], usual, energies, [si(row.j_per_op, "J/op") for row in usual],
              [_interval(row, base) for row in usual])  # fmt: skip
        axes[1].set_xlabel(f"energy per operation, {base.operation} = 1 (estimated)")
        for panel, values in ((axes[0], rates), (axes[1], energies)):
            _bracket(panel, min(values), max(values))
        if others:
            _dots(axes[2], others, base)
            axes[2].set_xlabel(f"energy of the others, {base.operation} = 1 (estimated)")
        _title(figure, study, part, rows, grid)
        yield from saved(figure, f"{part.name}-spread", dots_per_inch=300)


def _is_usual(grid: Grid, row: OpsRow) -> bool:
    chosen = next(one for one in grid.spreads if one.name == USUAL_TYPES)
    return row.group in chosen.groups or row.operation in chosen.names


def _rate(row: OpsRow) -> str:
    """What it does in a second: multiply-accumulates, of other types operations."""
    if row.macs:
        return si(row.macs / row.time_s, "MAC/s")
    return si(row.ops_per_s, "op/s")


def _interval(row: OpsRow, base: OpsRow) -> tuple[float, float]:
    """The interval of its energy beside the estimate of another, both per operation."""
    scale = row.ops * base.j_per_op
    return row.energy_low_j / scale, row.energy_high_j / scale


def _bars(
    axes: Any,
    rows: Sequence[OpsRow],
    values: Sequence[float],
    texts: Sequence[str],
    intervals: Sequence[tuple[float, float]] = (),
) -> None:
    """A bar a type with its value in words, and the interval around its end."""
    heights = range(len(rows))
    axes.barh(heights, values, color=[GROUP_COLOURS[row.group] for row in rows], height=0.72)
    ends = list(values)
    if intervals:
        ends = [high for _, high in intervals]
        below = [value - low for value, (low, _) in zip(values, intervals, strict=True)]
        above = [high - value for value, (_, high) in zip(values, intervals, strict=True)]
        axes.errorbar(values, heights, xerr=[below, above], fmt="none", ecolor=BLACK,
                      elinewidth=0.8, capsize=2)  # fmt: skip
    for y, (value, text, end) in enumerate(zip(values, texts, ends, strict=True)):
        _beside(axes, f"{value:.2f}  {text}", end, y)
    axes.axvline(1, color=GREY, linewidth=0.7, zorder=0.5)
    axes.set_xlim(0, 1.62 * max(ends))
    _names(axes, rows)
    axes.set_ylim(len(rows) - 0.4, -1.7)  # with room for the bracket


def _beside(axes: Any, text: str, x: float, y: float, **look: Any) -> None:
    """A text to the right of a point, readable over lines of the grid."""
    axes.annotate(
        text,
        (x, y),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        bbox={"boxstyle": "square,pad=0.08", "facecolor": "white", "edgecolor": "none"},
        **{"fontsize": 6.5, **look},
    )


def _bracket(axes: Any, low: float, high: float) -> None:
    """The span of the bars above them, with how many times the one end is the other."""
    if low == high:
        return
    y, tick = -1.0, 0.28
    axes.plot([low, low, high, high], [y + tick, y, y, y + tick], color=BLACK, linewidth=0.9)
    _beside(axes, f"{high / low:.2f} times", high, y, fontsize=7, fontweight="bold")


def _dots(axes: Any, rows: Sequence[OpsRow], base: OpsRow) -> None:
    """A dot a type on a logarithmic axis, with its interval and its cost in words."""
    axes.set_xscale("log")
    values = [row.j_per_op / base.j_per_op for row in rows]
    spans = [_interval(row, base) for row in rows]
    for y, (row, value, span) in enumerate(zip(rows, values, spans, strict=True)):
        colour = GROUP_COLOURS[row.group]
        axes.plot(span, [y, y], color=colour, linewidth=1)
        axes.plot([value], [y], "o", color=colour, markersize=3.5)
        text = f"{value:.2f}" if value < 9.95 else f"{value:.0f}"
        _beside(axes, f"{text}  {si(row.j_per_op, 'J/op')}", span[1], y)
    axes.axvline(1, color=GREY, linewidth=0.7, zorder=0.5)
    low, high = min(1.0, *(low for low, _ in spans)), max(1.0, *(high for _, high in spans))
    axes.set_xlim(low / 1.25, high * (high / low) ** 0.5 * 1.6)
    plain_log_axis(axes.xaxis)
    _names(axes, rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)


def _names(axes: Any, rows: Sequence[OpsRow]) -> None:
    axes.set_yticks(range(len(rows)), [row.operation for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _title(
    figure: Any, study: OpsStudy, part: StudyPart, rows: Sequence[OpsRow], grid: Grid
) -> None:
    from matplotlib.lines import Line2D

    operations = count(study.sizes[study.compared_size])
    figure.suptitle(
        f"{part.name} at {clock(part.clock_hz)}, optimised kernels, {operations} operations each\n"
        "(a MAC is two); lines: interval of the energy, mostly common to all types",
        fontsize=6.5,
    )
    groups = dict.fromkeys(row.group for row in rows)
    handles = [
        Line2D([], [], marker="s", linestyle="", markersize=4, color=GROUP_COLOURS[group],
               label=grid.groups[group])
        for group in groups
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=6.5,
                  handletextpad=0.1, columnspacing=0.8)  # fmt: skip
