"""Runs the tasks of a study that have no result yet, on all cores; what is finished stays."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from simcore.errors import McusimError
from simcore.study.store import Store
from simcore.study.tasks import Run, Task, execute


def run_tasks(
    tasks: Sequence[Task],
    store: Store,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Run]:
    """The result of every task, in their order; results that ``store`` holds are not made again.

    ``jobs`` processes run at once (one per core when None). ``progress`` is called with the number
    of results whenever there are more. The first failure ends the rest: what was finished is kept.
    Raises what :func:`simcore.study.tasks.execute` raises, and McusimError for a killed process.
    """
    store.clean()
    results: dict[str, Run | None] = {task.key: store.load(task) for task in tasks}
    missing = list({task.key: task for task in tasks if results[task.key] is None}.values())
    done = sum(results[task.key] is not None for task in tasks)
    if progress is not None:
        progress(done)
    uses = [task.key for task in tasks]
    for task, made in _execute_all(missing, store, jobs or os.cpu_count() or 1):
        results[task.key] = made
        done += uses.count(task.key)
        if progress is not None:
            progress(done)
    return [run for task in tasks if (run := results[task.key]) is not None]


def _execute_all(tasks: Sequence[Task], store: Store, jobs: int) -> Iterator[tuple[Task, Run]]:
    """Each task with its result, as they are ready and in the store."""
    if jobs == 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, _execute_and_keep(task, store.folder)
        return
    with _executor(min(jobs, len(tasks))) as executor:
        futures: dict[Future[Run], Task] = {
            executor.submit(_execute_and_keep, task, store.folder): task for task in tasks
        }
        while futures:
            finished, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in finished:
                task = futures.pop(future)
                try:
                    run = future.result()
                except BrokenProcessPool:
                    raise McusimError(
                        "a process of the study was killed (out of memory?); what is finished is"
                        " kept: run the same command again"
                    ) from None
                yield task, run


@contextmanager
def _executor(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end at once when the body fails or is interrupted, and with this process.

    They are started afresh, not forked: a fork would hold the parent's pipes open and outlive it.
    """
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    executor.shutdown()


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it even when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _execute_and_keep(task: Task, folder: Path) -> Run:
    run = execute(task)
    Store(folder).save(task, run)
    return run
