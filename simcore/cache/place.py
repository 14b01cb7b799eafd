"""Where the cache is and how large it may be: the user's cache folder, or what variables say.

No settings file says it: that of the working folder comes from whoever wrote the commit.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from simcore.cache.room import Room
from simcore.errors import ConfigError

VARIABLE = "MCUSIM_CACHE"
SIZE_VARIABLE = "MCUSIM_CACHE_SIZE"
OFF = "off"
LIMIT_BYTES = 1 << 30
#: Of what is kept in it; another layout is another folder, and the old one is cleared with it.
LAYOUT = "v1"
#: A cache that keeps nothing.
NO_ROOM = Room(None, 0)

_SIZE = re.compile(r"([0-9]{1,15})\s*([kMGT]?)(?:i?B)?", re.IGNORECASE)
_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def open_room(wanted: bool = True) -> Room:
    """The cache as the environment has it; one that keeps nothing when it is not wanted, or off.

    Nothing is made or read before an entry is. Raises ConfigError for a variable that is wrong.
    """
    told = os.environ.get(VARIABLE, "")
    if not wanted or told.lower() == OFF:
        return NO_ROOM
    if not told:
        from platformdirs import user_cache_path

        folder = user_cache_path("mcusim", appauthor=False)
    else:
        folder = Path(told)
        if not folder.is_absolute() or "\0" in told:
            # A working folder's files come with a commit: they are nothing that was found here.
            raise ConfigError(
                f"{VARIABLE}={told}: not an absolute path; give one outside the checkout, or {OFF}"
            )
    return Room(folder / LAYOUT, _limit()) if folder.is_absolute() else NO_ROOM


def _limit() -> int:
    told = os.environ.get(SIZE_VARIABLE, "")
    if not told:
        return LIMIT_BYTES
    match = _SIZE.fullmatch(told.strip())
    if match is None:
        raise ConfigError(f"{SIZE_VARIABLE}={told}: no size such as 256M or 2G")
    return int(match[1]) * _FACTOR[match[2].lower()]
