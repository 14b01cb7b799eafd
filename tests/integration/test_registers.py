"""Registers of peripherals that nothing describes: what is written stays, what a run is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import simcore
from simcore import Profile
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.report.profile import render
from tests.integration.assembled import Build, go
from tests.integration.programs import CHECKOUT, FIRMWARE

RCC_CR = 0x4002_3800  # of an STM32F746
NONE = ("devices.family=none",)  # a part of which no register is described


@pytest.fixture
def model() -> CpuModel:
    return load_cpu_model("stm32f746", NONE)


# --- what is written and what is told ---------------------------------------------------

#: Accesses to RCC_CR (r1) and the word behind it, and what r0 is then.
ACCESSES = {
    "never written": ("ldr r0, [r1]", 0),
    "a word": ("mvn r2, #6\n str r2, [r1]\n ldr r0, [r1]", 0xFFFF_FFF9),
    "a word stays where it is": ("movs r2, #6\n str r2, [r1, #4]\n ldr r0, [r1]", 0),
    "a byte of it": ("ldr r2, =0x12345678\n str r2, [r1]\n ldrb r0, [r1, #2]", 0x34),
    "a halfword of it": ("ldr r2, =0x12345678\n str r2, [r1]\n ldrh r0, [r1, #2]", 0x1234),
    "bytes written": (
        "ldr r2, =0x12345678\n str r2, [r1]\n movs r2, #0xab\n strb r2, [r1, #1]\n ldr r0, [r1]",
        0x1234_AB78,
    ),
    "a halfword written": (
        "ldr r2, =0x12345678\n str r2, [r1]\n movw r2, #0xabcd\n strh r2, [r1, #2]\n ldr r0, [r1]",
        0xABCD_5678,
    ),
    "a bit set in place": (
        "ldr r0, [r1]\n orr r0, #0x10000\n str r0, [r1]\n"
        " ldr r0, [r1]\n orr r0, #1\n str r0, [r1]\n ldr r0, [r1]",
        0x1_0001,
    ),
    "two words": ("movs r2, #1\n movs r3, #2\n strd r2, r3, [r1]\n ldrd r2, r0, [r1]", 2),
}


def exit_code(build: Build, model: CpuModel, text: str, **options: object) -> int:
    image = build(f"ldr r1, ={RCC_CR:#x}\n {text}\n bl exit_r0\n .ltorg")
    result = go(image, model, **options)
    assert (result.exit_reason, result.exit_code is None) == ("exit", False)
    return (result.exit_code or 0) & 0xFFFF_FFFF


@pytest.mark.parametrize("name", ACCESSES)
def test_a_register_that_is_not_described_keeps_what_was_written(
    build: Build, model: CpuModel, name: str
) -> None:
    text, expected = ACCESSES[name]
    assert exit_code(build, model, text) == expected


def test_a_thousand_registers_keep_what_was_written(build: Build, model: CpuModel) -> None:
    text = """
        movw r3, #1000
    1:  str r3, [r1, r3, lsl #2]
        subs r3, #1
        bne 1b
        movs r0, #0
        movw r3, #1000
    2:  ldr r2, [r1, r3, lsl #2]
        add r0, r2
        subs r3, #1
        bne 2b
    """
    assert exit_code(build, model, text) == sum(range(1001))


@pytest.mark.parametrize(
    ("stubs", "expected"),
    [
        (["0x40023800=0x12345678"], 0x1234_5678),
        (["0x40023800=0x20000/0x30000"], 0xFFFE_FFFF),
        (["0x40023800=0/1", "0x40023800=0/0x80000000"], 0x7FFF_FFFE),
        (["0x40023804=7"], 0xFFFF_FFFF),
        (["clock_control=7"], 7),
    ],
)
def test_a_stub_is_what_a_register_reads_whatever_is_written(
    build: Build, model: CpuModel, stubs: list[str], expected: int
) -> None:
    text = (
        f".global clock_control\n .equ clock_control, {RCC_CR:#x}\n mvn r2, #0\n str r2, [r1]\n"
        " ldr r0, [r1]"
    )
    assert exit_code(build, model, text, stub=stubs) == expected


def test_a_stub_is_a_description_and_no_fault_when_strict(build: Build, model: CpuModel) -> None:
    image = build(f"ldr r1, ={RCC_CR:#x}\n ldr r0, [r1]\n bl exit_r0\n .ltorg")
    result = go(image, model, stub=[f"{RCC_CR:#x}=5"], peripherals="strict")
    assert (result.exit_code, result.warnings) == (5, ())


@pytest.mark.parametrize(
    ("stub", "message"),
    [
        ("0x40023800", "not ADDRESS=VALUE"),
        ("=1", "not ADDRESS=VALUE"),
        ("0x40023800=x", "not ADDRESS=VALUE"),
        ("0x40023800=0x100000000", "not ADDRESS=VALUE"),
        ("0x40023800=1/", "not ADDRESS=VALUE"),
        ("0x40023800=-1", "not ADDRESS=VALUE"),
        ("0x40023800=3/1", "the value has bits outside the mask 0x1"),
        ("0x40023802=1", "no multiple of four"),
        ("0x20000000=1", "is dtcm, which is no peripheral"),
        ("0x08000000=1", "which is no peripheral"),
        ("0x30000000=1", "of stm32f746 is no memory"),
        ("0xE000ED88=1", "a register of the core, which is modelled"),
        ("0x40023C00=1", "FLASH_ACR, which is modelled"),
        ("RCC_CR=1", "has no known register and"),
        ("main=1", "has no known register and"),
    ],
)
def test_a_stub_that_cannot_be_is_refused(
    build: Build, model: CpuModel, stub: str, message: str
) -> None:
    with pytest.raises(ConfigError, match="--stub") as error:
        go(build("b ."), model, stub=[stub])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_bits_that_are_told_twice_are_refused(build: Build, model: CpuModel) -> None:
    with pytest.raises(ConfigError, match="bits 0x2 of it are told twice"):
        go(build("b ."), model, stub=["0x40023800=2/3", "0x40023800=0/6"])


def test_a_capture_has_its_stubs_behind_it(
    build: Build, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = build(f"ldr r1, ={RCC_CR:#x}\n ldr r0, [r1]\n bl exit_r0\n .ltorg")
    capture = tmp_path_factory.mktemp("capture") / "run.mcu"
    simcore.record(image.path, capture, stub=[f"{RCC_CR:#x}=0"], overrides=NONE)
    assert simcore.replay(capture).exit.code == 0
    with pytest.raises(ConfigError, match="takes no stub"):
        simcore.replay(capture, stub=["0x40023800=1"])


# --- loops that wait --------------------------------------------------------------------

#: Of tests/firmware/waits.c: what is guessed of each register, the last guess that is new. The bits
#: and values are those of its loops' tests; 0x400 is the lowest bit that is more than 1000, and the
#: difference of two readings needs it set and clear in turn.
WAITED_FOR = {
    0x4002_3800: 0x2_0000, 0x4002_3808: 0x18, 0x4002_3900: 0x1550_0000, 0x4002_3A00: 0,
    0x4002_3A04: 0, 0x4002_3A08: 3, 0x4000_5418: 0x20, 0x4000_5800: 4, 0x4000_0024: 0x400,
    0x4000_0424: 0, 0x4002_1300: 0x5A_0000, 0x4002_1400: 0x100, 0x4002_1500: 8,
    0x4001_4000: 0x80, 0x4000_5618: 0x20_0000,
}  # fmt: skip


@pytest.fixture
def waits(arm_gcc: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """tests/firmware/waits.c at a level of optimisation."""

    def compiled(level: str) -> Path:
        startup = CHECKOUT / "kernels" / "startup"
        sources = [startup / "startup.c", startup / "semihost.c", FIRMWARE.parent / "waits.c"]
        options = ["-g", "-ffreestanding", "-nostartfiles", "--specs=nano.specs", f"-I{startup}"]
        link = [f"-L{startup}", "-Tstm32f746.ld"]
        return arm_gcc(tmp_path / "waits.elf", [level, *options, *link, *sources])

    return compiled


@pytest.mark.parametrize("level", ["-O0", "-O1", "-Og", "-Os", "-O2", "-O3"])
def test_a_loop_that_waits_goes_on_as_its_own_test_asks(
    waits: Callable[..., Path], level: str
) -> None:
    profile = simcore.profile(waits(level), overrides=NONE)
    assert profile.exit.text == "the program exited with code 0"
    reads: dict[int, int] = {}
    for guess in profile.guesses or ():
        reads[guess.address] = (reads.get(guess.address, 0) & ~guess.mask) | guess.value
    assert reads == WAITED_FOR


def test_a_loop_that_waits_spins_in_plain_and_faults_in_strict(
    waits: Callable[..., Path],
) -> None:
    elf = waits("-O2")
    plain = simcore.profile(elf, peripherals="plain", for_s=0.005, overrides=NONE)
    assert (plain.exit.reason, plain.guesses) == ("for", None)
    strict = simcore.profile(elf, peripherals="strict", overrides=NONE)
    assert strict.exit.fault is not None
    assert strict.exit.fault.address == 0x4002_3800


def test_guesses_are_those_of_the_run_in_a_capture_and_every_time(
    waits: Callable[..., Path], tmp_path: Path
) -> None:
    elf = waits("-Os")
    live = simcore.profile(elf, overrides=NONE)
    simcore.record(elf, tmp_path / "run.mcu", overrides=NONE)
    assert live.guesses
    assert live == simcore.profile(elf, overrides=NONE)
    replayed = simcore.replay(tmp_path / "run.mcu")  # which warns that the program reads the clock
    assert replace(replayed, warnings=live.warnings) == live
    assert Profile.from_json(live.to_json()) == live


def test_a_wait_is_recognised_within_a_hundred_turns(build: Build, model: CpuModel) -> None:
    image = build(
        f"ldr r1, ={RCC_CR:#x}\n movs r4, #0\n1: adds r4, #1\n ldr r0, [r1]\n lsls r0, #14\n"
        " bpl 1b\n mov r0, r4\n bl exit_r0\n .ltorg"
    )
    result = go(image, model)
    assert result.exit_code is not None
    assert 0 < result.exit_code <= 100
    (guess,) = result.guesses
    assert (guess.value, guess.mask, guess.count) == (1 << 17, 1 << 17, 1)


@pytest.mark.parametrize(
    ("elf", "cpu", "registers"),
    [
        ("clock_setup_f7", "stm32f746", {0x40023800, 0x40007004, 0x40023808, 0x4001101C}),
        (
            "clock_setup_h7",
            "stm32h743",
            {0x58024804, 0x58024818, 0x58024400, 0x58024410, 0x4001101C},
        ),
    ],
)
def test_generated_start_up_code_reaches_its_application(
    elf: str, cpu: str, registers: set[int]
) -> None:
    profile = simcore.profile(FIRMWARE / f"{elf}.elf", cpu, until="application@3", overrides=NONE)
    assert profile.exit.text.startswith("the run ended where it was told to at application")
    assert {guess.address for guess in profile.guesses or ()} == registers
    text = render(profile, "text", RenderOptions())
    page = render(profile, "html", RenderOptions())
    for guess in profile.guesses or ():
        assert f"{guess.address:#010x} reads {guess.value:#x}/{guess.mask:#x}" in text
        assert guess.text in page
    assert f"Guessed {len(registers)} registers" in text


# --- input ------------------------------------------------------------------------------

#: USART2's RXNE and a pin of GPIOC, with what else may end the loop.
INPUT = """
    ldr r1, ={register:#x}
    movw r4, #{left}
1:  ldr r0, [r1]
    tst r0, #{bit}
    bne 2f
    {count}
    b 1b
2:  movs r0, #0
    bl exit_r0
    .ltorg
"""


@pytest.mark.parametrize(("register", "bit"), [(0x4000_441C, 0x20), (0x4002_0810, 0x2000)])
def test_input_that_nobody_gives_ends_the_run(
    build: Build, model: CpuModel, register: int, bit: int
) -> None:
    endless = go(build(INPUT.format(register=register, bit=bit, left=0, count="nop")), model)
    assert (endless.exit_reason, endless.guesses) == ("input", ())
    assert endless.exit_place is not None
    assert endless.exit_place.symbol == "reset"
    assert any(f"polls {register:#010x}" in warning for warning in endless.warnings)
    count = "subs r4, #1\n beq 2f"
    counted = go(build(INPUT.format(register=register, bit=bit, left=5000, count=count)), model)
    assert (counted.exit_reason, counted.guesses) == ("exit", ())


def test_a_described_device_that_receives_nothing_ends_the_run(build: Build) -> None:
    image = build(INPUT.format(register=0x4001_101C, bit=0x20, left=0, count="nop"))
    result = go(image, load_cpu_model("stm32f746"))
    assert (result.exit_reason, result.guesses) == ("input", ())
    assert any("polls USART1_ISR (0x4001101c)" in warning for warning in result.warnings)


#: Words and bits that are received, of parts whose devices are described or not.
RECEIVED = {
    "a character, described": ("stm32f746", (), 0x4000_441C, 0x20, ""),
    "a button, described": ("stm32f746", (), 0x4002_0810, 0x2000, ""),
    "a byte of I2C": ("stm32f746", (), 0x4000_6018, 0x4, ""),
    "a frame of SPI": ("stm32f746", (), 0x4001_3008, 0x1, ""),
    "a packet of SPI": ("stm32h743", (), 0x4001_3014, 0x1, ""),
    "a message of CAN": ("stm32f746", NONE, 0x4000_640C, 0x1, ""),
    "a message of FDCAN": ("stm32h743", (), 0x4000_A0A4, 0x1, ""),
    "a sample of a SAI that receives": (
        "stm32f746", (), 0x4001_5818, 0x8, "movs r2, #1\n str r2, [r1, #-0x14]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RECEIVED)
def test_what_is_received_is_not_guessed_and_ends_the_run(build: Build, name: str) -> None:
    part, described, register, bit, before = RECEIVED[name]
    text = f"ldr r1, ={register:#x}\n {before}\n" + INPUT.format(
        register=register, bit=bit, left=0, count="nop"
    )
    result = go(build(text), load_cpu_model(part, described))
    assert (result.exit_reason, result.guesses) == ("input", ())
    assert any(f"({register:#010x})" in text or f"polls {register:#010x}" in text
               for text in result.warnings)  # fmt: skip


def test_a_flag_of_a_sai_that_sends_is_guessed(build: Build) -> None:
    text = INPUT.format(register=0x4001_5818, bit=0x8, left=0, count="nop")
    result = go(build(text), load_cpu_model("stm32f746"))
    assert (result.exit_reason, [guess.value for guess in result.guesses]) == ("exit", [8])


def test_a_described_register_that_is_read_often_is_not_what_the_program_hangs_on(
    build: Build,
) -> None:
    # TIM2's counter, which runs; the loop does some work.
    image = build(
        "ldr r1, =0x40000000\n movs r0, #1\n str r0, [r1]\n ldr r3, =0x20000100\n"
        "1: ldr r0, [r1, #0x24]\n str r0, [r3]\n b 1b\n .ltorg"
    )
    result = go(image, load_cpu_model("stm32f746"), max_instructions=10_000)
    assert result.exit_reason == "max-instructions"
    assert not [text for text in result.warnings if "polls" in text]


def test_a_bit_of_a_register_with_input_that_is_none_is_guessed(
    build: Build, model: CpuModel
) -> None:
    result = go(build(INPUT.format(register=0x4000_441C, bit=0x80, left=0, count="nop")), model)
    assert (result.exit_reason, [guess.value for guess in result.guesses]) == ("exit", [0x80])


def test_a_stub_decides_over_a_guess(build: Build, model: CpuModel) -> None:
    text = INPUT.format(register=RCC_CR, bit=0x80, left=5000, count="subs r4, #1\n beq 2f")
    result = go(build(text), model, stub=[f"{RCC_CR:#x}=0/0x80"])
    assert (result.exit_reason, result.guesses) == ("exit", ())
    result = go(build(text), model, stub=[f"{RCC_CR:#x}=0x80/0x80"])
    assert (result.exit_reason, result.guesses) == ("exit", ())


# --- names ------------------------------------------------------------------------------


@pytest.fixture
def svd(tmp_path: Path) -> str:
    """Some registers of an STM32F746."""

    def register(name: str, offset: int, reset: int, *fields: tuple[str, int]) -> str:
        inner = "".join(
            f"<field><name>{field}</name><bitOffset>{bit}</bitOffset><bitWidth>1</bitWidth></field>"
            for field, bit in fields
        )
        return (
            f"<register><name>{name}</name><addressOffset>{offset}</addressOffset>"
            f"<resetValue>{reset}</resetValue><fields>{inner}</fields></register>"
        )

    rcc = register("CR", 0, 0x83, ("HSION", 0), ("HSERDY", 17)) + register("CFGR", 8, 0)
    path = tmp_path / "part.svd"
    path.write_text(
        "<device><name>X</name><size>32</size><peripherals><peripheral><name>RCC</name>"
        f"<baseAddress>{RCC_CR}</baseAddress><registers>{rcc}</registers></peripheral>"
        "</peripherals></device>"
    )
    return str(path)


def test_a_description_gives_names_fields_and_what_reads_after_reset(
    build: Build, model: CpuModel, svd: str
) -> None:
    image = build(
        f"ldr r1, ={RCC_CR:#x}\n ldr r4, [r1]\n movs r0, #0\n str r0, [r1]\n str r0, [r1, #8]\n"
        "1: ldr r0, [r1]\n lsls r0, #14\n bpl 1b\n mov r0, r4\n bl exit_r0\n .ltorg"
    )
    result = go(image, model, svd=svd)
    assert result.exit_code == 0x83
    (guess,) = result.guesses
    assert (guess.name, guess.value, guess.mask) == ("RCC_CR.HSERDY", 1 << 17, 1 << 17)
    assert any("RCC_CFGR (0x40023808): 0 reads, 1 writes" in line for line in result.warnings)
    result = go(image, model, svd=svd, stub=["RCC_CR.HSERDY=1", "rcc.cr.hsion=0"])
    assert (result.exit_code, result.guesses) == (0x2_0082, ())
    plain = go(image, model, svd=svd, peripherals="plain", max_instructions=1000)
    assert any(
        "polls RCC_CR (0x40023800) in reset" in line and "--stub RCC_CR=VALUE" in line
        for line in plain.warnings
    )


def test_the_registers_of_the_parts_devices_have_their_names(build: Build) -> None:
    part = load_cpu_model("stm32f746")
    image = build(f"ldr r1, ={RCC_CR:#x}\n1: ldr r0, [r1]\n lsls r0, #4\n bpl 1b\n .ltorg")
    result = go(image, part, peripherals="plain", max_instructions=1000)
    assert any("polls RCC_CR (0x40023800) in reset" in line for line in result.warnings)
    image = build(f"ldr r1, ={RCC_CR:#x}\n ldr r0, [r1]\n bl exit_r0\n .ltorg")
    assert go(image, part, stub=["rcc.cr=5"]).exit_code == 5
    with pytest.raises(ConfigError, match="did you mean 'RCC_CR'"):
        go(image, part, stub=["RCC_CRR=5"])


def test_the_register_that_hangs_the_program_is_never_left_out(
    build: Build, model: CpuModel
) -> None:
    # Nine registers are set up, then a ready flag at a higher address is polled.
    image = build(
        "ldr r1, =0x40000c00\n movs r2, #9\n1: ldr r0, [r1]\n str r2, [r1], #4\n subs r2, #1\n"
        f" bne 1b\n ldr r1, ={RCC_CR:#x}\n2: ldr r0, [r1]\n lsls r0, #14\n bpl 2b\n .ltorg"
    )
    result = go(image, model, peripherals="plain", max_instructions=10_000)
    (polls, uses) = result.warnings
    assert polls.startswith("the program polls 0x40023800 in reset, which reads 0x0")
    assert "reads gave what was written: 0x40023800: 33" in uses  # a third of the instructions
    assert uses.endswith("; and 2 more")
