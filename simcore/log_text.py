"""Foreign text in the log of a CI job: nothing in it moves the cursor or commands the CI.

A line that begins with ``::`` behind blanks commands GitHub's runner, as does ``##[`` anywhere in
a line (ActionCommand.cs of actions/runner); ``##vso[`` commands that of Azure Pipelines.
"""

from __future__ import annotations

import re

#: The colours of a text stand before what the reader of a log sees.
_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*)::")
#: Characters of a message: a path may have 4,096, hostile text any number.
MOST_LINE = 1_200
_COMMAND_INSIDE = re.compile(r"##(?=(?:vso)?\[)")


def one_line(text: str) -> str:
    """The text with control characters, line ends too, shown as escapes: ``\\n``, ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def harmless(line: str) -> str:
    """A line that no CI takes for a command: ``'::error`` in place of ``::error``."""
    return _COMMAND_INSIDE.sub("#'#", _COMMAND.sub(r"\1'::", line))


def shell_word(text: str) -> str:
    """A text as one word of a command that a reader may copy into a shell."""
    import shlex

    return shlex.quote(text)


def shortened(line: str, most: int = MOST_LINE) -> str:
    """A line of at most so many characters: what is in the middle of a longer one is left out."""
    if len(line) <= most:
        return line
    head, tail = most * 2 // 3, most // 4
    left_out = len(line) - head - tail
    return f"{line[:head]} [... {left_out:,} characters ...] {line[len(line) - tail :]}"


def error_line(message: str) -> str:
    """What a command says of what went wrong, whatever names are in it: a bounded line."""
    return f"mcusim: error: {shortened(harmless(one_line(' '.join(message.split()))))}"


def quoted(output: str) -> list[str]:
    """The lines of what a program printed, each behind ``| ``, control characters escaped."""
    lines = output.replace("\r\n", "\n").rstrip().split("\n")
    return [f"| {one_line(line.expandtabs())}".rstrip() for line in lines]
