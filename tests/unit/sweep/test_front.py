"""The Pareto front against its definition, point by point."""

from __future__ import annotations

import random

from simcore.pareto import pareto_front


def by_definition(values: list[tuple[float, ...]]) -> list[int]:
    return [
        number
        for number, one in enumerate(values)
        if not any(
            other != one and all(a <= b for a, b in zip(other, one, strict=True))
            for other in values
        )
    ]


def test_the_front_is_what_no_other_is_as_good_as_and_better_in_one() -> None:
    chance = random.Random(23)
    for objectives in (1, 2, 3, 4):
        for _ in range(30):
            values = [
                tuple(float(chance.randrange(6)) for _ in range(objectives))
                for _ in range(chance.randrange(1, 40))
            ]
            assert pareto_front(values) == by_definition(values)


def test_what_is_not_known_is_on_no_front_and_equal_points_are_together() -> None:
    assert pareto_front([(1.0, 2.0), None, (2.0, 1.0), (1.0, 2.0), (2.0, 2.0)]) == [0, 2, 3]
    assert pareto_front([]) == pareto_front([None]) == []
