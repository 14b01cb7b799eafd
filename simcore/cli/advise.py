"""`mcusim advise`: where functions and data should lie, found by timing and a 0/1 programme."""

from __future__ import annotations

from typing import Any

import click

from simcore.cache import open_room
from simcore.cli import values
from simcore.cli.options import (
    cache_option,
    look_options,
    part_options,
    report_options,
    run_options,
    scope_options,
)
from simcore.cli.output import ColorChoice
from simcore.cli.progress import search_progress
from simcore.cli.running import (
    Noted,
    ProgramCommand,
    input_files,
    look,
    on_command_line,
    program_streams,
    show_again,
    tell_end,
    tell_warnings,
)
from simcore.cli.stored import opened_store, store_option
from simcore.cli.workers import workers_options
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.run.spec import RunSpec

FORMATS = ("text", "json")
LEAST_SHARE = 0.001  # of a move, as simcore/advisor has it, which costs imports
ROWS = 8  # of the list of what is not worth moving


@click.command(cls=ProgramCommand, short_help="Find what to move into TCM and SRAM banks.")
@click.argument("elf", metavar="ELF|CAPTURE [-- ARGS...]")
@part_options()
@click.option(
    "--minimise",
    type=click.Choice(["cycles", "energy", "both"]),
    default="cycles",
    show_default=True,
    help="What the placement should make small; 'both' shows the choices of which none is better in"
    " cycles and energy.",
)
@click.option(
    "--deadline",
    type=values.seconds,
    metavar="SECONDS",
    help="Find the fewest bytes of TCM with which the program is done in time.",
)
@click.option(
    "--candidates",
    type=click.IntRange(1, 64),
    default=16,
    show_default=True,
    metavar="N",
    help="Consider the N functions and data objects that wait most.",
)
@click.option(
    "--least",
    type=values.share,
    default=LEAST_SHARE,
    metavar="SHARE",
    help="Leave out moves that bring less than this of the cycles that count, such as 0.5% or"
    " 0.005, small data that brings it together aside [default: 0.1%].",
)
@click.option(
    "--once",
    is_flag=True,
    help="Move code, too, that runs so seldom that its copy takes longer. What runs before start-up"
    " code has filled RAM never moves.",
)
@click.option(
    "--any-energy",
    is_flag=True,
    help="Move, too, what costs relatively more energy than it saves cycles.",
)
@click.option(
    "--count-copies",
    is_flag=True,
    help="Leave data in ROM that waits no longer in this run than its copy into RAM takes.",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    default=ROWS,
    show_default=True,
    help="Rows of the list of what is not worth moving; 0 for all.",
)
@click.option(
    "--map",
    "map_file",
    metavar="FILE.map",
    help="The linker's map of the program, -Wl,-Map=FILE.map: it tells which object and input"
    " section holds what moves [default: FILE.map or FILE.elf.map beside the ELF].",
)
@click.option(
    "--apply",
    "script",
    metavar="FILE.ld",
    help="Write the program's linker script with the advice in it to the file of -o; the report"
    " goes to standard output.",
)
@workers_options("Processes that time placements", "1")
@report_options(FORMATS)
@scope_options
@run_options
@cache_option
@store_option
@look_options
def advise(
    elf: str,
    minimise: str,
    deadline: float | None,
    candidates: int,
    least: float,
    once: bool,
    any_energy: bool,
    count_copies: bool,
    top: int,
    map_file: str | None,
    script: str | None,
    jobs: int | None,
    scheduler: str | None,
    format_name: str,
    output: str | None,
    use_cache: bool,
    store: str | None,
    color: ColorChoice,
    **run: Any,
) -> ExitCode:
    """Find the placement of functions and data into ITCM, DTCM and SRAM banks that costs least.

    \b
    mcusim advise firmware.elf --cpu stm32h743
    mcusim advise firmware.elf --minimise energy
    mcusim advise run.mcu
    mcusim advise firmware.elf --deadline 0.010
    mcusim advise firmware.elf --apply firmware.ld -o advised.ld

    Moves are judged over layouts: only what brings more than chance in their mean is advised, at
    most eight moves. It comes as a linker-script fragment to paste, with the loop that start-up
    code needs; what no linker script moves stands apart, by hand. With --per, --from and --until
    only that part counts. The program runs here and once; placements are timed by --workers or by
    the workers of --scheduler. Needs scipy, which the extra mcusim[advise] installs. Exit status 3:
    no placement meets the deadline.
    """
    from simcore.kept.reports import KeptReports
    from simcore.linking.mapfile import map_states, maps_beside

    if deadline is not None and minimise != "cycles":
        raise click.UsageError("--deadline finds the fewest bytes; it does not go with --minimise")
    new_script = None
    if script is not None:
        if output in (None, "-"):
            raise click.UsageError("--apply needs -o FILE.ld, where the new linker script goes")
        new_script, output = output, None
    given, options = on_command_line(run), look(output, color, top=top)
    how: dict[str, Any] = {
        "minimise": minimise,
        "deadline_s": deadline,
        "candidates": candidates,
        "least_share": least,
        "count_copies": count_copies,
        "once": once,
        "any_energy": any_energy,
        "map_file": map_file,
        "linker_script": script,
    }
    asked = ("advise", how, map_states(elf, map_file), given)
    spec = RunSpec(elf=elf, verbose=run["verbose"]).replaced(given)
    reports = KeptReports(
        open_room(use_cache and script is None and store is None),
        [spec],
        format_name,
        options,
        asked,
    )
    if (known := reports.load()) is not None:
        return show_again(known, format_name, output, input_files())
    from simcore.advisor import advise as find_advice
    from simcore.report.studies.advice import render

    reports.watch()
    read: list[str] = input_files()
    if map_file is None:
        read += map(str, maps_beside(elf))
    with destination(new_script, read) as write_script, destination(output, read) as write:
        with (
            opened_store(store, "mcusim advise --store") as shelf,
            program_streams(output, run["max_instructions"]) as streams,
        ):
            noted = Noted(streams)
            with search_progress(noted.streams["progress"]) as tell:
                where: dict[str, Any] = {
                    "processes": jobs or 1,
                    "scheduler": scheduler,
                    "store": shelf,
                    "cache": use_cache,
                }
                advice = find_advice(elf, tell=tell, **where, **how, **noted.streams, **given)
        document = render(advice, format_name, options)
        if advice.applied_script is not None:
            write_script(advice.applied_script)
        write(document)
    tell_warnings(advice.warnings, format_name, output)
    if tell_end(advice.exit) is ExitCode.OK and advice.status is ExitCode.REGRESSION:
        click.echo("mcusim: no placement that was found meets the deadline", err=True)
    if advice.status is ExitCode.OK and (printed := noted.printed) is not None:
        reports.keep_watched(printed, advice.warnings, document)
    return advice.status
