"""Run an ELF and build its Profile: the one place where loader, model, machine and costs meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from simcore import __version__
from simcore.core.counters import CAUSES, cycle_column
from simcore.costs.attribution import Attribution
from simcore.costs.coverage import FileCoverage
from simcore.costs.coverage import coverage as file_coverage
from simcore.costs.energy import energy_model
from simcore.costs.instructions import instruction_costs, line_costs
from simcore.costs.objects import object_costs
from simcore.costs.profile import (
    SCHEMA,
    Accuracy,
    Cpu,
    Elf,
    Exit,
    InstructionCosts,
    LineCosts,
    ObjectCosts,
    Profile,
    Tool,
)
from simcore.costs.timeline import timeline as timeline_of
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, load_image
from simcore.errors import ConfigError, nearest
from simcore.run.setup import Move, TimingSetup, placed

if TYPE_CHECKING:
    from simcore.core.counters import Counters
    from simcore.machine import Recorder
    from simcore.run.options import RunOptions, RunResult

DEFAULT_CPU = "stm32f746"

ACCURACY = Accuracy(counts="exact", cycles="modelled", energy="estimated")


@dataclass(frozen=True, slots=True)
class Simulation:
    """A run that has ended, with what it ran on: all that a report can be made of."""

    image: Image
    model: CpuModel
    options: RunOptions
    result: RunResult
    overrides: tuple[str, ...] = ()  # what the run changed of the part's model
    moves: tuple[Move, ...] = ()  # memory that was timed elsewhere

    def profile(
        self,
        *,
        ops: Sequence[str] = (),
        instructions: bool = False,
        lines: bool = False,
        coverage: bool = False,
    ) -> Profile:
        """The Profile of the run; ``instructions``, ``lines`` and ``coverage`` add those tables."""
        rows = self._instruction_costs() if instructions or lines or coverage else ()
        result = self.result
        profile = build_profile(
            self.image,
            self.model,
            self.options.clock_hz,
            result.counters,
            self.end,
            caches=self.options.caches,
            voltage_scale=self.options.voltage_scale,
            overrides=self.overrides,
            ops=ops,
            objects=self._object_costs(),
            warnings=(*self.image.warnings, *result.warnings),
            instructions=rows if instructions else None,
            lines=line_costs(rows) if lines else None,
            args=self.options.args,
        )
        if coverage:
            profile = replace(profile, coverage=self._coverage(profile, rows))
        if self.result.counters.trace is not None:
            options = self.options
            energy = energy_model(self.model, options.clock_hz, options.voltage_scale)
            over_time = timeline_of(self.result.counters, energy)
            warnings = (*profile.warnings, *over_time.warnings())
            profile = replace(profile, timeline=over_time, warnings=warnings)
        return profile

    @property
    def end(self) -> Exit:
        """How the run ended."""
        return Exit(self.result.exit_reason, self.result.exit_code, self.result.fault)

    @property
    def costs(self) -> Attribution:
        """The costs of the run by function and operation, without all else of a Profile."""
        clock_hz = self.options.clock_hz
        energy = energy_model(self.model, clock_hz, self.options.voltage_scale)
        return Attribution(self.result.counters, self.image.functions, energy, clock_hz)

    @property
    def cycles(self) -> int:
        """The modelled core cycles of the run."""
        counters = self.result.counters
        first = counters.columns.index(cycle_column(CAUSES[0]))
        return sum(sum(node.vector[first : first + len(CAUSES)]) for node in counters.nodes)

    def describe(self) -> str:
        """How much the pipeline model had to do, in one line."""
        entries = [entry for entry in self.result.counters.entries if entry.executions]
        pairs = {(entry.block, entry.state) for entry in entries}
        blocks = len({block for block, _ in pairs})
        states = len({state for _, state in pairs})
        return (
            f"{blocks:,} blocks in {states:,} pipeline states: {len(pairs):,} (state, block) pairs,"
            f" {len(entries):,} schedules"
        )

    def _instruction_costs(self) -> tuple[InstructionCosts, ...]:
        from simcore.costs.instruction_energy import with_energy

        result = self.result
        ran = result.counters, result.blocks, result.schedules
        return with_energy(
            instruction_costs(*ran, self._name_at, self.image.line_at),
            *ran,
            self.image.function_at,
            self._region_at,
            self.model.regions,
            energy_model(self.model, self.options.clock_hz, self.options.voltage_scale),
        )

    def _coverage(
        self, profile: Profile, rows: Sequence[InstructionCosts]
    ) -> tuple[FileCoverage, ...]:
        calls = {row.address: row.calls for row in profile.functions if row.address is not None}
        executions = {(row.file, row.line): row.executions for row in line_costs(rows)}
        return file_coverage(self.image, calls, executions)

    def _object_costs(self) -> tuple[ObjectCosts, ...]:
        result = self.result
        return object_costs(
            result.counters, result.blocks, self._name_at, self.image.line_at, self._region_at
        )

    def _name_at(self, address: int) -> str | None:
        function = self.image.function_at(address)
        return None if function is None else function.name

    def _region_at(self, address: int) -> str | None:
        """The region where what lies at an address is timed."""
        region = self.model.region_at(placed(self.moves, address))
        return None if region is None else region.name


def build_profile(
    image: Image,
    model: CpuModel,
    clock_hz: int,
    counters: Counters,
    end: Exit,
    *,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    ops: Sequence[str] = (),
    objects: Sequence[ObjectCosts] = (),
    warnings: Sequence[str] = (),
    instructions: Sequence[InstructionCosts] | None = None,
    lines: Sequence[LineCosts] | None = None,
    args: Sequence[str] | None = None,
) -> Profile:
    """The Profile of a run that has ended.

    ``clock_hz`` is the core clock, ``ops`` are patterns of functions whose calls are operations,
    ``args`` what the program was given.
    Raises ConfigError for a clock that the part does not reach.
    """
    point = model.operating_point(clock_hz, voltage_scale)
    energy = energy_model(model, clock_hz, voltage_scale)
    costs = Attribution(counters, image.functions, energy, clock_hz, ops)
    unmatched = [f"--op '{glob}' matches no function that ran" for glob in costs.unmatched_globs()]
    return Profile(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        elf=Elf(
            PurePath(image.path).name,
            image.sha256,
            image.build_id,
            image.compiler,
            image.load_bytes,
            image.ram_bytes,
        ),
        cpu=Cpu(
            name=model.name,
            title=model.title,
            model_sha256=model.sha256,
            clock_hz=clock_hz,
            voltage_scale=point.voltage_scale,
            voltage_v=model.supply_voltage_v,
            caches=caches,
            overrides=tuple(overrides),
        ),
        exit=end,
        accuracy=ACCURACY,
        totals=costs.totals(),
        functions=costs.function_costs(image.line_at),
        ops=costs.op_costs(),
        memory=costs.memory_costs(),
        caches=costs.caches(),
        call_tree=costs.call_tree(),
        warnings=(*warnings, *counters.warnings, *unmatched),
        objects=tuple(objects),
        instructions=None if instructions is None else tuple(instructions),
        lines=None if lines is None else tuple(lines),
        args=None if args is None else tuple(args),
    )


def check_op_globs(image: Image, globs: Sequence[str]) -> None:
    """Refuse a pattern that no function of the image matches. Raises ConfigError."""
    names = [function.name for function in image.functions]
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise ConfigError(
                f"--op '{glob}' matches no function of {image.path}{nearest(glob, names)}"
            )


def profile(
    elf: str | os.PathLike[str],
    cpu: str | os.PathLike[str] = DEFAULT_CPU,
    *,
    clock_hz: int | None = None,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    memory_from: str | os.PathLike[str] | None = None,
    place: Sequence[str] = (),
    layout_sweep: bool = False,
    args: Sequence[str] = (),
    ops: Sequence[str] = (),
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    instructions: bool = False,
    lines: bool = False,
    coverage: bool = False,
    timeline: bool = False,
    strict: bool = False,
    semihost_dir: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    verbose: bool = False,
    log: Callable[[str], None] | None = None,
    inspect: Callable[[Simulation], None] | None = None,
) -> Profile:
    """Run an ELF on the model of a part and return what it cost.

    ``cpu`` is a part's name or the path of a model file, ``clock_hz`` the core clock in Hz (the
    part's maximum when None), ``caches`` auto (the firmware decides), on or off. ``voltage_scale``
    is the lowest that allows the clock when None. ``overrides`` change the model, as in
    ``core.dcache.size=16K``; ``memory_from`` is a linker script whose memories replace the part's.
    ``place`` are WHAT=REGION: what the program has in memory is timed elsewhere, see
    simcore/placement. ``layout_sweep`` adds the cycles with all code shifted, see
    simcore/placement/layout.py.
    ``args`` go to the program over semihosting. ``ops`` are patterns: each call of a matching
    function counts as an operation. ``max_instructions`` and ``timeout_s`` (host seconds) bound
    the run. ``instructions``, ``lines``, ``coverage`` and ``timeline`` add those tables.
    ``strict`` makes an access to a peripheral that is not modelled a fault. ``semihost_dir`` opens
    a host folder to the program. ``stdin`` and ``stdout`` are the program's streams: empty and
    discarded when None.
    ``progress`` is called now and then with the instructions so far, ``log`` with lines on how
    the simulation went, ``inspect`` with the run itself, for reports that need more than a Profile.

    A program that fails, faults or reaches a limit still gives a Profile: see ``Profile.exit``.
    Raises ElfError, ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    image = load_image(os.fspath(elf))
    setup = load_setup(
        cpu,
        clock_hz=clock_hz,
        caches=caches,
        voltage_scale=voltage_scale,
        overrides=overrides,
        memory_from=memory_from,
    )

    def timed(setups: Sequence[TimingSetup]) -> list[Simulation]:
        return simulate_many(
            image,
            setups,
            args=args,
            max_instructions=max_instructions,
            timeout_s=timeout_s,
            strict=strict,
            semihost_dir=semihost_dir,
            stdin=stdin,
            stdout=stdout,
            progress=progress,
            verbose=verbose,
        )

    return profile_setup(
        image,
        setup,
        timed,
        place=place,
        layout_sweep=layout_sweep,
        ops=ops,
        instructions=instructions,
        lines=lines,
        coverage=coverage,
        timeline=timeline,
        log=log,
        inspect=inspect,
    )


