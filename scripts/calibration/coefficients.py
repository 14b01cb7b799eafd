"""From fits to the facts of the CPU model files: pJ at the supply pin, with origin and status."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from scripts.calibration.currents import MLPERF_CONVOLUTION, MLPERF_FULLY_CONNECTED, is_f7
from scripts.calibration.facts import Fact
from scripts.calibration.fit import (
    CLASS_WEIGHTS,
    INSTRUCTION_SHARE,
    LEAKAGE_EXPONENT,
    Fit,
    features,
    memory_charges,
    scale_to,
)
from scripts.calibration.rates import event_counts, program_counts
from scripts.calibration.settings import PREBUILT
from simcore.costs.energy import WAITING, region_terms
from simcore.cpu_model import CpuModel, load_cpu_model

BOARD_SPREAD = 0.15  # between boards and data sheets (docs/sources/silicon.md 4)
STAND_IN = 0.20  # of a part whose own table was not found: assumed
# Of what single events cost: class weights and RAM factors within their bounds move the events of
# the kernels by up to 7 %, another share between events and cycles by up to 20 %.
SPLIT = 0.20
DENSITY = 1.0  # of issue energy beyond the measured density: INSTRUCTION_SHARE from 0 to twice it

REGULATOR_EFFICIENCY = 0.85  # of the STM32H7A3's converter: assumed; the fit absorbs it
MLPERF_CLOCK = 280_000_000

#: Tables of the flash; the other memories' energies are derived from increments.
_FLASH = ("flash.", "flash_axim.", "flash_art.")


def reference_voltage(model: CpuModel, silicon: str) -> float:
    """The core voltage to which a file's energies belong: that of scale 1, VOS0 or the top."""
    if is_f7(silicon):
        return model.operating_point(180_000_000, "scale1").core_voltage
    return max(point.core_voltage for point in model.operating_points)


def part_facts(fit: Fit, h723: Fit, tag: str, tables: str) -> list[Fact]:
    """The facts of one silicon's file; `tag` is its data sheet's, `tables` names all of them."""
    model = load_cpu_model(fit.silicon)
    volts = reference_voltage(model, fit.silicon)
    supply = model.energy.supply_voltage
    fitted, own = f"{tag}: scripts/fit-energy", sum(not row.suspect for row in fit.rows)
    derived = f"{tables}: scripts/fit-energy"
    values = fit.values
    factor = fit.free.get("core", 1.0)

    def picojoules(charge: float) -> float:
        return supply * volts * charge

    shared = "core" in fit.free  # its core has the STM32H723's ratios
    facts = _general(values, volts, "ldo")
    facts += [
        Fact("energy", "uncertainty", math.hypot(BOARD_SPREAD, fit.rms), "ratio", fitted, "derived",
             f"{BOARD_SPREAD:.0%} between boards, {fit.rms:.1%} rms of the fit"),
        Fact("energy", "clock_tree", picojoules(values["clock"]), "pJ", fitted, "fitted",
             f"{own} currents"),
        *_core(values, picojoules, *((derived, "derived") if shared else (fitted, "fitted"))),
    ]  # fmt: skip
    memories = memory_charges(values, factor, f7=is_f7(fit.silicon))
    for key, charge in memories.items():
        table, _, name = key.rpartition(".")
        source, status = derived, "derived"
        own_flash = key.startswith(_FLASH) and fit.silicon != "stm32h743"
        if own_flash or (key == "itcm.fetch_energy" and "itcm" in fit.free):
            source, status = fitted, "fitted"
        note = ""
        if own_flash and fit.free.get("flash") == 0:
            status, note = "assumed", "at its floor: by 64 bits what the dearest RAM costs"
        facts.append(Fact(f"memory.{table}", name, picojoules(charge), "pJ", source, status, note))
    for point in model.operating_points:
        at = fit.voltages[point.voltage_scale]
        power = supply * always_on(fit.values, at)
        table = f"operating_point.{point.name}"
        if is_f7(fit.silicon) and point.voltage_scale == "scale1-overdrive":
            facts.append(Fact(table, "core_voltage", at, "V", fitted, "fitted",
                              "best of 1.32 to 1.40 V for the rows with over-drive"))  # fmt: skip
        inherited = fit.silicon == "stm32h743"
        facts.append(Fact(table, "always_on_power", power, "mW", derived if inherited else fitted,
                          "derived" if inherited else "fitted"))  # fmt: skip
    return facts


