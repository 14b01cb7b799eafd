"""Entries on disk: whole or not there, with a checksum, the oldest out when there are too many.

    FOLDER/0 to FOLDER/f    by the first digit of the key
        KIND-KEY            magic, SHA-256 of kind, key and body, body (compressed)

The folder and all in it are the user's alone: one that others may enter or write, and a file that
somebody else owns, are not read. A file is written beside its name and renamed, so that processes
need no lock; that one removes what another is about to read is a miss. Who is about to find an
entry that takes long may hold its key (flock, which ends with the process), so that others wait
for it. The time of a file is when it was used last. A folder or a disk that takes nothing costs
time only; `Room.trouble` says it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from simcore.files import UNFINISHED, replace_file

MAGIC = b"mcusim-cache-1\n"
#: Folders by the first digit of keys. Each has its share of the limit, so that only one is looked
#: through when an entry is added; an entry of more than a share is not kept.
SHARDS = "0123456789abcdef"
MOST_BYTES = 256 << 20  # of an entry, as it is given
POLL_S = 0.02  # between two looks at a key that another process holds
ABANDONED_S = 3600.0  # a file that is still unfinished then belongs to a process that was killed

_DIGEST_BYTES = 32
_KEY_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the cache; ``size`` in bytes on disk, ``used_ns`` as in st_mtime_ns."""

    kind: str
    path: Path
    size: int
    used_ns: int


