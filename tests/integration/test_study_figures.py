"""Figures of a study of operations: what stands on their axes, drawn from a small study."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from matplotlib.figure import Figure

from simcore.cli.main import main
from simcore.study.grid import cases, load_grid, select
from simcore.study.ops import OpsStudy, StudyPart, study_ops
from simcore.study.ops_figures import (
    memory,
    operations_and_cycles,
    placements,
    roofline,
    throughput_and_energy,
)
from simcore.study.spread_figure import USUAL_TYPES, spread
from simcore.study.store import Store
from tests.shared import made_once

PART = "stm32f746"
TYPES = ("relu", "pointwise", "copy")
TABLES = (
    "study", "ops", *(word for name in TYPES for word in ("--only", name)), "--size", "small",
    "--cpu", PART, "--no-figures",
)  # fmt: skip


@pytest.fixture(scope="module")
def study() -> OpsStudy:
    """A small study of one part."""

    def run(path: Path) -> None:
        assert main([*TABLES, "-o", str(path), "--jobs", "1"]) == 0

    grid = load_grid()
    points = cases(grid, select(grid.operations, TYPES), ["small"])
    store = Store(made_once(TABLES, run) / "runs")
    return study_ops([PART], grid, points, store, jobs=1)


def drawn_axes(
    draw: Callable[[OpsStudy, StudyPart], Iterator[tuple[str, bytes]]],
    study: OpsStudy,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Any]:
    """The axes of a figure of the first part, without those that are hidden."""
    kept: list[Figure] = []

    def savefig(figure: Figure, file: BinaryIO, **_: object) -> None:
        kept.append(figure)

    monkeypatch.setattr(Figure, "savefig", savefig)
    assert len([*draw(study, study.parts[0])]) == 2
    return [axes for axes in kept[0].axes if axes.get_visible()]


@pytest.mark.parametrize(
    "draw",
    [spread, throughput_and_energy, operations_and_cycles, memory, roofline, placements],
    ids=lambda draw: draw.__name__,
)
def test_every_axis_of_numbers_says_what_kind_they_are(
    study: OpsStudy,
    draw: Callable[[OpsStudy, StudyPart], Iterator[tuple[str, bytes]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for axes in drawn_axes(draw, study, monkeypatch):
        for axis in (axes.xaxis, axes.yaxis):
            words = [label.get_text() for label in axis.get_ticklabels()]
            is_of_names = any(re.search("[a-z]{3}", word) for word in words)
            if words and not is_of_names and axis.get_label_text():
                assert re.search("exact|modelled|estimated", axis.get_label_text())
        assert axes.get_xlabel() or axes.get_ylabel() or draw is placements


def test_the_spread_is_that_of_the_types_on_the_linear_axes(
    study: OpsStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    (told,) = [
        one
        for one in study.spreads
        if (one.part, one.name, one.variant) == (PART, USUAL_TYPES, "optimised")
        if one.operations_per_mac == 2
    ]
    rate, energy, others = drawn_axes(spread, study, monkeypatch)
    for axes, ratio in ((rate, told.throughput_ratio), (energy, told.energy_ratio)):
        assert f"{ratio:.2f} times" in [text.get_text() for text in axes.texts]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["pointwise", "relu"]
        assert axes.get_xscale() == "linear"
    assert [label.get_text() for label in others.get_yticklabels()] == ["copy"]
    assert others.get_xscale() == "log"
    (line,) = energy.collections  # of the intervals
    ends = [(segment[0][0], segment[1][0]) for segment in line.get_segments()]
    base, relu = study.compared(PART, "optimised")[:2]
    scale = base.energy_j / base.ops
    assert ends[1] == pytest.approx(
        (relu.energy_low_j / relu.ops / scale, relu.energy_high_j / relu.ops / scale)
    )


def test_a_roofline_has_intensity_to_the_right_and_performance_upwards(
    study: OpsStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = study.parts[0]
    (row,) = [row for row in study.compared(part.name, "optimised") if row.macs]
    for axes, moved in zip(
        drawn_axes(roofline, study, monkeypatch),
        (row.refill_bytes, row.loaded_bytes + row.stored_bytes),
        strict=True,
    ):
        points = [line.get_xydata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
        assert points[0] == pytest.approx((row.macs / moved, row.macs / row.cycles))
        peak = max(line.get_ydata()[-1] for line in axes.lines)
        assert peak == part.peak_macs_per_cycle
        assert points[0][1] < min(peak, axes.get_ylim()[1])


def test_no_column_of_the_placements_repeats_another(
    study: OpsStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    heat, bar = drawn_axes(placements, study, monkeypatch)
    columns = [label.get_text() for label in heat.get_xticklabels()]
    assert columns == [
        "activations DTCM",
        "weights SRAM",
        "weights SRAM\nactivations DTCM",
        "weights DTCM",
        "weights DTCM\nactivations DTCM",
        "code ITCM",
    ]
    low, high = bar.get_ylim()
    assert (low < 0, 0 <= high <= 1) == (True, True)  # all of them gain
