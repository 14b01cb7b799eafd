"""The pytest plugin in scratch projects: fixture, marker, baseline, table, xdist."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.programs import FIRMWARE, KERNELS

pytest_plugins = ["pytester"]

ELF = KERNELS / "fully_connected_s8.elf"
PASSING = f"""
def test_kernel(mcusim):
    profile = mcusim({str(ELF)!r})
    assert profile.totals.cycles > 1000
    assert profile.elf.name == "fully_connected_s8.elf"
"""


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inner pytest's look and options are no matter of where the outer one runs."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """All that a run imports: pytester forgets what is imported inside, which is then run again."""
    import simcore.pytest_plugin.runs
    import simcore.report

    simcore.profile(ELF)


def edit_baseline(path: Path, test: str = "", **metrics: float) -> None:
    """Change metrics of the runs of a baseline, or those of one test."""
    plain = json.loads(path.read_text())
    for name, run in plain["runs"].items():
        if name.partition(" > ")[0].endswith(test):
            run["metrics"].update(metrics)
    path.write_text(json.dumps(plain))


def saved(pytester: pytest.Pytester, name: str = "default") -> dict[str, Any]:
    text = (pytester.path / ".mcusim" / f"{name}.json").read_text()
    runs: dict[str, Any] = json.loads(text)["runs"]
    return runs


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """In this process, which is faster, unless workers are asked for."""
    call = pytester.runpytest_subprocess if "-n" in arguments else pytester.runpytest_inprocess
    return call("-p", "no:cacheprovider", *arguments)


def test_the_fixture_takes_where_a_run_ends(pytester: pytest.Pytester) -> None:
    elf = str(FIRMWARE / "calls.elf")
    pytester.makepyfile(f"""
        def test_end(mcusim):
            whole, part = mcusim({elf!r}), mcusim({elf!r}, until="main", entry="Reset_Handler")
            assert part.exit.reason == "until"
            assert mcusim({elf!r}, from_="main").totals.instructions == (
                whole.totals.instructions - part.totals.instructions
            )
        """)
    run(pytester).assert_outcomes(passed=1)


def test_the_fixture_gives_a_profile_and_a_table_is_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSING)
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*= mcusim =*", "test *cycles *energy*", "*::test_kernel *stm32f746*"]
    )
    assert not (pytester.path / ".mcusim").exists()


def test_part_and_arguments_reach_the_run(pytester: pytest.Pytester) -> None:
    elf = str(FIRMWARE / "hello_printf.elf")
    pytester.makepyfile(
        f"""
        def test_program(mcusim):
            profile = mcusim({elf!r}, cpu="stm32f767", clock_hz=100_000_000, args=["0", "x"])
            assert (profile.cpu.name, profile.cpu.clock_hz) == ("stm32f767", 100_000_000)
            assert profile.args == ("0", "x")
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_a_relative_elf_is_found_from_the_root_of_the_project(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]")
    pytester.mkdir("build")
    (pytester.path / "build" / "k.elf").write_bytes(ELF.read_bytes())
    below = pytester.mkdir("below")
    (below / "test_it.py").write_text("def test_it(mcusim): mcusim('build/k.elf')")
    pytester.chdir()
    result = run(pytester, f"--rootdir={pytester.path}", str(below))
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("limits", "passes", "words"),
    [
        ("cycles=10_000_000, energy_j=1.0", True, ""),
        ("cycles=1000", False, "cycles 1?*, limit cycles=1000"),
        ("energy_j=1e-9", False, "energy *J, limit energy_j=1e-09"),
        ("stack=10_000, cycles=1", False, "limit cycles=1"),
        ("cycels=1", False, "mcusim_limit: there is no metric 'cycels'; did you mean 'cycles'?"),
        ("cycles='fast'", False, "mcusim_limit: 'fast' is no value of cycles"),
    ],
)
def test_a_marker_limits_what_a_run_may_cost(
    pytester: pytest.Pytester, limits: str, passes: bool, words: str
) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.mcusim_limit({limits})
        def test_kernel(mcusim):
            mcusim({str(ELF)!r})
        """
    )
    result = run(pytester, "--strict-markers")
    result.assert_outcomes(passed=int(passes), failed=int(not passes))
    if words:
        result.stdout.fnmatch_lines([f"*{words}*"])
        result.stdout.no_fnmatch_line("*Traceback*")


def test_a_marker_with_a_bare_number_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\npytestmark = pytest.mark.mcusim_limit(1000)\n" + PASSING)
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["mcusim_limit takes limits by name, such as cycles=10000"])


def test_the_nearest_marker_counts(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        pytestmark = pytest.mark.mcusim_limit(cycles=1)

        @pytest.mark.mcusim_limit(cycles=10_000_000)
        def test_kernel(mcusim):
            mcusim({str(ELF)!r})
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_a_program_that_fails_fails_its_test_unless_it_may(pytester: pytest.Pytester) -> None:
    elf = str(FIRMWARE / "faults.elf")
    pytester.makepyfile(
        f"""
        def test_fails(mcusim):
            mcusim({elf!r})

        def test_may_fail(mcusim):
            assert mcusim({elf!r}, may_fail=True).exit.code == 2
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*faults.elf: the program exited with code 2"])


