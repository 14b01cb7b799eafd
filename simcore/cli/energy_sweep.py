"""`mcusim profile --energy-sweep`: the same run at every operating point of a part."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from click.core import ParameterSource

from simcore.cli import values
from simcore.cli.options import together
from simcore.cli.output import ColorChoice
from simcore.cli.running import (
    input_files,
    look,
    program_streams,
    tell_end,
    tell_speed,
    tell_warnings,
)
from simcore.errors import ExitCode
from simcore.files import destination

FORMATS = ("text", "json", "csv")
#: Options of a profile that a sweep has no table for, by the name of their parameter.
_REFUSED = {
    "voltage_scale": "--voltage-scale",
    "ops": "--op",
    "op_calls": "--op-calls",
    "op_rows": "--op-rows",
    "task": "--task",
    "instructions": "--instructions",
    "lines": "--lines",
    "coverage": "--coverage",
    "timeline": "--timeline",
    "inlines": "--inlines",
    "place": "--place",
    "layout_sweep": "--layout-sweep",
    "uncertainty": "--uncertainty",
    "section": "--section",
    "top": "--top",
    "objects": "--objects",
}

sweep_options = together(
    click.option(
        "--energy-sweep",
        is_flag=True,
        help="Report energy and time at every voltage scale instead, each at its highest clock.",
    ),
    click.option(
        "--deadline",
        type=values.seconds,
        metavar="TIME",
        help="With --energy-sweep: mark the point of least energy that is done in time, such as"
        " 10ms.",
    ),
)


def sweep(
    elf: str,
    parts: Sequence[str | None],
    format_name: str,
    output: str | None,
    color: ColorChoice,
    run: dict[str, Any],
) -> ExitCode:
    """Run the sweep and write its report; `run` holds the arguments of the sweep."""
    from simcore.report.studies.energy_sweep import render
    from simcore.whatif.energy_sweep import energy_sweep

    if len(parts) > 1:
        raise click.UsageError("--energy-sweep takes one part in --cpu")
    if format_name not in FORMATS:
        raise click.UsageError(f"--energy-sweep has the formats {', '.join(FORMATS)}")
    given = click.get_current_context().get_parameter_source
    for name, option in _REFUSED.items():
        if given(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--energy-sweep does not go with {option}")
        run.pop(name, None)
    verbose = run.get("verbose", False)
    started = time.monotonic()
    with destination(output, input_files()) as write:
        with program_streams(output, run.get("max_instructions")) as streams:
            result = energy_sweep(elf, parts[0], **streams, **run)
        write(render(result, format_name, look(output, color)))
    tell_warnings(result.warnings, format_name, output)
    if verbose:
        tell_speed(sum(point.cycles for point in result.points), started)
    if tell_end(result.exit) is ExitCode.OK and result.status is ExitCode.REGRESSION:
        click.echo("mcusim: no operating point meets the deadline", err=True)
    return result.status
