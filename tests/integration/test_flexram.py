"""An i.MX RT program in the manner of Teensy's start-up: it divides the FlexRAM and uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import simcore
from simcore.report import RenderOptions
from simcore.report.profile import document
from tests.integration.assembled import PROLOGUE

#: Copies a function to the third bank of ITCM and calls it; the stack is at the end of DTCM.
PROGRAM = (
    PROLOGUE.replace(".word 0x20010000", ".word 0x20060000")
    + """
    ldr r0, =0x400ac044
    ldr r1, =WRITTEN
    str r1, [r0]
    ldr r0, =0x10000
    ldr r1, =0x47702007     @ movs r0, #7; bx lr
    str r1, [r0]
    dsb
    isb
    push {r4, lr}
    adds r0, #1
    blx r0
    pop {r4, lr}
    b exit_r0
    .ltorg
    .data
    .space 16
"""
)
CONFIG = 0xAAAA_AABF  # 3 banks of ITCM, 13 of DTCM


@pytest.fixture
def build_rt(arm_gcc: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    def build(written: int, *options: str) -> Path:
        source = tmp_path / "program.S"
        source.write_text(PROGRAM.replace("WRITTEN", f"{written:#x}"))
        link = "-Wl,--section-start=.isr_vector=0x60000000,-Ttext=0x60000100,-Tdata=0x20000000"
        return arm_gcc(
            tmp_path / "program.elf", ["-nostdlib", link, "-Wl,--entry=reset", *options, source]
        )

    return build


@pytest.mark.parametrize(
    ("written", "symbol", "division", "warned"),
    [
        (CONFIG, CONFIG, "FlexRAM of 96 KiB ITCM, 416 KiB DTCM and 0 KiB OCRAM, as _flex", False),
        (0x5555_AABF, CONFIG, "FlexRAM of 96 KiB ITCM, 416 KiB DTCM and 0 KiB OCRAM", True),
        # Without the symbol the stack pointer asks for 12 banks, and the rest stays usual.
        (CONFIG, None, "FlexRAM of 128 KiB ITCM, 384 KiB DTCM and 0 KiB OCRAM, as the pr", True),
    ],
)
def test_a_program_runs_in_the_division_that_it_makes(
    build_rt: Callable[..., Path], written: int, symbol: int | None, division: str, warned: bool
) -> None:
    options = [] if symbol is None else [f"-Wl,--defsym=_flexram_bank_config={symbol:#x}"]
    profile = simcore.profile(build_rt(written, *options), "imxrt1062")
    assert profile.exit.code == 7
    assert profile.cpu.division is not None
    assert profile.cpu.division.startswith(division)
    assert division in document(profile, "text", RenderOptions())
    assert any("divides its FlexRAM" in text for text in profile.warnings) is warned
    regions = {row.region: row for row in profile.memory}
    assert regions["itcm"].fetch_bytes == 4
    assert regions["dtcm"].writes >= 2


def test_the_division_is_the_same_in_every_verb(
    build_rt: Callable[..., Path], tmp_path: Path
) -> None:
    elf = build_rt(CONFIG, f"-Wl,--defsym=_flexram_bank_config={CONFIG:#x}")
    profile = simcore.profile(elf, "imxrt1062")
    capture = tmp_path / "run.mcu"
    simcore.record(elf, capture, "imxrt1062")
    assert simcore.replay(capture) == profile
    study = simcore.what_if([str(elf)], [simcore.Configuration(cpu="imxrt1062")])
    assert study.configurations[0].cpu == profile.cpu
    assert simcore.annotate(elf, ["reset"], "imxrt1062").cycles == profile.totals.cycles
