"""Which source lines and functions of a program ran, and which did not.

Executions are exact. As with any coverage of optimized code, a line is what the compiler's line
table says it is, and code that the compiler or linker dropped is not there to be covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from simcore.elf.image import HALFWORD
from simcore.elf.names import without_brackets
from simcore.plain import Count
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.elf import Image

#: Functions that the simulator leaves out of all counts, so that nobody knows whether they ran.
UNCOUNTED = ("mcusim_op_begin", "mcusim_op_end")


@dataclass(frozen=True, slots=True)
class CoveredFunction:
    """A function of a source file."""

    name: str
    line: Count
    """Where its code begins."""
    calls: Count


@dataclass(frozen=True, slots=True)
class CoveredLine:
    """A line that has code."""

    line: Count
    executions: Count
    """Those of the line's most executed instruction."""


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """A source file that has code in the program."""

    file: str
    """The path that DWARF says."""
    functions: tuple[CoveredFunction, ...]
    """Functions that begin in the file, by line."""
    lines: tuple[CoveredLine, ...]
    """Lines that have code, by number."""


@dataclass(slots=True)
class _File:
    functions: dict[str, CoveredFunction] = field(default_factory=dict)
    lines: set[int] = field(default_factory=set)


def coverage(
    image: Image, calls: Mapping[int, int], executions: Mapping[tuple[str, int], int]
) -> tuple[FileCoverage, ...]:
    """Coverage of every source file that has code in the image, by path; nothing without lines.

    ``calls`` are those of the functions that ran, by address; ``executions`` those of the lines
    that ran, by file and line.
    """
    files: dict[str, _File] = {}
    for function in image.functions:
        if function.name in UNCOUNTED:
            continue
        for address in range(function.start, function.end, HALFWORD):
            place = image.line_at(address)
            if place is not None:
                files.setdefault(place[0], _File()).lines.add(place[1])
        start = image.line_at(function.start)
        if start is not None:
            # A static function of a header has a copy in every unit that includes it.
            functions = files[start[0]].functions
            copy = functions.get(function.raw)
            count = calls.get(function.start, 0) + (copy.calls if copy else 0)
            line = copy.line if copy else start[1]
            name = without_brackets(function.name) if copy else function.name
            functions[function.raw] = CoveredFunction(name, line, count)
    return tuple(
        FileCoverage(
            file=name,
            functions=tuple(sorted(found.functions.values(), key=lambda f: (f.line, f.name))),
            lines=tuple(CoveredLine(n, executions.get((name, n), 0)) for n in sorted(found.lines)),
        )
        for name, found in sorted(files.items())
    )
