"""Runs a study: one execution per program and part, each timed under all its configurations.

Executions share nothing, so they run in processes of their own when there are several.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any, BinaryIO

from simcore import __version__
from simcore.comparison.metrics import joules
from simcore.costs.origin import Tool
from simcore.costs.profile import Profile
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.errors import ConfigError, McusimError
from simcore.interrupts import resume
from simcore.parallel import LostWorkError
from simcore.placement import Placement, place, program_memory, tcm_bytes
from simcore.placement.elsewhere import timed_elsewhere
from simcore.placement.equivalents import linked_for
from simcore.placement.layout import layout_band, layout_setups
from simcore.placement.pieces import ProgramMemory
from simcore.plain import filled
from simcore.run.needed import needed_files
from simcore.run.options import NotedInput
from simcore.run.reached import Watcher
from simcore.run.setup import TimingSetup
from simcore.run.spec import PartSpec, RunSpec, given
from simcore.simulation.capture import Capture
from simcore.simulation.program import Program, open_file, open_program
from simcore.simulation.simulation import Simulation
from simcore.whatif.configuration import Configuration, check_names
from simcore.whatif.rates import deadlines
from simcore.whatif.results import SCHEMA, Change, ObjectStalls, Outcome, WhatIf
from simcore.workers import Workers

if TYPE_CHECKING:
    from simcore.store.database import ResultStore
    from simcore.whatif.stored import StoredOutcomes

#: A program, and the configurations that share an execution of it.
_Pair = tuple[str | Capture, list[Configuration]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration with its part, its places, and the setups of its layout sweep."""

    configuration: Configuration
    setup: TimingSetup
    placement: Placement
    shifts: tuple[tuple[int, TimingSetup], ...]  # the first is `setup`


def what_if(
    elves: Sequence[str | Capture],
    configurations: Sequence[Configuration],
    *,
    processes: int | None = None,
    scheduler: str | None = None,
    rerun: bool = False,
    store: ResultStore | None = None,
    cache: bool = True,
    stdin: BinaryIO | NotedInput | None = None,
    stdout: BinaryIO | None = None,
    progress: Watcher | None = None,
    **options: Any,
) -> WhatIf:
    """Time programs under configurations; those of one program and part share one execution.

    ``elves`` are ELF files or captures, which repeat their run: they take no arguments or limits;
    a capture may be given opened.
    ``processes`` is how many executions run at a time, as many as the host has cores when None;
    with the address of a ``scheduler`` of Dask they run on its workers.
    With ``rerun`` each configuration is executed on its own, so that what time decides (interrupts,
    sleep, ``for_s``) is its own, too; a capture cannot be executed again.
    What a ``store`` of results holds is not run again, and what runs is kept there. ``cache`` is
    that of :func:`simcore.simulation.program.open_program`.
    ``options`` are fields of a RunSpec that are no configuration's, such as ``args`` or
    ``layout_sweep``. With several executions the programs read nothing from ``stdin``. Ctrl-C ends
    the study with what is finished: see ``WhatIf.interrupted``.

    Raises ElfError, CaptureError, ModelError, ConfigError, UnknownInstructionError or CoreError;
    what is asked for is checked in full before anything runs.
    """
    check_names(configurations)
    for field in fields(PartSpec):
        if field.name in options:
            raise TypeError(f"'{field.name}' is a configuration's: give it there")
    spec = given(RunSpec, options)
    files = [elf if isinstance(elf, Capture) else open_file(elf) for elf in elves]
    rates = any(configuration.irq for configuration in configurations)
    if (rerun or rates) and (captures := [file for file in files if isinstance(file, Capture)]):
        raise ConfigError(
            f"{_path(captures[0])}: {'--irq' if rates else '--rerun'} executes a program, and this"
            " is a capture"
        )
    groups = _by_execution(configurations)
    parts = tuple(group[0] for group in groups)
    if rerun or rates:
        groups = [[configuration] for configuration in configurations]
    pairs = list(product(files, groups))
    tasks = [
        TimedExecution(_path(file), tuple(group), _with_irq(options, group), parts, cache)
        for file, group in pairs
    ]
    executions = len(tasks)
    done: dict[tuple[str, str], Outcome] = {}
    shelf = None
    if store is not None:
        from simcore.whatif.stored import StoredOutcomes

        shelf = StoredOutcomes(store, parts, rerun or rates)
        tasks, pairs = _not_there(tasks, pairs, shelf, done)
    opened = [task.open(file) for task, (file, _) in zip(tasks, pairs, strict=True)]
    workers = Workers(processes, scheduler)
    if spec.semihost_dir is not None and scheduler is None:
        workers = Workers(1)  # programs that write files of one name
    interrupted = False

    def keep(task: TimedExecution, outcomes: Sequence[Outcome], noted: object = None) -> None:
        done.update({(task.elf, outcome.name): outcome for outcome in outcomes})
        if shelf is not None:
            shelf.keep(task.elf, task.configurations, task.options, outcomes, noted)

    if tasks and workers.is_here(len(tasks)):
        noted: BinaryIO | NotedInput | None = stdin if executions == 1 else None
        if shelf is not None and noted is not None and not isinstance(noted, NotedInput):
            noted = NotedInput(noted)
        streams = {"stdin": noted, "stdout": stdout, "progress": progress}
        for task, (program, prepared) in zip(tasks, opened, strict=True):
            outcomes = run_prepared(program, prepared, streams)
            interrupted = any(outcome.exit.reason == "interrupted" for outcome in outcomes)
            if not (interrupted and done):
                keep(task, outcomes, noted)
            if interrupted:
                break
    elif tasks:
        interrupted = _run_elsewhere(tasks, workers, stdout, keep)
    rows: list[Outcome] = []
    for elf in map(_path, files):
        found = [done[elf, c.name] for c in configurations if (elf, c.name) in done]
        if found and found[0].name == configurations[0].name:
            found = [replace(row, change=_change(found[0], row)) for row in found]
        rows += found
    return WhatIf(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        args=spec.args,
        executions=executions,
        configurations=tuple(rows),
        interrupted=interrupted,
    )


