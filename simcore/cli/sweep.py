"""`mcusim sweep`: a space of builds, parts, placements and layouts, point by point."""

from __future__ import annotations

from pathlib import Path

import click

from simcore.cli.options import color_option, report_options
from simcore.cli.output import ColorChoice
from simcore.cli.progress import runs_progress
from simcore.cli.running import goes_to_file, look, tell_line
from simcore.cli.sandbox import sandbox_option
from simcore.cli.stored import needed_store
from simcore.cli.workers import workers_options
from simcore.errors import ExitCode
from simcore.files import destination, write_stdout
from simcore.units import count
from simcore.workers import Workers

FORMATS = ("text", "json", "csv", "html")


@click.command(short_help="Run a space of builds, parts, placements.")
@click.argument("file", metavar="FILE.toml")
@click.option(
    "--store",
    metavar="FILE|URL",
    help="Where results are kept, as of 'mcusim results' [default: FILE.db beside FILE.toml].",
)
@click.option("--plan", is_flag=True, help="Say what would run: the space, its axes, no point.")
@workers_options("Runs at a time")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Rows of the text report's front; 0 for all.",
)
@report_options(FORMATS, "Write the report to FILE.")
@color_option
@click.option("-v", "--verbose", is_flag=True, help="Say what is built and what was there.")
@sandbox_option
def sweep(
    file: str,
    store: str | None,
    plan: bool,
    jobs: int | None,
    scheduler: str | None,
    top: int,
    format_name: str,
    output: str | None,
    color: ColorChoice,
    verbose: bool,
) -> ExitCode:
    """Run all points of a space, or a sample of it, and find those that nothing else beats.

    \b
    mcusim sweep space.toml
    mcusim sweep space.toml --plan
    mcusim sweep space.toml --format html -o space.html
    mcusim sweep space.toml --scheduler tcp://10.0.0.1:8786 --store postgresql://team@host/runs

    \b
    # space.toml
    [build]
    command = "make -s clean all CC={cc} CFLAGS='{flags}' OUT={elf}"
    cc = ["arm-none-eabi-gcc"]
    flags = ["-O2", "-O3", "-Os", "-O2 -flto"]
    [axes]
    cpu = ["stm32f746", "stm32h743"]
    caches = ["on", "off"]
    place = ["", "conv*=itcm", "weights=dtcm"]

    Build commands are yours and run as you do. The front holds the points of which no other is as
    good in cycles, energy, flash and RAM and better in one. What is finished is kept: a sweep that
    was stopped goes on where it was, and another format runs nothing. A point that cannot run is
    told and is on no front. Needs the extra mcusim[store], for a sample mcusim[sweep].

    Exit status: 0 when a point ended well, 1 when none did, 2 for wrong usage.
    """
    from simcore.report.studies.sweep import failures, render
    from simcore.sweep.running import sweep as run_sweep
    from simcore.sweep.space import load_space

    space = load_space(file)
    if plan:
        places = space.places()
        lines = [f"{axis.name}: {', '.join(c.name for c in axis.choices)}\n" for axis in space.axes]
        of = f" of {count(space.size)}" if len(places) != space.size else ""
        noun = "point" if len(places) == 1 else "points"
        write_stdout("".join([f"{count(len(places))}{of} {noun}\n", *lines]))
        return ExitCode.OK
    kept = store or str(Path(file).with_suffix(".db"))
    with (
        destination(output, [file, kept]) as write,
        needed_store(kept, "mcusim sweep") as opened,
    ):
        with runs_progress(0) as progress:
            result = run_sweep(
                space,
                workers=Workers(jobs, scheduler),
                store=opened,
                tell=progress.tell,
                log=tell_line if verbose else None,
            )
        if result.points:
            write(render(result, format_name, look(output, color, top=top)))
    if format_name != "text" or goes_to_file(output):
        for line in failures(result):
            tell_line(f"warning: {line}")
    if result.interrupted:
        tell_line(f"{count(len(result.points))} points are finished and kept in {kept}")
    return result.status
