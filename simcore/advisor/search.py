"""From a run to advice: benefits are timed, a 0/1 programme chooses, timing verifies and improves.

Each candidate is timed alone in one pass, the programme picks the best sum that fits, and that
choice is timed. Benefits do not quite add up (two arrays may have shared a cache set), so the
choice is improved while one change of it pays: something left out, put in or put elsewhere. Where
there are few choices in all, each is timed. As linked is among them, so advice is never worse.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from simcore import __version__
from simcore.advisor.candidates import TCM, Candidate, find_candidates, names
from simcore.advisor.linker_text import attributes_text, linker_script_text
from simcore.advisor.programme import Choice, Option, choose
from simcore.advisor.results import SCHEMA, Advice, AdvisedMove, Cost, Rejected
from simcore.attribution import Attribution
from simcore.elf import Image
from simcore.energy import energy_model
from simcore.errors import ConfigError, ExitCode
from simcore.layout import layout_band, layout_setups
from simcore.placement import Placement, place_pieces, program_memory, tcm_bytes
from simcore.placement.pieces import ProgramMemory
from simcore.placement.placer import free_bytes
from simcore.placement.request import Request
from simcore.profiler import DEFAULT_CPU, Simulation
from simcore.profiles import LayoutBand, Tool
from simcore.recording import Capture, record_run
from simcore.setups import TimingSetup

MINIMISE = ("cycles", "energy")
MOST_CANDIDATES = 16
FEW_CHOICES = 64  # so many are all timed
MOST_ROUNDS = 8
MOST_SWAPS = 32  # exchanges that a round tries


@dataclass(frozen=True, slots=True)
class Timed:
    """A choice and what it costs."""

    choice: Choice
    placement: Placement
    cycles: int
    energy_fj: int
    tcm: dict[str, int]


@dataclass(slots=True)
class _Search:
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
            (Request(one.piece.name, region), self.setup.model.region(region), one.piece)
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
            key = _key(choice)
            if key not in self.timed and key not in new:
                placement = self.place(choice)
                if placement is not None:
                    new[key] = (choice, placement)
        if new:
            setups = [replace(self.setup, moves=p.moves) for _, p in new.values()]
            for (key, (choice, placement)), simulation in zip(
                new.items(), self.run(setups), strict=True
            ):
                self.timed[key] = self._timed(choice, placement, simulation)
        return [self.timed[_key(choice)] for choice in choices if _key(choice) in self.timed]

    def _timed(self, choice: Choice, placement: Placement, simulation: Simulation) -> Timed:
        model, options = simulation.model, simulation.options
        energy = energy_model(model, options.clock_hz, options.voltage_scale)
        counters = simulation.result.counters
        totals = Attribution(counters, self.image.functions, energy, options.clock_hz).totals()
        used, top = totals.stack_high_water_bytes, self.memory.stack[1]
        stack = None if used is None else (top - used, top)
        return Timed(
            choice,
            placement,
            totals.cycles,
            round(totals.energy_j * 1e15),
            tcm_bytes(self.image, model, placement.moves, stack),
        )


def advise(
    elf: str | os.PathLike[str],
    cpu: str | os.PathLike[str] = DEFAULT_CPU,
    *,
    minimise: str = "cycles",
    deadline_s: float | None = None,
    candidates: int = MOST_CANDIDATES,
    count_copies: bool = False,
    few_choices: int = FEW_CHOICES,
    clock_hz: int | None = None,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    memory_from: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Advice:
    """Find where functions and data of a program should lie in a part's TCMs and SRAM banks.

    ``minimise`` is cycles or energy; with ``deadline_s`` it is the bytes of TCM that meet it.
    ``candidates`` is how many functions and objects are considered, those that wait most. With
    ``few_choices`` or fewer in all, each is timed. ``count_copies`` leaves data where it is that
    waits no longer in this run than its copy from ROM takes at the start. ``options`` are further
    arguments of :func:`simcore.profiler.simulate_many`.

    Raises ElfError, ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    if minimise not in MINIMISE:
        raise ConfigError(f"advice minimises {' or '.join(MINIMISE)}, not {minimise!r}")
    part: dict[str, Any] = {
        "clock_hz": clock_hz,
        "caches": caches,
        "voltage_scale": voltage_scale,
        "overrides": overrides,
        "memory_from": memory_from,
    }
    # The program runs once; what follows is timed from its capture.
    with TemporaryDirectory(prefix="mcusim-") as folder:
        path = Path(folder) / "run.mcu"
        with path.open("wb") as file:
            record_run(elf, file, cpu, **part, **options)
        capture = Capture(path)
        setup = capture.setup(cpu, **part)
        goal = _Goal(
            minimise, None if deadline_s is None else int(deadline_s * setup.core_clock_hz)
        )
        return _advise(capture, setup, goal, deadline_s, candidates, count_copies, few_choices)


