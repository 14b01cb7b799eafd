"""`mcusim compare`: what changed from one profile to another."""

from __future__ import annotations

import click

from simcore.cli.options import demangle_option, look_options, report_options
from simcore.cli.output import ColorChoice
from simcore.cli.running import input_files, look, tell_line
from simcore.errors import ConfigError, ExitCode
from simcore.files import destination
from simcore.report.comparison import FORMATS, SECTIONS, render


@click.command(short_help="Tell what changed from one profile to another.")
@click.argument("before", metavar="BEFORE.json")
@click.argument("after", metavar="AFTER.json")
@report_options(FORMATS, "Write the report to FILE.")
@click.option(
    "--section",
    type=click.Choice(SECTIONS),
    default=SECTIONS[0],
    show_default=True,
    help="Table that --format csv writes.",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    default=20,
    show_default=True,
    help="Rows of the text report's long tables; 0 for all.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Compare runs that are not comparable, of two parts or clocks for instance.",
)
@demangle_option
@look_options
def compare(
    before: str,
    after: str,
    format_name: str,
    output: str | None,
    section: str,
    top: int,
    force: bool,
    demangle: bool,
    color: ColorChoice,
    verbose: bool,
) -> ExitCode:
    """Compare two JSON profiles by function, operation and cause, the largest change first.

    \b
    mcusim profile old.elf --instructions --format json -o old.json
    mcusim profile new.elf --instructions --format json -o new.json
    mcusim compare old.json new.json
    mcusim compare old.json new.json --format csv --section lines
    mcusim compare old.json new.json --format html -o changes.html

    Source lines are compared when both profiles hold --instructions or --lines. Runs on different
    parts, clocks, models or arguments are refused unless --force is given. The exit status does
    not judge: 'mcusim check' does.
    """
    from simcore.comparison.comparison import compare as compare_profiles
    from simcore.report.saved import load_profile

    with destination(output, input_files()) as write:
        old, new = load_profile(before), load_profile(after)
        if not demangle:
            from simcore.report.symbols import with_symbols

            old, new = with_symbols(old), with_symbols(new)
        comparison = compare_profiles(old, new)
        if comparison.unlike and not force:
            raise ConfigError(
                f"{before} and {after} are not comparable: {'; '.join(comparison.unlike)}"
                " (--force compares them all the same)"
            )
        options = look(output, color, top=top, section=section)
        write(render(comparison, format_name, options, (old, new)))
    if verbose:
        tell_line(
            f"{len(comparison.functions)} functions, {len(comparison.ops)} operations,"
            f" {len(comparison.lines or ())} lines compared"
        )
    return ExitCode.OK
