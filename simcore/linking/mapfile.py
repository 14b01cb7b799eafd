"""Map files of GNU ld and LLVM's lld: which archive, object and input section gave each byte.

Formats: what `-Wl,-Map=FILE` of binutils 2.40 and lld 14 writes; neither is specified. A map is
foreign input: what is not understood of it is passed over, and it is believed only where its output
sections are those of the ELF.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.files import read_regular
from simcore.log_text import one_line

MAX_MAP_BYTES: Final = 64 << 20  # that of a firmware is 1 to 5 MB
MAX_NAME: Final = 4096  # characters of a path or a section's name
ASK_FOR_IT: Final = "-Wl,-Map=FILE.map"

_HEX = r"0x([0-9a-fA-F]{1,16})"
_MEMORY: Final = re.compile(rf"(\S+)\s+{_HEX}\s+{_HEX}(?:\s+\S+)?\s*$")
_OUTPUT: Final = re.compile(rf"(\.?[^\s*]\S*)(?:\s+{_HEX}\s+{_HEX}.*)?$")
_INPUT: Final = re.compile(rf" (\S+)(?:\s+{_HEX}\s+{_HEX} (.+))?$")
_WRAPPED: Final = re.compile(rf"\s{{10,}}{_HEX}\s+{_HEX}(?: (\S.*))?$")
_LLD_HEAD: Final = re.compile(r"\s*VMA\s+LMA\s+Size\s+Align\s+Out\s+In\s+Symbol\s*$")
_LLD: Final = re.compile(
    r"\s*([0-9a-f]{1,16})\s+([0-9a-f]{1,16})\s+([0-9a-f]{1,16})\s+(\d{1,10})( +)(\S.*)$"
)
_MEMBER: Final = re.compile(r"(.*)\(([^()]*)\)$")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one input section gave: bytes from ``address`` on."""

    address: int
    size: int
    section: str  # of the input
    object: str  # path, or the member's name
    archive: str | None  # path
    output: str  # section

    @property
    def end(self) -> int:
        return self.address + self.size

    @property
    def file(self) -> str:
        """As GNU ld names it."""
        return self.object if self.archive is None else f"{self.archive}({self.object})"


@dataclass(frozen=True, slots=True)
class MemoryRange:
    """A region of MEMORY: its name in the user's linker script, and addresses."""

    name: str
    origin: int
    length: int

    def holds(self, address: int) -> bool:
        return self.origin <= address < self.origin + self.length


