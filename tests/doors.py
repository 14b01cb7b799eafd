"""The doors of the suite: which tests run, how long each may take, what the run cost.

`scripts/test` opens one of four doors. `quick` runs QUICK_FOLDERS and what is marked `quick`,
`usual` all that is not marked `exhaustive`, `rest` what `usual` leaves out, `all` everything;
pytest called by hand runs what it is told. A tier says what a test proves, not how long it takes.

Every test has a time limit: TIMES_ALONE times what the longest test of its file needed alone, as
any of them may be the one that makes what they share; at least SHORTEST_LIMIT_S. tests/seconds.json
holds these times (`--renew-seconds` writes it). On a machine with more to do than cores, the limit
grows as the share of a core shrinks. Past the limit, all stacks are shown and the test fails.

At the end stand the CPU times of the run, per folder, in units of a piece of work. Each process
measures that again and again, as a core is half as fast while the other one of its pair works: the
unit is the harmonic mean of samples at even distances of CPU time. tests/limits.toml holds what
they may be. With MCUSIM_STRICT_TESTS set, as in .ci/run, more fails the run, and so does a skip for
a reason that is not listed there.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.cost import standard_seconds

TESTS = Path(__file__).resolve().parent
DOORS = ("quick", "usual", "rest", "all")
QUICK_FOLDERS = ("unit",)
SECONDS = TESTS / "seconds.json"
LIMITS = TESTS / "limits.toml"
TIMES_ALONE = 20  # branch coverage and a slow machine take three times as long each
SHORTEST_LIMIT_S = 120
SAMPLE_S = 10  # of CPU time between two measurements of the reference work
LONG_S = SHORTEST_LIMIT_S / TIMES_ALONE  # files without a longer test are not listed
CPU = "cpu_seconds"  # property of a test's last report
LIMIT_S = pytest.StashKey[float]()  # of a test on an idle machine
OUTPUT = "mcusim-tests"  # what a worker tells the first process


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mcusim's own tests")
    group.addoption("--door", choices=DOORS, help="which tests run; all that are named by default")
    group.addoption(
        "--renew-seconds", action="store_true", help="write what the longest tests need alone"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quick: one of the few tests outside of units in --quick")
    config.addinivalue_line("markers", "exhaustive: proves by many cases what few show; in --all")
    config.pluginmanager.register(Accounts(config), "mcusim-accounts")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files behind another door are not even imported: that takes as long as the quick tests."""
    quick = config.getoption("--door") == "quick" and collection_path.suffix == ".py"
    if not quick or folder_of(str(collection_path.relative_to(TESTS))) in QUICK_FOLDERS:
        return None
    return "pytest.mark.quick" not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    door = config.getoption("--door")
    left_out = [item for item in items if not opens(door, item)]
    if left_out:
        items[:] = [item for item in items if opens(door, item)]
        config.hook.pytest_deselected(items=left_out)
    alone = json.loads(SECONDS.read_text(encoding="utf-8")) if SECONDS.exists() else {}
    for item in items:
        limit = max(SHORTEST_LIMIT_S, TIMES_ALONE * alone.get(file_of(item.nodeid), 0))
        item.stash[LIMIT_S] = limit
        if folder_of(item.nodeid) != "unit":
            item.add_marker("no_cover")  # of pytest-cov: half of what they cost would be that


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Set the limit as the machine is now, around pytest-timeout, which reads the marker."""
    limit = item.stash[LIMIT_S] * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    item.add_marker(pytest.mark.timeout(limit), append=False)
    return (yield)


def opens(door: str | None, item: pytest.Item) -> bool:
    """Whether a test is behind a door."""
    exhaustive = item.get_closest_marker("exhaustive") is not None
    if door == "quick":
        marked = item.get_closest_marker("quick") is not None
        return marked or (folder_of(item.nodeid) in QUICK_FOLDERS and not exhaustive)
    return {"usual": not exhaustive, "rest": exhaustive}.get(door or "all", True)


def file_of(nodeid: str) -> str:
    """The file that a test is in, from tests/ on."""
    return nodeid.partition("::")[0].removeprefix("tests/")


def folder_of(nodeid: str) -> str:
    """The folder of tests/ that a test is in."""
    return nodeid.removeprefix("tests/").split("/", 1)[0]


def _cpu_of(report: pytest.TestReport) -> float:
    (seconds,) = (value for name, value in report.user_properties if name == CPU)
    assert isinstance(seconds, float)
    return seconds


def cpu_seconds() -> float:
    """CPU time of this process and of its finished children."""
    return sum(os.times()[:4])


class Accounts:
    """What a run costs: each process tells its CPU time and the reference's, the first one sums."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.worker = hasattr(config, "workerinput")
        self.start = time.monotonic()
        self.references: list[float] = []  # CPU time of the reference work in seconds
        self.next_sample = 0.0
        self.workers_cpu = 0.0
        self.largest_kib = 0
        self.folders: defaultdict[str, float] = defaultdict(float)
        self.alone: defaultdict[str, float] = defaultdict(float)
        self.skips: dict[str, str] = {}
        self.left_out: set[str] = set()
        self.before = 0.0

    # --- in the process that runs tests -----------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        if cpu_seconds() >= self.next_sample:
            self.references.append(standard_seconds())
            self.next_sample = cpu_seconds() + SAMPLE_S
        self.before = cpu_seconds()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
        if report.when == "teardown":
            report.user_properties.append((CPU, cpu_seconds() - self.before))
        return report

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.left_out.update(item.nodeid for item in items)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.references.append(standard_seconds())
        usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        self.largest_kib = max(self.largest_kib, *(usage.ru_maxrss for usage in usages))
        if self.worker:
            self.config.workeroutput[OUTPUT] = {  # type: ignore[attr-defined]
                "cpu": cpu_seconds(),
                "references": self.references,
                "largest_kib": self.largest_kib,
                "left_out": sorted(self.left_out),
            }
            return
        if self.config.getoption("--renew-seconds"):
            longest: defaultdict[str, float] = defaultdict(float)
            for name, seconds in self.alone.items():
                longest[file_of(name)] = max(longest[file_of(name)], seconds)
            long = {name: round(s, 1) for name, s in sorted(longest.items()) if s >= LONG_S}
            SECONDS.write_text(json.dumps(long, indent=1) + "\n", encoding="utf-8")
        if self.complaints() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    # --- in the first process ---------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(OUTPUT)
        if told is not None:  # else the worker died
            self.workers_cpu += told["cpu"]
            self.references += told["references"]
            self.largest_kib = max(self.largest_kib, told["largest_kib"])
            self.left_out.update(told["left_out"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.alone[report.nodeid] += report.duration
        if report.when == "teardown":
            self.folders[folder_of(report.nodeid)] += _cpu_of(report)
        if report.skipped and not hasattr(report, "wasxfail"):
            assert isinstance(report.longrepr, tuple)
            self.skips[report.nodeid] = str(report.longrepr[2]).removeprefix("Skipped: ")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("cost")
        for line in (*self.told(), *self.complaints()):
            terminalreporter.line(line)

    def told(self) -> list[str]:
        """The lines on what the run cost and left out."""
        units = ", ".join(f"{name} {cost:,.0f}" for name, cost in self.costs().items())
        told = [
            f"CPU time in units of {self.reference() * 1e3:.0f} ms, the reference here: {units}",
            f"{time.monotonic() - self.start:.0f} s, {self.cpu():.0f} s of CPU time;"
            f" largest process {self.largest_kib / 1024:.0f} MiB",
        ]
        if self.left_out:
            folders = Counter(map(folder_of, self.left_out))
            rest = ", ".join(f"{count} in {name}" for name, count in sorted(folders.items()))
            told.append(
                f"left out: {len(self.left_out)} tests ({rest}); scripts/test --all has all"
            )
        if self.config.getoption("--door") == "quick":
            others = {folder_of(str(path.relative_to(TESTS))) for path in TESTS.rglob("test_*.py")}
            told.append(f"left out whole: {', '.join(sorted(others - set(QUICK_FOLDERS)))}")
        return told

    def cpu(self) -> float:
        """CPU time of all processes of the run in seconds."""
        return time.process_time() + self.workers_cpu if self.workers_cpu else cpu_seconds()

    def reference(self) -> float:
        """CPU time of the reference work in this run, in seconds."""
        return statistics.harmonic_mean(self.references)

    def costs(self) -> dict[str, float]:
        """CPU time of the run and of the tests of each folder, in units of the reference."""
        folders = dict(sorted(self.folders.items()))
        return {k: v / self.reference() for k, v in {"total": self.cpu(), **folders}.items()}

    def complaints(self) -> list[str]:
        """What fails a strict run: skips without a known reason, CPU time beyond the limits."""
        if "MCUSIM_STRICT_TESTS" not in os.environ:
            return []
        limits = tomllib.loads(LIMITS.read_text(encoding="utf-8"))
        costs, door = self.costs(), self.config.getoption("--door")
        return [
            f"skipped, but not for a reason of {LIMITS.name}: {name}: {reason}"
            for name, reason in sorted(self.skips.items())
            if reason not in limits["skips"]
        ] + [
            f"{name} took {costs[name]:,.0f} units of CPU time, more than the {limit:,} of"
            f" {LIMITS.name}"
            for name, limit in limits["cpu"].get(door, {}).items()
            if costs.get(name, 0) > limit
        ]
