"""Conditions on rows of results, as people write them: part=stm32f7*, cycles<2M, time_s<=10ms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from simcore.errors import ConfigError, nearest
from simcore.store.rows import COLUMNS
from simcore.units import parse_quantity, parse_seconds

_WRITTEN = re.compile(
    r"\s*(?P<column>\w+)\s*(?P<sign><=|>=|!=|=|<|>)\s*(?P<value>.*?)\s*", re.DOTALL
)
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Condition:
    """A column, a sign of comparison and a value of the column's type."""

    column: str
    sign: str
    value: Any

    @property
    def is_pattern(self) -> bool:
        """Whether the value is a pattern with wildcards, which no database has alike."""
        return (
            self.sign in ("=", "!=")
            and isinstance(self.value, str)
            and bool(_WILD.search(self.value))
        )

    def holds(self, found: Any) -> bool:
        """Whether it is true of a value, as a pattern; nothing is true of one that is not known."""
        if found is None:
            return False
        return fnmatchcase(str(found), str(self.value)) is (self.sign == "=")


def parse_conditions(texts: Iterable[str]) -> list[Condition]:
    """Conditions of COLUMN=VALUE and the like. Raises ConfigError."""
    return [_parsed(text) for text in texts]


def check_columns(names: Iterable[str], what: str) -> None:
    """Refuse a name that no column has. Raises ConfigError."""
    for name in names:
        if name not in COLUMNS:
            hint = nearest(name, COLUMNS) or f"; there are {', '.join(COLUMNS)}"
            raise ConfigError(f"{what}: results have no column '{name}'{hint}")


def _parsed(text: str) -> Condition:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"--where '{text}': not COLUMN=VALUE, such as part=stm32f7*, cycles<2M or time_s<=10ms"
        )
    column, value = match["column"], match["value"]
    check_columns([column], f"--where '{text}'")
    kind = COLUMNS[column][0]
    if kind is str:
        return Condition(column, match["sign"], value)
    number = _number(column, value)
    if number is None:
        raise ConfigError(f"--where '{text}': '{value}' is no number of {column}")
    return Condition(column, match["sign"], number)


def _number(column: str, text: str) -> float | int | None:
    if column.endswith("_s") and (seconds := parse_seconds(text)) is not None:
        return seconds
    if (quantity := parse_quantity(text, "Hz" if column.endswith("_hz") else "")) is not None:
        return quantity
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def texts_of(where: str | Sequence[str]) -> tuple[str, ...]:
    """One condition or several."""
    return (where,) if isinstance(where, str) else tuple(where)
