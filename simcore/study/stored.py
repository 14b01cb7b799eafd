"""Runs of a study in a store of results, beside the folder of the study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Self

from simcore.plain import RecordError
from simcore.store.rows import AS_LINKED, ResultRow, StoredRun
from simcore.store.writer import StoreWriter
from simcore.study.tasks import OpRun, Run, Task, run_from_plain, run_to_plain

if TYPE_CHECKING:
    from simcore.run.setup import Move
    from simcore.store.database import ResultStore

KIND = "study"


class StoredRuns:
    """The runs of tasks in a store, all of them there when its block ends; without a store it holds
    nothing and keeps nothing."""

    def __init__(self, store: ResultStore | None) -> None:
        self._store = store
        self._writer = StoreWriter(store)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.__exit__(*error)

    def load(self, tasks: Sequence[Task]) -> dict[str, Run]:
        """The results of those tasks that have one, by key."""
        if self._store is None:
            return {}
        documents = self._store.get(list(dict.fromkeys(task.key for task in tasks)))
        found = {}
        for key, document in documents.items():
            try:
                found[key] = run_from_plain(json.loads(document))
            except (ValueError, RecursionError, RecordError):
                continue  # it runs again, and is replaced
        return found

    def keep(self, task: Task, run: Run) -> None:
        """Keep a result soon."""
        if self._store is not None:
            self._writer.keep(_stored(task, run))


def _stored(task: Task, run: Run) -> StoredRun:
    document = json.dumps(run_to_plain(run), separators=(",", ":"), allow_nan=False).encode()
    rows = [
        _row(task, run, moves, timing)
        for moves, timing in zip(task.moves, run.timings, strict=True)
    ]
    return StoredRun(task.key, KIND, tuple(rows), document)


def _row(task: Task, run: Run, moves: Sequence[Move], timing: Sequence[OpRun]) -> ResultRow:
    """The operations of a run in one placement, as one row."""
    network = task.network
    cycles = sum(op.cycles for op in timing)
    time_s, energy_j = cycles / run.clock_hz, sum(op.energy_j for op in timing)
    placed = ", ".join(f"{move.start:#x}[:{move.size}]={move.to:#x}" for move in moves)
    return ResultRow(
        program=PurePath(task.elf).name if network is None else network.name,
        program_sha256=task.elf_sha256 if network is None else network.sha256,
        args=json.dumps(task.args),
        part=PurePath(task.cpu).stem,
        model_sha256=task.model_sha256,
        clock_hz=run.clock_hz,
        voltage_scale=run.voltage_scale,
        configuration=placed or AS_LINKED,
        end="exit",
        told=json.dumps({} if task.layers is None else {"layers": task.layers}),
        instructions=sum(op.instructions for op in timing),
        cycles=cycles,
        active_cycles=cycles,
        time_s=time_s,
        energy_j=energy_j,
        energy_low_j=sum(op.energy_low_j for op in timing),
        energy_high_j=sum(op.energy_high_j for op in timing),
        power_w=energy_j / time_s if time_s else None,
        macs=sum(op.macs for op in timing),
    )
