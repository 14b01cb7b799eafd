"""Runs the tasks of a study that have no result yet, on all cores; what is finished stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from simcore.errors import McusimError
from simcore.parallel import LostWorkError
from simcore.study.store import Store
from simcore.study.stored import StoredRuns
from simcore.study.tasks import Run, Task, execute
from simcore.workers import Workers

if TYPE_CHECKING:
    from simcore.store.database import ResultStore


def run_tasks(
    tasks: Sequence[Task],
    store: Store,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    shelf: ResultStore | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Run]:
    """The result of every task, in their order; results that ``store`` holds are not made again.

    Nor are those that ``shelf`` holds, a store of results; what is not there yet is kept there.

    ``jobs`` processes run at once (one per core when None), or the workers of a Dask ``scheduler``.
    ``progress`` is called with the number of results whenever there are more. The first failure
    ends the rest: what was finished is kept.
    Raises what :func:`simcore.study.tasks.execute` raises, and McusimError for work that is lost.
    """
    store.clean()
    results: dict[str, Run | None] = {task.key: store.load(task) for task in tasks}
    with StoredRuns(shelf) as stored:
        if shelf is not None:
            there = stored.load(tasks)
            for key, task in {task.key: task for task in tasks}.items():
                if key not in there and (run := results[key]) is not None:
                    stored.keep(task, run)
            results = {key: run or there.get(key) for key, run in results.items()}
        missing = list({task.key: task for task in tasks if results[task.key] is None}.values())
        done = sum(results[task.key] is not None for task in tasks)
        if progress is not None:
            progress(done)
        uses = [task.key for task in tasks]
        for task, made in _execute_all(missing, store, Workers(jobs, scheduler)):
            results[task.key] = made
            stored.keep(task, made)
            done += uses.count(task.key)
            if progress is not None:
                progress(done)
    return [run for task in tasks if (run := results[task.key]) is not None]


def _execute_all(
    tasks: Sequence[Task], store: Store, workers: Workers
) -> Iterator[tuple[Task, Run]]:
    """Each task with its result, as they are ready and in the store."""
    if workers.is_here(len(tasks)):
        for task in tasks:
            yield task, _execute_and_keep(store.folder, task)
        return
    is_elsewhere = workers.scheduler is not None  # where they see no folder of ours
    function = execute if is_elsewhere else partial(_execute_and_keep, store.folder)
    for number, future in workers.run(function, tasks, Task.files):
        task = tasks[number]
        try:
            run = future.result()
        except LostWorkError as error:
            raise McusimError(f"{task.command}: {error}: run the same command again") from None
        if is_elsewhere:
            store.save(task, run)
        yield task, run


def _execute_and_keep(folder: Path, task: Task) -> Run:
    run = execute(task)
    Store(folder).save(task, run)
    return run
