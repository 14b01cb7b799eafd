"""Energy coefficients from supply currents, by non-negative least squares.

A current is what its charges make: always-on current, plus, at f MHz and core voltage V,

    I = P0 + PL x V^4 + f x V x (clock + awake x active + moving x pipeline + instructions x issue
                                 + accesses x memory)

with P0 and PL in mA and the rest in pC per volt (pF) and event. The linear regulator passes current
on, so V enters once; the energy at the pin is VDD x I. Leakage is taken to grow with V^4. Counts
per cycle come from the model itself, running the mixed kernel in the setting of each row.

The rows ran one program, in which instructions per moving cycle hardly differ: they give the sum of
pipeline and issue, INSTRUCTION_SHARE splits it. What else a part's rows cannot tell apart is taken
from the STM32H723, the cleanest table, as fixed ratios: a part then has one coefficient for its
core. That is what few rows can carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import nnls  # type: ignore[import-untyped]

from scripts.calibration.currents import F7_BUS_MATRIX, Row, increment
from scripts.calibration.rates import event_counts
from simcore.costs.energy import WAITING
from simcore.cpu_model import load_cpu_model

#: Energy of an instruction by class over that of an ALU instruction: assumed, as no row tells.
CLASS_WEIGHTS = {
    "alu": 1.0,
    "multiply": 1.15,
    "divide": 1.15,
    "fp_single": 1.15,
    "fp_double": 1.35,
    "load": 1.07,
    "store": 1.07,
    "branch": 1.0,
    "other": 1.0,
}

#: Of what issuing costs at the density of CoreMark, the share that is paid by instruction; the rest
#: is paid by cycle in which the pipeline moves, however many issue in it. No row of a data sheet
#: tells it. All that docs/sources/silicon.md says of power between programs wants it small, even 0:
#: MLPerf's convolutional networks draw from 8 % less to 10 % more than its fully connected one, on
#: the mean 1.5 % more, 400 networks of MicroNets lie within 0.7 %, and CMSIS-NN's dense kernels
#: draw 6 % less than plain C (4.9 times the efficiency at 4.6 times the speed). At a quarter the
#: second instruction adds 11 to 18 % to what its cycle costs; assumed, the interval spans 0 to 1/2.
INSTRUCTION_SHARE = 0.25

#: Charge of a 64-bit access to a RAM over the clock-enable increment of that RAM. The increment
#: itself is the least it can be, and per 64 bits the STM32H723's flash comes to about four times.
ACCESS_OVER_INCREMENT = 2.0

#: Share of the STM32H723's active-cycle charge that an STM32F7 stall keeps. The F7's rows alone
#: would put it at nothing; a quarter keeps a stall dearer than Sleep and costs the fit little.
F7_ACTIVE_SHARE = 0.25

LINE_BEATS = 4  # of 64 bits

LEAKAGE_EXPONENT = 4
RELATIVE_ERROR = 0.02  # of the model against a row
RESOLUTION_MA = 0.5  # in which the tables are printed

#: Core voltages tried for the F7's over-drive: from that of scale 1 to the data sheet's largest.
OVERDRIVE_VOLTS = (1.32, 1.34, 1.36, 1.38, 1.40)

Terms = Mapping[str, float]  # feature -> weight


@dataclass(frozen=True)
class Fit:
    """One silicon: what was free, what was given, and how far each row is off."""

    silicon: str
    rows: tuple[Row, ...]
    free: Mapping[str, float]  # coefficient -> fitted value, mA or pF
    values: Mapping[str, float]  # feature -> value, mA or pF, with what was given
    residuals: tuple[float, ...]  # relative, model over measured less 1
    left_out: tuple[float, ...]  # the same with the row's frequency left out of the fit
    voltages: Mapping[str, float] = field(default_factory=dict)

    @property
    def rms(self) -> float:
        return math.sqrt(sum(e * e for e in self.residuals) / len(self.residuals))


def core_voltages(part: str) -> dict[str, float]:
    """Core voltage of each voltage scale, V."""
    return {p.voltage_scale: p.core_voltage for p in load_cpu_model(part).operating_points}


def features(counts: Mapping[str, int]) -> dict[str, float]:
    """Events per cycle that the fit tells apart."""
    cycles = sum(n for name, n in counts.items() if name.startswith("cycles."))

    def rate(*names: str) -> float:
        return sum(counts.get(name, 0) for name in names) / cycles

    return {
        "clock": 1.0,
        "active": 1.0 - rate("cycles.sleep"),
        "pipeline": 1.0 - rate("cycles.sleep", *(f"cycles.{cause}" for cause in WAITING)),
        "issue": sum(weight * rate(name) for name, weight in CLASS_WEIGHTS.items()),
        "itcm": rate("itcm.fetch_bytes") / 8,
        "icache": rate("icache_accesses"),
        "dtcm": rate("dtcm.reads", "dtcm.writes"),
        # A line of 32 bytes, whether a refill or an uncached fetch brings it.
        "flash": rate("flash.fetches", "flash.instruction_refills", "flash.data_refills"),
        "art": rate("flash_itcm.fetches"),
    }


def fit(
    silicon: str,
    rows: Sequence[Row],
    free: Mapping[str, Terms],
    given: Terms,
    voltages: Mapping[str, float],
) -> Fit:
    """Fit the free coefficients of one silicon to its rows.

    Each free coefficient feeds features by weights; `given` are parts of features that are known.
    Suspect cells do not pull at the coefficients, but their errors count like those of the others.
    """
    mine = tuple(row for row in rows if row.silicon == silicon)
    trusted = np.array([not row.suspect for row in mine])
    table = [_row_features(row, voltages[row.voltage_scale]) for row in mine]
    matrix = np.array(
        [[sum(w * f[name] for name, w in terms.items()) for terms in free.values()] for f in table]
    )
    known = np.array([sum(w * f[name] for name, w in given.items()) for f in table])
    measured = np.array([row.current_ma for row in mine])
    # Relative error counts, so that small currents do; what the table cannot print does not.
    sigma = np.hypot(RELATIVE_ERROR * measured, RESOLUTION_MA)

    def solve(use: np.ndarray) -> np.ndarray:
        use = use & trusted
        scaled = matrix[use] / sigma[use, None]
        solution: np.ndarray = nnls(scaled, (measured - known)[use] / sigma[use])[0]
        return solution

    def errors(use: np.ndarray) -> np.ndarray:
        relative: np.ndarray = (matrix @ solve(use) + known) / measured - 1
        return relative

    clocks = np.array([row.clock_mhz for row in mine])
    found = solve(clocks > 0)
    left_out = np.zeros(len(mine))
    for clock in sorted(set(clocks)):
        left_out[clocks == clock] = errors(clocks != clock)[clocks == clock]
    values = dict(given)
    for terms, value in zip(free.values(), found, strict=True):
        for feature, weight in terms.items():
            values[feature] = values.get(feature, 0.0) + weight * float(value)
    return Fit(
        silicon,
        mine,
        {name: float(value) for name, value in zip(free, found, strict=True)},
        values,
        tuple(float(e) for e in errors(clocks > 0)),
        tuple(float(e) for e in left_out),
        dict(voltages),
    )


def _row_features(row: Row, volts: float) -> dict[str, float]:
    """What multiplies each coefficient in the current of a row, in mA per mA or pF."""
    counts = event_counts(row.silicon, row.setting, row.clock_hz, row.voltage_scale)
    charge = volts * row.clock_mhz / 1000
    return {
        "fixed": 1.0,
        "leakage": volts**LEAKAGE_EXPONENT,
        **{name: rate * charge for name, rate in features(counts).items()},
    }


def _each(*names: str) -> dict[str, Terms]:
    return {name: {name: 1.0} for name in names}


def fit_all(rows: Sequence[Row]) -> dict[str, Fit]:
    """The four silicons; the STM32H723 first, as the others take their ratios from it."""
    h723 = fit_h723(rows)
    return {
        "stm32h723": h723,
        "stm32h743": fit_h743(rows, h723),
        "stm32h743y": fit_h743y(rows, h723),
        "stm32f723": fit_f7("stm32f723", rows, h723),
    }


def fit_h723(rows: Sequence[Row]) -> Fit:
    """Everything free; the RAMs' floor is what their clock-enable increments say.

    That of the flash, the dearest memory of a chip, is the dearest RAM's, by 64 bits.
    """
    tcm = {name: ACCESS_OVER_INCREMENT * increment(name) for name in ("itcm", "dtcm")}
    flash = LINE_BEATS * memory_charges({**tcm, "flash": 0.0}, 1.0)["srd_sram.read_energy"]
    return fit(
        "stm32h723",
        rows,
        {
            **_each("fixed", "leakage", "clock", "active"),
            "engine": {"pipeline": 1 - INSTRUCTION_SHARE, "issue": INSTRUCTION_SHARE},
            **_each("icache", "flash"),
        },
        {**tcm, "icache": tcm["itcm"], "flash": flash},
        core_voltages("stm32h723"),
    )


def fit_h743(rows: Sequence[Row], h723: Fit) -> Fit:
    """Rev V: nine rows without one from flash. Clock tree and one factor on the H723's core."""
    return fit(
        "stm32h743",
        rows,
        {**_each("clock"), "core": core_terms(h723, "flash")},
        {name: h723.values[name] for name in ("fixed", "leakage")},
        core_voltages("stm32h743"),
    )