@dataclass(slots=True)
class LinkMap:
    """What a map file says. ``contributions`` have bytes and are sorted by address."""

    path: str
    contributions: tuple[Contribution, ...]
    outputs: dict[str, tuple[int, int]]  # address and size of output sections
    memory: tuple[MemoryRange, ...] = ()
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._starts = [one.address for one in self.contributions]

    def at(self, address: int) -> Contribution | None:
        """The input section that gave the byte at a run address."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.contributions[index].end:
            return self.contributions[index]
        return None

    def check(self, image: Image) -> None:
        """Refuse a map of another program. Raises ConfigError."""
        for section in image.sections:
            if not (section.allocated and section.size):
                continue
            told = self.outputs.get(section.name)
            if told != (section.address, section.size):
                is_told = (
                    "is not there" if told is None else f"has {told[1]:,} bytes at {told[0]:#x}"
                )
                raise ConfigError(
                    f"{one_line(self.path)}: is no map of {image.path}: {section.name}"
                    f" {is_told}, in the ELF it has {section.size:,} at"
                    f" {section.address:#x}; link again with {ASK_FOR_IT}"
                )


def maps_beside(elf: str | os.PathLike[str]) -> list[Path]:
    """Where the map of a program may lie: firmware.map and firmware.elf.map, if they are there."""
    path = Path(elf)
    try:
        names = (path.with_suffix(".map"), path.with_name(f"{path.name}.map"))
        return [name for name in names if name != path and name.is_file()]
    except (OSError, ValueError):  # a path that is no file's, or with NUL
        return []


def map_states(elf: str, map_file: str | None = None) -> list[tuple[str, int, int]]:
    """Name, time and size of the maps that decide what is said of a program."""
    found = maps_beside(elf) if map_file is None else [Path(map_file)]
    states = []
    for path in found:
        with suppress(OSError, ValueError):
            at = path.stat()
            states.append((str(path), at.st_mtime_ns, at.st_size))
    return states


def find_map(image: Image) -> LinkMap | None:
    """The map beside an ELF; None if none is there or it is of another link."""
    for name in maps_beside(image.path):
        try:
            found = read_map(name)
            found.check(image)
        except ConfigError:
            continue
        return found
    return None


def read_map(path: str | os.PathLike[str]) -> LinkMap:
    """Read a map file. Raises ConfigError, one line, for what is none."""
    shown = one_line(os.fspath(path))
    try:
        text = read_regular(path, MAX_MAP_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"{shown}: cannot read the map file: {reason}") from None
    lines = text.splitlines()
    begin = "Linker script and memory map"
    if any(_LLD_HEAD.match(line) for line in lines[:3]):
        found = _lld(os.fspath(path), lines)
    elif begin in lines:
        found = _gnu(os.fspath(path), lines, lines.index(begin))
    else:
        raise ConfigError(
            f"{shown}: is no map file of GNU ld or lld; link with {ASK_FOR_IT} and give that file"
        )
    if not found.contributions:
        raise ConfigError(
            f"{shown}: holds no input section with an address; link again with {ASK_FOR_IT}"
        )
    return found


def _gnu(path: str, lines: list[str], begin: int) -> LinkMap:
    memory = []
    if "Memory Configuration" in lines[:begin]:
        for line in lines[lines.index("Memory Configuration") : begin]:
            row = _MEMORY.match(line)
            if row is not None and row[1] != "*default*":
                memory.append(MemoryRange(row[1], int(row[2], 16), int(row[3], 16)))
    found: list[Contribution] = []
    outputs: dict[str, tuple[int, int]] = {}
    output, wrapped = "", ""
    for line in lines[begin + 1 :]:
        if line.startswith(("OUTPUT(", "Cross Reference Table")):
            break
        if wrapped:
            name, wrapped = wrapped, ""
            row = _WRAPPED.match(line)
            if row is not None:
                address, size = int(row[1], 16), int(row[2], 16)
                if name[0] != " ":
                    output = name
                    outputs.setdefault(name, (address, size))
                elif row[3]:
                    _add(found, address, size, name[1:], row[3], output)
                continue
        if line[:1] == " " and line[1:2] not in (" ", "*", ""):
            row = _INPUT.match(line)
            if row is None:
                continue
            if row[2] is None:
                wrapped = f" {row[1]}"
            else:
                _add(found, int(row[2], 16), int(row[3], 16), row[1], row[4], output)
        elif line and line[0] not in " \t":
            row = _OUTPUT.match(line)
            if row is None or line.startswith(("LOAD ", "START GROUP", "END GROUP")):
                continue
            if row[2] is None:
                wrapped = row[1]
            else:
                output = row[1]
                outputs.setdefault(output, (int(row[2], 16), int(row[3], 16)))
    return _made(path, found, outputs, tuple(memory))


def _lld(path: str, lines: list[str]) -> LinkMap:
    found: list[Contribution] = []
    outputs: dict[str, tuple[int, int]] = {}
    output = ""
    for line in lines:
        row = _LLD.match(line)
        if row is None:
            continue
        address, size, depth, rest = int(row[1], 16), int(row[3], 16), len(row[5]), row[6]
        if depth == 1 and " " not in rest and len(rest) <= MAX_NAME:
            output = rest
            outputs.setdefault(output, (address, size))
        elif 1 < depth <= 9 and rest.endswith(")") and ":(" in rest:
            file, _, section = rest[:-1].rpartition(":(")
            _add(found, address, size, section, file, output)
    return _made(path, found, outputs, ())


def _add(
    found: list[Contribution], address: int, size: int, section: str, file: str, output: str
) -> None:
    """Keep an input section of an object that has bytes; linkers' own have no file."""
    if not size or max(len(section), len(file)) > MAX_NAME or section.startswith((".debug", "*")):
        return
    if file == "linker stubs" or file.startswith("<internal>"):
        return
    member = _MEMBER.match(file)
    archive, name = (None, file) if member is None else (member[1], member[2])
    found.append(Contribution(address, size, section, name, archive or None, output))


def _made(
    path: str,
    found: list[Contribution],
    outputs: dict[str, tuple[int, int]],
    memory: tuple[MemoryRange, ...],
) -> LinkMap:
    return LinkMap(path, tuple(_allocated(found, outputs)), outputs, memory)


def _allocated(
    found: list[Contribution], outputs: dict[str, tuple[int, int]]
) -> Iterator[Contribution]:
    """Those that lie inside their output section, by address, none over another.

    Sections that are not loaded, such as .comment, count from 0 and would lie over an ITCM.
    """
    end = -1
    for one in sorted(found, key=lambda c: (c.address, -c.size, c.file)):
        start, size = outputs.get(one.output, (0, 0))
        if one.output.startswith((".comment", ".ARM.attributes", ".note", ".stab")):
            continue
        if start <= one.address and one.end <= start + size and one.address >= end:
            end = one.end
            yield one
