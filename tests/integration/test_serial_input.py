"""`--uart NAME=FILE|-`: what serial ports receive, polled and by interrupt, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore import Profile
from simcore.cpu_model import CpuModel
from simcore.errors import ConfigError
from tests.integration.assembled import Build, go

PREBUILT = Path("tests/firmware/prebuilt")
#: Part, clock out of reset in Hz, port, and the cycles of a byte at 115,200 baud: 10 bits of the
#: divider that echo.c sets, in ticks of the port's clock, which is the core's of the STM32 parts
#: and 80 MHz of the i.MX RT's 396 MHz (43 is 80 MHz / 16 / 115,200).
BOARDS = {
    "echo_f7": ("stm32f746", 16_000_000, "USART1", 10 * 138),
    "echo_h7": ("stm32h743", 64_000_000, "USART3", 10 * 555),
    "echo_rt": ("imxrt1062", 396_000_000, "LPUART1", round(10 * 43 * 16 * 396 / 80)),
}
each_board = pytest.mark.parametrize("name", BOARDS)
TEXT = b"first\none\nlonger line\nquit\n"
ANSWER = "> first\n4 one\n12 longer line\n5 quit\n21 bytes, "


def run(name: str, text: bytes | None, tmp_path: Path, **options: Any) -> tuple[Profile, str]:
    part, clock_hz, port, _ = BOARDS[name]
    if text is not None:
        file = tmp_path / "input.txt"
        file.write_bytes(text)
        options["uart"] = f"{port}={file}"
    printed = io.BytesIO()
    told: dict[str, Any] = {"cpu": part, "clock_hz": clock_hz, **options}
    profile = simcore.profile(PREBUILT / f"{name}.elf", stdout=printed, **told)
    return profile, printed.getvalue().decode()


@each_board
def test_lines_come_back_polled_and_by_interrupt(name: str, tmp_path: Path) -> None:
    profile, printed = run(name, TEXT, tmp_path)
    assert printed.startswith(ANSWER)
    assert profile.exit.reason == "loop"
    cycles = int(printed.removeprefix(ANSWER).split()[0])
    assert abs(cycles - BOARDS[name][3]) <= BOARDS[name][3] // 100
    assert not [text for text in profile.warnings if "byte" in text]


def test_a_program_that_touches_no_device_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_bytes(b"four")
    told: dict[str, Any] = {"cpu": "stm32f746", "uart": f"USART1={tmp_path / 'input.txt'}"}
    profile = simcore.profile(PREBUILT / "markers.elf", **told)
    assert "the program took 0 of 4 bytes that USART1 was given" in " ".join(profile.warnings)


@each_board
@pytest.mark.parametrize("text", [b"", b"first\n", b"first\none\npart of a"])
def test_a_program_that_wants_more_ends_as_it_waits_for_input(
    name: str, text: bytes, tmp_path: Path
) -> None:
    profile, printed = run(name, text, tmp_path)
    assert profile.exit.reason == "input"
    assert printed == {b"": "> ", b"first\n": "> first\n"}.get(text, "> first\n4 one\n")
    (warning,) = [one for one in profile.warnings if "has received all of" in one]
    assert BOARDS[name][2] in warning


@each_board
def test_without_input_it_ends_and_the_option_is_named(name: str, tmp_path: Path) -> None:
    profile, printed = run(name, None, tmp_path)
    assert (profile.exit.reason, printed) == ("input", "> ")
    assert [one for one in profile.warnings if f"--uart {BOARDS[name][2]}=FILE" in one]


def test_standard_input_is_what_the_file_would_be(tmp_path: Path) -> None:
    from_file = run("echo_f7", TEXT, tmp_path)
    from_stream = run("echo_f7", None, tmp_path, uart="USART1=-", stdin=io.BytesIO(TEXT))
    assert from_stream == from_file


def test_a_capture_needs_the_input_no_more(tmp_path: Path) -> None:
    live, _ = run("echo_f7", TEXT, tmp_path)
    capture = tmp_path / "echo.capture"
    file = tmp_path / "input.txt"
    part, clock_hz, port, _ = BOARDS["echo_f7"]
    told: dict[str, Any] = {"cpu": part, "clock_hz": clock_hz, "uart": (f"{port}={file}",)}
    simcore.record(PREBUILT / "echo_f7.elf", capture, **told)
    file.unlink()
    assert simcore.replay(capture).totals == live.totals


def test_a_port_that_prints_and_one_that_receives_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "input.txt"
    file.write_bytes(TEXT)
    fed = f"USART1={file}"
    assert run("echo_f7", None, tmp_path, uart=("off", fed))[1] == ""
    assert run("echo_f7", None, tmp_path, uart=("USART2", fed))[1] == ""
    assert run("echo_f7", None, tmp_path, uart=(fed, "usart1"))[1].startswith(ANSWER)


REFUSED = {
    "no such port": (("USRT1=in",), "no serial port; did you mean 'USART1'"),
    "nothing behind the mark": (("USART1=",), "not NAME, off, NAME=FILE or NAME=-"),
    "no name": (("=in",), "not NAME, off, NAME=FILE or NAME=-"),
    "twice": (("USART1=in", "usart1=in"), "USART1 is given its input twice"),
    "two that print": (("USART1", "USART2"), "USART1 is to print already"),
    "standard input twice": (("USART1=-", "USART2=-"), "two ports are to receive standard input"),
    "no standard input": (("USART1=-",), "there is no standard input here; name a file"),
    "missing": (("USART1=missing",), "missing: cannot be read: No such file or directory"),
    "a folder": (("USART1=.",), "it is a folder; name a file"),
    "a device": (("USART1=/dev/zero",), "it is no regular file; name a file"),
    "too long": (("USART1=long",), "more than 16 MiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_input_that_cannot_be_is_refused_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uart, message = REFUSED[name]
    elf = (PREBUILT / "echo_f7.elf").resolve()
    monkeypatch.chdir(tmp_path)
    Path("in").write_bytes(b"x")
    with Path("long").open("wb") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(ConfigError, match=r"^--uart") as error:
        simcore.profile(elf, cpu="stm32f746", uart=uart)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


# --- single registers --------------------------------------------------------------------------

#: r1 is USART1, which receives "abc"; without a divider a byte is there as soon as there is room.
SET_UP = "ldr r1, =0x40011000\n movs r0, #5\n str r0, [r1]\n"
#: What the program does, and what r0 is then, by RM0385 31.8.
REGISTERS = {
    "a byte is there": ("ldr r0, [r1, #0x1c]\n and r0, #0x20", 0x20),
    "and is read": ("ldr r0, [r1, #0x24]", ord("a")),
    "one behind the other": (
        "ldrb r0, [r1, #0x24]\n ldrb r2, [r1, #0x24]\n ldrb r3, [r1, #0x24]\n"
        " add r0, r0, r2, lsl #8\n add r0, r0, r3, lsl #16",
        0x636261,
    ),
    "then none is there": (
        "ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x1c]\n"
        " and r0, #0x20",
        0,
    ),
    "and the line is idle": (
        "ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x1c]\n"
        " and r0, #0x10",
        0x10,
    ),
    "until that is cleared": (
        "ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x24]\n ldr r0, [r1, #0x24]\n movs r0, #0x10\n"
        " str r0, [r1, #0x20]\n ldr r0, [r1, #0x1c]\n and r0, #0x10",
        0,
    ),
    "one that is there is dropped": (
        "movs r0, #8\n str r0, [r1, #0x18]\n ldr r0, [r1, #0x24]", ord("b"),
    ),
    "a receiver that is off has none": (
        "movs r0, #9\n str r0, [r1]\n ldr r2, [r1, #0x24]\n ldr r0, [r1, #0x1c]\n and r0, #0x20", 0,
    ),
    "what is sent sets TC again": (
        "movs r0, #0x40\n str r0, [r1, #0x20]\n ldr r0, [r1, #0x1c]\n and r2, r0, #0x40\n"
        " str r0, [r1, #0x28]\n ldr r0, [r1, #0x1c]\n and r0, #0x40\n add r0, r0, r2, lsl #8",
        0x40,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REGISTERS)
def test_a_register_of_a_port_that_is_fed_does_what_the_manual_says(
    build: Build, model: CpuModel, tmp_path: Path, name: str
) -> None:
    text, expected = REGISTERS[name]
    (tmp_path / "in").write_bytes(b"abc")
    image = build(f"{SET_UP} {text}\n bl exit_r0\n .ltorg")
    assert go(image, model, uart=f"USART1={tmp_path / 'in'}").exit_code == expected


def test_a_slow_program_loses_nothing_and_is_told(
    build: Build, model: CpuModel, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"abcd")
    text = """
        ldr r1, =0x40011000
        movs r0, #100
        str r0, [r1, #0x0c]
        movs r0, #5
        str r0, [r1]
        movs r4, #0
        movs r5, #4
    1:  ldr r2, =10000
    2:  subs r2, #1
        bne 2b
        ldr r0, [r1, #0x24]
        add r4, r0, r4, lsl #4
        subs r5, #1
        bne 1b
        mov r0, r4
        bl exit_r0
        .ltorg
    """
    result = go(build(text), model, uart=f"USART1={tmp_path / 'in'}")
    assert result.exit_code == (((0x61 << 4) + 0x62 << 4) + 0x63 << 4) + 0x64
    # 1,000 cycles a byte, and 10,000 turns between reads: each behind the first was kept waiting.
    (warning,) = [one for one in result.warnings if "overrun" in one]
    assert warning.startswith("3 bytes for USART1 waited")


def test_bytes_that_nobody_took_are_told(build: Build, model: CpuModel, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"abc")
    image = build(f"{SET_UP} ldr r0, [r1, #0x24]\n bl exit_r0\n .ltorg")
    result = go(image, model, uart=f"USART1={tmp_path / 'in'}")
    assert [one for one in result.warnings if "took 1 of 3 bytes that USART1 was given" in one]


@pytest.mark.parametrize(("divider", "least", "most"), [(0, 0, 1000), (100, 2000, 3000)])
def test_text_goes_out_by_interrupt(
    build: Build, model: CpuModel, divider: int, least: int, most: int
) -> None:
    """TXE interrupts until the handler turns it off: as drivers with a queue send. A byte takes ten
    bits of the divider; the last is not waited for."""
    text = f"""
        ldr r0, =0xe000ed08
        ldr r1, =table
        str r1, [r0]
        ldr r0, =0xe000e104
        movs r1, #0x20
        str r1, [r0]
        ldr r5, =0x40011000
        movs r4, #0
        movs r0, #{divider}
        str r0, [r5, #0x0c]
        movs r0, #0x89
        str r0, [r5]
    1:  cmp r4, #3
        bne 1b
        movs r0, #0
        bl exit_r0
        .ltorg
        .type send, %function
    send:
        adds r4, #1
        add r0, r4, #0x40
        str r0, [r5, #0x28]
        cmp r4, #3
        itt eq
        moveq r0, #9
        streq r0, [r5]
        bx lr
        .balign 512
    table:
        .rept 80
        .word send + 1
        .endr
    """
    printed = io.BytesIO()
    result = go(build(text), model, stdout=printed)
    total = result.counters.total()
    assert (result.exit_code, printed.getvalue()) == (0, b"ABC")
    assert least <= sum(total[name] for name in total if name.startswith("cycles.")) < most
