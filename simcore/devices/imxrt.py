"""Small devices of i.MX RT10xx that start-up code touches: pins, watchdogs, fuses, secure storage,
reset control, temperature."""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import Device, Register, Rule, aliases, bits, ends_at_once, follows


def _watchdog(name: str, base: int) -> Device:
    """Two of its halfwords a register; it never bites."""
    return Device(
        name,
        base,
        "IMXRT1060RM chapter WDOG, memory map and register definition",
        (
            Register("WCR", 0x00, 0x0000_0030),  # and WSR
            Register("WRSR", 0x04, 0x0004_0000),  # and WICR
            Register("WMCR", 0x08, 0x0000_0001),
        ),
    )


_RTWDOG = Device(
    "RTWDOG",
    0x400B_C000,
    "IMXRT1060RM chapter RTWDOG, register definition",
    (
        Register("CS", 0x00, 0x0000_2980, ones=bits(10, 11), zeros=bits(14)),  # RCS, ULK; FLG
        Register("CNT", 0x04, zeros=ALL_BITS),
        Register("TOVAL", 0x08, 0x0000_0400),
        Register("WIN", 0x0C),
    ),
)
#: A GPR with a value out of reset.
_GENERAL = {3: 0xF0F0, 10: 7, 15: ALL_BITS, 16: 0x0020_0003, 33: 7}
_IOMUXC_GPR = Device(
    "IOMUXC_GPR",
    0x400A_C000,
    "IMXRT1060RM chapter IOMUXC, IOMUXC_GPR memory map",
    tuple(Register(f"GPR{n}", 4 * n, _GENERAL.get(n, 0)) for n in range(35)),
)
_FUSES = (
    "LOCK CFG0 CFG1 CFG2 CFG3 CFG4 CFG5 CFG6 MEM0 MEM1 MEM2 MEM3 MEM4 ANA0 ANA1 ANA2"
    " OTPMK0 OTPMK1 OTPMK2 OTPMK3 OTPMK4 OTPMK5 OTPMK6 OTPMK7"
    " SRK0 SRK1 SRK2 SRK3 SRK4 SRK5 SRK6 SRK7 SJC_RESP0 SJC_RESP1 MAC0 MAC1 MAC2 OTPMK_CRC32"
    " GP1 GP2 SW_GP1 SW_GP20 SW_GP21 SW_GP22 SW_GP23 MISC_CONF0 MISC_CONF1 SRK_REVOKE"
)
_OCOTP = Device(
    "OCOTP",
    0x401F_4000,
    "IMXRT1060RM chapter OCOTP, memory map and register definition",
    (
        Register("CTRL", 0x00, zeros=bits(8, 9)),  # BUSY, ERROR
        *aliases("CTRL", 0x00),
        Register("TIMING", 0x10, 0x0C0D_9755),
        Register("DATA", 0x20),
        Register("READ_CTRL", 0x30, rules=(ends_at_once(0),)),
        Register("READ_FUSE_DATA", 0x40, zeros=ALL_BITS),
        Register("VERSION", 0x90, 0x0300_0000),
        Register("TIMING2", 0x100, 0x01C3_0092),
        # Words of fuses; none is blown.
        *(
            Register(name, 0x400 + 0x10 * n, zeros=ALL_BITS)
            for n, name in enumerate(_FUSES.split())
        ),
    ),
)
_SNVS = Device(
    "SNVS",
    0x400D_4000,
    "IMXRT1060RM chapter SNVS, memory map and register definition; its clock stands still",
    (
        *(
            Register(name, 4 * n, reset)
            for n, (name, reset) in enumerate(
                {
                    "HPLR": 0,
                    "HPCOMR": 0,
                    "HPCR": 0,
                    "HPSICR": 0,
                    "HPSVCR": 0,
                    "HPSR": 0x8000_3000,
                    "HPSVSR": 0x8000_0000,
                    "HPHACIVR": 0,
                    "HPHACR": 0,
                    "HPRTCMR": 0,
                    "HPRTCLR": 0,
                    "HPTAMR": 0,
                    "HPTALR": 0,
                    "LPLR": 0,
                    "LPCR": 0x20,
                }.items()
            )
        ),
        Register("LPSR", 0x4C, 0x0000_0008, rules=(Rule("one_clears"),)),
        *(
            Register(name, 0x50 + 4 * n)
            for n, name in enumerate(("LPSRTCMR", "LPSRTCLR", "LPTAR", "LPSMCMR", "LPSMCLR"))
        ),
        *(Register(f"LPGPR{n}", 0x100 + 4 * n) for n in range(8)),
    ),
)
_SRC = Device(
    "SRC",
    0x400F_8000,
    "IMXRT1060RM chapter SRC, memory map and register definition",
    (
        Register("SCR", 0x00, 0xA048_0520, rules=(ends_at_once(13),)),  # CORE0_RST
        Register("SBMR1", 0x04),
        Register("SRSR", 0x08, 0x0000_0001, rules=(Rule("one_clears"),)),
        Register("SBMR2", 0x1C),
        *(Register(f"GPR{n}", 0x1C + 4 * n) for n in range(1, 11)),
    ),
)
#: Pads in the order of their registers: the group, and how many of it there are.
_GROUPS = {"EMC": 42, "AD_B0": 16, "AD_B1": 16, "B0": 16, "B1": 16, "SD_B0": 6, "SD_B1": 12}
_NAMES = [f"GPIO_{group}_{n:02}" for group, pads in _GROUPS.items() for n in range(pads)]
#: Those of boot mode and debug port, which begin with their first function, and what pulls them.
_PULLS = {
    "GPIO_EMC_27": 0x30B0,
    **dict.fromkeys(("GPIO_AD_B0_04", "GPIO_AD_B0_05"), 0x30B0),
    **dict.fromkeys(("GPIO_AD_B0_06", "GPIO_AD_B0_07", "GPIO_AD_B0_09", "GPIO_AD_B0_11"), 0x70A0),
    "GPIO_AD_B0_08": 0xB0A0,
    "GPIO_AD_B0_10": 0x90B1,
}
_IOMUXC = Device(
    "IOMUXC",
    0x401F_8000,
    "IMXRT1060RM chapter IOMUXC, memory map: MUX and PAD control, SELECT_INPUT",
    (
        *(
            Register(
                f"SW_MUX_CTL_PAD_{name}",
                0x14 + 4 * n,
                0 if name in _PULLS and "AD" in name else 5,
            )
            for n, name in enumerate(_NAMES)
        ),
        *(
            Register(f"SW_PAD_CTL_PAD_{name}", 0x204 + 4 * n, _PULLS.get(name, 0x10B0))
            for n, name in enumerate(_NAMES)
        ),
        *(Register(f"SELECT_INPUT_{n}", 0x3F4 + 4 * n) for n in range(154)),
    ),
)

_TEMPMON = Device(
    "TEMPMON",
    0x400D_8000,
    "IMXRT1060RM chapter TEMPMON, memory map and register definition; it measures 0",
    (
        Register("TEMPSENSE0", 0x180, 0x0000_0001, rules=(follows(2, 1),), zeros=0x000F_FF00),
        *aliases("TEMPSENSE0", 0x180),
        Register("TEMPSENSE1", 0x190, 0x0000_0001),
        *aliases("TEMPSENSE1", 0x190),
    ),
)


def imxrt1060() -> tuple[Device, ...]:
    return (
        _watchdog("WDOG1", 0x400B_8000),
        _watchdog("WDOG2", 0x400D_0000),
        _RTWDOG,
        _IOMUXC_GPR,
        _OCOTP,
        _SNVS,
        _SRC,
        _TEMPMON,
        _IOMUXC,
    )