def _with_irq(options: Mapping[str, Any], group: Sequence[Configuration]) -> Mapping[str, Any]:
    """The options of an execution; a configuration with rates is alone in its group."""
    if not group[0].irq:
        return options
    return {**options, "irq": (*options.get("irq", ()), *group[0].irq)}


def _path(file: str | Capture) -> str:
    return file if isinstance(file, str) else file.path


def _by_execution(configurations: Sequence[Configuration]) -> list[list[Configuration]]:
    """Groups that one execution serves: of one part with one memory map."""
    groups: dict[tuple[Any, ...], list[Configuration]] = {}
    for configuration in configurations:
        maps = tuple(o for o in configuration.overrides if o.startswith("region."))
        key = (configuration.cpu, configuration.memory_from, maps)
        groups.setdefault(key, []).append(configuration)
    return list(groups.values())


def prepare(
    image: Image,
    configurations: Sequence[Configuration],
    layout_sweep: bool,
    home: CpuModel | None = None,
) -> list[Prepared]:
    """Load the part of each configuration and find its places. Raises ModelError or ConfigError.

    ``home`` is the part that the program is linked for, if it is another.
    """
    memory: ProgramMemory | None = None
    found = []
    for configuration in configurations:
        setup = configuration.setup(image=None if home else image)
        placement = Placement()
        if home is not None:
            setup, placement = timed_elsewhere(image, home, setup, configuration.place)
        elif configuration.place:
            memory = memory or program_memory(image, setup.model)
            placement = place(image, setup.model, configuration.place, memory)
            setup = replace(setup, moves=placement.moves)
        shifts = layout_setups(image, setup) if layout_sweep else [(0, setup)]
        found.append(Prepared(configuration, setup, placement, tuple(shifts)))
    return found


