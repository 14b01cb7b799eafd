"""What `mcusim check` found as documents: a file each, with ``render(result) -> str``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from simcore.report import RenderOptions
from simcore.report.escaped import rendered_safely

if TYPE_CHECKING:
    from simcore.checking.results import CheckResult, MetricValue, RunResult

#: Reports by the name that --report takes: the module of this package and what reads it.
REPORTS = {
    "json": ("json", "everything, schema mcusim.check/1"),
    "jsonl": ("jsonl", "JSON Lines, a run a line"),
    "csv": ("csv", "a row for each metric of each run"),
    "junit": ("junit", "JUnit XML"),
    "sarif": ("sarif", "SARIF 2.1.0, for code scanning"),
    "github-summary": ("github_summary", "Markdown, added to $GITHUB_STEP_SUMMARY without FILE"),
    "github-annotations": (
        "github_annotations",
        "workflow commands, to stdout or stderr without FILE",
    ),
    "benchmark-action": ("benchmark_action", "github-action-benchmark, customSmallerIsBetter"),
    "bencher": ("bencher", "Bencher Metric Format"),
}

#: Formats of `mcusim report`, and of --format with the first two.
FORMATS = ("text", *REPORTS)


def render(result: CheckResult, kind: str, options: RenderOptions | None = None) -> str:
    """The report of a kind of REPORTS, or the ``text`` for people, which looks as options say."""
    if kind == "text":
        from simcore.report.check import text

        return text.render(result, options or RenderOptions())
    module = import_module(f"simcore.report.check.{REPORTS[kind][0]}")
    return str(rendered_safely(module.render, result))


def unmeasured(result: CheckResult) -> list[str]:
    """Names of the runs without a value: that did not run, did not end well or have no baseline
    where they have to."""
    return [*result.not_run, *(run.name for run in result.runs if not run.values)]


def measured(result: CheckResult) -> Iterator[tuple[RunResult, MetricValue]]:
    """Every value that was measured, with its run."""
    for run in result.runs:
        for value in run.values:
            if value.after is not None:
                yield run, value