class Room:
    """The entries of one folder; without a folder it keeps nothing.

    ``limit_bytes`` bounds what lies on disk. ``trouble`` says, in a line, why something was not
    kept or read, if the folder is to blame. Another process may use the same folder.
    """

    def __init__(self, folder: Path | None, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.trouble: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything is kept at all."""
        return self.folder is not None

    def get(self, kind: str, key: str) -> bytes | None:
        """What is kept under a key; None when nothing is that can be trusted.

        A damaged entry is removed.
        """
        if self.folder is None or not self._is_ours(self.folder):
            return None
        path = self._path(kind, key)
        try:
            content = _read_own(path)
        except OSError:
            return None
        if content is None:
            return None
        found = _unpacked(kind, key, content)
        with suppress(OSError):  # of a read-only folder
            if found is None:
                path.unlink()
            else:
                os.utime(path)  # used last
        return found

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Keep bytes under a key; what was kept longest without use makes room for it."""
        if self.folder is None or len(data) > MOST_BYTES:
            return
        content = _packed(kind, key, data)
        share = self.limit_bytes // len(SHARDS)
        if len(content) > share:
            return
        path = self._path(kind, key)
        try:
            if not self._make_shard(path.parent):
                return
            replace_file(path, content, 0o600)
            _make_room(path, share)
        except OSError as error:
            self.trouble = f"cache {self.folder}: cannot be written: {error.strerror}"

    @contextmanager
    def held(self, kind: str, key: str, most_s: float) -> Iterator[None]:
        """Hold a key while its entry is found: look for it again, another may have had the key.

        Waits for that one up to ``most_s`` seconds, and goes on without the key then, as in a
        folder that takes nothing. One that died holds nothing.
        """
        handle, until = None, time.monotonic() + most_s
        try:
            while (handle := self._lock(kind, key, handle)) is not None:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if not isinstance(error, BlockingIOError):  # a disk without locks
                        break
                if time.monotonic() >= until:
                    os.close(handle)
                    handle = None
                    break
                time.sleep(POLL_S)
            yield
        finally:
            if handle is not None:
                with suppress(OSError):
                    self._lock_path(kind, key).unlink()
                os.close(handle)

    def _lock(self, kind: str, key: str, handle: int | None) -> int | None:
        """An open file to lock a key by, the same one unless its holder has removed it."""
        if self.folder is None:
            return None
        path = self._lock_path(kind, key)
        try:
            if handle is not None:
                if os.fstat(handle).st_nlink:
                    return handle
                os.close(handle)
            if not self._make_shard(path.parent):
                return None
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            return None

    def drop(self, kind: str, key: str) -> None:
        """Forget what is kept under a key, such as one whose content is no document."""
        if self.folder is not None and self._is_ours(self.folder):
            with suppress(OSError):
                self._path(kind, key).unlink()

    def entries(self) -> Iterator[Entry]:
        """All that is kept, in no particular order."""
        if self.folder is not None and self._is_ours(self.folder):
            for shard in SHARDS:
                yield from _entries(self.folder / shard)

    def clear(self) -> tuple[int, int]:
        """Remove all entries; how many there were, and their bytes on disk.

        Raises OSError when one cannot be removed.
        """
        count = size = 0
        for entry in self.entries():
            entry.path.unlink(missing_ok=True)
            count, size = count + 1, size + entry.size
        if self.folder is not None and self._is_ours(self.folder):
            for file in self.folder.glob(f"?/{UNFINISHED}*"):
                file.unlink(missing_ok=True)
        return count, size

    def _path(self, kind: str, key: str) -> Path:
        if _kind_of(f"{kind}-{key}") != kind:
            raise ValueError(f"no kind and key of an entry: {kind!r}, {key!r}")
        assert self.folder is not None
        return self.folder / key[0] / f"{kind}-{key}"

    def _lock_path(self, kind: str, key: str) -> Path:
        path = self._path(kind, key)
        return path.with_name(f"{UNFINISHED}{path.name}")

    def _make_shard(self, shard: Path) -> bool:
        """Make the folder of an entry; whether all is the user's alone. Raises OSError."""
        assert self.folder is not None
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not self._is_ours(self.folder):
            return False
        shard.mkdir(mode=0o700, exist_ok=True)
        return True

    def _is_ours(self, folder: Path) -> bool:
        """Whether a folder is there and the user's alone."""
        try:
            found = folder.lstat()
        except OSError:
            return False
        if not stat.S_ISDIR(found.st_mode):
            self.trouble = f"cache {folder}: not used: it is no folder"
        elif found.st_uid != os.geteuid():
            self.trouble = f"cache {folder}: not used: it belongs to another user"
        elif found.st_mode & 0o077:
            self.trouble = f"cache {folder}: not used: open to other users; chmod 700 it"
        else:
            return True
        return False


def _entries(shard: Path) -> Iterator[Entry]:
    with suppress(OSError), os.scandir(shard) as found:
        for file in found:
            kind = _kind_of(file.name)
            with suppress(OSError):  # gone meanwhile
                if kind and file.is_file(follow_symlinks=False):
                    state = file.stat(follow_symlinks=False)
                    yield Entry(kind, Path(file.path), state.st_size, state.st_mtime_ns)


def _kind_of(name: str) -> str:
    """The kind of the entry that a file of this name is; "" when it is none."""
    kind, _, key = name.partition("-")
    is_kind = kind.isascii() and kind.isalpha() and kind.islower()
    is_key = len(key) == _KEY_DIGITS and not set(key) - set(SHARDS)
    return kind if is_kind and is_key else ""


def _make_room(new: Path, share: int) -> None:
    """Remove those used longest ago until the folder of a new entry keeps to its share."""
    entries = sorted(_entries(new.parent), key=lambda entry: (entry.used_ns, entry.path.name))
    size = sum(entry.size for entry in entries)
    for entry in entries:
        if size <= share:
            break
        if entry.path != new:
            entry.path.unlink(missing_ok=True)
            size -= entry.size
    for file in new.parent.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            if file.stat().st_mtime < time.time() - ABANDONED_S:
                file.unlink()


def _read_own(path: Path) -> bytes | None:
    """The bytes of a regular file of the user, None of any other. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        is_own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not is_own or found.st_mode & 0o022 or found.st_size > MOST_BYTES:
            return None
        return file.read(found.st_size)


def _packed(kind: str, key: str, data: bytes) -> bytes:
    body = zlib.compress(data, 1)
    return MAGIC + _digest(kind, key, body) + body


def _unpacked(kind: str, key: str, content: bytes) -> bytes | None:
    """The bytes of an entry's file, None when it is damaged or another's."""
    start = len(MAGIC) + _DIGEST_BYTES
    body = content[start:]
    if content[:start] != MAGIC + _digest(kind, key, body):
        return None
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(body, MOST_BYTES)
    except zlib.error:
        return None
    return data if inflate.eof else None


def _digest(kind: str, key: str, body: bytes) -> bytes:
    return hashlib.sha256(f"{kind}\0{key}\0".encode() + body).digest()
