"""The commit that broke a limit: git bisect over builds, each checked against the good commit's.

All happens in a work tree of its own (git worktree), so that neither files nor a bisection of the
user are touched. What cannot be built, leaves an ELF that the build did not write or does not end
well is skipped, as git does it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from simcore.checking.blame import explain
from simcore.checking.results import (
    CheckResult,
    Reason,
    failure_text,
    reason_text,
    verdict,
)
from simcore.checking.session import Request, check
from simcore.comparison.comparison import compare
from simcore.comparison.summary import Summary
from simcore.errors import ConfigError, ExitCode
from simcore.log_text import harmless, one_line
from simcore.repository import git
from simcore.shell import run_build
from simcore.simulation.program import load_spec

#: Above the grain of a file's times, which Linux takes from a clock of 1 to 10 ms.
CLOCK_GRAIN_S = 0.02
FIRST_BAD = " is the first bad commit"


@dataclass(frozen=True, slots=True)
class Bisection:
    """What was asked: who builds, between which commits, and what is checked.

    ``request`` is called in the work tree once a commit is built there.
    """

    command: str
    good: str
    bad: str
    request: Callable[[], Request]


@dataclass(frozen=True, slots=True)
class Culprit:
    """The first commit that breaks a limit: its values against the good commit's, and what it
    changed against its parent."""

    commit: str
    subject: str
    author: str
    time: str
    failures: tuple[str, ...]
    reasons: tuple[tuple[str, Reason], ...]
    """By the run's name."""

    @property
    def text(self) -> str:
        """The answer, a few lines."""
        lines = [
            f"{self.commit[:12]} is the first commit that breaks a limit:"
            f" {self.subject} ({self.author}, {self.time[:10]})",
            *self.failures,
            *(f"because of {reason_text(reason)} in {run}" for run, reason in self.reasons),
        ]
        return "".join(f"{harmless(one_line(line))}\n" for line in lines)


@dataclass(slots=True)
class _Checks:
    """Checks of commits in a work tree, against the good commit's runs."""

    asked: Bisection
    spare: Path
    """A folder for files of the bisection; the work tree is in it."""
    log: Callable[[str], None]
    summaries: dict[str, dict[str, Summary]]  # by commit

    @property
    def baseline(self) -> Path:
        """The good commit's runs."""
        return self.spare / "good.json"

    def build(self) -> str | None:
        """Build what is checked out; what went wrong, None when nothing did."""
        self._remove_elfs()
        before = self.spare / "before"
        before.write_bytes(b"")
        time.sleep(CLOCK_GRAIN_S)  # what is written from here on is newer
        if wrong := self._run_command():
            return wrong
        then = before.stat().st_ctime_ns
        old = [elf for elf in self._elfs() if not _is_newer(elf, then)]
        return f"the build did not write {', '.join(old)}" if old else None

    def _elfs(self) -> list[str]:
        return list(dict.fromkeys(plan.elf for plan in self.asked.request().plans))

    def _remove_elfs(self) -> None:
        """Remove what is to be checked from the work tree, so that the build makes it anew: what
        another commit left, and what the commit itself holds."""
        with suppress(ConfigError):  # patterns without a match: nothing is there
            for elf in self._elfs():
                folder = os.path.realpath(os.path.dirname(elf))  # noqa: PTH120
                if Path(folder).is_relative_to(self.spare):
                    with suppress(OSError):
                        Path(elf).unlink()

    def _run_command(self) -> str | None:
        wrong = run_build(self.asked.command)
        return None if wrong is None else f"the build {wrong}"

    def check(self, commit: str, *, is_good: bool = False) -> tuple[CheckResult | None, str]:
        """The check of a commit that is checked out; None and why when there is none."""
        try:
            if wrong := self.build():
                return None, wrong
            request = self.asked.request()
            checked = check(
                replace(
                    request,
                    save=self.baseline if is_good else None,
                    baseline=None if is_good else self.baseline,
                    named=False,
                    prune=False,
                    require_all=False,
                    require_baseline=False,
                    strict=False,
                )
            )
        except ConfigError as error:
            return None, str(error)
        self.summaries[commit] = dict(checked.summaries)
        if is_good and checked.result.saved is not None:
            checked.save()
        result = checked.result
        if result.exit_code in (ExitCode.OK, ExitCode.REGRESSION):
            return result, ""
        return None, next(f"{run.name}: {verdict(run)}" for run in result.runs if run.exit_code)


def bisect(asked: Bisection, log: Callable[[str], None]) -> Culprit:
    """The first commit that breaks a limit. ``log`` is told of each commit that is checked.

    Raises ConfigError when git fails, the good commit cannot be checked, the bad one breaks
    nothing, or only commits that cannot be checked are left.
    """
    good, bad = (_commit(name) for name in (asked.good, asked.bad))
    if good == bad or git("merge-base", good, bad).strip() != good:
        raise ConfigError(f"--bisect: {asked.good} is no commit before {asked.bad}")
    return _bisect(asked, good, bad, log)


def _commit(name: str) -> str:
    try:
        return git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except ConfigError:
        raise ConfigError(
            f"--bisect: there is no commit '{name}' here; a shallow clone may lack it: git fetch"
            " --unshallow"
        ) from None


