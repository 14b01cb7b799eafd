"""LCOV tracefiles, read by lcov and genhtml, and the coverage they come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import simcore
from simcore.costs.coverage import CoveredLine, FileCoverage
from simcore.costs.profile import Profile
from simcore.report.profile import render
from tests.integration.profiled import each_program, named
from tests.integration.programs import CHECKOUT, Program
from tests.tools import run_tool
from tests.unit.handmade import kernel_profile

TWO_PATHS = """\
static volatile int sum;
__attribute__((noinline)) static int choose(int which)
{
    if (which > 2)
        sum += which;
    else
        sum -= which;
    return sum;
}
__attribute__((noinline, used)) static void never(void)
{
    sum = 0;
}
int main(void)
{
    for (int i = 0; i < 3; i++)
        choose(i);
    return 0;
}
"""


def tracefile(profile: Profile, folder: Path) -> Path:
    out = folder / "coverage.info"
    out.write_text(render(profile, "lcov"))
    return out


def coverage_of(profile: Profile) -> tuple[FileCoverage, ...]:
    assert profile.coverage is not None
    return profile.coverage


@each_program
def test_lcov_reads_how_many_lines_and_functions_ran(program: Program, tmp_path: Path) -> None:
    profile = program.profile()
    text = run_tool(["lcov", "--summary", tracefile(profile, tmp_path)], "lcov")
    for what in ("lines", "functions"):
        found = re.search(rf"{what}\.*: [\d.]+% \((\d+) of (\d+) {what}\)", text)
        assert found, text
        here = [file for file in coverage_of(profile) if (CHECKOUT / file.file).is_file()]
        rows = [row for file in here for row in getattr(file, what)]
        ran = [row for row in rows if getattr(row, "executions", 0) or getattr(row, "calls", 0)]
        assert (int(found[1]), int(found[2])) == (len(ran), len(rows))


def test_genhtml_shows_the_source_with_executions(tmp_path: Path) -> None:
    profile = named("markers")
    command: list[str | Path] = ["genhtml", "--quiet", "--output-directory", tmp_path / "html"]
    run_tool([*command, tracefile(profile, tmp_path)], "lcov", cwd=CHECKOUT)
    page = next(tmp_path.glob("html/**/markers.c.gcov.html")).read_text()
    (file,) = [f for f in coverage_of(profile) if f.file == "tests/firmware/markers.c"]
    hit = [line for line in file.lines if line.executions]
    assert hit
    for line in hit:
        assert re.search(rf'"lineNum"> +{line.line} </span>.* {line.executions} :', page)


def test_sources_that_are_not_here_are_left_out_and_others_named_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    for name in (".git", "firmware/src"):
        (root / name).mkdir(parents=True)
    (root / "firmware" / "src" / "k.c").write_text("int k(void)\n{ return 1; }\n")
    (root / "firmware" / "own.c").write_text("int own;\n")
    monkeypatch.chdir(root / "firmware")
    lines = (CoveredLine(2, 3),)
    names = ("C:\\proj\\src\\k.c", "own.c", "/build/newlib/memcpy.c", "<built-in>")
    covered = tuple(FileCoverage(name, (), lines) for name in names)
    profile = replace(kernel_profile(), coverage=covered)
    text = render(profile, "lcov")
    assert re.findall("SF:(.*)", text) == ["firmware/src/k.c", "firmware/own.c"]
    (tmp_path / "c.info").write_text(text)
    command: list[str | Path] = ["genhtml", "--quiet", "-o", tmp_path / "html", tmp_path / "c.info"]
    run_tool(command, "lcov", cwd=root)
    elsewhere = render(replace(profile, coverage=covered[2:3]), "lcov")  # for another machine
    assert re.findall("SF:(.*)", elsewhere) == ["/build/newlib/memcpy.c"]


@each_program
def test_lines_that_ran_are_those_of_the_profile(program: Program) -> None:
    profile = program.profile()
    assert profile.lines is not None
    assert {
        (file.file, line.line): line.executions
        for file in coverage_of(profile)
        for line in file.lines
        if line.executions
    } == {(line.file, line.line): line.executions for line in profile.lines}


@each_program
def test_a_function_that_was_called_has_lines_that_ran(program: Program) -> None:
    for file in coverage_of(program.profile()):
        executions = {line.line: line.executions for line in file.lines}
        for function in file.functions:
            assert bool(executions[function.line]) or not function.calls, function.name


def test_lines_and_functions_that_never_ran_are_told(
    arm_gcc: Callable[[Path, Sequence[str | Path]], Path], tmp_path: Path
) -> None:
    (tmp_path / "two.c").write_text(TWO_PATHS)
    elf = arm_gcc(
        tmp_path / "two.elf",
        ["-g", "-O0", "--specs=rdimon.specs", "two.c"],
    )  # fmt: skip
    profile = simcore.profile(elf, "generic-m7", coverage=True)
    assert profile.exit.code == 0
    (file,) = [file for file in coverage_of(profile) if file.file.endswith("two.c")]
    calls = {function.name: (function.line, function.calls) for function in file.functions}
    assert calls == {"choose": (3, 3), "never": (11, 0), "main": (15, 1)}
    executions = {line.line: line.executions for line in file.lines}
    assert executions[4] == 3  # the comparison
    assert executions[5] == 0  # which > 2 never holds
    assert executions[7] == 3
    assert executions[12] == 0
    assert executions[17] == 3
