"""The runs of a pytest session: profiled, judged by limits, compared with a baseline, saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from simcore.annotation.sources import SourceFiles
from simcore.cache import open_room
from simcore.checking import baselines
from simcore.checking.blame import explain
from simcore.checking.doubts import doubts
from simcore.checking.fitting import fitted
from simcore.checking.gates import compared_runs, in_ci, needs_baseline
from simcore.checking.limits import Limit, limits_of, parse_limits, parse_scoped
from simcore.checking.results import MetricValue, Reason, failure_text, reason_text
from simcore.checking.rows import unmatched
from simcore.checking.running import Printed, summarize_here
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import Comparison, compare
from simcore.comparison.summary import Summary
from simcore.costs.profile import Profile
from simcore.elf import load_image
from simcore.errors import ConfigError, ExitCode, McusimError
from simcore.files import kind_of
from simcore.plain import from_plain, to_plain
from simcore.pytest_plugin.identity import is_covered, is_like, known_as, run_name, test_of

#: Metrics of the table at the end of a session.
_SHOWN = ("cycles", "energy", "stack")
_PROPERTY = "mcusim."


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of a session ask for; None of what nobody said."""

    compare: str | None = None
    save: str | None = None
    limits: tuple[str, ...] = ()
    require_all: bool | None = None
    require_baseline: bool | None = None
    strict: bool = False
    prune: bool = False
    #: The command line saves into the name that only the project's own options compare with.
    accepts: bool = False


@dataclass(frozen=True, slots=True)
class PytestRun:
    """One run of a test; ``values`` are those of the whole run. Plain data, for xdist."""

    name: str  # of identity.run_name()
    test: str
    summary: Summary
    values: tuple[MetricValue, ...]
    known: str | None  # its name in the baseline
    notes: tuple[str, ...] = ()  # what nobody should overlook


