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
