"""The grid of `mcusim study ops`: equal operation counts, the placements, and its filters."""

from __future__ import annotations

import pytest

from simcore.errors import ConfigError
from simcore.study.charts import apart
from simcore.study.grid import cases, load_grid, pick_sizes, select

GRID = load_grid()


def test_every_group_and_spread_is_of_known_operations() -> None:
    names = {operation.name for operation in GRID.operations}
    assert len(names) == len(GRID.operations)
    assert {operation.group for operation in GRID.operations} == set(GRID.groups)
    for spread in GRID.spreads:
        assert set(spread.names) <= names
        assert set(spread.groups) <= set(GRID.groups)


def test_the_grid_holds_every_point_once() -> None:
    points = cases(GRID, GRID.operations, list(GRID.sizes))
    assert len({case.args for case in points}) == len(points) > 250
    for operation in GRID.operations:
        mine = [case for case in points if case.operation is operation]
        assert {case.variant for case in mine} == {"optimised", "plain"}
        assert {case.size for case in mine} == {"small", "medium", "large"}
        placements = {case.placement for case in mine}
        assert len(placements) == (6 if operation.has_weights else 2)


def test_operations_are_chosen_by_name_and_by_kernel() -> None:
    chosen = select(GRID.operations, ["relu", "conv2d_s8"])
    assert [operation.name for operation in chosen] == ["conv 3x3", "conv 5x5", "relu"]
    assert select(GRID.operations, []) == GRID.operations


def test_a_pattern_without_match_names_what_comes_near() -> None:
    with pytest.raises(ConfigError, match=r"--only 'pointwse' matches no operation; did you mean"):
        select(GRID.operations, ["relu", "pointwse"])
    with pytest.raises(ConfigError, match=r"--only 'qqq' matches no operation \(conv 3x3, "):
        select(GRID.operations, ["qqq"])


def test_sizes_keep_their_order_and_wrong_ones_are_named() -> None:
    assert pick_sizes(GRID, ["large", "small"]) == ("small", "large")
    assert pick_sizes(GRID, []) == ("small", "medium", "large")
    with pytest.raises(ConfigError, match="--size 'lage' is none of small, medium, large; did you"):
        pick_sizes(GRID, ["lage"])


def test_labels_are_moved_apart_and_keep_their_order() -> None:
    assert apart([5.0, 1.0], 1.0) == [5.0, 1.0]
    spread = apart([1.0, 1.1, 1.05, 9.0], 1.0)
    assert spread[0] < spread[2] < spread[1] < spread[3] == 9.0
    assert spread[1] - spread[2] == pytest.approx(1.0)
    assert sum(spread[:3]) == pytest.approx(3.15)
