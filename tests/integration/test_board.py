"""Firmware for boards: devices that it waits for, what it prints, the clock that it sets up."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore import Profile
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.devices import family_of
from simcore.errors import ConfigError
from tests.integration.assembled import Build, go

PREBUILT = Path("tests/firmware/prebuilt")
MHZ = 1_000_000
#: Part, the clock in MHz that board.c sets up and the one out of reset, and its serial port.
BOARDS = {
    "board_f7": ("stm32f746", 216, 16, "USART1"),
    "board_h7": ("stm32h743", 480, 64, "USART3"),
    "board_rt": ("imxrt1062", 600, 396, "LPUART1"),
}
each_board = pytest.mark.parametrize("name", BOARDS)


def run(name: str, **options: Any) -> tuple[Profile, str]:
    printed = io.BytesIO()
    told: dict[str, Any] = {"cpu": BOARDS[name][0], "until": "work@50", **options}
    profile = simcore.profile(PREBUILT / f"{name}.elf", stdout=printed, **told)
    return profile, printed.getvalue().decode()


@each_board
def test_it_reaches_its_work_and_prints_its_clock(name: str) -> None:
    _, clock, _, _ = BOARDS[name]
    profile, printed = run(name)
    assert printed == f"core clock {clock * MHZ}\n1024 bytes by DMA\n"
    assert profile.exit.reason == "until"
    assert not [text for text in profile.warnings if "peripheral" in text]
    assert "Error_Handler" not in [row.name for row in profile.functions]


@each_board
def test_the_clock_that_it_sets_times_the_run(name: str) -> None:
    _, clock, first, _ = BOARDS[name]
    profile, _ = run(name, from_="work")
    assert profile.cpu.clock_hz == clock * MHZ
    assert [phase.clock_hz for phase in profile.clocks or ()] == [clock * MHZ]
    assert sum(phase.cycles for phase in profile.clocks or ()) == profile.totals.cycles
    whole, _ = run(name)
    assert whole.clocks is not None
    assert whole.clocks[0].clock_hz == first * MHZ
    assert whole.clocks[-1].clock_hz == clock * MHZ
    assert sum(phase.cycles for phase in whole.clocks) == whole.totals.cycles


def test_a_clock_that_is_told_wins_and_both_are_named() -> None:
    profile, printed = run("board_h7", clock_hz=240 * MHZ)
    assert profile.cpu.clock_hz == 240 * MHZ
    assert printed.splitlines()[0] == "core clock 480000000"
    (warning,) = [text for text in profile.warnings if "sets a core clock" in text]
    assert "64 MHz, 480 MHz; this is timed at 240 MHz as it was told" in warning


def test_a_clock_beyond_the_part_is_a_warning() -> None:
    profile, _ = run(
        "board_h7", cpu="stm32h743", overrides=("devices.crystal=20MHz",), until="work"
    )
    # SystemCoreClock tells the crystal that the program was built for, so nothing is beyond it
    assert not [text for text in profile.warnings if "crystal" in text]
    model = load_cpu_model("stm32h743", ("devices.crystal=20MHz",))
    assert model.devices.crystal == 20 * MHZ


@each_board
def test_a_serial_port_is_heard_or_not(name: str) -> None:
    port = BOARDS[name][3]
    assert run(name, uart=port.lower())[1] == run(name)[1]
    assert run(name, uart="off")[1] == ""
    other = next(
        d.name
        for d in load_cpu_model(BOARDS[name][0]).devices.devices
        if d.has_text and d.name != port
    )
    assert run(name, uart=other)[1] == ""
    with pytest.raises(ConfigError, match=r"--uart USB: no serial port"):
        run(name, uart="USB")


def test_a_capture_has_the_clock_and_the_text(tmp_path: Path) -> None:
    file = tmp_path / "board.capture"
    live, _ = run("board_f7")
    simcore.record(PREBUILT / "board_f7.elf", file, until="work@50")
    again = simcore.replay(file)
    assert again.cpu.clock_hz == 216 * MHZ
    assert (again.totals, again.clocks) == (live.totals, live.clocks)


# --- single registers --------------------------------------------------------------------------

DMA2D, ADC1, USB, RTC = 0x4002_B000, 0x4001_2000, 0x5000_0000, 0x4000_2800
GPIOA, RCC, USART1, PWR = 0x4002_0000, 0x4002_3800, 0x4001_1000, 0x4000_7000
#: The device (r1), what is done, and what r0 is then; worked out from the manual's description.
REGISTERS = {
    "an oscillator is ready when it is on": (
        RCC, "ldr r0, [r1]\n orr r0, #0x10000\n str r0, [r1]\n ldr r0, [r1]", 0x0003_0083,
    ),
    "and no more when it is off": (
        RCC, "ldr r0, =0x10083\n str r0, [r1]\n movs r0, #0x83\n str r0, [r1]\n ldr r0, [r1]", 0x83,
    ),
    "the clock that is selected is the one in use": (
        RCC, "movs r0, #2\n str r0, [r1, #8]\n ldr r0, [r1, #8]", 0b1010,
    ),
    "a flag cannot be written": (RCC, "mov r0, #0x20000\n str r0, [r1]\n ldr r0, [r1]", 0),
    "a flag of another register's bit": (
        PWR, "ldr r0, =0x1c000\n str r0, [r1]\n ldr r0, [r1, #4]", 0x0001_4000,
    ),
    "set bits of a port": (
        GPIOA, "movs r0, #6\n str r0, [r1, #0x18]\n ldr r0, [r1, #0x14]", 6,
    ),
    "reset bits of a port": (
        GPIOA,
        "movs r0, #7\n str r0, [r1, #0x14]\n mov r0, #0x20000\n str r0, [r1, #0x18]\n"
        " ldr r0, [r1, #0x14]",
        5,
    ),
    "setting wins over resetting": (
        GPIOA, "ldr r0, =0x10001\n str r0, [r1, #0x18]\n ldr r0, [r1, #0x14]", 1,
    ),
    "pins read as they are driven": (
        GPIOA, "movs r0, #6\n str r0, [r1, #0x14]\n ldrh r0, [r1, #0x10]", 6,
    ),
    "what sets bits reads as none": (
        GPIOA, "movs r0, #6\n str r0, [r1, #0x18]\n ldr r0, [r1, #0x18]", 0,
    ),
    "a drawing has ended when it is started": (
        DMA2D,
        "movs r0, #1\n str r0, [r1]\n ldr r0, [r1]\n ldr r2, [r1, #4]\n add r0, r0, r2, lsl #8",
        0x200,
    ),
    "until its flag is cleared": (
        DMA2D,
        "movs r0, #1\n str r0, [r1]\n movs r0, #2\n str r0, [r1, #8]\n ldr r0, [r1, #4]",
        0,
    ),
    "a conversion ends while its converter is on": (
        ADC1, "ldr r0, =0x40000001\n str r0, [r1, #8]\n ldr r0, [r1, #8]\n ldr r2, [r1]\n"
        " add r0, r0, r2, lsl #8", 0x601,
    ),
    "a reset of USB ends at once": (
        USB, "movs r0, #0x11\n str r0, [r1, #0x10]\n ldr r0, [r1, #0x10]", 1 << 31,
    ),
    "flags that a one clears are not set by it": (
        RTC, "mov r0, #-1\n str r0, [r1, #0xc]\n ldr r0, [r1, #0xc]\n ubfx r0, r0, #8, #9", 0,
    ),
    "nothing is received": (
        USART1, "movs r0, #13\n str r0, [r1]\n ldr r0, [r1, #0x1c]", 0x0280_00C0 | 3 << 21,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REGISTERS)
def test_a_register_does_what_the_manual_says(build: Build, model: CpuModel, name: str) -> None:
    device, text, expected = REGISTERS[name]
    image = build(f"ldr r1, ={device:#x}\n {text}\n bl exit_r0\n .ltorg")
    assert (go(image, model).exit_code or 0) & 0xFFFF_FFFF == expected


# --- timers ------------------------------------------------------------------------------------

#: r1 is TIM2 with a tick of 20 core cycles (APB1 is HCLK / 4 and its timers twice that, divided by
#: 10) and r2 the DWT, whose cycle counter runs; r6 is its count as the timer starts.
TIMER = """
    ldr r2, =0x40023800
    mov r3, #0x1400
    str r3, [r2, #8]
    ldr r2, =0xe0001000
    ldr r0, =0xe000edfc
    mov r3, #0x01000000
    str r3, [r0]
    movs r3, #1
    str r3, [r2]
    ldr r1, =0x40000000
    movs r3, #9
    str r3, [r1, #0x28]
"""
START = "movs r3, #1\n str r3, [r1]\n ldr r6, [r2, #4]\n"
WAIT = "mov r0, #500\n1: subs r0, #1\n bne 1b\n"
READ = "ldr r4, [r1, #0x24]\n ldr r5, [r2, #4]\n subs r5, r6\n"
#: What the program does, and the range that r0 must be in; reading a counter takes a few cycles.
TIMERS = {
    "it counts core cycles by 20": (
        START + WAIT + READ + "movs r0, #20\n mul r4, r0\n subs r0, r4, r5\n adds r0, #40", (10, 60)
    ),
    "it begins anew behind its last value": (
        "movs r3, #7\n str r3, [r1, #0x2c]\n" + START + WAIT + READ + "mov r0, r4", (0, 7)
    ),
    "it stands still when it is off": (
        START + WAIT + "movs r3, #0\n str r3, [r1]\n" + READ + WAIT
        + "ldr r0, [r1, #0x24]\n subs r0, r4",
        (0, 0),
    ),
    "and goes on from there": (
        START + WAIT + "movs r3, #0\n str r3, [r1]\n ldr r4, [r1, #0x24]\n movs r3, #1\n"
        "str r3, [r1]\n ldr r0, [r1, #0x24]\n subs r0, r4",
        (0, 3),
    ),
    "it counts from what is written": (
        START + "mov r3, #1000\n str r3, [r1, #0x24]\n ldr r0, [r1, #0x24]", (1000, 1003)
    ),
    "a flag tells each turn": (
        "movs r3, #99\n str r3, [r1, #0x2c]\n" + START
        + "2: ldr r0, [r1, #0x10]\n lsls r0, #31\n beq 2b\n" + READ + "mov r0, r5",
        (1950, 2100),
    ),
    "a flag that is cleared is set by the next turn": (
        "movs r3, #99\n str r3, [r1, #0x2c]\n" + START
        + "2: ldr r0, [r1, #0x10]\n lsls r0, #31\n beq 2b\n movs r0, #0\n str r0, [r1, #0x10]\n"
        "3: ldr r0, [r1, #0x10]\n lsls r0, #31\n beq 3b\n" + READ + "mov r0, r5",
        (3950, 4150),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMERS)
def test_a_timer_counts_modelled_time(build: Build, model: CpuModel, name: str) -> None:
    text, (least, most) = TIMERS[name]
    result = go(build(f"{TIMER} {text}\n bl exit_r0\n .ltorg"), model)
    assert result.exit_code is not None
    assert least <= result.exit_code <= most
    assert result.clock_dependent


def test_random_numbers_are_the_same_in_every_run(build: Build, model: CpuModel) -> None:
    text = "ldr r1, =0x50060800\n ldr r0, [r1, #8]\n ldr r2, [r1, #8]\n eor r0, r2\n bl exit_r0"
    codes = {go(build(f"{text}\n .ltorg"), model).exit_code for _ in range(2)}
    assert len(codes) == 1
    assert codes != {0}


# --- other parts -------------------------------------------------------------------------------

#: The part, the device (r1), what is done, and what r0 is then, by the manual's description.
OTHERS = {
    "an ADC is ready when it is on, calibrated at once": (
        "stm32h743", 0x4002_2000,
        "ldr r0, =0x90000001\n str r0, [r1, #8]\n ldr r0, [r1, #8]\n ldr r2, [r1]\n eor r0, r2",
        0x1000_0001 ^ 0x106F,
    ),
    "and off when it is told": (
        "stm32h743", 0x4002_2000,
        "movs r0, #1\n str r0, [r1, #8]\n movs r0, #3\n str r0, [r1, #8]\n ldr r0, [r1, #8]", 0,
    ),
    "a semaphore is this core's": (
        "stm32h743", 0x5802_6400, "ldr r0, [r1, #0x80]", 0x8000_0300,
    ),
    "flags of an LPUART are not set by clearing them": (
        "imxrt1062", 0x4018_4000,
        "mov r0, #-1\n str r0, [r1, #0x14]\n ldr r0, [r1, #0x14]", 0x3FC0_3FFF,
    ),
    "a calibration ends at once": (
        "imxrt1062", 0x400C_4000,
        "movs r0, #0x80\n str r0, [r1, #0x48]\n ldr r0, [r1, #0x48]", 0,
    ),
    "the crystal runs": (
        "imxrt1062", 0x400D_8000,
        "movs r0, #16\n str r0, [r1, #0x274]\n ldr r0, [r1, #0x270]", 0x0001_4011,
    ),
    "a command for a flash chip has ended": (
        "imxrt1062", 0x402A_4000,
        "movs r0, #1\n str r0, [r1, #0xb0]\n str r0, [r1, #0x14]\n ldr r0, [r1, #0x14]", 0x41,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_register_of_another_part_does_what_its_manual_says(build: Build, name: str) -> None:
    part, device, text, expected = OTHERS[name]
    flash = ("-Wl,--section-start=.isr_vector=0x60002000,-Ttext=0x60002100",)
    image = build(
        f"ldr r1, ={device:#x}\n {text}\n bl exit_r0\n .ltorg",
        *(flash if part == "imxrt1062" else ()),
    )
    assert (go(image, load_cpu_model(part)).exit_code or 0) & 0xFFFF_FFFF == expected


# --- aliases -----------------------------------------------------------------------------------

#: A register with aliases of an i.MX RT: what is written to which, and what it is then.
ALIASES = {"SET": (4, 0x2043), "CLR": (8, 0x2040), "TOG": (12, 0x2041)}


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_set_clear_and_toggle(build: Build, alias: str) -> None:
    model = load_cpu_model("imxrt1062")
    pll = family_of("imxrt1060").devices[1].address("PLL_ARM")
    offset, expected = ALIASES[alias]
    text = f"movs r0, #3\n str r0, [r1, #{offset}]\n ldr r0, [r1]"
    flash = "-Wl,--section-start=.isr_vector=0x60002000,-Ttext=0x60002100"
    image = build(f"ldr r1, ={pll:#x}\n {text}\n bl exit_r0\n .ltorg", flash)
    assert (go(image, model).exit_code or 0) & 0xFFFF_FFFF == expected | 1 << 31
