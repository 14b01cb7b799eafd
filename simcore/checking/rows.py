"""Rows that limits name: functions, operations, interrupts, tasks, by all that they are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from simcore.checking.limits import KINDS, Limit
from simcore.checking.timed_rows import names_of_interrupt, names_of_task
from simcore.comparison.names import noted_file, with_file
from simcore.comparison.operations import calls_of
from simcore.comparison.summary import FunctionSummary, Summary
from simcore.elf.names import matches, spellings, without_parameters
from simcore.errors import nearest


def row_spellings(kind: str, run: Summary, pattern: str = "") -> dict[str, Collection[str]]:
    """All that people may call each row of a kind that ran, by its name.

    A function whose name is without doubt has its file too, where ``pattern`` tells one: another of
    its name may have gone.
    """
    if kind == "function":
        note = noted_file(pattern)
        return {row.name: _of_function(row, note) for row in run.all_functions()}
    if kind == "op":
        names = {row.name: spellings(row.name, row.symbol, None) for row in run.ops}
        return names | {name: (name,) for name in calls_of(run.ops)}
    if kind == "irq":
        return {row.name: tuple(names_of_interrupt(row)) for row in run.interrupts or ()}
    return {row.name: tuple(names_of_task(row)) for row in run.tasks or ()}


def _of_function(row: FunctionSummary, note: str) -> Collection[str]:
    called = spellings(row.name, row.symbol, row.aliases)
    if not note or noted_file(row.name):
        return called
    return (*called, *filter(None, (with_file(name, row.file, note) for name in called)))


def in_rows(kind: str, pattern: str, run: Summary) -> list[str]:
    """Names of the rows of a run that a pattern matches."""
    fold = str.casefold if kind == "irq" else str
    return [
        name
        for name, called in row_spellings(kind, run, pattern).items()
        if matches([fold(one) for one in called], fold(pattern))
    ]


def unmatched(limit: Limit, runs: Sequence[Summary], known: Iterable[Summary]) -> str | None:
    """What is wrong with a limit for rows that none of these runs has and no baseline knows.

    None when one has them: what was there and is not any more is a limit that is broken.
    """
    if not limit.scope or any(in_rows(limit.kind, limit.row, run) for run in (*runs, *known)):
        return None
    what = KINDS[limit.kind][0].partition(" ")[2]
    names = [name for run in runs for name in row_spellings(limit.kind, run)]
    near = nearest(limit.row, dict.fromkeys(map(without_parameters, names)), most=3)
    none = "" if names else f"; no {what} ran at all"
    return (
        f"the limit {limit.text} is for the {what} '{limit.row}', and none that ran is{near}{none}"
    )
