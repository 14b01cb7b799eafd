"""Numbers with units, read and written: 216MHz, 2.31 mJ, 1,234,567, 12.3 %, file.c:12."""

from __future__ import annotations

import math
import re
from pathlib import PurePath, PureWindowsPath

_NUMBER = re.compile(
    r"((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,2})?)\s*([kMG]?)", re.IGNORECASE
)
_LONGEST = 100  # characters of a number with its unit; Python converts no more than 4,300 digits
_SECONDS = {"ns": "1e-9", "us": "1e-6", "ms": "1e-3", "s": "1"}
#: In place of a time: no limit.
UNLIMITED = "unlimited"
_FACTOR = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_quantity(text: str, unit: str = "") -> int | None:
    """A positive whole number such as 216MHz, 216M or 216e6; None when the text is none.

    Of bytes ("B") the suffixes are powers of 1,024: 96K, 96KB and 96 KiB are 98,304.
    """
    bare = text.strip()
    if len(bare) > _LONGEST:
        return None
    if unit and bare.lower().endswith(unit.lower()):
        bare = bare[: -len(unit)].rstrip()
        if unit == "B" and bare.endswith("i"):
            bare = bare[:-1]
    match = _NUMBER.fullmatch(bare)
    if match is None:
        return None
    from decimal import Decimal  # 5 ms, and most commands have no number with a unit

    value = Decimal(match[1]) * (_BYTES if unit == "B" else _FACTOR)[match[2].lower()]
    return int(value) if value == int(value) and value > 0 else None


#: Powers of ten of SI prefixes below one, and of two and ten of sizes and counts above.
_BELOW_ONE = {"f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "": 0}


def scale(unit: str, suffix: str) -> float | None:
    """What a number with a suffix is to be multiplied by: "mJ" for J, "K" for B, "M" for counts
    (""); None for a suffix that the unit has not."""
    if unit in ("J", "s"):
        power = _BELOW_ONE.get(suffix.removesuffix(unit))
        return None if power is None else float(f"1e{power}")
    folded = suffix.lower()
    if unit == "B":
        folded = folded.removesuffix("b").removesuffix("i")
    factor = (_BYTES if unit == "B" else _FACTOR).get(folded)
    return None if factor is None else float(factor)


def parse_seconds(text: str) -> float | None:
    """A positive finite time such as 0.5, 20ms or 300us; None when the text is none."""
    from decimal import Decimal

    bare = text.strip()
    if len(bare) > _LONGEST:
        return None
    unit = next((unit for unit in _SECONDS if bare.endswith(unit)), "")
    try:
        number = float(Decimal(bare.removesuffix(unit).rstrip()) * Decimal(_SECONDS.get(unit, "1")))
    except (ArithmeticError, ValueError):
        return None
    return number if 0 < number < math.inf else None


# -- written ---------------------------------------------------------------------------------------

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}

NOTHING = "-"  # stands where a value does not exist


def count(value: int | None) -> str:
    """A whole number with grouped digits: 1,234,567."""
    return NOTHING if value is None else f"{value:,}"


def si(value: float | None, unit: str) -> str:
    """Three significant digits and an SI prefix: 2.31 mJ."""
    if value is None:
        return NOTHING
    if value == 0:
        return f"0 {unit}"
    # Rounding comes before the choice of the prefix, so that 999.9 µJ becomes 1.00 mJ.
    mantissa, exponent_text = f"{value:.2e}".split("e")
    exponent = int(exponent_text)
    prefix = min(max(exponent // 3 * 3, min(_PREFIXES)), max(_PREFIXES))
    shift = exponent - prefix
    digits = max(0, 2 - shift)
    return f"{float(mantissa) * 10.0**shift:.{digits}f} {_PREFIXES[prefix]}{unit}"


def clock(hertz: int) -> str:
    """A clock in MHz without trailing zeros: 216 MHz, 216.5 MHz."""
    return f"{hertz / 1e6:.6f}".rstrip("0").rstrip(".") + " MHz"


def percent(part: float | None, whole: float = 1, digits: int = 1) -> str:
    """A share with one decimal: 12.3 %."""
    if part is None or not whole:
        return NOTHING
    return f"{100 * part / whole:.{digits}f} %"


def half_width(low: float, high: float) -> str:
    """Half an interval relative to its middle: 27 %."""
    return percent(high - low, high + low, digits=0)


def signed(text: str, value: float | None) -> str:
    """A text of a number with a plus when the number is above zero: +1,234."""
    return f"+{text}" if value is not None and value > 0 else text


def amount(value: float | None, unit: str) -> str:
    """A value in the way of its unit: a count for "", bytes for "B", else with an SI prefix."""
    if value is None:
        return NOTHING
    if unit in ("", "B"):
        return size(round(value)) if unit else count(round(value))
    return si(value, unit)


def decimal(value: float | None, digits: int = 2) -> str:
    """A plain decimal number: 1.25."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def size(value: int | None) -> str:
    """Bytes with grouped digits: 1,024 B."""
    return NOTHING if value is None else f"{value:,} B"


def relative_change(difference: float | None, before: float | None) -> str:
    """A change over what was before, in percent with its sign; "new" when there was nothing."""
    if difference is None or before is None:
        return NOTHING
    if not before:
        return "new" if difference else percent(0)
    share = difference / before
    digits = 2 if abs(share) < 0.1 else 1
    return signed(percent(share, digits=digits), share)


def place(file: str, line: int) -> str:
    """A source line; of a file outside the project's folder only the name."""
    shown = PureWindowsPath(file) if file[1:2] == ":" else PurePath(file)
    return f"{shown.name if shown.is_absolute() else file}:{line}"
