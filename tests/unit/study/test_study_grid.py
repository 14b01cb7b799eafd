"""The grid of `mcusim study ops`: equal operation counts, the placements, and its filters."""

from __future__ import annotations

import pytest

from simcore.errors import ConfigError
from simcore.study.charts import apart
from simcore.study.grid import cases, load_grid, pick_sizes, select
from simcore.study.operators import read_arguments
from simcore.study.tensors import Tensors, tensors_of

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
    assert len({case.args for case in points}) == len(points) > 150
    for operation in GRID.operations:
        mine = [case for case in points if case.operation is operation]
        assert {case.variant for case in mine} == {"optimised", "plain"}
        assert {case.size for case in mine} == {"small", "medium", "large"}
        places = [case.placements for case in mine if case.size == "large" and case.reference]
        assert {len(set(every)) for every in places} == {12 if operation.has_weights else 4}
        assert {len(case.placements) for case in mine if not case.reference} <= {1}


@pytest.mark.parametrize(
    ("command", "inputs", "output", "weights"),
    [
        ("conv2d_s8 h=9 w=8 c=5 filters=7 k=3 stride=2", (360,), 5 * 4 * 7, 7 * 45),
        ("conv2d_s8 h=9 c=5 filters=7 kh=3 kw=2 pad=valid", (405,), 7 * 8 * 7, 7 * 30),
        ("conv2d_s16 h=4 c=2 k=1", (64,), 64, 4),
        ("conv2d_f32 h=4 c=2 k=3", (128,), 128, 4 * 36),
        ("depthwise_conv2d_s8 h=6 c=4 k=3 stride=2", (144,), 36, 36),
        ("pointwise_conv2d_s8 h=3 c=8 filters=2", (72,), 18, 16),
        ("fully_connected_f32 inputs=6 outputs=2", (24,), 8, 48),
        ("max_pool_s8 h=6 c=2 k=2", (72,), 18, 0),
        ("average_pool_s8 h=8 c=2 k=8 stride=1 pad=valid", (128,), 2, 0),
        ("concatenate_s8 h=2 c=3 c2=1", (12, 4), 16, 0),
        ("pad_s8 h=4 c=2 pad=2", (32,), 128, 0),
        ("add_s8 h=2 c=5", (20, 20), 20, 0),
        ("softmax_s8 rows=3 columns=7", (21,), 21, 0),
        ("transpose_s8 h=2 w=3 c=5", (30,), 30, 0),
    ],
)
def test_sizes_of_tensors_follow_from_the_shape(
    command: str, inputs: tuple[int, ...], output: int, weights: int
) -> None:
    kernel, _, text = command.partition(" ")
    assert tensors_of(kernel, read_arguments(text)) == Tensors(inputs, output, weights)


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
