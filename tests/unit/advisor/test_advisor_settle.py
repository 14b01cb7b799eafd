"""The last word on a choice, by gains that a table gives: each move brings more than chance."""

from __future__ import annotations

from types import SimpleNamespace as Made
from typing import Any

from simcore.advisor.goal import Gain, Goal
from simcore.advisor.passes import MeasuredRun
from simcore.advisor.search import Search
from simcore.advisor.settle import by_hand, settled

GOAL = Goal("cycles", 0.001, any_energy=False)
BASE = MeasuredRun(100_000, 100_000, 0, 1_000_000)


class Table:
    """A search of which the cycles of each set of moves are known, with a spread of 10."""

    base = BASE

    def __init__(self, cycles: dict[str, int], stays: str = "") -> None:
        self.cycles, self.why_not = cycles, dict[int, str]()
        region = (Made(name="dtcm"),)
        self.candidates = [
            Made(stays="by hand" if name in stays else None, is_resident=False, regions=region,
                 whole=index)
            for index, name in enumerate("abc")
        ]  # fmt: skip
        self.screened = {
            (index, "dtcm"): Made(cycles=cycles[name], energy_fj=0)
            for index, name in enumerate("abc")
            if name in cycles
        }

    def judge_pairs(self, pairs: Any, goal: Goal, step: str) -> list[Gain]:
        told = [self._of(after) - self._of(before) for before, after in pairs]
        return [Gain(cycles, 10, cycles, 0, 0) for cycles in told]

    def _of(self, choice: dict[int, str]) -> int:
        return self.cycles["".join("abc"[index] for index in sorted(choice))]

    def is_good(self, gain: Gain, goal: Goal) -> bool:
        return gain.is_worth_it(goal, BASE)

    def place(self, choice: Any) -> object:
        return object()

    def _without_idle(self, choice: Any, gains: Any) -> Any:
        return choice


def search(cycles: dict[str, int], stays: str = "") -> Any:
    return Table({"": 0, **cycles}, stays)


def test_of_two_that_stand_in_for_each_other_one_remains_and_brings_what_both_did() -> None:
    made = search({"a": 500, "b": 495, "ab": 505})
    choice = {0: "dtcm", 1: "dtcm"}
    few, gains = settled(made, choice, dict.fromkeys(choice, Gain(5, 10, 0, 0, 0)), GOAL)
    assert few == {0: "dtcm"}
    assert gains[0].cycles == 500
    assert made.why_not == {1: "brings no more than chance beside the rest"}


def test_of_three_of_which_a_cache_has_room_for_any_one_two_move() -> None:
    made = search({"a": 3000, "b": 2500, "c": 800, "ab": 4000, "ac": 3950, "bc": 4040, "abc": 3900})
    choice = dict.fromkeys(range(3), "dtcm")
    few, gains = Search.reduce(made, choice, GOAL)  # each brings nothing beside the two others
    assert few == {0: "dtcm", 1: "dtcm"}
    assert {index: gain.cycles for index, gain in gains.items()} == {0: 3000, 1: 1000}


def test_what_makes_room_stays_though_it_brings_nothing() -> None:
    made = search({"a": 0, "b": 300, "ab": 300})
    few, gains = settled(made, {0: "dtcm", 1: "dtcm"}, {1: Gain(300, 10, 0, 0, 0)}, GOAL)
    assert few == {0: "dtcm", 1: "dtcm"}
    assert gains.keys() == {1}


def test_what_no_script_moves_is_judged_beside_the_choice() -> None:
    made = search({"a": 900, "b": 400, "c": 200, "ab": 1300, "ac": 905, "abc": 1305}, stays="bc")
    found = by_hand(made, {0: "dtcm"}, GOAL)
    assert found.choice == {1: "dtcm"}  # c brings 5 beside the others, less than its spread
    assert found.together is not None
    assert (found.gains[1].cycles, found.together.cycles) == (400, 400)
