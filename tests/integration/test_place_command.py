"""`mcusim profile --place` and --layout-sweep on real programs: what moves, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore.cli.main import main
from simcore.errors import ConfigError
from tests.integration.programs import KERNELS

CONV = KERNELS / "conv2d_s8_small.elf"


def run(capfd: pytest.CaptureFixture[str], *options: str) -> Any:
    assert main(["profile", str(CONV), "--format", "json", *options]) == 0
    return json.loads(capfd.readouterr().out)


def error_of(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that is refused before anything runs."""
    assert main(list(arguments)) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def stalls(profile: Any, name: str) -> int:
    (found,) = (row["stall_cycles"] for row in profile["objects"] if row["name"] == name)
    return int(found)


def test_what_is_placed_is_timed_in_its_region_and_counts_stay(
    capfd: pytest.CaptureFixture[str],
) -> None:
    linked = run(capfd)
    placed = run(capfd, "--place", "input+weights=dtcm", "--place", "multiply*=itcm")
    assert [(row["name"], row["region"]) for row in placed["placement"]] == [
        ("multiply_rows", "itcm"),
        ("weights", "dtcm"),
        ("input", "dtcm"),
    ]
    for count in ("instructions", "macs", "reads", "writes", "read_bytes"):
        assert placed["totals"][count] == linked["totals"][count]
    regions = {row["name"]: row["region"] for row in placed["objects"]}
    assert (regions["weights"], regions["input"], regions["output"]) == ("dtcm", "dtcm", "sram1")
    # TCM answers without a wait: what is left are bank conflicts of dual loads
    assert stalls(placed, "weights") < stalls(linked, "weights") / 2
    assert placed["totals"]["cycles"] < linked["totals"]["cycles"]
    itcm = next(row for row in placed["memory"] if row["region"] == "itcm")
    assert itcm["fetch_bytes"] > 0


def test_placing_what_lies_there_changes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    linked, placed = run(capfd), run(capfd, "--place", "weights=flash")
    assert placed.pop("placement") == []
    assert placed == linked


def test_the_layout_sweep_holds_the_run_and_seven_shifts(
    capfd: pytest.CaptureFixture[str],
) -> None:
    linked, swept = run(capfd), run(capfd, "--layout-sweep")
    band = swept.pop("layout")
    assert swept == linked
    assert band["offsets_bytes"] == [0, 4, 8, 12, 16, 20, 24, 28]
    assert band["cycles"][0] == linked["totals"]["cycles"]
    assert band["minimum_cycles"] == min(band["cycles"])
    assert band["maximum_cycles"] == max(band["cycles"])
    assert len(set(band["cycles"])) > 1  # alignment does matter


def test_the_library_places_as_the_command_does() -> None:
    profile = simcore.profile(CONV, place=["weights=dtcm"])
    assert profile.placement is not None
    assert [item.name for item in profile.placement] == ["weights"]


def test_a_stack_that_outgrows_what_was_moved_is_refused_with_both_sizes() -> None:
    with pytest.raises(ConfigError, match=r"moves 64 bytes, but the program used \d{3}; say"):
        simcore.profile(CONV, place=["stack[:64]=sram1"])
    linked, placed = simcore.profile(CONV), simcore.profile(CONV, place=["stack=sram1"])
    stack = next(row for row in linked.objects if row.name == "(stack)")
    read = [
        {row.region: row.read_bytes for row in profile.memory}["dtcm"]
        for profile in (linked, placed)
    ]
    assert read[0] - read[1] == stack.read_bytes


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (["wieghts=dtcm"], "did you mean 'weights'"),
        (["weights=dtmc"], "did you mean 'dtcm'"),
        (["weights=axi_sram"], "stm32f746 has no region 'axi_sram'"),
        ([".rodata+scratch=itcm"], "do not fit into itcm of stm32f746: of 16,384 bytes"),
        ([".rodata=sram1", "weights=dtcm"], "overlaps '.rodata=sram1'"),
        (["output=flash"], "the program writes output of .bss"),
        (["weights"], "not WHAT=REGION"),
    ],
)
def test_bad_placements_are_refused_in_one_line(
    place: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options = [word for text in place for word in ("--place", text)]
    error = error_of(capfd, "profile", str(CONV), *options)
    assert message in error
    assert error.startswith("mcusim: error: --place '")


#: A table that calls itself read-only but lies in SRAM, where the program stores into it.
WRITES_ROM = """
    .syntax unified
    .section .isr_vector, "a"
    .word 0x20010000, reset
    .text
    .thumb_func
    .type reset, %function
reset:
    ldr r0, =table
    str r0, [r0, #4]
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    .size reset, . - reset
    .section .table, "a"
    .type table, %object
table:
    .space 16
    .size table, . - table
"""


def test_rom_data_that_the_program_writes_is_refused_after_the_run(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    source = tmp_path / "writes.S"
    source.write_text(WRITES_ROM)
    starts = {".isr_vector": 0x0800_0000, ".text": 0x0800_0100, ".table": 0x2001_0000}
    flags = [f"-Wl,--section-start={name}={start:#x}" for name, start in starts.items()]
    elf = arm_gcc(tmp_path / "writes.elf", ["-nostdlib", "-Wl,--entry=reset", *flags, source])
    assert simcore.profile(elf, place=["table=dtcm"]).exit.code == 0
    with pytest.raises(ConfigError, match=r"the program writes table \(1 times at 0x08000102\)"):
        simcore.profile(elf, place=["table=flash"])
