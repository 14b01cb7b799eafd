"""Reset and clock control of STM32 parts: oscillators and PLLs are ready as soon as they are on.

On silicon a crystal starts within milliseconds and a PLL locks within about 100 us; here both take
no time, so that a start-up that waits for them turns once.
"""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import CLOCK, Device, Register, Rule, ends_at_once, follows


def _backup_and_csr(csr: int) -> tuple[Register, ...]:
    return (
        Register("BDCR", 0x70, rules=(follows(1, 0),)),
        Register("CSR", 0x74, csr, rules=(follows(1, 0),)),
    )


def _plain(first: int, names: str) -> tuple[Register, ...]:
    """Registers one behind the other that only keep what is written; `-` is a gap."""
    listed = enumerate(names.split())
    return tuple(Register(name, first + 4 * n) for n, name in listed if name != "-")


def stm32f7() -> Device:
    return Device(
        "RCC",
        0x4002_3800,
        "RM0385 chapter 5, RM0410 chapter 5: RCC registers",
        (
            Register(
                "CR",
                0x00,
                0x0000_0083,
                rules=(
                    follows(1, 0),  # HSIRDY
                    follows(17, 16),  # HSERDY
                    follows(25, 24),  # PLLRDY
                    follows(27, 26),  # PLLI2SRDY
                    follows(29, 28),  # PLLSAIRDY
                ),
            ),
            Register("PLLCFGR", 0x04, 0x2400_3010, rules=(CLOCK,)),
            Register("CFGR", 0x08, rules=(follows(2, 0, width=2), CLOCK)),  # SWS of SW
            Register("CIR", 0x0C, rules=(ends_at_once(*range(16, 24)),)),
            *_plain(0x10, "AHB1RSTR AHB2RSTR AHB3RSTR - APB1RSTR APB2RSTR"),
            Register("AHB1ENR", 0x30, 0x0010_0000),
            *_plain(0x34, "AHB2ENR AHB3ENR - APB1ENR APB2ENR"),
            Register("AHB1LPENR", 0x50, 0x7E67_91FF),
            Register("AHB2LPENR", 0x54, 0x0000_00F1),
            Register("AHB3LPENR", 0x58, 0x0000_0001),
            Register("APB1LPENR", 0x60, 0x36FE_C9FF),
            Register("APB2LPENR", 0x64, 0x0007_5F33),
            *_backup_and_csr(0x0E00_0000),
            Register("SSCGR", 0x80),
            Register("PLLI2SCFGR", 0x84, 0x2400_3000),
            Register("PLLSAICFGR", 0x88, 0x2400_3000),
            *_plain(0x8C, "DCKCFGR1 DCKCFGR2"),
        ),
    )


_ENABLES = "AHB3ENR AHB1ENR AHB2ENR AHB4ENR APB3ENR APB1LENR APB1HENR APB2ENR APB4ENR"
_IN_SLEEP = _ENABLES.replace("EN", "LPEN")


def _of_core_1(names: str) -> str:
    return " ".join(f"C1_{name}" for name in names.split())


def stm32h7() -> Device:
    return Device(
        "RCC",
        0x5802_4400,
        "RM0433 chapter 8: RCC registers",
        (
            Register(
                "CR",
                0x00,
                0x0000_0025,
                rules=(
                    follows(2, 0),  # HSIRDY
                    follows(8, 7),  # CSIRDY
                    follows(13, 12),  # HSI48RDY
                    follows(17, 16),  # HSERDY
                    follows(25, 24),  # PLL1RDY
                    follows(27, 26),  # PLL2RDY
                    follows(29, 28),  # PLL3RDY
                    CLOCK,
                ),
                ones=0x0000_C020,  # D1CKRDY, D2CKRDY, HSIDIVF
            ),
            Register("HSICFGR", 0x04, 0x4000_0000),
            Register("CRRCR", 0x08),
            Register("CSICFGR", 0x0C, 0x2000_0000),
            Register("CFGR", 0x10, rules=(follows(3, 0, width=3), CLOCK)),  # SWS of SW
            Register("D1CFGR", 0x18, rules=(CLOCK,)),
            *_plain(0x1C, "D2CFGR D3CFGR"),
            Register("PLLCKSELR", 0x28, 0x0202_0200, rules=(CLOCK,)),
            Register("PLLCFGR", 0x2C, 0x01FF_0000, rules=(CLOCK,)),
            Register("PLL1DIVR", 0x30, 0x0101_0280, rules=(CLOCK,)),
            Register("PLL1FRACR", 0x34, rules=(CLOCK,)),
            Register("PLL2DIVR", 0x38, 0x0101_0280),
            Register("PLL2FRACR", 0x3C),
            Register("PLL3DIVR", 0x40, 0x0101_0280),
            Register("PLL3FRACR", 0x44),
            *_plain(0x4C, "D1CCIPR D2CCIP1R D2CCIP2R D3CCIPR - CIER"),
            Register("CIFR", 0x64, zeros=ALL_BITS),
            Register("CICR", 0x68, rules=(Rule("idle"),)),
            *_backup_and_csr(0),
            *_plain(0x7C, "AHB3RSTR AHB1RSTR AHB2RSTR AHB4RSTR APB3RSTR APB1LRSTR APB1HRSTR"),
            *_plain(0x98, "APB2RSTR APB4RSTR GCR - D3AMR"),
            Register("RSR", 0xD0, 0x00E8_0000, rules=(ends_at_once(16),)),
            *_plain(0xD4, _ENABLES),
            *_plain(0xFC, _IN_SLEEP),
            # The same of the Cortex-M7 alone in a part with two cores; an STM32H7A3 has only these.
            Register("C1_RSR", 0x130, 0x00E8_0000, rules=(ends_at_once(16),)),
            *_plain(0x134, _of_core_1(_ENABLES)),
            *_plain(0x15C, _of_core_1(_IN_SLEEP)),
        ),
    )
