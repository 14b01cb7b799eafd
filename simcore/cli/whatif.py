"""`mcusim whatif`: one program under several configurations in one table."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import click

from simcore.cache import open_room
from simcore.cli.options import (
    cache_option,
    layout_option,
    look_options,
    part_options,
    place_option,
    report_options,
    run_options,
    scope_options,
)
from simcore.cli.output import ColorChoice
from simcore.cli.running import (
    Noted,
    ProgramCommand,
    input_files,
    look,
    on_command_line,
    program_streams,
    show_again,
    tell_end,
    tell_speed,
    tell_warnings,
)
from simcore.cli.stored import opened_store, store_option
from simcore.cli.workers import workers_options
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.run.spec import PartSpec, RunSpec

if TYPE_CHECKING:
    from simcore.simulation.capture import Capture
    from simcore.whatif.config_file import ConfigFile

FORMATS = ("text", "json", "csv")
#: What the part's options say: what configurations begin with.
PART = [field.name for field in fields(PartSpec)]


@click.command(cls=ProgramCommand, short_help="Compare placements, clocks, caches and parts.")
@click.argument("elves", nargs=-1, required=True, metavar="ELF... [-- ARGS...]")
@click.option(
    "--try",
    "tries",
    multiple=True,
    metavar="'[NAME:] SETTING, ...'",
    help="A configuration: placements as in --place, clock=, voltage_scale=, caches=, cpu=,"
    " and KEY=VALUE as in --set. Repeatable.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="'[NAME:] SETTING=A,B...'",
    help="Values of one setting or placement; several sweeps make all combinations. Repeatable.",
)
@click.option("--config", metavar="FILE.toml", help="Take configurations from a file.")
@part_options("; what all configurations begin with")
@place_option
@layout_option
@click.option(
    "--rerun",
    is_flag=True,
    help="Execute each configuration on its own: interrupts and sleep come at its own times.",
)
@click.option(
    "--relink",
    metavar="COMMAND",
    help="Build the placement by COMMAND and time the relinked program beside the placed one. It"
    " finds the linker fragment in $MCUSIM_FRAGMENT, the script of --apply with it in"
    " $MCUSIM_SCRIPT, and may write the ELF to $MCUSIM_ELF.",
)
@click.option("--apply", "script", metavar="FILE.ld", help="The linker script, for --relink.")
@click.option(
    "--map",
    "map_file",
    metavar="FILE.map",
    help="The linker's map, for --relink [default: FILE.map or FILE.elf.map beside the ELF].",
)
@workers_options("Executions at a time, one per ELF and part")
@report_options(FORMATS)
@scope_options
@run_options
@cache_option
@store_option
@look_options
def whatif(
    elves: tuple[str, ...],
    tries: tuple[str, ...],
    sweeps: tuple[str, ...],
    config: str | None,
    place: tuple[str, ...],
    layout_sweep: bool,
    rerun: bool,
    relink: str | None,
    script: str | None,
    map_file: str | None,
    jobs: int | None,
    scheduler: str | None,
    format_name: str,
    output: str | None,
    use_cache: bool,
    store: str | None,
    color: ColorChoice,
    verbose: bool,
    **run: Any,
) -> ExitCode:
    """Run ELF once and time it under several configurations: what would it buy to change that?
    A capture of 'mcusim record' may stand for an ELF.

    \b
    mcusim whatif kernel.elf --place 'conv*=itcm' --place weights=dtcm
    mcusim whatif kernel.elf --try 'conv*=itcm' --try 'weights=dtcm, caches=off'
    mcusim whatif kernel.elf --try 'fast: .text=itcm, input+output=dtcm, clock=200MHz'
    mcusim whatif kernel.elf --sweep weights=flash,dtcm --sweep 'code: conv*=flash,itcm'
    mcusim whatif kernel.elf --sweep cpu=stm32f746,stm32h743 --sweep caches=on,off
    mcusim whatif kernel.elf --config study.toml --format csv
    mcusim whatif firmware.elf --irq TIM2=48kHz,96kHz --try 'handler*=itcm'
    mcusim whatif app.elf --place 'conv*=itcm' --apply app.ld --relink 'make LD=$MCUSIM_SCRIPT'

    Changes are against the first row: the program as it is linked, or the first combination of
    the sweeps. Configurations of one part share one execution, unless --rerun is given, or --irq
    with rates: then each rate is tried with each configuration, and the table says which deadlines
    are missed.
    """
    from simcore.kept.reports import KeptReports
    from simcore.report.studies.whatif import render
    from simcore.simulation.program import open_file
    from simcore.whatif import what_if as run_study
    from simcore.whatif.config_file import ConfigFile
    from simcore.whatif.configuration import check_names
    from simcore.whatif.rates import split_irqs, with_rates
    from simcore.whatif.relink import RelinkCommand, check_relink
    from simcore.whatif.relink import relink as relink_study

    part = {name: run.pop(name) for name in PART if name in run}
    first, *others = elves
    opened = open_file(first)
    file = None if config is None else ConfigFile(config)
    configurations, base = _configurations(opened, tries, sweeps, file, place, part)
    run |= {"layout_sweep": layout_sweep, "verbose": verbose}
    spec = RunSpec()
    if file is not None:
        spec = spec.replaced(file.run()).replaced(on_command_line(run))
        run = {name: getattr(spec, name) for name in run}
    run["irq"], swept = split_irqs(run["irq"])
    if swept:
        configurations = with_rates(configurations or [base], swept)
    check_names(configurations)
    if relink is None and (script or map_file):
        raise click.UsageError("--apply and --map are for --relink COMMAND")
    build = None if relink is None else RelinkCommand(relink, map_file, script)
    if build is not None:
        check_relink((opened, *others), configurations, build)
    started = time.monotonic()
    inputs = [*input_files(), *(name for each in (spec, *configurations) for name in each.files)]
    options = look(output, color)
    specs = [
        replace(RunSpec(**run), elf=elf, **{part: getattr(one, part) for part in PART})
        for elf in elves
        for one in configurations
    ]
    asked = ("whatif", configurations, rerun)
    reports = KeptReports(
        open_room(use_cache and relink is None and store is None),
        specs,
        format_name,
        options,
        asked,
    )
    if (known := reports.load()) is not None:
        return show_again(known, format_name, output, inputs)
    reports.watch()
    with destination(output, inputs) as write:
        with (
            opened_store(store, "mcusim whatif --store") as opened_by,
            program_streams(output, run["max_instructions"]) as streams,
        ):
            noted = Noted(streams)
            study = run_study(
                (opened, *others),
                configurations,
                rerun=rerun,
                processes=jobs,
                scheduler=scheduler,
                store=opened_by,
                cache=use_cache,
                **noted.streams,
                **run,
            )
        if build is not None and study.status is ExitCode.OK:
            program = replace(specs[0], layout_sweep=False, verbose=False)
            study = relink_study(study, configurations, program, build)
        document = render(study, format_name, options) if study.configurations else None
        if document is not None:
            write(document)
    rows = study.configurations
    warnings = [warning for row in rows for warning in row.warnings]
    tell_warnings(warnings, format_name, output)
    if run["verbose"]:
        tell_speed(sum(row.cycles for row in rows), started)
    for row in rows:
        tell_end(row.exit, f" ({row.name})")
    if study.status is ExitCode.OK and document and (printed := noted.printed) is not None:
        reports.keep_watched(printed, warnings, document)
    return study.status


def _configurations(
    elf: str | Capture,
    tries: tuple[str, ...],
    sweeps: tuple[str, ...],
    file: ConfigFile | None,
    place: tuple[str, ...],
    part: dict[str, Any],
) -> tuple[list[Any], Any]:
    """All configurations in their order, and what they begin with.

    The program as linked comes first unless sweeps do.
    """
    from simcore.whatif.configuration import (
        Configuration,
        combinations,
        first_configuration,
        parse_sweep,
        parse_try,
    )

    given = on_command_line(part)
    # With a part of its own nothing is as it was recorded.
    base = Configuration() if "cpu" in given else first_configuration(elf)
    base = base if file is None else file.base(base)
    given["overrides"] = (*base.overrides, *given.get("overrides", ()))
    linked = replace(base, **given)
    base = replace(linked, place=(*base.place, *place))
    found = [] if file is None else file.configurations(base)
    found += [parse_try(text, base) for text in tries]
    swept = [parse_sweep(text) for text in sweeps] + ([] if file is None else file.sweeps())
    if found:
        found.insert(0, base)
    if swept:
        found += combinations(swept, base)
    if place and not found:  # nothing else to compare with than where things lie
        found = [linked, replace(base, name=", ".join(place))]
    return found, base
