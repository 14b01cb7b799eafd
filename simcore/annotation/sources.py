"""Text of the source files that debug information names: the one place that reads it.

The names come from the ELF, which may be anybody's. So a file is read only if its real path, with
all links followed, lies below the working folder or the ELF's, has no component that starts with a
dot there (a checkout's .git/config holds a token) and a source file's suffix; or if it lies below a
folder that the user opened, again without such a component. It has to be regular and of bounded
size. What exists and is not read for one of these reasons is told. Names below more than MOST_PARTS
folders are not looked for: with a link to itself (`a -> .`) each of thousands would be there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simcore.files import without_links
from simcore.log_text import shortened
from simcore.repository import MOST_PARTS, is_windows, slashes

LARGEST_FILE = 4 << 20  # bytes; what is larger was not written by people
SUFFIXES = frozenset({
    ".c", ".h", ".inc", ".def",
    ".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".inl", ".ipp", ".tpp", ".tcc",
    ".s", ".asm", ".rs", ".ino", ".pde", ".d", ".zig", ".nim", ".swift", ".m", ".mm",
    ".ada", ".adb", ".ads", ".f", ".f90", ".f95", ".pas",
})  # fmt: skip
_NAMES_TOLD, _NAME_TOLD = 3, 200  # names; characters of each

OUTSIDE = "outside of the working folder and the ELF's"
NO_SOURCE = "no source file by its name"
HIDDEN = "below a folder, or named, with a leading dot"
NO_FILE = f"no regular file of at most {LARGEST_FILE >> 20} MiB"


@dataclass(frozen=True, slots=True)
class SourcePlaces:
    """Where the user allows source text to be read beside what is always allowed.

    ``folders`` are searched first; ``maps`` are pairs: recorded paths that begin with the first are
    below the second, a folder that is opened by that.
    """

    folders: tuple[str, ...] = ()
    maps: tuple[tuple[str, str], ...] = ()


class SourceFiles:
    """Finds files as recorded, then in the folders of ``places``, beside the ELF, in the cwd.

    In the opened folders and beside the ELF leading parts of the recorded path may be missing, as
    after a checkout to another place. The folders above the ELF's count with the whole path.
    """

    def __init__(self, elf: str | Path, places: SourcePlaces | None = None) -> None:
        beside = without_links(elf).parent
        places = places or SourcePlaces()
        self._opened = [without_links(folder) for folder in places.folders]
        self._maps = [(slashes(old).rstrip("/"), without_links(new)) for old, new in places.maps]
        self._always = [Path.cwd().resolve(), beside]
        self._loose = (*self._opened, beside)
        self._strict = (self._always[0], *beside.parents)
        self._files: dict[str, tuple[str, ...]] = {}
        self._found: dict[str, Path] = {}
        self._withheld: dict[str, str] = {}

    def path(self, file: str) -> Path | None:
        """Where a file was found, None when it was not."""
        self.line(file, 1)
        return self._found.get(file)

    def line(self, file: str, line: int) -> str | None:
        """The text of a line (from 1) without its indentation, None when it is not found."""
        if file not in self._files:
            self._files[file] = self._read(file)
        lines = self._files[file]
        return lines[line - 1] if 0 < line <= len(lines) else None

    def withheld(self) -> tuple[str, ...]:
        """A line for each reason for which files that are there were not read."""
        by_reason: dict[str, list[str]] = {}
        for file, reason in sorted(self._withheld.items()):
            by_reason.setdefault(reason, []).append(shortened(_tidy(file), _NAME_TOLD))
        told = []
        for reason, files in sorted(by_reason.items()):
            names = ", ".join(files[:_NAMES_TOLD]) + (", ..." if len(files) > _NAMES_TOLD else "")
            count = f"{len(files)} source file{'s' * (len(files) > 1)}"
            told.append(
                f"text of {count} withheld, {reason} (--source-dir opens a folder): {names}"
            )
        return tuple(told)

    def _read(self, file: str) -> tuple[str, ...]:
        opened = self._opened or self._maps
        if not opened and PurePosixPath(file).suffix.lower() not in SUFFIXES:
            if not file.startswith("<"):  # <built-in> and the like
                self._withheld[file] = NO_SOURCE  # whether it is there or not
            return ()
        reasons = []
        for place in self._places(file):
            try:
                real = place.resolve(strict=True)
                text, reason = self._open(real)
            except (OSError, ValueError, RuntimeError):  # not there; NUL in a name; a loop of links
                continue
            if text is not None:
                self._found[file] = place
                return tuple(map(_tidy, text.split("\n")))
            reasons.append(reason)
        if reasons:
            self._withheld[file] = reasons[0]
        return ()

    def _places(self, file: str) -> Iterator[Path]:
        recorded = slashes(file)
        for old, new in self._maps:
            if recorded == old or recorded.startswith(old + "/"):
                yield new / recorded[len(old) :].lstrip("/")
        path = PurePosixPath(recorded)
        windows = is_windows(file)
        if path.is_absolute() and not windows:
            yield Path(path)
        parts = path.parts[1:] if path.is_absolute() or windows else path.parts
        if len(parts) > MOST_PARTS:
            return
        for folder in self._loose:
            for start in range(len(parts)):
                yield folder.joinpath(*parts[start:])
        if not path.is_absolute() and not windows:
            for folder in self._strict:
                yield folder / path

    def _open(self, real: Path) -> tuple[str | None, str]:
        """Text of a file by its path without links, or why it is withheld. Raises OSError."""
        opened = [*self._opened, *(new for _, new in self._maps)]
        reason = OUTSIDE
        for root in (*opened, *self._always):
            if not real.is_relative_to(root):
                continue
            below = real.relative_to(root).parts
            if any(part.startswith(".") for part in below):
                reason = HIDDEN
            elif root not in opened and real.suffix.lower() not in SUFFIXES:
                reason = NO_SOURCE
            else:
                text = _text_below(root, below)
                return text, NO_FILE
        return None, reason


def _text_below(root: Path, parts: Sequence[str]) -> str | None:
    """Text of a file, reached from ``root`` without following a link that came there meanwhile.

    None for what is not regular or too large. Raises OSError.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not hang us
    descriptor = os.open(root, flags)
    try:
        for part in parts:
            inner = os.open(part, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE:
            return None
        data = b""
        while chunk := os.read(descriptor, LARGEST_FILE + 1 - len(data)):
            data += chunk
        return None if len(data) > LARGEST_FILE else data.decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def _tidy(line: str) -> str:
    text = " ".join(line.split())
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
