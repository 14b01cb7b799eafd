"""Layers in a store of results: found again by content, a row each, and made again when spoilt."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.cache import NO_ROOM
from simcore.estimation import estimator
from simcore.estimation.bench import LayerCost, Target
from simcore.estimation.estimator import Estimator
from simcore.estimation.memo import LayerKey, LayerMemo
from simcore.estimation.shapes import layer_shape
from simcore.store.database import ResultStore, open_store
from simcore.study.operators import read_arguments, runner_operator

COST = LayerCost(216, 100, 2e-6, 1e-6, 4e-6)


def key(filters: int, is_first: bool = False) -> LayerKey:
    asked = read_arguments(f"h=3 c=8 filters={filters}")
    return layer_shape(runner_operator("pointwise_conv2d_s8", asked)), is_first


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return open_store(str(tmp_path / "layers.db"))


def test_a_layer_is_known_again_by_what_decides_it(store: ResultStore) -> None:
    memo = LayerMemo(Target(), NO_ROOM, store)
    costs = {key(8): COST, key(8, is_first=True): replace(COST, cycles=300)}
    memo.learn(costs)
    again = LayerMemo(Target(), NO_ROOM, store)
    assert again.find([key(8), key(16), key(8, is_first=True)]) == [key(16)]
    assert {one: again.get(one) for one in costs} == costs
    for other in (Target(clock_hz=100_000_000), Target(cpu="stm32h743"), Target(caches="off")):
        assert LayerMemo(other, NO_ROOM, store).find(costs) == list(costs)


def test_a_layer_is_a_row_of_its_own_kind(store: ResultStore) -> None:
    LayerMemo(Target(), NO_ROOM, store).learn({key(8, is_first=True): COST})
    (row,) = store.rows()
    assert (row["kind"], row["program"]) == ("layer", "CONV_2D 1x3x3x8 to 1x3x3x8")
    assert (row["cycles"], row["instructions"], row["energy_j"]) == (216, 100, 2e-6)
    assert (row["part"], row["clock_hz"], row["time_s"]) == ("stm32f746", 216_000_000, 1e-6)
    assert row["power_w"] == pytest.approx(2.0)
    assert json.loads(row["told"]) == {"first": True}


@pytest.mark.parametrize("spoilt", ["[1, 2]", "{", '["a", 1, 1.0, 1.0, 1.0]', "[[[[]]]]"])
def test_a_spoilt_layer_is_not_known_and_is_replaced(store: ResultStore, spoilt: str) -> None:
    memo = LayerMemo(Target(), NO_ROOM, store)
    memo.learn({key(8): COST})
    (run,) = [row["key"] for row in store.rows((), ["key"])]
    assert run == memo.layer_key(key(8))
    (document,) = store.get([run]).values()
    assert json.loads(document) == [216, 100, 2e-6, 1e-6, 4e-6]
    kept = _as_kept(store, run, spoilt.encode())
    assert store.get([run]) == {run: kept}
    fresh = LayerMemo(Target(), NO_ROOM, store)
    assert fresh.find([key(8)]) == [key(8)]
    fresh.learn({key(8): replace(COST, cycles=99)})
    assert [row["cycles"] for row in store.rows((), ["cycles"])] == [99]


def _as_kept(store: ResultStore, run: str, document: bytes) -> bytes:
    """Another document for a run, as whole as a store can tell."""
    import hashlib
    import zlib

    with closing(sqlite3.connect(store.name)) as connection, connection:
        connection.execute(
            "UPDATE mcusim_runs SET document = ?, document_sha256 = ? WHERE key = ?",
            (zlib.compress(document), hashlib.sha256(document).hexdigest(), run),
        )
    return document


def test_what_a_store_holds_is_estimated_without_a_run(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {
        "input": [3, 3, 8],
        "layer": [{"kernel": "pointwise_conv2d_s8", "filters": filters} for filters in (8, 16)],
    }
    first = Estimator(jobs=1, room=NO_ROOM, shelf=store)
    one = first.estimate(table)
    assert first.ran == 4  # two layers, and a small one with its code in the cache and without
    monkeypatch.setattr(estimator, "run_layers", None)
    again = Estimator(jobs=1, room=NO_ROOM, shelf=store)
    assert again.estimate(table) == one
    assert again.ran == 0
