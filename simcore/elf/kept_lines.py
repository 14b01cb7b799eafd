"""Source lines that runs of the same files asked for before: found in the cache, not decoded again.

An entry has an answer for each address that was asked about, and is found by hashes of all files
that the answers come from. What it lacks is decoded, as without a cache.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import replace

from simcore.cache import Room, content_key
from simcore.elf.image import Image, Lacks, LineAt, printable
from simcore.plain import packed, unpacked
from simcore.records import dataclass

KIND = "lines"
MOST_ADDRESSES = 1 << 16
_ROW = struct.Struct("<III")
MOST_QUESTIONS = 64  # sets of functions that ran


@dataclass(frozen=True, slots=True)
class LinesDocument:
    """What is kept."""

    files: tuple[str, ...]
    rows: str
    """Address, index of its file plus one, line, and so on: words, little-endian, as hexadecimal
    digits. An address without a line has 0 and 0."""
    lacks: dict[str, tuple[str, ...]]
    """By a hash of addresses what is said of those that have no line."""


class KeptLines:
    """Answers of an image's debug information, `lines` and `lacks`, of which some are kept."""

    def __init__(self, lines: LineAt, lacks: Lacks, room: Room, key: str) -> None:
        self._lines, self._lacks = lines, lacks
        self._room, self._key = room, key
        self._at: dict[int, tuple[str, int] | None] | None = None  # None: not looked for yet
        self._said: dict[str, tuple[str, ...]] = {}
        self._is_new = False

    def line_at(self, address: int) -> tuple[str, int] | None:
        """As that of the image."""
        found = self._found()
        if address not in found:
            found[address] = self._lines(address)
            self._is_new = True
        return found[address]

    def lacking(self, addresses: Iterable[int]) -> tuple[str, ...]:
        """As that of the image."""
        asked = list(addresses)
        self._found()
        name = hashlib.sha256(repr(asked).encode()).hexdigest()
        if name not in self._said:
            self._said[name] = self._lacks(asked)
            self._is_new = True
        return self._said[name]

    def keep(self) -> None:
        """Keep what is new."""
        found = self._at
        if not self._is_new or not found:
            return
        self._is_new = False
        if len(found) > MOST_ADDRESSES or len(self._said) > MOST_QUESTIONS:
            self._room.drop(KIND, self._key)
            return
        files = sorted({place[0] for place in found.values() if place})
        number = {file: index for index, file in enumerate(files, 1)}
        rows = b"".join(
            _ROW.pack(address, number[place[0]], place[1]) if place else _ROW.pack(address, 0, 0)
            for address, place in sorted(found.items())
        )
        document = LinesDocument(tuple(files), rows.hex(), self._said)
        self._room.put(KIND, self._key, packed(document))

    def _found(self) -> dict[int, tuple[str, int] | None]:
        if self._at is None:
            data = self._room.get(KIND, self._key)
            kept = None if data is None else unpacked(LinesDocument, data)
            rows = None if kept is None else _rows(kept)
            self._at = rows or {}
            if kept is not None and rows is not None:
                self._said = dict(kept.lacks)
        return self._at


def with_kept_lines(image: Image, others: Iterable[bytes], room: Room) -> tuple[Image, KeptLines]:
    """An image that finds lines in the cache; `others` are the files beside its own that name what
    it has. Its debug information has to be there (`Image.lines`)."""
    assert image.lines is not None
    files = [image.sha256, *(hashlib.sha256(data).hexdigest() for data in others)]
    key = content_key(KIND, files, room=room)
    kept = KeptLines(image.lines, image.lacks or (lambda _: ()), room, key)
    return replace(image, lines=kept.line_at, lacks=kept.lacking), kept


def _rows(kept: LinesDocument) -> dict[int, tuple[str, int] | None] | None:
    """The answers of a document; None when it is not one that :meth:`KeptLines.keep` writes."""
    texts = [*kept.files, *(text for said in kept.lacks.values() for text in said)]
    if any(text != printable(text) for text in texts):
        return None
    files = kept.files
    try:
        return {
            address: (files[place - 1], line) if place else None
            for address, place, line in _ROW.iter_unpack(bytes.fromhex(kept.rows))
        }
    except (ValueError, IndexError, struct.error):
        return None
