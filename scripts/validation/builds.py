"""Builds of one program in every way that debug information comes: what mcusim reads of each.

GCC and clang with lld (extra builds), DWARF 2 to 5, both formats, compressed, split, LTO, tricks
with sections, files of their own. A row is right when output, calls, sums and stack are, and when
every instruction that ran has the line that binutils' addr2line gives; else it says what is said of
it. Kept in docs/model/builds.md: exit status 3 when the table differs, --write keeps a new one.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import simcore
from scripts.debug_builds.making import BuildError, make
from scripts.debug_builds.matrix import GCC, ROOT, SECTIONS, Build, builds
from simcore.costs.profile import Profile
from simcore.files import destination
from simcore.run.spec import RunSpec, given

KEPT = ROOT / "docs" / "model" / "builds.md"
BEGIN, END = "<!-- Made by scripts/validate builds --write -->", "<!-- End -->"
WRONG, USAGE, REGRESSION = 1, 2, 3
Place = tuple[str | None, int | None]  # file and line
#: How often the loops of tests/builds call a function, and what the program prints.
CALLS = {"hot": 30, "mixed": 5, "deep": 6, "gone": None}
PRINTED = re.compile(rb"sum 2855560629 stack (\d+)\n")
#: Bytes below the last one that a painted stack shows: what a frame has and does not write.
UNWRITTEN_BYTES = 16


@dataclass(slots=True)
class Row:
    """What became of a build."""

    build: Build
    known: int = 0  # instructions that ran and have a line
    right: int = 0  # with mcusim, too
    wrong: list[str] = field(default_factory=list)
    said: tuple[str, ...] = ()


def judge(build: Build, folder: Path) -> Row:
    """Build, run and compare."""
    elf, plain = make(build, folder)
    told = dict(option.split("=") for option in build.options)
    printed = io.BytesIO()
    spec = given(RunSpec, {"elf": elf, **{name: folder / file for name, file in told.items()}})
    profile = simcore.profile(replace(spec, instructions=True), stdout=printed)
    row = Row(build, said=profile.warnings)
    output = PRINTED.fullmatch(printed.getvalue())
    if output is None or profile.exit.code:
        row.wrong.append("output")
    else:
        used = (profile.totals.stack_high_water_bytes or 0) - int(output[1])
        if not 0 <= used <= UNWRITTEN_BYTES:
            row.wrong.append(f"stack by {used} bytes")
    named = any(function.name == "hot" for function in profile.functions)
    if named != ("stripped" not in str(build.said)):
        row.wrong.append("names")
    if named:
        row.wrong += wrong_calls(profile)
    if sum(function.cycles_self for function in profile.functions) != profile.totals.cycles:
        row.wrong.append("sums")
    compare_lines(row, profile, plain)
    expected = [build.said] if build.said else []
    if len(row.said) != len(expected) or not all(map(re.search, expected, row.said)):
        row.wrong.append("warnings")
    return row


def wrong_calls(profile: Profile) -> Iterator[str]:
    calls: dict[str, int] = {}
    for function in profile.functions:
        name = function.name.partition(".")[0]
        calls[name] = calls.get(name, 0) + function.calls
    for name, count in CALLS.items():
        if calls.get(name) != count:
            yield f"calls of {name}: {calls.get(name)}"


def compare_lines(row: Row, profile: Profile, plain: Path) -> None:
    """Each instruction that ran against addr2line of the same place of the reference."""
    from simcore.elf import load_image

    reference = load_image(plain)
    own = {function.name: function.address or 0 for function in profile.functions}
    places = []
    for one in profile.instructions or ():
        name = one.function or ""
        symbol = reference.symbol(name) if row.build.itcm else None
        shift = symbol.address - own[name] if symbol else 0
        places.append(one.address + shift)
    found = lines_of(row.build.compiler, plain, places)
    for one, (file, line) in zip(profile.instructions or (), found, strict=True):
        if not row.build.lines:
            if one.line is not None:
                row.wrong.append(f"line at {one.address:#x}")
            continue
        row.known += line is not None
        said = (os.path.normpath(one.file), one.line) if one.file else (None, None)
        if said == (file, line):
            row.right += line is not None
        else:
            row.wrong.append(f"line at {one.address:#x}: {said[0]}:{said[1]} for {file}:{line}")


def lines_of(compiler: str, elf: Path, addresses: Sequence[int]) -> list[Place]:
    """File and line of each address, of GCC by binutils, of clang by LLVM, which knows more.

    addr2line 2.40 numbers the files of clang's DWARF 5 wrongly and does not read split DWARF 5.
    """
    if compiler == GCC:
        found = by_binutils(elf, addresses)
        if any(line for _, line in found):
            return found
    return by_llvm(elf, addresses)


def by_binutils(elf: Path, addresses: Sequence[int]) -> list[Place]:
    given = "\n".join(f"{address:#x}" for address in addresses)
    command = ["arm-none-eabi-addr2line", "-e", str(elf)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    result = []
    for text in done.stdout.splitlines():
        file, _, line = text.partition(" (discriminator")[0].rpartition(":")
        result.append(place("" if file == "??" else file, int(line) if line.isdecimal() else 0))
    return result


def by_llvm(elf: Path, addresses: Sequence[int]) -> list[Place]:
    given = "\n".join(f"{address:#x}" for address in addresses)
    command = ["llvm-symbolizer", "--output-style=JSON", "--no-inlines", "-e", str(elf)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    entries = [json.loads(text) for text in done.stdout.splitlines() if text.startswith("{")]
    symbols = [entry["Symbol"][0] for entry in entries]
    return [place(symbol["FileName"], symbol["Line"]) for symbol in symbols]


def place(file: str, line: int) -> Place:
    return (os.path.normpath(file), line) if file and line else (None, None)


# -- the table -------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--write", action="store_true", help=f"keep the table in {KEPT.relative_to(ROOT)}"
    )
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="builds whose row has this text; nothing is kept"
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; returns the exit status."""
    rows = []
    for build in builds():
        if options.only not in f"{build.compiler} {build.name}":
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                row = judge(build, Path(folder).resolve())
            except BuildError as error:
                print(f"scripts/validate: {build.compiler} {build.name}: {error}", file=sys.stderr)
                return USAGE
        rows.append(row)
        print(line_of(row), flush=True)
        for wrong in row.wrong[:9]:
            print(f"  {wrong}", *row.said, sep="\n  ", file=sys.stderr)
    if any(row.wrong for row in rows):
        return WRONG
    text = KEPT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    kept, _, after = rest.partition(END)
    table = "\n" + "\n".join([*HEAD, *map(line_of, rows)]) + "\n"
    if options.only or (kept == table):
        return 0
    if options.write:
        with destination(str(KEPT)) as write:
            write(f"{before}{BEGIN}{table}{END}{after}")
        return 0
    print(f"differs from {KEPT.relative_to(ROOT)}", file=sys.stderr)
    return REGRESSION


HEAD = (
    "| compiler | build | flags | lines | output, calls, sums, stack | what is said |",
    "|---|---|---|--:|---|---|",
)


def line_of(row: Row) -> str:
    flags = " ".join(flag for flag in row.build.flags if flag not in SECTIONS)
    flags = flags.replace(str(ROOT), "$PWD")
    lines = f"{row.right} of {row.known}" if row.build.lines else "none"
    rest = "right" if not row.wrong else f"{len(row.wrong)} wrong"
    said = "; ".join(text.partition(":")[0] for text in row.said)
    said = re.sub(r" \(CRC .*?\)|(?<!\.)/\S*/", "", said)  # what differs from run to run
    return f"| {row.build.compiler} | {row.build.name} | `{flags}` | {lines} | {rest} | {said} |"