@pytest.mark.parametrize("elf", ["no.elf", __file__])
def test_an_elf_that_cannot_run_is_one_line(pytester: pytest.Pytester, elf: str) -> None:
    pytester.makepyfile(f"def test_it(mcusim): mcusim({elf!r})")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{Path(elf).name}: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_regression_against_a_saved_baseline_fails_and_says_why(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(PASSING)
    result = run(pytester, "--mcusim-save")
    result.stdout.fnmatch_lines(["baseline written to .mcusim/default.json: commit it"])
    (name,) = saved(pytester)
    assert name.endswith(".py::test_kernel > fully_connected_s8.elf stm32f746")
    fail = "--mcusim-compare-fail=cycles:5%"
    run(pytester, "--mcusim-compare", fail).assert_outcomes(passed=1)
    edit_baseline(pytester.path / ".mcusim" / "default.json", cycles=100_000)
    result = run(pytester, fail)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*.elf: cycles +*%*, limit cycles=5%", "*against baseline*", "*+*%*"]
    )
    run(pytester, "--mcusim-compare").assert_outcomes(passed=1)  # shown, not judged
    run(pytester, "--mcusim-compare-fail=cycles=500%").assert_outcomes(passed=1)


def test_without_a_baseline_a_test_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSING)
    result = run(pytester, "--mcusim-compare=main", "--mcusim-compare-fail=cycles:0%")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*N/A*"])


def test_a_baseline_of_another_part_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSING)
    run(pytester, "--mcusim-save=main")
    pytester.makepyfile(PASSING.replace(f"{str(ELF)!r}", f"{str(ELF)!r}, cpu='stm32f767'"))
    result = run(pytester, "--mcusim-compare=main")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "not run, though the baseline has them: *::test_kernel > fully_connected_s8.elf *",
            "*not comparable with the baseline: the part is stm32f746 and stm32f767;*",
        ]
    )


def test_tests_that_did_not_run_stay_in_the_baseline(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSING + PASSING.replace("test_kernel", "test_other"))
    run(pytester, "--mcusim-save")
    before = saved(pytester)
    assert len(before) == 2
    run(pytester, "--mcusim-save", "-k", "other")
    assert saved(pytester) == before