def profile_setup(
    image: Image,
    setup: TimingSetup,
    timed: Callable[[Sequence[TimingSetup]], list[Simulation]],
    *,
    place: Sequence[str] = (),
    layout_sweep: bool = False,
    ops: Sequence[str] = (),
    instructions: bool = False,
    lines: bool = False,
    coverage: bool = False,
    timeline: bool = False,
    log: Callable[[str], None] | None = None,
    inspect: Callable[[Simulation], None] | None = None,
) -> Profile:
    """The Profile of a run under a setup, as :func:`profile` says.

    ``timed`` runs the program, or replays it, under several setups.
    """
    check_op_globs(image, ops)
    placement = None
    if place:
        from simcore.placement import place as find_places

        placement = find_places(image, setup.model, place)
        setup = replace(setup, moves=placement.moves)
    shifts = [(0, setup)]
    if layout_sweep:
        from simcore.placement.layout import layout_setups

        shifts = layout_setups(image, setup)
    shifts[0] = (shifts[0][0], replace(shifts[0][1], timeline=timeline))
    simulations = timed([shifted for _, shifted in shifts])
    if log is not None:
        log(simulations[0].describe())
    if inspect is not None:
        inspect(simulations[0])
    result = simulations[0].profile(
        ops=ops, instructions=instructions, lines=lines, coverage=coverage
    )
    if placement is not None:
        placement.check_run(image, simulations[0])
        warnings = (*result.warnings, *placement.warnings)
        result = replace(result, placement=placement.items, warnings=warnings)
    if layout_sweep:
        from simcore.placement.layout import layout_band

        band = layout_band([offset for offset, _ in shifts], [s.cycles for s in simulations])
        result = replace(result, layout=band)
    return result


