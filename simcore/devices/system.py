"""Small devices of STM32 parts that start-up code touches: system configuration, watchdogs,
calendar, random numbers, semaphores of two cores, the identity."""

from __future__ import annotations

from collections.abc import Mapping

from simcore.devices import ALL_BITS
from simcore.devices.registers import POWER, Device, Register, Rule, bits, follows


def _syscfg(base: int, source: str, *others: Register) -> Device:
    external = (Register(f"EXTICR{n}", 0x04 + 4 * n) for n in range(1, 5))
    return Device("SYSCFG", base, source, (*external, *others))


def _iwdg(name: str, base: int) -> Device:
    """An independent watchdog: its values are taken over at once, and it never bites."""
    return Device(
        name,
        base,
        "RM0385 26.4, RM0433 46.4: IWDG registers",
        (
            Register("KR", 0x00, rules=(Rule("idle"),)),
            Register("PR", 0x04),
            Register("RLR", 0x08, 0x0000_0FFF),
            Register("SR", 0x0C, zeros=ALL_BITS),
            Register("WINR", 0x10, 0x0000_0FFF),
        ),
    )


def _wwdg(name: str, base: int) -> Device:
    source = "RM0385 27.6, RM0433 45.6: WWDG registers"
    registers = (
        Register("CR", 0x00, 0x7F),
        Register("CFR", 0x04, 0x7F),
        Register("SR", 0x08, zeros=1),
    )  # EWIF
    return Device(name, base, source, registers)


_STAMPS = ("TSTR", "TSDR", "TSSSR")


def _rtc(base: int) -> Device:
    """A real-time clock that stands still: it is set at once, and its shadows are always fresh."""
    return Device(
        "RTC",
        base,
        "RM0385 29.6, RM0433 49.6: RTC registers",
        (
            Register("TR", 0x00),
            Register("DR", 0x04, 0x0000_2101),
            Register("CR", 0x08),
            Register(
                "ISR",
                0x0C,
                rules=(follows(6, 7),),  # INITF of INIT
                ones=bits(0, 1, 2, 5),
                zeros=bits(3, *range(8, 17)),  # SHPF; alarms, time stamps and tampering
            ),
            Register("PRER", 0x10, 0x007F_00FF),
            Register("WUTR", 0x14, 0x0000_FFFF),
            Register("ALRMAR", 0x1C),
            Register("ALRMBR", 0x20),
            Register("WPR", 0x24, rules=(Rule("idle"),)),
            Register("SSR", 0x28),
            Register("SHIFTR", 0x2C, rules=(Rule("idle"),)),
            *(Register(name, 0x30 + 4 * n, zeros=ALL_BITS) for n, name in enumerate(_STAMPS)),
            Register("CALR", 0x3C),
            Register("TAMPCR", 0x40),
            Register("ALRMASSR", 0x44),
            Register("ALRMBSSR", 0x48),
            Register("OR", 0x4C),
            *(Register(f"BKP{n}R", 0x50 + 4 * n) for n in range(32)),
        ),
    )


def _rng(base: int) -> Device:
    """Random numbers: a fixed sequence, the same in every run."""
    return Device(
        "RNG",
        base,
        "RM0385 18.4, RM0433 34.7: RNG registers",
        (
            Register("CR", 0x00),
            Register("SR", 0x04, rules=(follows(0, 2, "CR"),)),  # DRDY of RNGEN
            Register("DR", 0x08, rules=(Rule("sequence"),)),
        ),
    )


def _hsem(base: int) -> Device:
    """Semaphores that are free whenever this core asks: a read of RLR gives it the lock."""
    locked = bits(31) | 3 << 8  # LOCK, and COREID of the Cortex-M7
    return Device(
        "HSEM",
        base,
        "RM0433 chapter HSEM, HSEM registers",
        (
            *(Register(f"R{n}", 0x00 + 4 * n) for n in range(32)),
            *(
                Register(f"RLR{n}", 0x80 + 4 * n, ones=locked, zeros=ALL_BITS & ~locked)
                for n in range(32)
            ),
            Register("IER", 0x100),
            Register("ICR", 0x104, rules=(Rule("idle"),)),
            Register("ISR", 0x108, zeros=ALL_BITS),
            Register("MISR", 0x10C, zeros=ALL_BITS),
            Register("CR", 0x140, rules=(Rule("idle"),)),
            Register("KEYR", 0x144),
        ),
    )


def _external(base: int, source: str, registers: Mapping[str, int]) -> Device:
    """Lines of external interrupts, which nobody drives; what software asks for is not brought."""
    flags = (Rule("one_clears"),)
    return Device(
        "EXTI",
        base,
        source,
        tuple(
            Register(name, offset, rules=flags if "PR" in name else ())
            for name, offset in registers.items()
        ),
    )


def _debug(identity: int) -> Device:
    return Device(
        "DBGMCU",
        0x5C00_1000,
        "RM0433 chapter debug infrastructure, DBGMCU registers",
        (
            Register("IDCODE", 0x00, identity, rules=(Rule("keep"),)),
            Register("CR", 0x04),
        ),
    )


def stm32f7() -> tuple[Device, ...]:
    return (
        _syscfg(
            0x4001_3800,
            "RM0385 7.2: SYSCFG registers",
            Register("MEMRMP", 0x00),
            Register("PMC", 0x04),
            Register("CMPCR", 0x20, rules=(follows(8, 0),)),  # READY of CMP_PD
        ),
        _external(
            0x4001_3C00,
            "RM0385 11.9: EXTI registers",
            {name: 4 * n for n, name in enumerate(("IMR", "EMR", "RTSR", "FTSR", "SWIER", "PR"))},
        ),
        _iwdg("IWDG", 0x4000_3000),
        _wwdg("WWDG", 0x4000_2C00),
        _rtc(0x4000_2800),
        _rng(0x5006_0800),
    )


def stm32h7() -> tuple[Device, ...]:
    return (
        _syscfg(
            0x5800_0400,
            "RM0433 12.3: SYSCFG registers",
            Register("PMCR", 0x04),
            Register("CCCSR", 0x20, rules=(follows(8, 0),)),  # READY of EN
            Register("CCVR", 0x24),
            Register("CCCR", 0x28),
            Register("PWRCR", 0x2C, rules=(POWER,)),
            Register("PKGR", 0x124),
        ),
        _external(
            0x5800_0000,
            "RM0433 20.6: EXTI registers",
            {
                f"{name}{bank}": offset + step * (bank - 1)
                for name, offset, step in (
                    ("RTSR", 0x00, 0x20),
                    ("FTSR", 0x04, 0x20),
                    ("SWIER", 0x08, 0x20),
                    ("D3PMR", 0x0C, 0x20),
                    ("CPUIMR", 0x80, 0x10),
                    ("CPUEMR", 0x84, 0x10),
                    ("CPUPR", 0x88, 0x10),
                )
                for bank in (1, 2, 3)
            },
        ),
        _iwdg("IWDG1", 0x5800_4800),
        _wwdg("WWDG1", 0x5000_3000),
        _rtc(0x5800_4000),
        _rng(0x4802_1800),
        _hsem(0x5802_6400),
        _debug(0x2003_6450),  # STM32H743, revision V
    )


def stm32h7a3() -> tuple[Device, ...]:
    # Of an STM32H7A3 the semaphores are elsewhere.
    return (*(one for one in stm32h7() if one.name not in ("HSEM", "DBGMCU")), _hsem(0x4802_0800))
