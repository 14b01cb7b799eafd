"""Where the cache is and how large it may be: the user's cache folder, or what variables say.

No settings file says it: that of the working folder comes from whoever wrote the commit.
"""

from __future__ import annotations

import os
import re
import sys
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

_SIZE = r"([0-9]{1,15})\s*([kMGT]?)(?:i?B)?"
_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def open_room(wanted: bool = True) -> Room:
    """The cache as the environment has it; one that keeps nothing when it is not wanted, or off.

    Nothing is made or read before an entry is. Raises ConfigError for a variable that is wrong.
    """
    told = os.environ.get(VARIABLE, "")
    if not wanted or told.lower() == OFF:
        return NO_ROOM
    folder = Path(told) if told else _users_folder()
    if told and (not folder.is_absolute() or "\0" in told):
        # A working folder's files come with a commit: they are nothing that was found here.
        raise ConfigError(
            f"{VARIABLE}={told}: not an absolute path; give one outside the checkout, or {OFF}"
        )
    return Room(folder / LAYOUT, _limit()) if folder.is_absolute() else NO_ROOM


def _users_folder() -> Path:
    """Where programs of this user keep what they can find again.

    As platformdirs has it, which a test holds this against: to import that takes 2 % of the time
    of a short profile. XDG Base Directory Specification 0.8; on macOS Apple's File System
    Programming Guide.
    """
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    return Path(base if Path(base).is_absolute() else os.path.expanduser(usual)) / "mcusim"  # noqa: PTH111


def _limit() -> int:
    told = os.environ.get(SIZE_VARIABLE, "")
    if not told:
        return LIMIT_BYTES
    match = re.fullmatch(_SIZE, told.strip(), re.IGNORECASE)
    if match is None:
        raise ConfigError(f"{SIZE_VARIABLE}={told}: no size such as 256M or 2G")
    return int(match[1]) * _FACTOR[match[2].lower()]
