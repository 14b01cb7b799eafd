"""The commands that README and docs/ show print what stands there.

A page is run from its top to its end in a folder of its own: a code block with a title is a file
that is written, each "$ command" of a console block is run. A line "..." stands for any lines. A
comment "<!-- run by hand: why -->" before a block keeps it from being run.

    python -m tests.integration.test_documented_commands PAGE...

writes what the commands print into the pages, for a diff to be reviewed; a block that has a "..."
keeps what it has.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.tools import GUARD_S, needs

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
PAGES = [
    CHECKOUT / "README.md",
    *(path for path in sorted(DOCS.rglob("*.md")) if "\n```console\n" in path.read_text("utf-8")),
]
BY_HAND = "<!-- run by hand"
ANY = "..."

_BLOCK = re.compile(r"^```(\w+)(?: title=\"(.*?)\")?\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a page, [start, end) its text; by hand it is only read."""

    language: str
    title: str | None
    start: int
    end: int
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a block with the lines that the page shows behind it."""

    text: str
    output: list[str]


def blocks(page: str) -> Iterator[Block]:
    for match in _BLOCK.finditer(page):
        before = page[: match.start()].rstrip("\n").rpartition("\n")[2]
        by_hand = before.startswith(BY_HAND)
        yield Block(match[1], match[2], match.start(3), match.end(3), by_hand)


def commands(text: str) -> list[Command]:
    """The commands of a console block; a here-document belongs to its command."""
    lines = text.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
    assert starts[:1] == [0], text
    found = []
    for start, end in pairwise([*starts, len(lines)]):
        first = start + 1
        if ends := re.search(r"<<'(\w+)'$", lines[start]):
            first = lines.index(ends[1], start) + 1
        elif lines[start].endswith("\\"):
            while lines[first - 1].endswith("\\"):
                first += 1
        found.append(Command("\n".join(lines[start:first])[2:], lines[first:end]))
    return found


def run(command: str, folder: Path) -> list[str]:
    """What a terminal of 100 columns shows of a command."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "MCUSIM": str(CHECKOUT), "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=GUARD_S,
        check=False,
    )
    return [line.rstrip() for line in done.stdout.splitlines()]


def alike(shown: list[str], printed: list[str]) -> bool:
    """Whether the lines are those, with any lines where "..." stands."""
    parts = [re.escape(line) if line != ANY else r"(?:.*\n)*?.*" for line in shown]
    text = "\n".join(printed)
    return (
        re.fullmatch("\n".join(parts).replace(r"(?:.*\n)*?.*\n", r"(?:.*\n)*?"), text) is not None
    )


def prepare(folder: Path) -> None:
    """A folder as the reader has it: of the checkout, prebuilt kernels and scripts/profile."""
    (folder / "kernels").symlink_to(CHECKOUT / "kernels")
    write(folder / "scripts" / "profile", '#!/bin/sh\nexec mcusim profile "$@"\n')
    (folder / "scripts" / "profile").chmod(0o755)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_the_commands_of_a_page_print_what_it_shows(page: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    text = page.read_text("utf-8")
    if "build.sh" in text:
        needs("arm-none-eabi-gcc", "gcc-arm-none-eabi")
    for block in blocks(text):
        body = text[block.start : block.end]
        if block.title is not None:
            write(tmp_path / block.title, body)
        elif block.language == "console" and not block.by_hand:
            for command in commands(body):
                printed = run(command.text, tmp_path)
                if not alike(command.output, printed):
                    assert printed == command.output, command.text


def test_the_example_in_python_runs(tmp_path: Path) -> None:
    prepare(tmp_path)
    text = (DOCS / "python.md").read_text("utf-8")
    (example,) = [block for block in blocks(text) if block.language == "python"]
    write(tmp_path / "example.py", text[example.start : example.end])
    printed = run("python example.py", tmp_path)
    assert len(printed) == 5
    assert (tmp_path / "conv2d.json").exists()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def renewed(page: str, folder: Path) -> str:
    """The page with what its commands print now."""
    parts, at = [], 0
    for block in blocks(page):
        body = page[block.start : block.end]
        if block.title is not None:
            write(folder / block.title, body)
        if block.language != "console" or block.by_hand:
            continue
        lines = []
        for command in commands(body):
            printed = run(command.text, folder)
            kept = command.output if ANY in command.output else printed
            lines += [f"$ {command.text}", *kept]
        parts += [page[at : block.start], "\n".join(lines) + "\n"]
        at = block.end
    return "".join([*parts, page[at:]])


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            prepare(Path(temporary))
            path = Path(name)
            path.write_text(renewed(path.read_text("utf-8"), Path(temporary)), "utf-8")
