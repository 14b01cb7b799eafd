"""Types of option values: numbers with the suffixes that people write."""

from __future__ import annotations

import math

import click

from simcore.errors import ConfigError
from simcore.units import UNLIMITED, parse_quantity, parse_seconds

__all__ = [
    "clock",
    "duration",
    "names",
    "parse_quantity",
    "path_map",
    "quantity",
    "seconds",
    "share",
    "size",
    "source_url",
]


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


def size(text: str) -> int:
    """Bytes, for an option. Raises click.BadParameter."""
    number = parse_quantity(text, "B")
    if number is None:
        raise click.BadParameter(f"'{text}' is not a size such as 500MB or 524288000")
    return number


def names(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names between commas, for an option. Raises click.BadParameter."""
    found = text if isinstance(text, tuple) else tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise click.BadParameter(f"'{text}' is not a list of names such as dtcm,sram1")
    return found


def path_map(text: str) -> tuple[str, str]:
    """The two paths of OLD=NEW, for an option. Raises click.BadParameter."""
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise click.BadParameter(f"'{text}' is not OLD=NEW, such as /home/ci/build=src")
    return old, new


def share(text: str | float) -> float:
    """A share as 0.005 or 0.5%."""
    number = str(text).strip()
    try:
        value = float(number[:-1]) / 100 if number.endswith("%") else float(number)
    except ValueError:
        raise click.BadParameter(f"'{text}' is no share such as 0.5% or 0.005") from None
    if not 0 <= value < 1:
        raise click.BadParameter(f"'{text}' is not from 0% to below 100%")
    return value


def seconds(text: str) -> float:
    """A finite time, for an option. Raises click.BadParameter."""
    number = parse_seconds(text)
    if number is None:
        raise click.BadParameter(f"'{text}' is not a positive time such as 0.5, 20ms or 300us")
    return number


def duration(text: str) -> float:
    """A time, or infinity for the word unlimited, for an option. Raises click.BadParameter."""
    return math.inf if text.strip() == UNLIMITED else seconds(text)


def source_url(text: str) -> str:
    """A template of addresses of source lines, for an option. Raises click.BadParameter."""
    from simcore.report.source_links import checked_template

    try:
        return checked_template(text)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from None
