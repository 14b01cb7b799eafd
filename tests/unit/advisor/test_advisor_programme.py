"""The 0/1 programme: as good a choice as trying them all, with ties broken the same each time."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simcore.advisor.programme import Choice, Option, choose

REGIONS = ("itcm", "dtcm")


def used(choice: Choice, sizes: list[int], homes: list[str | None], region: str) -> int:
    return sum(
        sizes[index] * ((to == region) - (homes[index] == region)) for index, to in choice.items()
    )


Case = tuple[list[Option], list[int], list[str | None], dict[str, int]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 5))
    sizes = [draw(st.integers(1, 40)) * 4 for _ in range(count)]
    homes = [draw(st.sampled_from((None, "flash", "dtcm"))) for _ in range(count)]
    options = [
        Option(index, region, draw(st.integers(-20, 100)))
        for index in range(count)
        for region in REGIONS
        if region != homes[index]
    ]
    free = {region: draw(st.integers(0, 200)) for region in REGIONS}
    return options, sizes, homes, free


def every_choice(case: Case) -> list[tuple[int, Choice]]:
    """(sum of gains, choice) of all that fit."""
    options, sizes, homes, free = case
    gains = {(option.candidate, option.region): option.gain for option in options}
    alternatives = [
        [None, *(o.region for o in options if o.candidate == index)] for index in range(len(sizes))
    ]
    found = []
    for combination in product(*alternatives):
        choice = {index: region for index, region in enumerate(combination) if region}
        if all(used(choice, sizes, homes, region) <= room for region, room in free.items()):
            found.append((sum(gains[item] for item in choice.items()), choice))
    return found


@given(cases())
def test_it_gains_as_much_as_the_best_of_all_choices(case: Case) -> None:
    options, sizes, homes, free = case
    choice = choose(options, sizes, homes, free)
    assert choice is not None
    fitting = every_choice(case)
    gains = {str(one): gain for gain, one in fitting}
    assert gains[str(dict(sorted(choice.items())))] == max(gain for gain, _ in fitting)
    assert choice == choose(options, sizes, homes, free)


@given(cases(), st.integers(1, 200))
def test_with_a_goal_it_takes_the_fewest_scarce_bytes_that_reach_it(case: Case, goal: int) -> None:
    options, sizes, homes, free = case
    choice = choose(options, sizes, homes, free, goal=goal, scarce=REGIONS)
    reaching = [one for gain, one in every_choice(case) if gain >= goal]
    if choice is None:
        assert reaching == []
        return

    def scarce(one: Choice) -> int:
        return sum(used(one, sizes, homes, region) for region in REGIONS)

    assert scarce(choice) == min(scarce(one) for one in reaching)


def test_of_equal_choices_the_smaller_and_then_the_first_is_taken() -> None:
    sizes, homes = [64, 32, 32], ["flash", "flash", "flash"]
    options = [Option(index, region, 10) for index in range(3) for region in REGIONS]
    assert choose(options, sizes, list(homes), {"itcm": 32, "dtcm": 0}) == {1: "itcm"}
    worthless = [Option(0, "itcm", 0), Option(1, "dtcm", 0)]
    assert choose(worthless, sizes, list(homes), {"itcm": 64, "dtcm": 64}) == {}


def test_what_leaves_a_region_gives_room_in_it() -> None:
    # 100 bytes in DTCM have to go for the 80 that gain
    options = [Option(0, "sram", -5), Option(1, "dtcm", 30)]
    sizes, homes = [100, 80], ["dtcm", "flash"]
    assert choose(options, sizes, list(homes), {"dtcm": 0, "sram": 1000}) == {0: "sram", 1: "dtcm"}
    dear = [Option(0, "sram", -50), Option(1, "dtcm", 30)]
    assert choose(dear, sizes, list(homes), {"dtcm": 0, "sram": 1000}) == {}


def test_nothing_to_choose_from_is_a_choice_unless_there_is_a_goal() -> None:
    assert choose([], [], [], {}) == {}
    assert choose([], [], [], {}, goal=1) is None


def test_at_most_so_many_move_and_one_part_of_an_object() -> None:
    options = [Option(index, "dtcm", gain) for index, gain in enumerate((50, 40, 30, 20))]
    sizes, homes, free = [16] * 4, ["flash"] * 4, {"dtcm": 64}
    asked: dict[str, Any] = {"most": 2}
    assert choose(options, sizes, homes, free, **asked) == {0: "dtcm", 1: "dtcm"}
    # 0 and 1 are parts of one array
    asked |= {"wholes": (7, 7, 8, 9)}
    assert choose(options, sizes, homes, free, **asked) == {0: "dtcm", 2: "dtcm"}
