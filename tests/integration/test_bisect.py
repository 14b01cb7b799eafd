"""`mcusim check --bisect` in a repository whose builds copy one of two ELFs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.test_check import BODY_LINE, PLAIN, SLOW, Repository

BUILD = "test ! -e broken && cp ../elfs/$(cat which).elf kernel.elf"


@pytest.fixture(scope="module")
def history(
    tmp_path_factory: pytest.TempPathFactory, arm_gcc: Callable[..., Path]
) -> tuple[Repository, list[str]]:
    """Commits 0 to 5: slower from 3 on, which 2 and 4 do not build."""
    folder = tmp_path_factory.mktemp("bisect")
    (folder / "elfs").mkdir()
    (folder / "project").mkdir()
    made = Repository(folder / "project", arm_gcc)
    commits = []
    for number, body in enumerate([PLAIN, PLAIN, PLAIN, SLOW, SLOW, SLOW]):
        name = "slow" if body == SLOW else "plain"
        (made.folder / "which").write_text(name)
        broken = made.folder / "broken"
        broken.touch() if number in (2, 4) else broken.unlink(missing_ok=True)
        first = not (folder / "elfs" / f"{name}.elf").exists()
        made.commit(f"Change {number}", body if first else None)
        if first:
            (made.folder / "kernel.elf").rename(folder / "elfs" / f"{name}.elf")
        made.git("commit", "--quiet", "--allow-empty", "--amend", "-m", f"Change {number}")
        commits.append(made.git("rev-parse", "HEAD").strip())
    return made, commits


def build(history: tuple[Repository, list[str]]) -> str:
    elfs = history[0].folder.parent / "elfs"
    return BUILD.replace("../elfs", str(elfs))


def test_the_commit_that_broke_a_limit_is_found_with_function_and_cause(
    history: tuple[Repository, list[str]],
) -> None:
    repository, commits = history
    (repository.folder / "mcusim.toml").write_text("limits = ['cycles=2%']\n")  # not committed
    before = repository.git("status", "--porcelain"), repository.git("rev-parse", "HEAD")
    done = repository.check("kernel.elf", "--bisect", build(history), commits[1], "HEAD")
    assert done.returncode == 2, done.stdout  # 2 cannot be built: it may be that one, too
    assert "only commits that cannot be checked are left" in done.stderr
    assert f"{commits[2][:12]} skip: the build ended with status 1" in done.stderr

    done = repository.check("kernel.elf", "--bisect", build(history), commits[0], commits[3])
    assert done.returncode == 2
    repository.git("tag", "built", commits[3])
    (repository.folder / "mcusim.toml").unlink()
    done = repository.check(
        "kernel.elf", "--limit", "cycles=2%", "--bisect",
        build(history).replace("! -e broken", "! -e nothing"), commits[0], "HEAD",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        f"{commits[3][:12]} is the first commit that breaks a limit: Change 3 (test, 20"
    )
    assert re.fullmatch(r"kernel: cycles \+[\d.]+ % to [\d,]+, limit cycles=2%", lines[1])
    assert f"because of sum_table src/kernel.c:{BODY_LINE} (+" in done.stdout
    assert "execute +" in done.stdout
    assert (repository.git("status", "--porcelain"), repository.git("rev-parse", "HEAD")) == (
        before[0].replace("?? mcusim.toml\n", ""), before[1],
    )  # fmt: skip
    assert repository.git("worktree", "list").count("\n") == 1


@pytest.mark.parametrize(
    ("ends", "options", "words"),
    [
        (("HEAD", "nowhere"), (), "there is no commit 'nowhere' here"),
        (("HEAD", "HEAD~3"), (), "HEAD is no commit before HEAD~3"),
        (("HEAD~5", "HEAD~4"), (), "HEAD~4 keeps every limit against HEAD~5"),
        (("HEAD~2", "HEAD"), (), "keeps every limit"),
        (("HEAD~3", "HEAD"), (), "the good commit HEAD~3 cannot be checked: the build ended with"),
        (("HEAD~5", "HEAD"), ("--save-baseline", "x"), "it takes limits, and no baseline"),
    ],
)
def test_what_cannot_be_bisected_is_one_line(
    history: tuple[Repository, list[str]],
    ends: tuple[str, str],
    options: tuple[str, ...],
    words: str,
) -> None:
    done = history[0].check("kernel.elf", *options, "--bisect", build(history), *ends)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].count(words) == 1
    assert history[0].git("worktree", "list").count("\n") == 1
