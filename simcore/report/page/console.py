"""The console that text reports are printed on: as wide and as colourful as the caller says."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO, cast

from rich.console import Console, RenderableType
from rich.text import Text

from simcore.report import RenderOptions

#: Title, note and body of a part of a report.
Block = tuple[str, str, RenderableType]


class Code(Text):
    """Text of which each line stays one, however long, as a build would read it."""


# One character for one keeps the columns where they are; ± stands in a last column only.
_ASCII = str.maketrans({
    "µ": "u", "…": "~", "█": "#", "±": "+/-",
    "╭": ",", "╰": "`", "│": "|", "├": "+", "┌": "/", "└": "\\", "┼": "+", "⋮": ":",
})  # fmt: skip


def new_console(options: RenderOptions) -> Console:
    """A console that keeps what is printed on it for :func:`printed_text`."""
    return Console(
        file=io.StringIO(),
        width=options.width,
        color_system="standard" if options.color else None,
        force_terminal=options.color,
        no_color=not options.color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},  # width and colour are the caller's to decide
    )


def print_blocks(console: Console, header: RenderableType, blocks: Iterable[Block]) -> None:
    """Print a header, and below it each block under its title."""
    console.print(header)
    for title, note, body in blocks:
        console.print()
        console.print(Text.assemble((title, "bold"), (f"  ({note})" if note else "", "dim")))
        console.print(body, soft_wrap=isinstance(body, Code))


def warnings_block(warnings: Sequence[str]) -> Iterator[Block]:
    """Warnings, a line each, if there are any."""
    if warnings:
        yield "Warnings", "", Text("\n".join(warnings), "yellow")


def printed_text(console: Console, options: RenderOptions) -> str:
    """What was printed, without blanks at the ends of lines, in ASCII if so asked."""
    printed = cast(io.StringIO, cast(TextIO, console.file)).getvalue()
    text = "\n".join(line.rstrip() for line in printed.split("\n"))
    if options.ascii:
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    return text
