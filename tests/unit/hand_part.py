"""A part whose every energy can be read off this page."""

from __future__ import annotations

from dataclasses import replace

from simcore.cpu_model import CpuModel, EnergyCoefficients, Memory, OperatingPoint, load_cpu_model

F746 = load_cpu_model("stm32f746")
CLOCK_HZ = 150_000_000


def hand_part(
    regulator: str = "ldo", reference_voltage: float = 1.25, core_voltage: float = 1.0
) -> CpuModel:
    """A part of few numbers: every event energy is at 0.8 of its picojoules, by its voltage."""
    point = OperatingPoint(
        "hand", "only", 150_000_000, 150_000_000, core_voltage=core_voltage, always_on_power=0.1
    )
    tcm = Memory("tcm", "tcm", read_energy=3, write_energy=4, fetch_energy=66)
    flash = Memory(
        "flash", "axi", read_energy=12, write_energy=13, fetch_energy=16,
        refill_energy=100, write_back_energy=50,
    )  # fmt: skip
    regions = tuple(
        replace(region, name=name, kind=name, memory=memory.name)
        for region, name, memory in zip(
            F746.regions, ("itcm", "dtcm", "flash"), (tcm, tcm, flash), strict=False
        )
    )
    energy = EnergyCoefficients(
        regulator=regulator, reference_voltage=reference_voltage, clock_tree=10, active_cycle=20,
        pipeline_cycle=30, icache_access=1, dcache_access=2, issue={"alu": 5, "nothing": 0},
    )  # fmt: skip
    return replace(
        F746, operating_points=(point,), regions=regions, energy=energy,
        memories={"tcm": tcm, "flash": flash},
    )  # fmt: skip


#: Two thirds of a picojoule: 0.1 mW over 150 MHz.
STANDING = {"always_on": 667, "clock": 8_000, "core": 16_000}
