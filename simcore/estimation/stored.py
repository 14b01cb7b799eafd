"""Costs of layers in a store of results: a run for each, beside the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from simcore.estimation.bench import LayerCost
from simcore.plain import RecordError
from simcore.store.rows import AS_LINKED, ResultRow, StoredRun

if TYPE_CHECKING:
    from simcore.estimation.memo import LayerKey, LayerMemo
    from simcore.store.database import ResultStore

KIND = "layer"


def load_layers(
    store: ResultStore, memo: LayerMemo, keys: Sequence[LayerKey]
) -> dict[LayerKey, LayerCost]:
    """Those of the layers that a store holds."""
    from simcore.estimation.memo import cost_of

    names = {memo.layer_key(key): key for key in keys}
    found = {}
    for name, document in store.get(list(names)).items():
        try:
            found[names[name]] = cost_of(json.loads(document))
        except (ValueError, RecursionError, RecordError, TypeError):
            continue  # it runs again, and is replaced
    return found


def keep_layers(store: ResultStore, memo: LayerMemo, costs: Mapping[LayerKey, LayerCost]) -> None:
    """Write layers with what they cost, all or none of them."""
    store.put([_stored(memo, key, cost) for key, cost in costs.items()])


def _stored(memo: LayerMemo, key: LayerKey, cost: LayerCost) -> StoredRun:
    from simcore.estimation.memo import to_plain_cost

    shape, is_first = key
    time_s = cost.cycles / memo.setting["clock_hz"]
    row = ResultRow(
        program=shape.text,
        program_sha256=memo.setting["runner"],
        args=json.dumps([[name, value] for name, value in shape.options]),
        part=memo.setting["part"],
        model_sha256=memo.setting["model"],
        clock_hz=memo.setting["clock_hz"],
        voltage_scale=memo.setting["voltage_scale"],
        configuration=memo.target.arena or AS_LINKED,
        end="exit",
        told=json.dumps({"first": True} if is_first else {}),
        instructions=cost.instructions,
        cycles=cost.cycles,
        active_cycles=cost.cycles,
        time_s=time_s,
        energy_j=cost.energy_j,
        energy_low_j=cost.energy_low_j,
        energy_high_j=cost.energy_high_j,
        power_w=cost.energy_j / time_s if time_s else None,
    )
    document = json.dumps(to_plain_cost(cost), separators=(",", ":"), allow_nan=False)
    return StoredRun(memo.layer_key(key), KIND, (row,), document.encode())
