"""What is kept between runs, so that the same is not found twice, in one folder of the user.

An entry has a kind and a key. The key is a hash of all that decides what it holds, mcusim's own
code too, see :func:`content_key`: a change of anything is another entry, and nothing has to be
thrown away by hand. Entries are documents that are read as those of strangers are. One can make
mcusim print other figures, and nothing else.
"""

from __future__ import annotations

from simcore.cache.place import NO_ROOM, OFF, SIZE_VARIABLE, VARIABLE, open_room
from simcore.cache.room import Entry, Room
from simcore.cache.tool import content_key, tool_fingerprint

__all__ = [
    "NO_ROOM",
    "OFF",
    "SIZE_VARIABLE",
    "VARIABLE",
    "Entry",
    "Room",
    "content_key",
    "open_room",
    "tool_fingerprint",
]
