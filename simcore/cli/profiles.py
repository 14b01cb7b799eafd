"""What commands that report profiles share: how a report is asked for, and how it is written."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.options import (
    link_options,
    op_options,
    scope_options,
    source_options,
    together,
)
from simcore.cli.output import ColorChoice, is_terminal
from simcore.cli.running import (
    goes_to_file,
    input_files,
    look,
    on_command_line,
    tell_end,
    tell_line,
    tell_speed,
    tell_warnings,
)
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.records import dataclass
from simcore.report import WEIGHTS, RenderOptions, Weight
from simcore.report.profile import (
    BINARY_FORMATS,
    INLINING,
    KEEPING,
    SECTIONS,
    SEVERAL_PARTS,
    Section,
    document,
    needed,
)

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.report.html.details import Details
    from simcore.report.source_links import SourceLinks
    from simcore.simulation.simulation import Simulation


weight_option = click.option(
    "--weight",
    type=click.Choice(WEIGHTS),
    help="With --format collapsed: what weighs stacks; time in ns, energy in nJ [default:"
    f" {WEIGHTS[0]}].",
)
objects_option = click.option(
    "--objects", is_flag=True, help="Show all data objects up to --top, not a few."
)

explain_option = click.option(
    "--explain",
    is_flag=True,
    help="Say in the text report what costs most, why, and what to try, and what each cause and"
    " component means in plain words.",
)

inlines_option = click.option(
    "--inlines/--no-inlines",
    default=None,
    help="Show functions that were inlined, by the debug information: frames of call stacks,"
    " and a table of the text report [default: where call stacks are shown, and in JSON].",
)

#: What the report shows, and how.
table_options = together(
    click.option(
        "--section",
        type=click.Choice(SECTIONS),
        default=SECTIONS[0],
        show_default=True,
        help="Table that --format csv writes.",
    ),
    weight_option,
    op_options,
    scope_options,
    click.option(
        "--top",
        type=click.IntRange(min=0),
        metavar="N",
        default=20,
        show_default=True,
        help="Rows of the text report's long tables; 0 for all.",
    ),
    click.option("--instructions", is_flag=True, help="Add the costs of every instruction."),
    click.option("--lines", is_flag=True, help="Add the costs of every source line."),
    click.option(
        "--coverage",
        is_flag=True,
        help="With --format json: add which lines ran, for 'mcusim report --format lcov'.",
    ),
    click.option(
        "--timeline",
        is_flag=True,
        help="With --format json: add what ran when, for 'mcusim report --format trace'.",
    ),
    inlines_option,
    objects_option,
    explain_option,
    source_options,
    link_options,
)


@dataclass(frozen=True, slots=True)
class Form:
    """How the report of a run is asked for: the parameters of a command that say it."""

    format_name: str
    output: str | None
    color: ColorChoice
    section: Section
    weight: Weight | None
    top: int
    objects: bool
    source_dirs: tuple[str, ...]
    source_maps: tuple[tuple[str, str], ...]
    explain: bool
    source_url: str | None
    source_commit: str | None

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> Form:
        """The form that a command's options ask for; what is left of them is about the run."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls)})

    def refuse_unused(self) -> None:
        """Refuse options that the format would ignore. Raises UsageError."""
        if (self.source_dirs or self.source_maps) and self.format_name != "html":
            raise click.UsageError("--source-dir and --source-map go with --format html")
        refuse_unused_links(self.format_name, self.source_url, self.source_commit)
        if self.explain and self.format_name != "text":
            raise click.UsageError(
                "--explain goes with --format text; an HTML page explains itself"
            )
        if self.weight is not None and self.format_name != "collapsed":
            raise click.UsageError("--weight goes with --format collapsed")

    def ask_for_tables(self, run: dict[str, Any]) -> None:
        """Ask the run for the tables that the format writes.

        Raises UsageError for one that only another format shows, and JSON keeps for it, and
        for --section without the table that it names.
        """
        if self.format_name != "csv" and on_command_line({"section": self.section}):
            raise click.UsageError("--section goes with --format csv")
        tables = needed(self.format_name, self.section)
        for table in ("coverage", "timeline"):
            if run[table] and table not in tables and self.format_name not in KEEPING:
                raise click.UsageError(f"--{table} goes with --format {', '.join(KEEPING)}")
        run.update(dict.fromkeys(tables, True))
        if run["inlines"] is None:
            run["inlines"] = self.format_name in INLINING
        elif run["inlines"] and self.format_name not in (*INLINING, "text"):
            raise click.UsageError(f"--inlines goes with --format text, {', '.join(INLINING)}")


