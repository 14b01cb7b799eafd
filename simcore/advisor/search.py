"""The choice of what moves: screened by mechanism in few layouts, judged over many.

Each candidate is timed alone in its best region in one pass. Of code only waits for memory count,
as what else changes is where branches lie; data changes nothing else, so that all its cycles do. A
0/1 programme picks the few that bring most. The whole choice and the choice without each of its
moves are then timed over the layouts of layouts.py, what is clear over the first of them over no
more: what brings no more than its spread, or less than the least that is asked for, is left out
again. No number is optimised over layouts, so that none of them is the lucky one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

from simcore.advisor.candidates import Candidate
from simcore.advisor.goal import Gain, Goal, gain_over
from simcore.advisor.layouts import JudgedLayout
from simcore.advisor.passes import MeasuredRun, Passes
from simcore.advisor.programme import Choice, Option, choose
from simcore.cpu_model import Region
from simcore.cpu_model.schema import TCM_KINDS
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.linking import Build
from simcore.linking.room import room_for_sections
from simcore.linking.veneers import DirectCall, through_veneers
from simcore.placement import Placement, place_pieces
from simcore.placement.pieces import ProgramMemory
from simcore.placement.request import PlaceRequest
from simcore.run.setup import Move, TimingSetup

MOST_MOVES = 8
MOST_SCREENED = 16  # candidates in a region that are timed alone
SCREENED_IN = 2  # layouts, of those under the model's own answers; data in the first of them
FIRST = 4  # layouts over which all is judged
#: What of the waits of data remains in an SRAM, where that is not timed.
SRAM_SHARE = 0.5

Key = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Screened:
    """What a candidate brings alone in a region, by mechanism, in the mean of few layouts."""

    cycles: int
    energy_fj: int
    is_timed: bool


@dataclass(slots=True)
class Search:
    """Times choices of candidates: what moves where."""

    image: Image
    memory: ProgramMemory
    passes: Passes
    linked: MeasuredRun
    layouts: Sequence[JudgedLayout]
    calls: Sequence[DirectCall]
    build: Build
    candidates: list[Candidate] = field(default_factory=list)
    screened: dict[tuple[int, str], Screened] = field(default_factory=dict)
    judged: dict[Key, list[MeasuredRun]] = field(default_factory=dict)  # over the first layouts
    rooms: dict[str, int] = field(default_factory=dict)
    why_not: dict[int, str] = field(default_factory=dict)  # of those that were judged and left out

    @property
    def base(self) -> MeasuredRun:
        """The program with nothing moved, in the mean of all layouts: what shares are of."""
        runs = self.judged.get(()) or [self.linked]
        return MeasuredRun(
            cycles=round(mean(one.cycles for one in runs)),
            active_cycles=round(mean(one.active_cycles for one in runs)),
            waits=round(mean(one.waits for one in runs)),
            energy_fj=round(mean(one.energy_fj for one in runs)),
        )

    @property
    def setup(self) -> TimingSetup:
        """The program as it is linked."""
        return self.passes.setup

    def place(self, choice: Choice) -> Placement | None:
        """The placement of a choice, None when it does not fit, or not into the user's MEMORY."""
        model = self.setup.model
        if not self._has_room(choice):
            return None
        wanted = [
            (PlaceRequest(one.piece.name, region), model.region(region), one.piece)
            for index, region in sorted(choice.items())
            for one in [self.candidates[index]]
        ]
        try:
            return place_pieces(self.image, model, wanted, self.memory)
        except ConfigError:
            return None

    def room(self, region: str) -> int:
        """Bytes that a region has for input sections, nothing moved."""
        if region not in self.rooms:
            model = self.setup.model
            self.rooms[region] = room_for_sections(
                self.image, model, self.memory, self.build, model.region(region)
            )
        return self.rooms[region]

    def _has_room(self, choice: Choice) -> bool:
        """Whether the input sections of a choice fit, as the fragment counts them."""
        taken: dict[str, int] = {}
        for index, region in choice.items():
            one = self.candidates[index]
            taken[region] = taken.get(region, 0) + one.size
            if one.home is not None:
                taken[one.home] = taken.get(one.home, 0) - one.piece.size
        return all(size <= self.room(region) for region, size in taken.items() if size > 0)

    def veneer_cycles(self, moves: Sequence[Move]) -> int:
        """Cycles that calls through veneers take longer under some moves."""
        return self.setup.model.layouts.veneer_cycles * through_veneers(self.calls, moves)

    # --- screening ---

    def screen(self, goal: Goal) -> None:
        """Time each candidate alone where it is expected to wait least; scale the others."""
        least = goal.least_share * self.base.active_cycles  # what waits less cannot bring it
        wanted = [
            (index, region)
            for index, one in enumerate(self.candidates)
            for region in one.regions
            if _is_timed(one, region) and self._expected(index, region) >= least
        ]
        wanted.sort(key=lambda item: (-self._expected(*item), item[0]))
        timed: list[tuple[int, Region]] = []
        for index, region in wanted:
            one = self.candidates[index]
            larger = [
                other
                for other, _ in timed
                if self.candidates[other].whole == one.whole and one.is_part
            ]
            if larger or len(timed) == MOST_SCREENED:
                continue
            if self.place({index: region.name}) is not None:
                timed.append((index, region))
        own = [at for at, one in enumerate(self.layouts) if one.answer is None][:SCREENED_IN]
        setups, placed = [], []
        for index, region in timed:
            placement = self.place({index: region.name})
            assert placement is not None
            layouts = own if self.candidates[index].piece.is_code else own[:1]
            placed.append((placement.moves, layouts))
            setups += [
                self.layouts[at].setup(self.image, self.setup, placement.moves) for at in layouts
            ]
        found = iter(self.passes.time(setups, "screening") if timed else ())
        for (index, region), (moves, layouts) in zip(timed, placed, strict=True):
            before = [self.judged[()][at] for at in layouts]
            gain = gain_over(before, [next(found) for _ in layouts])
            saved = gain.waits if self.candidates[index].piece.is_code else gain.cycles
            self.screened[index, region.name] = Screened(
                round(saved) - self.veneer_cycles(moves), round(gain.energy_fj), is_timed=True
            )
        for index, one in enumerate(self.candidates):
            for region in one.regions:
                if (index, region.name) not in self.screened:
                    self.screened[index, region.name] = self._scaled(index, region)

    def _expected(self, index: int, region: Region) -> float:
        """Cycles that a candidate may bring in a region, before anything is timed."""
        one = self.candidates[index]
        return one.stall_cycles * (1.0 if region.kind in TCM_KINDS else SRAM_SHARE)

    def _scaled(self, index: int, region: Region) -> Screened:
        """What a timed one of the same object says of this one, by their waits."""
        one = self.candidates[index]
        for (other, name), known in self.screened.items():
            like = self.candidates[other]
            same_kind = self.setup.model.region(name).kind in TCM_KINDS
            if like.whole == one.whole and known.is_timed and like.stall_cycles and same_kind:
                if region.kind not in TCM_KINDS:
                    continue
                share = one.stall_cycles / like.stall_cycles
                return Screened(
                    round(known.cycles * share), round(known.energy_fj * share), is_timed=False
                )
        return Screened(round(self._expected(index, region)) if not one.is_resident else 0, 0,
                        is_timed=False)  # fmt: skip

    # --- choosing ---

    def choose(self, goal: Goal, needed: float | None = None) -> Choice:
        """The few moves that bring most; with ``needed`` cycles the fewest bytes of TCM for them.

        What brings less than the least is left out, and what costs more energy than it saves time.
        Where two regions serve data alike the first of its regions is taken.
        """
        options = []
        least = 0.0 if needed is not None else goal.least(self.base)
        for index, one in enumerate(self.candidates):
            if one.stays is not None:
                continue
            gains: list[float] = []
            for region in one.regions:
                found = self.screened[index, region.name]
                gain = float(found.energy_fj if goal.minimise == "energy" else found.cycles)
                # A tie goes where a person would put it: into the region that comes first.
                alike = [one for one in gains if needed is None and least < one > gain - least]
                gain = min([gain, *(before - 1 for before in alike)])
                gains.append(gain)
                if one.is_resident or (
                    gain > least and goal.allows(found.cycles, found.energy_fj, self.base)
                ):
                    worth = round((gain - least) / self._unit(goal))
                    options.append(Option(index, region.name, worth))
        model = self.setup.model
        regions = dict.fromkeys(option.region for option in options)
        free = {name: self.room(name) for name in regions}
        scarce = [region.name for region in model.regions if region.kind in TCM_KINDS]
        sizes = [one.size for one in self.candidates]
        homes = [one.home for one in self.candidates]
        wholes = [one.whole for one in self.candidates]
        chosen: Choice | None = None
        if needed is not None:
            chosen = choose(options, sizes, homes, free, goal=round(needed), scarce=scarce,
                            most=MOST_MOVES, wholes=wholes)  # fmt: skip
        if chosen is None:
            chosen = choose(options, sizes, homes, free, most=MOST_MOVES, wholes=wholes)
        return self._fitting(chosen or {}, goal)

    def _unit(self, goal: Goal) -> float:
        """Whole numbers of what is minimised: cycles, or a millionth of the energy."""
        return self.linked.energy_fj / 1e6 if goal.minimise == "energy" else 1.0

    def _fitting(self, choice: Choice, goal: Goal) -> Choice:
        """The choice without what brings least until it has places: gaps may be cut up."""

        def gain(item: tuple[int, str]) -> tuple[float, int]:
            found = self.screened[item]
            return (found.energy_fj if goal.minimise == "energy" else found.cycles), -item[0]

        while choice and self.place(choice) is None:
            index, _ = min(choice.items(), key=gain)
            choice = without(choice, index)
        return choice

    # --- judging ---

    def judge(self, choices: Sequence[Choice], step: str, most: int | None = None) -> None:
        """Time those that fit over the layouts, the first ``most`` of them, where they are not
        judged yet."""
        count = min(most or len(self.layouts), len(self.layouts))
        new: dict[Key, Placement] = {}
        for choice in choices:
            key = key_of(choice)
            if len(self.judged.get(key, ())) < count and key not in new:
                placement = self.place(choice)
                if placement is not None:
                    new[key] = placement
        setups = [
            layout.setup(self.image, self.setup, placement.moves)
            for key, placement in new.items()
            for layout in self.layouts[len(self.judged.get(key, ())) : count]
        ]
        found = iter(self.passes.time(setups, step) if setups else ())
        for key, placement in new.items():
            cycles = self.veneer_cycles(placement.moves)
            runs = self.judged.setdefault(key, [])
            runs += [next(found).with_veneers(cycles) for _ in range(len(runs), count)]

    def gain(self, before: Choice, after: Choice) -> Gain | None:
        """What one choice brings over another, in the layouts in which both are judged; None where
        one of them does not fit."""
        known = self.judged.get(key_of(before)), self.judged.get(key_of(after))
        if known[0] is None or known[1] is None:
            return None
        count = min(map(len, known))  # type: ignore[arg-type]
        return gain_over(known[0][:count], known[1][:count])

    def judge_pairs(
        self, pairs: Sequence[tuple[Choice, Choice]], goal: Goal, step: str
    ) -> list[Gain | None]:
        """What the second choice of each pair brings over the first: over all layouts where the
        first few leave it open."""
        self.judge([one for pair in pairs for one in pair], step, FIRST)
        gains = [self.gain(*pair) for pair in pairs]
        unclear = [
            pair
            for pair, gain in zip(pairs, gains, strict=True)
            if gain is not None and not goal.is_clear(gain, self.base)
        ]
        self.judge([one for pair in unclear for one in pair], step)
        return [self.gain(*pair) for pair in pairs]

    def reduce(self, choice: Choice, goal: Goal) -> tuple[Choice, dict[int, Gain]]:
        """The moves of a choice that are worth it, and what each brings beside the rest.

        What makes room for others brings nothing itself, and has no gain.
        """
        pairs = [(without(choice, index), choice) for index in choice]
        gains: dict[int, Gain] = {}
        kept, dropped = {}, {}
        judged = self.judge_pairs(pairs, goal, "judging")
        for (index, region), gain in zip(choice.items(), judged, strict=True):
            if gain is not None:
                gains[index] = gain
            if gain is None or self.is_good(gain, goal):
                kept[index] = region
            else:
                self.why_not[index] = goal.why_not(gain, self.base)
                dropped[index] = region
        if kept.keys() == choice.keys():
            return choice, gains
        kept = self._without_idle(kept, gains)
        # Those that stand in for each other, as where a cache has room for any one of them, bring
        # nothing beside all others, or not what they cost: the best ones come back.
        while dropped:
            again = [(kept, {**kept, index: region}) for index, region in dropped.items()]
            found = dict(zip(dropped, self.judge_pairs(again, goal, "judging again"), strict=True))
            good = {
                index: gain
                for index, gain in found.items()
                if gain is not None and self.is_good(gain, goal)
            }
            if not good:
                break
            best = max(good, key=lambda index: (good[index].counted(goal)[0], -index))
            kept, gains[best] = {**kept, best: dropped.pop(best)}, good[best]
        return kept, {index: gain for index, gain in gains.items() if index in kept}

    def with_small(
        self, choice: Choice, gains: dict[int, Gain], goal: Goal
    ) -> tuple[Choice, dict[int, Gain]]:
        """The choice with small data that brings together what none of it brings alone.

        Each object brings more than chance, and of cycles and energy an eighth of the least, or
        else eight of them could not make it. Code is left out: so little of it is chance.
        """
        small = self._small(choice, goal)
        while small and self.place(choice | small) is None:
            small.popitem()
        if sum(self.screened[item].cycles for item in small.items()) < goal.least(self.base):
            return choice, gains
        (gain,) = self.judge_pairs([(choice, choice | small)], goal, "judging small ones")
        if gain is None or not self.is_good(gain, goal):
            return choice, gains
        together = choice | small
        fewer = {index: without(together, index) for index in small}
        self.judge(list(fewer.values()), "judging small ones", FIRST)
        judged = [self.gain(one, together) for one in fewer.values()]
        beside = {
            index: one
            for index, one in zip(small, judged, strict=True)
            if one is not None and one.share(self.base) >= goal.least_share / MOST_MOVES
            and one.is_above_chance(goal)
        }  # fmt: skip
        together = choice | {index: small[index] for index in beside}
        (gain,) = self.judge_pairs([(choice, together)], goal, "judging small ones")
        if gain is None or not self.is_good(gain, goal):
            return choice, gains
        return together, gains | beside

    def _small(self, choice: Choice, goal: Goal) -> Choice:
        """Data that could move beside a choice for a little each, what brings most alone first."""
        wholes = {self.candidates[index].whole for index in choice}
        found: dict[int, tuple[int, int, str]] = {}  # of each whole: the best of its parts
        for index, one in enumerate(self.candidates):
            if one.whole in wholes or one.is_resident or not one.regions or one.piece.is_code:
                continue
            if one.stays is not None:
                continue
            region = max(one.regions, key=lambda region: self.screened[index, region.name].cycles)
            known = self.screened[index, region.name]
            if known.cycles * MOST_MOVES < goal.least_share * self.base.active_cycles:
                continue
            if goal.allows(known.cycles, known.energy_fj, self.base):
                item = (-known.cycles, index, region.name)
                found[one.whole] = min(item, found.get(one.whole, item))
        some = sorted(found.values())[: MOST_MOVES - len(choice)]
        return {index: region for _, index, region in some}

    def is_good(self, gain: Gain, goal: Goal) -> bool:
        """Whether a gain is worth a move, and its price in energy."""
        return gain.is_worth_it(goal, self.base) and goal.allows(
            gain.cycles, gain.energy_fj, self.base
        )

    def _without_idle(self, choice: Choice, gains: dict[int, Gain]) -> Choice:
        """The choice without what would make room that the rest does not need."""
        for index in [index for index in choice if index not in gains]:
            fewer = without(choice, index)
            if self.place(fewer) is not None:
                choice = fewer
        return choice


def _is_timed(one: Candidate, region: Region) -> bool:
    """Whether a candidate is worth a timing in a region: the first one, and the first SRAM.

    Of data in ITCM is known what it is in DTCM.
    """
    first = one.regions[0]
    return region is first or (region.kind == "sram" and first.kind != "sram")


def without(choice: Choice, index: int) -> Choice:
    """A choice without one of its moves."""
    return {key: region for key, region in choice.items() if key != index}


def key_of(choice: Choice) -> Key:
    """A choice as what a table is looked up by."""
    return tuple(sorted(choice.items()))
