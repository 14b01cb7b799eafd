"""The history of checks: a file with a line for each commit, as `check --history FILE` appends it.

JSON Lines, so that two branches that both add a line merge, and a line that is there stays as it
is. A line holds what the trend of each run is drawn from; a commit that is checked again has one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from simcore import __version__
from simcore.checking.blame import cycles_by_function
from simcore.checking.documents import merge_mark, read_text
from simcore.comparison.metrics import METRICS
from simcore.comparison.summary import Summary
from simcore.costs.profile import one_line
from simcore.errors import ConfigError
from simcore.files import locked, replace_file
from simcore.plain import Count, from_plain, schema_name, to_plain
from simcore.repository import Commit

SCHEMA = "mcusim.history/1"
MOST_FUNCTIONS = 48  # of a run, the dearest


@dataclass(frozen=True, slots=True)
class HistoryRun:
    """A run of one commit."""

    cpu: str | None
    clock_hz: Count | None
    metrics: dict[str, float]
    """Those of a check that are known, by name and in its units: s, J, bytes."""
    causes: dict[str, Count]
    """Cycles by cause."""
    functions: dict[str, Count]
    """Cycles of those that cost most, with what they spent in others from outside of the
    repository."""
    told: tuple[str, ...] = ()
    """What a report says of it against its baseline."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A line: a commit and its runs by name."""

    schema: Annotated[str, schema_name(SCHEMA)]
    mcusim: str
    commit: Commit
    runs: dict[str, HistoryRun]


def new_entry(commit: Commit, summaries: Mapping[str, Summary]) -> HistoryEntry:
    """What a history keeps of these runs."""
    runs = {name: _run(summary) for name, summary in sorted(summaries.items())}
    return HistoryEntry(SCHEMA, __version__, commit, runs)


def _run(summary: Summary) -> HistoryRun:
    metrics = {metric.name: metric.of(summary.metrics) for metric in METRICS}
    functions = sorted(cycles_by_function(summary).items(), key=lambda item: (-item[1], item[0]))
    return HistoryRun(
        cpu=summary.cpu.name,
        clock_hz=summary.cpu.clock_hz,
        metrics={name: value for name, value in metrics.items() if value is not None},
        causes={cause: n for cause, n in summary.metrics.cycles_by_cause.items() if n},
        functions=dict(functions[:MOST_FUNCTIONS]),
    )


def append(path: Path, entry: HistoryEntry) -> None:
    """Add the entry to a history, in place of one of the same commit at its end.

    Two checks of one commit at a time keep the runs of both. Raises ConfigError when the file
    cannot be written, or is none of mcusim's.
    """
    try:
        with locked(path.parent):
            old = read_history(path) if path.exists() else []
            if old and old[-1].commit == entry.commit:
                entry = replace(entry, runs=dict(sorted({**old[-1].runs, **entry.runs}.items())))
                old = old[:-1]
            text = "".join(
                f"{json.dumps(to_plain(one), allow_nan=False)}\n" for one in [*old, entry]
            )
            replace_file(path, text.encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot write the history: {error.strerror}") from None


def read_history(path: Path) -> list[HistoryEntry]:
    """The entries of a history, the oldest first. Raises ConfigError."""
    entries: list[HistoryEntry] = []
    for number, plain in read_lines(path):
        if plain.get("schema") != SCHEMA:
            raise ConfigError(f"{path}: line {number} is none of schema '{SCHEMA}'")
        try:
            entries.append(from_plain(HistoryEntry, plain))
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: line {number} is corrupt: {one_line(error)}") from None
    return entries


def read_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a JSON Lines file by the number of their line. Raises ConfigError."""
    try:
        text = read_text(path, "cannot be read", most=1 << 28)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if (mark := merge_mark(text)) is not None:
        raise ConfigError(f"{path}: line {mark} is a mark of a merge: keep the lines of both")
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            plain = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: line {number} is no JSON: {one_line(error)}") from None
        if not isinstance(plain, dict):
            raise ConfigError(f"{path}: line {number} is no JSON object")
        found.append((number, plain))
    return found
