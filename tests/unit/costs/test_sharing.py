"""Whole parts of whole numbers."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from simcore.costs.sharing import rounded, shared

whole = st.integers(0, 10**18)


@given(st.lists(whole), st.integers(1, 10**9), st.integers(1, 10**9))
def test_rounded_values_sum_to_the_rounded_sum(
    values: list[int], numerator: int, denominator: int
) -> None:
    result = rounded(values, numerator, denominator)
    exact = Fraction(sum(values) * numerator, denominator)
    assert abs(sum(result) - exact) <= Fraction(1, 2)
    for value, whole_value in zip(values, result, strict=True):
        assert abs(whole_value - Fraction(value * numerator, denominator)) <= 1
        assert whole_value >= 0


@given(whole, st.lists(whole, min_size=1))
def test_shares_sum_to_the_whole_and_follow_their_weights(total: int, weights: list[int]) -> None:
    parts = shared(total, weights)
    assert sum(parts) == total
    if sum(weights):
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Fraction(total * weight, sum(weights))) <= 1
    else:
        assert parts[0] == total


def test_nobody_shares_nothing() -> None:
    assert shared(0, []) == []
