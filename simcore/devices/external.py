"""Controllers of external memory: a board whose program writes to one has the memory."""

from __future__ import annotations

from collections.abc import Mapping

#: Address and size in bytes of the registers, by the name of the region in the part's file.
Controllers = Mapping[str, tuple[int, int]]


def _fmc(base: int) -> Controllers:
    """The FMC's BCR and BTR of NOR and SRAM, PCR of NAND, SDCR to SDSR: RM0385 13.5 to 13.7."""
    return {
        "fmc_bank1": (base, 0x20),
        "fmc_bank3": (base + 0x80, 0x10),
        "sdram": (base + 0x140, 0x18),
    }


STM32F7 = _fmc(0xA000_0000)
STM32H7 = _fmc(0x5200_4000)
#: SEMC, and FlexSPI2: IMXRT1060RM, the memory map of both.
IMXRT1060: Controllers = {"sdram": (0x402F_0000, 0x100), "psram": (0x402A_4000, 0x100)}
