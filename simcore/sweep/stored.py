"""Points of a sweep in a store of results, found again by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from simcore.cache import content_key
from simcore.plain import unpacked
from simcore.run.spec import PartSpec, RunSpec, given
from simcore.store.keys import part_content, spec_content
from simcore.store.rows import StoredRun, row_of
from simcore.store.writer import StoreWriter
from simcore.whatif.results import Outcome
from simcore.whatif.stored import written_outcome

if TYPE_CHECKING:
    from simcore.store.database import ResultStore
    from simcore.sweep.groups import PlannedPoint

SCHEMA = "mcusim.sweep-point/1"
KIND = "sweep"


class StoredPoints:
    """The points of one sweep in a store, or in none; what is kept is there when its block ends.

    What programs print is not kept.
    """

    def __init__(self, store: ResultStore | None, points: Sequence[PlannedPoint]) -> None:
        self._store = store
        self._points = points
        self._writer = StoreWriter(store)
        self._programs: dict[str, Any] = {}
        self._parts: dict[str, Any] = {}
        self._keys = [self._key(point) for point in points]
        self._equal: dict[object, list[int]] = {}
        for number, key in enumerate(self._keys):
            self._equal.setdefault(key or number, []).append(number)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.__exit__(*error)

    def first_of_equal(self) -> list[int]:
        """The number of the first point of each content."""
        return [numbers[0] for numbers in self._equal.values()]

    def equal_to(self, number: int) -> list[int]:
        """The numbers of the points of the same content, itself with them."""
        return self._equal[self._keys[number] or number]

    def load(self) -> dict[int, Outcome]:
        """The outcomes that are there, by the number of their point."""
        if self._store is None:
            return {}
        documents = self._store.get(list(dict.fromkeys(filter(None, self._keys))))
        found = {}
        for key, numbers in self._equal.items():
            document = documents.get(str(key))
            outcome = None if document is None else unpacked(Outcome, document)
            if outcome is not None:
                found.update(dict.fromkeys(numbers, outcome))
        return found

    def keep(self, number: int, outcome: Outcome) -> None:
        """Keep what a point gave, unless the host's time decided it or its program changed."""
        key, point = self._keys[number], self._points[number]
        if key is None or outcome.exit.is_by_host:
            return
        if outcome.elf.sha256 != self._program(point)["sha256"]:
            return  # the file holds something else by now
        spec = point.configuration.spec(PurePath(point.elf).name, point.options)
        row = row_of(
            outcome.elf,
            outcome.cpu,
            outcome.exit,
            spec,
            outcome,
            stack_bytes=outcome.stack_high_water_bytes,
        )
        shift = [f"shift={point.shift}"] if point.shift else []
        built = [f"{name}={value}" for name, value in point.build]
        row = replace(row, configuration=", ".join([*built, row.configuration, *shift]))
        self._writer.keep(StoredRun(key, KIND, (row,), written_outcome(outcome)))

    def _key(self, point: PlannedPoint) -> str | None:
        program, part = self._program(point), self._part(point)
        if program["content"] is None or part is None:
            return None
        content = {"run": program["content"], "part": part, "shift": point.shift}
        return content_key(SCHEMA, content, beside="sweep/stored.py")

    def _program(self, point: PlannedPoint) -> Any:
        """What is the same for all parts: hashed once for all points."""
        name = repr((point.elf, sorted(point.options.items())))
        if name not in self._programs:
            spec = replace(given(RunSpec, point.options), elf=point.elf)
            content = spec_content(spec)
            sha256 = None
            if content is not None:
                from simcore.files import sha256_of

                sha256 = sha256_of(point.elf)
            self._programs[name] = {"content": content, "sha256": sha256}
        return self._programs[name]

    def _part(self, point: PlannedPoint) -> Any:
        one = point.configuration
        told = {field.name: getattr(one, field.name) for field in fields(PartSpec)}
        name = repr((one.cpu, one.overrides, one.memory_from))
        if name not in self._parts:
            self._parts[name] = part_content(one)
        if self._parts[name] is None:
            return None
        rest = {key: value for key, value in told.items() if key not in ("cpu", "memory_from")}
        return [self._parts[name], rest]
