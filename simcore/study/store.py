"""Finished runs of a study on disk, a file each, named by the hash of what decides the result.

A file is written beside its name and renamed, so it is whole or not there, whoever is killed when.
A file that does not say what it should counts as not there: its task runs again.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from simcore.errors import ConfigError
from simcore.files import remove_abandoned, replace_file
from simcore.plain import RecordError
from simcore.study.tasks import SCHEMA, Run, Task, run_from_plain, run_to_plain


class Store:
    """The folder of finished runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, task: Task) -> Path:
        """Where the result of a task lies."""
        return self.folder / f"{task.key}.json"

    def load(self, task: Task) -> Run | None:
        """The result of a task; None when it has none that can be read and trusted."""
        try:
            plain = json.loads(self.path(task).read_bytes())
            run = plain["run"]
            if plain["schema"] != SCHEMA or plain["sha256"] != _digest(run):
                return None
            return run_from_plain(run)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, RecordError):
            return None

    def save(self, task: Task, run: Run) -> None:
        """Keep a result. Raises ConfigError when the folder is not writable."""
        plain = run_to_plain(run)
        content = {
            "schema": SCHEMA,
            "command": task.command,
            "sha256": _digest(plain),
            "run": plain,
        }
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        write_file(self.path(task), text.encode())

    def clean(self) -> None:
        """Remove what a killed study left half-written."""
        with suppress(OSError):
            remove_abandoned(self.folder)


def write_file(path: Path, data: bytes) -> None:
    """Write a file beside its name and rename it. Raises ConfigError."""
    try:
        replace_file(path, data)
    except OSError as error:
        raise ConfigError(f"{path}: cannot write: {error.strerror}") from None


def _digest(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
