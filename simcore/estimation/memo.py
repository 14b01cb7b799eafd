"""What layers cost that were run before: one entry of the cache for all of a part and its setting.

A layer's key is its shape; what decides all of them alike is in the entry's key: the runner with
its kernels by their hash, the part's model, clock, caches, memory of tensors, and mcusim itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simcore.cache import NO_ROOM, Room, content_key
from simcore.estimation.bench import LayerCost, Target
from simcore.estimation.shapes import LayerShape
from simcore.files import sha256_of
from simcore.network.runners import NETWORKS, runner_for
from simcore.plain import RecordError, from_plain, to_plain

if TYPE_CHECKING:
    from simcore.store.database import ResultStore

KIND: Final = "layers"
SCHEMA: Final = "mcusim.layers/1"
#: So long a process waits for another that adds to the entry.
MOST_WAIT_S: Final = 10.0
#: Files of the study that make weights up; its folder decides nothing else of results.
_MADE_BY: Final = ("made_up.py", "operators.py")

LayerKey = tuple[LayerShape, bool]  # and whether nothing of its kernel ran before it


class LayerMemo:
    """Costs of layers on a target, read from the cache and kept there.

    ``shelf`` is a store of results, which holds them too, a run for each layer.
    """

    def __init__(
        self, target: Target, room: Room = NO_ROOM, shelf: ResultStore | None = None
    ) -> None:
        self.target, self._room, self._shelf = target, room, shelf
        self.setting = setting(target)
        self._key = content_key(KIND, self.setting, room=room)
        self._costs: dict[LayerKey, LayerCost] = self._read()
        self._new = False

    def __len__(self) -> int:
        return len(self._costs)

    def get(self, key: LayerKey) -> LayerCost | None:
        """What a layer costs, None when it is not known."""
        return self._costs.get(key)

    def find(self, keys: Iterable[LayerKey]) -> list[LayerKey]:
        """Those that are not known, each once, in their order; the shelf is asked for them."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._costs]
        if self._shelf is None or not missing:
            return missing
        from simcore.estimation.stored import load_layers

        self._costs |= load_layers(self._shelf, self, missing)
        return [key for key in missing if key not in self._costs]

    def learn(self, costs: Mapping[LayerKey, LayerCost]) -> None:
        """Know these from now on."""
        self._costs |= costs
        self._new = self._new or bool(costs)
        if self._shelf is not None:
            from simcore.estimation.stored import keep_layers

            keep_layers(self._shelf, self, costs)

    def keep(self) -> None:
        """Write what is new into the cache, beside what other processes found meanwhile."""
        if not self._new or not self._room.is_on:
            return
        with self._room.held(KIND, self._key, MOST_WAIT_S):
            self._costs = self._read() | self._costs
            rows = [[*_plain(key), *to_plain_cost(cost)] for key, cost in self._costs.items()]
            content = {"schema": SCHEMA, "rows": sorted(rows, key=repr)}
            text = json.dumps(content, separators=(",", ":"), allow_nan=False)
            self._room.put(KIND, self._key, text.encode())
        self._new = False

    def layer_key(self, key: LayerKey) -> str:
        """The key of a layer beside all that decides it: what a store names it by."""
        return content_key("layer", [self.setting, _plain(key)])

    def _read(self) -> dict[LayerKey, LayerCost]:
        data = self._room.get(KIND, self._key)
        if data is None:
            return {}
        try:
            content = json.loads(data)
            if content["schema"] != SCHEMA:
                raise ValueError
            return {_key(row[:7]): cost_of(row[7:]) for row in content["rows"]}
        except (ValueError, LookupError, TypeError, RecursionError, RecordError):
            self._room.drop(KIND, self._key)
            return {}


def setting(target: Target) -> dict[str, Any]:
    """What decides the costs of all layers alike, as plain values. Raises ModelError."""
    spec = target.spec()
    setup = spec.setup()
    runner = runner_for(setup.model, NETWORKS)
    study = Path(__file__).parent.parent / "study"
    return {
        "part": setup.model.name,
        "model": setup.model.sha256,
        "clock_hz": setup.core_clock_hz,
        "voltage_scale": setup.model.operating_point(
            setup.core_clock_hz, setup.voltage_scale
        ).voltage_scale,
        "caches": setup.caches,
        "arena": target.arena,
        "runner": runner.sha256,
        "made": [sha256_of(str(study / name)) for name in _MADE_BY],
    }


def to_plain_cost(cost: LayerCost) -> list[Any]:
    """A cost as a list of numbers."""
    return list(to_plain(cost).values())


def cost_of(values: list[Any]) -> LayerCost:
    """A cost read back. Raises RecordError or ValueError."""
    names = LayerCost.__match_args__
    return from_plain(LayerCost, dict(zip(names, values, strict=True)))


def _plain(key: LayerKey) -> list[Any]:
    return [*key[0], key[1]]


def _key(row: list[Any]) -> LayerKey:
    """A key of a row of JSON. Raises ValueError or TypeError for one that is none."""
    kind, inputs, weights, output, options, content, is_first = row
    if not isinstance(is_first, bool):
        raise TypeError
    shape = LayerShape(
        str(kind),
        tuple(tuple(map(int, one)) for one in inputs),
        None if weights is None else tuple(map(int, weights)),
        tuple(map(int, output)),
        tuple((str(name), _option(value)) for name, value in options),
        str(content),
    )
    return shape, is_first


def _option(value: Any) -> Any:
    if not isinstance(value, int | float | bool | str):
        raise TypeError
    return value
