"""The figure of a study of rankings: what networks cost over what is known of them."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.search.ranking import RankedNetwork, RankingStudy
from simcore.study.charts import BLUE, GREEN, ORANGE, new_figure, plain_log_axis, saved

_PANELS = (
    ("ops", "operations", 1e6, "million operations"),
    ("parameters", "parameters", 1e3, "thousand parameters"),
    ("estimated_cycles", "sum of layers", 1e6, "million cycles, sum of layers"),
)
_COLOURS = (BLUE, ORANGE, GREEN)


def figures(study: RankingStudy) -> Iterator[tuple[str, bytes]]:
    """File names with contents: latency of whole runs over operations, parameters and the sum."""
    taus = {row.by: row.tau for row in study.taus if row.cost == "time_s"}
    sizes = sorted({row.input for row in study.rows})
    with new_figure(10.5, 3.6) as figure:
        axes = figure.subplots(1, len(_PANELS), sharey=True)
        for axis, (name, title, unit, label) in zip(axes, _PANELS, strict=True):
            for size, colour in zip(sizes, _COLOURS, strict=False):
                rows: list[RankedNetwork] = [row for row in study.rows if row.input == size]
                axis.scatter(
                    [getattr(row, name) / unit for row in rows],
                    [row.time_s * 1e3 for row in rows],
                    s=9, color=colour, alpha=0.6, linewidths=0,
                    label="x".join(map(str, size)),
                )  # fmt: skip
            axis.set_xscale("log")
            axis.set_yscale("log")
            plain_log_axis(axis.xaxis)
            plain_log_axis(axis.yaxis)
            axis.set_xlabel(label)
            axis.set_title(f"{title}: tau {taus[name]:.3f}")
        axes[0].set_ylabel("latency of the whole run, ms")
        axes[0].legend(title="input", loc="upper left")
        yield from saved(figure, f"{study.part}-ranking")
