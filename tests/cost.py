"""What work costs, told in a way that a busy machine does not change.

CPU time of this thread, never the clock on the wall, and always as a multiple of other work that is
measured beside it in this process: a slow or a shared processor slows both. Where there is
something to count, count that instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from struct import pack, unpack


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def cpu_ratio(work: Callable[[], object], reference: Callable[[], object]) -> float:
    """How many times the CPU time of `reference` `work` takes: the best of three each, in turn."""
    pairs = [(cpu_seconds(work), cpu_seconds(reference)) for _ in range(3)]
    return min(of_work for of_work, _ in pairs) / min(of_reference for _, of_reference in pairs)


def standard_work() -> None:
    """A fixed piece of plain Python, some ten milliseconds of a processor of 2020."""
    table = {}
    for number in range(16_000):
        table[number * 0x9E3779B1 & 0xFFFF_FFFF] = unpack("<HBB", pack("<I", number))
    sorted(table)


def standard_seconds() -> float:
    return min(cpu_seconds(standard_work) for _ in range(5))


_first_seconds = cache(standard_seconds)


@contextmanager
def costs_at_most(times: float) -> Iterator[None]:
    """The body may take so many times the CPU time of standard_work()."""
    start = time.thread_time()
    yield
    spent = time.thread_time() - start
    if spent > times * _first_seconds():  # the processor may be slower now than it was then
        assert spent <= times * standard_seconds()
