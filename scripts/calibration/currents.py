"""The supply currents of the data sheets, and the figures that go with them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("supply_currents.csv")

#: Cells that contradict their own table: they count in every error, but no fit follows them.
SUSPECT = {
    ("stm32h743y", 25, "flash_cached"): "14 mA at 25 MHz as at 60 MHz, and 4 mA above ITCM where"
    " every other clock has at most 1",
}


def is_f7(silicon: str) -> bool:
    """Whether a part is an STM32F7: AHB SRAM, flash behind the ART, over-drive."""
    return silicon.startswith("stm32f7")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured current: typical, 25 °C, all peripherals off, whole chip at the VDD pin."""

    silicon: str  # the part whose model stands for it
    source: str
    clock_mhz: int
    voltage_scale: str
    setting: str  # a key of rates.SETTINGS
    current_ma: float

    @property
    def clock_hz(self) -> int:
        return self.clock_mhz * 1_000_000

    @property
    def suspect(self) -> str | None:
        """Why no fit follows the cell, None for the others."""
        return SUSPECT.get((self.silicon, self.clock_mhz, self.setting))


def load_rows() -> list[Row]:
    """All rows of docs/sources/silicon.md 3.1 to 3.3, but for the 105 mA cell it calls suspect."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Row(
                silicon=line["silicon"],
                source=line["source"],
                clock_mhz=int(line["clock_mhz"]),
                voltage_scale=line["voltage_scale"],
                setting=line["setting"],
                current_ma=float(line["current_ma"]),
            )
            for line in csv.DictReader(file)
        ]


#: VCORE of the STM32H743 rev V at VOS0 to VOS3, in V (DS12110).
VCORE = (1.35, 1.20, 1.10, 1.00)

#: Clock-enable increments at those voltages, in µA/MHz (DS12110, rev V).
INCREMENTS = {
    "dtcm": (8.1, 7.0, 6.2, 5.5),  # mean of DTCM1 and DTCM2
    "itcm": (7.0, 6.3, 5.6, 5.1),
    "axi_sram": (13, 11, 9.9, 8.7),
    "flash": (17, 15, 14, 12),
    "ahb_sram": (5.7, 4.9, 4.4, 3.9),  # SRAM1
}

#: Bus matrix of the STM32F7 at scale 1, in µA/MHz (DS11853).
F7_BUS_MATRIX = 15.8


def increment(memory: str) -> float:
    """What clocking a memory for one cycle moves, in pC per volt of VCORE (pF).

    µA/MHz is pC per cycle; over VCORE the four voltages agree within 3 %.
    """
    each = [pc / volts for pc, volts in zip(INCREMENTS[memory], VCORE, strict=True)]
    return sum(each) / len(each)


#: MLPerf Tiny v0.7 to v1.2 on the STM32H7A3 at 280 MHz, mW (docs/sources/silicon.md 4): ad, ic.
MLPERF_FULLY_CONNECTED = (152.8, 146.2, 122.0, 135.6)
MLPERF_CONVOLUTION = (159.0, 160.6, 121.8, 125.2)
