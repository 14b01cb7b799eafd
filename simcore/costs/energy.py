"""From counters to energy by component, in whole femtojoules at the supply pin.

    E = always-on power x time                     component "always_on"
      + clock tree x every cycle                   "clock", or "sleep" for the cycles slept
      + active core x every cycle not slept        "core"
      + pipeline x every cycle that moves          "pipeline"
      + instructions x energy of their class       "issue"
      + fetches x energy of where they hit         "fetch"
      + data accesses x energy of where they hit   "data"

Every term is a whole number of femtojoules times a counter, so the model is exactly linear: the
energies of the nodes of a call tree sum to the energy of the run. The pipeline moves in cycles
that issue and in the bubbles between (dependencies, branches, long operations); while it waits for
a memory it stands, and a cycle pays the clock tree and the active core only. What an instruction
adds to a cycle that moves is small, so power depends little on how many issue together. Every
stall costs less than a cycle that issues. Time is cycles at a fixed clock, so always-on power is an
energy per cycle.

The energies of a part hold at its reference core voltage. An event moves the charge C x VCORE; a
linear regulator passes that current on from the pin (energy VDD x C x VCORE), a switching one the
energy (C x VCORE^2 / efficiency). So energies scale with VCORE or its square, by regulator.
Always-on power, mostly leakage, is a figure of each operating point. All at 25 °C.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from simcore.core.counters import CAUSES, cycle_column, region_column
from simcore.cpu_model import CpuModel, EnergyCoefficients, OperatingPoint, Region
from simcore.cpu_model.schema import TCM_KINDS
from simcore.records import dataclass

COMPONENTS = ("always_on", "clock", "core", "pipeline", "issue", "fetch", "data", "sleep")

#: Components of single events. Current tables fix their sum and leave their split open.
EVENT_COMPONENTS = ("issue", "fetch", "data")

#: Causes of cycles in which the pipeline stands, waiting for a memory.
WAITING = ("fetch", "load", "store")

_FEMTOJOULES_PER_PICOJOULE = 1000
_FETCH_BYTES = 8
_VOLTAGE_EXPONENT = {"ldo": 1, "smps": 2}

_Term = tuple[str, str, str, float]


@dataclass(frozen=True, slots=True)
class EnergyModel:
    """The energy of a part at one operating point and clock: whole femtojoules per counter.

    `coefficients` maps each component to (column, fJ per count) pairs; a column may feed several.
    `uncertainty` is relative, of a whole chip's energy: the fit's residuals and the spread between
    boards. `split_uncertainty` is that of the event components, whose split is partly assumed.
    `density_uncertainty` is that of issue energy beyond `reference_density` times the pipeline's,
    the mix that was measured: how much denser code costs is partly assumed.
    """

    clock_hz: int
    point: OperatingPoint
    coefficients: Mapping[str, tuple[tuple[str, int], ...]]
    uncertainty: float = 0.0
    split_uncertainty: float = 0.0
    density_uncertainty: float = 0.0
    reference_density: float = 0.0

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(self.coefficients)

    def femtojoules(self, vector: Mapping[str, int]) -> dict[str, int]:
        """Energy by component of counts by column name; a column that is missing counts 0."""
        return {
            component: sum(vector.get(column, 0) * energy for column, energy in terms)
            for component, terms in self.coefficients.items()
        }

    def half_width(self, parts: Mapping[str, int]) -> int:
        """Half width in fJ of the interval around the sum of `parts`, energies by component.

        The uncertainties are independent, so they add as squares.
        """
        events = sum(parts.get(component, 0) for component in EVENT_COMPONENTS)
        measured = self.reference_density * parts.get("pipeline", 0)
        whole = sum(parts.values())
        half = math.hypot(
            self.uncertainty * whole,
            self.split_uncertainty * events,
            self.density_uncertainty * (parts.get("issue", 0) - measured),
        )
        return min(whole, round(half))


def voltage_scale(energy: EnergyCoefficients, point: OperatingPoint) -> float:
    """Event energies at `point` over those at the reference core voltage; 1 if either is 0."""
    if not energy.reference_voltage or not point.core_voltage:
        return 1.0
    return (point.core_voltage / energy.reference_voltage) ** _VOLTAGE_EXPONENT[energy.regulator]


def energy_model(model: CpuModel, clock_hz: int, scale: str | None = None) -> EnergyModel:
    """The energy model of a part at a clock and voltage scale, the lowest for the clock if None.

    Raises ConfigError for a clock or voltage scale that the part does not have.
    """
    point = model.operating_point(clock_hz, scale)
    energy = model.energy
    factor = voltage_scale(energy, point) * _FEMTOJOULES_PER_PICOJOULE

    def scaled(picojoules: float) -> int:
        return round(picojoules * factor)

    # mW / Hz is 1e-3 J per cycle, which is 1e12 fJ.
    always_on = round(point.always_on_power * 10**12 / clock_hz)
    awake = [cycle_column(cause) for cause in CAUSES if cause != "sleep"]
    moving = [cycle_column(cause) for cause in CAUSES if cause not in (*WAITING, "sleep")]
    asleep = cycle_column("sleep")
    fetch = [("icache_accesses", scaled(energy.icache_access))]
    data = [
        ("dcache_reads", scaled(energy.dcache_access)),
        ("dcache_writes", scaled(energy.dcache_access)),
    ]
    for region in model.regions:
        memory = model.memories[region.memory]
        for component, column, event, share in region_terms(region):
            into = fetch if component == "fetch" else data
            into.append((column, scaled(getattr(memory, event) * share)))
    coefficients = {
        "always_on": [(column, always_on) for column in (*awake, asleep)],
        "clock": [(column, scaled(energy.clock_tree)) for column in awake],
        "core": [(column, scaled(energy.active_cycle)) for column in awake],
        "pipeline": [(column, scaled(energy.pipeline_cycle)) for column in moving],
        "issue": [(name, scaled(pj)) for name, pj in energy.issue.items()],
        "fetch": fetch,
        "data": data,
        "sleep": [(asleep, scaled(energy.clock_tree))],
    }
    return EnergyModel(
        clock_hz=clock_hz,
        point=point,
        coefficients={
            component: tuple((column, fj) for column, fj in coefficients[component] if fj)
            for component in COMPONENTS
        },
        uncertainty=energy.uncertainty,
        split_uncertainty=energy.split_uncertainty,
        density_uncertainty=energy.density_uncertainty,
        reference_density=energy.reference_density,
    )


def region_terms(region: Region) -> list[_Term]:
    """(component, column, energy of the region's memory, share of it) of each event of a region.

    Loads and stores that hit the D-cache are none: the cache has taken account of them.
    """

    def term(component: str, counter: str, event: str, share: float = 1) -> _Term:
        return component, region_column(region.name, counter), event, share

    if region.kind in TCM_KINDS:
        # No cache between, and the core counts bytes: every byte is an eighth of a 64-bit fetch.
        fetch = [term("fetch", "fetch_bytes", "fetch_energy", 1 / _FETCH_BYTES)]
        reads, writes = "reads", "writes"
    else:
        fetch = [
            term("fetch", "fetches", "fetch_energy"),
            term("fetch", "instruction_refills", "refill_energy"),
        ]
        reads, writes = "uncached_reads", "uncached_writes"
    return [
        *fetch,
        term("data", reads, "read_energy"),
        term("data", writes, "write_energy"),
        term("data", "data_refills", "refill_energy"),
        term("data", "write_backs", "write_back_energy"),
    ]
