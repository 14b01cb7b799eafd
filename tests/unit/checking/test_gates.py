"""A gate that cannot pass by accident: what was not measured, what cannot fail, what a baseline
survives. The table of docs/ci.md names these tests."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.checking import baselines
from simcore.checking.fitting import MOST_BYTES, fitted
from simcore.checking.limits import parse_limits
from simcore.comparison.comparison import compare
from simcore.comparison.summary import (
    FunctionSummary,
    LineSummary,
    OpSummary,
    Summary,
    packed_lines,
    summarize,
)
from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.run.faults import Frame
from tests.integration.programs import KERNELS
from tests.unit.checking.faked import Check, Runs, refused, slower
from tests.unit.handmade import kernel_profile

MAIN = Path(".mcusim/main.json")


def of_main() -> list[str]:
    """Names of the runs of the baseline main."""
    return list(json.loads(MAIN.read_text())["runs"])


def collapsed() -> Profile:
    """The hand-made run that returns at once: 1,184 instructions become 284, 922 cycles 221."""
    profile = kernel_profile()
    return replace(profile, totals=replace(profile.totals, instructions=284, cycles=221))


# -- what was not measured -------------------------------------------------------------------------


def test_runs_that_did_not_run_are_named_and_fail_where_all_are_required(
    check: Check, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "mcusim: not run, though the baseline has them: b, bad"
    status, out, err = check("a.elf", "--baseline", "main", "--report", "jsonl=out")
    assert (status, err.splitlines()[-1]) == (0, told)
    assert "not run, though the baseline has them: b, bad" in out
    assert json.loads(Path("out").read_text().splitlines()[-1])["not_run"] == ["b", "bad"]
    status, _, err = check("a.elf", "--baseline", "main", "--require-all")
    assert (status, err.splitlines()[-1]) == (3, f"{told} (--require-all)")
    monkeypatch.setenv("CI", "true")
    assert check("a.elf", "--baseline", "main")[0] == 3
    assert check("a.elf", "--baseline", "main", "--no-require-all")[0] == 0
    assert check("a.elf", "b.elf", "bad.elf", "--baseline", "main")[0] == 0


def test_a_baseline_of_some_runs_keeps_the_others_and_prune_drops_them(
    check: Check, baseline: str
) -> None:
    status, _, err = check("a.elf", "new.elf", "--save-baseline", "main")
    assert status == 0
    assert of_main() == ["a", "b", "bad", "new"]
    assert err.splitlines()[-2] == (
        "mcusim: 2 runs of .mcusim/main.json did not run and stay in it: b, bad; --prune drops"
        " what is not there any more"
    )
    status, _, err = check("a.elf", "new.elf", "--save-baseline", "main", "--prune")
    assert (status, of_main()) == (0, ["a", "new"])
    assert "mcusim: dropped from .mcusim/main.json: b, bad\n" in err


def test_prune_needs_a_full_run_that_went_well(check: Check, runs: Runs, baseline: str) -> None:
    prune = ("a.elf", "--baseline", "main", "--prune")
    Path("kernel.elf").touch()  # the file that b and bad are of, beside a.elf
    assert "--prune drops runs after a full run only: 'b' did not run, and kernel.elf is" in (
        refused(check(*prune))
    )
    Path("kernel.elf").unlink()
    Path("mcusim.toml").write_text("[[run]]\nelf = 'b.elf'\n")
    assert "'b' did not run, and the settings list it" in refused(check(*prune))
    Path("mcusim.toml").unlink()
    runs.profiles["a"] = slower()
    status, _, err = check(*prune)
    assert (status, of_main()) == (3, ["a", "b", "bad"])
    assert "main.json stays as it was: the check failed" in err
    runs.profiles.clear()
    Path("other").mkdir()
    Path("other/kernel.elf").touch()  # anywhere in the repository
    assert "'b' did not run, and other/kernel.elf is there" in refused(check(*prune))
    Path("other/kernel.elf").rename("kernel.elf")
    Path("kernel.elf").rename("a.elf")  # which did run
    assert check(*prune)[0] == 0
    assert of_main() == ["a"]
    # Without ELFs all runs of the settings run: what they do not list goes, whatever files are.
    Path("kernel.elf").touch()
    Path("mcusim.toml").write_text("[[run]]\nelf = 'new.elf'\n")
    assert check("--baseline", "main", "--prune")[0] == 0
    assert of_main() == ["new"]


# -- gates that cannot fail ------------------------------------------------------------------------


def test_a_mistyped_baseline_is_refused_with_the_nearest_one(check: Check, baseline: str) -> None:
    message = refused(check("a.elf", "--baseline", "mian"))
    assert message.endswith(
        ".mcusim/mian.json: there is no such baseline; did you mean 'main'? Else"
        " --save-baseline mian makes it\n"
    )
    assert "; here is the baseline main; --save-baseline far makes it" in (
        refused(check("a.elf", "--baseline", "far"))
    )
    assert not Path(".mcusim/mian.json").exists()
    message = refused(check("a.elf", "--baseline", "Main"))
    assert "'Main' differs from 'main' in case only" in message


def test_a_baseline_that_the_settings_name_is_meant(check: Check, baseline: str) -> None:
    Path("mcusim.toml").write_text("baseline = 'mian'\n")
    assert "no such baseline; did you mean 'main'?" in refused(check("a.elf"))


def test_a_first_run_says_so_and_in_ci_how_to_keep_it(
    check: Check, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    status, _, err = check("a.elf", "--baseline", "main")
    assert status == 0
    assert "nothing to compare with: there is no .mcusim/main.json yet" in err
    assert "outside of CI and commit it, or keep the folder .mcusim in the cache of the CI" in err


def test_in_ci_another_baseline_is_no_first_run(
    check: Check, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = check("a.elf")
    assert status == 0
    assert "beside it is the baseline main" in err
    Path(".mcusim/default.json").unlink()
    assert "nothing to compare with, and --require-baseline is on" in (
        refused(check("a.elf", "--require-baseline"))
    )
    monkeypatch.setenv("CI", "true")
    message = refused(check("a.elf"))
    assert "as always in CI where a baseline is; here is the baseline main; --save-base" in message
    assert check("a.elf", "--no-require-baseline")[0] == 0


@pytest.mark.parametrize("where", ["sub", "elsewhere"])
def test_in_ci_the_baselines_of_the_repository_are_not_missed_from_another_folder(
    check: Check, baseline: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    root = Path.cwd()
    if where == "sub":
        Path(".git").mkdir()
        there = root / "sub"
    else:
        monkeypatch.setenv("GITHUB_WORKSPACE", str(root))
        there = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    there.mkdir()
    monkeypatch.chdir(there)
    said = f"baselines are in {root.as_posix()}/.mcusim: run it from there"
    status, _, err = check("a.elf", "--baseline", "main")
    assert (status, said in err) == (0, True)
    (there / ".mcusim" / "main.json").unlink()
    monkeypatch.setenv("CI", "true")
    assert said in refused(check("a.elf", "--baseline", "main"))
    assert not (there / ".mcusim" / "main.json").exists()


def test_in_ci_the_baselines_beside_an_elf_below_are_not_missed(
    check: Check, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".git").mkdir()
    for name in ("fw", "other"):  # only of folders that lead to an ELF may be meant
        Path(name, "build").mkdir(parents=True)
    MAIN.parent.rename("fw/.mcusim")
    monkeypatch.setenv("CI", "true")
    assert check("other/build/a.elf", "--baseline", "main")[0] == 0
    MAIN.unlink()
    said = f"baselines are in {Path.cwd().as_posix()}/fw/.mcusim: run it from there"
    assert said in refused(check("fw/build/a.elf", "--baseline", "main"))
    assert not MAIN.exists()


def test_in_ci_a_run_that_the_baseline_does_not_know_fails(
    check: Check, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    text = MAIN.read_bytes()
    status, _, err = check("a.elf", "b.elf", "bad.elf", "new.elf", "--baseline", "main")
    assert status == 3
    assert "mcusim: new: nothing to compare with: .mcusim/main.json does not know it" in err
    assert MAIN.read_bytes() == text
    assert check("a.elf", "b.elf", "bad.elf", "new.elf", "--save-baseline", "main")[0] == 0


def test_a_limit_whose_target_never_ran_is_an_error_and_one_that_went_is_broken(
    check: Check, runs: Runs, baseline: str
) -> None:
    limit = ("--limit", "function=cnov:cycles=1%")
    status, _, err = check("a.elf", "--baseline", "main", *limit)
    assert status == 2
    assert "the limit cycles=1% is for the function 'cnov', and none that ran is" in err
    assert "did you mean 'conv'?" in err
    assert "no task ran at all" in check("a.elf", "--limit", "task=x:stack=1")[2]
    shutil.copy(KERNELS / "mixed.elf", "a.elf")
    _, _, err = check("a.elf", "--limit", "function=list_merge:cycles=1")
    assert "none that ran is: it is inlined, first into list_sort.part.0, and counted there" in err
    Path("a.elf").unlink()
    # conv is in the baseline and went: that is a limit that is broken.
    profile = kernel_profile()
    without = tuple(row for row in profile.functions if row.name != "conv")
    runs.profiles["a"] = replace(profile, functions=without)
    status, _, err = check("a.elf", "--baseline", "main", "--limit", "function=conv:cycles=1%")
    assert status == 3
    assert "cycles of conv is missing, limit cycles=1%" in err


def test_a_pattern_that_matches_fewer_than_in_the_baseline_says_so(
    check: Check, runs: Runs, baseline: str
) -> None:
    limit = ("--limit", "function=*o*:cycles=90%", "--baseline", "main")
    assert check("a.elf", *limit)[0] == 0
    profile = kernel_profile()
    without = tuple(row for row in profile.functions if row.name != "conv")
    runs.profiles["a"] = replace(profile, functions=without)
    status, _, err = check("a.elf", *limit)
    assert status == 0
    assert "function=*o* matches 1, 2 by the baseline; not there any more: conv" in err
    assert check("a.elf", *limit, "--strict")[0] == 3


def test_a_percentage_on_a_row_that_the_baseline_does_not_have_compares_with_nothing(
    check: Check, runs: Runs, baseline: str
) -> None:
    profile = kernel_profile()
    new = replace(profile.functions[0], name="extra")
    runs.profiles["a"] = replace(profile, functions=(*profile.functions, new))
    limit = ("--limit", "function=extra:cycles=5%", "--baseline", "main")
    status, _, err = check("a.elf", *limit)
    assert status == 0
    assert "nothing to compare cycles of extra with: the baseline has no extra" in err
    assert check("a.elf", *limit, "--strict")[0] == 3
    assert check("a.elf", *limit, "--require-baseline")[0] == 3


# -- a pass that is none ---------------------------------------------------------------------------


def test_a_collapse_is_a_warning_and_fails_by_a_lower_limit_and_where_strict(
    check: Check, runs: Runs, baseline: str
) -> None:
    runs.profiles["a"] = collapsed()
    arguments = ("a.elf", "--baseline", "main")
    status, out, err = check(*arguments)
    assert status == 0
    assert "instructions fell by 76.0 % to 284: see that the program still does its work" in err
    assert "a lower limit, instructions=-77%, says how much is meant" in err
    assert "fell by 76.0 %" in " ".join(out.split())
    status, _, err = check(*arguments, "--strict")
    assert status == 3
    assert "(--strict)" in err
    status, _, err = check(*arguments, "--limit", "instructions=-20%")
    assert status == 3
    assert "instructions -76.0 % to 284, limit instructions=-20%" in err
    # A limit that allows the fall is an answer, for what it names.
    err = check(*arguments, "--limit", "instructions=-77%,cycles=-77%")[2]
    assert "fell by" not in err


def test_another_output_exit_code_or_end_is_named(check: Check, runs: Runs, baseline: str) -> None:
    def strict() -> tuple[int, str]:
        status, _, err = check("a.elf", "--baseline", "main", "--strict")
        return status, err

    assert strict()[0] == 0
    plain = json.loads(MAIN.read_text())
    plain["runs"]["a"]["output_sha256"] = "0" * 64
    plain["runs"]["a"]["output_bytes"] = 7
    MAIN.write_text(json.dumps(plain))
    status, err = strict()
    assert status == 3
    # The hand-made run prints "hello\nand good-bye\n".
    assert "prints something else than by the baseline (19 bytes, not 7)" in err
    del plain["runs"]["a"]["output_sha256"], plain["runs"]["a"]["output_bytes"]
    plain["runs"]["a"]["exit"]["code"] = None
    MAIN.write_text(json.dumps(plain))
    assert "exited with code 0, where by the baseline" in strict()[1]
    place = Frame(0x08000100, "Error_Handler", 0, "main.c", 40)
    runs.profiles["a"] = kernel_profile(end=Exit("loop", None, None, place))
    status, err = strict()
    assert status == 3
    assert "endless loop at Error_Handler" in err


# -- what a baseline file survives -----------------------------------------------------------------


def write(name: str, path: Path) -> None:
    """What a check of one run writes."""
    baselines.update_baseline(path, {name: summarize(kernel_profile())})


def test_two_checks_that_write_one_file_keep_both(tmp_path: Path) -> None:
    path = tmp_path / ".mcusim" / "main.json"
    names = [f"run{number}" for number in range(8)]
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write, args=(name, path)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(json.loads(path.read_text())["runs"]) == names
    assert [one.name for one in path.parent.iterdir()] == ["main.json"]


def test_a_folder_that_cannot_be_written_is_one_error_and_no_advice(
    check: Check, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_arguments: object, **_options: object) -> None:
        raise PermissionError(30, "Read-only file system")

    Path(".mcusim").mkdir()
    monkeypatch.setattr("tempfile.mkstemp", read_only)
    status, _, err = check("a.elf", "--save-baseline", "main")
    assert status == 2
    errors = [line for line in err.splitlines() if "error" in line]
    assert errors == [
        "mcusim: error: .mcusim/main.json: cannot write the output: Read-only file system"
    ]
    assert "commit" not in err


def test_compare_and_save_of_one_name_leaves_the_file_when_the_check_failed(
    check: Check, runs: Runs, baseline: str
) -> None:
    text = MAIN.read_bytes()
    runs.profiles["a"] = slower()
    both = ("a.elf", "--baseline", "main", "--save-baseline", "main")
    status, _, err = check(*both)
    assert (status, MAIN.read_bytes()) == (3, text)
    assert "main.json stays as it was: the check failed" in err
    assert "written" not in err
    assert check("a.elf", "--save-baseline", "main")[0] == 0  # on purpose
    assert MAIN.read_bytes() != text
    assert check(*both)[0] == 0


def test_a_newer_baseline_is_called_newer_and_not_overwritten(check: Check, runs: Runs) -> None:
    MAIN.parent.mkdir()
    MAIN.write_text('{"schema": "mcusim.baseline/2"}')
    for option in ("--baseline", "--save-baseline"):
        message = refused(check("a.elf", option, "main"))
        assert "a newer baseline: schema 'mcusim.baseline/2' where this mcusim" in message
        assert "update mcusim, or choose another name: it is not overwritten" in message
        assert MAIN.read_text() == '{"schema": "mcusim.baseline/2"}'


def test_what_cannot_be_read_is_replaced_when_asked_and_said(check: Check, runs: Runs) -> None:
    MAIN.parent.mkdir()
    MAIN.write_text("<<<<<<< HEAD\n")
    status, _, err = check("a.elf", "--save-baseline", "main")
    assert (status, of_main()) == (0, ["a"])
    assert "replaced what could not be read, with all runs in it: .mcusim/main.json: line 1" in err


def test_a_byte_order_mark_and_line_ends_of_windows_are_read(check: Check, baseline: str) -> None:
    text = MAIN.read_text()
    MAIN.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert check("a.elf", "b.elf", "bad.elf", "--baseline", "main", "--strict")[0] == 0


def test_two_configurations_do_not_save_into_one_name(
    check: Check, runs: Runs, baseline: str
) -> None:
    text = MAIN.read_bytes()
    profile = kernel_profile()
    runs.profiles["a"] = replace(profile, cpu=replace(profile.cpu, clock_hz=1_000_000))
    message = refused(check("a.elf", "--save-baseline", "main"))
    assert "the run 'a' is of another configuration there: the clock is 100000000 Hz and" in message
    assert MAIN.read_bytes() == text
    assert "--save-baseline main --replace" in check("a.elf", "--baseline", "main")[2]
    assert check("a.elf", "--save-baseline", "main", "--replace")[0] == 0


# -- 30 KB -----------------------------------------------------------------------------------------


def large(extra: int = 0) -> Summary:
    """A run of 400 functions with long names, ten lines each, and 200 operations: 250 KB."""
    names = [f"ns::Class<{n}>::method(std::vector<int, std::allocator<int>> const&)" for n in
             range(400)]  # fmt: skip
    functions = tuple(
        FunctionSummary(
            name, 1, 10 * (n + 1), 20 * (n + 1) + extra, 1e-12 * n, {"issue": 20 * (n + 1) + extra},
            f"src/file{n}.cpp", 1, f"_ZN2ns5ClassILi{n}EE6methodERKSt6vectorIiSaIiEE",
        )
        for n, name in enumerate(names)
    )  # fmt: skip
    lines = packed_lines(
        LineSummary(row.name, row.file or "", at, row.cycles // 10, {"issue": row.cycles // 10}, at)
        for row in functions
        for at in range(1, 11)
    )
    ops = tuple(OpSummary(f"layer{n}", "conv2d", 1, n, 1000 + n, 1e-12) for n in range(200))
    return replace(summarize(kernel_profile()), functions=functions, lines=lines, ops=ops)


def test_a_run_takes_at_most_30_kb_and_what_it_left_out_is_not_new() -> None:
    run = large()
    baseline = baselines.new_baseline({"a": fitted(run)})
    assert len(baseline.to_json()) < MOST_BYTES
    assert len(baselines.new_baseline({"a": run}).to_json()) > 8 * MOST_BYTES
    kept = baseline.runs["a"]
    assert kept.cheap is not None
    assert kept.left_out_below is not None
    assert compare(kept, run).identical
    assert {row.status for row in compare(kept, run).functions} == {"same"}
    # Every kept function is 5 cycles slower, and none is taken for a new one.
    changes = [row for row in compare(kept, large(5)).functions if row.cycles_before]
    assert {(row.status, row.cycles_difference) for row in changes} == {("same", 5)}
    assert len(changes) == len(kept.all_functions())


def test_a_row_that_a_limit_names_stays_in_the_baseline() -> None:
    limits = parse_limits("function=*Class<0>*:cycles=1%,op=layer0:cycles=1%", "--limit")
    kept = fitted(large(), limits)
    assert any("Class<0>" in row.name for row in kept.functions)
    assert any(row.name == "layer0" for row in kept.ops)
    assert fitted(summarize(kernel_profile())) == summarize(kernel_profile())


# -- the plan --------------------------------------------------------------------------------------


def test_the_plan_says_what_each_limit_would_fail_on_and_runs_nothing(
    check: Check, runs: Runs, baseline: str
) -> None:
    Path("mcusim.toml").write_text(
        'baseline = "main"\nlimits = "cycles=5%|1M,instructions=-20%"\n'
        '[[run]]\nelf = "a.elf"\nfunctions.dot = "cycles=0%"\nargs = ["x"]\n'
        '[[run]]\nelf = "new.elf"\nops = ["f"]\n'
    )
    runs.options.clear()
    status, out, err = check("--explain", "--strict", "--limit", "elf=a:task=gone:stack=1")
    assert (status, err, runs.options) == (0, "", {})
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "a a.elf stm32f746 x 922 cycles",
        "a the run cycles=5% above 968, 922 by the baseline",
        "a the run cycles=1M above 1,000,000, 922 by the baseline",
        "a the run instructions=-20% below 947, 1,184 by the baseline",
        "a the run stack=0% (default) above 512 B, 512 B by the baseline",
        "a function=dot cycles=0% above 600, 600 by the baseline",
        "a task=gone stack=1 when there is no gone",
        "new the run cycles=5% never: nothing to compare with",
        "new the run cycles=1M above 1,000,000",
        "compared with .mcusim/main.json, 3 runs",
        "runs that it does not have pass and are added: new",
        "runs that do not run are named: b, bad",
        "a fall by more than 25 %, another output, exit code or end: fail (--strict)",
        "mcusim.toml: 'ops' is called 'op'",
    ):
        assert line in lines, (line, out)
    everything = check("--explain", "--limit", "@all=10%")[1]
    lines = [" ".join(line.split()) for line in everything.splitlines()]
    assert "a the run energy=10% (@all) above 4.24 pJ, 3.86 pJ by the baseline" in lines
    assert "new the run energy=10% (@all) never: nothing to compare with" in lines