def fit_h743y(rows: Sequence[Row], h723: Fit) -> Fit:
    """Rev Y: as rev V, but its flash and its always-on current are its own."""
    return fit(
        "stm32h743y",
        rows,
        {**_each("fixed", "clock"), "core": core_terms(h723), **_each("flash")},
        {"leakage": h723.values["leakage"]},
        core_voltages("stm32h743y"),
    )


def fit_f7(silicon: str, rows: Sequence[Row], h723: Fit) -> Fit:
    """An STM32F7: its own ITCM and flash, both of which its table has rows for."""
    core = core_terms(h723)
    del core["itcm"]
    moved = (1 - F7_ACTIVE_SHARE) * core["active"]
    core["active"] -= moved
    core["pipeline"] += (1 - INSTRUCTION_SHARE) * moved
    core["issue"] += INSTRUCTION_SHARE * moved
    free = {
        **_each("fixed", "leakage", "clock"),
        "core": core,
        **_each("itcm", "flash", "art"),
    }

    def at(volts: float) -> Fit:
        voltages = {**core_voltages(silicon), "scale1-overdrive": volts}
        return fit(silicon, rows, free, {}, voltages)

    return min((at(volts) for volts in OVERDRIVE_VOLTS), key=lambda candidate: candidate.rms)


