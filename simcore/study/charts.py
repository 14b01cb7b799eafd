"""How figures of a study look and how they are saved: the same bytes from run to run."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

# Okabe and Ito's colours: told apart with every kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW, BLACK, GREY = "#56B4E9", "#E69F00", "#222222", "#8A8A8A"
GROUP_COLOURS = {"mac": BLUE, "element": ORANGE, "movement": GREEN, "wide": PURPLE}
SERIES = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, BLACK, GREY)


def on_colour(colour: str) -> str:
    """White or black, whichever reads better on a colour given as #rrggbb."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "white" if 0.3 * red + 0.6 * green + 0.1 * blue < 140 else BLACK


_STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    "font.size": 9,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.dpi": 130,
    "svg.fonttype": "path",
    "svg.hashsalt": "mcusim",  # ids in the file come from it, not from chance
}


#: Of a figure that is as wide as the column of a paper: it is printed at its own size.
SMALL_TEXT: dict[str, Any] = {
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 7,
    "xtick.major.size": 2,
    "grid.linewidth": 0.4,
}


@contextmanager
def new_figure(width: float, height: float, **style: Any) -> Iterator[Any]:
    """A matplotlib figure of so many inches, in the style of all but for what is given.

    It is to be saved inside the block.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(cast(Any, {**_STYLE, **style})):  # the stubs ask for a literal
        yield Figure(figsize=(width, height), layout="constrained")


def change_colours() -> Any:
    """Colours of changes in the palette of all: a loss of time orange, a gain blue, none white."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("change", [BLUE, "white", ORANGE])


def saved(figure: Any, name: str, dots_per_inch: int | None = None) -> Iterator[tuple[str, bytes]]:
    """The figure as PNG and SVG: file names with contents."""
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        out = io.BytesIO()
        dpi = {} if dots_per_inch is None else {"dpi": dots_per_inch}
        figure.savefig(out, format=suffix, metadata=metadata, **dpi)
        yield f"{name}.{suffix}", out.getvalue()


def plain_log_axis(axis: Any, digits: Sequence[int] = (1,)) -> None:
    """Ticks of a logarithmic axis as plain numbers, at these digits of every decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(10, subs=digits, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def apart(positions: Sequence[float], least: float) -> list[float]:
    """Positions for labels, near the given ones, in their order and ``least`` apart."""
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    groups: list[list[int]] = []
    centres: list[float] = []
    for index in order:
        groups.append([index])
        centres.append(positions[index])
        while len(groups) > 1:
            reach = (len(groups[-1]) + len(groups[-2])) / 2 * least
            if centres[-1] - centres[-2] >= reach:
                break
            merged = groups[-2] + groups[-1]
            groups[-2:] = [merged]
            centres[-2:] = [sum(positions[i] for i in merged) / len(merged)]
    result = [0.0] * len(positions)
    for group, centre in zip(groups, centres, strict=True):
        for place, index in enumerate(group):
            result[index] = centre + (place - (len(group) - 1) / 2) * least
    return result
