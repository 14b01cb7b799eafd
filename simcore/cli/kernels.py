"""`mcusim kernels`: the prebuilt kernels that ship with mcusim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from simcore.cli.output import write_stdout
from simcore.errors import ConfigError
from simcore.resources import data_folder

MANIFEST = "kernels.json"


@click.command(short_help="List the prebuilt kernels.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the output.",
)
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


def prebuilt_kernels() -> list[dict[str, Any]]:
    """Name, path, description and part of each prebuilt kernel. Raises ConfigError."""
    folder = data_folder("kernels") / "prebuilt"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        rows = manifest["kernels"]
        return [
            {
                "name": row["name"],
                "path": str(_shortest(folder / row["file"])),
                "description": row["description"],
                "part": row["part"],
            }
            for row in rows
        ]
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}: reinstall mcusim") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{folder / MANIFEST}: corrupt list of kernels: reinstall") from None


def _shortest(path: Path) -> Path:
    """The path relative to the working folder when it lies below it, so that it can be pasted."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
