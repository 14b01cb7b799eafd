"""Devices as drivers use them: tests/firmware/drivers.c checks what each does, and prints where it
does not."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import simcore
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image
from tests.integration.assembled import CLOCK_HZ, Build, go

PREBUILT = Path("tests/firmware/prebuilt")
MHZ = 1_000_000


@pytest.mark.parametrize(("name", "part"), [("f7", "stm32f746"), ("h7", "stm32h743")])
def test_drivers_find_what_the_manuals_say(name: str, part: str) -> None:
    printed = io.BytesIO()
    profile = simcore.profile(PREBUILT / f"drivers_{name}.elf", cpu=part, stdout=printed)
    assert printed.getvalue().decode() == ""
    assert (profile.exit.reason, profile.exit.code) == ("exit", 0)
    assert not [text for text in profile.warnings if "peripheral" in text]
    assert not profile.guesses


def test_the_same_program_fails_where_no_device_is_described() -> None:
    printed = io.BytesIO()
    profile = simcore.profile(
        PREBUILT / "drivers_f7.elf",
        cpu="stm32f746",
        overrides=("devices.family=none",),
        stdout=printed,
    )
    assert printed.getvalue().startswith(b"flash begins locked\n")
    assert profile.exit.reason == "fault"
    assert profile.exit.fault is not None
    assert profile.exit.fault.kind == "write to read-only memory"


# --- registers of single devices, and loops that wait for another chip ---------------------------

F7, H7, H7A3, RT = "stm32f746", "stm32h743", "stm32h7a3", "imxrt1062"
I2C1, LPI2C1, LPSPI1, RTWDOG, GPR = 0x4000_5400, 0x403F_0000, 0x4039_4000, 0x400B_C000, 0x400A_C000
#: The part, the device (r1), what is done, and what r0 is then, by the manual's description.
REGISTERS = {
    "an address on LPI2C is not acknowledged": (
        RT, LPI2C1,
        "mov r0, #0x4a0\n str r0, [r1, #0x60]\n ldr r0, [r1, #0x14]", 1 << 10 | 1,
    ),
    "its flag is cleared by a one": (
        RT, LPI2C1,
        "mov r0, #0x4a0\n str r0, [r1, #0x60]\n mov r0, #0x400\n str r0, [r1, #0x14]\n"
        " ldr r0, [r1, #0x14]",
        1,
    ),
    "a stop is one": (
        RT, LPI2C1, "mov r0, #0x200\n str r0, [r1, #0x60]\n ldr r0, [r1, #0x14]", 1 << 9 | 1,
    ),
    "a word that LPSPI sends brings one in": (
        RT, LPSPI1,
        "movs r0, #1\n str r0, [r1, #0x24]\n str r0, [r1, #0x10]\n str r0, [r1, #0x64]\n"
        " str r0, [r1, #0x64]\n ldr r0, [r1, #0x74]\n ldr r2, [r1, #0x5c]\n orr r0, r2",
        1 << 16,
    ),
    "unless it is masked": (
        RT, LPSPI1,
        "movs r0, #1\n str r0, [r1, #0x24]\n str r0, [r1, #0x10]\n mov r0, #0x80000\n"
        " str r0, [r1, #0x60]\n str r0, [r1, #0x64]\n ldr r0, [r1, #0x70]",
        2,
    ),
    "it says that it has sent": (
        RT, LPSPI1,
        "movs r0, #1\n str r0, [r1, #0x24]\n str r0, [r1, #0x10]\n str r0, [r1, #0x64]\n"
        " ldr r0, [r1, #0x14]",
        0x703,
    ),
    "a watchdog is unlocked and set": (
        RT, RTWDOG, "ldr r0, [r1]\n and r0, #0xc00", 0xC00,
    ),
    "general registers of i.MX begin as reset leaves them": (RT, GPR, "ldr r0, [r1, #12]", 0xF0F0),
    "an H7A3 erases where START is": (
        H7A3, 0x5200_2000,
        "ldr r0, =0x45670123\n str r0, [r1, #4]\n ldr r0, =0xcdef89ab\n str r0, [r1, #4]\n"
        " movs r0, #2\n str r0, [r1, #12]\n ldr r2, =0x080fe000\n str r0, [r2]\n"
        " ldr r0, =0x1fe4\n str r0, [r1, #12]\n ldr r0, [r1, #12]\n ldr r2, [r2]\n mvns r2, r2\n"
        " orr r0, r2",
        0x1FC4,
    ),
    "an H7A3 has its semaphores elsewhere": (
        H7A3, 0x4802_0800, "ldr r0, [r1, #0x80]", 0x8000_0300,
    ),
    "an H743 says its revision": (H7, 0x5C00_1000, "ldr r0, [r1]\n lsrs r0, #16", 0x2003),
}  # fmt: skip


def assembled(build: Build, part: str, text: str) -> Image:
    flash = ("-Wl,--section-start=.isr_vector=0x60002000,-Ttext=0x60002100",)
    return build(text, *(flash if part == RT else ()))


@pytest.mark.parametrize("name", REGISTERS)
def test_a_register_does_what_its_manual_says(build: Build, name: str) -> None:
    part, device, text, expected = REGISTERS[name]
    image = assembled(build, part, f"ldr r1, ={device:#x}\n {text}\n bl exit_r0\n .ltorg")
    assert (go(image, load_cpu_model(part)).exit_code or 0) & 0xFFFF_FFFF == expected


@pytest.mark.parametrize("bit", [1, 2, 3, 6], ids=["TXIS", "RXNE", "ADDR", "TC"])
def test_a_loop_that_waits_for_another_chip_ends_the_run(
    build: Build, model: CpuModel, bit: int
) -> None:
    image = build(f"ldr r1, ={I2C1:#x}\n 1: ldr r0, [r1, #0x18]\n tst r0, #{1 << bit}\n beq 1b\n")
    result = go(image, model)
    assert result.exit_reason == "input"
    assert not result.guesses


def test_a_loop_that_waits_for_a_capture_ends_the_run(build: Build, model: CpuModel) -> None:
    image = build("""
        mov r1, #0x40000000
        movs r0, #1
        str r0, [r1, #0x18]
        str r0, [r1]
    1:  ldr r0, [r1, #0x10]
        tst r0, #2
        beq 1b
    """)
    assert go(image, model).exit_reason == "input"


# --- timers of i.MX RT ---------------------------------------------------------------------------

GPT1, PIT, CCM = 0x401E_C000, 0x4008_4100, 0x400F_C000
#: Core cycles of a tick: IPG is the core's clock by 4, the oscillator has 24 MHz.
IPG, OSCILLATOR = 4, CLOCK_HZ / (24 * MHZ)
ON_OSCILLATOR = f"ldr r1, ={CCM:#x}\n mov r0, #0x40\n str r0, [r1, #0x1c]\n"
#: What sets a timer up, the register that is waited for with its bit, and the ticks until then.
TIMERS = {
    "GPT on IPG": (
        f"ldr r1, ={GPT1:#x}\n mov r0, #1999\n str r0, [r1, #16]\n movs r0, #0x41\n str r0, [r1]\n",
        8, 1, 1999 * IPG,
    ),
    "GPT divided": (
        f"ldr r1, ={GPT1:#x}\n mov r0, #4\n str r0, [r1, #4]\n mov r0, #500\n str r0, [r1, #20]\n"
        "movs r0, #0x41\n str r0, [r1]\n",
        8, 2, 500 * 5 * IPG,
    ),
    "GPT on the oscillator": (
        f"ldr r1, ={GPT1:#x}\n mov r0, #900\n str r0, [r1, #16]\n mov r0, #0x141\n str r0, [r1]\n",
        8, 1, 900 * OSCILLATOR,
    ),
    "GPT on the slow clock": (
        f"ldr r1, ={GPT1:#x}\n mov r0, #1\n str r0, [r1, #16]\n mov r0, #0x101\n str r0, [r1]\n",
        8, 1, CLOCK_HZ / 32768,
    ),
    "GPT on PERCLK, which is the oscillator": (
        ON_OSCILLATOR + f"ldr r1, ={GPT1:#x}\n mov r0, #900\n str r0, [r1, #16]\n mov r0, #0x81\n"
        "str r0, [r1]\n",
        8, 1, 900 * OSCILLATOR,
    ),
    "PIT on IPG": (
        f"ldr r1, ={PIT:#x}\n mov r0, #1999\n str r0, [r1]\n movs r0, #1\n str r0, [r1, #8]\n",
        12, 1, 2000 * IPG,
    ),
    "PIT on the oscillator": (
        ON_OSCILLATOR + f"ldr r1, ={PIT:#x}\n mov r0, #1199\n str r0, [r1]\n movs r0, #1\n"
        "str r0, [r1, #8]\n",
        12, 1, 1200 * OSCILLATOR,
    ),
}  # fmt: skip
CYCLES = "ldr r2, =0xe0001000\n ldr r0, =0xe000edfc\n mov r3, #0x01000000\n str r3, [r0]\n"
START = "movs r3, #1\n str r3, [r2]\n"


@pytest.mark.parametrize("name", TIMERS)
def test_a_timer_of_imx_counts_its_clock(build: Build, name: str) -> None:
    text, offset, bit, ticks = TIMERS[name]
    wait = f"1: ldr r0, [r1, #{offset}]\n tst r0, #{bit}\n beq 1b\n ldr r0, [r2, #4]\n bl exit_r0\n"
    image = assembled(build, RT, f"{CYCLES} {text} {START} {wait} .ltorg")
    result = go(image, load_cpu_model(RT))
    assert ticks - 60 <= (result.exit_code or 0) <= ticks + 60


def test_pit_counts_down_and_its_flag_is_cleared_by_a_one(build: Build) -> None:
    text = f"""
        ldr r1, ={PIT:#x}
        movs r0, #99
        str r0, [r1]
        movs r0, #1
        str r0, [r1, #8]
        ldr r2, [r1, #4]
    1:  ldr r0, [r1, #12]
        cmp r0, #0
        beq 1b
        str r0, [r1, #12]
        ldr r0, [r1, #12]
        add r0, r0, r2, lsl #1
        bl exit_r0
        .ltorg
    """
    result = go(assembled(build, RT, text), load_cpu_model(RT))
    assert 2 * 90 <= (result.exit_code or 0) <= 2 * 99
    assert (result.exit_code or 0) % 2 == 0


# --- voltage -------------------------------------------------------------------------------------

PWR, RCC = 0x4000_7000, 0x4002_3800
SPEED_UP = "ldr r0, =0x04406c19\n str r0, [r1, #4]\n movs r0, #2\n str r0, [r1, #8]\n"  # 216 MHz
OVERDRIVE = "ldr r2, =0x40007000\n ldr r0, =0x3c000\n str r0, [r2]\n"


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("", "216 MHz at voltage scale scale1, which reaches 180 MHz; it needs scale1-overdrive"),
        ("ldr r2, =0x40007000\n mov r0, #0x4000\n str r0, [r2]\n", "scale3, which reaches 144 MHz"),
        (OVERDRIVE, None),
    ],
    ids=["without over-drive", "at the lowest scale", "with over-drive"],
)
def test_a_voltage_that_is_too_low_for_a_clock_is_a_warning(
    build: Build, model: CpuModel, before: str, told: str | None
) -> None:
    image = build(f"{before} ldr r1, ={RCC:#x}\n {SPEED_UP} bl exit_r0\n .ltorg")
    found = [text for text in go(image, model).warnings if "voltage scale" in text]
    assert len(found) == (told is not None)
    assert all(told is not None and told in text for text in found)


def test_a_voltage_alone_sets_no_clock(build: Build, model: CpuModel) -> None:
    result = go(build(f"{OVERDRIVE} bl exit_r0\n .ltorg"), model)
    assert result.clocks == ()


def test_a_clock_that_is_told_at_link_time_alone_says_nothing_of_the_crystal(
    build: Build, model: CpuModel
) -> None:
    told = ".section .rodata\n .global SystemCoreClock\nSystemCoreClock: .word 108000000\n"
    image = build(f"{OVERDRIVE} ldr r1, ={RCC:#x}\n {SPEED_UP} bl exit_r0\n .ltorg\n{told}")
    assert image.symbol("SystemCoreClock") is not None
    assert go(image, model).clocks[-1].clock_hz == 216 * MHZ


# --- external memory without a segment or a symbol ------------------------------------------------

#: The part, a register of its controller, an address in the memory.
EXTERNAL = [
    pytest.param(F7, 0xA000_0150, 0xC010_0000, id="SDCMR of an STM32F7"),
    pytest.param(F7, 0xA000_0018, 0x6C00_0000, id="BCR4 of an STM32F7"),
    pytest.param(H7, 0x5200_4150, 0xD000_0000, id="SDCMR of an STM32H7"),
    pytest.param(RT, 0x402F_009C, 0x8000_0000, id="IPCMD of SEMC"),
]
USES = """
        ldr r1, ={controller:#x}
        ldr r2, ={memory:#x}
        movs r0, #3
        str r0, [r1]
        movs r4, #1
        adds r4, #1
        stmia r2!, {{r0, r4}}
        ldrd r5, r6, [r2, #-8]
        adds r0, r5, r6
        b exit_r0
"""


@pytest.mark.parametrize(("part", "controller", "memory"), EXTERNAL)
def test_external_memory_is_there_when_its_controller_was_set_up(
    build: Build, part: str, controller: int, memory: int
) -> None:
    image = assembled(build, part, USES.format(controller=controller, memory=memory))
    result = go(image, load_cpu_model(part))
    assert (result.exit_reason, result.exit_code) == ("exit", 5)
    (told,) = [text for text in result.warnings if "external memory" in text]
    assert told.startswith(f"{memory:#010x} is external memory")


def test_without_a_controller_it_is_not_and_the_fault_says_what_brings_it(build: Build) -> None:
    image = build(USES.format(controller=0xA000_0104, memory=0xC010_0000))  # BWTR1
    result = go(image, load_cpu_model(F7))
    assert result.exit_reason == "fault"
    assert result.fault is not None
    assert result.fault.address == 0xC010_0000
    (told,) = [text for text in result.warnings if "external memory" in text]
    assert "--set region.sdram.kind=sram" in told
    model = load_cpu_model(F7, ("region.sdram.kind=sram",))
    assert go(image, model).exit_code == 5
