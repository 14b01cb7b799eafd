"""What a semihosting handle stands for: the console, fixed bytes, a file of the open folder."""

from __future__ import annotations

import errno
import os
import select
import stat
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol

from simcore.files import without_links
from simcore.run.options import NotedInput, StandardInput

_OPEN_FLAGS = (  # fopen modes r, r+, w, w+, a, a+
    os.O_RDONLY,
    os.O_RDWR,
    os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    os.O_RDWR | os.O_CREAT | os.O_TRUNC,
    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    os.O_RDWR | os.O_CREAT | os.O_APPEND,
)


class Input(Protocol):
    """A readable console."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...


class Output(Protocol):
    """A console that is written to."""

    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...


class PatientInput:
    """A stream of the host whose reader gives up, as at its end, once `stopped` is set.

    A stream with a file descriptor is read unbuffered, so that a wait for input can be left.
    """

    def __init__(self, stream: BinaryIO | NotedInput, stopped: Event, kept: StandardInput) -> None:
        self._kept = kept  # all that was read of the stream
        self._position = 0  # in it
        self._stream = stream
        self._stopped = stopped
        try:
            self._descriptor: int | None = stream.fileno()
        except (OSError, ValueError):
            self._descriptor = None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes as they come, b"" at the end."""
        if self._position == len(self._kept):
            self._kept.asked = True
            self._kept += self._more(size)
        data = bytes(self._kept[self._position : self._position + size])
        self._position += len(data)
        return data

    def _more(self, size: int) -> bytes:
        """What comes next of the stream, if it has no descriptor at most `size` bytes."""
        if self._descriptor is None:
            return self._stream.read(size)
        while not select.select([self._descriptor], [], [], 0.05)[0]:
            if self._stopped.is_set():
                return b""
        return os.read(self._descriptor, 4096)

    def readline(self, size: int) -> bytes:
        """Up to `size` bytes, no further than the next newline."""
        line = b""
        while len(line) < size and not line.endswith(b"\n"):
            data = self.read(size - len(line))
            if not data:
                break
            end = data.find(b"\n") + 1 or len(data)
            line, self._position = line + data[:end], self._position - len(data) + end
        return line


class File:
    """What a handle stands for; a kind that lacks an operation answers EACCES."""

    def read(self, size: int) -> bytes:
        raise PermissionError(errno.EACCES, "not open for reading")

    def write(self, data: bytes) -> None:
        raise PermissionError(errno.EACCES, "not open for writing")

    def seek(self, position: int) -> None:
        raise OSError(errno.ESPIPE, "cannot seek")

    def length(self) -> int:
        raise OSError(errno.ESPIPE, "has no length")

    def close(self) -> None:
        pass


class Console(File):
    """:tt, one way of it."""

    def __init__(self, source: Input | None, target: Output | None) -> None:
        self._source = source
        self._target = target

    def read(self, size: int) -> bytes:
        return self._source.readline(size) if self._source is not None else b""

    def write(self, data: bytes) -> None:
        if self._target is not None:
            self._target.write(data)
            if b"\n" in data:
                self._target.flush()

    def length(self) -> int:
        return 0


class FixedFile(File):
    """A file of fixed bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def read(self, size: int) -> bytes:
        data = self._data[self._position : self._position + size]
        self._position += len(data)
        return data

    def seek(self, position: int) -> None:
        self._position = position

    def length(self) -> int:
        return len(self._data)


class FolderFullError(OSError):
    """The program wrote as much as it may."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.ENOSPC, what)


@dataclass(slots=True)
class FolderRoom:
    """What a program may still make in the open folder; `most` bytes are those of a file, too."""

    files: int
    most: int
    written: int = 0

    def take_file(self) -> None:
        """Another file. Raises FolderFullError."""
        if not self.files:
            raise FolderFullError("a program makes no more files there")
        self.files -= 1

    def take(self, size: int) -> None:
        """So many bytes. Raises FolderFullError."""
        if self.written + size > self.most:
            raise FolderFullError(f"a program writes no more than {self.most >> 20:,} MiB there")
        self.written += size


class HostFile(File):
    """A regular file of the open folder, which has `room` for more.

    `mode` is the semihosting mode: index of the fopen mode, doubled, plus 1 for binary. Raises
    OSError, which a path out of the folder or something else than a regular file is too.
    """

    def __init__(self, folder: Path, name: str, mode: int, room: FolderRoom) -> None:
        self._room = room
        path = without_links(folder / name)
        if not path.is_relative_to(folder):
            raise PermissionError(errno.EACCES, "outside the folder")
        # The links have been followed; a link or pipe that turns up since then stays shut.
        if mode >> 1 >= 2 and not path.exists():
            room.take_file()
        flags = _OPEN_FLAGS[mode >> 1] | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o666)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            os.close(self._descriptor)
            raise PermissionError(errno.EACCES, "not a regular file")

    def read(self, size: int) -> bytes:
        return os.read(self._descriptor, size)

    def write(self, data: bytes) -> None:
        self._room.take(len(data))
        while data:
            data = data[os.write(self._descriptor, data) :]

    def seek(self, position: int) -> None:
        if position > self._room.most:  # what is written there would make a file of that length
            raise OSError(errno.EFBIG, "a longer file than a program may write")
        os.lseek(self._descriptor, position, os.SEEK_SET)

    def length(self) -> int:
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        os.close(self._descriptor)
