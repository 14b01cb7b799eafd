"""From a program to advice: one run, passes over its capture, and the result put together."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO

from simcore.advisor.candidates import find_candidates
from simcore.advisor.goal import MINIMISE, Gain, Goal
from simcore.advisor.layouts import layouts, relinked_setups
from simcore.advisor.passes import MeasuredRun, Passes, Told
from simcore.advisor.programme import Choice
from simcore.advisor.put_together import SearchOutcome, put_together
from simcore.advisor.reach import dma_reach
from simcore.advisor.results import Advice
from simcore.advisor.search import FIRST, Search, key_of, without
from simcore.advisor.settle import by_hand, settled
from simcore.errors import ConfigError, ExitCode
from simcore.extras import require
from simcore.linking import Build, check_editable, open_build
from simcore.linking.veneers import direct_calls
from simcore.placement import Placement, program_memory
from simcore.run.options import NotedInput
from simcore.run.reached import Watcher
from simcore.run.spec import RunSpec
from simcore.simulation.capture import record_run
from simcore.simulation.one_call import WHOLE
from simcore.simulation.program import Program, open_capture, open_program
from simcore.simulation.simulation import Simulation
from simcore.workers import Team, Workers

if TYPE_CHECKING:
    from simcore.advisor.stored import StoredAdvice
    from simcore.store.database import ResultStore

MOST_CANDIDATES = 16
LEAST_SHARE = 0.001
#: How often more cycles are asked for when a choice misses its deadline.
_TRIES = 4


def advise(
    elf: str | os.PathLike[str],
    cpu: str | os.PathLike[str] | None = None,
    *,
    minimise: str = "cycles",
    deadline_s: float | None = None,
    candidates: int = MOST_CANDIDATES,
    least_share: float = LEAST_SHARE,
    count_copies: bool = False,
    once: bool = False,
    any_energy: bool = False,
    map_file: str | None = None,
    linker_script: str | None = None,
    processes: int = 1,
    scheduler: str | None = None,
    store: ResultStore | None = None,
    stdin: BinaryIO | NotedInput | None = None,
    stdout: BinaryIO | None = None,
    progress: Watcher | None = None,
    tell: Told | None = None,
    cache: bool = True,
    **options: Any,
) -> Advice:
    """Find where functions and data of a program should lie in a part's TCMs and SRAM banks.

    ``elf`` is an ELF or a capture, whose run reads and prints nothing; ``cpu`` and ``options`` are
    fields of a RunSpec. ``stdin``, ``stdout`` and ``progress`` are those of the one run, ``tell``
    is called with the step and its share that is done, 0 to 1, while the search goes on.
    ``minimise`` is cycles, energy or both; with ``deadline_s`` it is the bytes of TCM that meet it.
    ``candidates`` is how many functions and objects are considered, those that wait most, and
    ``least_share`` what a move has to bring of the cycles awake that count. ``count_copies`` leaves
    data where it is that waits no longer in this run than its copy from ROM takes at the start,
    ``once`` lets code move that runs seldom, ``any_energy`` moves that cost relatively more energy
    than they save cycles. ``map_file`` is the linker's map of the program, which else is looked for
    beside it; ``linker_script`` is the script that it was linked with, which the advice then has
    with the moves in it. The run itself is done here, what follows by so many ``processes`` or on
    the workers of a ``scheduler`` of Dask; figures do not hang on them. Advice that a ``store`` of
    results holds is not found again, and what is found is kept there; the program prints nothing
    then. ``cache`` is that of :func:`simcore.simulation.program.open_program`.

    Raises ElfError, CaptureError, ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    require("advise", "mcusim advise")
    if minimise not in MINIMISE:
        raise ConfigError(f"advice minimises {', '.join(MINIMISE)}, not {minimise!r}")
    if not 0 <= least_share < 1:
        raise ConfigError(f"the least share of a move is from 0 to below 1, not {least_share:g}")
    program = open_program(elf, cpu, cache=cache, **options)
    spec = program.spec
    build = open_build(program.image, map_file, linker_script)
    if build.script is not None:
        check_editable(build.script, program.image)
    how: dict[str, Any] = {
        "minimise": minimise,
        "deadline_s": deadline_s,
        "most": candidates,
        "least_share": least_share,
        "count_copies": count_copies,
        "any_energy": any_energy,
        "once": True if once else None if is_part_of(spec) else False,
    }
    shelf = None
    if store is not None:
        from simcore.advisor.stored import StoredAdvice

        stdin = stdin if stdin is None or isinstance(stdin, NotedInput) else NotedInput(stdin)
        shelf = StoredAdvice(store, program, os.fspath(elf), how, build.files)
        if (known := shelf.load()) is not None:
            return known
    workers = Workers(processes, scheduler)
    is_here = workers.is_here(workers.count)
    with nullcontext() if is_here else workers.team() as team:

        def search(program: Program) -> Advice:
            beside: dict[str, Any] = {"team": team, "members": workers.count, "shelf": shelf}
            return _advise(program, tell=tell, build=build, **beside, **how)

        if program.capture is not None:
            return search(program)
        # The program runs once; what follows is timed from its capture.
        with TemporaryDirectory(prefix="mcusim-") as folder:
            path = Path(folder) / "run.mcu"
            streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "progress": progress}
            try:
                with path.open("wb") as file:
                    record_run(spec, file, cache=cache, **streams)
            except OSError as error:
                reason = os.strerror(error.errno or 0)
                raise ConfigError(
                    f"{folder}: cannot hold the capture of the run: {reason}"
                ) from None
            if shelf is not None and isinstance(stdin, NotedInput) and stdin.asked:
                shelf.forget()  # what was read decided it, and is in no key
            counted = {"per": spec.per, "task": spec.task}
            return search(open_capture(path, memory_from=spec.memory_from, cache=cache, **counted))