def family_facts(facts: list[Fact], fit: Fit) -> list[Fact]:
    """The STM32F7 family's facts: those of the F723, less sure for the parts it stands in for."""
    spread = math.hypot(BOARD_SPREAD, fit.rms, STAND_IN)
    note = f"as for the STM32F723, with {STAND_IN:.0%} for another part's table"
    return [
        Fact(f.table, f.key, spread, f.unit, f.source, "assumed", note)
        if f.key == "uncertainty"
        else f
        for f in facts
    ]


def generic_facts(facts: list[Fact]) -> list[Fact]:
    """The ideal part borrows from the STM32F7 family: its memories are TCMs and one SRAM."""
    found = []
    for fact in facts:
        table = fact.table
        if table.startswith("operating_point."):
            if table != "operating_point.scale1_overdrive":
                continue
            table = "operating_point.ideal"
        known = ("energy", "energy.issue", "memory.itcm", "memory.dtcm", "memory.sram")
        if fact.key == "uncertainty" or table not in (*known, "operating_point.ideal"):
            continue
        found.append(Fact(table, fact.key, fact.value, fact.unit, "STM32F7: as there", "assumed"))
    return found


def h7a3_facts(h723: Fit) -> tuple[list[Fact], float]:
    """The STM32H7A3: the H723's charges behind a switching regulator, scaled to MLPerf's power.

    Returns the facts and the factor on the STM32H723's charges.
    """
    model = load_cpu_model("stm32h7a3")
    volts = reference_voltage(model, "stm32h7a3")
    supply = model.energy.supply_voltage
    charges = h723.values
    memories = memory_charges(charges, 1.0)

    def static(at: float) -> float:
        # mW: leakage behind the regulator, the rest at the pin.
        leakage = charges["leakage"] * at**LEAKAGE_EXPONENT * at / REGULATOR_EFFICIENCY
        return leakage + supply * charges["fixed"]

    programs = [
        program_counts(PREBUILT / f"{name}.elf", model, MLPERF_CLOCK, "on")
        for name in ("conv2d_s8", "fully_connected_s8")
    ]

    def power(factor: float) -> float:
        dynamic = [
            _charge(model, counts, charges, memories) * volts**2 * factor for counts in programs
        ]
        # pJ per cycle at a clock in Hz: 1e-9 mW each.
        return static(volts) + sum(dynamic) / len(dynamic) * MLPERF_CLOCK * 1e-9

    measured = (*MLPERF_CONVOLUTION, *MLPERF_FULLY_CONNECTED)
    mean = sum(measured) / len(measured)
    factor = scale_to(power, mean)
    rms = math.sqrt(sum((p / mean - 1) ** 2 for p in measured) / len(measured))

    def picojoules(charge: float) -> float:
        return factor * volts**2 * charge

    source = "MLPERF, DS13313: scripts/fit-energy"
    facts = _general(charges, volts, "smps")
    facts += [
        Fact("energy", "uncertainty", math.hypot(BOARD_SPREAD, rms), "ratio", source, "derived",
             f"{BOARD_SPREAD:.0%} between boards, {rms:.1%} rms between MLPerf's runs"),
        Fact("energy", "clock_tree", picojoules(charges["clock"]), "pJ", source, "derived"),
        *_core(charges, picojoules, source, "derived"),
    ]  # fmt: skip
    for key, charge in memories.items():
        table, _, name = key.rpartition(".")
        facts.append(Fact(f"memory.{table}", name, picojoules(charge), "pJ", source, "derived"))
    for point in model.operating_points:
        facts.append(
            Fact(f"operating_point.{point.name}", "always_on_power", static(point.core_voltage),
                 "mW", source, "derived")
        )  # fmt: skip
    return facts, factor * REGULATOR_EFFICIENCY


