"""The space of a sweep from its file, and the points of it that are run: all, or a sample.

A sample follows a scrambled Sobol sequence (I. M. Sobol, 1967; scipy.stats.qmc), which covers all
axes evenly with few points, the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice, product
from math import prod
from pathlib import Path
from typing import Any

from simcore.errors import ConfigError
from simcore.extras import require
from simcore.placement import parse_request
from simcore.run.spec import PartSpec, RunSpec
from simcore.run.written import SettingsTable, file_keys, read_texts, read_toml
from simcore.sweep.axes import Axis, Draft, axes_of, check_choices
from simcore.sweep.builds import SweepBuild, build_axes, build_of
from simcore.sweep.front import OBJECTIVES
from simcore.whatif.configuration import Configuration, parse_override

METHODS = ("grid", "sobol")
MOST_POINTS = 100_000
MOST_SEED = 2**31 - 1
#: Only of profiles: tables, outputs of networks; a sweep keeps sums.
_OF_PROFILES = ("op", "verify", "outputs", "layout_sweep", "uncertainty")
RUN_KEYS = tuple(key for key in file_keys(RunSpec, "_") if key not in _OF_PROFILES)
KEYS = ("method", "samples", "seed", "objectives", *RUN_KEYS, "build", "axes")

#: A point: of each axis the number of its choice.
Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SweepSpace:
    """Axes, what all points begin with, how programs are built, and which points are meant."""

    file: str
    axes: tuple[Axis, ...]
    base: Draft
    build: SweepBuild | None
    objectives: tuple[str, ...]
    method: str = "grid"
    samples: int = 0
    seed: int = 1

    @property
    def size(self) -> int:
        """Points of the whole grid."""
        return prod(len(axis.choices) for axis in self.axes)

    def places(self) -> list[Place]:
        """The points that are run. Raises ConfigError for a grid of too many."""
        if self.method == "sobol" and self.samples < self.size:
            return list(islice(self._sobol(), self.samples))
        if self.size > MOST_POINTS:
            raise ConfigError(
                f"{self.file}: a grid of {self.size:,} points, and {MOST_POINTS:,} are the most:"
                ' sample it, with method = "sobol" and samples = N'
            )
        return list(product(*(range(len(axis.choices)) for axis in self.axes)))

    def draft(self, place: Place) -> Draft:
        """What the choices of a point make of the base."""
        draft = self.base
        for axis, number in zip(self.axes, place, strict=True):
            draft = axis.choices[number].applied(draft)
        return draft

    def settings(self, place: Place) -> dict[str, str]:
        """The names of a point's choices by axis."""
        return {
            axis.name: axis.choices[number].name
            for axis, number in zip(self.axes, place, strict=True)
        }

    def _sobol(self) -> Iterator[Place]:
        """Different points in the order of the sequence."""
        require("sweep", 'a sweep by method = "sobol"', 'method = "grid"')
        from scipy.stats import qmc  # type: ignore[import-untyped]

        lengths = [len(axis.choices) for axis in self.axes]
        sequence = qmc.Sobol(len(lengths), scramble=True, seed=self.seed)
        seen: set[Place] = set()
        bits = 4
        while True:  # fewer points are asked for than there are
            for row in sequence.random_base2(bits) if not seen else sequence.random(2**bits):
                place = tuple(
                    min(int(u * length), length - 1) for u, length in zip(row, lengths, strict=True)
                )
                if place not in seen:
                    seen.add(place)
                    yield place
            bits = min(bits + 1, 12)


def load_space(path: str) -> SweepSpace:
    """The space that a file says. Raises ConfigError, in one line, for anything it may not hold."""
    table = SettingsTable(Path(path), read_toml(Path(path)))
    table.only(KEYS)
    build = None
    build_table = _table(table, "build")
    axes: list[Axis] = []
    if build_table is not None:
        build = build_of(build_table)
        axes += build_axes(build_table)
        for axis in axes:
            check_choices(build_table, axis)
    axes_table = _table(table, "axes")
    if axes_table is not None:
        axes += axes_of(axes_table)
    _check_axes(table, axes, build)
    method = table.get("method", _one_of(METHODS), "sobol" if "samples" in table.values else "grid")
    samples = table.get("samples", _whole(1, MOST_POINTS), 0)
    if method == "sobol" and not samples:
        raise table.error("samples", "it is missing: how many points of the space to run")
    if method == "grid" and samples:
        raise table.error("samples", 'a grid runs all points: it goes with method = "sobol"')
    return SweepSpace(
        path,
        tuple(axes),
        _base(table),
        build,
        table.get("objectives", _objectives, tuple(OBJECTIVES)[:4]),
        method,
        samples,
        table.get("seed", _whole(0, MOST_SEED), 1),
    )


def _table(table: SettingsTable, key: str) -> SettingsTable | None:
    if key not in table.values:
        return None
    if not isinstance(table.values[key], dict):
        raise table.error(key, f"it is a table: write [{key}]")
    return SettingsTable(table.file, table.values[key], f"{key}: ")


def _check_axes(table: SettingsTable, axes: Sequence[Axis], build: SweepBuild | None) -> None:
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise table.error(name, "two axes have this name")
    if build is not None and "program" in names:
        raise table.error("axes", "programs are built by [build] or named by elf and kernel")
    if build is None and "program" not in names:
        raise ConfigError(
            f"{table.file}: the space is empty: name programs in [axes], by elf = [...] or"
            " kernel = [...], or say in [build] how they are built"
        )


def _base(table: SettingsTable) -> Draft:
    """What all points begin with: the settings at the top of the file."""
    told = table.options(RunSpec, "_")
    part = {field.name: told.pop(field.name) for field in fields(PartSpec) if field.name in told}
    try:
        part["overrides"] = tuple(map(parse_override, part.get("overrides", ())))
    except ConfigError as error:
        raise table.error("set", str(error)) from None
    try:
        for text in part.get("place", ()):
            parse_request(text)
    except ConfigError as error:
        raise table.error("place", str(error)) from None
    return Draft(replace(Configuration(), **part), told)


def _one_of(known: Sequence[str]) -> Any:
    def read(value: Any) -> str:
        if value not in known:
            raise ConfigError(f"it is one of {', '.join(known)}")
        return str(value)

    return read


def _whole(least: int, most: int) -> Any:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ConfigError(f"it is a whole number of {least} to {most}")
        return value

    return read


def _objectives(value: Any) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(read_texts(value)))
    if not names or not set(names) <= OBJECTIVES.keys():
        raise ConfigError(f"it is a list of {', '.join(OBJECTIVES)}")
    return names