def test_two_runs_of_one_test_are_told_apart_by_what_they_run(pytester: pytest.Pytester) -> None:
    elf = str(FIRMWARE / "calls.elf")

    def body(*calls: str) -> str:
        return "def test_both(mcusim):\n" + "".join(f"    mcusim({call})\n" for call in calls)

    plain, off = repr(elf), f"{elf!r}, caches='off'"
    pytester.makepyfile(body(plain, off, plain))
    run(pytester, "--mcusim-save")
    assert [name.rpartition("::")[2] for name in saved(pytester)] == [
        "test_both > calls.elf stm32f746",
        "test_both > calls.elf stm32f746 #2",
        "test_both > calls.elf stm32f746 caches=off",
    ]
    # Calls in another order, and a new one in front, are compared with their like.
    pytester.makepyfile(body(f"{plain}, name='new', args=['x']", off, plain, plain))
    result = run(pytester, "--mcusim-compare", "--mcusim-compare-fail=cycles:0%")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*'new' calls.elf stm32f746 -- x: nothing to compare with: *"])


def test_under_xdist_table_and_baseline_are_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("".join(PASSING.replace("test_kernel", f"test_{i}") for i in range(3)))

    def table(result: pytest.RunResult) -> list[str]:
        return [line for line in result.outlines if " uJ  " in line]

    run(pytester, "--mcusim-save=old")
    edit_baseline(pytester.path / ".mcusim" / "old.json", "test_2", cycles=100_000)
    compare = ("--mcusim-compare=old", "--mcusim-compare-fail=cycles:1%")
    one = run(pytester, "--mcusim-save=one", *compare, "-p", "no:xdist")
    many = run(pytester, "--mcusim-save=many", *compare, "-n", "2")
    many.assert_outcomes(passed=2, failed=1)
    assert table(many) == table(one)
    assert len(table(one)) == 3
    assert saved(pytester, "many") == saved(pytester, "one")


