"""`mcusim replay`: time a capture again and report what it cost."""

from __future__ import annotations

import time
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
    uncertainty_option,
)
from simcore.cli.output import ColorChoice
from simcore.cli.profile import ask_for_tables, refuse_destination, refuse_unused, table_options
from simcore.cli.running import look, tell_end, tell_line, tell_speed, tell_warnings
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.report import FORMATS, WEIGHTS, Section, Weight, document

if TYPE_CHECKING:
    from simcore.report.html.details import Details
    from simcore.simulation.simulation import Simulation


@click.command(short_help="Time a capture of 'record' again and report what it cost.")
@click.argument("capture", metavar="FILE")
@part_options(recorded=True)
@place_option
@layout_option
@uncertainty_option
@report_options(FORMATS)
@sweep_options
@table_options
@look_options
def replay(
    capture: str,
    format_name: str,
    output: str | None,
    section: Section,
    weight: Weight | None,
    top: int,
    color: ColorChoice,
    objects: bool,
    source_dirs: tuple[str, ...],
    source_maps: tuple[tuple[str, str], ...],
    energy_sweep: bool,
    deadline: float | None,
    verbose: bool,
    cpu: str | None,
    clock_hz: int | None,
    caches: str | None,
    voltage_scale: str | None,
    overrides: tuple[str, ...],
    memory_from: str | None,
    **report: Any,
) -> ExitCode:
    """Time the run in FILE, which 'mcusim record' wrote, and report it as 'mcusim profile' does.

    \b
    mcusim replay run.mcu
    mcusim replay run.mcu --clock 100MHz --caches off
    mcusim replay run.mcu --cpu stm32h743 --format json -o h7.json
    mcusim replay run.mcu --energy-sweep --deadline 10ms

    What is not given is as it was recorded; with --cpu, as 'mcusim profile' has it. No ELF and no
    engine is needed. A program that reads the clock repeats the recorded path.
    """
    from simcore.profiler import profile_setup
    from simcore.run.spec import RunSpec
    from simcore.simulation.capture import Capture

    if energy_sweep:
        asked: dict[str, Any] = {"clock_hz": clock_hz, "caches": caches, "memory_from": memory_from}
        run = {name: value for name, value in asked.items() if value is not None}
        run |= {"overrides": overrides, "deadline_s": deadline}
        return sweep(capture, [cpu], format_name, output, color, run)
    if deadline is not None:
        raise click.UsageError("--deadline goes with --energy-sweep")
    refuse_unused(format_name, weight, source_dirs or source_maps)
    refuse_destination(format_name, output, ())
    ask_for_tables(section, format_name, report)
    details: list[Details] = []
    recorded = Capture(capture)

    def inspect(simulation: Simulation) -> None:
        from simcore.annotation.sources import SourcePlaces
        from simcore.report.html.details import details_of

        sources = SourcePlaces(source_dirs, source_maps)
        details.append(details_of(simulation, sources, recorded.printed))

    started = time.monotonic()
    with destination(output) as write:
        varied = recorded.varied(
            cpu,
            clock_hz=clock_hz,
            caches=caches,
            voltage_scale=voltage_scale,
            overrides=overrides,
            memory_from=memory_from,
        )
        result = profile_setup(
            recorded.image,
            varied,
            recorded.simulate,
            RunSpec(**report),
            log=tell_line if verbose else None,
            inspect=inspect if format_name == "html" else None,
        )
        options = look(
            output, color, top=top, section=section, weight=weight or WEIGHTS[0], objects=objects
        )
        if details:
            options = replace(options, details=details[0])
        write(document(result, format_name, options))
    tell_warnings(result.warnings, format_name, output)
    if verbose:
        tell_speed(result.totals.cycles, started)
    return tell_end(result.exit)
