"""Numbers with the suffixes that people write: 216MHz, 5M."""

from __future__ import annotations

import re
from decimal import Decimal

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