def is_part_of(spec: RunSpec) -> bool:
    """Whether a run is asked to count a part of itself."""
    return bool(spec.from_ or spec.until or spec.task) or spec.per not in (None, WHOLE)


def _advise(
    program: Program,
    minimise: str,
    deadline_s: float | None,
    most: int,
    least_share: float,
    count_copies: bool,
    once: bool | None,
    any_energy: bool,
    tell: Told | None,
    build: Build,
    team: Team | None,
    members: int,
    shelf: StoredAdvice | None,
) -> Advice:
    image = program.image
    setup = program.spec.setup(image=image)
    passes = Passes(program, setup, tell, team=team, members=members)
    simulation, profile = passes.first()
    setup, linked = passes.setup, MeasuredRun.of(simulation)
    memory = program_memory(image, setup.model)
    search = Search(
        image,
        memory,
        passes,
        linked,
        layouts(program.spec, setup, image),
        direct_calls(image, profile),
        build,
    )
    wanted = "cycles" if deadline_s is not None or minimise == "both" else minimise
    goal = Goal(wanted, least_share, any_energy)
    is_part = profile.per is not None or is_part_of(program.spec)
    outcome = SearchOutcome(goal, minimise, deadline_s, profile, is_part=is_part)
    if profile.exit.status is ExitCode.OK and linked.active_cycles:
        # What waits is asked of layouts, too, that are drawn by names: a relink changes it little.
        search.judge([{}], "over layouts")
        drawn = [layout.setup(image, setup, ()) for layout in search.layouts[:FIRST]]
        seen, parts, fetch = passes.waits(drawn, "what waits")
        assert program.capture is not None
        # What DMA would have moved counts, too: a device asks for it on the board.
        waiting = [(at, at + 1) for at in program.capture.end.dma_addresses]
        found = find_candidates(
            image,
            setup,
            memory,
            seen,
            parts,
            fetch,
            dma_reach(setup.model, (*simulation.result.counters.moved_by_dma, *waiting)),
            most,
            count_copies=count_copies,
            once=None if once is False and profile.per is not None else once,
            is_part=is_part,
            build=build,
        )
        search.candidates, outcome.left = found.candidates, found.left
        search.screen(goal)
        if deadline_s is not None:
            _meet(search, outcome, int(deadline_s * setup.core_clock_hz))
        else:
            _minimise(search, outcome)
        outcome.by_hand = by_hand(search, outcome.choice, goal)
    placed: Simulation | None = None
    if outcome.choice:
        placement = search.place(outcome.choice)
        assert placement is not None
        placed = passes.check(placement)
        outcome.placement = placement
    advice = put_together(search, outcome, build)
    if shelf is not None:
        shelf.keep(advice, profile, None if placed is None else placed.profile())
    return advice


