"""Whole numbers in whole parts, without loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def rounded(values: Iterable[int], numerator: int, denominator: int) -> list[int]:
    """Values times a fraction as whole numbers whose sum is the sum of the values, rounded.

    What rounding takes from one value the next one gets.
    """
    whole, exact, result = 0, 0, []
    for value in values:
        exact += value * numerator
        before, whole = whole, (2 * exact + denominator) // (2 * denominator)
        result.append(whole - before)
    return result


def shared(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole number in whole parts by weight; without weights the first one has all of it."""
    total = sum(weights)
    if not total:
        return [whole, *([0] * (len(weights) - 1))][: len(weights)]
    return rounded(weights, whole, total)
