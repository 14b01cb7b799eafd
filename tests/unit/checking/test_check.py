"""`mcusim check` on hand-made profiles: verdicts, baselines, reports in their readers, bad input.

The runs are replaced; tests/integration/test_check.py runs real programs.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import junitparser
import pytest
from pydantic import BaseModel
from sarif_pydantic import Sarif

from simcore.checking import baselines
from simcore.costs.origin import Exit
from simcore.costs.uncertainty import CyclesInterval, OpenQuestion
from simcore.errors import ElfError
from simcore.report.check import REPORTS
from simcore.run.faults import Frame
from simcore.run.stubs import Guess
from tests.schemas import assert_fits
from tests.unit.checking.faked import Check, Runs, faster, refused, slower
from tests.unit.handmade import kernel_profile


@pytest.fixture
def mixed(runs: Runs, baseline: str) -> tuple[str, ...]:
    """Arguments of a check in which a is slower, b faster, bad fails, and new has no baseline."""
    runs.profiles = {
        "a": slower(),
        "b": faster(),
        "bad": kernel_profile(end=Exit("exit", 3, None)),
    }
    return ("a.elf", "b.elf", "bad.elf", "new.elf", "--baseline", baseline)


def report(check: Check, kind: str, arguments: tuple[str, ...]) -> str:
    check(*arguments, "--report", f"{kind}=out")
    return Path("out").read_text(encoding="utf-8")


# -- verdicts --------------------------------------------------------------------------------------


def test_without_a_baseline_all_pass_and_one_is_saved(check: Check) -> None:
    status, out, err = check("a.elf")
    assert status == 0
    assert "N/A" in out
    assert out.startswith("1 run, not in baseline 'default': nothing to compare with\n")
    assert err.splitlines() == [
        "mcusim: 1 within limits, 1 without baseline",
        "mcusim: nothing to compare with: there is no .mcusim/default.json yet",
        "mcusim: baseline written to .mcusim/default.json: commit it",
    ]
    assert check("a.elf") == (0, check("a.elf")[1], "mcusim: 1 within limits\n")
    some = check("a.elf", "b.elf")[1]
    assert some.startswith("2 runs against baseline 'default', 1 of them not in it\n")


def test_a_baseline_that_cannot_be_written_is_not_said_to_be(check: Check) -> None:
    Path(".mcusim").symlink_to("nowhere")
    status, out, err = check("a.elf", "--save-baseline", "main", "--format", "json")
    assert status == 2
    assert json.loads(out)["saved"] is None
    assert err.startswith("mcusim: error: .mcusim/main.json: cannot write the baseline: ")
    assert "baseline written" not in err


def test_a_regression_names_function_line_and_cause(check: Check, mixed: tuple[str, ...]) -> None:
    status, out, err = check(*mixed)
    assert status == 1  # of bad.elf, which is worse than the regression of a.elf
    lines = err.splitlines()
    assert lines[0].startswith(
        "mcusim: a: cycles +7.59 % to 992, limit cycles=0%; because of dot dot.c:3 ("
    )
    assert "(+70 cycles; dependency +70)" in lines[0]
    assert lines[1] == "mcusim: bad: the program exited with code 3"
    assert lines[2] == "mcusim: 2 of 4 failed, 1 improved, 1 without baseline"
    assert "and good-bye" in out
    assert check("a.elf", "--baseline", "main")[0] == 3


def test_a_program_that_ends_elsewhere_than_its_baseline_fails(check: Check, runs: Runs) -> None:
    def ends(symbol: str, line: int) -> None:
        place = Frame(0x08000100, symbol, 0, "main.c", line)
        runs.profiles["a"] = replace(kernel_profile(), exit=Exit("loop", None, None, place))

    ends("main", 10)
    assert check("a.elf", "--save-baseline", "default")[0] == 0
    ends("main", 12)  # the same function, some lines further down
    assert check("a.elf")[0] == 0
    ends("Error_Handler", 40)
    status, out, _ = check("a.elf", "--report", "junit=a.xml")
    assert status == 3
    assert "endless loop at Error_Handler, main.c:40, where by the baseline" in " ".join(
        out.split()
    )
    assert "Error_Handler" in Path("a.xml").read_text()
    assert check("a.elf", "--save-baseline", "default")[0] == 0
    assert check("a.elf")[0] == 0


def test_an_improvement_is_shown_and_passes(check: Check, mixed: tuple[str, ...]) -> None:
    status, out, err = check("b.elf", "--baseline", "main")
    assert (status, err.splitlines()) == (
        0,
        [
            "mcusim: 1 within limits, 1 improved",
            "mcusim: not run, though the baseline has them: a, bad",
        ],
    )
    assert "b: faster" in out


def test_a_run_without_baseline_is_added_and_the_others_stay(
    check: Check, runs: Runs, mixed: tuple[str, ...]
) -> None:
    before = baselines.load_baseline(Path(".mcusim/main.json"))
    text = Path(".mcusim/main.json").read_bytes()
    assert "main.json stays as it was: the check failed" in check(*mixed)[2]
    assert Path(".mcusim/main.json").read_bytes() == text
    runs.profiles.clear()
    assert check(*mixed)[0] == 0
    after = baselines.load_baseline(Path(".mcusim/main.json"))
    assert before is not None
    assert after is not None
    assert set(after.runs) == {"a", "b", "bad", "new"}
    assert {name: after.runs[name] for name in before.runs} == before.runs


def test_a_baseline_is_the_same_bytes_when_it_is_read_and_written(baseline: str) -> None:
    text = Path(".mcusim/main.json").read_text()
    read = baselines.load_baseline(Path(".mcusim/main.json"))
    assert read is not None
    assert read.to_json() == text
    assert_fits(text)


def test_columns_of_unequal_length_are_a_corrupt_baseline(check: Check, baseline: str) -> None:
    path = Path(".mcusim/main.json")
    path.write_text(path.read_text().replace('"lines": [3]', '"lines": [3, 4]'))
    assert "main.json: corrupt baseline: 'runs.a' has columns of" in refused(
        check("a.elf", "--baseline", "main")
    )


def test_a_run_that_failed_is_no_baseline(check: Check, runs: Runs) -> None:
    runs.profiles = {"a": kernel_profile(end=Exit("exit", 1, None))}
    assert check("a.elf", "b.elf", "--save-baseline", "x")[0] == 1
    assert not Path(".mcusim").exists()


@pytest.mark.parametrize(
    ("limit", "status", "words"),
    [
        ("cycles=10%,energy=500%", 0, "within limits"),
        ("cycles=7%", 3, "cycles +7.59 % to 992, limit cycles=7%"),
        ("cycles=10%|991", 3, "limit cycles=991"),
        ("function=dot:cycles=11%", 3, "cycles of dot +11.7 % to 670, limit cycles=11%"),
        ("function=d*:cycles=700", 0, ""),
        ("op=conv1:energy=1fJ", 3, "energy of conv1"),
        (
            "function=d0t:cycles=1%",
            2,
            "cycles=1% is for the function 'd0t', and none that ran is; did you mean 'dot'?",
        ),
        ("cycles.dependency=10%", 3, "cycles.dependency +70.0 % to 170"),
        ("load=1M", 3, "load is missing, limit load=1M"),
    ],
)
def test_a_limit_decides(
    check: Check, runs: Runs, baseline: str, limit: str, status: int, words: str
) -> None:
    runs.profiles = {"a": slower()}
    loose = [] if limit.startswith("cycles=") else ["--limit", "cycles=50%"]
    done = check("a.elf", "--baseline", baseline, *loose, "--limit", limit)
    assert done[0] == status, done[2]
    assert words in done[2]


def test_limits_hold_without_any_baseline(check: Check, runs: Runs) -> None:
    status, _, err = check("a.elf", "--no-baseline", "--limit", "cycles=900")
    assert status == 3
    assert "cycles 922, limit cycles=900" in err
    assert not Path(".mcusim").exists()


def test_what_the_command_line_says_reaches_every_run(check: Check, runs: Runs) -> None:
    Path("mcusim.toml").write_text(
        'cpu = "one"\ncaches = "on"\n[[run]]\nelf = "a.elf"\nargs = ["x"]\n'
    )
    check("--cpu", "two", "--clock", "5MHz", "--", "y")
    assert (runs.options["cpu"], runs.options["clock_hz"]) == ("two", 5_000_000)
    assert (runs.options["caches"], runs.options["args"]) == ("on", ("y",))
    check()
    assert (runs.options["cpu"], runs.options["args"]) == ("one", ("x",))


# -- reports ---------------------------------------------------------------------------------------


def test_junit_is_read_by_junitparser(check: Check, mixed: tuple[str, ...]) -> None:
    xml = junitparser.JUnitXml.fromstring(report(check, "junit", mixed).encode())
    suites = {suite.name: list(suite) for suite in xml}
    assert list(suites) == ["a", "b", "bad", "new"]
    (broken,) = [case for case in suites["a"] if case.result]
    (failure,) = broken.result
    assert isinstance(failure, junitparser.Failure)
    assert (broken.classname, broken.name) == ("a", "cycles")
    assert failure.message == "cycles +7.59 % to 992, limit cycles=0%"
    assert "dot" in failure.text
    (error,) = suites["bad"][0].result
    assert isinstance(error, junitparser.Error)
    assert "hello" in suites["bad"][0].system_out
    # a, b and new: the run and its three limits; bad: the run
    assert (xml.tests, xml.failures, xml.errors) == (3 * 4 + 1, 1, 1)
    assert sum(suite.tests for suite in xml) == xml.tests


def extras(model: Any) -> list[str]:
    """Keys of a SARIF document that the model does not know."""
    if isinstance(model, BaseModel):
        found = list(model.model_extra or {})
        for name in type(model).model_fields:
            found += extras(getattr(model, name))
        return found
    if isinstance(model, list):
        return [key for item in model for key in extras(item)]
    return []


def test_sarif_is_read_by_sarif_pydantic(check: Check, mixed: tuple[str, ...]) -> None:
    log = Sarif.model_validate_json(report(check, "sarif", mixed))
    assert extras(log) == []
    assert log.version == "2.1.0"
    (run,) = log.runs
    found = [
        (r.rule_id, r.locations[0].physical_location.artifact_location.uri) for r in run.results
    ]
    assert found == [("limit-exceeded", "dot.c"), ("run-failed", "bad.elf")]
    assert run.results[0].locations[0].physical_location.region.start_line == 3
    assert "dot dot.c:3 (+70 cycles" in run.results[0].message.text


def test_annotations_are_workflow_commands(check: Check, mixed: tuple[str, ...]) -> None:
    lines = report(check, "github-annotations", mixed).splitlines()
    assert lines[0] == "::error title=mcusim%3A bad::the program exited with code 3"
    assert lines[1].startswith(
        "::error file=dot.c,line=3,title=mcusim%3A a::cycles +7.59 %25 to 992, limit cycles=0%25%0A"
    )
    assert lines[2].startswith("::notice title=mcusim%3A b::cycles -2.39 %25")
    assert lines[3] == "::notice title=mcusim%3A new::no baseline to compare with"
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("options", "to_stdout"),
    [((), False), (("--format", "none"), True), (("-o", "report.txt"), True), (("-o", "-"), False)],
)
def test_annotations_without_a_file_go_to_stdout_when_the_report_does_not(
    check: Check, mixed: tuple[str, ...], options: tuple[str, ...], to_stdout: bool
) -> None:
    _, out, err = check(*mixed, "--report", "github-annotations", *options)
    assert ("\n::error " in "\n" + out, "\n::error " in "\n" + err) == (to_stdout, not to_stdout)
    if to_stdout:
        assert all(line.startswith("::") for line in out.splitlines())


def test_the_job_summary_is_added_to_githubs_file(
    check: Check, mixed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = tmp_path / "summary.md"
    target.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    check(*mixed, "--report", "github-summary")
    text = target.read_text(encoding="utf-8")
    assert text.startswith("before\n## mcusim check\n")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") - row.count("\\|") for row in rows}) == 1
    assert len(rows) == 2 + 4
    assert "### ❌ a" in text
    assert "dot dot.c:3 (+70 cycles" in text
    assert "- b: cycles -2.39 %" in text


def test_benchmark_action_takes_a_list_of_name_unit_and_value(
    check: Check, mixed: tuple[str, ...]
) -> None:
    rows = json.loads(report(check, "benchmark-action", mixed))
    # what the action checks of customSmallerIsBetter: a list of {name, value, unit, range?, extra?}
    for row in rows:
        assert set(row) <= {"name", "value", "unit", "range", "extra"}
        assert isinstance(row["value"], int | float)
    assert {"name": "a: cycles", "unit": "cycles", "value": 992}.items() <= rows[0].items()
    assert len({row["name"] for row in rows}) == len(rows)


def test_bencher_takes_benchmarks_of_measures_of_values(
    check: Check, mixed: tuple[str, ...]
) -> None:
    metrics = json.loads(report(check, "bencher", mixed))
    assert list(metrics) == ["a", "b", "new", "mcusim check"]
    assert metrics["mcusim check"] == {"runs-not-measured": {"value": 1}}
    assert metrics["a"]["cycles"] == {"value": 992}
    assert set(metrics["a"]) >= {"energy-j", "time-s", "stack-bytes"}


def test_csv_has_a_row_for_every_metric(check: Check, mixed: tuple[str, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(report(check, "csv", mixed)), strict=True))
    first = rows[0]
    assert (first["run"], first["metric"], first["before"], first["after"]) == (
        "a", "cycles", "922", "992",
    )  # fmt: skip
    assert (first["limits"], first["failed"], first["status"]) == ("cycles=0%", "1", "failed")
    (bad,) = [row for row in rows if row["run"] == "bad"]
    assert bad["message"] == "the program exited with code 3"


def test_json_lines_are_a_run_a_line(check: Check, mixed: tuple[str, ...]) -> None:
    *parts, last = map(json.loads, report(check, "jsonl", mixed).splitlines())
    assert [(part["name"], part["status"], part["exit_code"]) for part in parts] == [
        ("a", "failed", 3), ("b", "passed", 0), ("bad", "program-failed", 1), ("new", "new", 0),
    ]  # fmt: skip
    assert parts[0]["reasons"][0]["cause"] == "dependency"
    assert (last["type"], last["exit_code"]) == ("check", 1)


def test_json_fits_its_schema(check: Check, mixed: tuple[str, ...]) -> None:
    text = report(check, "json", mixed)
    assert assert_fits(text)["exit_code"] == 1
    again = check("a.elf", "--baseline", "main", "--format", "json")[1]
    assert json.loads(again)["runs"] == json.loads(text)["runs"][:1]


#: The hand-made run takes 922 cycles.
INTERVAL = CyclesInterval(900, 940, (OpenQuestion("divide", "bits", 900, 940),))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("json", ['"low": 900', '"high": 940', '"undecided": true', '"name": "divide"']),
        ("jsonl", ['"low": 900', '"undecided": true', '"name": "divide"']),
        ("csv", [",900,940,", ",cycles=910,"]),
        ("junit", ["922, limit cycles=910 (inside the interval, 900 to 940)",
                   "cycles=930 inside the interval of cycles, 900 to 940"]),
        ("sarif", ["922, limit cycles=910 (inside the interval, 900 to 940)"]),
        ("github-summary", ["922 ±2.4 %", "(inside the interval, 900 to 940)",
                            "no baseline; cycles=930 inside the interval of cycles, 900 to 940"]),
        ("github-annotations", ["limit cycles=910 (inside the interval, 900 to 940)"]),
        ("benchmark-action", ['"range": "±2.4 %"']),
        ("bencher", ['"lower_value": 900', '"upper_value": 940']),
        ("text", ["922  ±2.4 %", "cycles=910 BROKEN, inside ±", "cycles=930 inside ±"]),
    ],
)  # fmt: skip
def test_every_report_has_the_interval_and_the_limits_inside(
    check: Check, runs: Runs, kind: str, words: list[str]
) -> None:
    runs.profiles = dict.fromkeys("ab", replace(kernel_profile(), cycles_interval=INTERVAL))
    reports = [] if kind == "text" else [f"--report={kind}=out"]
    limits = ["--limit", "a:cycles=910", "--limit", "b:cycles=930", "--no-baseline"]
    status, text, err = check("a.elf", "b.elf", *limits, *reports)
    assert (status, err.splitlines()[0]) == (
        3,
        "mcusim: a: cycles 922, limit cycles=910 (inside the interval, 900 to 940)",
    )
    if kind == "text":
        text = text.replace("+/-", "±")
    else:
        text = Path("out").read_text(encoding="utf-8").replace("\\u00b1", "±")
    assert [word for word in words if word not in text] == []
    if kind == "json":
        assert_fits(text)


@pytest.mark.parametrize("kind", REPORTS)
def test_every_report_is_written_when_the_configuration_fails(
    check: Check, runs: Runs, kind: str
) -> None:
    status, out, err = check("a.elf", "--limit", "cycels=5%", "--report", f"{kind}=out")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "no metric 'cycels'; did you mean 'cycles'" in err
    text = Path("out").read_text(encoding="utf-8")
    assert "cycels" in text or kind in ("benchmark-action", "bencher")  # which hold values only
    if kind == "junit":
        (suite,) = junitparser.JUnitXml.fromstring(text.encode())
        assert suite.errors == 1
    if kind == "sarif":
        run = Sarif.model_validate_json(text).runs[0]
        assert run.invocations[0].execution_successful is False


def test_odd_names_reach_every_report(check: Check, runs: Runs) -> None:
    runs.profiles = {"a": ElfError("a\x01\ud800 <&>\"'|`\n,:%.elf: not an ELF")}
    options = [f"--report={kind}={kind}.out" for kind in REPORTS]
    assert check("a.elf", *options)[0] == 2
    junitparser.JUnitXml.fromstring(Path("junit.out").read_bytes())
    for kind in REPORTS:
        assert Path(f"{kind}.out").read_bytes()


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "corrupt baseline: it is empty; save it"),
        ("{", "corrupt baseline: it ends too early, in line 1, column 2; save it"),
        ("{1}", "corrupt baseline: what stands in line 1, column 2 is no JSON; save it"),
        ("1" * 5000, "corrupt baseline: a number in it has thousands of digits; save it"),
        ("[]", "not a baseline of mcusim"),
        ('{"schema": 3}', "not a baseline of mcusim"),
        ('{"schema": "mcusim.profile/1"}', "not a baseline of mcusim"),
        ('{"schema": "mcusim.baseline/x"}', "not a baseline of mcusim"),
        ('{"runs": {\n<<<<<<< HEAD\n', "line 2 is a mark of a merge conflict: take one side, or"),
        ('{"runs": {"a": 1, "a": 2}}', "corrupt baseline: 'a' is there twice"),
        ('{"schema": "mcusim.baseline/0"}', "an old baseline: schema 'mcusim.baseline/0'"),
        ('{"schema": "mcusim.baseline/1", "tool": 3}', "corrupt baseline: 'tool' is 3"),
        ('{"schema": "mcusim.baseline/1"}', "corrupt baseline: key 'tool' is missing"),
        ("\x00", "corrupt baseline"),
        ("[" * 100_000, "corrupt baseline: it is nested too deeply; save it"),
    ],
)
def test_a_corrupt_or_old_baseline_is_one_line_with_what_to_do(
    check: Check, content: str, words: str
) -> None:
    Path(".mcusim").mkdir()
    Path(".mcusim/main.json").write_text(content)
    message = refused(check("a.elf", "--baseline", "main"))
    assert ".mcusim/main.json" in message
    assert words in message
    assert "save it again with --save-baseline" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to check"),
        (["no/*.elf"], "'no/*.elf' matches no file"),
        (["a.elf", "--limit", "cycles"], "'cycles' is no limit"),
        (["a.elf", "--limit", "cycels=1"], "did you mean 'cycles'"),
        (["abc.elf", "--limit", "abd:cycles=1"], "none has that name; did you mean 'abc'?"),
        (["a.elf", "x/a.elf"], "two ELFs are named 'a': a.elf and x/a.elf"),
        (["a.elf", "--baseline", "../x"], "'../x' is no name of a baseline"),
        (["a.elf", "--save-baseline", ""], "--save-baseline: an argument is empty"),
        (["a.elf", "--report", "junnit=x"], "no kind 'junnit'; did you mean 'junit'"),
        (["a.elf", "--report", "junit"], "--report junit needs a file: junit=FILE"),
        (["a.elf", "--report", "github-summary"], "needs a file outside of GitHub Actions"),
        (
            ["a.elf", "--report", "junit=x", "--report", "sarif=./x"],
            "--report junit=x and --report sarif=./x are one file",
        ),
        (["a.elf", "--report", "junit=x", "--report", "junit=x"], "are one file"),
        (["a.elf", "--report", "junit=x", "-o", "x"], "-o x and --report junit=x are one file"),
        (["a.elf", "--report", "junit=-", "-o", "-"], "-o - and --report junit=- are one file"),
        (["a.elf", "--report", "jsonl=x", "--history", "x"], "are one file"),
        (["a.elf", "--config", "no.toml"], "no.toml: cannot be read"),
        (["a.elf", "--no-baseline", "--baseline", "x"], "--no-baseline does not go with"),
        (["a.elf", "--no-baseline", "--limit", "cycles=5%"], "is against a baseline, and"),
        (["a.elf", "--limit", "cycles=-5"], "'-5' is below nothing"),
        (["a.elf", "A.elf"], "the runs 'a' and 'A' differ in case only"),
    ],
)
def test_wrong_usage_is_one_line(check: Check, arguments: list[str], words: str) -> None:
    assert words in refused(check(*arguments))


def test_an_unwritable_report_does_not_keep_the_others_from_being_written(
    check: Check, runs: Runs
) -> None:
    reports = ["--report=junit=no/folder/x.xml", "--report=csv=x.csv", "--report=sarif=."]
    status, out, err = check("a.elf", *reports)
    assert status == 2
    problems = [line for line in err.splitlines() if line.startswith("mcusim: error: ")]
    assert len(problems) == 2
    assert "no/folder/x.xml: cannot write the output: No such file" in problems[0]
    assert Path("x.csv").read_text().startswith("run,elf,")
    assert out.startswith("1 run, not in baseline")


def test_an_unwritable_baseline_is_one_line_and_the_reports_are_written(
    check: Check, runs: Runs
) -> None:
    Path(".mcusim").write_text("in the way")
    status, _, err = check("a.elf", "--save-baseline", "x", "--report=csv=x.csv")
    assert status == 2
    assert ".mcusim" in err
    assert Path("x.csv").exists()


def test_a_function_that_is_only_hungrier_is_to_blame_too(
    check: Check, runs: Runs, baseline: str
) -> None:
    profile = kernel_profile()
    rows = [
        replace(row, energy_j_self=2 * row.energy_j_self) if row.name == "conv" else row
        for row in profile.functions
    ]
    totals = replace(profile.totals, energy_j=profile.totals.energy_j * 1.5)
    runs.profiles = {"a": replace(profile, functions=tuple(rows), totals=totals)}
    status, _, err = check("a.elf", "--baseline", baseline)
    assert status == 3
    assert "energy +50.0 %" in err
    assert "because of conv (0 cycles, +" in err


def test_ctrl_c_ends_the_whole_check(check: Check, runs: Runs) -> None:
    runs.profiles = {"a": kernel_profile(end=Exit("interrupted", None, None))}
    assert check("a.elf", "b.elf")[0] == 130
    assert runs.options["elf"] == "a.elf"  # b.elf did not run any more
    assert not Path(".mcusim").exists()


def test_an_elf_that_is_none_is_an_error_of_its_run_only(check: Check, runs: Runs) -> None:
    runs.profiles = {"a": ElfError("a.elf: not an ELF")}
    status, _, err = check("a.elf", "b.elf")
    assert status == 2
    assert "mcusim: a: a.elf: not an ELF\n" in err
    assert "mcusim: 1 of 2 failed, 1 without baseline\n" in err


# --- guesses ----------------------------------------------------------------------------


def test_a_run_with_guesses_becomes_a_baseline_only_when_the_settings_take_them(
    check: Check, runs: Runs
) -> None:
    place = Frame(0x08000100, "clock_config", 0, "system.c", 31)
    guess = Guess(0x4002_3800, "RCC_CR", 0x2_0000, 0x2_0000, 1, place)
    runs.profiles["a"] = replace(kernel_profile(), guesses=(guess,))
    for arguments in (("a.elf",), ("a.elf", "--save-baseline", "main")):
        status, out, _ = check(*arguments)
        assert status == 2
        told = " ".join(out.split())
        assert "guessed so that the program goes on: RCC_CR (0x40023800) reads 0x20000" in told
        assert "guessed once in clock_config, system.c:31. To take that for the baseline," in told
        assert "write peripherals = 'ready' into mcusim.toml" in told
        assert not Path(".mcusim").exists()
    assert check("a.elf", "--no-baseline", "--limit", "cycles=9G")[0] == 0
    assert check("a.elf", "--peripherals", "ready")[0] == 0
    assert Path(".mcusim", "default.json").exists()
    assert check("a.elf")[0] == 0  # it was asked once
    Path("mcusim.toml").write_text("peripherals = 'ready'\n")
    assert check("a.elf", "--save-baseline", "main")[0] == 0


def test_a_device_takes_several_reports(check: Check) -> None:
    reports = ["--report=junit=/dev/null", "--report=sarif=/dev/null", "--history", "x"]
    assert check("a.elf", "--format", "none", "-o", "x.txt", "--report=csv=x.txt", *reports)[0] == 0
    assert Path("x.txt").read_text().startswith("run,elf,")