class Runs:
    """What the tests of one process ran."""

    def __init__(self, root: Path, asked: Asked, use_cache: bool = True) -> None:
        """Raises ConfigError for a wrong limit, or a baseline that is no good or not there."""
        self._cache = open_room(use_cache)
        folder = root / baselines.FOLDER
        for option, name in (("compare", asked.compare), ("save", asked.save)):
            # The name may be left out, so that pytest takes a path behind the option for it.
            if name is not None and (name.endswith(".py") or kind_of(name)):
                raise ConfigError(
                    f"--mcusim-{option} took '{name}' for the name of a baseline; write"
                    f" --mcusim-{option}={baselines.DEFAULT}, or the option last"
                )
        self._root = root
        self._asked = asked
        self._runs: list[PytestRun] = []
        self._failures: dict[str, str] = {}  # of tests, in their last attempt
        self._limits = [
            parse_limits(_with_equals(text), "--mcusim-compare-fail") for text in asked.limits
        ]
        needed = asked.require_baseline
        self._needs = needs_baseline(folder) if needed is None else needed
        self._needs_all = in_ci() if asked.require_all is None else asked.require_all
        self._save = None
        if asked.save is not None:
            self._save = baselines.baseline_path(folder, asked.save)
            baselines.refuse_newer(self._save)
        self._known: Mapping[str, Summary] = {}
        self.notes: list[str] = []
        self.deselected: set[str] = set()
        if asked.compare is not None:
            path = baselines.baseline_path(folder, asked.compare)
            makes_it = asked.save == asked.compare
            self._known, self.notes = compared_runs(
                path,
                named=asked.compare != baselines.DEFAULT and not makes_it,
                required=self._needs and not makes_it,
                option="--mcusim-",
            )

    def runner(
        self,
        test: str,
        markers: Sequence[Mapping[str, Any]],
        properties: list[tuple[str, object]],
    ) -> Callable[..., Profile]:
        """The value of the fixture in one attempt of a test, which forgets what an earlier attempt
        ran; ``properties`` are those of its JUnit report."""
        self._runs = [run for run in self._runs if run.test != test]
        self._failures.pop(test, None)
        properties[:] = [one for one in properties if not one[0].startswith(_PROPERTY)]
        calls = 0

        def fail(text: str) -> NoReturn:
            __tracebackhide__ = True
            self._failures.setdefault(test, text)
            pytest.fail(text, pytrace=False)

        def run(
            elf: str | os.PathLike[str],
            *,
            may_fail: bool = False,
            name: str | None = None,
            **options: Any,
        ) -> Profile:
            __tracebackhide__ = True
            nonlocal calls
            calls += 1
            printed = Printed(options.get("stdout"))
            path = self._path(elf)
            try:
                limits = [_marker_limits(marker) for marker in markers]
                profile = self._profile(path, {**options, "stdout": printed})
            except McusimError as error:
                fail(str(error))
            if profile.exit.status is ExitCode.INTERRUPTED:
                raise KeyboardInterrupt  # of the session, not a failure of the test
            if profile.exit.status is not ExitCode.OK and not may_fail:
                fail(f"{elf}: {profile.exit.text}")
            called = run_name(test, self._root, path, profile.cpu.name, options, name)
            file = os.fspath(path)
            summary = printed.told(summarize_here(profile, SourceFiles(file), file))
            problem = self._judge(called, test, (os.fspath(elf), file), summary, limits)
            suffix = "" if calls == 1 else f"#{calls}"
            properties.append((f"{_PROPERTY}cycles{suffix}", profile.totals.cycles))
            properties.append((f"{_PROPERTY}energy_j{suffix}", profile.totals.energy_j))
            if problem is not None:
                fail(problem)
            return profile

        return run

    def sent(self) -> dict[str, Any]:
        """What ran as plain values, for another process."""
        return {
            "runs": [to_plain(run) for run in self._runs],
            "deselected": sorted(self.deselected),
        }

    def receive(self, plain: Mapping[str, Any]) -> None:
        """Take over what ran in another process; of a test that ran in several the last counts."""
        new = [from_plain(PytestRun, run) for run in plain["runs"]]
        tests = {run.test for run in new}
        self._runs = [run for run in self._runs if run.test not in tests] + new
        self.deselected |= set(plain["deselected"])

    def not_run(self, arguments: Sequence[str], folder: Path) -> tuple[list[str], bool]:
        """Runs that the baseline has and the session, which was asked for ``arguments`` from a
        folder, did not run; and whether that fails it. Tests that it deselected are none."""
        left = self._left(self._known, arguments, folder)
        return left, bool(left) and self._needs_all and not self._is_pruning

    def ran(self, test: str) -> bool:
        """Whether a test ran anything in its last attempt."""
        return any(run.test == test for run in self._runs)

    def failure(self, test: str) -> str | None:
        """What failed a test in its last attempt, whatever became of the exception."""
        return self._failures.get(test)

    def unjudged(self) -> list[str]:
        """That no change fails, where runs are compared and nothing limits any."""
        judged = any(value.limits for run in self._runs for value in run.values)
        if self._asked.compare is None or not self._runs or judged or self._asked.save is not None:
            return []
        return ["compared only: without a limit (--mcusim-compare-fail cycles:1%) no change fails"]

    def unlike(self, left: Sequence[str]) -> list[str]:
        """Of runs that did not run those that ran under another configuration, a line each."""
        found = []
        for run in self._runs:
            for name in left:
                before = self._known[name]
                same = (before.elf.name, before.args or ()) == (
                    run.summary.elf.name, run.summary.args or (),
                )  # fmt: skip
                if run.known is None and test_of(name) == run.test and same:
                    why = "; ".join(compare(before, run.summary).unlike)
                    if why and not is_like(before, run.summary) and not self._asked.accepts:
                        found.append(
                            f"{run.test}: not comparable with the baseline: {why}; save it again"
                            f" with --mcusim-save={self._asked.compare} --mcusim-prune"
                        )
        return found

    def save(self, failed: bool, arguments: Sequence[str], folder: Path) -> None:
        """Write the baseline when asked for; ``failed`` is whether the session did.

        Raises pytest.UsageError when it cannot be written.
        """
        if self._save is None or not self._runs:
            return
        shown = self._save.relative_to(self._root)
        if failed and self._asked.save == self._asked.compare:
            self.notes.append(f"{shown} stays as it was: the session failed")
            return
        try:
            known = baselines.refuse_newer(self._save)
            tests = {run.test for run in self._runs}
            # All that the tests ran before is replaced by what they ran now.
            drop = {name for name in known if test_of(name) in tests}
            gone = [name for name in self._left(known, arguments, folder) if name not in drop]
            if self._asked.prune and not failed and not self.deselected:
                drop |= set(gone)
                if gone:
                    self.notes.append(f"dropped from {shown}: {', '.join(gone)}")
            elif self._asked.prune:
                self.notes.append(
                    f"nothing is dropped from {shown}: that takes a full session in which all pass"
                )
            elif gone:
                self.notes.append(f"not run, they stay in {shown}: {', '.join(gone)}")
            limits = [limit for group in self._limits for limit in group]
            new = {run.name: fitted(run.summary, limits) for run in self._runs}
            self.notes += baselines.update_baseline(self._save, new, drop)
        except ConfigError as error:
            raise pytest.UsageError(str(error)) from None
        self.notes.append(f"baseline written to {shown}: commit it")

    def table(self, width: int) -> tuple[str, str]:
        """Title and text of the table of all runs, by test; no text when nothing ran."""
        from simcore.pytest_plugin.table import sessions_table

        title = "mcusim"
        if self._asked.compare is not None:
            title += f" against baseline '{self._asked.compare}'"
        notes = [f"{run.name}: {note}" for run in self._runs for note in run.notes]
        rows = [
            (run.name if self._several(run) else run.test, run.summary.cpu.name, run.values)
            for run in sorted(self._runs, key=lambda run: run.name)
        ]
        compares = self._asked.compare is not None
        return title, sessions_table(rows, _SHOWN, [*notes, *self.notes], compares, width)

    def _several(self, run: PytestRun) -> bool:
        return sum(other.test == run.test for other in self._runs) > 1

    @property
    def _is_pruning(self) -> bool:
        return self._asked.prune and self._asked.save == self._asked.compare

    def _left(
        self, known: Mapping[str, Summary], arguments: Sequence[str], folder: Path
    ) -> list[str]:
        ran: Collection[str] = {run.name for run in self._runs} | {
            run.known for run in self._runs if run.known is not None
        }
        return [
            name
            for name in sorted(known)
            if name not in ran
            and test_of(name) not in self.deselected
            and is_covered(test_of(name), arguments, self._root, folder)
        ]

    def _path(self, elf: str | os.PathLike[str]) -> Path:
        path = Path(elf)
        if not kind_of(path) and not path.is_absolute() and kind_of(self._root / path):
            path = self._root / path
        return path

    def _profile(self, path: Path, options: dict[str, Any]) -> Profile:
        from simcore.kept import profile

        return profile(path, room=self._cache, **{"instructions": True, **options})

    def _judge(
        self,
        called: str,
        test: str,
        elf_and_file: tuple[str, str],
        after: Summary,
        markers: Sequence[Sequence[Limit]],
    ) -> str | None:
        """Keep the run; what is wrong with it, None when nothing is. The ELF is as the test names
        it, and its file."""
        elf, file = elf_and_file
        equal = sum(run.name.partition(" #")[0] == called for run in self._runs) + 1
        name = called if equal == 1 else f"{called} #{equal}"
        known = known_as(name, after, self._known, equal)
        before = None if known is None else self._known[known]
        comparison: Comparison | None = None
        saves_over = self._asked.save is not None and self._asked.save == self._asked.compare
        if before is not None:
            comparison = compare(before, after)
            if comparison.unlike and not saves_over:
                return (
                    f"{elf}: not comparable with the baseline: {'; '.join(comparison.unlike)};"
                    f" save it again with --mcusim-save={self._asked.compare}"
                )
            if comparison.unlike:
                before = comparison = None  # a new baseline is being made, because of that
        limits = [
            limit
            for limit in limits_of(name, [*self._limits, *markers])
            if not limit.default and not (self._asked.accepts and limit.percent is not None)
        ]
        known_runs = () if before is None else (before,)
        wrong = [text for limit in limits if (text := unmatched(limit, (after,), known_runs))]
        values = judge(after, comparison, limits)
        notes: list[str] = []
        if before is not None and comparison is not None:
            notes += doubts(before, after, comparison, limits)
        nothing = None if saves_over else self._nothing(before, limits)
        notes += [nothing] if nothing else []
        self._runs.append(PytestRun(name, test, after, values, known, tuple(notes)))
        failures = [*wrong, *(failure_text(value) for value in values if value.failed)]
        if self._asked.strict and comparison is not None:
            failures += [f"{note} (--mcusim-strict)" for note in notes if note != nothing]
        if nothing and self._needs:
            failures.append(f"{nothing}, and --mcusim-require-baseline is on")
        if not failures:
            return None
        found: Sequence[Reason] = ()
        if comparison is not None and before is not None:
            found = explain(before, after, comparison, values, partial(load_image, file), file)
        why = map(reason_text, found[:3])
        return "\n".join([f"{elf}: {'; '.join(failures)}", *(f"  {text}" for text in why)])

    def _nothing(self, before: Summary | None, limits: Sequence[Limit]) -> str | None:
        """That nothing is there to compare a run with, which somebody meant to be compared."""
        relative = ", ".join(limit.text for limit in limits if limit.percent is not None)
        if before is not None:
            return None
        if self._asked.compare is not None:
            limit = f", limit {relative}" if relative else ""
            return f"nothing to compare with: the baseline does not know this run{limit}"
        if relative:
            return f"nothing to compare with, limit {relative}: there is no --mcusim-compare"
        return None


def _marker_limits(marker: Mapping[str, Any]) -> list[Limit]:
    limits: list[Limit] = []
    for name, value in marker.items():
        try:
            limits += parse_scoped(f"{name}={value}")
        except ConfigError as error:
            raise ConfigError(f"mcusim_limit: {error}") from None
    return limits


def _with_equals(text: str) -> str:
    """``cycles:5%`` as pytest users write it, in the form of a limit."""
    return text if "=" in text else ",".join(part.replace(":", "=", 1) for part in text.split(","))
