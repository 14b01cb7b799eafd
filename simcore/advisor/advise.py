"""From a program to advice: one run, the search over its capture, and the result put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from simcore import __version__
from simcore.advisor.candidates import find_candidates, names
from simcore.advisor.results import SCHEMA, Advice, AdvisedMove, Cost, Rejected
from simcore.advisor.search import (
    Goal,
    Search,
    Timed,
    costs_without,
    find_best,
    gain_of,
    key_of,
)
from simcore.costs.origin import Tool
from simcore.costs.profile import Profile
from simcore.costs.tables import LayoutBand
from simcore.errors import ConfigError, ExitCode
from simcore.extras import require
from simcore.linking import Build, applied, attributes_text, linker_fragment, open_build
from simcore.placement import Placement, program_memory
from simcore.placement.layout import layout_band, layout_setups
from simcore.plain import filled
from simcore.simulation.capture import record_run
from simcore.simulation.program import Program, open_capture, open_program

MINIMISE = ("cycles", "energy")
MOST_CANDIDATES = 16
FEW_CHOICES = 64  # so many are all timed


def advise(
    elf: str | os.PathLike[str],
    cpu: str | os.PathLike[str] | None = None,
    *,
    minimise: str = "cycles",
    deadline_s: float | None = None,
    candidates: int = MOST_CANDIDATES,
    count_copies: bool = False,
    few_choices: int = FEW_CHOICES,
    map_file: str | None = None,
    linker_script: str | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Advice:
    """Find where functions and data of a program should lie in a part's TCMs and SRAM banks.

    ``elf`` is an ELF or a capture, whose run reads and prints nothing; ``cpu`` and ``options`` are
    fields of a RunSpec. ``stdin``, ``stdout`` and ``progress`` are those of the one run.
    ``minimise`` is cycles or energy; with ``deadline_s`` it is the bytes of TCM that meet it.
    ``candidates`` is how many functions and objects are considered, those that wait most. With
    ``few_choices`` or fewer in all, each is timed. ``count_copies`` leaves data where it is that
    waits no longer in this run than its copy from ROM takes at the start. ``map_file`` is the
    linker's map of the program, which else is looked for beside it; ``linker_script`` is the script
    that it was linked with, which the advice then has with the fragment in it.

    Raises ElfError, CaptureError, ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    require("advise", "mcusim advise")
    if minimise not in MINIMISE:
        raise ConfigError(f"advice minimises {' or '.join(MINIMISE)}, not {minimise!r}")

    search = partial(
        _advise,
        minimise=minimise,
        deadline_s=deadline_s,
        candidates=candidates,
        count_copies=count_copies,
        few_choices=few_choices,
    )
    program = open_program(elf, cpu, **options)
    search = partial(search, build=open_build(program.image, map_file, linker_script))
    if program.capture is not None:
        return search(program)
    # The program runs once; what follows is timed from its capture.
    with TemporaryDirectory(prefix="mcusim-") as folder:
        path = Path(folder) / "run.mcu"
        streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "progress": progress}
        try:
            with path.open("wb") as file:
                record_run(program.spec, file, **streams)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise ConfigError(f"{folder}: cannot hold the capture of the run: {reason}") from None
        return search(open_capture(path, memory_from=program.spec.memory_from))


def _advise(
    program: Program,
    minimise: str,
    deadline_s: float | None,
    candidates: int,
    count_copies: bool,
    few_choices: int,
    build: Build,
) -> Advice:
    image, run, setup = program.image, program.simulate, program.spec.setup(image=program.image)
    goal = Goal(minimise, None if deadline_s is None else int(deadline_s * setup.core_clock_hz))
    memory = program_memory(image, setup.model)
    shifts = layout_setups(image, setup)
    simulations = run([shifted for _, shifted in shifts])
    linked = simulations[0]
    linked_band = layout_band([offset for offset, _ in shifts], [s.cycles for s in simulations])
    profile = program.told(linked.profile())
    search = Search(image, setup, memory, run, count_copies)
    search.timed[()] = search.measure({}, Placement(), linked)
    if profile.exit.status is ExitCode.OK:
        search.candidates = find_candidates(image, setup, memory, profile, candidates)
    best = find_best(search, goal, few_choices)
    without = costs_without(search, best)
    final = replace(setup, moves=best.placement.moves)
    shifts = layout_setups(image, final)
    bands = run([shifted for _, shifted in shifts]) if best.choice else simulations
    band = layout_band([offset for offset, _ in shifts], [s.cycles for s in bands])
    if best.choice:
        best.placement.check_run(image, bands[0])
    return _advice(search, profile, best, goal, deadline_s, (linked_band, band), without, build)


def _advice(
    search: Search,
    profile: Profile,
    best: Timed,
    goal: Goal,
    deadline_s: float | None,
    bands: tuple[LayoutBand, LayoutBand],
    without: dict[int, int],
    build: Build,
) -> Advice:
    base = search.timed[()]
    clock_hz = profile.cpu.clock_hz
    alone = {
        key_of(timed.choice)[0]: base.cycles - timed.cycles
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
    fragment = linker_fragment(search.image, search.setup, search.memory, pieces, build, profile)
    return filled(
        Advice,
        profile,
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        args=profile.args or (),
        minimise="tcm" if goal.deadline_cycles is not None else goal.minimise,
        deadline_s=deadline_s,
        meets_deadline=(
            None if goal.deadline_cycles is None else best.cycles <= goal.deadline_cycles
        ),
        linked=_cost(base, clock_hz),
        advised=_cost(best, clock_hz),
        predicted_cycles=base.cycles - sum(alone.get(item, 0) for item in key_of(best.choice)),
        timings=len(search.timed),
        moves=tuple(moves),
        placement=best.placement.items,
        rejected=_rejected(search, best, goal, shown, width),
        linked_layout=bands[0],
        advised_layout=bands[1],
        significant=base.cycles - best.cycles > width,
        copied_bytes=best.placement.copied_bytes,
        copy_cycles=sum(search.candidates[index].copy_cycles for index in best.choice),
        linker_script=fragment.text,
        attributes=attributes_text(search.image, pieces),
        applied_script=(
            None if build.script is None else applied(build.script, fragment, search.image)
        ),
        warnings=(
            *profile.scope_notes,
            *profile.warnings,
            *best.placement.warnings,
            *fragment.stays,
        ),
    )


def _rejected(
    search: Search, best: Timed, goal: Goal, shown: Sequence[str], width: int
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
        timed, region = max(tried, key=lambda item: gain_of(goal, base, item[0]))
        gain = base.cycles - timed.cycles
        if not search.pays({index: region}):
            reason = "read too seldom to pay for its copy"
        elif gain_of(goal, base, timed) <= 0:
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
    return Cost(
        timed.cycles,
        timed.active_cycles,
        timed.cycles / clock_hz,
        timed.energy_fj / 1e15,
        timed.tcm,
    )
