"""`mcusim kernels`: the prebuilt kernels that ship with mcusim."""

from __future__ import annotations

import json

import click

from simcore.cli.options import text_or_json_option
from simcore.files import write_stdout
from simcore.resources import prebuilt_kernels


@click.command(short_help="List the prebuilt kernels.")
@text_or_json_option
def kernels(format_name: str) -> None:
    """List the prebuilt kernels with the path to profile and what each computes.

    \b
    mcusim kernels
    mcusim kernels --format json
    """
    rows = prebuilt_kernels()
    if format_name == "json":
        write_stdout(json.dumps(rows, indent=1) + "\n")
        return
    width = max((len(row["path"]) for row in rows), default=0)
    write_stdout("".join(f"{row['path']:<{width}}  {row['description']}\n" for row in rows))
