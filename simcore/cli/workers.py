"""Where commands of many runs do them: so many processes, or the workers of a scheduler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from simcore.cli.options import together

Command = TypeVar("Command", bound=Callable[..., Any])


def workers_options(
    what: str, usual: str = "the host's processors"
) -> Callable[[Command], Command]:
    """Where runs are done; ``what`` is that of which so many go on at a time, ``usual`` how many
    do."""
    return together(
        click.option(
            "-j",
            "--jobs",
            "--workers",
            "jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help=f"{what} [default: {usual}].",
        ),
        click.option(
            "--scheduler",
            metavar="tcp://HOST:PORT",
            help="Run on the workers of a Dask scheduler, all of this version of mcusim. Needs the"
            " extra mcusim[cluster].",
        ),
    )