@dataclass(frozen=True, slots=True)
class TimedExecution:
    """One execution with what it is timed under; goes to another process as it is."""

    elf: str
    configurations: tuple[Configuration, ...]
    options: Mapping[str, Any]  # fields of a RunSpec
    parts: tuple[Configuration, ...] = ()  # one of each part of the study
    cache: bool = True  # as open_program() has it

    def open(self, file: str | Capture) -> tuple[Program, list[Prepared]]:
        """The ELF or capture, and its configurations ready to time; ``file`` is what `elf` names.

        Raises ElfError, CaptureError, ModelError or ConfigError.
        """
        program = self.program(file)
        home_part = program.home()
        return program, prepare(
            program.image,
            self.configurations,
            program.spec.layout_sweep,
            None if home_part is None else home_part.model,
        )

    def program(self, file: str | Capture) -> Program:
        """The ELF or capture as it runs; as :meth:`open`."""
        # What of the part a capture was recorded under does not matter: configurations say it.
        first = self.configurations[0]
        program = open_program(file, first.cpu, cache=self.cache, **self.options)
        spec = replace(program.spec, overrides=first.overrides, memory_from=first.memory_from)
        if program.capture is None and len(self.parts) > 1:
            home = linked_for(program.image, self.parts)
            spec = replace(spec, linked_for=None if home == first.cpu else home)
        return replace(program, spec=spec)

    def files(self) -> list[str]:
        """What it reads of this machine. Raises ConfigError."""
        parts = (*self.configurations, *self.parts)
        specs = dict.fromkeys(one.spec(self.elf, self.options) for one in parts)
        return [name for spec in specs for name in needed_files(spec)]

    def run_alone(self) -> tuple[list[Outcome], bytes]:
        """The outcomes and what the program printed; for a process of its own."""
        printed = io.BytesIO()
        return run_prepared(*self.open(self.elf), {"stdout": printed}), printed.getvalue()


def run_prepared(
    program: Program, prepared: Sequence[Prepared], streams: Mapping[str, Any]
) -> list[Outcome]:
    """What each configuration costs; ``streams`` are those of Program.simulate()."""
    home = program.home() if program.capture is None else None
    before = [] if home is None else [home]
    timed = [*before, *(s for one in prepared for _, s in one.shifts)]
    simulations = program.simulate(timed, **streams)[len(before) :]
    outcomes = []
    for one in prepared:
        own, simulations = simulations[: len(one.shifts)], simulations[len(one.shifts) :]
        outcomes.append(outcome(program, one, own))
    return outcomes


def _run_elsewhere(
    tasks: Sequence[TimedExecution],
    workers: Workers,
    stdout: BinaryIO | None,
    keep: Callable[[TimedExecution, Sequence[Outcome]], None],
) -> bool:
    """Keep what each task gives; returns whether Ctrl-C came before all was done."""
    printed: dict[int, bytes] = {}
    shown = 0
    try:
        for number, future in workers.run(TimedExecution.run_alone, tasks, TimedExecution.files):
            outcomes, printed[number] = future.result()
            keep(tasks[number], outcomes)
            while stdout is not None and shown in printed:  # in the order of the tasks
                stdout.write(printed.pop(shown))
                stdout.flush()
                shown += 1
    except KeyboardInterrupt:
        resume()
        return True
    except LostWorkError as error:
        raise McusimError(f"{tasks[number].elf}: {error}") from None
    return False


def _not_there(
    tasks: Sequence[TimedExecution],
    pairs: Sequence[_Pair],
    shelf: StoredOutcomes,
    done: dict[tuple[str, str], Outcome],
) -> tuple[list[TimedExecution], list[_Pair]]:
    """The executions of which a store lacks an outcome; fills ``done`` with those that it has.

    The first configuration stays in each: the others are timed in its execution.
    """
    left = []
    for task, pair in zip(tasks, pairs, strict=True):
        found = shelf.load(task.elf, task.configurations, task.options)
        done.update(found)
        first, *others = task.configurations
        missing = [one for one in others if (task.elf, one.name) not in found]
        if missing or (task.elf, first.name) not in found:
            left.append((replace(task, configurations=(first, *missing)), pair))
    return [task for task, _ in left], [pair for _, pair in left]


