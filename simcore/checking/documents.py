"""Files that git merges: their text, and what a merge left in it."""

from __future__ import annotations

import re
from pathlib import Path

from simcore.errors import ConfigError
from simcore.files import SMALL_BYTES, read_regular

#: What git leaves in a file where both sides changed it; no line of JSON begins so.
_MARK = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |\r?$)", re.MULTILINE)


def read_text(path: Path, problem: str, most: int = SMALL_BYTES) -> str:
    """The text of a file, with or without a byte order mark, which editors of Windows write.

    Raises FileNotFoundError, and ConfigError, which says the ``problem``, for all else.
    """
    try:
        return read_regular(path, most).decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path}: {problem}: {reason}") from None


def merge_mark(text: str) -> int | None:
    """The number of the first line that is a mark of a merge conflict; None without any."""
    found = _MARK.search(text)
    return None if found is None else 1 + text.count("\n", 0, found.start())
