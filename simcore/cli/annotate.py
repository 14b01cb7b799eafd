"""`mcusim annotate`: run an ELF and list functions with the cost of each instruction."""

from __future__ import annotations

import time
from typing import Any

import click

from simcore.cli.options import (
    look_options,
    part_options,
    report_options,
    run_options,
    scope_options,
    source_options,
)
from simcore.cli.output import ColorChoice
from simcore.cli.running import (
    ProgramCommand,
    input_files,
    look,
    on_command_line,
    program_streams,
    tell_end,
    tell_line,
    tell_speed,
    tell_warnings,
)
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.report.annotation import FORMATS, render

PIPE_WIDTH = 132  # a listing's columns in a pipe or file: wide enough for its notes
TABLE_ROWS = 10  # of the tables of loops and source lines


@click.command(cls=ProgramCommand, short_help="List functions with the cost of each instruction.")
@click.argument("elf", metavar="ELF|CAPTURE")
@click.argument("functions", nargs=-1, metavar="[FUNCTION]... [-- ARGS...]")
@part_options()
@report_options(FORMATS)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    help="At most so many functions when none is named [default: 5], and rows of the tables of"
    f" loops and source lines [default: {TABLE_ROWS}]; 0 for all.",
)
@click.option(
    "--cover",
    type=click.FloatRange(0, 100, min_open=True),
    default=90,
    show_default=True,
    metavar="PERCENT",
    help="Without FUNCTION: the hottest functions that make up this much of the cycles.",
)
@source_options
@scope_options
@run_options
@look_options
def annotate(
    elf: str,
    functions: tuple[str, ...],
    format_name: str,
    output: str | None,
    top: int | None,
    cover: float,
    source_dirs: tuple[str, ...],
    source_maps: tuple[tuple[str, str], ...],
    color: ColorChoice,
    **run: Any,
) -> ExitCode:
    """Run ELF and list FUNCTIONs with what each instruction cost, why, and what it paired with.

    \b
    mcusim annotate kernel.elf
    mcusim annotate kernel.elf multiply_rows
    mcusim annotate kernel.elf 'conv*' --format csv -o conv.csv
    mcusim annotate firmware.elf main -- first-argument
    mcusim annotate run.mcu --clock 100MHz

    A CAPTURE of 'mcusim record' is timed again instead. FUNCTION is a name or a pattern; without
    one the hottest functions are listed. Cycles are the function's own and add up to its cycles in
    'mcusim profile'.
    """
    from simcore.annotation.annotator import DEFAULT_TOP, annotate_run, check_functions
    from simcore.annotation.sources import SourcePlaces
    from simcore.simulation.program import open_program

    started = time.monotonic()
    program = open_program(elf, **on_command_line(run))
    check_functions(program.image, functions)
    with destination(output, input_files()) as write:
        with program_streams(output, run["max_instructions"]) as streams:
            simulation = program.run(**streams)
        result = annotate_run(
            simulation,
            functions,
            top=DEFAULT_TOP if top is None else top,
            cover=cover / 100,
            sources=SourcePlaces(source_dirs, source_maps),
        )
        rows = TABLE_ROWS if top is None else top
        write(render(result, format_name, look(output, color, PIPE_WIDTH, top=rows)))
    tell_warnings(result.warnings, format_name, output)
    if run["verbose"]:
        tell_line(simulation.describe())
        tell_speed(result.cycles, started)
    return tell_end(result.exit)
