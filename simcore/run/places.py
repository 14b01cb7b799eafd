"""Places of a program as people name them: FUNCTION, FILE:LINE or ADDRESS, @N the N-th time.

``--from`` and ``--until`` are told so where counting begins and where a run ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from simcore.elf import Function, Image, vector_table_at
from simcore.elf.image import HALFWORD
from simcore.elf.names import matches_exactly, names_for_hints, spellings_of
from simcore.errors import ConfigError, nearest
from simcore.records import dataclass

MOST_ADDRESSES = 8  # MAX_PLACES of native/types.h
MOST_TIMES = 1 << 40
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,8}")


@dataclass(frozen=True, slots=True)
class CodePlace:
    """In front of the instructions at `addresses`, the `count`-th time that any of them runs."""

    text: str
    addresses: tuple[int, ...] = ()
    count: int = 0

    def __str__(self) -> str:
        return self.text


NOWHERE = CodePlace("")


def find_place(image: Image, option: str, text: str) -> CodePlace:
    """The place that `text` names in the image. Raises ConfigError with what comes near."""
    name, at, times = text.rpartition("@")
    if not at:
        name, times = text, "1"
    if not re.fullmatch(r"0*[1-9][0-9]{0,12}", times) or not name:
        raise ConfigError(
            f"{option} '{text}': not FUNCTION, FILE:LINE or ADDRESS, with @N for the N-th time"
        )
    addresses = tuple(_addresses(image, option, name))
    if len(addresses) > MOST_ADDRESSES:
        raise ConfigError(
            f"{option} '{text}': is at {len(addresses)} places, more than {MOST_ADDRESSES}; give"
            f" one of {_listed(image, list(addresses))}"
        )
    return CodePlace(text, addresses, int(times))


def find_entry(image: Image, text: str) -> tuple[int, bool]:
    """The address to start from, and whether a vector table stands there. Raises ConfigError.

    FUNCTION or ADDRESS, or those of a vector table: of the application behind a boot loader.
    """
    symbol = image.symbol(text)
    given = int(text, 16) if _ADDRESS.fullmatch(text) else None
    address = symbol.address if given is None and symbol is not None else given
    if address is not None and not _is_function(image, address):
        table = vector_table_at(image, address)
        if table is not None:
            return table, True
    addresses = _addresses(image, "--entry", text)
    if len(addresses) > 1:
        raise ConfigError(
            f"--entry '{text}': is at {len(addresses)} places; give one of"
            f" {_listed(image, addresses)}"
        )
    return addresses[0], False


def _is_function(image: Image, address: int) -> bool:
    return any(s.kind == "function" and s.address == address for s in image.symbols)


def _addresses(image: Image, option: str, name: str) -> list[int]:
    if _ADDRESS.fullmatch(name):
        address = int(name, 16) & ~1
        if image.function_at(address) is None:
            raise ConfigError(f"{option} '{name}': no code of {image.path} is there")
        return [address]
    # A symbol goes before C++ functions that are called so without their parameters.
    named = [f.start for f in image.functions if name in (f.name, f.raw)]
    named = named or [f.start for f in image.functions if _is_called(f, name)]
    if not named:
        named = [
            s.address for s in image.symbols if s.name == name and image.function_at(s.address)
        ]
    if named:
        return sorted(set(named))
    file, colon, line = name.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,9}", line):
        known = names_for_hints(image.functions)
        raise ConfigError(
            f"{option} '{name}': {image.path} has no such function{nearest(name, known)}"
        )
    return _line_addresses(image, option, file, int(line))


def _is_called(function: Function, name: str) -> bool:
    return matches_exactly(spellings_of(function), name)


def _listed(image: Image, addresses: list[int]) -> str:
    """Places with the names of what is there, those with most to say."""
    shown = []
    for address in addresses[:MOST_ADDRESSES]:
        function = image.function_at(address)
        name = "" if function is None else f" {function.name}"
        shown.append(f"{address:#010x}{name}")
    return ", ".join(shown)


def _line_addresses(image: Image, option: str, file: str, line: int) -> list[int]:
    """Where the code of a line begins: once in each function that holds some of it."""
    wanted = PurePosixPath(file).parts
    lines: set[int] = set()
    files: set[str] = set()
    found: dict[int, int] = {}
    for function, address, place in _rows(image):
        parts = PurePosixPath(place[0]).parts
        files.add(parts[-1])
        if parts[-len(wanted) :] == wanted:
            lines.add(place[1])
            if place[1] == line:
                found.setdefault(function, address)
    if found:
        return sorted(found.values())
    if not files:
        raise ConfigError(
            f"{option} '{file}:{line}': {image.path} has no source lines; build it -g"
        )
    if not lines:
        near = nearest(wanted[-1] if wanted else file, files)
        raise ConfigError(f"{option} '{file}:{line}': no code of {image.path} is from there{near}")
    close = sorted(lines, key=lambda other: (abs(other - line), other))[:3]
    raise ConfigError(
        f"{option} '{file}:{line}': that line has no code; lines near it that have:"
        f" {', '.join(map(str, sorted(close)))}"
    )


def _rows(image: Image) -> Iterator[tuple[int, int, tuple[str, int]]]:
    """(function, address, (file, line)) of each address at which another line begins."""
    for function in image.functions:
        before = None
        for address in range(function.start, function.end, HALFWORD):
            place = image.line_at(address)
            if place is not None and place != before:
                yield function.start, address, place
            before = place