def _advise(
    capture: Capture,
    setup: TimingSetup,
    goal: _Goal,
    deadline_s: float | None,
    candidates: int,
    count_copies: bool,
    few_choices: int,
) -> Advice:
    image, run = capture.image, capture.simulate
    memory = program_memory(image, setup.model)
    shifts = layout_setups(image, setup)
    simulations = run([shifted for _, shifted in shifts])
    linked = simulations[0]
    linked_band = layout_band([offset for offset, _ in shifts], [s.cycles for s in simulations])
    profile = linked.profile()
    search = _Search(image, setup, memory, run, count_copies)
    search.timed[()] = search._timed({}, Placement(), linked)
    if profile.exit.status is ExitCode.OK:
        search.candidates = find_candidates(image, setup, memory, profile, candidates)
    best = _search(search, goal, few_choices)
    without = _without(search, best)
    final = replace(setup, moves=best.placement.moves)
    shifts = layout_setups(image, final)
    bands = run([shifted for _, shifted in shifts]) if best.choice else simulations
    band = layout_band([offset for offset, _ in shifts], [s.cycles for s in bands])
    if best.choice:
        best.placement.check_run(image, bands[0])
    return _advice(search, linked, best, goal, deadline_s, (linked_band, band), without)


@dataclass(frozen=True, slots=True)
class _Goal:
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


def _search(search: _Search, goal: _Goal, few_choices: int) -> Timed:
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
    alone = {_key(t.choice): t for t in single if search.pays(t.choice)}
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


def _best(search: _Search, goal: _Goal) -> Timed:
    """The best of all that pay; the first of those that are equal."""
    timed = [one for one in search.timed.values() if search.pays(one.choice)]
    return min(timed, key=lambda one: (*goal.rank(one), *_key(one.choice)))


def _programmes(search: _Search, goal: _Goal, single: Sequence[Timed], base: Timed) -> list[Choice]:
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
        gain = _gain(goal, base, timed)
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
    scarce = [region.name for region in model.regions if region.kind in TCM]
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


def _gain(goal: _Goal, base: Timed, timed: Timed) -> int:
    """What a choice gains: cycles, or whole picojoules where energy is the goal."""
    if goal.minimise == "energy" and goal.deadline_cycles is None:
        return round((base.energy_fj - timed.energy_fj) / 1000)
    return base.cycles - timed.cycles


def _neighbours(search: _Search, goal: _Goal, best: Timed, alone: Sequence[Timed]) -> list[Choice]:
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
        gain = _gain(goal, linked, timed)
        if index in best.choice or gain <= 0 or search.place({**best.choice, index: region}):
            continue
        for other, place in best.choice.items():
            if place == region:
                kept = {k: v for k, v in best.choice.items() if k != other}
                swaps.append((gain, {**kept, index: region}))
    swaps.sort(key=lambda swap: (-swap[0], _key(swap[1])))
    return found + [choice for _, choice in swaps[:MOST_SWAPS]]


def _without(search: _Search, best: Timed) -> dict[int, int]:
    """Cycles that the best choice loses without each candidate that the rest does not need gone."""
    fewer = {i: {k: v for k, v in best.choice.items() if k != i} for i in best.choice}
    search.time(list(fewer.values()))
    return {
        index: search.timed[_key(choice)].cycles - best.cycles
        for index, choice in fewer.items()
        if _key(choice) in search.timed
    }


