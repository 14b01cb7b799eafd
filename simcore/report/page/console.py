"""The console that text reports are printed on: as wide and as colourful as the caller says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from simcore.report import RenderOptions
from simcore.report.page.styled import Pieces, Printed, Text

#: Title, note and body of a part of a report.
Block = tuple[str, str, Printed]


class Code(Text):
    """Text of which each line stays one, however long, as a build would read it."""

    def __init__(self, text: str = "", style: str = "") -> None:
        super().__init__(text, style, overflow="ignore")


# One character for one keeps the columns where they are; ± stands in a last column only.
_ASCII = str.maketrans({
    "µ": "u", "…": "~", "█": "#", "±": "+/-",
    "╭": ",", "╰": "`", "│": "|", "├": "+", "┌": "/", "└": "\\", "┼": "+", "⋮": ":",
})  # fmt: skip
#: Select Graphic Rendition, ECMA-48, of the words of a style.
_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "magenta": "35",
    "blue": "34",
}


class ReportConsole:
    """Keeps what is printed on it, line by line."""

    def __init__(self, options: RenderOptions) -> None:
        self.options = options
        self.lines: list[str] = []

    def print(self, printed: Printed = "") -> None:
        """Add lines, none wider than the console, without blanks at their ends."""
        body = Text(printed) if isinstance(printed, str) else printed
        add = self._colored if self.options.color else _plain
        self.lines += map(add, body.lines(self.options.width))

    @staticmethod
    def _colored(line: Pieces) -> str:
        left, shown = len(_plain(line)), []  # characters in front of the blanks at the end
        for text, style in line:
            text, left = text[:left], left - min(len(text), left)
            codes = ";".join(_CODES[word] for word in style.split())
            shown.append(f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text)
        return "".join(shown)


def _plain(line: Pieces) -> str:
    return "".join(text for text, _ in line).rstrip()


def new_console(options: RenderOptions) -> ReportConsole:
    """A console that keeps what is printed on it for :func:`printed_text`."""
    return ReportConsole(options)


def print_blocks(console: ReportConsole, header: Printed, blocks: Iterable[Block]) -> None:
    """Print a header, and below it each block under its title."""
    console.print(header)
    for title, note, body in blocks:
        console.print()
        console.print(Text.assemble((title, "bold"), (f"  ({note})" if note else "", "dim")))
        console.print(body)


def warnings_block(warnings: Sequence[str]) -> Iterator[Block]:
    """Warnings, a line each, if there are any."""
    if warnings:
        yield "Warnings", "", Text("\n".join(warnings), "yellow")


def printed_text(console: ReportConsole, options: RenderOptions) -> str:
    """What was printed, in ASCII if so asked."""
    text = "".join(f"{line}\n" for line in console.lines)
    if options.ascii:
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    return text
