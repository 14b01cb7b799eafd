"""Microbenchmarks of public sources against the modelled cycles, one line per row.

A row stands for one or more concrete cases (tests/cases). Rows that come from models or are
second-hand are compared but never fail. Exit status 3 when a measured row differs
and is not one of the few deviations that its case and docs/model/pipeline.md explain.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from simcore.errors import ConfigError
from tests.oracle.cases import Case, load_cases
from tests.oracle.judge import Result, Verdict, judge_all

REGRESSION = 3
USAGE = 2
WIDTHS = (30, 14, 6, 11, 11, 11)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--llvm-mca",
        action="store_true",
        help="add a column with llvm-mca's static model; installs Debian's llvm when it is missing",
    )
    parser.add_argument("--cases", action="store_true", help="a line for every concrete case")
    parser.add_argument("--row", metavar="TEXT", default="", help="only rows whose name has TEXT")
    parser.add_argument(
        "--without",
        metavar="NAME,...",
        default="",
        help="leave mechanisms of the pipeline out, such as mac-window, and say what changes",
    )
    parser.add_argument(
        "--pipeline-only", action="store_true", help="leave out what needs the whole simulator"
    )


def run(options: argparse.Namespace) -> int:
    """Print the table, then the cases that differ and the counts; returns the exit status."""
    from tests.oracle.runners import best_runner

    cases = [case for case in load_cases() if options.row in case.row]
    overrides = [f"core.pipeline_without={options.without}"] if options.without else []
    try:
        runner = best_runner(options.pipeline_only, overrides)
    except ConfigError as error:
        print(f"scripts/validate: {error}", file=sys.stderr)
        return USAGE
    results = judge_all(cases, runner)
    others: dict[str, Result] = {}
    if options.llvm_mca:
        others = {result.case.id: result for result in _llvm_mca(cases)}
    titles = ["row", "source", "metric", "measured", "modelled"]
    print(_line([*titles, *(["llvm-mca"] if others else []), "verdict"]))
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.case.id if options.cases else result.case.row, []).append(result)
    for name, group in groups.items():
        print(_row(name, group, others))
    _print_differences(results)
    _print_counts(results)
    if options.without:
        complete = judge_all(cases, best_runner(pipeline_only=options.pipeline_only))
        _print_ablation(options.without, results, complete)
        return 0
    failed = any(result.verdict is Verdict.DIFFERS for result in results)
    return REGRESSION if failed else 0


def _llvm_mca(cases: Sequence[Case]) -> list[Result]:
    from tests.oracle.llvm_mca import COMMAND, McaRunner

    if shutil.which(COMMAND[0]) is None:
        print("installing Debian's llvm for llvm-mca ...", file=sys.stderr)
        subprocess.run(["apt-get", "install", "-y", "-qq", "llvm"], check=True, stdout=sys.stderr)
    return judge_all(cases, McaRunner(cases))


def _row(name: str, group: Sequence[Result], others: Mapping[str, Result]) -> str:
    first = group[0].case
    verdicts = Counter(result.verdict for result in group)
    if len(verdicts) == 1:
        verdict = str(group[0].verdict)
    else:
        verdict = ", ".join(f"{count} {kind}" for kind, count in verdicts.items())
    if group[0].verdict is Verdict.NOT_RUN and len(verdicts) == 1:
        verdict += f": {group[0].reason}"
    cells = [
        name,
        first.source.split()[0].rstrip(","),
        first.metric,
        _values([result.case.expected for result in group]),
        _values([result.cycles for result in group]),
    ]
    if others:
        cells.append(_values([others[result.case.id].cycles for result in group]))
    return _line([*cells, verdict])


def _values(values: Sequence[float | None]) -> str:
    """The distinct values, or their range when there are more than two."""
    known = sorted({value for value in values if value is not None})
    if not known:
        return "-"
    if len(known) > 2:
        return f"{known[0]:.4g}..{known[-1]:.4g}"
    return ", ".join(f"{value:.4g}" for value in known)


def _line(cells: Sequence[str]) -> str:
    padded = [cell[:width].ljust(width) for cell, width in zip(cells[:-1], WIDTHS, strict=False)]
    return "  ".join([*padded, cells[-1]]).rstrip()


def _print_differences(results: Sequence[Result]) -> None:
    differing = [
        r for r in results if r.verdict in (Verdict.DIFFERS, Verdict.KNOWN, Verdict.REPORTED)
    ]
    if differing:
        print("\ncases that differ:")
    for result in differing:
        case = result.case
        bound = "at least " if case.at_least else ""
        print(
            f"  {case.id}: {case.text}: {bound}{case.expected:g} {case.status},"
            f" modelled {result.cycles:.4g}{f' ({result.reason})' if result.reason else ''}"
        )


def _print_counts(results: Sequence[Result]) -> None:
    print()
    for status in dict.fromkeys(result.case.status for result in results):
        of_status = [result for result in results if result.case.status == status]
        verdicts = Counter(str(result.verdict) for result in of_status)
        rows = len({result.case.row for result in of_status})
        text = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
        print(f"{status}: {rows} rows, {len(of_status)} cases: {text}")


def _print_ablation(without: str, results: Sequence[Result], complete: Sequence[Result]) -> None:
    """Which rows change for want of the mechanisms, and how many of those agreed before."""
    changed = [
        (result, before)
        for result, before in zip(results, complete, strict=True)
        if (result.cycles, result.verdict) != (before.cycles, before.verdict)
    ]
    worse = [result for result, before in changed if before.verdict is Verdict.AGREES]
    rows = list(dict.fromkeys(result.case.row for result, _ in changed))
    lost = {result.case.row for result in worse if result.verdict is not Verdict.AGREES}
    print(
        f"\nwithout {without}: {len(changed)} cases in {len(rows)} rows change,"
        f" {len(lost)} rows no longer agree{': ' if rows else ''}{', '.join(rows)}"
    )