def _minimise(search: Search, outcome: SearchOutcome) -> None:
    """The choice that brings most of what is minimised, and others beside it."""
    goal, minimise = outcome.goal, outcome.minimise
    goals = {"cycles": goal}
    if minimise == "both":
        goals = {
            "cycles": Goal("cycles", goal.least_share, any_energy=True),
            "cycles within energy": goal,
            "energy": Goal("energy", goal.least_share, goal.any_energy),
        }
    reduced: list[tuple[Choice, dict[int, Gain], Goal]] = []
    for one in goals.values():
        chosen = search.choose(one)
        if all(key_of(chosen) != key_of(choice) for choice, _, _ in reduced):
            few = search.reduce(chosen, one) if chosen else ({}, {})
            reduced.append((*search.with_small(*few, one), one))
    others = [choice for choice, _, _ in reduced]
    if minimise == "cycles" and others[0]:
        # Is there one that saves more of both? What saves most energy is the likeliest.
        others.append(search.choose(Goal("energy", goal.least_share, any_energy=True)))
    search.judge([{}, *others], "judging others", FIRST)
    search.judge(others[: len(reduced)], "judging others")
    best = max(reduced, key=lambda item: _rank(search, goal, item[0], minimise))
    outcome.choice, outcome.gains = settled(search, *best)
    search.judge([{}, outcome.choice], "judging the rest")
    others = [outcome.choice if one is best[0] else one for one in others]
    outcome.alternatives = [choice for choice in others if key_of(choice) in search.judged]
    _promise(search, outcome)
    if outcome.choice and goal.minimise == "cycles" and not _is_above_chance(search, outcome):
        # The layout as linked is a lucky one: any relink may lose what these bring.
        outcome.choice, outcome.gains, outcome.is_chance = {}, {}, True
        _promise(search, outcome)


def _is_above_chance(search: Search, outcome: SearchOutcome) -> bool:
    """Whether every layout that a linker may make of the choice is faster than the linked one."""
    return max(one.active_cycles for one in outcome.relinked) < search.linked.active_cycles


def _rank(search: Search, goal: Goal, choice: Choice, minimise: str) -> tuple[float, int]:
    """The larger the better; of equal ones the one that moves less."""
    gain = search.gain({}, choice)
    if gain is None or not choice:
        return 0.0, 0
    linked = search.linked
    saved = gain.cycles / linked.active_cycles
    if minimise == "both":
        saved += gain.energy_fj / linked.energy_fj
    elif goal.minimise == "energy":
        saved = gain.energy_fj / linked.energy_fj
    return saved, -len(choice)


def _meet(search: Search, outcome: SearchOutcome, deadline_cycles: int) -> None:
    """The fewest bytes of TCM with which the run is done in time, as near as can be."""
    late = float(search.linked.cycles - deadline_cycles)
    needed = late
    for _ in range(_TRIES):
        outcome.choice = search.choose(outcome.goal, needed) if late > 0 else {}
        _promise(search, outcome)
        missed = max(one.cycles for one in outcome.relinked) - deadline_cycles
        outcome.meets_deadline = missed <= 0
        if missed <= 0 or needed > 2 * late + search.linked.active_cycles:
            break
        needed += missed
    choice = outcome.choice
    search.judge([{}, choice, *(without(choice, index) for index in choice)], "judging")
    for index in choice:
        gain = search.gain(without(choice, index), choice)
        if gain is not None:
            outcome.gains[index] = gain


def _promise(search: Search, outcome: SearchOutcome) -> None:
    """Time what a linker may make of the choice."""
    outcome.relinked = [search.linked]
    outcome.veneer_cycles = 0
    if not outcome.choice:
        return
    placement = search.place(outcome.choice) or Placement()
    outcome.veneer_cycles = search.veneer_cycles(placement.moves)
    setups = relinked_setups(search.image, search.setup, placement.moves, search.build.map)
    found = search.passes.time(setups, "as it will be linked")
    outcome.relinked = [one.with_veneers(outcome.veneer_cycles) for one in found]
