"""The grid of `mcusim study ops`: grid.toml read, filtered, and multiplied out into cases."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

from simcore.errors import ConfigError, nearest

VARIANTS = ("optimised", "plain")
FILE = Path(__file__).with_name("grid.toml")


@dataclass(frozen=True, slots=True)
class GridPlacement:
    """Where the tensors and the code of an operation lie; weights None: it has none."""

    weights: str | None
    activations: str
    code: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A type of operation: the runner's ``kernel`` and, by size, the shapes it runs with."""

    name: str
    kernel: str
    group: str
    shapes: Mapping[str, tuple[str, ...]]

    @property
    def has_weights(self) -> bool:
        """Whether it reads weights: all that multiply and accumulate do."""
        return self.group in ("mac", "wide")


@dataclass(frozen=True, slots=True)
class SpreadSet:
    """Operations whose spread is told: all of some groups, and some by name."""

    name: str
    groups: tuple[str, ...]
    names: tuple[str, ...]

    def holds(self, operation: Operation) -> bool:
        """Whether the operation belongs to the set."""
        return operation.group in self.groups or operation.name in self.names


@dataclass(frozen=True, slots=True)
class Grid:
    """All of grid.toml; ``sizes`` are target operation counts, of places the first is usual."""

    sizes: Mapping[str, int]
    weights: tuple[str, ...]
    activations: tuple[str, ...]
    code: tuple[str, ...]
    groups: Mapping[str, str]  # name to description
    spreads: tuple[SpreadSet, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One execution, timed in ``placements``, the usual one first.

    ``reference`` marks the first shape of its size, which types are compared by.
    """

    operation: Operation
    size: str
    shape: str
    reference: bool
    variant: str
    placements: tuple[GridPlacement, ...]

    @property
    def args(self) -> tuple[str, ...]:
        """The command for the runner."""
        return (self.operation.kernel, *self.shape.split(), f"variant={self.variant}")


def load_grid() -> Grid:
    """The grid that ships with mcusim."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    sizes: dict[str, int] = table["sizes"]
    return Grid(
        sizes=sizes,
        weights=tuple(table["places"]["weights"]),
        activations=tuple(table["places"]["activations"]),
        code=tuple(table["places"]["code"]),
        groups=table["groups"],
        spreads=tuple(
            SpreadSet(row["name"], tuple(row["groups"]), tuple(row["names"]))
            for row in table["spread"]
        ),
        operations=tuple(_operation(row, sizes) for row in table["operation"]),
    )


def _operation(row: dict[str, Any], sizes: Mapping[str, int]) -> Operation:
    shapes = {size: tuple(row[size]) for size in sizes}
    return Operation(row["name"], row["kernel"], row["group"], shapes)


def select(operations: Sequence[Operation], patterns: Sequence[str]) -> tuple[Operation, ...]:
    """The operations whose name or kernel a pattern matches, all when there is no pattern.

    Raises ConfigError for a pattern that matches none, with the names that come near.
    """
    known = [name for operation in operations for name in (operation.name, operation.kernel)]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            hint = nearest(pattern, known, most=3)
            listed = ", ".join(operation.name for operation in operations)
            raise ConfigError(f"--only '{pattern}' matches no operation{hint or f' ({listed})'}")
    if not patterns:
        return tuple(operations)
    return tuple(
        operation
        for operation in operations
        if any(
            fnmatchcase(name, pattern)
            for name in (operation.name, operation.kernel)
            for pattern in patterns
        )
    )


def pick_sizes(grid: Grid, names: Sequence[str]) -> tuple[str, ...]:
    """The sizes of these names in the order of the grid, all when there is none.

    Raises ConfigError for a name that the grid does not have.
    """
    for name in names:
        if name not in grid.sizes:
            known = ", ".join(grid.sizes)
            raise ConfigError(f"--size '{name}' is none of {known}{nearest(name, grid.sizes)}")
    return tuple(size for size in grid.sizes if not names or size in names)


def cases(grid: Grid, operations: Sequence[Operation], sizes: Sequence[str]) -> tuple[Case, ...]:
    """The executions of the grid, in the order of the tables."""
    return tuple(case for operation in operations for case in _cases(grid, operation, sizes))


def _cases(grid: Grid, operation: Operation, sizes: Sequence[str]) -> Iterator[Case]:
    weights = grid.weights if operation.has_weights else (None,)
    every = tuple(
        GridPlacement(*places) for places in product(weights, grid.activations, grid.code)
    )
    for variant in VARIANTS:
        for size in sizes:
            for index, shape in enumerate(operation.shapes[size]):
                reference = index == 0
                placed = every if reference and size == sizes[-1] else every[:1]
                yield Case(operation, size, shape, reference, variant, placed)