def outcome(program: Program, prepared: Prepared, simulations: Sequence[Simulation]) -> Outcome:
    """What a configuration cost; its first simulation is the one without a shift.

    Raises ConfigError when the run shows that the placement cannot be.
    """
    image, simulation = program.image, simulations[0]
    prepared.placement.check_run(image, simulation)
    profile = program.told(simulation.profile())
    totals = profile.totals
    band = None
    if len(simulations) > 1:
        offsets = [offset for offset, _ in prepared.shifts]
        band = layout_band(offsets, [shifted.cycles for shifted in simulations])
    return filled(
        Outcome,
        totals,  # before the profile, whose instructions are a table
        profile,
        name=prepared.configuration.name,
        icache_misses=profile.caches.icache.misses,
        dcache_misses=profile.caches.dcache.misses,
        object_stalls=object_stalls(profile, _barrier_waits(image, simulation)),
        tcm_bytes=tcm_bytes(image, simulation.model, simulation.moves, _stack(image, profile)),
        placement=prepared.placement.items,
        copied_bytes=prepared.placement.copied_bytes,
        layout=band,
        change=None,
        warnings=(*profile.scope_notes, *profile.warnings, *prepared.placement.warnings),
        deadlines=deadlines(image, prepared.setup, prepared.configuration.irq, profile),
    )


def object_stalls(profile: Profile, barrier_waits: Mapping[str, int]) -> tuple[ObjectStalls, ...]:
    """Cycles that each function's fetches and DSBs and each data object's accesses waited.

    ``barrier_waits`` are those of the DSBs in cycles, by function.
    """
    functions = [
        ObjectStalls(
            row.name, "function", row.cycles_by_cause["fetch"] + barrier_waits.get(row.name, 0)
        )
        for row in profile.functions
    ]
    objects = [ObjectStalls(row.name, row.kind, row.stall_cycles) for row in profile.objects]
    return tuple(row for row in (*functions, *objects) if row.stall_cycles)


def _barrier_waits(image: Image, simulation: Simulation) -> dict[str, int]:
    waits: dict[str, int] = {}
    for block in simulation.result.counters.blocks:
        function = image.function_at(block.address)
        if block.barrier_stall_cycles and function is not None:
            waits[function.name] = waits.get(function.name, 0) + block.barrier_stall_cycles
    return waits


def _stack(image: Image, profile: Profile) -> tuple[int, int] | None:
    used, top = profile.totals.stack_high_water_bytes, image.initial_sp
    return None if used is None or top is None else (top - used, top)


def _change(first: Outcome, row: Outcome) -> Change | None:
    if row is first:
        return None
    cycles = row.active_cycles - first.active_cycles
    energy_j = joules(row.energy_j, first.energy_j)
    stalls = {(one.name, one.kind): one.stall_cycles for one in row.object_stalls}
    before = {(one.name, one.kind): one.stall_cycles for one in first.object_stalls}
    objects = [
        ObjectStalls(*key, stalls.get(key, 0) - before.get(key, 0))
        for key in dict.fromkeys((*before, *stalls))
    ]
    objects.sort(key=lambda one: (-abs(one.stall_cycles), one.name, one.kind))
    return Change(
        cycles=cycles,
        cycles_relative=cycles / first.active_cycles if first.active_cycles else 0.0,
        time_s=row.time_s - first.time_s,
        energy_j=energy_j,
        energy_relative=energy_j / first.energy_j if first.energy_j else None,
        cycles_by_cause={
            cause: row.cycles_by_cause[cause] - count
            for cause, count in first.cycles_by_cause.items()
        },
        objects=tuple(one for one in objects if one.stall_cycles),
        significant=_is_significant(first, row, cycles),
    )


def _is_significant(first: Outcome, row: Outcome, cycles: int) -> bool | None:
    """Whether a difference is larger than what alignment makes of either."""
    if first.layout is None or row.layout is None:
        return None
    widths = [band.maximum_cycles - band.minimum_cycles for band in (first.layout, row.layout)]
    return abs(cycles) > max(widths)
