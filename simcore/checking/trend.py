"""What changed from commit to commit, from a history of checks or from their JSON Lines reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from simcore.checking.history import (
    MOST_FUNCTIONS,
    SCHEMA,
    HistoryEntry,
    HistoryRun,
    read_history,
    read_lines,
)
from simcore.comparison.metrics import METRICS
from simcore.errors import ConfigError, nearest
from simcore.repository import Commit

MOST_MOVED = 4  # functions, and causes, that are told of a step


@dataclass(frozen=True, slots=True)
class TrendStep:
    """A check: what was checked and its runs by name."""

    label: str
    commit: Commit
    runs: dict[str, HistoryRun]


@dataclass(frozen=True, slots=True)
class RunChange:
    """What became of a run from the step before that has it; ``step`` counts from 0."""

    step: int
    run: str
    status: str  # same, added, removed
    metrics: tuple[tuple[str, float, float], ...] = ()  # name, before, after; those that changed
    functions: tuple[tuple[str, int], ...] = ()  # cycles that each takes more, the largest first
    causes: tuple[tuple[str, int], ...] = ()
    told: tuple[str, ...] = ()
    elsewhere: str | None = None  # another part or clock: not comparable


def read_steps(paths: Iterable[str], run: str | None = None) -> list[TrendStep]:
    """The steps of histories and of reports of checks, in their order; of runs that match.

    Raises ConfigError for what is neither, without any step, and for a pattern that matches none.
    """
    steps: list[TrendStep] = []
    for path in paths:
        file = Path(path)
        lines = read_lines(file)
        if lines and lines[0][1].get("schema") == SCHEMA:
            steps += [_of_entry(entry) for entry in read_history(file)]
        elif lines and lines[0][1].get("type") in ("run", "check"):
            steps += _of_report(file, [plain for _, plain in lines])
        else:
            raise ConfigError(
                f"{path}: no history and no report of a check: write one with 'mcusim check"
                " --history FILE' or --report jsonl=FILE"
            )
    if run is not None:
        names = dict.fromkeys(name for step in steps for name in step.runs)
        if not any(fnmatchcase(name, run) for name in names):
            raise ConfigError(f"no run is named '{run}'{nearest(run, names)}")
        steps = [
            TrendStep(s.label, s.commit, {n: r for n, r in s.runs.items() if fnmatchcase(n, run)})
            for s in steps
        ]
    return steps


def run_changes(steps: Sequence[TrendStep]) -> list[RunChange]:
    """What changed of every run at every step, the oldest first; nothing of a run that stayed."""
    last: dict[str, HistoryRun] = {}
    found = []
    for number, step in enumerate(steps):
        for name, run in step.runs.items():
            before = last.get(name)
            if before is None:
                if number:
                    found.append(RunChange(number, name, "added", told=run.told))
            elif change := _change(number, name, before, run):
                found.append(change)
        for name in [name for name in last if name not in step.runs]:
            found.append(RunChange(number, name, "removed"))
            del last[name]
        last |= step.runs
    return found


def _change(number: int, name: str, before: HistoryRun, after: HistoryRun) -> RunChange | None:
    if (before.cpu, before.clock_hz) != (after.cpu, after.clock_hz):
        elsewhere = f"{before.cpu} at {before.clock_hz} Hz before"
        return RunChange(number, name, "same", elsewhere=elsewhere)
    metrics = tuple(
        (metric.name, before.metrics[metric.name], after.metrics[metric.name])
        for metric in METRICS
        if metric.name in before.metrics
        and metric.name in after.metrics
        and before.metrics[metric.name] != after.metrics[metric.name]
    )
    if not metrics:
        return None
    return RunChange(
        number,
        name,
        "same",
        metrics,
        _moved(before.functions, after.functions),
        _moved(before.causes, after.causes),
        after.told,
    )


def _moved(before: dict[str, int], after: dict[str, int]) -> tuple[tuple[str, int], ...]:
    # What a history left out of many functions costs no more than the cheapest that it has.
    sides = (before, after)
    floors = [min(one.values()) if len(one) >= MOST_FUNCTIONS else 0 for one in sides]
    names = [
        name
        for name in dict.fromkeys((*after, *before))
        if all(
            name in one or other[name] > floor
            for one, other, floor in zip(sides, sides[::-1], floors, strict=True)
        )
    ]
    moved = [(name, after.get(name, 0) - before.get(name, 0)) for name in names]
    changed = sorted((item for item in moved if item[1]), key=lambda item: (-abs(item[1]), item[0]))
    return tuple(changed[:MOST_MOVED])


def _of_entry(entry: HistoryEntry) -> TrendStep:
    commit = entry.commit
    label = "not committed" if commit.id is None else commit.id[:9]
    return TrendStep(f"{label}{' + changes' if commit.changed else ''}", commit, entry.runs)


def _of_report(file: Path, lines: Sequence[dict[str, Any]]) -> list[TrendStep]:
    """Reports of one file, one behind another: each ends with the line of the check."""
    several = sum(line.get("type") == "check" for line in lines) > 1
    steps: list[TrendStep] = []
    runs: dict[str, HistoryRun] = {}
    nowhere = Commit(None, None, None)
    for number, line in enumerate(lines, 1):
        try:
            if line["type"] == "run":
                run = _of_line(line)
                if run is not None:
                    runs[str(line["name"])] = run
                continue
        except (LookupError, TypeError, ValueError, AttributeError):
            raise ConfigError(f"{file}: line {number} is no run of a check") from None
        label = f"{file.stem} {len(steps) + 1}" if several else file.stem
        steps.append(TrendStep(label, nowhere, runs))
        runs = {}
    return steps


def _of_line(line: dict[str, Any]) -> HistoryRun | None:
    """A run of a report, None of one that did not end well."""
    metrics = {
        str(value["metric"]): float(value["after"])
        for value in line["values"]
        if value["kind"] == "total" and value["after"] is not None
    }
    cpu = line.get("cpu") or {}
    told = tuple(
        f"{reason['function']} {int(reason['cycles_difference']):+,} cycles"
        for reason in line["reasons"][:MOST_MOVED]
    )
    causes = {
        name.partition(".")[2]: round(value)
        for name, value in metrics.items()
        if name.startswith("cycles.")
    }
    if not metrics:
        return None
    return HistoryRun(cpu.get("name"), cpu.get("clock_hz"), metrics, causes, {}, told)
