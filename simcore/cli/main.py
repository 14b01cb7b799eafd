"""The program `mcusim`: finds the command, turns errors into one line and an exit status."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from simcore import __version__, interrupts
from simcore.errors import ExitCode, McusimError
from simcore.files import give_up_stdout
from simcore.log_text import error_line

WINDOWS = os.name == "nt"
#: Commands in the order of the help; each is a module of this package with a function of its name.
COMMANDS = (
    "profile", "whatif", "advise", "record", "replay", "annotate", "report", "compare", "check",
    "trend", "export", "cpus", "kernels", "study", "sweep", "search", "results", "cache", "man",
    "completion",
)  # fmt: skip


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"simcore.cli.{cmd_name}"), cmd_name)
        if "_MCUSIM_COMPLETE" in os.environ:  # a shell asks, by the script of 'completion'
            from simcore.cli.completion import complete_values

            complete_values(command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click would print an empty line
            raise click.Abort from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from simcore.errors import nearest

            hint = nearest(args[0], COMMANDS) or "; 'mcusim --help' lists the commands"
            raise click.UsageError(f"there is no command '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="mcusim")
@click.pass_context
def cli(ctx: click.Context) -> ExitCode | None:
    """Run a compiled Cortex-M7 ELF without a board and tell what it costs.

    \b
    mcusim profile kernel.elf
    mcusim profile kernel.elf --cpu stm32f746 --clock 100MHz --format json -o kernel.json

    Instruction, access and byte counts are exact, cycles are modelled, energy is estimated.

    Exit status: 0 done, 1 the program failed, 2 usage or input error, 3 regression against a
    baseline or a broken limit, 4 fault in the program, 5 instruction or time limit reached,
    130 interrupted, 143 by SIGTERM, 129 by SIGHUP.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return ExitCode.USAGE
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; no exception leaves, and no traceback."""
    if WINDOWS:
        return _fail("mcusim runs on Linux and macOS; on Windows use WSL", ExitCode.USAGE)
    if argv is None:
        # A CI that stops a job sends SIGTERM: end as on Ctrl-C, so that nothing half-written stays.
        interrupts.hear_ending()
        _open_closed_streams()
        _lose_what_stderr_refuses()
    try:
        arguments = list(sys.argv[1:] if argv is None else argv)
        _refuse_empty(arguments)
        return cli.main(arguments, prog_name="mcusim", standalone_mode=False) or ExitCode.OK
    except click.ClickException as error:
        return _fail(error.format_message(), ExitCode.USAGE)
    except McusimError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        interrupts.tell()
        return _fail("interrupted", ExitCode.INTERRUPTED)
    except Exception as error:  # the last line of defence: a user gets no traceback
        if os.environ.get("MCUSIM_DEBUG"):
            raise
        if isinstance(error, OSError) and (known := _outside(error)):
            return _fail(known, ExitCode.USAGE)
        hint = "set MCUSIM_DEBUG=1 for the traceback, and please report it"
        return _fail(f"internal error: {type(error).__name__}: {error} ({hint})", ExitCode.FAULT)


def _open_closed_streams() -> None:
    """Python has no stream where a shell or a daemon closed it (`<&-`): make it an empty one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Raise UsageError for an empty argument, which is a variable of a shell that is not set: as a
    folder it would be the working folder. Those of the program, behind ``--``, are its own."""
    before = ""
    for argument in arguments:
        if argument == "--":
            return
        if argument == "" or (argument.startswith("--") and argument.endswith("=")):
            what = argument.removesuffix("=") or before or "the command"
            raise click.UsageError(f"{what}: an argument is empty; is a variable not set?")
        before = argument


def _outside(error: OSError) -> str | None:
    """What an error says of where the command runs, wherever it came up."""
    try:
        Path.cwd()
    except OSError:
        return "the working folder is not there any more; run it in one that is"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) and error.filename is None:
        give_up_stdout()
        return f"stdout: {error.strerror}"
    return None


class _Lossy(io.FileIO):
    """A file that takes nothing amiss: what it cannot write is lost."""

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        try:
            return super().write(data) or size
        except OSError:
            return size


def _lose_what_stderr_refuses() -> None:
    """A full disk below the log of a job does not change how the job ends."""
    try:
        handle = sys.stderr.fileno()
    except (OSError, ValueError):  # no file, in a program that calls this one
        return
    raw = io.BufferedWriter(_Lossy(handle, "wb", closefd=False))
    sys.stderr = io.TextIOWrapper(
        raw, sys.stderr.encoding, "backslashreplace", line_buffering=True, write_through=True
    )


def _fail(message: str, status: ExitCode) -> ExitCode:
    click.echo(error_line(message), err=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
