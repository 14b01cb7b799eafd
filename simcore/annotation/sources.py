"""Lines of the source files that debug information names, as far as they are on this host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

LARGEST_FILE = 4 << 20  # bytes; what is larger was not written by people


class SourceFiles:
    """Finds files as recorded, then in ``folders``, beside the ELF, in the working folder.

    In ``folders`` and beside the ELF leading parts of the recorded path may be missing, as after
    a checkout to another place. The folders above the ELF's count with the whole recorded path.
    """

    def __init__(self, elf: str | Path, folders: Sequence[str | Path] = ()) -> None:
        beside = Path(elf).resolve().parent
        self._loose = (*map(Path, folders), beside)
        self._strict = (Path.cwd(), *beside.parents)
        self._files: dict[str, tuple[str, ...]] = {}
        self._found: dict[str, Path] = {}

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

    def _read(self, file: str) -> tuple[str, ...]:
        for place in self._places(PurePath(file)):
            try:
                # Names come from the ELF: a device or a pipe must not hang the command.
                if place.is_file() and place.stat().st_size <= LARGEST_FILE:
                    text = place.read_text("utf-8", "replace")
                    self._found[file] = place
                    return tuple(map(_tidy, text.split("\n")))
            except (OSError, ValueError):
                continue
        return ()

    def _places(self, file: PurePath) -> Iterator[Path]:
        if file.is_absolute():
            yield Path(file)
        parts = file.parts[1:] if file.is_absolute() else file.parts
        for folder in self._loose:
            for start in range(len(parts)):
                yield folder.joinpath(*parts[start:])
        if not file.is_absolute():
            for folder in self._strict:
                yield folder / file


def _tidy(line: str) -> str:
    text = " ".join(line.split())
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
