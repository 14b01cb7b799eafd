"""Formats of programs without debug information, or without any symbols."""

from __future__ import annotations

from pathlib import Path

import pytest

import simcore
from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.report.profile import FORMATS, NEEDS, document
from tests.integration.programs import FIRMWARE
from tests.tools import run_tool


@pytest.fixture(scope="module", params=["--strip-debug", "--strip-all"])
def stripped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Profile:
    elf = tmp_path_factory.mktemp("stripped") / "calls.elf"
    command: list[str | Path] = ["arm-none-eabi-strip", request.param, "-o", elf]
    run_tool([*command, FIRMWARE / "calls.elf"], "binutils-arm-none-eabi")
    tables = {table: True for needed in NEEDS.values() for table in needed}
    return simcore.profile(elf, **tables)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("lcov", "html")])
def test_a_program_without_lines_has_every_format_of_functions(
    stripped: Profile, name: str
) -> None:
    assert document(stripped, name)


def test_coverage_of_a_program_without_lines_is_refused_with_what_to_do(stripped: Profile) -> None:
    with pytest.raises(ConfigError, match=r"calls\.elf has no source lines: compile with -g"):
        document(stripped, "lcov")


def test_callgrind_annotate_reads_a_program_without_lines(
    stripped: Profile, tmp_path: Path
) -> None:
    out = tmp_path / "callgrind.out"
    text = document(stripped, "callgrind")
    assert isinstance(text, str)
    out.write_text(text)
    shown = run_tool(["callgrind_annotate", "--show-percs=no", "--show=Cycles", out], "valgrind")
    assert f"{stripped.totals.cycles:,}  PROGRAM TOTALS" in shown


def test_a_capture_keeps_the_debug_information_that_was_found(tmp_path: Path) -> None:
    elf, debug, capture = (tmp_path / name for name in ("calls.elf", "calls.debug", "run.mcu"))
    package = "binutils-arm-none-eabi"
    whole = FIRMWARE / "calls.elf"
    run_tool(["arm-none-eabi-objcopy", "--only-keep-debug", whole, debug], package)
    run_tool(["arm-none-eabi-strip", "-o", elf, whole], package)
    run_tool(["arm-none-eabi-objcopy", f"--add-gnu-debuglink={debug}", elf], package)
    profile = simcore.profile(elf, lines=True)
    assert profile.warnings == ()
    assert profile.lines == simcore.profile(whole, lines=True).lines
    simcore.record(elf, capture)
    debug.unlink()
    assert simcore.replay(capture, lines=True) == profile
    with pytest.raises(ConfigError, match="debug"):
        simcore.replay(capture, debug_file=str(whole))
    lost = simcore.profile(elf, lines=True)
    assert [text.split(",")[0] for text in lost.warnings] == [
        "its source lines are in calls.debug",
        "no symbols (stripped): rows are sections; --symbols FILE.elf with the program before it"
        " was stripped",
    ]
    simcore.record(elf, capture)
    assert simcore.replay(capture, lines=True) == lost
