"""The reports of `mcusim check` that other tools read: ``--report KIND[=FILE]``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simcore.errors import ConfigError, nearest
from simcore.files import destination
from simcore.report.check import REPORTS, render

if TYPE_CHECKING:
    from simcore.checking.results import CheckResult

SUMMARY, ANNOTATIONS = "github-summary", "github-annotations"
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"

Wanted = tuple[str, str | None]  # kind of report, file


def parse_reports(texts: Iterable[str]) -> list[Wanted]:
    """Kind and file of each report. Raises click.UsageError."""
    wanted: list[Wanted] = []
    for text in texts:
        kind, _, file = text.partition("=")
        if kind not in REPORTS:
            hint = nearest(kind, REPORTS) or f"; the kinds are {', '.join(REPORTS)}"
            raise click.UsageError(f"--report '{text}': there is no kind '{kind}'{hint}")
        if not file and kind == SUMMARY and not os.environ.get(SUMMARY_VARIABLE):
            raise click.UsageError(
                f"--report {kind} needs a file outside of GitHub Actions: {kind}=FILE"
            )
        if not file and kind not in (SUMMARY, ANNOTATIONS):
            raise click.UsageError(f"--report {kind} needs a file: {kind}=FILE")
        wanted.append((kind, file or None))
    return wanted


def refuse_one_file_twice(named: Iterable[tuple[str, str | None]]) -> None:
    """Raise click.UsageError when two options write one file: ``named`` are options, as they are
    told, and their files, ``-`` for stdout. A device or a pipe takes several."""
    known: dict[str, str] = {}
    for option, file in named:
        if file is None:
            continue
        path = file if file == "-" else os.path.realpath(file)
        if file != "-" and os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            continue
        other = known.setdefault(path, option)
        if other is not option:
            raise click.UsageError(
                f"{other} and {option} are one file: the one would take the place of the other;"
                " name another file"
            )


def write_reports(
    result: CheckResult, wanted: Sequence[Wanted], inputs: Sequence[str], to_stdout: bool
) -> list[str]:
    """Write each report, over none of ``inputs``; one that cannot be written does not keep the
    others from it. ``to_stdout``: nothing else goes there, so that annotations may.

    Returns what went wrong, a line each.
    """
    problems = []
    for kind, file in wanted:
        try:
            _write(render(result, kind), kind, file, inputs, to_stdout)
        except ConfigError as error:
            problems.append(str(error))
    return problems


def _write(text: str, kind: str, file: str | None, inputs: Sequence[str], to_stdout: bool) -> None:
    if file is not None:
        with destination(file, inputs) as write:
            write(text)
    elif kind == ANNOTATIONS:
        click.echo(text, err=not to_stdout, nl=False)
    else:
        from simcore.report.check.github_summary import MOST_BYTES, cut

        path = Path(os.environ[SUMMARY_VARIABLE])
        try:
            with path.open("a", encoding="utf-8") as stream:  # other commands wrote before
                stream.write(cut(text, MOST_BYTES - stream.tell()))
        except OSError as error:
            raise ConfigError(f"{path}: cannot write the summary: {error.strerror}") from None