def _advice(
    search: _Search,
    linked: Simulation,
    best: Timed,
    goal: _Goal,
    deadline_s: float | None,
    bands: tuple[LayoutBand, LayoutBand],
    without: dict[int, int],
) -> Advice:
    base = search.timed[()]
    profile = linked.profile()
    alone = {
        _key(timed.choice)[0]: base.cycles - timed.cycles
        for timed in search.timed.values()
        if len(timed.choice) == 1
    }
    shown = names(search.candidates, search.image)
    moves = [
        AdvisedMove(
            shown[index],
            one.piece.kind,
            one.home,
            region,
            one.piece.size,
            alone.get((index, region), 0),
            without.get(index),
        )
        for index, region in best.choice.items()
        for one in [search.candidates[index]]
    ]
    moves.sort(key=lambda move: (-(move.cycles_without or 0), -move.cycles_alone, move.name))
    width = max(band.maximum_cycles - band.minimum_cycles for band in bands)
    # In the order of the verified places, which the linker then keeps.
    pieces = sorted(
        ((search.candidates[i].piece, region) for i, region in best.choice.items()),
        key=lambda item: item[0].address,
    )
    return Advice(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        elf=profile.elf,
        cpu=profile.cpu,
        exit=profile.exit,
        args=linked.options.args,
        minimise="tcm" if goal.deadline_cycles is not None else goal.minimise,
        deadline_s=deadline_s,
        meets_deadline=(
            None if goal.deadline_cycles is None else best.cycles <= goal.deadline_cycles
        ),
        linked=_cost(base, linked.options.clock_hz),
        advised=_cost(best, linked.options.clock_hz),
        predicted_cycles=base.cycles - sum(alone.get(item, 0) for item in _key(best.choice)),
        timings=len(search.timed),
        moves=tuple(moves),
        placement=best.placement.items,
        rejected=_rejected(search, best, goal, shown, width),
        linked_layout=bands[0],
        advised_layout=bands[1],
        significant=base.cycles - best.cycles > width,
        copied_bytes=best.placement.copied_bytes,
        copy_cycles=sum(search.candidates[index].copy_cycles for index in best.choice),
        linker_script=linker_script_text(search.image, search.setup.model, pieces),
        attributes=attributes_text(search.image, search.setup.model, pieces),
        warnings=(*profile.warnings, *best.placement.warnings),
    )


def _rejected(
    search: _Search, best: Timed, goal: _Goal, shown: Sequence[str], width: int
) -> tuple[Rejected, ...]:
    """Candidates that stay, with the region that serves the goal best alone and why they do."""
    base = search.timed[()]
    found = []
    for index, one in enumerate(search.candidates):
        tried = [
            (timed, region.name)
            for region in one.regions
            if (timed := search.timed.get(((index, region.name),))) is not None
        ]
        if index in best.choice or not tried:
            continue
        timed, region = max(tried, key=lambda item: _gain(goal, base, item[0]))
        gain = base.cycles - timed.cycles
        if not search.pays({index: region}):
            reason = "read too seldom to pay for its copy"
        elif _gain(goal, base, timed) <= 0:
            reason = "costs energy" if gain > 0 else "gains nothing anywhere"
        elif search.place({**best.choice, index: region}) is None:
            reason = "no room beside what gains more"
        elif goal.deadline_cycles is not None and best.cycles <= goal.deadline_cycles:
            reason = "not needed for the deadline"
        elif gain <= width:
            reason = "alignment alone makes as much"
        else:
            reason = "gains nothing beside the rest"
        found.append(Rejected(shown[index], one.piece.kind, region, one.piece.size, gain, reason))
    found.sort(key=lambda row: (-row.cycles_alone, row.name))
    return tuple(found)


def _cost(timed: Timed, clock_hz: int) -> Cost:
    return Cost(timed.cycles, timed.cycles / clock_hz, timed.energy_fj / 1e15, timed.tcm)


def _key(choice: Choice) -> tuple[tuple[int, str], ...]:
    return tuple(sorted(choice.items()))
