"""Reports of checks in what reads them: sarif-tools, the schemas of benchmark formats, GitHub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import junitparser
import pytest
from sarif import loader

from simcore.checking.results import (
    SCHEMA,
    CheckResult,
    LimitResult,
    MetricValue,
    Reason,
    RunResult,
)
from simcore.costs.origin import Tool
from simcore.report.check import render
from simcore.report.check.github_annotations import MOST
from simcore.report.check.github_summary import MOST_BYTES, cut

FORMATS = Path(__file__).parents[2] / "data" / "benchmark_formats"


def value(
    metric: str = "cycles", kind: str = "total", row: str = "", **more: object
) -> MetricValue:
    plain = MetricValue(
        kind, row, metric, "", "modelled", 100.0, 110.0, 10.0, 0.1,
        (LimitResult("cycles=0%", 100.0, holds=False),),
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def reason(cycles: int, file: str = "firmware/src/k.c") -> Reason:
    return Reason("f", "same", cycles, 0.0, "issue", cycles, file, 7, cycles, {"issue": cycles})


def failed(name: str, cycles: int = 10) -> RunResult:
    values = (value(), value("time", unit="s", after=0.0025, limits=()))
    return RunResult(name, "build/k.elf", "failed", None, values, (reason(cycles),), ())


def checked(*runs: RunResult, folder: str | None = "firmware") -> CheckResult:
    return CheckResult(SCHEMA, Tool("mcusim", "1.0"), "main", None, runs, folder=folder)


#: Two static functions of one name, an operation of that name, and the whole run.
ALIKE = replace(
    failed("k"),
    values=(
        value(),
        value("time", unit="s", after=0.0025, limits=()),
        value(kind="function", row="helper [a.c]"),
        value(kind="function", row="helper [b.c]"),
        value(kind="op", row="helper"),
    ),
)


def test_junit_cases_have_names_files_and_times_of_their_own() -> None:
    xml = junitparser.JUnitXml.fromstring(render(checked(ALIKE), "junit").encode())
    (suite,) = xml
    cases = list(suite)
    assert [case.name for case in cases] == [
        "run", "cycles", "function=helper [a.c]:cycles", "function=helper [b.c]:cycles",
        "op=helper:cycles",
    ]  # fmt: skip
    assert [case.time for case in cases] == [0.0025, 0, 0, 0, 0]  # of the program on the part
    assert (suite.time, xml.time) == (0.0025, 0.0025)
    places = [(case._elem.get("file"), case._elem.get("line")) for case in cases]
    assert places[:2] == [("firmware/build/k.elf", None), ("firmware/src/k.c", "7")]


def test_sarif_is_read_by_sarif_tools_with_paths_from_the_root(tmp_path: Path) -> None:
    broken = RunResult("b", "build/b.elf", "fault", "it faults", (), (), ())
    file = tmp_path / "mcusim.sarif"
    file.write_text(render(checked(ALIKE, broken), "sarif"))
    found = loader.load_sarif_file(str(file))
    records = found.get_records()
    assert [(row["Location"], int(row["Line"]), row["Severity"]) for row in records] == [
        *[("firmware/src/k.c", 7, "error")] * 4,
        ("firmware/build/b.elf", 1, "error"),
    ]
    (run,) = json.loads(file.read_text())["runs"]
    prints = [result["partialFingerprints"]["mcusim/v1"] for result in run["results"]]
    assert prints == [
        "k/cycles", "k/function=helper [a.c]:cycles", "k/function=helper [b.c]:cycles",
        "k/op=helper:cycles", "b/run",
    ]  # fmt: skip
    assert "informationUri" not in run["tool"]["driver"]


@pytest.mark.parametrize(
    ("kind", "schema"),
    [("benchmark-action", "custom-smaller-is-better"), ("bencher", "bencher-metric-format")],
)
def test_benchmark_formats_fit_their_schemas_and_lose_no_row(kind: str, schema: str) -> None:
    plain = json.loads(render(checked(ALIKE), kind))
    jsonschema.validate(plain, json.loads((FORMATS / f"{schema}.json").read_text()))
    measured = plain if kind == "benchmark-action" else [m for one in plain.values() for m in one]
    assert len(measured) == len(ALIKE.values) + 1  # the count of runs without any


def test_the_dearest_nine_are_annotated_and_one_counts_the_others() -> None:
    new = RunResult("new", "n.elf", "new", None, (), (), ())
    runs = [failed(f"k{n}", cycles=10 * n) for n in range(12)]
    lines = render(checked(new, *runs), "github-annotations").splitlines()
    assert [line.partition("%3A k")[2].partition(":")[0] for line in lines[:MOST]] == [
        str(n) for n in range(11, 2, -1)
    ]
    assert lines[0].startswith("::error file=firmware/src/k.c,line=7,title=")
    assert lines[MOST:] == [
        "::error title=mcusim%3A and 4 more::3 errors, 1 notice not shown here: see the report, or"
        " --report github-summary"
    ]
    few = render(checked(*runs[:9]), "github-annotations").splitlines()
    assert len(few) == 9
    assert "more" not in few[-1]


def test_a_summary_ends_below_a_mebibyte_with_its_table_first() -> None:
    runs = [failed(f"kernel-{n:05}" + "x" * 100) for n in range(4000)]
    text = render(checked(*runs), "github-summary")
    assert len(text.encode()) < MOST_BYTES
    assert text.startswith("## mcusim check\n\n| | program |")
    assert text.endswith(" lines more** do not fit a summary: see --report json.\n")
    whole = render(checked(*runs[:3]), "github-summary")
    assert "more**" not in whole
    # What other commands wrote into the step's file counts, too.
    assert len(cut(whole, 5000).encode()) <= 5000
    assert cut(whole, 10).startswith("\n**")


def test_failed_runs_stand_first_and_improvements_say_because_of_what() -> None:
    better = value(after=90.0, difference=-10.0, relative=-0.1, limits=())
    faster = RunResult(
        "a", "a.elf", "passed", None, (better,), (reason(-12), reason(2)), ()
    )  # fmt: skip
    text = render(checked(faster, failed("z")), "github-summary")
    assert text.index("| z |") < text.index("| a |")
    assert "- a: cycles -10.0 %; because of f firmware/src/k.c:7 (-12 cycles; issue -12)" in text
    notice = render(checked(faster), "github-annotations")
    assert notice.startswith(
        "::notice file=firmware/src/k.c,line=7,title=mcusim%3A a::cycles -10.0"
    )


@pytest.mark.parametrize("required", [False, True])
def test_every_report_names_what_did_not_run_and_what_is_in_doubt(required: bool) -> None:
    doubtful = RunResult(
        "k", "k.elf", "passed", None, (), (), (), doubts=("cycles fell by 76 % to 9",)
    )
    result = replace(
        checked(doubtful), not_run=("lost|one", "other"), require_all=required, notes=("a note",)
    )
    annotations = render(result, "github-annotations").splitlines()
    level = "error" if required else "warning"
    told = "not run, though the baseline has them: lost|one, other"
    assert annotations == [
        f"::{level} title=mcusim check::{told}",
        "::warning title=mcusim%3A k::cycles fell by 76 %25 to 9",
    ]
    summary = render(result, "github-summary")
    assert "lost\\|one, other" in summary
    assert "- a note" in summary
    assert "warning: cycles fell by 76 %" in summary
    xml = junitparser.JUnitXml.fromstring(render(result, "junit").encode())
    assert (xml.errors, xml.skipped) == ((2, 0) if required else (0, 2))
    (run,) = json.loads(render(result, "sarif"))["runs"]
    assert run["invocations"][0]["toolExecutionNotifications"] == [
        {"level": level, "message": {"text": told}}
    ]
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [("doubtful", "warning")]
    assert "lost|one,,,,not-run," in render(result, "csv")
