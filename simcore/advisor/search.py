"""The best choice that timing finds: benefits are timed, a 0/1 programme chooses, timing verifies.

Each candidate is timed alone in one pass, the programme picks the best sum that fits, and that
choice is timed. Benefits do not quite add up (two arrays may have shared a cache set), so the
choice is improved while one change of it pays: something left out, put in or put elsewhere. Where
there are few choices in all, each is timed. As linked is among them, so advice is never worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from simcore.advisor.candidates import Candidate
from simcore.advisor.programme import Choice, Option, choose
from simcore.cpu_model.schema import TCM_KINDS
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.placement import Placement, place_pieces, tcm_bytes
from simcore.placement.pieces import ProgramMemory
from simcore.placement.placer import free_bytes
from simcore.placement.request import PlaceRequest
from simcore.run.setup import TimingSetup
from simcore.simulation.simulation import Simulation

MOST_ROUNDS = 8
MOST_SWAPS = 32  # exchanges that a round tries


@dataclass(frozen=True, slots=True)
class Timed:
    """A choice and what it costs."""

    choice: Choice
    placement: Placement
    cycles: int
    active_cycles: int
    energy_fj: int
    tcm: dict[str, int]


@dataclass(slots=True)
class Search:
    """Times choices, each once; ``run`` times setups in one pass."""

    image: Image
    setup: TimingSetup
    memory: ProgramMemory
    run: Callable[[Sequence[TimingSetup]], list[Simulation]]
    count_copies: bool = False
    candidates: list[Candidate] = field(default_factory=list)
    timed: dict[tuple[tuple[int, str], ...], Timed] = field(default_factory=dict)

    def place(self, choice: Choice) -> Placement | None:
        """The placement of a choice, None when it does not fit."""
        wanted = [
            (PlaceRequest(one.piece.name, region), self.setup.model.region(region), one.piece)
            for index, region in sorted(choice.items())
            for one in [self.candidates[index]]
        ]
        try:
            return place_pieces(self.image, self.setup.model, wanted, self.memory)
        except ConfigError:
            return None

    def pays(self, choice: Choice) -> bool:
        """Whether everything that moves waits longer than its copy takes, if that counts."""
        return not self.count_copies or all(self.candidates[index].pays for index in choice)

    def time(self, choices: Sequence[Choice]) -> list[Timed]:
        """Time those that fit and are not timed yet, in one pass; all that fit are returned."""
        new: dict[tuple[tuple[int, str], ...], tuple[Choice, Placement]] = {}
        for choice in choices:
            key = key_of(choice)
            if key not in self.timed and key not in new:
                placement = self.place(choice)
                if placement is not None:
                    new[key] = (choice, placement)
        if new:
            setups = [replace(self.setup, moves=p.moves) for _, p in new.values()]
            for (key, (choice, placement)), simulation in zip(
                new.items(), self.run(setups), strict=True
            ):
                self.timed[key] = self.measure(choice, placement, simulation)
        return [self.timed[key_of(choice)] for choice in choices if key_of(choice) in self.timed]

    def measure(self, choice: Choice, placement: Placement, simulation: Simulation) -> Timed:
        totals = simulation.costs.totals()
        used, top = totals.stack_high_water_bytes, self.memory.stack[1]
        stack = None if used is None else (top - used, top)
        return Timed(
            choice,
            placement,
            totals.cycles,
            totals.active_cycles,
            round(totals.energy_j * 1e15),
            tcm_bytes(self.image, simulation.model, placement.moves, stack),
        )


@dataclass(frozen=True, slots=True)
class Goal:
    """What makes one timed choice better than another."""

    minimise: str
    deadline_cycles: int | None

    def rank(self, timed: Timed) -> tuple[int, ...]:
        """The smaller the better; equal costs are decided by TCM bytes, then by what moves."""
        total = sum(timed.tcm.values())
        moved = sum(item.size for item in timed.placement.items)
        cost = timed.energy_fj if self.minimise == "energy" else timed.cycles
        if self.deadline_cycles is None:
            return cost, total, moved, len(timed.choice)
        late = max(0, timed.cycles - self.deadline_cycles)
        return late, total, len(timed.choice), moved, cost


def find_best(search: Search, goal: Goal, few_choices: int) -> Timed:
    """The best choice that was timed."""
    # What does not pay for its copy is timed alone, to tell what it would gain.
    everything = [{i: r.name} for i, one in enumerate(search.candidates) for r in one.regions]
    alternatives = [
        (None, *(r.name for r in one.regions if search.pays({index: r.name})))
        for index, one in enumerate(search.candidates)
    ]
    if math.prod(map(len, alternatives)) <= few_choices:
        every = [
            {index: region for index, region in enumerate(combination) if region is not None}
            for combination in product(*alternatives)
        ]
        search.time([*everything, *every])
        return _best(search, goal)
    single = search.time(everything)
    alone = {key_of(t.choice): t for t in single if search.pays(t.choice)}
    search.time(_programmes(search, goal, list(alone.values()), search.timed[()]))
    best = _best(search, goal)
    for _ in range(MOST_ROUNDS):
        neighbours = search.time(_neighbours(search, goal, best, list(alone.values())))
        search.time(_programmes(search, goal, neighbours, best))
        improved = _best(search, goal)
        if goal.rank(improved) >= goal.rank(best):
            break
        best = improved
    return best


def _best(search: Search, goal: Goal) -> Timed:
    """The best of all that pay; the first of those that are equal."""
    timed = [one for one in search.timed.values() if search.pays(one.choice)]
    return min(timed, key=lambda one: (*goal.rank(one), *key_of(one.choice)))


def _programmes(search: Search, goal: Goal, single: Sequence[Timed], base: Timed) -> list[Choice]:
    """What the 0/1 programme makes of choices that differ from ``base`` in one candidate."""
    options = []
    stay: dict[int, int] = {}  # what it gains to take a candidate of the base back
    for timed in single:
        changed = {
            index
            for index in {*timed.choice, *base.choice}
            if timed.choice.get(index) != base.choice.get(index)
        }
        if len(changed) != 1:
            continue
        (index,) = changed
        gain = gain_of(goal, base, timed)
        if index in timed.choice:
            options.append(Option(index, timed.choice[index], gain))
        else:
            stay[index] = gain
    # Gains count from where nothing of it moves: what the base holds gains what it would lose.
    options = [
        replace(option, gain=option.gain - stay.get(option.candidate, 0)) for option in options
    ]
    options += [
        Option(index, region, -stay[index])
        for index, region in base.choice.items()
        if index in stay
    ]
    offset = sum(-gain for gain in stay.values())
    model = search.setup.model
    regions = dict.fromkeys(option.region for option in options)
    free = {
        name: free_bytes(search.image, model, search.memory, model.region(name)) for name in regions
    }
    scarce = [region.name for region in model.regions if region.kind in TCM_KINDS]
    target = None
    if goal.deadline_cycles is not None:
        target = base.cycles - goal.deadline_cycles + offset
    sizes = [one.size for one in search.candidates]
    homes = [one.home for one in search.candidates]
    useful = [option for option in options if option.gain > 0 or homes[option.candidate] in scarce]
    found = [choose(useful, sizes, homes, free)]
    if target is not None:
        found.append(choose(useful, sizes, homes, free, goal=target, scarce=scarce))
    return [choice for choice in found if choice]


def gain_of(goal: Goal, base: Timed, timed: Timed) -> int:
    """What a choice gains: cycles, or whole picojoules where energy is the goal."""
    if goal.minimise == "energy" and goal.deadline_cycles is None:
        return round((base.energy_fj - timed.energy_fj) / 1000)
    return base.cycles - timed.cycles


def _neighbours(search: Search, goal: Goal, best: Timed, alone: Sequence[Timed]) -> list[Choice]:
    """Choices that differ from the best in one candidate, or by one that another gives room to."""
    found: list[Choice] = []
    for index, one in enumerate(search.candidates):
        if index in best.choice:
            found.append({k: v for k, v in best.choice.items() if k != index})
        for target in one.regions:
            if search.pays({index: target.name}) and best.choice.get(index) != target.name:
                found.append({**best.choice, index: target.name})
    swaps: list[tuple[int, Choice]] = []
    linked = search.timed[()]
    for timed in alone:
        ((index, region),) = timed.choice.items()
        gain = gain_of(goal, linked, timed)
        if index in best.choice or gain <= 0 or search.place({**best.choice, index: region}):
            continue
        for other, place in best.choice.items():
            if place == region:
                kept = {k: v for k, v in best.choice.items() if k != other}
                swaps.append((gain, {**kept, index: region}))
    swaps.sort(key=lambda swap: (-swap[0], key_of(swap[1])))
    return found + [choice for _, choice in swaps[:MOST_SWAPS]]


def costs_without(search: Search, best: Timed) -> dict[int, int]:
    """Cycles that the best choice loses without each candidate that the rest does not need gone."""
    fewer = {i: {k: v for k, v in best.choice.items() if k != i} for i in best.choice}
    search.time(list(fewer.values()))
    return {
        index: search.timed[key_of(choice)].cycles - best.cycles
        for index, choice in fewer.items()
        if key_of(choice) in search.timed
    }


def key_of(choice: Choice) -> tuple[tuple[int, str], ...]:
    return tuple(sorted(choice.items()))
