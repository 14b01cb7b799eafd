"""`mcusim profile`: run an ELF and report what it cost."""

from __future__ import annotations

import sys
import time
from typing import Any, BinaryIO, cast

import click

from simcore.cli import values
from simcore.cli.output import (
    PIPE_WIDTH,
    ColorChoice,
    destination,
    is_terminal,
    needs_ascii,
    text_width,
    use_color,
)
from simcore.cli.progress import ProgramOutput, Progress
from simcore.errors import ExitCode
from simcore.report import FORMATS, SECTIONS, RenderOptions, Section, render


@click.command(short_help="Run an ELF and report what it cost.")
@click.argument("elf", metavar="ELF")
@click.argument("args", nargs=-1, metavar="[-- ARGS...]")
@click.option(
    "--cpu",
    metavar="NAME|FILE",
    default="stm32f746",
    show_default=True,
    help="Part to simulate: a name of 'mcusim cpus' or a model file.",
)
@click.option(
    "--clock",
    type=values.clock,
    metavar="HZ",
    help="Core clock, such as 100MHz; the part's maximum if not given.",
)
@click.option(
    "--caches",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Who decides the caches: the firmware (auto) or you.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Form of the report.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the report to FILE; the program's own output then goes to stdout.",
)
@click.option(
    "--section",
    type=click.Choice(SECTIONS),
    default=SECTIONS[0],
    show_default=True,
    help="Table that --format csv writes.",
)
@click.option(
    "--max-instructions",
    type=values.quantity,
    metavar="N",
    help="Stop after so many instructions, such as 50M.",
)
@click.option(
    "--timeout",
    type=values.seconds,
    metavar="SECONDS",
    help="Stop after so many seconds of host time.",
)
@click.option(
    "--op",
    "ops",
    multiple=True,
    metavar="GLOB",
    help="Count each call of a matching function as an operation. Repeatable.",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Rows of the text report's long tables; 0 for all.",
)
@click.option("--instructions", is_flag=True, help="Add the costs of every instruction.")
@click.option("--lines", is_flag=True, help="Add the costs of every source line.")
@click.option(
    "--strict", is_flag=True, help="Make an access to a peripheral that is not modelled a fault."
)
@click.option("--semihost-dir", metavar="DIR", help="Open a host folder to the program.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour of the text report; auto follows NO_COLOR.",
)
@click.option("--verbose", is_flag=True, help="Tell on stderr how the simulation went.")
def profile(
    elf: str,
    args: tuple[str, ...],
    format_name: str,
    output: str | None,
    section: Section,
    top: int,
    color: ColorChoice,
    clock: int | None,
    timeout: float | None,
    **run: Any,
) -> ExitCode:
    """Run ELF on the model of a Cortex-M7 part and report cycles, energy and memory traffic.

    \b
    mcusim profile kernel.elf
    mcusim profile firmware.elf --cpu stm32f746 --clock 100MHz -- first-argument
    mcusim profile kernel.elf --op 'conv*' --format json -o kernel.json

    The report goes to stdout and everything else to stderr, what the program prints too. With
    -o FILE the report goes to the file and what the program prints to stdout.
    """
    from simcore.profiler import profile as run_profile

    _ask_for_section(section, format_name, run)
    started = time.monotonic()
    to_file = output not in (None, "-")
    with destination(output) as write:
        progress = None
        if is_terminal(sys.stderr):
            progress = Progress(sys.stderr, run["max_instructions"], text_width(sys.stderr))
        console = ProgramOutput((sys.stdout if to_file else sys.stderr).buffer, progress)
        try:
            result = run_profile(
                elf,
                args=args,
                clock_hz=clock,
                timeout_s=timeout,
                stdin=sys.stdin.buffer,
                stdout=cast(BinaryIO, console),
                progress=progress,
                **run,
            )
        finally:
            if progress is not None:
                progress.clear()
        stream = None if to_file else sys.stdout
        options = RenderOptions(
            width=PIPE_WIDTH if to_file else text_width(stream),
            color=use_color(color, stream),
            ascii=needs_ascii(stream),
            top=top,
            section=section,
        )
        write(render(result, format_name, options))
    if format_name != "text" or to_file:
        for warning in result.warnings:
            click.echo(f"mcusim: warning: {warning}", err=True)
    if run["verbose"]:
        seconds = time.monotonic() - started
        rate = result.totals.cycles / seconds / 1e6
        click.echo(f"mcusim: {seconds:.2f} s on the host, {rate:.1f} M cycles/s", err=True)
    if result.exit.status is not ExitCode.OK:
        click.echo(f"mcusim: {result.exit.text}", err=True)
    return result.exit.status


def _ask_for_section(section: Section, format_name: str, run: dict[str, Any]) -> None:
    """Ask the run for the table that the CSV output needs."""
    if format_name == "csv" and section in ("instructions", "lines"):
        run[section] = True
