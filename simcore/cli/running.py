"""What commands that run a program share: its streams, the look of the report, the last words."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from simcore.cli.output import (
    PIPE_WIDTH,
    ColorChoice,
    is_terminal,
    needs_ascii,
    text_width,
    use_color,
)
from simcore.cli.progress import ProgramOutput, Progress
from simcore.errors import ExitCode
from simcore.files import destination
from simcore.log_text import harmless, one_line, shortened
from simcore.report import RenderOptions

if TYPE_CHECKING:
    from simcore.costs.origin import Exit
    from simcore.kept.reports import KeptReport


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


def on_command_line(options: dict[str, Any]) -> dict[str, Any]:
    """Those parameters of the command that its user gave, what stands behind ``--`` too."""
    source = click.get_current_context().get_parameter_source
    return {
        name: value
        for name, value in options.items()
        if source(name) is ParameterSource.COMMANDLINE or (name == "args" and value)
    }


def goes_to_file(output: str | None) -> bool:
    """Whether ``-o`` names a file, so that stdout is the program's."""
    return output not in (None, "-")


#: Of a time or an energy.
_MICRO = re.compile("(?<=[0-9] )µ(?=[sJ])")
#: Parameters of commands that name files which are read.
_READ = (
    "elf", "elves", "elfs", "capture", "file", "before", "after", "config", "symbols",
    "debug_file", "svd", "memory_from", "input", "map_file", "script",
)  # fmt: skip


def input_files() -> list[str]:
    """The files that the command line names to be read, and standard input."""
    from simcore.cpu_model import is_model_file

    given = click.get_current_context().params
    found = ["/dev/stdin"]
    for name in _READ:
        value = given.get(name) or ()
        found += [value] if isinstance(value, str) else value
    found += (text.partition("=")[2] for text in given.get("uart") or ())
    if given.get("runner"):
        from simcore.run.spec import split_runner

        found.append(split_runner(given["runner"])[0])
    found += filter(is_model_file, (given.get("cpu") or "").split(","))
    return [name for name in found if name]


@contextmanager
def program_streams(
    output: str | None, max_instructions: int | None, kept: bytearray | None = None
) -> Iterator[dict[str, Any]]:
    """The arguments ``stdin``, ``stdout`` and ``progress`` of a run; no progress line is left.

    The beginning of what the program prints is added to ``kept``.
    """
    progress = None
    if is_terminal(sys.stderr):
        progress = Progress(sys.stderr, max_instructions, text_width(sys.stderr))
    stream = sys.stdout if goes_to_file(output) else sys.stderr
    console = ProgramOutput(stream.buffer, progress, kept)
    try:
        yield {"stdin": sys.stdin.buffer, "stdout": console, "progress": progress}
    finally:
        if progress is not None:
            progress.clear()


def look(
    output: str | None, color: ColorChoice, pipe_width: int = PIPE_WIDTH, **more: Any
) -> RenderOptions:
    """How a report to ``output`` looks; ``more`` are other fields of RenderOptions."""
    stream = None if goes_to_file(output) else sys.stdout
    return RenderOptions(
        width=text_width(stream) if is_terminal(stream) else pipe_width,
        color=use_color(color, stream),
        ascii=needs_ascii(stream),
        **more,
    )


def show_again(
    known: KeptReport, format_name: str, output: str | None, inputs: Sequence[str]
) -> ExitCode:
    """A report that is kept, of programs that ended well, with all that was said beside it."""
    with destination(output, inputs) as write:
        with program_streams(output, None) as streams:
            streams["stdout"].write(known.printed.encode("latin-1"))
            streams["stdout"].flush()
        write(known.document)
    tell_warnings(known.warnings, format_name, output)
    return ExitCode.OK


class Noted:
    """What the programs of a command ask for and print, to tell whether its report can be kept."""

    def __init__(self, streams: dict[str, Any]) -> None:
        from simcore.kept.profiles import PrintedOutput
        from simcore.run.options import NotedInput

        self._stdin, self._stdout = NotedInput(streams["stdin"]), PrintedOutput(streams["stdout"])
        self.streams = {**streams, "stdin": self._stdin, "stdout": self._stdout}

    @property
    def printed(self) -> bytes | None:
        """What was printed; None when it is too much, or when something was read."""
        printed = self._stdout.printed
        return None if printed is None or self._stdin.asked else bytes(printed)


def tell_warnings(warnings: Sequence[str], format_name: str, output: str | None) -> None:
    """Warnings on stderr, each once, unless the text report on stdout holds them."""
    if format_name != "text" or goes_to_file(output):
        for warning in dict.fromkeys(warnings):
            tell_line(f"warning: {shortened(one_line(warning))}")


def tell_speed(cycles: int, started: float) -> None:
    """Host time since ``started``, a time.monotonic(), and the rate on stderr."""
    seconds = time.monotonic() - started
    rate = cycles / seconds / 1e6
    click.echo(f"mcusim: {seconds:.2f} s on the host, {rate:.1f} M cycles/s", err=True)


def tell_line(line: str) -> None:
    """A line on stderr, whatever names are in it; its units are spelled as a report's there."""
    text = harmless(one_line(line))
    if needs_ascii(sys.stderr):
        text = _MICRO.sub("u", text)
    click.echo(f"mcusim: {text}", err=True)


def tell_end(end: Exit, where: str = "") -> ExitCode:
    """How a run ended, on stderr unless all is well; returns the exit status."""
    if end.status is not ExitCode.OK:
        tell_line(f"{shortened(one_line(end.text))}{where}")
    return end.status