def test_figures_are_properties_of_the_junit_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSING)
    run(pytester, "--junitxml=out.xml")
    assert '<property name="mcusim.cycles" value="1' in (pytester.path / "out.xml").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mcusim-compare-fail=cycels:5%"], "no metric 'cycels'; did you mean 'cycles'"),
        (["--mcusim-compare-fail=cycles"], "'cycles' is no limit"),
        (["--mcusim-compare=../x"], "'../x' is no name of a baseline"),
        (["--mcusim-save", "test_it.py"], "took 'test_it.py' for the name of a baseline"),
        (["--mcusim-compare", ".mcusim"], "write --mcusim-compare=default, or the option last"),
        (["--mcusim-compare=old"], "old.json: corrupt baseline"),
    ],
)
def test_wrong_options_are_one_line_before_any_test(
    pytester: pytest.Pytester, options: list[str], words: str
) -> None:
    pytester.makepyfile(PASSING)
    pytester.mkdir(".mcusim")
    (pytester.path / ".mcusim" / "old.json").write_text("{")
    result = run(pytester, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"{words}" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_project_that_does_not_use_it_imports_nothing_of_mcusim(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    probe = (
        "import sys, pytest; status = pytest.main(['-q'])\n"
        "print(sorted(name for name in sys.modules if name.startswith('simcore')))\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, text=True, capture_output=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['simcore', 'simcore.pytest_plugin']"


# -- a gate that cannot pass by accident -----------------------------------------------------------

CALLS = FIRMWARE / "calls.elf"
SMALL = f"""
def test_kernel(mcusim):
    assert mcusim({str(CALLS)!r}).totals.cycles > 1000
"""


def test_a_retry_is_the_same_run_and_fails_again(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SMALL)
    run(pytester, "--mcusim-save")
    edit_baseline(pytester.path / ".mcusim" / "default.json", cycles=100)
    options = ("--mcusim-compare-fail=cycles:5%", "--reruns=2")
    result = run(pytester, *options, "--junitxml=out.xml")
    assert (result.parseoutcomes()["failed"], result.parseoutcomes()["rerun"]) == (1, 2)
    assert "not run, though" not in result.stdout.str()
    assert "mcusim.cycles#2" not in (pytester.path / "out.xml").read_text()


SWALLOWED = f"""
import concurrent.futures
import pytest

@pytest.mark.mcusim_limit(cycles=10)
def test_caught(mcusim):
    try:
        mcusim({str(ELF)!r})
    except BaseException:
        pass

@pytest.mark.mcusim_limit(cycles=10)
def test_thread(mcusim):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(mcusim, {str(ELF)!r})

def test_missing(mcusim):
    with pytest.raises(BaseException):
        mcusim("not-there.elf")
"""


def test_a_failure_that_the_test_swallows_fails_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SWALLOWED)
    result = run(pytester)
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes.get("passed", 0)) == (3, 0)
    result.stdout.fnmatch_lines(["*limit cycles=10", "*the test did not pass this on*"])


INTERRUPTED = f"""
import dataclasses
import simcore.kept

def test_kernel(mcusim, monkeypatch):
    real = simcore.kept.profile
    def cut_short(*arguments, **options):
        profile = real(*arguments, **options)
        end = dataclasses.replace(profile.exit, reason="interrupted", code=None)
        return dataclasses.replace(profile, exit=end)
    monkeypatch.setattr(simcore.kept, "profile", cut_short)
    mcusim({str(ELF)!r}, may_fail=True)

def test_next():
    pass
"""


def test_an_interrupted_run_ends_the_session_and_is_saved_nowhere(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(INTERRUPTED)
    options = ("-p", "no:randomly", "-p", "no:cacheprovider", "--mcusim-save")
    result = pytester.runpytest_inprocess(*options, no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "passed" not in result.parseoutcomes()
    assert not (pytester.path / ".mcusim").exists()


def test_runs_of_deleted_tests_are_named_and_fail_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = SMALL + SMALL.replace("test_kernel", "test_other")
    pytester.makepyfile(two)
    run(pytester, "--mcusim-save")
    pytester.makepyfile(SMALL)
    named = "not run, though the baseline has them: *::test_other > calls.elf *"
    result = run(pytester, "--mcusim-compare")
    result.stdout.fnmatch_lines([named])
    assert result.ret == 0
    monkeypatch.setenv("CI", "true")
    result = run(pytester, "--mcusim-compare")
    result.stdout.fnmatch_lines([f"{named}(--mcusim-require-all)"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert run(pytester, "--mcusim-compare", "--mcusim-no-require-all").ret == 0
    # A test that is deselected, or not asked for, is none that is gone.
    pytester.makepyfile(two)
    assert run(pytester, "--mcusim-compare", "-k", "kernel").ret == 0
    pytester.makepyfile(test_empty="def test_nothing(): pass")
    assert run(pytester, "--mcusim-compare=default", "test_empty.py").ret == 0


def test_prune_drops_runs_after_a_full_session_only(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SMALL + SMALL.replace("test_kernel", "test_other"))
    run(pytester, "--mcusim-save")
    both = saved(pytester)
    result = run(pytester, "--mcusim-save", "--mcusim-prune", "-k", "kernel")
    result.stdout.fnmatch_lines(["nothing is dropped from .mcusim/default.json: that takes a*"])
    assert saved(pytester) == both
    pytester.makepyfile(SMALL)
    run(pytester, "--mcusim-save")
    assert saved(pytester) == both
    result = run(pytester, "--mcusim-save", "--mcusim-prune")
    result.stdout.fnmatch_lines(["dropped from .mcusim/default.json: *::test_other > *"])
    assert len(saved(pytester)) == 1


def test_a_mistyped_baseline_and_one_that_is_needed_are_refused(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(SMALL)
    run(pytester, "--mcusim-save=main")
    result = run(pytester, "--mcusim-compare=mian")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "mian.json: there is no such baseline; did you mean 'main'?" in result.stderr.str()
    result = run(pytester, "--mcusim-compare")
    result.stdout.fnmatch_lines(["nothing to compare with: there is no *default.json yet"])
    monkeypatch.setenv("CI", "true")
    result = run(pytester, "--mcusim-compare")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "nothing to compare with, and --mcusim-require-baseline is on" in result.stderr.str()


def test_a_percentage_without_a_baseline_is_told_and_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(f"""
        import pytest

        @pytest.mark.mcusim_limit(cycles="5%")
        def test_kernel(mcusim):
            mcusim({str(CALLS)!r})
        """)
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*: nothing to compare with, limit cycles=5%: there is no --mcusim-compare"]
    )
    run(pytester, "--mcusim-save")
    monkeypatch.setenv("CI", "true")
    run(pytester).assert_outcomes(failed=1)
    run(pytester, "--mcusim-compare").assert_outcomes(passed=1)


def test_saving_beside_options_of_the_project_renews_the_baseline(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(SMALL)
    pytester.makeini("[pytest]\naddopts = --mcusim-compare --mcusim-compare-fail=cycles:1%\n")
    run(pytester, "--mcusim-save").assert_outcomes(passed=1)
    path = pytester.path / ".mcusim" / "default.json"
    edit_baseline(path, cycles=100)
    run(pytester).assert_outcomes(failed=1)
    run(pytester, "--mcusim-save").assert_outcomes(passed=1)
    run(pytester).assert_outcomes(passed=1)
    # Both on the command line: a session that fails leaves the file.
    edit_baseline(path, cycles=100)
    text = path.read_text()
    result = run(pytester, "--mcusim-save", "--mcusim-compare", "--mcusim-compare-fail=cycles:1%")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*default.json stays as it was: the session failed"])
    assert path.read_text() == text


def test_a_collapse_is_told_and_fails_where_strict(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SMALL)
    run(pytester, "--mcusim-save")
    edit_baseline(pytester.path / ".mcusim" / "default.json", instructions=10_000_000)
    result = run(pytester, "--mcusim-compare")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*: instructions fell by 9* % to *: see that the program still*"])
    run(pytester, "--mcusim-compare", "--mcusim-strict").assert_outcomes(failed=1)


def test_a_baseline_of_an_earlier_mcusim_is_still_compared_with(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SMALL)
    run(pytester, "--mcusim-save")
    path = pytester.path / ".mcusim" / "default.json"
    edit_baseline(path, cycles=100)
    plain = json.loads(path.read_text())
    plain["runs"] = {name.partition(" > ")[0]: run for name, run in plain["runs"].items()}
    path.write_text(json.dumps(plain))
    result = run(pytester, "--mcusim-compare-fail=cycles:5%")
    result.assert_outcomes(failed=1)
    assert "not run, though" not in result.stdout.str()


def test_a_limit_of_a_test_that_runs_nothing_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.mcusim_limit(cycles=5)
        def test_never(mcusim):
            pass

        @pytest.mark.mcusim_limit(cycles=5)
        def test_without_the_fixture():
            pass

        @pytest.mark.mcusim_limit()
        def test_without_a_limit(mcusim):
            pass

        @pytest.mark.mcusim_limit(cycles=5)
        def test_skipped(mcusim):
            pytest.skip("no board")
        """)
    result = run(pytester)
    result.assert_outcomes(failed=3, skipped=1)
    result.stdout.fnmatch_lines(["*mcusim_limit has nothing to judge: the test ran nothing*"])
    result.stdout.fnmatch_lines(["*mcusim_limit has no limit; give one, such as cycles=10000*"])


def test_a_comparison_that_nothing_limits_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSING)
    run(pytester, "--mcusim-save=main").assert_outcomes(passed=1)
    said = "*compared only: without a limit (--mcusim-compare-fail cycles:1%) no change fails*"
    run(pytester, "--mcusim-compare=main").stdout.fnmatch_lines([said])
    limited = run(pytester, "--mcusim-compare=main", "--mcusim-compare-fail=cycles:1%")
    limited.assert_outcomes(passed=1)
    limited.stdout.no_fnmatch_line(said)


def test_to_prune_without_saving_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSING)
    result = run(pytester, "--mcusim-compare", "--mcusim-prune")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mcusim-prune needs --mcusim-save*"])
