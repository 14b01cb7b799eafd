"""What a move has to bring, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

from simcore.advisor.passes import MeasuredRun

MINIMISE = ("cycles", "energy", "both")
#: Standard errors of a mean that make its spread: 19 of 20 means lie within two.
ERRORS = 2
CHANCE = 1 / 3  # of the spread: a gain below it is none


@dataclass(frozen=True, slots=True)
class Goal:
    """Cycles or energy, the least that a move has to bring, and whether it may cost energy.

    ``least_share`` is of the cycles awake of the region that counts, or of its energy.
    """

    minimise: str  # cycles or energy
    least_share: float
    any_energy: bool

    def least(self, linked: MeasuredRun) -> float:
        """The least gain of a move, in what is minimised."""
        of = linked.energy_fj if self.minimise == "energy" else linked.active_cycles
        return self.least_share * of

    def is_clear(self, gain: Gain, linked: MeasuredRun) -> bool:
        """Whether a gain over some layouts is so far from what is asked for that twice as many
        would say the same.

        The least lies outside of its spread, and it is twice the spread or so small a part of it
        that half of it, which twice as many layouts leave at the least, will be more.
        """
        found, spread = gain.counted(self)
        least = self.least(linked)
        if found > 2 * spread and found - spread > least:
            return True
        energy = gain.energy_fj + gain.energy_spread_fj
        is_below = found + spread < least or found < CHANCE * spread
        return is_below and (found < 0 or energy < self.least_share * linked.energy_fj)

    def why_not(self, gain: Gain, linked: MeasuredRun) -> str:
        """In words, what a gain beside the rest lacks."""
        found, spread = gain.counted(self)
        if not self.allows(gain.cycles, gain.energy_fj, linked):
            return "costs relatively more energy than it saves cycles beside the rest"
        if found > spread:
            return f"brings less than {self.least_share * 100:g} % beside the rest"
        return "brings no more than chance beside the rest"

    def allows(self, cycles: float, energy_fj: float, linked: MeasuredRun) -> bool:
        """Whether a gain of cycles is worth what it costs of energy: relatively no more.

        Gains are what is saved; a rise is negative.
        """
        if self.any_energy or self.minimise == "energy" or energy_fj >= 0:
            return True
        return -energy_fj / linked.energy_fj <= cycles / linked.active_cycles


@dataclass(frozen=True, slots=True)
class Gain:
    """What something brings over a set of layouts: means, and the spread of the first.

    The spread is twice the standard error of the mean over the layouts, of the differences that it
    makes at each; ``waits`` are the cycles of it that fetches, loads and stores waited.
    """

    cycles: float
    spread: float
    waits: float
    energy_fj: float
    energy_spread_fj: float

    def counted(self, goal: Goal) -> tuple[float, float]:
        """(gain, spread) in what is minimised."""
        if goal.minimise == "energy":
            return self.energy_fj, self.energy_spread_fj
        return self.cycles, self.spread

    def share(self, linked: MeasuredRun) -> float:
        """What is saved of the cycles awake and of the energy, their sum."""
        return self.cycles / linked.active_cycles + self.energy_fj / linked.energy_fj

    def is_worth_it(self, goal: Goal, linked: MeasuredRun) -> bool:
        """Whether it is more than chance and than the least that is asked for.

        Where cycles are minimised, energy counts, too, of what brings some cycle above chance.
        """
        if not self.is_above_chance(goal):
            return False
        if self.counted(goal)[0] >= goal.least(linked):
            return True
        least = max(self.energy_spread_fj, goal.least_share * linked.energy_fj)
        return goal.minimise == "cycles" and self.energy_fj > least

    def is_above_chance(self, goal: Goal) -> bool:
        """Whether it is more than its spread, and is seen in whole numbers."""
        gain, spread = self.counted(goal)
        return gain > spread and round(gain) > 0


def gain_over(before: Sequence[MeasuredRun], after: Sequence[MeasuredRun]) -> Gain:
    """What is saved from before to after, layout by layout."""
    cycles = [b.active_cycles - a.active_cycles for b, a in zip(before, after, strict=True)]
    waits = [b.waits - a.waits for b, a in zip(before, after, strict=True)]
    energy = [b.energy_fj - a.energy_fj for b, a in zip(before, after, strict=True)]
    return Gain(mean(cycles), _spread(cycles), mean(waits), mean(energy), _spread(energy))


def _spread(values: Sequence[int]) -> float:
    return ERRORS * stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
