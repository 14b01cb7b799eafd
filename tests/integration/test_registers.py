"""Registers of peripherals that nothing describes: what is written stays, what a run is told."""

from __future__ import annotations

import pytest

import simcore
from simcore.cpu_model import CpuModel
from simcore.errors import ConfigError
from tests.integration.assembled import Build, go

RCC_CR = 0x4001_7000  # of an STM32F746: nothing that is described
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
        (["0x40017000=0x12345678"], 0x1234_5678),
        (["0x40017000=0x20000/0x30000"], 0xFFFE_FFFF),
        (["0x40017000=0/1", "0x40017000=0/0x80000000"], 0x7FFF_FFFE),
        (["0x40017004=7"], 0xFFFF_FFFF),
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
    result = go(image, model, stub=[f"{RCC_CR:#x}=5"], strict=True)
    assert (result.exit_code, result.warnings) == (5, ())


@pytest.mark.parametrize(
    ("stub", "message"),
    [
        ("0x40017000", "not ADDRESS=VALUE"),
        ("=1", "not ADDRESS=VALUE"),
        ("0x40017000=x", "not ADDRESS=VALUE"),
        ("0x40017000=0x100000000", "not ADDRESS=VALUE"),
        ("0x40017000=1/", "not ADDRESS=VALUE"),
        ("0x40017000=-1", "not ADDRESS=VALUE"),
        ("0x40017000=3/1", "the value has bits outside the mask 0x1"),
        ("0x40017002=1", "no multiple of four"),
        ("0x20000000=1", "is dtcm, which is no peripheral"),
        ("0x08000000=1", "which is no peripheral"),
        ("0x30000000=1", "of stm32f746 is no memory"),
        ("0xE000ED88=1", "a register of the core, which is modelled"),
        ("0x40023C00=1", "FLASH_ACR, which is modelled"),
        ("RCC_CR=1", "there is no symbol 'RCC_CR'"),
        ("main=1", "there is no symbol 'main'"),
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
        go(build("b ."), model, stub=["0x40017000=2/3", "0x40017000=0/6"])


def test_a_capture_has_its_stubs_behind_it(
    build: Build, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = build(f"ldr r1, ={RCC_CR:#x}\n ldr r0, [r1]\n bl exit_r0\n .ltorg")
    capture = tmp_path_factory.mktemp("capture") / "run.mcu"
    simcore.record(image.path, capture, stub=[f"{RCC_CR:#x}=0"])
    assert simcore.replay(capture).exit.code == 0
    with pytest.raises(ConfigError, match="takes no stub"):
        simcore.replay(capture, stub=["0x40017000=1"])
