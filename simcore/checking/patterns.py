"""Files by a pattern, as a shell has them: ``*``, ``?``, ``[]``, and ``**`` for folders in one
another.

A settings file of anybody may say such a pattern, and its folder may hold links to anywhere: ``**``
follows none, and what is looked at is bounded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import PurePath

from simcore.errors import ConfigError

#: Names of files and folders that are looked at for a pattern.
MOST_ENTRIES = 200_000
#: Folders in one another.
MOST_DEPTH = 100
_ANY_DEPTH = "**"


def files_matching(pattern: str) -> set[str]:
    """The paths that match; of folders, too. Raises ConfigError where there is too much to look at.

    Names that begin with a dot match no ``*``.
    """
    path = PurePath(pattern)
    parts: list[str] = []
    for part in path.parts[bool(path.anchor) :]:
        if part != _ANY_DEPTH or parts[-1:] != [part]:
            parts.append(part)
    return set(_Search(pattern).below(path.anchor, parts, 0)) if parts else set()


class _Search:
    """A walk for one pattern, which counts what it looks at."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._left = MOST_ENTRIES

    def below(self, folder: str, parts: Sequence[str], depth: int) -> Iterator[str]:
        """What matches the parts in a folder, whose name ends with a separator or is empty."""
        head, rest = parts[0], parts[1:]
        if depth + len(rest) > MOST_DEPTH:
            return
        if not has_magic(head):
            path = folder + head
            if rest:
                yield from self.below(path + os.sep, rest, depth + 1)
            elif os.path.lexists(path):
                yield path
            return
        if head == _ANY_DEPTH and rest:
            yield from self.below(folder, rest, depth)
        for entry in self._entries(folder):
            path = folder + entry.name
            if entry.name.startswith(".") and not head.startswith("."):
                continue
            if head == _ANY_DEPTH:
                if entry.is_dir(follow_symlinks=False):
                    yield from self.below(path + os.sep, parts, depth + 1)
                elif not rest:
                    yield path
            elif fnmatchcase(entry.name, head):
                yield from self.below(path + os.sep, rest, depth + 1) if rest else (path,)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder or os.curdir) as found:
                entries = list(found)
        except OSError:  # no folder, or one that may not be read
            return []
        self._left -= len(entries)
        if self._left < 0:
            raise ConfigError(
                f"'{self._pattern}' has more than {MOST_ENTRIES:,} files to look at; name a folder"
            )
        return entries
