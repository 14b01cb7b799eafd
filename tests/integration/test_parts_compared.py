"""A program that is linked for one part is timed on another as if it were linked for that."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.costs.tables import Totals
from tests.integration.assembled import PROLOGUE

#: Walks over a table in SRAM and sums it; calls a function that pushes.
PROGRAM = (
    PROLOGUE
    + """
    movs r7, #20
again:
    ldr r0, =table
    ldr r1, =512
    movs r2, #0
1:  ldr r3, [r0], #4
    adds r2, r3
    str r2, [r0, #-4]
    subs r1, #1
    bne 1b
    bl work
    subs r7, #1
    bne again
    movs r0, #0
    b exit_r0
    .ltorg
    .size reset, . - reset
    .type work, %function
work:
    push {r4-r7, lr}
    pop {r4-r7, pc}
    .size work, . - work
    .bss
    .type table, %object
table: .space 2048
    .size table, 2048
"""
)
SRAM = {"stm32f746": 0x2001_0000, "stm32f767": 0x2002_0000, "stm32h743": 0x2400_0000}
OTHERS = ("stm32f767", "stm32h743")


@pytest.fixture
def linked(arm_gcc: Callable[..., Path], tmp_path: Path) -> dict[str, Path]:
    """The program, linked for each part."""
    made = {}
    source = tmp_path / "program.S"
    source.write_text(PROGRAM)
    for part, sram in SRAM.items():
        (tmp_path / part).mkdir()
        link = "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x08000100"
        options = ["-nostdlib", link, f"-Wl,-Tbss={sram:#x}", source]
        made[part] = arm_gcc(tmp_path / part / "program.elf", options)
    return made


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("place", [(), ("table=dtcm",), ("reset=itcm",)])
def test_it_costs_what_it_costs_when_linked_for_the_part(
    linked: dict[str, Path], other: str, place: tuple[str, ...]
) -> None:
    moved = simcore.profile(linked["stm32f746"], other, linked_for="stm32f746", place=place)
    own = simcore.profile(linked[other], other, place=place)
    assert moved.totals == own.totals
    assert moved.memory == own.memory
    assert any("linked for stm32f746 and timed on" in text for text in moved.warnings)
    # Without, the table would lie in the larger DTCM, or nowhere.
    if other == "stm32f767" and not place:
        asis = simcore.profile(linked["stm32f746"], other)
        assert asis.totals.cycles != own.totals.cycles


def cycles_of(file: Path) -> dict[str, int]:
    return {one["cpu"]["name"]: one["totals"]["cycles"] for one in json.loads(file.read_text())}


def totals(elf: Path, part: str) -> Totals:
    return simcore.profile(elf, part).totals


@pytest.mark.parametrize("order", [("stm32f746", *OTHERS), (*OTHERS, "stm32f746")])
def test_parts_side_by_side(
    linked: dict[str, Path], order: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    home = linked["stm32f746"]
    file = home.with_suffix(".json")
    told = ["--cpu", ",".join(order), "--format", "json", "-o", str(file)]
    assert main(["profile", str(home), *told]) == 0
    expected = {part: totals(linked[part], part).cycles for part in order}
    assert cycles_of(file) == expected
    assert "linked for stm32f746 and timed on stm32h743: " in capfd.readouterr().err


def test_a_study_over_parts_and_places(linked: dict[str, Path]) -> None:
    configurations = [
        simcore.Configuration(name=f"{part} {place}", cpu=part, place=place)
        for part in SRAM
        for place in ((), ("table=dtcm",))
    ]
    study = simcore.what_if([str(linked["stm32f746"])], configurations)
    alone = [
        simcore.profile(linked[one.cpu], one.cpu, place=one.place).totals.cycles
        for one in configurations
    ]
    assert [row.cycles for row in study.configurations] == alone


def test_a_capture_is_of_the_part_that_it_was_recorded_on(
    linked: dict[str, Path], tmp_path: Path
) -> None:
    capture = tmp_path / "run.mcu"
    simcore.record(linked["stm32f746"], capture)
    for other in OTHERS:
        assert simcore.replay(capture, other).totals == totals(linked[other], other)


def test_a_layout_sweep_shifts_code_there(linked: dict[str, Path]) -> None:
    moved = simcore.profile(
        linked["stm32f746"], "stm32h743", linked_for="stm32f746", layout_sweep=True
    )
    own = simcore.profile(linked["stm32h743"], "stm32h743", layout_sweep=True)
    assert moved.layout is not None
    assert own.layout is not None
    assert replace(moved.layout) == own.layout
