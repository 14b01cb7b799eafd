"""What a placement asks for, as text: WHAT=REGION, and the parts that WHAT is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simcore.errors import ConfigError

#: Words in front of a colon that say what kind of name follows.
KINDS = ("function", "object", "section", "file")
#: What a program has without a symbol for it.
SPECIAL = ("stack", "heap", "vectors")

_SLICE = re.compile(r"(?P<name>.+)\[(?P<start>[^\[\]:]*):(?P<end>[^\[\]:]*)\]")
_JOINT = re.compile(r"(?<!operator)(?<!operator\+)\+")  # operator+ and operator++ are names
_SIZE = re.compile(r"(?P<number>0[xX][0-9a-fA-F]+|[0-9]+)(?P<unit>[kKmM]?)[bB]?")
_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20}

_LONGEST = 40  # characters of a number


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """One WHAT=REGION as the user wrote it."""

    what: str
    region: str

    def __str__(self) -> str:
        return f"{self.what}={self.region}"


@dataclass(frozen=True, slots=True)
class Selector:
    """One name or pattern of a WHAT; ``kind`` is one of KINDS, None where any will do.

    ``start`` and ``end`` cut bytes out of each thing that it names; None is as far as it goes.
    """

    kind: str | None
    pattern: str
    start: int | None = None
    end: int | None = None


def parse_request(text: str) -> PlaceRequest:
    """Read WHAT=REGION. Raises ConfigError."""
    what, equals, region = (part.strip() for part in text.rpartition("="))
    if not equals or not what or not region:
        raise ConfigError(
            f"--place '{text}': not WHAT=REGION, such as 'conv*=itcm', '.data=dtcm' or 'stack=dtcm'"
        )
    return PlaceRequest(what, region)


def parse_what(what: str) -> tuple[Selector, ...]:
    """The names that WHAT joins with '+'. Raises ConfigError."""
    return tuple(_selector(part.strip(), what) for part in _JOINT.split(what))


def _selector(text: str, what: str) -> Selector:
    if not text:
        raise ConfigError(f"--place '{what}': a name is missing beside '+'")
    start = end = None
    match = _SLICE.fullmatch(text)
    if match is not None:
        text = match["name"]
        start, end = _bound(match["start"], what), _bound(match["end"], what)
        if end is not None and (start or 0) >= end:
            raise ConfigError(f"--place '{what}': the range of bytes holds none")
    kind, colon, pattern = text.partition(":")
    if colon and kind in KINDS and pattern and pattern[0] != ":":  # file::f is a C++ name
        return Selector(kind, pattern, start, end)
    return Selector(None, text, start, end)


def _bound(text: str, what: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    match = _SIZE.fullmatch(text)
    if match is None or len(text) > _LONGEST:
        raise ConfigError(f"--place '{what}': '{text}' is not a number of bytes such as 4096 or 4K")
    return int(match["number"], 0) * _FACTOR[match["unit"].lower()]
