"""TOML that anybody may have written: what costs the reader more than its length is refused.

tomllib keeps each beginning of a dotted key as a tuple, so that one of n parts takes n * n, and
parses by recursion. Its errors are ValueErrors, and so are all of :func:`parse_toml`.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

#: Of a dotted key; a part of a quoted one counts up to so many characters.
MOST_PARTS, MOST_QUOTED = 32, 128
_PART = rf"""(?:[\w-]++|"(?:[^"\\\n]|\\.){{0,{MOST_QUOTED}}}+"|'[^'\n]{{0,{MOST_QUOTED}}}+')"""
_LONG_KEY = re.compile(rf"(?<![\w\\-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MOST_PARTS}}}")


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a text. Raises ValueError, with the line and column where tomllib tells."""
    if _LONG_KEY.search(text):
        raise ValueError(f"a key has more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("tables or lists in one another too deep") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except ValueError:  # of int(), which takes no more than 4,300 digits
        raise ValueError("a number of thousands of digits") from None
