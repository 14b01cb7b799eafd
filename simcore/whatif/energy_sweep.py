"""Energy and time of one program over all operating points of a part.

Every operating point runs at its highest clock, or at one clock that is given, with the flash wait
states which that clock needs, whatever the firmware writes to the flash control register: firmware
is built for one clock. Points at which every memory answers after the same number of core cycles
take the same cycles, so they share a timing; all are timed on one execution.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Annotated, Any, BinaryIO

from simcore import __version__
from simcore.costs.attribution import Attribution
from simcore.costs.energy import energy_model
from simcore.costs.origin import Elf, Exit, Tool
from simcore.cpu_model import CpuModel, OperatingPoint
from simcore.errors import ExitCode
from simcore.plain import Amount, Count, Document, Json, Sha256, filled, one_of, schema_name
from simcore.run.reached import Watcher
from simcore.run.setup import TimingSetup
from simcore.simulation.program import open_program
from simcore.simulation.simulation import Simulation

SCHEMA = "mcusim.energy-sweep/1"


@dataclass(frozen=True, slots=True)
class Part:
    """The part that ran."""

    name: str
    title: str
    model_sha256: Sha256
    """Of the resolved CPU model; equal models give comparable profiles."""
    voltage_v: Amount
    """Volts at the supply pin, where the energy is counted."""
    caches: Annotated[str, one_of("auto", "on", "off")]
    """auto: the firmware decides."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """What the run cost at one operating point."""

    voltage_scale: str
    core_voltage_v: Amount
    """Volts of the core behind the regulator."""
    clock_hz: Count
    """Core clock, Hz."""
    flash_wait_states: Count
    """That this clock needs, whatever the firmware sets."""
    cycles: Count
    """Core clock cycles."""
    time_s: Amount
    """cycles / clock_hz."""
    energy_j: Amount
    """Joules at the supply pin."""
    energy_low_j: Amount
    """Lower end of the interval that a board's energy is expected in."""
    energy_high_j: Amount
    """Upper end of that interval."""
    power_w: Amount | None
    """Average: energy_j / time_s."""
    energy_delay_js: Amount
    """energy_j x time_s, joule seconds."""
    meets_deadline: bool | None
    """Null when no deadline was asked for."""


@dataclass(frozen=True, slots=True)
class EnergySweep(Document):
    """One run of one program at every operating point of a part.

    'mcusim profile --energy-sweep' writes it. Cycles are modelled, energy is estimated.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    elf: Elf
    cpu: Part
    exit: Exit
    deadline_s: Annotated[float, Json(exclusiveMinimum=0)] | None
    """Time that the run may take."""
    points: tuple[SweepPoint, ...]
    """By rising clock."""
    minimum_energy: Count | None
    """Index into points of the least energy; null when the program ended well at none."""
    minimum_energy_in_deadline: Count | None
    """Index into points of the least energy that meets the deadline; null when there is none."""
    warnings: tuple[str, ...]

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this result."""
        if self.exit.status is not ExitCode.OK:
            return self.exit.status
        late = self.deadline_s is not None and self.minimum_energy_in_deadline is None
        return ExitCode.REGRESSION if late else ExitCode.OK


