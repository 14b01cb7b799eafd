"""What a move has to bring: means and spreads by hand, and the price in energy."""

from __future__ import annotations

import pytest

from simcore.advisor.goal import Gain, Goal, gain_over
from simcore.advisor.passes import MeasuredRun

LINKED = MeasuredRun(12_000, 10_000, 3_000, 1_000_000)
CYCLES = Goal("cycles", 0.001, any_energy=False)


def at(*active: int) -> list[MeasuredRun]:
    return [MeasuredRun(value, value, value // 2, 100 * value) for value in active]


def test_a_gain_is_the_mean_of_the_differences_and_its_spread_two_standard_errors() -> None:
    found = gain_over(at(1000, 1100, 1000, 1100), at(900, 1000, 920, 1020))
    # differences 100, 100, 80, 80: mean 90, standard deviation 11.547, over the root of 4
    assert found.cycles == 90
    assert found.spread == pytest.approx(11.547, abs=1e-3)
    assert found.waits == 45
    assert found.energy_fj == 9000


@pytest.mark.parametrize(
    ("gain", "is_worth_it"),
    [
        (Gain(50, 20, 0, 0, 0), True),
        (Gain(50, 60, 0, 0, 0), False),  # no more than chance
        (Gain(9, 1, 0, 0, 0), False),  # less than 0.1 % of 10,000 cycles awake
        (Gain(5, 2, 0, 2_000, 100), True),  # few cycles above chance, and energy
        (Gain(0, 0, 0, 2_000, 100), False),  # energy alone is no reason where cycles are asked for
        (Gain(5, 9, 0, 2_000, 100), False),
        (Gain(-1, 0, 0, 2_000, 100), False),
        (Gain(0, 0, 0, 900, 100), False),
    ],
)
def test_a_move_brings_more_than_its_spread_and_than_the_least(
    gain: Gain, is_worth_it: bool
) -> None:
    assert gain.is_worth_it(CYCLES, LINKED) is is_worth_it


@pytest.mark.parametrize(
    ("gain", "is_clear"),
    [
        (Gain(50, 20, 0, 0, 0), True),  # 30 is more than 10, and 50 more than twice 20
        (Gain(25, 20, 0, 0, 0), False),  # twice as many layouts may say that it is chance
        (Gain(4, 5, 0, 0, 0), True),  # 9 is below the least
        (Gain(9, 5, 0, 0, 0), False),
        (Gain(30, 100, 0, 0, 0), True),  # less than a third of its spread
        (Gain(4, 5, 0, 900, 200), False),  # but it may save the least of the energy
    ],
)
def test_more_layouts_are_for_what_the_first_leave_open(gain: Gain, is_clear: bool) -> None:
    assert CYCLES.is_clear(gain, LINKED) is is_clear


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Gain(5, 9, 0, 0, 0), "brings no more than chance beside the rest"),
        (Gain(9, 1, 0, 0, 0), "brings less than 0.1 % beside the rest"),
        (Gain(9, 1, 0, -1_000, 0), "costs relatively more energy than it saves cycles beside the"),
    ],
)
def test_what_is_left_out_is_told_by_what_it_lacks(gain: Gain, said: str) -> None:
    assert CYCLES.why_not(gain, LINKED).startswith(said)


@pytest.mark.parametrize(
    ("cycles", "energy_fj", "allowed"),
    [(100, 500, True), (100, -9_999, True), (100, -10_001, False), (0, -1, False)],
)
def test_energy_rises_by_no_more_than_cycles_fall(
    cycles: int, energy_fj: int, allowed: bool
) -> None:
    assert CYCLES.allows(cycles, energy_fj, LINKED) is allowed
    assert Goal("cycles", 0.001, any_energy=True).allows(cycles, energy_fj, LINKED)
