"""The call tree of a profile as other tools want it: stacks, inclusive costs.

Counts are whole numbers everywhere, energy in femtojoules, so that what a format says sums to the
totals of the profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from simcore.costs.profile import Profile
from simcore.costs.sharing import rounded
from simcore.costs.tables import CallNode
from simcore.errors import ConfigError
from simcore.report import Weight

FEMTOJOULES_PER_NANOJOULE = 10**6
NANOSECONDS = 10**9
MOST_FRAMES = 50_000_000  # of all stacks together; those of a real run are a hundredth of it


def femtojoules(joules: float) -> int:
    """The whole femtojoules that an energy of the profile stands for."""
    return round(joules * 1e15)


def check_call_tree(profile: Profile) -> None:
    """Raise ConfigError when a call tree, which may come from a file, is none."""
    depths: list[int] = []
    for index, node in enumerate(profile.call_tree):
        for name, value, end in (
            ("parent", node.parent, index),
            ("function", node.function, len(profile.functions)),
            ("op", node.op, len(profile.ops)),
            ("task", node.task if profile.tasks else None, len(profile.tasks)),
        ):
            if value is not None and not 0 <= value < end:
                where = f"{profile.elf.name}: corrupt profile: 'call_tree[{index}].{name}'"
                raise ConfigError(f"{where} is {value}, which is not there")
        depths.append(1 if node.parent is None else depths[node.parent] + 1)
    if sum(depths) > MOST_FRAMES:
        raise ConfigError(f"{profile.elf.name}: corrupt profile: its call tree is too deep")


class CallTree:
    """Stacks and costs of the nodes of a profile's call tree. Raises ConfigError if it is none."""

    def __init__(self, profile: Profile) -> None:
        check_call_tree(profile)
        self.profile = profile
        self.nodes = profile.call_tree

    @cached_property
    def labels(self) -> list[str]:
        """For each node the name of its function, or ``op:`` and that of its operation."""
        return [self._label(node) for node in self.nodes]

    def _label(self, node: CallNode) -> str:
        if node.op is not None:
            return f"op:{self.profile.ops[node.op].name}"
        return "" if node.function is None else self.profile.functions[node.function].name

    @cached_property
    def tasks(self) -> list[str]:
        """For each node the name of its task; nothing of a run that has but one."""
        names = [task.name for task in self.profile.tasks]
        return [names[node.task] for node in self.nodes] if self.profile.has_tasks else []

    @cached_property
    def order(self) -> list[int]:
        """The nodes, each before what it calls, callees in the order of their first call."""
        children: list[list[int]] = [[] for _ in self.nodes]
        stack: list[int] = []
        for index, node in enumerate(self.nodes):
            (stack if node.parent is None else children[node.parent]).append(index)
        stack.reverse()
        order = []
        while stack:
            order.append(stack.pop())
            stack.extend(reversed(children[order[-1]]))
        return order

    @cached_property
    def stacks(self) -> list[tuple[int, ...]]:
        """For each node the nodes from the outermost to itself, without a root of no function."""
        stacks: list[tuple[int, ...]] = []
        for index, node in enumerate(self.nodes):
            above = () if node.parent is None else stacks[node.parent]
            is_frame = node.function is not None or node.op is not None
            stacks.append((*above, index) if is_frame else above)
        return stacks

    def inclusive(self, values: Sequence[int]) -> list[int]:
        """A value of each node with those of everything below it."""
        sums = list(values)
        for index in reversed(range(len(sums))):  # parents stand before their children
            parent = self.nodes[index].parent
            if parent is not None:
                sums[parent] += sums[index]
        return sums

    def femtojoules(self) -> list[int]:
        """Energy of each node, callees left out."""
        return [femtojoules(node.energy_j) for node in self.nodes]

    def weights(self, weight: Weight) -> list[int]:
        """A weight of each node, callees left out: cycles, instructions, ns or nJ."""
        cycles = [node.cycles for node in self.nodes]
        if weight == "cycles":
            return cycles
        if weight == "instructions":
            return [node.instructions for node in self.nodes]
        if weight == "time":
            return rounded(cycles, NANOSECONDS, self.profile.cpu.clock_hz)
        return rounded(self.femtojoules(), 1, FEMTOJOULES_PER_NANOJOULE)