def always_on(values: Mapping[str, float], volts: float) -> float:
    """Always-on current at a core voltage, mA."""
    return values.get("fixed", 0.0) + values.get("leakage", 0.0) * volts**LEAKAGE_EXPONENT


def _charge(
    model: CpuModel,
    counts: Mapping[str, int],
    charges: Mapping[str, float],
    memories: Mapping[str, float],
) -> float:
    """pF per cycle of a run, from the terms that energy.py counts."""
    cycles = sum(n for name, n in counts.items() if name.startswith("cycles."))
    total = (charges["clock"] + charges["active"]) * cycles
    total += charges["pipeline"] * (cycles - sum(counts[f"cycles.{name}"] for name in WAITING))
    total += charges["issue"] * sum(w * counts[name] for name, w in CLASS_WEIGHTS.items())
    total += charges["icache"] * (
        counts["icache_accesses"] + counts["dcache_reads"] + counts["dcache_writes"]
    )
    for region in model.regions:
        for _, column, key, share in region_terms(region):
            total += memories.get(f"{region.memory}.{key}", 0.0) * share * counts[column]
    return total / cycles


def _general(values: Mapping[str, float], volts: float, regulator: str) -> list[Fact]:
    exponent = (
        "VCORE, as a linear regulator" if regulator == "ldo" else "VCORE^2, as a switching one"
    )
    return [
        Fact("energy", "reference_voltage", volts, "V", "definition", "derived",
             f"the energies here scale with {exponent} makes it"),
        Fact("energy", "split_uncertainty", SPLIT, "ratio", "definition", "assumed",
             "of issue, fetch and data energy: how the classes and memories share it"),
        Fact("energy", "density_uncertainty", DENSITY, "ratio", "definition", "assumed",
             "of issue energy beyond the measured density: none to twice the share by instruction"),
        Fact("energy", "reference_density", _density(values), "ratio", "definition", "derived",
             "issue over pipeline energy of the mixed kernel in ITCM"),
    ]  # fmt: skip


def _density(values: Mapping[str, float]) -> float:
    """Issue over pipeline energy of the program that the data sheets ran."""
    rates = features(event_counts("stm32h723", "itcm", MLPERF_CLOCK))
    return values["issue"] * rates["issue"] / (values["pipeline"] * rates["pipeline"])


def _core(
    values: Mapping[str, float], picojoules: Callable[[float], float], source: str, status: str
) -> list[Fact]:
    """Core, caches and instruction classes; a D-cache access costs what an I-cache's does."""
    facts = [
        Fact("energy", "active_cycle", picojoules(values["active"]), "pJ", source, status),
        Fact("energy", "pipeline_cycle", picojoules(values["pipeline"]), "pJ", source, "derived",
             f"{status} with the instructions; {INSTRUCTION_SHARE:.0%} by instruction is assumed"),
        Fact("energy", "icache_access", picojoules(values["icache"]), "pJ", source, status),
        Fact("energy", "dcache_access", picojoules(values["icache"]), "pJ", source, "assumed",
             "as the I-cache"),
    ]  # fmt: skip
    facts += [
        Fact("energy.issue", name, picojoules(weight * values["issue"]), "pJ", source,
             "derived" if weight == 1.0 else "assumed",
             "" if weight == 1.0 else f"{weight:g} times an ALU instruction")
        for name, weight in CLASS_WEIGHTS.items()
    ]  # fmt: skip
    return facts