def energy_sweep(
    file: str | os.PathLike[str],
    cpu: str | os.PathLike[str] | None = None,
    *,
    clock_hz: int | None = None,
    deadline_s: float | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Watcher | None = None,
    **options: Any,
) -> EnergySweep:
    """Run an ELF once, or time a capture, at every operating point of a part: what each costs.

    ``clock_hz`` holds the clock for all points that allow it; each takes its own highest when None.
    ``deadline_s`` is the time that the run may take. ``cpu`` and ``options`` are fields of a
    RunSpec. The program reads the time of the first point. Of a run that does not end well that
    point alone is told: see ``exit``.

    Raises ElfError, CaptureError, ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    program = open_program(file, cpu, **options)
    setup = program.spec.setup(image=program.image)
    model = setup.model
    points = _points(model, clock_hz)
    if model.flash_control.latency_mask:
        # Firmware is built for one clock: each point has the wait states that its own needs.
        flash = replace(model.flash_control, latency_mask=0)
        setup = replace(setup, model=replace(model, flash_control=flash))
    setups: dict[str, TimingSetup] = {}
    keys = []
    for point in points:
        clock = clock_hz or point.max_clock
        keys.append(_timing_key(model, clock, setup.caches, point.voltage_scale))
        own = replace(setup, clock_hz=clock, voltage_scale=point.voltage_scale)
        setups.setdefault(keys[-1], own)
    runs = program.simulate([*setups.values()], stdin=stdin, stdout=stdout, progress=progress)
    by_key = dict(zip(setups, runs, strict=True))
    swept = []
    for point, key in zip(points, keys, strict=True):
        simulation = by_key[key]
        clock = clock_hz or point.max_clock
        swept.append(_sweep_point(simulation, model, point, clock, deadline_s))
        if simulation.end.status is not ExitCode.OK:
            break
    return _result(model, runs, swept, deadline_s)


def _points(model: CpuModel, clock_hz: int | None) -> list[OperatingPoint]:
    if clock_hz is None:
        return list(model.operating_points)
    model.operating_point(clock_hz)  # refuses a clock that the part does not reach
    return [point for point in model.operating_points if clock_hz <= point.max_clock]


def _timing_key(model: CpuModel, clock_hz: int, caches: str, voltage_scale: str) -> str:
    """The same text for points that take the same cycles."""
    timing, regions = model.timing(clock_hz, caches, voltage_scale)
    unlike = {"clock_hz": 0, "flash_wait_states": 0}
    return json.dumps([{**timing, **unlike}, regions], sort_keys=True)


def _sweep_point(
    simulation: Simulation,
    model: CpuModel,
    point: OperatingPoint,
    clock_hz: int,
    deadline_s: float | None,
) -> SweepPoint:
    energy = energy_model(model, clock_hz, point.voltage_scale)
    counters, functions = simulation.result.counters, simulation.image.functions
    totals = Attribution(counters, functions, energy, clock_hz).totals()
    return filled(
        SweepPoint,
        totals,
        voltage_scale=point.voltage_scale,
        core_voltage_v=point.core_voltage,
        clock_hz=clock_hz,
        flash_wait_states=model.flash_wait_states(clock_hz, point.voltage_scale),
        meets_deadline=None if deadline_s is None else totals.time_s <= deadline_s,
    )


def _result(
    model: CpuModel,
    runs: Sequence[Simulation],
    swept: Sequence[SweepPoint],
    deadline_s: float | None,
) -> EnergySweep:
    profile, image, caches = runs[0].profile(), runs[0].image, runs[0].options.caches
    warnings = dict.fromkeys(
        (*profile.scope_notes, *(w for run in runs for w in run.profile().warnings))
    )
    # Of a run that does not end well the first point is the last one.
    ended = range(len(swept) - (profile.exit.status is not ExitCode.OK))
    in_time = [i for i in ended if swept[i].meets_deadline]
    return EnergySweep(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        elf=Elf(PurePath(image.path).name, image.sha256, image.build_id, image.compiler),
        cpu=Part(model.name, model.title, model.sha256, model.supply_voltage_v, caches),
        exit=profile.exit,
        deadline_s=deadline_s,
        points=tuple(swept),
        minimum_energy=_cheapest(swept, ended),
        minimum_energy_in_deadline=_cheapest(swept, in_time),
        warnings=tuple(warnings),
    )


def _cheapest(points: Sequence[SweepPoint], indices: Sequence[int]) -> int | None:
    """The index of the least energy; of equals the fastest."""
    return min(indices, key=lambda i: (points[i].energy_j, points[i].time_s), default=None)
