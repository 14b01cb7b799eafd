"""How well one figure ranks things by another."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's tau-b of two figures of the same things: 1 the same order, -1 the opposite one.

    Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945). 0 where all of one are
    equal. Time grows with the square of their number: a second for 2,000.
    """
    concordant = discordant = ties = other_ties = 0
    pairs = list(zip(first, second, strict=True))
    for at, (a, b) in enumerate(pairs):
        for c, d in pairs[:at]:
            product = (a - c) * (b - d)
            concordant += product > 0
            discordant += product < 0
            ties += a != c
            other_ties += b != d
    both = sqrt(ties * other_ties)
    return (concordant - discordant) / both if both else 0.0


def swapped_share(first: Sequence[float], second: Sequence[float]) -> float:
    """The share of pairs that differ in both and that the two order differently."""
    found = swapped = 0
    pairs = list(zip(first, second, strict=True))
    for at, (a, b) in enumerate(pairs):
        for c, d in pairs[:at]:
            product = (a - c) * (b - d)
            found += product != 0
            swapped += product < 0
    return swapped / found if found else 0.0
