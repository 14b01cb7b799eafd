"""How far cycles can be trusted: the class of a run, and the interval over open questions."""

from __future__ import annotations

import pytest

from simcore.costs.uncertainty import OpenQuestion, cycles_class, cycles_interval
from simcore.cpu_model import cpu_model_names, load_cpu_model


def test_distances_add_up_as_squares_on_either_side() -> None:
    answers = {
        ("small", "s"): [1000],
        ("low", "l"): [970, 990],
        ("both", "b"): [960, 1012],
        ("high", "h"): [1005],
    }
    found = cycles_interval(1000, answers)
    assert (found.low_cycles, found.high_cycles) == (950, 1013)
    assert found.questions == (
        OpenQuestion("both", "b", 960, 1012),
        OpenQuestion("low", "l", 970, 1000),
        OpenQuestion("high", "h", 1000, 1005),
        OpenQuestion("small", "s", 1000, 1000),
    )


@pytest.mark.parametrize(
    ("branches", "stalls", "expected"),
    [
        (0, [], "hits"),
        (50, [("sram", 50)], "hits"),
        (51, [], "branchy"),
        (51, [("sram", 30), ("flash", 21)], "uncached"),
        (51, [("flash", 900), ("external", 51)], "external"),
        (0, [("flash", 26), ("external", 25)], "uncached"),
    ],
)
def test_the_class_is_the_first_that_takes_more_than_a_twentieth(
    branches: int, stalls: list[tuple[str, int]], expected: str
) -> None:
    assert cycles_class(1000, branches, stalls) == expected


@pytest.mark.parametrize("name", cpu_model_names())
def test_every_answer_is_another_model(name: str) -> None:
    own = load_cpu_model(name)
    assert len(own.undecided) >= 10
    for question in own.undecided:
        assert question.title
        others = {load_cpu_model(name, settings).sha256 for settings in question.answers}
        assert len(others) == len(question.answers)
        assert own.sha256 not in others
