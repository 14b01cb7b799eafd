"""A command whose words behind ``--`` are arguments of the simulated program."""

from __future__ import annotations

import click


class ProgramCommand(click.Command):
    """Keeps what stands behind ``--`` apart, as arguments of the simulated program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own, program = args, []
        if "--" in args:
            at = args.index("--")
            own, program = args[:at], args[at + 1 :]
        rest = super().parse_args(ctx, own)
        ctx.params["args"] = tuple(program)
        return rest
