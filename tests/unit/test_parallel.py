"""How many processors there are, by affinity, by the container, on systems that tell neither; work
of processes that are killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from simcore import parallel
from simcore.parallel import LostWorkError, Pool, processors


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A system with eight processors in no container that tells nothing else."""
    for name in ("process_cpu_count", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(parallel, "CPU_MAX", tmp_path / "cpu.max")
    return monkeypatch


def test_a_system_that_knows_no_affinity_has_all_its_processors(
    system: pytest.MonkeyPatch,
) -> None:
    assert processors() == 8
    system.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1


def test_the_affinity_counts_where_there_is_one(system: pytest.MonkeyPatch) -> None:
    system.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert processors() == 3
    system.setattr(os, "process_cpu_count", lambda: 2, raising=False)
    assert processors() == 2


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("100000 100000\n", 1),
        ("10000 100000\n", 1),
        ("6400000 100000\n", 8),
        ("", 8),
        ("nonsense\n", 8),
    ],
)
def test_the_quota_of_a_container_counts_rounded_up(
    system: pytest.MonkeyPatch, tmp_path: Path, limit: str, expected: int
) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    assert processors() == expected


def _die_once(told: tuple[str, int]) -> int:
    """Kill this process at the first call for a number; from the second on return it."""
    folder, number = told
    mark = Path(folder, str(number))
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _die(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_work_of_a_killed_process_is_done_again(tmp_path: Path) -> None:
    items = [(str(tmp_path), number) for number in range(5)]
    with Pool(2) as pool:
        results = {number: future.result() for number, future in pool.run(_die_once, items)}
    assert results == {number: number for number in range(5)}


def test_work_that_kills_processes_is_given_up_and_the_rest_is_done() -> None:
    with Pool(2) as pool:
        done = dict(pool.run(_die, range(4)))
    assert {n: future.result() for n, future in done.items() if n != 1} == {0: 0, 2: 2, 3: 3}
    with pytest.raises(LostWorkError, match="killed over it 3 times"):
        done[1].result()


def _die_beside_others(number: int) -> int:
    """As _die, while the others still work."""
    if number != 1:
        time.sleep(1)
    return _die(number)


def test_work_beside_what_kills_processes_is_not_given_up() -> None:
    with Pool(2) as pool:
        done = dict(pool.run(_die_beside_others, range(3)))
    assert [done[number].result() for number in (0, 2)] == [0, 2]
    with pytest.raises(LostWorkError, match="killed over it 3 times"):
        done[1].result()


def _own_id(_: int) -> int:
    return os.getpid()


def test_processes_stay_for_the_next_round_and_one_killed_between_is_replaced() -> None:
    with Pool(1) as pool:
        rounds = [[future.result() for _, future in pool.run(_own_id, range(2))] for _ in range(2)]
        ((one,), (same,)) = map(set, rounds)
        assert one == same != os.getpid()
        os.kill(one, signal.SIGKILL)
        (other,) = {future.result() for _, future in pool.run(_own_id, range(3))}
        assert other != one
        for _ in pool.run(_own_id, range(2)):
            break  # who leaves ends them
        with pytest.raises(ProcessLookupError):
            wait_until_gone(other)


def test_an_interrupt_in_the_middle_of_a_lock_is_an_interrupt() -> None:
    lock = threading.Lock()

    def interrupted() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            lock.release()  # as a Condition does whose wait was interrupted at its first step

    with pytest.raises(KeyboardInterrupt), Pool(1):
        interrupted()
    with pytest.raises(RuntimeError, match="unlocked"), Pool(1):
        lock.release()


def test_nothing_of_a_killed_pool_runs_on() -> None:
    before = set(threading.enumerate())

    def left() -> None:
        with Pool(2) as pool:
            work = pool.run(time.sleep, [0, 600, 600])
            assert next(work)[0] == 0
            assert set(threading.enumerate()) > before
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        left()
    assert set(threading.enumerate()) == before


def test_many_looks_for_an_interrupt_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "HEAR_S", 0.01)
    with Pool(2) as pool:
        numbers = [number for number, _ in pool.run(time.sleep, [0.2, 0, 0.1, 0, 0.3])]
    assert sorted(numbers) == [0, 1, 2, 3, 4]


def wait_until_gone(process: int) -> None:
    """Until a process is there no more; a child that ended is, until it is waited for."""
    import multiprocessing

    for _ in range(60_000):
        multiprocessing.active_children()  # waits for those that ended
        os.kill(process, 0)
        time.sleep(0.01)
