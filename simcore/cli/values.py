"""Types of option values: numbers with the suffixes that people write."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import click

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([kMG]?)", re.IGNORECASE)
_FACTOR = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def parse_quantity(text: str, unit: str = "") -> int | None:
    """A positive whole number such as 216MHz or 216M; None when the text is none."""
    bare = text.strip()
    if unit and bare.lower().endswith(unit.lower()):
        bare = bare[: -len(unit)].rstrip()
    match = _NUMBER.fullmatch(bare)
    if match is None:
        return None
    value = Decimal(match[1]) * _FACTOR[match[2].lower()]
    return int(value) if value == int(value) and value > 0 else None


def clock(text: str) -> int:
    """Hertz, for an option. Raises click.BadParameter."""
    hertz = parse_quantity(text, "Hz")
    if hertz is None:
        raise click.BadParameter(f"'{text}' is not a clock such as 216MHz or 216000000")
    return hertz


def quantity(text: str) -> int:
    """A count, for an option. Raises click.BadParameter."""
    number = parse_quantity(text)
    if number is None:
        raise click.BadParameter(f"'{text}' is not a positive number such as 5000000 or 5M")
    return number


def seconds(text: str) -> float:
    """A finite time, for an option. Raises click.BadParameter."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise click.BadParameter(f"'{text}' is not a positive number of seconds")
    return number