def simulate(
    image: Image,
    cpu: str | os.PathLike[str] = DEFAULT_CPU,
    *,
    clock_hz: int | None = None,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    memory_from: str | os.PathLike[str] | None = None,
    args: Sequence[str] = (),
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    strict: bool = False,
    semihost_dir: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    verbose: bool = False,
) -> Simulation:
    """Run a loaded image on the model of a part; the arguments are those of :func:`profile`.

    Raises ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    setup = load_setup(
        cpu,
        clock_hz=clock_hz,
        caches=caches,
        voltage_scale=voltage_scale,
        overrides=overrides,
        memory_from=memory_from,
    )
    (simulation,) = simulate_many(
        image,
        [setup],
        args=args,
        max_instructions=max_instructions,
        timeout_s=timeout_s,
        strict=strict,
        semihost_dir=semihost_dir,
        stdin=stdin,
        stdout=stdout,
        progress=progress,
        verbose=verbose,
    )
    return simulation


def load_setup(
    cpu: str | os.PathLike[str] = DEFAULT_CPU,
    *,
    clock_hz: int | None = None,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    memory_from: str | os.PathLike[str] | None = None,
    moves: Sequence[Move] = (),
) -> TimingSetup:
    """A checked configuration on a part by name or file; arguments as in :func:`profile`.

    ``moves`` may come in any order. Raises ModelError or ConfigError.
    """
    script = None if memory_from is None else os.fspath(memory_from)
    model = load_cpu_model(os.fspath(cpu), tuple(overrides), script)
    changed = (*overrides, *(() if script is None else (f"memory from {PurePath(script).name}",)))
    setup = TimingSetup(model, clock_hz, caches, voltage_scale, tuple(sorted(moves)), changed)
    setup.check()
    return setup


def simulate_many(
    image: Image,
    setups: Sequence[TimingSetup],
    *,
    args: Sequence[str] = (),
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    strict: bool = False,
    semihost_dir: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    verbose: bool = False,
    recorder: Recorder | None = None,
) -> list[Simulation]:
    """Run a loaded image once and time it under each setup, in their order.

    The program runs on the memory map of the first setup's part and reads the first one's time;
    the other arguments are those of :func:`profile`. What hangs on that is in the warnings of the
    others, and ``result.clock_dependent`` says it. ``recorder`` is given what a capture holds.
    Raises ModelError, ConfigError,
    UnknownInstructionError or CoreError.
    """
    if not setups:
        raise ConfigError("there is no configuration to time the program under")
    for setup in setups:
        setup.check()
    for setup in setups[1:] if len(setups) > 1 else setups if setups[0].moves else ():
        setup.check_program(image)
    # Only now the engine, so that wrong input is answered at once.
    from simcore.machine import RunOptions, run_many

    first = setups[0]
    options = RunOptions(
        clock_hz=first.core_clock_hz,
        voltage_scale=first.voltage_scale,
        caches=first.caches,
        max_instructions=max_instructions,
        timeout_s=timeout_s,
        args=tuple(args),
        semihost_dir=None if semihost_dir is None else Path(semihost_dir),
        strict=strict,
        verbose=verbose,
        stdin=stdin,
        stdout=stdout,
    )
    results = run_many(image, setups, options, progress, recorder)
    return [
        Simulation(
            image,
            setup.model,
            replace(
                options,
                clock_hz=setup.core_clock_hz,
                voltage_scale=setup.voltage_scale,
                caches=setup.caches,
            ),
            result,
            setup.changed,
            setup.moves,
        )
        for setup, result in zip(setups, results, strict=True)
    ]
