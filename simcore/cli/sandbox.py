"""The option --sandbox: how much of the host the thread keeps that runs the program."""

from __future__ import annotations

import os

import click

SANDBOX = "MCUSIM_SANDBOX"  # simcore/core/sandbox.py reads it


def _sandbox(context: click.Context, _option: click.Parameter, choice: str) -> None:
    """The choice holds for the processes that the command starts, too, and ends with it."""
    before = os.environ.get(SANDBOX)
    os.environ[SANDBOX] = choice

    @context.call_on_close
    def restore() -> None:
        os.environ.pop(SANDBOX)
        if before is not None:
            os.environ[SANDBOX] = before


#: How much of the host the engine's thread keeps.
sandbox_option = click.option(
    "--sandbox",
    type=click.Choice(["auto", "require", "off"]),
    default="auto",
    envvar=SANDBOX,
    show_default=True,
    expose_value=False,
    callback=_sandbox,
    help="Deny the thread that runs the program network, processes and files, where the system can"
    " (auto), or else end (require).",
)
