"""The last word on a choice: each move of it beside all others, and what is left to hands."""

from __future__ import annotations

from dataclasses import dataclass, field

from simcore.advisor.goal import Gain, Goal
from simcore.advisor.programme import Choice
from simcore.advisor.search import MOST_MOVES, Search, without


@dataclass(frozen=True, slots=True)
class ByHand:
    """What no linker script moves and is worth it beside a choice: what each brings beside the
    rest, and all of it together."""

    choice: Choice = field(default_factory=dict)
    gains: dict[int, Gain] = field(default_factory=dict)
    together: Gain | None = None


def settled(
    search: Search, choice: Choice, gains: dict[int, Gain], goal: Goal
) -> tuple[Choice, dict[int, Gain]]:
    """A choice of which each move brings more than chance beside all others, and what it brings.

    Of two that stand in for each other one remains, which then brings what both did. What makes
    room for others has no gain of its own.
    """
    while choice:
        pairs = [(without(choice, index), choice) for index in choice]
        found = dict(zip(choice, search.judge_pairs(pairs, goal, "judging the rest"), strict=True))
        known = {index: gain for index, gain in found.items() if gain is not None}
        idle = {
            index: gain.counted(goal)[0]
            for index, gain in known.items()
            if index in gains and not gain.is_above_chance(goal)
        }
        if not idle:
            return choice, {index: gain for index, gain in known.items() if index in gains}
        least = min(idle, key=lambda index: (idle[index], -index))
        search.why_not[least] = "brings no more than chance beside the rest"
        choice = without(choice, least)
    return {}, {}


def by_hand(search: Search, choice: Choice, goal: Goal) -> ByHand:
    """What no script moves, that which brings most alone first, as far as it fits beside a choice
    and brings the least and more than chance there."""
    base = search.base
    found: list[tuple[float, int, str]] = []
    for index, one in enumerate(search.candidates):
        if one.stays is None or one.is_resident:
            continue
        for target in one.regions[:1]:
            known = search.screened[index, target.name]
            gain = float(known.energy_fj if goal.minimise == "energy" else known.cycles)
            if gain >= goal.least(base) and goal.allows(known.cycles, known.energy_fj, base):
                found.append((-gain, index, target.name))
    extra: Choice = {}
    wholes: set[int] = set()
    for _, index, region in sorted(found):
        whole = search.candidates[index].whole
        more = {**extra, index: region}
        everything = _with(search, choice, more)
        if whole in wholes or len(everything) > MOST_MOVES or search.place(everything) is None:
            continue
        extra = more
        wholes.add(whole)
    gains: dict[int, Gain] = {}
    while extra:
        everything = _with(search, choice, extra)
        pairs = [(_with(search, choice, without(extra, index)), everything) for index in extra]
        judged = search.judge_pairs(pairs, goal, "judging what hands move")
        gains = {i: gain for i, gain in zip(extra, judged, strict=True) if gain is not None}
        poor = [i for i in extra if i not in gains or not search.is_good(gains[i], goal)]
        if not poor:
            break
        extra = without(extra, max(poor))
    if not extra:
        return ByHand()
    pair = (choice, _with(search, choice, extra))
    (together,) = search.judge_pairs([pair], goal, "judging what hands move")
    return ByHand(extra, gains, together)


def _with(search: Search, choice: Choice, extra: Choice) -> Choice:
    """A choice and more, which takes the place of what moves of the same objects."""
    wholes = {search.candidates[index].whole for index in extra}
    kept = {i: to for i, to in choice.items() if search.candidates[i].whole not in wholes}
    return {**kept, **extra}
