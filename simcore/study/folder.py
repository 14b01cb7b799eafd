"""The folder of a study: its finished runs, its documents, and a word on whose folder it is."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from simcore.errors import ConfigError
from simcore.files import UNFINISHED, kind_of
from simcore.study.store import Store, write_file

SCHEMA = "mcusim.study-folder/1"
MANIFEST = "study.json"
RUNS = "runs"


class StudyFolder:
    """An open folder of one study; see :func:`open_folder`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = Store(path / RUNS)

    def write(self, name: str, data: bytes) -> Path:
        """Write a document; folders in its name are made. Raises ConfigError."""
        target = self.path / name
        _make(target.parent)
        write_file(target, data)
        return target


@contextmanager
def open_folder(path: str, study: str, parts: Sequence[str]) -> Iterator[StudyFolder]:
    """The folder of a study of these parts, made when it is not there, for this process alone.

    Raises ConfigError when it is not writable, in use, holds something else, or the study of other
    parts.
    """
    folder = Path(path)
    is_new = not kind_of(folder)
    _make(folder)
    manifest = folder / MANIFEST
    _refuse_others(folder, manifest, study, parts)
    _make(folder / RUNS)
    if not os.access(folder, os.W_OK | os.X_OK) or not os.access(folder / RUNS, os.W_OK | os.X_OK):
        raise ConfigError(f"{folder}: the folder is write-protected; choose another with -o")
    content = {"schema": SCHEMA, "study": study, "parts": list(parts)}
    write_file(manifest, (json.dumps(content, indent=1) + "\n").encode())
    with (folder / RUNS).joinpath(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a killed process lets it go
        except OSError:
            raise ConfigError(f"{folder}: another mcusim study is running there") from None
        try:
            yield StudyFolder(folder)
        except BaseException:
            if is_new:
                _take_away(folder)
            raise


def _take_away(folder: Path) -> None:
    """Remove the folder of a study that failed before anything was kept in it."""
    with suppress(OSError):  # it holds something, or cannot be removed
        if not any(entry.suffix == ".json" for entry in (folder / RUNS).iterdir()):
            (folder / RUNS / ".lock").unlink()
            (folder / RUNS).rmdir()
            (folder / MANIFEST).unlink()
            folder.rmdir()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ConfigError(f"{folder}: it is a file; -o names a folder") from None
    except OSError as error:
        raise ConfigError(f"{folder}: cannot make the folder: {error.strerror}") from None


def _refuse_others(folder: Path, manifest: Path, study: str, parts: Sequence[str]) -> None:
    try:
        plain = json.loads(manifest.read_bytes())
        if plain["schema"] != SCHEMA:
            raise ValueError
        found = str(plain["study"]), [str(part) for part in plain["parts"]]
    except FileNotFoundError:
        if any(not entry.name.startswith(UNFINISHED) for entry in folder.iterdir()):
            raise ConfigError(
                f"{folder}: the folder is not empty and holds no study; choose another with -o"
            ) from None
        return
    except OSError as error:
        raise ConfigError(f"{manifest}: cannot read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigError(
            f"{manifest}: not the file of a study of this mcusim; choose another folder with -o"
        ) from None
    if found != (study, list(parts)):
        raise ConfigError(
            f"{folder}: it holds 'study {found[0]} --cpu {','.join(found[1])}'; choose another"
            " folder with -o"
        )
