"""The file of `mcusim record`: a magic, a format version, and numbered chunks with a checksum each.

    magic     8 bytes
    version   32 bits
    chunks    kind (4 letters), bytes of payload (32 bits), CRC-32 (32 bits), payload

Numbers are little-endian. The CRC covers the chunk's number, its kind and the payload, so a chunk
that is lost, doubled or moved is found, too. Payloads are compressed with zlib: HEAD and TAIL are
JSON (what was run, how it ended), ELF the program's file, in pieces, SYMB those with names for it,
EVTS the event stream, in the pieces of native/stream/codec.h, OUT the beginning of what the program
printed. NETW, JSON, is there when a network ran: which operation is which layer. END, empty, is
the last.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from simcore.errors import CaptureError

MAGIC: Final = b"\x89MCUSIM\n"
VERSION: Final = 3
HEAD, ELF, SYMBOLS, EVENTS = b"HEAD", b"ELF ", b"SYMB", b"EVTS"
TAIL, PRINTED, NETWORK, END = b"TAIL", b"OUT ", b"NETW", b"END "
MAX_CHUNK_BYTES: Final = 16 << 20  # compressed or not; the largest that is written is a few MiB
_LEVEL: Final = 6
_CHUNK: Final = struct.Struct("<4sII")
_VERSION: Final = struct.Struct("<I")


class CaptureWriter:
    """Writes chunks to a file that is open for writing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._number = 0
        file.write(MAGIC + _VERSION.pack(VERSION))

    def add(self, kind: bytes, content: bytes) -> None:
        """Append a chunk. Raises OSError."""
        payload = zlib.compress(content, _LEVEL)
        self._file.write(_CHUNK.pack(kind, len(payload), _checksum(self._number, kind, payload)))
        self._file.write(payload)
        self._number += 1


def _at_once(path: str, flags: int) -> int:
    """Open a file that is never waited for, such as the kernel's log would be."""
    return os.open(path, flags | os.O_NONBLOCK)


class CaptureReader:
    """The chunks of a capture, all of them checked before the first is given.

    Raises CaptureError, one line with the path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self.name = os.fspath(path)
        self._places: list[tuple[bytes, int, int]] = []  # kind, where its payload begins, bytes
        try:
            if not self._path.is_file():
                missing = not self._path.exists()
                raise self.error("no such file; check the path" if missing else "is no file")
            with open(path, "rb", opener=_at_once) as file:
                self._check(file)
        except (OSError, ValueError) as error:  # ValueError: a path with NUL
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise self.error(f"cannot be read: {reason}; check the path") from None

    def error(self, text: str) -> CaptureError:
        """An error of this file."""
        return CaptureError(f"{self.name}: {text}")

    def damaged(self, what: str) -> CaptureError:
        """The error of a file whose content cannot be."""
        return self.error(f"is damaged: {what}; copy it again, or record the program again")

    def _check(self, file: BinaryIO) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise self.error("is no capture; give a file that 'mcusim record' wrote")
        word = file.read(_VERSION.size)
        if len(word) == _VERSION.size and _VERSION.unpack(word)[0] != VERSION:
            (version,) = _VERSION.unpack(word)
            raise self.error(
                f"has capture format {version}, and this mcusim reads format {VERSION};"
                " record the program again, or take the mcusim that recorded it"
            )
        while not self._places or self._places[-1][0] != END:
            number = len(self._places)
            header = file.read(_CHUNK.size)
            if len(header) < _CHUNK.size:
                raise self._truncated(file)
            kind, size, checksum = _CHUNK.unpack(header)
            if size > MAX_CHUNK_BYTES:
                raise self.damaged(f"chunk {number} cannot have {size} bytes")
            place, payload = file.tell(), file.read(size)
            if len(payload) < size:
                raise self._truncated(file)
            if _checksum(number, kind, payload) != checksum:
                raise self.damaged(f"the checksum of chunk {number} does not fit")
            self._places.append((kind, place, size))
        if file.read(1):
            raise self.damaged("something follows its end")

    def _truncated(self, file: BinaryIO) -> CaptureError:
        return self.error(
            f"is truncated: it ends at byte {file.tell()}; copy it again, or record the program"
            " again"
        )

    def chunks(self, kind: bytes) -> Iterator[bytes]:
        """The contents of all chunks of a kind, in their order."""
        with self._path.open("rb") as file:
            for number, (found, place, size) in enumerate(self._places):
                if found == kind:
                    file.seek(place)
                    yield self._content(number, file.read(size))

    def count(self, kind: bytes) -> int:
        """How many chunks of a kind there are."""
        return sum(found == kind for found, _, _ in self._places)

    def maybe(self, kind: bytes) -> bytes | None:
        """The content of the chunk of a kind that there may be one of."""
        return self.one(kind) if any(found == kind for found, _, _ in self._places) else None

    def one(self, kind: bytes) -> bytes:
        """The content of the chunk of a kind that there is one of."""
        found = list(self.chunks(kind))
        if len(found) != 1:
            raise self.damaged(f"it has {len(found)} chunks {kind.decode().strip()}, not 1")
        return found[0]

    def _content(self, number: int, payload: bytes) -> bytes:
        inflate = zlib.decompressobj()
        try:
            content = inflate.decompress(payload, MAX_CHUNK_BYTES)
        except zlib.error:
            raise self.damaged(f"chunk {number} cannot be decompressed") from None
        if not inflate.eof or inflate.unused_data:
            raise self.damaged(f"chunk {number} cannot be decompressed")
        return content


def _checksum(number: int, kind: bytes, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(kind, number))
