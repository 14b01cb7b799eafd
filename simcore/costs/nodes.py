"""Costs of each node of the call tree, and which nodes belong together.

Energy goes through the energy model node by node in whole femtojoules, so sums are exact; joules
are formed once, at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import Protocol

from simcore.core.counters import CAUSES, Counters, cycle_column, sum_vectors
from simcore.elf.names import spellings

UNKNOWN_FUNCTION = "[unknown]"


class LinearEnergy(Protocol):
    """What attribution needs of ``energy.EnergyModel``: linear, in whole femtojoules."""

    def femtojoules(self, vector: Mapping[str, int]) -> dict[str, int]:
        """Energy of these counts by component."""

    def half_width(self, parts: Mapping[str, int]) -> int:
        """Half width of the interval around the sum of energies by component."""


class FunctionLike(Protocol):
    """What attribution needs of ``elf.Function``."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def symbol(self) -> str | None: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...


def joules(femtojoules: int) -> float:
    """Correctly rounded joules of a whole number of femtojoules."""
    return femtojoules / 10**15


def ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, or None when there is nothing to divide by."""
    return numerator / denominator if denominator else None


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy by component, whole femtojoules, with the half width of the interval around it."""

    parts: Mapping[str, int]
    half_width: int

    @property
    def whole(self) -> int:
        return sum(self.parts.values())

    @property
    def low_j(self) -> float:
        return joules(self.whole - self.half_width)

    @property
    def high_j(self) -> float:
        return joules(self.whole + self.half_width)

    @property
    def by_component(self) -> dict[str, float]:
        return {name: joules(part) for name, part in self.parts.items()}

    def power_w(self, cycles: int, clock_hz: int) -> float | None:
        """Average power over these cycles; None over none."""
        return ratio(self.whole * clock_hz, cycles * 10**15)


@dataclass(frozen=True)
class NodeCosts:
    """Counts, cycles and energy of the nodes of one run, and their functions."""

    counters: Counters
    functions: Sequence[FunctionLike]  # in the order of Node.function
    energy: LinearEnergy
    clock_hz: int

    @cached_property
    def column(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.counters.columns)}

    @cached_property
    def children(self) -> list[list[int]]:
        """Indices of each node's children, in the order in which they were first called."""
        children: list[list[int]] = [[] for _ in self.counters.nodes]
        for index, node in enumerate(self.counters.nodes):
            if node.parent >= 0:
                children[node.parent].append(index)
        return children

    @cached_property
    def cycles_self(self) -> list[int]:
        """Cycles of each node, callees left out."""
        columns = [self.column[cycle_column(cause)] for cause in CAUSES]
        return [sum(node.vector[c] for c in columns) for node in self.counters.nodes]

    @cached_property
    def femtojoules_self(self) -> list[int]:
        """Energy of each node, callees left out."""
        # The model is linear: each count of a column takes the same.
        each = [sum(self.energy.femtojoules({name: 1}).values()) for name in self.counters.columns]
        return [sum(map(mul, each, node.vector)) for node in self.counters.nodes]

    @cached_property
    def cycles_total(self) -> list[int]:
        """Cycles of each node with everything below it."""
        return self._inclusive(self.cycles_self)

    @cached_property
    def femtojoules_total(self) -> list[int]:
        """Energy of each node with everything below it."""
        return self._inclusive(self.femtojoules_self)

    def _inclusive(self, exclusive: Sequence[int]) -> list[int]:
        sums = list(exclusive)
        # Parents stand before their children, so backwards every child is complete.
        for index in reversed(range(len(sums))):
            parent = self.counters.nodes[index].parent
            if parent >= 0:
                sums[parent] += sums[index]
        return sums

    def energy_of(self, vector: Sequence[int]) -> Energy:
        parts = self.energy.femtojoules(self.named(vector))
        return Energy(parts, self.energy.half_width(parts))

    def named(self, vector: Sequence[int]) -> dict[str, int]:
        return dict(zip(self.counters.columns, vector, strict=True))

    def outermost(self, group_of: Sequence[int | None]) -> list[bool]:
        """For each node: it belongs to a group and no node above it belongs to the same one."""
        outermost = [False] * len(group_of)
        open_groups: dict[int, int] = {}
        roots = [index for index, node in enumerate(self.counters.nodes) if node.parent < 0]
        stack = [(root, False) for root in reversed(roots)]
        while stack:
            index, leaving = stack.pop()
            group = group_of[index]
            if leaving:
                assert group is not None
                open_groups[group] -= 1
                continue
            if group is not None:
                outermost[index] = not open_groups.get(group)
                open_groups[group] = open_groups.get(group, 0) + 1
                stack.append((index, True))
            stack.extend((child, False) for child in reversed(self.children[index]))
        return outermost

    @cached_property
    def function_of(self) -> list[int | None]:
        """Function of each node; None for a root that only holds the tree together."""
        return [
            None
            if node.parent < 0 and node.function < 0 and not any(node.vector)
            else node.function
            for node in self.counters.nodes
        ]

    @cached_property
    def function_order(self) -> list[int]:
        """Functions that ran: most exclusive cycles first, then by name, then by address."""
        cycles: dict[int, int] = {}
        for function, spent in zip(self.function_of, self.cycles_self, strict=True):
            if function is not None:
                cycles[function] = cycles.get(function, 0) + spent
        return sorted(cycles, key=lambda f: (-cycles[f], self.name(f), self.address(f) or 0))

    def name(self, function: int) -> str:
        return self.functions[function].name if function >= 0 else UNKNOWN_FUNCTION

    def symbol(self, function: int) -> str | None:
        """The name in the symbol table, None where it is the name."""
        return self.functions[function].symbol if function >= 0 else None

    def aliases(self, function: int) -> tuple[str, ...]:
        """Other names of the function's address."""
        return self.functions[function].aliases if function >= 0 else ()

    def spellings(self, function: int) -> Collection[str]:
        """All that people may call a function."""
        return spellings(self.name(function), self.symbol(function), self.aliases(function))

    def address(self, function: int) -> int | None:
        return self.functions[function].start if function >= 0 else None

    def subtree_sum(self, roots: list[int]) -> tuple[int, ...]:
        inside: list[int] = []
        stack = list(roots)
        while stack:
            index = stack.pop()
            inside.append(index)
            stack.extend(self.children[index])
        nodes = self.counters.nodes
        return sum_vectors((nodes[i].vector for i in inside), len(self.counters.columns))
