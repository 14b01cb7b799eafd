"""Estimates: layers cost the same in any company, sums are near whole runs, the memo is trusted."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from simcore.cache import Room
from simcore.core.schedules import Known
from simcore.estimation.bench import LayerCost, LayerJob, Target, run_layers, small_layer
from simcore.estimation.estimator import Estimator
from simcore.estimation.interpolation import ANCHORS, Interpolation, family_of
from simcore.estimation.memo import KIND, LayerMemo
from simcore.estimation.shapes import LayerShape, layer_shape
from simcore.estimation.sketch import sketch_of_list
from simcore.network.runners import NETWORKS
from simcore.study.layers import network_of
from simcore.study.operators import read_arguments, runner_operator
from simcore.study.parts import studied_parts
from simcore.study.tasks import execute
from tests.schemas import assert_fits

TABLE = {
    "name": "tiny",
    "input": [9, 7, 3],
    "layer": [
        {"kernel": "conv2d_s8", "filters": 8, "k": 3, "stride": 2, "activation": "relu"},
        {"kernel": "depthwise_conv2d_s8", "k": 3, "activation": "relu"},
        {"kernel": "pointwise_conv2d_s8", "filters": 24, "activation": "relu"},
        {"kernel": "depthwise_conv2d_s8", "k": 3, "activation": "relu"},
        {"kernel": "pointwise_conv2d_s8", "filters": 16, "activation": "relu"},
        {"kernel": "average_pool_s8", "kh": 5, "kw": 4, "pad": "valid"},
        {"kernel": "fully_connected_s8", "outputs": 10},
        {"kernel": "softmax_s8"},
    ],
}


def shape(command: str) -> LayerShape:
    name, _, arguments = command.partition(" ")
    return layer_shape(runner_operator(name, read_arguments(arguments)))


def test_a_layer_costs_the_same_alone_and_in_any_company() -> None:
    known = Known()
    jobs = [LayerJob(layer.shape) for layer in sketch_of_list(TABLE).layers]
    jobs += [jobs[0]._replace(is_first=True)]
    together = run_layers(jobs, Target(), known)
    assert run_layers(jobs[::-1], Target(), known)[::-1] == together
    for at in (1, 5, 7):
        assert run_layers([jobs[at]], Target()) == [together[at]]


@pytest.mark.parametrize("cpu", ["stm32f746", "stm32h743"])
def test_a_sum_is_near_the_whole_run(cpu: str, tmp_path: Path) -> None:
    (part,) = studied_parts([cpu], NETWORKS).values()
    run = execute(part.task((), network=network_of(TABLE)))
    room = Room(tmp_path / "cache", 1 << 24)
    one = Estimator(Target(cpu=cpu), jobs=1, room=room).estimate(TABLE)
    # The smaller a network, the more the carry-over between its layers counts: 52,000 cycles here.
    assert one.cycles == pytest.approx(sum(op.cycles for op in run.ops), rel=0.03)
    assert one.energy_j == pytest.approx(sum(op.energy_j for op in run.ops), rel=0.03)
    assert one.cycles == sum(layer.cycles for layer in one.layers)
    assert one.time_s == one.cycles / one.clock_hz
    assert_fits(one.to_json())
    again = Estimator(Target(cpu=cpu), jobs=1, room=room)
    assert again.estimate(TABLE) == one
    assert again.ran == 0


def test_a_spoilt_memo_runs_again(tmp_path: Path) -> None:
    room = Room(tmp_path / "cache", 1 << 24)
    memo = LayerMemo(Target(), room)
    key = shape("softmax_s8 rows=1 columns=4"), False
    memo.learn({key: LayerCost(1, 2, 0.5, 0.25, 1.0)})
    memo.keep()
    assert LayerMemo(Target(), room).get(key) == LayerCost(1, 2, 0.5, 0.25, 1.0)
    assert LayerMemo(Target(clock_hz=100_000_000), room).get(key) is None
    (entry,) = (one for one in room.entries() if one.kind == KIND)
    name = entry.path.name.removeprefix(f"{KIND}-")
    for spoilt in (b"{}", b"[", json.dumps({"schema": "mcusim.layers/1", "rows": [[1]]}).encode()):
        room.put(KIND, name, spoilt)
        assert len(LayerMemo(Target(), room)) == 0
    assert zlib  # entries are checked by the cache itself before


def test_layers_between_others_are_linear_and_the_band_is_of_those_left_out() -> None:
    # Costs that are made up: bilinear ones are met exactly, so that the band is 0.
    memo = LayerMemo(Target())
    family = family_of(shape("pointwise_conv2d_s8 h=4 c=24 filters=40"))
    assert family is not None
    grid = [(one, other) for one in ANCHORS for other in ANCHORS]

    def cost(cycles: int) -> LayerCost:
        return LayerCost(cycles, cycles, cycles * 1e-9, cycles * 1e-9, cycles * 1e-9)

    memo.learn({(family.member(c), False): cost(1000 + 16 * c[0] * c[1]) for c in grid})
    between = Interpolation(memo)
    found, is_between = between.cost(family.member((24, 40)))
    assert (found.cycles, is_between) == (1000 + 16 * 24 * 40, True)
    assert between.cost(family.member((32, 64)))[1] is False
    assert between.band == pytest.approx(0, abs=1e-12)
    assert between.left_out == 2 * len(ANCHORS) * (len(ANCHORS) - 2)
    memo.learn({(family.member((32, 64)), False): cost(2 * (1000 + 16 * 32 * 64))})
    assert Interpolation(memo).band == 0  # nothing asked for
    spoilt = Interpolation(memo)
    spoilt.cost(family.member((24, 40)))
    assert spoilt.band > 0.4  # one of twice the cycles, against its neighbours


def test_small_layers_run_the_kernels_they_stand_for() -> None:
    from simcore.estimation.bench import _SMALL
    from simcore.estimation.shapes import made_up_facts

    for kernel in _SMALL:
        found = small_layer(kernel)
        assert found is not None
        assert made_up_facts(found).kernel == kernel
