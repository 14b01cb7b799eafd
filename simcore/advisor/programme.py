"""The choice of a region for each candidate as a 0/1 programme, solved by scipy's HiGHS.

A candidate stays or goes into one of its regions; of parts of one object one moves; what goes into
a region has to fit into its free bytes, to which what leaves it is added. All numbers are whole, so
that ties can be broken without changing the choice: fewer bytes first, then the candidates and
regions that come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: What a region is chosen for: candidate's index -> region's name; those that stay are left out.
Choice = dict[int, str]


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate in a region: what it gains, in whole units, the more the better."""

    candidate: int
    region: str
    gain: int


def choose(
    options: Sequence[Option],
    sizes: Sequence[int],
    homes: Sequence[str | None],
    free: Mapping[str, int],
    *,
    goal: int | None = None,
    scarce: Sequence[str] = (),
    most: int | None = None,
    wholes: Sequence[int] = (),
) -> Choice | None:
    """The options with the largest sum of gains that fit.

    ``sizes`` and ``homes`` are each candidate's bytes and the region in which it lies, ``free`` the
    bytes that each region has. With a ``goal`` the fewest bytes in the ``scarce`` regions whose
    gains sum to it. At most ``most`` candidates are chosen, and one of those that are parts of one
    of ``wholes``, which says it of each. None when no choice reaches the goal.
    """
    if not options:
        return {} if goal is None or goal <= 0 else None
    if goal is None:
        apart = _apart(options, sizes, homes, free, most, wholes)
        if apart is not None:
            return apart
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]

    count = len(options)
    gains = np.array([option.gain for option in options], dtype=float)
    taken = np.array([_scarce_bytes(o, sizes, homes, scarce) for o in options], dtype=float)
    bytes_moved = np.array([sizes[o.candidate] for o in options], dtype=float)
    order = np.arange(1, count + 1, dtype=float) / (count * (count + 1))
    # Less than one unit in sum: it decides only between choices that are equal otherwise.
    tie = 0.5 * (bytes_moved + order) / (bytes_moved.sum() + 1.0)
    rows, limits = [], []
    groups = wholes or range(len(sizes))
    for group in dict.fromkeys(groups):
        rows.append([float(groups[option.candidate] == group) for option in options])
        limits.append(1.0)
    if most is not None:
        rows.append([1.0] * count)
        limits.append(float(most))
    for region, room in free.items():
        rows.append([_bytes_in(option, sizes, homes, region) for option in options])
        limits.append(float(room))
    if goal is not None:
        rows.append([-float(option.gain) for option in options])
        limits.append(-float(goal))
    cost = (tie - gains) if goal is None else (taken + tie)
    result = milp(
        cost,
        constraints=LinearConstraint(np.array(rows), -np.inf, np.array(limits)),
        integrality=np.ones(count),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    if result.x is None:
        return None
    chosen = [option for option, x in zip(options, result.x, strict=True) if x > 0.5]
    return {option.candidate: option.region for option in chosen}


def _apart(
    options: Sequence[Option],
    sizes: Sequence[int],
    homes: Sequence[str | None],
    free: Mapping[str, int],
    most: int | None,
    wholes: Sequence[int],
) -> Choice | None:
    """The best option of each whole, where those have room together: then nothing is better.

    None where they have not. It saves the time in which scipy is imported, a second.
    """
    best: dict[int, tuple[int, int, int]] = {}  # of each whole: gain, bytes and number
    for number, option in enumerate(options):
        whole = wholes[option.candidate] if wholes else option.candidate
        rank = (-option.gain, sizes[option.candidate], number)
        if option.gain > 0:
            best[whole] = min(rank, best.get(whole, rank))
    chosen = [options[number] for _, _, number in sorted(best.values())[:most]]
    for region, room in free.items():
        if sum(_bytes_in(option, sizes, homes, region) for option in chosen) > room:
            return None
    return {option.candidate: option.region for option in chosen}


def _bytes_in(
    option: Option, sizes: Sequence[int], homes: Sequence[str | None], region: str
) -> float:
    """What an option takes of a region; negative where it gives room."""
    size = sizes[option.candidate]
    return float((option.region == region) - (homes[option.candidate] == region)) * size


def _scarce_bytes(
    option: Option, sizes: Sequence[int], homes: Sequence[str | None], scarce: Sequence[str]
) -> float:
    return sum(_bytes_in(option, sizes, homes, region) for region in scarce)
