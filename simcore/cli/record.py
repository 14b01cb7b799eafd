"""`mcusim record`: run an ELF once and keep what is needed to time it again."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import click

from simcore.cli.options import look_options, part_options, run_options
from simcore.cli.output import ColorChoice, is_terminal
from simcore.cli.running import (
    goes_to_file,
    input_files,
    program_streams,
    tell_end,
    tell_line,
    tell_speed,
    tell_warnings,
)
from simcore.errors import ConfigError, ExitCode
from simcore.files import binary_destination


@click.command(short_help="Run an ELF and keep what 'replay' needs to time it again.")
@click.argument("elf", metavar="ELF")
@click.argument("args", nargs=-1, metavar="[-- ARGS...]")
@click.option("-o", "--output", metavar="FILE", required=True, help="Write the capture to FILE.")
@part_options()
@run_options
@look_options
def record(
    elf: str,
    args: tuple[str, ...],
    output: str,
    color: ColorChoice,
    verbose: bool,
    **run: Any,
) -> ExitCode:
    """Run ELF and write a capture: what ran, what it accessed, and the ELF itself, compressed.

    \b
    mcusim record kernel.elf -o run.mcu
    mcusim replay run.mcu --cpu stm32h743 --format json

    'mcusim replay' times the capture again, under any configuration, without running the program.
    """
    from simcore.simulation.capture import record_run

    if not goes_to_file(output) and is_terminal(sys.stdout):
        raise click.UsageError("a capture is binary and no terminal's: write it to a file with -o")
    started, printed = time.monotonic(), bytearray()
    with (
        binary_destination(output, input_files()) as file,
        program_streams(output, run["max_instructions"], printed) as streams,
    ):
        try:
            simulation = record_run(
                elf,
                file,
                args=args,
                printed=printed,
                verbose=verbose,
                **streams,
                **run,
            )
            file.flush()
        except OSError as error:
            raise ConfigError(
                f"{output}: cannot write the capture: {os.strerror(error.errno or 0)}"
            ) from None
    profile = simulation.profile()
    tell_warnings(profile.warnings, "capture", output)
    if verbose:
        tell_line(simulation.describe())
        tell_speed(profile.totals.cycles, started)
    return tell_end(profile.exit)