def report_look(form: Form) -> RenderOptions:
    """How a report of profiles looks, but for what an HTML page shows beside them."""
    return look(
        form.output,
        form.color,
        top=form.top,
        section=form.section,
        weight=form.weight or WEIGHTS[0],
        objects=form.objects,
        inlines=form.format_name == "text",
        explain=form.explain,
    )


def refuse_unused_links(format_name: str, url: str | None, commit: str | None) -> None:
    """Refuse links where there are none. Raises UsageError."""
    if commit is not None and (url is None or "{commit}" not in url):
        raise click.UsageError("--source-commit goes with a --source-url that has {commit}")
    if url is not None and format_name != "html":
        raise click.UsageError("--source-url goes with --format html")


def source_links(
    url: str | None, commit: str | None, program: str | None = None
) -> SourceLinks | None:
    """Where source lines lead, None when nothing was asked for. Raises ConfigError."""
    if url is None:
        return None
    from simcore.report.source_links import SourceLinks

    links = SourceLinks(url, commit, program)
    if links.differs:
        tell_line(
            "warning: files differ from the commit that --source-url links to, and lines may have"
            " moved there"
        )
    return links


def report_runs(
    form: Form,
    runs: Sequence[Callable[..., Profile]],
    printed: Callable[[], bytes],
    verbose: bool,
    simulated: Callable[[], bool] = lambda: True,
    keep: Callable[[Sequence[str], str | bytes], None] | None = None,
    program: str | None = None,
) -> ExitCode:
    """Make the profiles of one program on several parts, and write their report.

    Each of ``runs`` takes ``log`` and ``inspect`` as :func:`simcore.profile` does; ``printed``
    tells afterwards what the program printed, ``simulated`` whether any of them ran. When all
    ended well ``keep`` is given warnings and report. ``program`` is the file that runs.
    """
    links = source_links(form.source_url, form.source_commit, program)
    details: list[Details] = []

    def inspect(simulation: Simulation) -> None:
        from simcore.annotation.sources import SourcePlaces
        from simcore.report.html.details import details_of

        sources = SourcePlaces(form.source_dirs, form.source_maps)
        details.append(details_of(simulation, sources, printed()))

    started = time.monotonic()
    log = tell_line if verbose else None
    with destination(form.output, input_files()) as write:
        results = [
            run(log=log, inspect=inspect if form.format_name == "html" else None) for run in runs
        ]
        options = report_look(form)
        if details:
            options = replace(options, details=details[0], links=links)
        if len(results) == 1:
            made = document(results[0], form.format_name, options)
        else:
            from simcore.report.profile import parts

            made = parts.render(results, form.format_name, options)
        write(made)
    wrong = ExitCode.OK
    warnings = [warning for result in results for warning in result.warnings]
    tell_warnings(warnings, form.format_name, form.output)
    if verbose and simulated():
        tell_speed(sum(result.totals.cycles for result in results), started)
    for result in results:
        found = result.verification
        if found is not None and not found.is_equal:
            tell_line(f"{result.elf.name}: {found.trouble}")
        if result.runner is not None and result.runner.unseen is not None:
            tell_line(f"{result.elf.name}: {result.runner.unseen}; its warning says why")
        wrong = max(wrong, result.status)
    where = [f" ({result.cpu.name})" if len(results) > 1 else "" for result in results]
    ends = [tell_end(result.exit, at) for result, at in zip(results, where, strict=True)]
    status = max(*ends, wrong)
    if status is ExitCode.OK and keep is not None and not details:
        keep(warnings, made)
    return status


def refuse_destination(format_name: str, output: str | None, parts: Sequence[str]) -> None:
    """Refuse what could not be written when the run has ended. Raises UsageError."""
    if len(parts) > 1 and format_name not in SEVERAL_PARTS:
        several = ", ".join(SEVERAL_PARTS)
        raise click.UsageError(
            f"--format {format_name} shows one part; with several in --cpu use {several}"
        )
    if len(parts) > 1 and on_command_line({"section": None}):
        raise click.UsageError("--section is a table of one part; of several in --cpu there is one")
    for_files = {**dict.fromkeys(BINARY_FORMATS, "is binary"), "html": "is a page for a browser"}
    what = for_files.get(format_name)
    if what and not goes_to_file(output) and is_terminal(sys.stdout):
        raise click.UsageError(
            f"--format {format_name} {what} and no terminal's: write it to a file with -o"
        )
