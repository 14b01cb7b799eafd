"""Keeps results as they come without holding up who makes them: a thread writes what waits.

All that came while one transaction was written is the next: no result waits longer than that takes.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from simcore.store.database import ResultStore
    from simcore.store.rows import StoredRun


class StoreWriter:
    """Writes to a store until its block ends, when all is there; without a store nothing is kept.

    What the store raises comes with the next result, or at the end.
    """

    def __init__(self, store: ResultStore | None) -> None:
        self._store = store
        self._waiting: list[StoredRun] = []
        self._changed = threading.Condition()
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write, name="mcusim-store", daemon=True)

    def __enter__(self) -> Self:
        if self._store is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is None:
            return
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()
        self._raise()

    def keep(self, run: StoredRun) -> None:
        """Keep a run soon. Raises what writing others raised."""
        if self._store is None:
            return
        self._raise()
        with self._changed:
            self._waiting.append(run)
            self._changed.notify()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _write(self) -> None:
        assert self._store is not None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            try:
                self._store.put(waiting)
            except Exception as error:
                self._error = error
                return
