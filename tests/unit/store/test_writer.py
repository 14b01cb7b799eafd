"""Results that a thread writes: all of them, many at a time, and errors are not lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from simcore.errors import ConfigError
from simcore.store.rows import StoredRun
from simcore.store.writer import StoreWriter


class Slow:
    """A store whose first write waits until it is told."""

    def __init__(self) -> None:
        self.written: list[list[str]] = []
        self.go = threading.Event()
        self.began = threading.Event()

    def put(self, runs: Sequence[StoredRun]) -> None:
        self.began.set()
        self.go.wait(60)
        self.written.append([run.key for run in runs])


class Broken:
    def put(self, runs: Sequence[StoredRun]) -> None:
        raise ConfigError("runs.db: the store is write-protected")


def run(key: str) -> StoredRun:
    return StoredRun(key, "sweep", (), b"")


def test_what_comes_during_a_write_is_the_next_one() -> None:
    store: Any = Slow()
    with StoreWriter(store) as writer:
        writer.keep(run("a"))
        assert store.began.wait(60)
        for key in "bcd":
            writer.keep(run(key))
        store.go.set()
    assert store.written == [["a"], ["b", "c", "d"]]


def test_an_error_of_the_store_ends_the_block() -> None:
    store: Any = Broken()
    with pytest.raises(ConfigError, match="write-protected"), StoreWriter(store) as writer:
        writer.keep(run("a"))


def test_without_a_store_nothing_is_kept() -> None:
    with StoreWriter(None) as writer:
        writer.keep(run("a"))
