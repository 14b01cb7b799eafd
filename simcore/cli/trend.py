"""`mcusim trend`: how runs changed from commit to commit, by what checks wrote."""

from __future__ import annotations

import click

from simcore.cli.options import color_option, report_options
from simcore.cli.output import ColorChoice
from simcore.cli.profiles import refuse_destination
from simcore.cli.running import input_files, look
from simcore.errors import ConfigError, ExitCode
from simcore.files import destination
from simcore.report.trend import FORMATS, render


@click.command(short_help="Draw how checks changed from commit to commit.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@report_options(FORMATS, "Write the page or text to FILE.")
@click.option("--run", metavar="NAME|GLOB", help="Show these runs alone.")
@color_option
def trend(
    files: tuple[str, ...],
    format_name: str,
    output: str | None,
    run: str | None,
    color: ColorChoice,
) -> ExitCode:
    """Draw a chart per metric over the commits of a history, with what changed at each step.

    \b
    mcusim check build/*.elf --baseline main --history .mcusim/history.jsonl
    mcusim trend .mcusim/history.jsonl -o trend.html
    mcusim trend .mcusim/history.jsonl --format text --run 'conv*'
    mcusim trend check-*.jsonl -o trend.html

    FILE is a history, or what 'mcusim check --report jsonl=FILE' wrote: several are steps in the
    order given. A single run is shown in the metric's unit, several against their first values.
    """
    from simcore.checking.trend import read_steps

    refuse_destination(format_name, output, ())
    with destination(output, [*input_files(), *files]) as write:
        steps = read_steps(files, run)
        if not steps:
            raise ConfigError(f"{files[0]}: holds no check")
        write(render(steps, format_name, look(output, color)))
    return ExitCode.OK
