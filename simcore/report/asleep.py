"""How much of what a profile shows the core slept, so that shares can leave it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simcore.costs.profile import Profile
from simcore.report.stacks import check_call_tree


@dataclass(frozen=True, slots=True)
class Asleep:
    """Cycles asleep of the run, of functions with their callees by name, and of tasks by index.

    A profile that was saved before call trees held them has those of functions alone. A cycle
    asleep takes ``energy_per_cycle_j``: the component sleep, and its part of always on, which
    accrues in every cycle alike.
    """

    cycles: int
    active: int  # cycles of the run awake
    always_on_per_cycle_j: float
    energy_per_cycle_j: float
    below: Mapping[str, int]
    tasks: Mapping[int, int]

    @property
    def energy_j(self) -> float:
        """What the run took asleep."""
        return self.energy_per_cycle_j * self.cycles


def asleep(profile: Profile) -> Asleep:
    """What a profile slept. Raises ConfigError when its call tree is corrupt."""
    totals = profile.totals
    cycles = totals.cycles_by_cause.get("sleep", 0)
    below: dict[str, int] = {}
    tasks: dict[int, int] = {}
    if cycles:
        check_call_tree(profile)
        for node in profile.call_tree:
            if not node.sleep_cycles:
                continue
            tasks[node.task] = tasks.get(node.task, 0) + node.sleep_cycles
            for name in _around(profile, node.parent, node.function):
                below[name] = below.get(name, 0) + node.sleep_cycles
        for row in profile.functions:
            own = row.cycles_by_cause.get("sleep", 0)
            below[row.name] = max(below.get(row.name, 0), own)
    parts = totals.energy_by_component
    always_on = parts.get("always_on", 0.0) / totals.cycles if totals.cycles else 0.0
    each = parts.get("sleep", 0.0) / cycles + always_on if cycles else 0.0
    return Asleep(cycles, totals.cycles - cycles, always_on, each, below, tasks)


def asleep_in(causes: Mapping[str, int] | None) -> int:
    """The cycles asleep among causes."""
    return (causes or {}).get("sleep", 0)


def _around(profile: Profile, parent: int | None, function: int | None) -> set[str]:
    """A function and those that called it, each once."""
    found = set[int]() if function is None else {function}
    while parent is not None:
        node = profile.call_tree[parent]
        if node.function is not None:
            found.add(node.function)
        parent = node.parent
    return {profile.functions[index].name for index in found}


def awake_energies(energies: Mapping[str, float], asleep: int, slept: Asleep) -> dict[str, float]:
    """Energy by component without what always on took in ``asleep`` cycles; sleep as it is."""
    lost = asleep * slept.always_on_per_cycle_j
    return {
        name: max(part - lost, 0.0) if name == "always_on" else part
        for name, part in energies.items()
    }
