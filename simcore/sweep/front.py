"""Which points of a sweep nothing else beats: the Pareto front, all objectives the less the better.

A point is on it when no other is as good in all objectives and better in one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Names of objectives in a sweep's file, with the field of a point that they are; the first four
#: are meant when none are named.
OBJECTIVES: Mapping[str, str] = {
    "cycles": "active_cycles",
    "energy": "energy_j",
    "flash": "flash_bytes",
    "ram": "ram_bytes",
    "time": "time_s",
    "stack": "stack_bytes",
}


def pareto_front(values: Sequence[Sequence[float] | None]) -> list[int]:
    """The numbers of the points on the front, of what each costs; None is on none."""
    known = sorted((tuple(one), number) for number, one in enumerate(values) if one is not None)
    front: list[tuple[tuple[float, ...], int]] = []
    for costs, number in known:  # whatever beats one stands before it
        if not any(_beats(other, costs) for other, _ in front):
            front.append((costs, number))
    return sorted(number for _, number in front)


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
