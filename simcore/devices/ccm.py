"""Clock control and analogue PLLs of i.MX RT10xx: a PLL is locked as soon as it is powered.

On silicon a PLL locks within about 100 us and a divider's handshake takes a few cycles; here both
take no time. The PLLs begin as the boot ROM leaves them, not as they come out of reset: the core at
396 MHz (IMXRT1060RM, system boot, boot frequencies; recalled, unverified).
"""

from __future__ import annotations

from simcore.devices import ALL_BITS
from simcore.devices.registers import CLOCK, Device, Register, Rule, aliases, follows

#: Clock gates that are not all open out of reset, by the number of their register.
_GATES = {2: 0xFC3F_FFFF, 3: 0xFFFF_FFCF}

CCM = Device(
    "CCM",
    0x400F_C000,
    "IMXRT1060RM chapter CCM, memory map and register definition",
    (
        Register("CCR", 0x00, 0x0401_107F),
        Register("CSR", 0x08, 0x0000_0010, ones=1 << 5),  # COSC_READY
        Register("CCSR", 0x0C, 0x0000_0100),
        Register("CACRR", 0x10, 0x0000_0001, rules=(CLOCK,)),
        Register("CBCDR", 0x14, 0x000A_8300, rules=(CLOCK,)),
        Register("CBCMR", 0x18, 0x2DAE_8324, rules=(CLOCK,)),
        Register("CSCMR1", 0x1C, 0x0490_0000),
        Register("CSCMR2", 0x20, 0x1319_2F06),
        Register("CSCDR1", 0x24, 0x0649_0B00),
        Register("CS1CDR", 0x28, 0x0EC1_02C1),
        Register("CS2CDR", 0x2C, 0x0073_36C1),
        Register("CDCDR", 0x30, 0x33F7_1F92),
        Register("CSCDR2", 0x38, 0x0002_9150),
        Register("CSCDR3", 0x3C, 0x0003_0841),
        Register("CDHIPR", 0x48, zeros=ALL_BITS),  # no handshake is under way
        Register("CLPCR", 0x54, 0x0000_0079),
        Register("CISR", 0x58, rules=(Rule("idle"),)),  # a one clears
        Register("CIMR", 0x5C, ALL_BITS),
        Register("CCOSR", 0x60, 0x000A_0001),
        Register("CGPR", 0x64, 0x0000_FE62),
        *(Register(f"CCGR{n}", 0x68 + 4 * n, _GATES.get(n, ALL_BITS)) for n in range(8)),
        Register("CMEOR", 0x88, ALL_BITS),
    ),
)


def _pll(name: str, offset: int, reset: int, *, power_bit: int = 13) -> tuple[Register, ...]:
    """A PLL with its aliases; LOCK is what its enable bit is."""
    return (
        Register(name, offset, reset, rules=(follows(31, power_bit), CLOCK)),
        *aliases(name, offset),
    )


def _plain(name: str, offset: int, reset: int) -> tuple[Register, ...]:
    return (Register(name, offset, reset, rules=(CLOCK,)), *aliases(name, offset))


CCM_ANALOG = Device(
    "CCM_ANALOG",
    0x400D_8000,
    "IMXRT1060RM chapter CCM, analogue memory map and register definition",
    (
        *_pll("PLL_ARM", 0x00, 0x0000_2042),
        *_pll("PLL_USB1", 0x10, 0x0000_3000),
        *_pll("PLL_USB2", 0x20, 0x0001_2000),
        *_pll("PLL_SYS", 0x30, 0x0000_2001),
        Register("PLL_SYS_SS", 0x40),
        Register("PLL_SYS_NUM", 0x50),
        Register("PLL_SYS_DENOM", 0x60, 0x0000_0012),
        *_pll("PLL_AUDIO", 0x70, 0x0001_1006),
        Register("PLL_AUDIO_NUM", 0x80, 0x05F5_E100),
        Register("PLL_AUDIO_DENOM", 0x90, 0x2964_619C),
        *_pll("PLL_VIDEO", 0xA0, 0x0001_100C),
        Register("PLL_VIDEO_NUM", 0xB0, 0x05F5_E100),
        Register("PLL_VIDEO_DENOM", 0xC0, 0x10A2_4447),
        *_pll("PLL_ENET", 0xE0, 0x0001_1001),
        *_plain("PFD_480", 0xF0, 0x1311_100C),
        *_plain("PFD_528", 0x100, 0x1018_101B),
        Register("MISC0", 0x150, 0x0400_0000, ones=1 << 15),  # OSC_XTALOK
        *aliases("MISC0", 0x150),
        Register("MISC1", 0x160),
        *aliases("MISC1", 0x160),
        Register("MISC2", 0x170, 0x0027_2727),
        *aliases("MISC2", 0x170),
    ),
)

DCDC = Device(
    "DCDC",
    0x4008_0000,
    "IMXRT1060RM chapter DCDC, register descriptions",
    (
        Register("REG0", 0x00, 0x1403_0111, ones=1 << 31),  # STS_DC_OK
        Register("REG1", 0x04, 0x111B_A29C),
        Register("REG2", 0x08, 0x0000_4009),
        Register("REG3", 0x0C, 0x0000_010E),
    ),
)

XTALOSC24M = Device(
    "XTALOSC24M",
    0x400D_8000,
    "IMXRT1060RM chapter XTALOSC, register definition",
    (
        Register("LOWPWR_CTRL", 0x270, 0x0000_4001, ones=1 << 16),  # XTALOSC_PWRUP_STAT
        *aliases("LOWPWR_CTRL", 0x270),
    ),
)
