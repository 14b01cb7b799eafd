"""How text looks on a stream: its colour, its width, its characters."""

from __future__ import annotations

import os
import shutil
from typing import Literal, TextIO

ColorChoice = Literal["auto", "always", "never"]

PIPE_WIDTH = 100  # columns of text that does not go to a terminal, the same everywhere


def use_color(choice: ColorChoice, stream: TextIO | None) -> bool:
    """Whether to colour text for this stream; ``auto`` follows NO_COLOR and the terminal."""
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; None stands for a file."""
    return stream is not None and stream.isatty()


def text_width(stream: TextIO | None) -> int:
    """Columns for text to this stream: the terminal's, or a fixed number elsewhere."""
    if not is_terminal(stream):
        return PIPE_WIDTH
    return max(20, shutil.get_terminal_size((PIPE_WIDTH, 24)).columns)


def needs_ascii(stream: TextIO | None) -> bool:
    """Whether text to this stream keeps to ASCII: everywhere but on a UTF-8 terminal."""
    encoding = getattr(stream, "encoding", None) or ""
    return not (is_terminal(stream) and encoding.lower().replace("-", "") == "utf8")
