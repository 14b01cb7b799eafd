"""`mcusim replay`: time a capture again and report what it cost."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from simcore.cli.energy_sweep import sweep, sweep_options
from simcore.cli.options import (
    demangle_option,
    layout_option,
    look_options,
    part_options,
    place_option,
    report_options,
    uncertainty_option,
)
from simcore.cli.profiles import Form, refuse_destination, report_runs, table_options
from simcore.errors import ExitCode
from simcore.report.profile import FORMATS


@click.command(short_help="Time a capture of 'record' again and report what it cost.")
@click.argument("capture", metavar="FILE")
@part_options(recorded=True)
@place_option
@layout_option
@uncertainty_option
@report_options(FORMATS)
@sweep_options
@table_options
@demangle_option
@look_options
def replay(
    capture: str, cpu: str | None, energy_sweep: bool, deadline: float | None, **run: Any
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
    from simcore.profiler import profile_program
    from simcore.simulation.program import open_capture

    form = Form.taken_from(run)
    if energy_sweep:
        run |= {"deadline_s": deadline}
        return sweep(capture, [cpu], form.format_name, form.output, form.color, run)
    if deadline is not None:
        raise click.UsageError("--deadline goes with --energy-sweep")
    form.refuse_unused()
    refuse_destination(form.format_name, form.output, ())
    form.ask_for_tables(run)
    program = open_capture(capture, cpu, **run)
    runs = [partial(profile_program, program)]
    return report_runs(form, runs, lambda: program.printed, run["verbose"], program=capture)
