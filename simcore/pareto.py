"""The Pareto front: what nothing else beats, all costs the less the better.

Something is on it when nothing else is as good in all costs and better in one.
"""

from __future__ import annotations

from collections.abc import Sequence


def pareto_front(values: Sequence[Sequence[float] | None]) -> list[int]:
    """The numbers of what is on the front, of what each costs; None is on none."""
    known = sorted((tuple(one), number) for number, one in enumerate(values) if one is not None)
    front: list[tuple[tuple[float, ...], int]] = []
    for costs, number in known:  # whatever beats one stands before it
        if not any(_beats(other, costs) for other, _ in front):
            front.append((costs, number))
    return sorted(number for _, number in front)


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
