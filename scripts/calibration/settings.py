"""The settings in which data sheets give supply currents: program, caches, model overrides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PREBUILT = ROOT / "kernels" / "prebuilt"
FIRMWARE = ROOT / "tests" / "firmware" / "prebuilt"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where code lies and what is switched on. Data is in DTCM."""

    title: str
    elf: str = ""  # of tests/firmware/prebuilt; none: the core sleeps
    caches: str = "on"
    overrides: tuple[str, ...] = ()


#: The columns of the data sheets' tables, by the name that supply_currents.csv has for them.
SETTINGS = {
    "itcm": Setting("code in ITCM", "mixed_f723_itcm"),
    "flash_cached": Setting("flash, caches on", "energy_flash"),
    "flash_uncached": Setting("flash, caches off", "energy_flash", "off"),
    "flash_itcm_bus": Setting(
        "flash on ITCM bus, ART off",
        "energy_art",
        "off",
        ("memory.flash_art.rows=1", "memory.flash_art.prefetch=false"),
    ),
    "sleep": Setting("Sleep"),
}
