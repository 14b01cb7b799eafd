"""Work in processes of its own: started afresh, deaf to Ctrl-C, gone with the one that asked."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from simcore.errors import McusimError
from simcore.interrupts import is_of_interrupt

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.process import BaseProcess

Item = TypeVar("Item")
Result = TypeVar("Result")


CPU_MAX = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of each period, or max


def processors() -> int:
    """Processors that this process may use: by its affinity and by what its container is given."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; PYTHON_CPU_COUNT is heard too
        usable = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):  # not on macOS
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count()
    usable = usable or 1  # None where the system does not tell
    return min(usable, _container_processors() or usable)


def _container_processors() -> int | None:
    """Processors' worth of time that the container has, rounded up; None without a limit."""
    try:
        quota, period = CPU_MAX.read_text(encoding="ascii").split()
        return None if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no container, or none of cgroup v2
        return None


def collect_seldom() -> None:
    """Look for unreachable cycles of this process, which is ours, after many more objects.

    A run makes some hundred thousand small objects that stay and hardly a cycle; looking as often
    as Python does by default takes a tenth of its time.
    """
    gc.set_threshold(*_SELDOM)


_SELDOM = 500_000, 10, 10
_CALLS = threading.Lock()
_before: list[tuple[int, int, int]] = []  # thresholds, one for each call that is under way


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Do so as long as a call is under way in a process that is another's; from any thread."""
    with _CALLS:
        _before.append(gc.get_threshold())
        if 0 < _before[0][0] < _SELDOM[0]:
            gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        with _CALLS:
            first = _before[0]
            _before.pop()
            if not _before and gc.get_threshold() == _SELDOM:
                gc.set_threshold(*first)


#: How often work is tried whose process is killed.
TRIES = 3
#: Seconds between two looks for an interrupt.
HEAR_S = 0.5


class LostWorkError(McusimError):
    """Work over which processes were lost again and again."""


class Pool:
    """Up to ``jobs`` processes for one round of work after another, started when there is some.

    They end with the body of its `with`: at once when it fails, is left or is interrupted, which is
    raised as an interrupt wherever it came. They also end with this process, even when it is
    killed. They are started afresh, not forked: a fork would hold the parent's pipes open, and the
    engine does not survive one.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._executor: ProcessPoolExecutor | None = None
        self._processes: set[BaseProcess] = set()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            self._close()
            return
        self._kill()
        if isinstance(error, RuntimeError) and is_of_interrupt(error):
            raise KeyboardInterrupt from error

    def run(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Future[Result]]]:
        """The number of each item with its future, which is done, in the order in which they end.

        Work whose process was killed is done again by others, the last time by itself: what ran
        beside is not to blame. The third time its future raises LostWorkError. Who leaves before
        the end, or is interrupted, kills the processes.
        """
        from concurrent.futures import Future
        from concurrent.futures.process import BrokenProcessPool

        left = list(range(len(items)))
        lost = [0] * len(items)
        while left:
            undone: list[int] = []
            tried = next(([number] for number in left if lost[number] == TRIES - 1), left)
            try:
                futures = self._submit(function, [items[number] for number in tried])
                number_of = dict(zip(futures, tried, strict=True))
                for future in _as_they_end(futures):
                    number = number_of[future]
                    if isinstance(future.exception(), BrokenProcessPool):
                        undone.append(number)
                    else:
                        yield number, future
            except BaseException:
                self._kill()
                raise
            if undone:
                self._close()
            left = sorted({*left} - {*tried} | {*undone})
            for number in sorted(undone)[: self._jobs + 1]:  # what may have run, and one ahead
                lost[number] += 1
            for number in [number for number in undone if lost[number] >= TRIES]:
                left.remove(number)
                given_up: Future[Result] = Future()
                given_up.set_exception(lost_work())
                yield number, given_up

    def _submit(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> list[Future[Result]]:
        """The futures of ``function`` for each item. One whose process is killed makes them raise
        BrokenProcessPool."""
        import multiprocessing
        from concurrent.futures import Future, ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self._jobs,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
            )
        others = set(multiprocessing.active_children()) - self._processes
        futures: list[Future[Result]] = []
        try:
            with _interrupts_held():
                for item in items:
                    try:
                        futures.append(self._executor.submit(function, item))
                    except BrokenProcessPool as error:  # one was killed meanwhile, or while idle
                        broken: Future[Result] = Future()
                        broken.set_exception(error)
                        futures.append(broken)
        finally:
            self._processes = set(multiprocessing.active_children()) - others
        return futures

    def _close(self) -> None:
        """End the processes when what they do is done; more work starts others."""
        executor, self._executor, self._processes = self._executor, None, set()
        if executor is not None:
            executor.shutdown()

    def _kill(self) -> None:
        """End the processes at once."""
        executor, self._executor = self._executor, None
        for process in self._processes:
            process.terminate()
        self._processes = set()
        if executor is not None:  # its thread, too: Python's own end stumbles over one that ends
            executor.shutdown(cancel_futures=True)


def _as_they_end(futures: Iterable[Future[Result]]) -> Iterator[Future[Result]]:
    """As `as_completed`, but for an interrupt that Python misses as it begins to wait: it is heard
    behind HEAR_S."""
    from concurrent.futures import as_completed

    left = set(futures)
    while left:
        with suppress(TimeoutError):
            for future in as_completed(left, HEAR_S):
                left.remove(future)
                yield future


def lost_work() -> LostWorkError:
    """The error of work that is given up."""
    return LostWorkError(
        f"processes were killed over it {TRIES} times (out of memory?); what is finished is kept"
    )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """A process that starts here does not hear SIGINT from its first moment on; one that comes
    meanwhile is heard behind it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it even when it is killed."""
    import multiprocessing

    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