def _bisect(asked: Bisection, good: str, bad: str, log: Callable[[str], None]) -> Culprit:
    with _work_tree(bad) as (folder, spare):
        checks = _Checks(asked, spare, log, {})
        _check_out(good, folder)
        with chdir(folder):
            result, wrong = checks.check(good, is_good=True)
        if result is None:
            raise ConfigError(f"--bisect: the good commit {asked.good} cannot be checked: {wrong}")
        if result.exit_code is not ExitCode.OK:
            raise ConfigError(
                f"--bisect: {asked.good} breaks the limit already: {'; '.join(_failures(result))}:"
                " nothing to find; name an earlier GOOD, or a limit that it keeps"
            )
        _check_out(bad, folder)
        with chdir(folder):
            result, wrong = checks.check(bad)
        if result is None:
            raise ConfigError(f"--bisect: the bad commit {asked.bad} cannot be checked: {wrong}")
        if result.exit_code is ExitCode.OK:
            raise ConfigError(
                f"--bisect: {asked.bad} keeps every limit against {asked.good}: nothing to find"
            )
        results = {bad: result}
        first = _first_bad(checks, good, bad, folder, results)
        return _culprit(checks, first, folder, results[first])


def _check_out(commit: str, folder: Path) -> None:
    """Check a commit out, over what a build changed."""
    git("checkout", "--quiet", "--force", "--detach", commit, folder=folder)


def _is_newer(elf: str, then: int) -> bool:
    """Whether a file, or the link that leads to it, was written after ``then`` (ns)."""
    try:
        return max(os.stat(elf).st_ctime_ns, os.lstat(elf).st_ctime_ns) > then  # noqa: PTH116
    except (OSError, ValueError):
        return False


def _first_bad(
    checks: _Checks, good: str, bad: str, folder: Path, results: dict[str, CheckResult]
) -> str:
    git("reset", "--quiet", "--hard", folder=folder)
    said = git("bisect", "start", bad, good, folder=folder)
    while FIRST_BAD not in said:
        commit = git("rev-parse", "HEAD", folder=folder).strip()
        with chdir(folder):
            result, wrong = checks.check(commit)
        word = "skip"
        if result is not None:
            results[commit] = result
            word = "bad" if result.exit_code else "good"
        checks.log(f"{commit[:12]} {word}{f': {wrong}' if wrong else ''}")
        git("reset", "--quiet", "--hard", folder=folder)  # a build may write files of the commit
        try:
            said = git("bisect", word, folder=folder)
        except ConfigError as error:
            left = ", ".join(each[:12] for each in _left(folder))
            raise ConfigError(
                "--bisect: only commits that cannot be checked are left: the first that breaks a"
                f" limit is one of {left}; mend the build of those that were skipped"
                if left
                else f"--bisect: {error}"
            ) from None
    line = next(line for line in said.splitlines() if FIRST_BAD in line)
    return line.partition(" ")[0]


def _left(folder: Path) -> list[str]:
    """The commits of which one is the first bad one, oldest first."""
    good = git("for-each-ref", "--format=%(refname)", "refs/bisect/good-*", folder=folder).split()
    return git("rev-list", "--reverse", "refs/bisect/bad", "--not", *good, folder=folder).split()


def _culprit(checks: _Checks, first: str, folder: Path, result: CheckResult) -> Culprit:
    """The first bad commit with what it changed against its parent."""
    parent = git("rev-parse", f"{first}^", folder=folder).strip()
    for commit in (parent, first):  # the ELFs of the first one stay, for names of inlined functions
        _check_out(commit, folder)
        if commit not in checks.summaries or commit == first:
            with chdir(folder):
                checks.check(commit)
    before, after = (checks.summaries.get(commit, {}) for commit in (parent, first))
    failed = [run for run in result.runs if run.exit_code]
    found: list[tuple[str, Reason]] = []
    with chdir(folder):
        plans = {plan.name: plan for plan in checks.asked.request().plans}
        for run in failed:
            if run.name in before and run.name in after:
                old, new = before[run.name], after[run.name]
                load = partial(load_spec, plans[run.name])
                reasons = explain(old, new, compare(old, new), run.values, load, run.elf)
                found += [(run.name, reason) for reason in reasons[:3]]
    author, time, subject = git("log", "-1", "--format=%an%n%cI%n%s", first).split("\n")[:3]
    failures = _failures(result)
    return Culprit(first, subject, author, time, failures, tuple(found))


def _failures(result: CheckResult) -> tuple[str, ...]:
    """Limits that runs break, a line each."""
    failed = [run for run in result.runs if run.exit_code]
    return tuple(
        f"{run.name}: {failure_text(value)}" for run in failed for value in run.failures
    ) or tuple(f"{run.name}: {verdict(run)}" for run in failed)


@contextmanager
def _work_tree(commit: str) -> Iterator[tuple[Path, Path]]:
    """The working folder in a work tree of a commit, and a folder beside that tree."""
    inside = git("rev-parse", "--show-prefix").strip()
    with tempfile.TemporaryDirectory(prefix="mcusim-bisect-") as spare:
        tree = Path(os.path.realpath(spare)) / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            folder = tree / inside
            if not folder.is_dir():
                raise ConfigError(f"--bisect: {commit[:12]} has no folder {inside}")
            yield folder, tree.parent
        finally:
            with suppress(ConfigError):
                git("worktree", "remove", "--force", str(tree))
