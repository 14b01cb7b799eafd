"""What a search found, as advice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, hypot
from statistics import mean

from simcore import __version__
from simcore.advisor.candidates import Left, shown_names
from simcore.advisor.goal import Gain, Goal
from simcore.advisor.passes import MeasuredRun
from simcore.advisor.programme import Choice
from simcore.advisor.results import (
    SCHEMA,
    Advice,
    AdvisedMove,
    Alternative,
    Cost,
    Judged,
    Promise,
    Rejected,
)
from simcore.advisor.search import MOST_MOVES, Search, key_of
from simcore.advisor.settle import ByHand
from simcore.costs.origin import Tool
from simcore.costs.profile import Profile
from simcore.cpu_model.schema import TCM_KINDS
from simcore.linking import Build, Fragment, applied, attributes_text, linker_fragment
from simcore.linking.inputs import Stays
from simcore.linking.startup import linefill_cycles
from simcore.linking.units import members_of
from simcore.placement import Placement, tcm_bytes
from simcore.placement.pieces import Piece
from simcore.plain import filled


@dataclass(slots=True)
class SearchOutcome:
    """What was asked for and what the search made of it."""

    goal: Goal
    minimise: str
    deadline_s: float | None
    profile: Profile
    choice: Choice = field(default_factory=dict)
    gains: dict[int, Gain] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    alternatives: list[Choice] = field(default_factory=list)
    relinked: list[MeasuredRun] = field(default_factory=list)
    veneer_cycles: int = 0
    meets_deadline: bool | None = None
    is_part: bool = False  # of the run counts, and not what comes right behind start-up code
    is_chance: bool = False  # a relink may lose what the choice brings, and nothing is advised
    placement: Placement = field(default_factory=Placement)
    by_hand: ByHand = field(default_factory=ByHand)


def put_together(search: Search, outcome: SearchOutcome, build: Build) -> Advice:
    """The document of it."""
    profile, linked = outcome.profile, search.linked
    clock_hz = profile.cpu.clock_hz
    relinked = outcome.relinked or [linked]
    active = round(mean(one.active_cycles for one in relinked))
    saved = linked.active_cycles - active
    asleep_fj = 0.0 if outcome.deadline_s is not None else _asleep_fj(profile)
    advised = MeasuredRun(
        linked.cycles if asleep_fj else linked.cycles - saved,
        active,
        round(mean(one.waits for one in relinked)),
        round(mean(one.energy_fj for one in relinked) + saved * asleep_fj),
    )
    shown = shown_names(search.image)
    hands = outcome.by_hand
    moves = _moves(search, outcome.minimise, outcome.choice, outcome.gains, shown)
    beside = _moves(search, outcome.minimise, hands.choice, hands.gains, shown)
    # In the order of the verified places, which the linker then keeps.
    pieces = sorted(
        ((search.candidates[i].piece, region) for i, region in outcome.choice.items()),
        key=lambda item: item[0].address,
    )
    image = search.image
    stays = [Stays(row.name, row.stays or "") for row in beside]
    fragment = linker_fragment(image, search.setup, search.memory, pieces, build, profile, stays)
    apart = [(search.candidates[i].piece, region) for i, region in hands.choice.items()]
    return filled(
        Advice,
        profile,
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        args=profile.args or (),
        scope=None if profile.per is None else profile.per.identity,
        minimise="tcm" if outcome.deadline_s is not None else outcome.minimise,
        least_share=outcome.goal.least_share,
        deadline_s=outcome.deadline_s,
        meets_deadline=outcome.meets_deadline,
        linked=_cost(search, linked, clock_hz, Placement()),
        advised=_cost(search, advised, clock_hz, outcome.placement),
        promise=_promise(linked, advised, relinked, outcome, _refills(search, outcome, fragment)),
        judged=_judged(search, outcome),
        timings=search.passes.timings,
        moves=moves,
        by_hand=beside,
        by_hand_cycles=0 if hands.together is None else round(hands.together.cycles),
        by_hand_spread_cycles=0.0 if hands.together is None else round(hands.together.spread, 1),
        placement=outcome.placement.items,
        rejected=_rejected(search, outcome, shown),
        alternatives=_alternatives(search, outcome),
        copied_bytes=outcome.placement.copied_bytes,
        copy_cycles=fragment.copy_cycles
        or sum(search.candidates[index].copy_cycles for index in outcome.choice),
        linker_script=fragment.text,
        attributes=attributes_text(image, [*pieces, *apart], build),
        applied_script=None if build.script is None else applied(build.script, fragment, image),
        warnings=(
            *profile.scope_notes,
            *profile.warnings,
            *outcome.placement.warnings,
            *fragment.stays,
        ),
    )


def _asleep_fj(profile: Profile) -> float:
    """Energy of a cycle asleep, in femtojoules; 0 of a run that did not sleep.

    A program that sleeps until it is woken sleeps through what it is done sooner.
    """
    totals = profile.totals
    slept = totals.cycles - totals.active_cycles
    if not slept:
        return 0.0
    energy = totals.energy_by_component
    return 1e15 * (energy["always_on"] / totals.cycles + energy["sleep"] / slept)


def _refills(search: Search, outcome: SearchOutcome, fragment: Fragment) -> int:
    """Cycles that the program may wait to have again what start-up code drives out of the D-cache
    when it reads the copies: a linefill for each line that they fill, all of it at most."""
    setup = search.setup
    if outcome.is_part or setup.caches == "off":
        return 0
    size = min(fragment.loaded_bytes, setup.model.core.dcache.size)
    # In the cache by then are the lines of what start-up code filled.
    homes = {
        home.name: home
        for section in search.image.sections
        if section.allocated and section.size
        and (home := setup.model.region_at(section.address)) is not None
        and home.writable and home.kind not in TCM_KINDS
    }  # fmt: skip
    return max((linefill_cycles(setup, home, size) for home in homes.values()), default=0)


def _promise(
    linked: MeasuredRun,
    advised: MeasuredRun,
    relinked: Sequence[MeasuredRun],
    outcome: SearchOutcome,
    refills: int,
) -> Promise:
    cycles = linked.active_cycles - advised.active_cycles
    mechanism = linked.waits - advised.waits if outcome.choice else 0
    energy = linked.energy_fj - advised.energy_fj
    farthest = max(abs(one.active_cycles - advised.active_cycles) for one in relinked)
    # A call through a veneer takes from none to twice what is counted, whatever the layout: the two
    # are independent, and add by their squares.
    return Promise(
        cycles=cycles,
        cycles_relative=cycles / linked.active_cycles if linked.active_cycles else 0.0,
        band_cycles=ceil(hypot(farthest + refills, outcome.veneer_cycles)),
        mechanism_cycles=mechanism,
        chance_cycles=cycles - mechanism,
        veneer_cycles=outcome.veneer_cycles,
        energy_j=energy / 1e15,
        energy_relative=energy / linked.energy_fj if linked.energy_fj else None,
    )


def _judged(search: Search, outcome: SearchOutcome) -> Judged:
    gain = search.gain({}, outcome.choice) if outcome.choice else None
    answers = dict.fromkeys(one.answer for one in search.layouts if one.answer is not None)
    return Judged(
        layouts=len(search.layouts),
        answers=tuple(answers),
        cycles=0 if gain is None else round(gain.cycles),
        spread_cycles=0.0 if gain is None else round(gain.spread, 1),
        mechanism_cycles=0 if gain is None else round(gain.waits),
        energy_j=0.0 if gain is None else gain.energy_fj / 1e15,
    )


def _moves(
    search: Search,
    minimise: str,
    choice: Choice,
    gains: dict[int, Gain],
    shown: Callable[[Piece], str],
) -> tuple[AdvisedMove, ...]:
    found = []
    for index, region in choice.items():
        one, gain = search.candidates[index], gains.get(index)
        found.append(
            AdvisedMove(
                name=shown(one.piece),
                kind=one.piece.kind,
                file=search.image.file_at(one.piece.address),
                address=one.piece.address,
                from_region=one.home,
                region=region,
                size=one.piece.size,
                cycles=None if gain is None else round(gain.cycles),
                spread_cycles=None if gain is None else round(gain.spread, 1),
                mechanism_cycles=None
                if gain is None
                else round(gain.waits if one.piece.is_code else gain.cycles),
                energy_j=None if gain is None else gain.energy_fj / 1e15,
                members=tuple(part.name for part in members_of(search.image, one.piece)),
                stays=one.stays,
            )
        )
    by_energy = minimise == "energy"
    found.sort(
        key=lambda move: (-((move.energy_j if by_energy else move.cycles) or 0), move.address)
    )
    return tuple(found)


def _rejected(
    search: Search, outcome: SearchOutcome, shown: Callable[[Piece], str]
) -> tuple[Rejected, ...]:
    """What waits and stays, with the region that serves the goal best alone and why it does."""
    goal, base = outcome.goal, search.base
    least = goal.least(base)
    choices = (*outcome.choice, *outcome.by_hand.choice)
    chosen = {search.candidates[index].whole for index in choices}
    found: dict[int, Rejected] = {}
    for left in outcome.left:
        found[left.piece.address] = Rejected(
            shown(left.piece),
            left.piece.kind,
            left.region,
            left.piece.size,
            left.room,
            left.stall_cycles,
            left.reason,
        )
    for index, one in enumerate(search.candidates):
        if one.whole in chosen or one.whole in found or one.is_resident or not one.regions:
            continue
        region = max(one.regions, key=lambda r: _gain(search, goal, index, r.name))
        screened = search.screened[index, region.name]
        gain = _gain(search, goal, index, region.name)
        room = None
        if gain <= 0:
            reason = "costs energy" if goal.minimise == "energy" else "gains nothing anywhere"
        elif gain < least:
            reason = f"brings less than {goal.least_share * 100:g} %"
        elif not goal.allows(screened.cycles, screened.energy_fj, base):
            reason = "costs relatively more energy than it saves cycles"
        elif one.stays is not None:
            reason = f"no linker script moves it: {one.stays}"
        elif outcome.meets_deadline:
            reason = "not needed for the deadline"
        elif search.place({**outcome.choice, index: region.name}) is None:
            reason, room = "no room beside what gains more", _room(search, outcome, region.name)
        elif outcome.is_chance:
            reason = "the layout as linked is a lucky one: a relink may lose what it brings"
        else:
            reason = search.why_not.get(index, f"brings less than the {MOST_MOVES} that are judged")
        found[one.whole] = Rejected(
            shown(one.piece), one.piece.kind, region.name, one.piece.size,
            room, screened.cycles, reason,
        )  # fmt: skip
    rows = sorted(found.values(), key=lambda row: (-row.cycles, row.name))
    return tuple(rows)


def _gain(search: Search, goal: Goal, index: int, region: str) -> int:
    found = search.screened[index, region]
    return found.energy_fj if goal.minimise == "energy" else found.cycles


def _room(search: Search, outcome: SearchOutcome, region: str) -> int:
    """Bytes of a region that the program and the choice leave."""
    taken = sum(search.candidates[i].size for i, to in outcome.choice.items() if to == region)
    return max(0, search.room(region) - taken)


def _alternatives(search: Search, outcome: SearchOutcome) -> tuple[Alternative, ...]:
    """The front of 'both'; else what is better than the advised choice in cycles and energy."""
    rows: list[tuple[Choice, Gain]] = []
    for choice in [{}, *outcome.alternatives]:
        gain = search.gain({}, choice)
        if gain is not None and all(key_of(choice) != key_of(known) for known, _ in rows):
            rows.append((choice, gain))
    if outcome.minimise == "both":
        kept = [one for one in rows if not any(_is_better(other[1], one[1]) for other in rows)]
    else:
        own = search.gain({}, outcome.choice)
        kept = [
            (choice, gain)
            for choice, gain in rows
            if own is not None
            and gain.energy_fj > own.energy_fj
            and gain.cycles - own.cycles > max(own.spread, gain.spread)
        ][:1]
    kept.sort(key=lambda row: -row[1].cycles)
    return tuple(
        Alternative(
            tuple(
                f"{search.candidates[index].piece.name}={region}"
                for index, region in sorted(choice.items())
            ),
            round(gain.cycles),
            round(gain.spread, 1),
            gain.energy_fj / 1e15,
            key_of(choice) == key_of(outcome.choice),
        )
        for choice, gain in kept
    )


def _is_better(one: Gain, other: Gain) -> bool:
    """Whether one saves no less of both, and more of one of them."""
    mine, its = (one.cycles, one.energy_fj), (other.cycles, other.energy_fj)
    return mine != its and all(a >= b for a, b in zip(mine, its, strict=True))


def _cost(search: Search, measured: MeasuredRun, clock_hz: int, placement: Placement) -> Cost:
    used, top = search.linked.stack_bytes, search.memory.stack[1]
    stack = None if used is None else (top - used, top)
    return Cost(
        measured.cycles,
        measured.active_cycles,
        measured.cycles / clock_hz,
        measured.energy_fj / 1e15,
        tcm_bytes(search.image, search.setup.model, placement.moves, stack),
    )
