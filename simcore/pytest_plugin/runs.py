"""The runs of a pytest session: profiled, judged by limits, compared with a baseline, saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simcore.annotation.sources import SourceFiles
from simcore.cache import open_room
from simcore.checking import baselines
from simcore.checking.limits import Limit, limits_of, parse_limits, parse_scoped
from simcore.checking.results import MetricValue, failure_text, reason_text
from simcore.checking.running import summarize_here
from simcore.checking.verdicts import judge, reasons
from simcore.comparison.comparison import Comparison, compare
from simcore.comparison.summary import Summary
from simcore.costs.profile import Profile
from simcore.errors import ConfigError, ExitCode, McusimError
from simcore.plain import from_plain, to_plain

#: Metrics of the table at the end of a session.
_SHOWN = ("cycles", "energy", "stack")


@dataclass(frozen=True, slots=True)
class PytestRun:
    """One run of a test; ``values`` are those of the whole run. Plain data, for xdist."""

    name: str  # node id of the test, with #2 for its second run
    summary: Summary
    values: tuple[MetricValue, ...]


class Runs:
    """What the tests of one process ran."""

    def __init__(
        self,
        root: Path,
        compare_with: str | None,
        save: str | None,
        limits: Sequence[str],
        use_cache: bool = True,
    ) -> None:
        """Raises ConfigError for a wrong limit, or a baseline that is no good or not there."""
        self._cache = open_room(use_cache)
        folder = root / baselines.FOLDER
        for option, name in (("compare", compare_with), ("save", save)):
            # The name may be left out, so that pytest takes a path behind the option for it.
            if name is not None and (name.endswith(".py") or Path(name).exists()):
                raise ConfigError(
                    f"--mcusim-{option} took '{name}' for the name of a baseline; write"
                    f" --mcusim-{option}={baselines.DEFAULT}, or the option last"
                )
        self._root = root
        self._runs: list[PytestRun] = []
        self._limits = [
            parse_limits(_with_equals(text), "--mcusim-compare-fail") for text in limits
        ]
        self._save = None if save is None else baselines.baseline_path(folder, save)
        self._known: dict[str, Summary] = {}
        self.compared_with = compare_with
        if compare_with is not None:
            path = baselines.baseline_path(folder, compare_with)
            baseline = baselines.load_baseline(path)
            self._known = {} if baseline is None else baseline.runs

    def runner(
        self,
        test: str,
        markers: Sequence[Mapping[str, Any]],
        properties: list[tuple[str, object]],
    ) -> Callable[..., Profile]:
        """The value of the fixture in a test; ``properties`` are those of its JUnit report."""

        def run(elf: str | os.PathLike[str], *, may_fail: bool = False, **options: Any) -> Profile:
            __tracebackhide__ = True
            try:
                limits = [_marker_limits(marker) for marker in markers]
                profile = self._profile(elf, options)
            except McusimError as error:
                pytest.fail(str(error), pytrace=False)
            number = sum(_test_of(known.name) == test for known in self._runs) + 1
            name = test if number == 1 else f"{test}#{number}"
            if profile.exit.status is not ExitCode.OK and not may_fail:
                pytest.fail(f"{elf}: {profile.exit.text}", pytrace=False)
            problem = self._judge(name, os.fspath(elf), profile, limits)
            suffix = "" if number == 1 else f"#{number}"
            properties.append((f"mcusim.cycles{suffix}", profile.totals.cycles))
            properties.append((f"mcusim.energy_j{suffix}", profile.totals.energy_j))
            if problem is not None:
                pytest.fail(problem, pytrace=False)
            return profile

        return run

    def sent(self) -> list[Any]:
        """The runs as plain values, for another process."""
        return [to_plain(run) for run in self._runs]

    def receive(self, plain: Sequence[Any]) -> None:
        """Take over runs of another process."""
        self._runs += [from_plain(PytestRun, run) for run in plain]

    def save(self) -> None:
        """Write the baseline when asked for. Raises pytest.UsageError when it cannot be written."""
        if self._save is None or not self._runs:
            return
        from simcore.files import destination

        try:
            old = baselines.load_baseline(self._save)
            known = {} if old is None else old.runs
            tests = {_test_of(run.name) for run in self._runs}
            kept = {name: run for name, run in known.items() if _test_of(name) not in tests}
            new = {run.name: run.summary for run in self._runs}
            self._save.parent.mkdir(exist_ok=True)
            with destination(str(self._save)) as write:
                write(baselines.new_baseline({**kept, **new}).to_json())
        except OSError as error:
            raise pytest.UsageError(f"{self._save}: {error.strerror}") from None
        except ConfigError as error:
            raise pytest.UsageError(str(error)) from None

    def table(self, width: int) -> tuple[str, str]:
        """Title and text of the table of all runs, by test; no text when nothing ran."""
        if not self._runs:
            return "", ""
        from simcore.report import RenderOptions
        from simcore.report.page.console import new_console, printed_text
        from simcore.report.page.table import Column, build_table
        from simcore.units import amount, relative_change

        runs = sorted(self._runs, key=lambda run: run.name)
        columns = [Column("test", [_tail(run.name, width // 2) for run in runs])]
        for number, metric in enumerate(_SHOWN):
            values = [next(v for v in run.values if v.name == metric) for run in runs]
            columns.append(Column(metric, [amount(v.after, v.unit) for v in values], 2 * number))
            if self.compared_with is not None:
                changes = [
                    "N/A" if v.before is None else relative_change(v.difference, v.before)
                    for v in values
                ]
                columns.append(Column("change", changes, 2 * number + 1 if number else 0))
        parts = [run.summary.cpu.name for run in runs]
        columns.append(Column("part", parts, 2 * len(_SHOWN)))
        options = RenderOptions(width=width)
        console = new_console(options)
        console.print(build_table(columns, width, "~"))
        if self._save is not None:
            console.print(f"baseline written to {self._save.relative_to(self._root)}: commit it")
        title = "mcusim"
        if self.compared_with is not None:
            title += f" against baseline '{self.compared_with}'"
        return title, printed_text(console, options)

    def _profile(self, elf: str | os.PathLike[str], options: dict[str, Any]) -> Profile:
        from simcore.kept import profile

        path = Path(elf)
        if not path.exists() and not path.is_absolute() and (self._root / path).exists():
            path = self._root / path
        return profile(path, room=self._cache, **{"instructions": True, **options})

    def _judge(
        self, name: str, elf: str, profile: Profile, markers: Sequence[Sequence[Limit]]
    ) -> str | None:
        """Keep the run; what is wrong with it, None when nothing is."""
        after = summarize_here(profile, SourceFiles(elf))
        before = self._known.get(name)
        comparison: Comparison | None = None
        if before is not None:
            comparison = compare(before, after)
            if comparison.unlike:
                return (
                    f"{elf}: not comparable with the baseline: {'; '.join(comparison.unlike)};"
                    f" save it again with --mcusim-save={self.compared_with}"
                )
        limits = [
            limit for limit in limits_of(name, [*self._limits, *markers]) if not limit.default
        ]
        values = judge(after, comparison, limits)
        self._runs.append(PytestRun(name, after, values))
        failures = [failure_text(value) for value in values if value.failed]
        if not failures:
            return None
        why = [] if comparison is None else map(reason_text, reasons(comparison)[:3])
        return "\n".join([f"{elf}: {'; '.join(failures)}", *(f"  {text}" for text in why)])


def _marker_limits(marker: Mapping[str, Any]) -> list[Limit]:
    limits: list[Limit] = []
    for name, value in marker.items():
        try:
            limits += parse_scoped(f"{name}={value}")
        except ConfigError as error:
            raise ConfigError(f"mcusim_limit: {error}") from None
    return limits


def _test_of(name: str) -> str:
    """The node id of the test of a run: a second run of one test has #2 behind it."""
    test, _, number = name.rpartition("#")
    return test if test and number.isdecimal() else name


def _tail(name: str, most: int) -> str:
    """The end of a long node id: it tells the test."""
    return name if len(name) <= most else f"~{name[-most + 1 :]}"


def _with_equals(text: str) -> str:
    """``cycles:5%`` as pytest users write it, in the form of a limit."""
    return text if "=" in text else ",".join(part.replace(":", "=", 1) for part in text.split(","))
