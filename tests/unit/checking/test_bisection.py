"""`mcusim check --bisect` with faked runs: what it judges, and what it does not."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.costs.profile import Profile
from simcore.run.spec import RunSpec
from tests.unit.checking.faked import Check, Runs
from tests.unit.handmade import kernel_profile


def git(*words: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@t")
    return subprocess.run(("git", *who, *words), check=True, capture_output=True, text=True).stdout


@pytest.fixture
def commits(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commits 0 to 3 of a file ``source`` that holds the cycles; k.elf of the first, which counts
    900, is committed with it."""

    def profile(spec: RunSpec, **options: object) -> Profile:
        made = kernel_profile()
        cycles = int(Path(spec.elf).read_text())
        return replace(made, totals=replace(made.totals, cycles=cycles, active_cycles=cycles))

    monkeypatch.setattr("simcore.profiler.profile", profile)
    git("init", "--quiet")
    Path("k.elf").write_text("900")
    made = []
    for cycles in (900, 901, 1001, 1002):
        Path("source").write_text(str(cycles))
        git("add", ".")
        git("commit", "--quiet", "-m", f"Now {cycles}")
        made.append(git("rev-parse", "HEAD").strip())
    return made


def test_a_limit_that_the_good_commit_breaks_is_one_line(check: Check, commits: list[str]) -> None:
    bisect = ("--bisect", "cp source k.elf", commits[0], "HEAD")
    status, out, err = check("k.elf", "--limit", "cycles=899", *bisect)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"{commits[0]} breaks the limit already: k: cycles 900, limit cycles=899" in err
    assert "nothing to find" in err


def test_a_committed_elf_is_built_anew_and_its_commit_found(
    check: Check, commits: list[str]
) -> None:
    make = "test -e k.elf || cp source k.elf"  # as make, to which the one checked out is new enough
    status, out, err = check(
        "k.elf", "--limit", "cycles=1000", "--bisect", make, commits[0], "HEAD"
    )
    assert status == 0, err
    assert out.startswith(f"{commits[2][:12]} is the first commit that breaks a limit: Now 1001")
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize("pattern", ["k.elf", "*.elf"])
def test_a_build_that_writes_no_elf_is_not_judged(
    check: Check, commits: list[str], pattern: str
) -> None:
    bisect = ("--bisect", "true", commits[0], "HEAD")
    status, out, err = check(pattern, "--limit", "cycles=1000", *bisect)
    assert (status, out, err.count("\n")) == (2, "", 1)
    words = {"k.elf": "the build did not write k.elf", "*.elf": "'*.elf' matches no file"}
    assert f"the good commit {commits[0]} cannot be checked: {words[pattern]}" in err

    skips = "grep -q 1001 source || cp source k.elf"
    bisect = ("--bisect", skips, commits[0], "HEAD")
    status, _, err = check(pattern, "--limit", "cycles=1000", *bisect)
    assert status == 2
    assert f"{commits[2][:12]} skip: {words[pattern]}" in err
    one_of = ", ".join(commit[:12] for commit in commits[2:4])
    assert f"cannot be checked are left: the first that breaks a limit is one of {one_of};" in err


def test_an_old_elf_beside_a_pattern_that_matches_later_is_not_judged(
    check: Check, commits: list[str]
) -> None:
    """Before the build the pattern matches nothing, so that no ELF is removed."""
    bisect = ("--bisect", "mkdir -p b && cp source b/n.elf", commits[0], "HEAD")
    status, _, err = check("k.elf", "b/*.elf", "--limit", "cycles=1000", *bisect)
    assert status == 2
    assert "cannot be checked: the build did not write k.elf" in err
