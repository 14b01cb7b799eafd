"""Builds of one program by GCC in several forms of debug information, as scripts/validate builds.

That command has all of them, clang's too, and keeps the table of docs/model/builds.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.debug_builds.matrix import GCC, Build, builds
from scripts.validation.builds import BEGIN, END, KEPT, judge
from tests.tools import needs

#: Each shows a way of its own to lose lines.
USUAL = ("64-bit DWARF 5", ".zdebug sections", "split, DWARF 4", "code at address 0",
         "debug link in .debug")  # fmt: skip


def cases() -> list[object]:
    return [
        pytest.param(
            build, marks=() if build.name in USUAL else pytest.mark.exhaustive,
            id=f"{build.name} {build.flags[:2]}",
        )
        for build in builds()
        if build.compiler == GCC and build.name != "split, DWARF 5"  # binutils do not read it
    ]  # fmt: skip


@pytest.mark.parametrize("build", cases())
def test_a_build_of_gcc_is_whole_or_says_what_is_not(build: Build, tmp_path: Path) -> None:
    needs("arm-none-eabi-gcc", "gcc-arm-none-eabi")
    row = judge(build, tmp_path)
    assert row.wrong == [], row.said


def test_the_kept_table_has_every_build_and_nothing_wrong() -> None:
    table = KEPT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert [(row[0].removeprefix("| "), row[1]) for row in rows] == [
        (build.compiler, build.name) for build in builds()
    ]
    assert {row[4] for row in rows} == {"right"}
