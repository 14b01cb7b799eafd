"""`mcusim check --bisect`: which commit broke a limit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from simcore.cli.check import request_of
from simcore.cli.running import input_files, tell_line
from simcore.errors import ConfigError, ExitCode
from simcore.files import destination


def find_commit(
    elfs: Sequence[str],
    args: Sequence[str],
    bisection: tuple[str, str, str],
    given: dict[str, Any],
    unused: Sequence[str | None],
    output: str | None,
) -> ExitCode:
    """Find the commit and tell it on stdout, or in ``output``. Raises UsageError or ConfigError.

    ``unused`` are options that a bisection would ignore.
    """
    from simcore.checking.bisection import Bisection, bisect
    from simcore.checking.plans import Settings
    from simcore.checking.settings import find_settings, load_settings

    baselines = (given["baseline"], given["save_baseline"], given["no_baseline"])
    if any((*unused, *baselines)):
        raise click.UsageError(
            "--bisect compares with the good commit: it takes limits, and no baseline, report or"
            " history"
        )
    for elf in elfs:
        if Path(elf).is_absolute():
            raise ConfigError(f"--bisect: {elf}: name ELFs from the working folder")
    path = find_settings(Path()) if given["config"] is None else Path(given["config"])
    original = None if path is None else path.resolve()
    there = None if path is None else Path(os.path.relpath(path))

    def request() -> Any:
        settings = Settings()
        if there is not None and original is not None:
            settings = load_settings(there, text_of=original)  # as it is now, whatever the commit
        return request_of(elfs, args, given, settings)

    with destination(output, input_files()) as write:
        command, good, bad = bisection
        write(bisect(Bisection(command, good, bad, request), tell_line).text)
    return ExitCode.OK
