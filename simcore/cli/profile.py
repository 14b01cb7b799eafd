"""`mcusim profile`: run an ELF and report what it cost."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.energy_sweep import sweep, sweep_options
from simcore.cli.options import (
    layout_option,
    look_options,
    part_options,
    place_option,
    report_options,
    run_options,
    source_options,
    together,
    uncertainty_option,
)
from simcore.cli.output import ColorChoice, is_terminal
from simcore.cli.running import (
    goes_to_file,
    look,
    program_streams,
    tell_end,
    tell_line,
    tell_speed,
    tell_warnings,
)
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.report import (
    BINARY_FORMATS,
    FORMATS,
    NEEDS,
    SECTIONS,
    SEVERAL_PARTS,
    WEIGHTS,
    Section,
    Weight,
    document,
)

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.report.html.details import Details
    from simcore.simulation.simulation import Simulation


#: What the report shows, and how.
table_options = together(
    click.option(
        "--section",
        type=click.Choice(SECTIONS),
        default=SECTIONS[0],
        show_default=True,
        help="Table that --format csv writes.",
    ),
    click.option(
        "--weight",
        type=click.Choice(WEIGHTS),
        help="With --format collapsed: what weighs stacks; time in ns, energy in nJ [default:"
        f" {WEIGHTS[0]}].",
    ),
    click.option(
        "--op",
        "ops",
        multiple=True,
        metavar="GLOB",
        help="Count each call of a matching function as an operation. Repeatable.",
    ),
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
    click.option("--objects", is_flag=True, help="Show all data objects up to --top, not a few."),
    source_options,
)


@click.command(short_help="Run an ELF and report what it cost.")
@click.argument("elf", metavar="ELF")
@click.argument("args", nargs=-1, metavar="[-- ARGS...]")
@part_options("; several with commas")
@place_option
@layout_option
@uncertainty_option
@report_options(FORMATS)
@sweep_options
@table_options
@run_options
@look_options
def profile(
    elf: str,
    args: tuple[str, ...],
    format_name: str,
    output: str | None,
    section: Section,
    weight: Weight | None,
    top: int,
    color: ColorChoice,
    cpu: str,
    objects: bool,
    source_dirs: tuple[str, ...],
    source_maps: tuple[tuple[str, str], ...],
    energy_sweep: bool,
    deadline: float | None,
    **run: Any,
) -> ExitCode:
    """Run ELF on the model of a Cortex-M7 part and report cycles, energy and memory traffic.

    \b
    mcusim profile kernel.elf
    mcusim profile firmware.elf --cpu stm32f746 --clock 100MHz -- first-argument
    mcusim profile kernel.elf --op 'conv*' --format json -o kernel.json
    mcusim profile kernel.elf --format html -o kernel.html
    mcusim profile kernel.elf --format callgrind -o callgrind.out.kernel
    mcusim profile kernel.elf --cpu stm32f746,stm32h743
    mcusim profile kernel.elf --set core.dcache.size=16K --caches on
    mcusim profile kernel.elf --place 'conv*=itcm' --place weights=dtcm --layout-sweep
    mcusim profile kernel.elf --energy-sweep --deadline 10ms

    The report goes to stdout and everything else to stderr, what the program prints too. With
    -o FILE the report goes to the file and what the program prints to stdout. With several parts
    the report compares them; JSON is then a list of profiles.
    """
    from simcore.profiler import profile as run_profile
    from simcore.report.parts import render as render_parts
    from simcore.run.spec import RunSpec

    parts = [part.strip() for part in cpu.split(",") if part.strip()]
    if not parts:
        raise click.BadParameter("it names no part", param_hint="--cpu")
    refuse_unused(format_name, weight, source_dirs or source_maps)
    if energy_sweep:
        run |= {"args": args, "deadline_s": deadline}
        return sweep(elf, parts, format_name, output, color, run)
    if deadline is not None:
        raise click.UsageError("--deadline goes with --energy-sweep")
    refuse_destination(format_name, output, parts)
    ask_for_tables(section, format_name, run)
    details: list[Details] = []
    printed = bytearray()

    def inspect(simulation: Simulation) -> None:
        from simcore.annotation.sources import SourcePlaces
        from simcore.report.html.details import details_of

        sources = SourcePlaces(source_dirs, source_maps)
        details.append(details_of(simulation, sources, bytes(printed)))

    spec = RunSpec(elf=elf, args=args, **run)
    started = time.monotonic()
    with destination(output) as write:
        results: list[Profile] = []
        for part in parts:
            with program_streams(output, spec.max_instructions, printed) as streams:
                results.append(
                    run_profile(
                        replace(spec, cpu=part),
                        log=tell_line if spec.verbose else None,
                        inspect=inspect if format_name == "html" else None,
                        **streams,
                    )
                )
        options = look(
            output, color, top=top, section=section, weight=weight or WEIGHTS[0], objects=objects
        )
        if details:
            options = replace(options, details=details[0])
        if len(results) == 1:
            write(document(results[0], format_name, options))
        else:
            write(render_parts(results, format_name, options))
    tell_warnings([w for result in results for w in result.warnings], format_name, output)
    if spec.verbose:
        tell_speed(sum(result.totals.cycles for result in results), started)
    where = [f" ({result.cpu.name})" if len(results) > 1 else "" for result in results]
    return max(tell_end(result.exit, at) for result, at in zip(results, where, strict=True))


def refuse_unused(format_name: str, weight: Weight | None, sources: Sequence[object]) -> None:
    """Refuse options that the format would ignore. Raises UsageError."""
    if sources and format_name != "html":
        raise click.UsageError("--source-dir and --source-map go with --format html")
    if weight is not None and format_name != "collapsed":
        raise click.UsageError("--weight goes with --format collapsed")


def refuse_destination(format_name: str, output: str | None, parts: Sequence[str]) -> None:
    """Refuse what could not be written when the run has ended. Raises UsageError."""
    if len(parts) > 1 and format_name not in SEVERAL_PARTS:
        several = ", ".join(SEVERAL_PARTS)
        raise click.UsageError(
            f"--format {format_name} shows one part; with several in --cpu use {several}"
        )
    for_files = {**dict.fromkeys(BINARY_FORMATS, "is binary"), "html": "is a page for a browser"}
    what = for_files.get(format_name)
    if what and not goes_to_file(output) and is_terminal(sys.stdout):
        raise click.UsageError(
            f"--format {format_name} {what} and no terminal's: write it to a file with -o"
        )


def ask_for_tables(section: Section, format_name: str, run: dict[str, Any]) -> None:
    """Ask the run for the tables that the format writes."""
    if format_name == "csv" and section in ("instructions", "lines"):
        run[section] = True
    run.update(dict.fromkeys(NEEDS.get(format_name, ()), True))
