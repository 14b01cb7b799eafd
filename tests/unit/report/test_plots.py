"""Axes of plots: where values stand, and that ticks are round and inside."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simcore.report.html.plots import MARGIN, PlotScale


def test_the_least_and_the_largest_stand_a_margin_inside() -> None:
    scale = PlotScale([30.0, 10.0, 50.0])
    assert [scale(value) for value in (10, 30, 50)] == [MARGIN, 50, 100 - MARGIN]
    assert not scale.is_log


def test_one_value_stands_in_the_middle_and_is_its_own_tick() -> None:
    scale = PlotScale([7.0, 7.0])
    assert scale(7) == 50
    assert [(tick.at, tick.text) for tick in scale.ticks(str)] == [(50, "7.0")]


def test_values_far_apart_are_on_a_logarithmic_axis() -> None:
    scale = PlotScale([1.0, 100.0])
    assert scale.is_log
    assert scale(10) == pytest.approx(50)
    assert scale.values() == [1, 2, 5, 10, 20, 50, 100]
    assert PlotScale([1.0, 1e4]).values() == [1, 10, 100, 1000, 10000]
    assert not PlotScale([0.0, 100.0]).is_log  # zero has no place there
    assert not PlotScale([-100.0, -1.0]).is_log


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-3.0, 4.0), (1e-9, 7e-9), (123456.0, 123999.0)])
def test_ticks_are_a_few_round_values_inside(ends: tuple[float, float]) -> None:
    scale = PlotScale(ends)
    ticks = scale.ticks("{:g}".format, upwards=True)
    assert 2 <= len(ticks) <= 10
    assert all(MARGIN - 1e-9 <= tick.at <= 100 - MARGIN + 1e-9 for tick in ticks)
    assert [tick.at for tick in ticks] == sorted((tick.at for tick in ticks), reverse=True)
    steps = {round((b - a) / (ends[1] - ends[0]), 9) for a, b in pairwise(scale.values())}
    assert len(steps) == 1