def core_terms(h723: Fit, *more: str) -> dict[str, float]:
    """The STM32H723's core as one coefficient."""
    return {
        name: h723.values[name]
        for name in ("active", "pipeline", "issue", "itcm", "icache", "dtcm", *more)
    }


def memory_charges(
    values: Mapping[str, float], factor: float, *, f7: bool = False
) -> dict[str, float]:
    """pF of an access to each memory of the model, by "memory.key".

    `values` are those of the fit, `factor` is the part's core over the STM32H723's. A bus access is
    its RAM's increment and that of the matrix in between; lines go in beats of the bus width.
    """

    def ram(name: str) -> float:
        return factor * ACCESS_OVER_INCREMENT * increment(name)

    found: dict[str, float] = {}

    def put(memory: str, single: float, beats: int = 0, fetch: float | None = None) -> None:
        found[f"{memory}.read_energy"] = found[f"{memory}.write_energy"] = single
        if fetch is not None:
            found[f"{memory}.fetch_energy"] = fetch
        if beats:
            found[f"{memory}.refill_energy"] = found[f"{memory}.write_back_energy"] = beats * single

    put("itcm", values["dtcm"], fetch=values["itcm"])
    put("dtcm", values["dtcm"])
    flash = {"read_energy": 1.0, "fetch_energy": 1.0}
    if f7:
        matrix = (
            F7_BUS_MATRIX / load_cpu_model("stm32f723").operating_point(180_000_000).core_voltage
        )
        sram = ram("ahb_sram") + matrix
        put("sram", sram, 8, fetch=2 * sram)
        put("peripheral", sram)
        for key in (*flash, "refill_energy"):
            found[f"flash_axim.{key}"] = values["flash"]
        for key in flash:
            found[f"flash_art.{key}"] = values["art"]
        return found
    axi = ram("axi_sram")
    ahb = axi + ram("ahb_sram")
    put("axi_sram", axi, 4, fetch=axi)
    put("ahb_sram", ahb, 8, fetch=2 * ahb)
    put("srd_sram", 1.1 * ahb, 8, fetch=2.2 * ahb)
    put("peripheral", ahb)
    for key in (*flash, "refill_energy"):
        found[f"flash.{key}"] = values["flash"]
    return found


def scale_to(power: Callable[[float], float], target: float) -> float:
    """The factor at which a power that is linear in it meets the target."""
    offset, slope = power(0.0), power(1.0) - power(0.0)
    return (target - offset) / slope
