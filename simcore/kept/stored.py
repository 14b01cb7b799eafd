"""Profiles in a store of results: read back by content, or made and kept there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from simcore.cache import Room
from simcore.kept.profiles import (
    MOST_JSON,
    NO_DOCUMENT,
    FoundRun,
    Kept,
    OutputSink,
    PrintedOutput,
    read_run,
    written_run,
)
from simcore.run.options import NotedInput
from simcore.run.spec import RunSpec
from simcore.store.keys import run_key
from simcore.store.rows import StoredRun, profile_row

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.simulation.simulation import Simulation
    from simcore.store.database import ResultStore

KIND = "profile"


class StoredProfiles:
    """Runs of one command, in a store and behind it in the cache.

    ``unstored`` are lines on runs that are nothing that a store holds.
    """

    def __init__(self, kept: Kept, store: ResultStore) -> None:
        self._kept = kept
        self._store = store
        self.unstored: list[str] = []

    def profile(
        self,
        spec: RunSpec,
        *,
        stdin: Any,
        stdout: OutputSink,
        log: Callable[[str], None] | None = None,
        inspect: Callable[[Simulation], None] | None = None,
        **streams: Any,
    ) -> Profile:
        """As :meth:`simcore.kept.profiles.Kept.profile`, which makes what the store has not."""
        key = run_key(KIND, spec, self._kept.room)
        if inspect is None and key is not None and (found := self._load(key, spec)) is not None:
            self._kept.read_back += 1
            stdout.write(found.printed)
            stdout.flush()
            if log is not None:
                log(f"read from {self._store.name}")
            return found.profile
        noted, console = NotedInput(stdin), PrintedOutput(stdout)
        result = self._kept.profile(
            spec, stdin=noted, stdout=console, log=log, inspect=inspect, **streams
        )
        why = self._why_not(key, result, noted, console)
        if why is None and run_key(KIND, spec, self._kept.room) != key:
            why = "a file of it changed meanwhile"
        if why is None and key is not None and console.printed is not None:
            why = self._keep(key, spec, FoundRun(result, bytes(console.printed), ()))
        if why is not None:
            where = f"{result.elf.name} on {result.cpu.name}"
            self.unstored.append(f"{where} is not kept in {self._store.name}: {why}")
        return result

    def _why_not(
        self, key: str | None, result: Profile, noted: NotedInput, console: PrintedOutput
    ) -> str | None:
        """Why a run is nothing that a store holds; None when it is."""
        if key is None:
            return "it reads or writes something that its key does not hold"
        if result.exit.is_by_host:
            return "it was ended by the host's time"
        if noted.asked:
            return "it asked for standard input"
        return "it printed too much" if console.printed is None else None

    def _keep(self, key: str, spec: RunSpec, run: FoundRun) -> str | None:
        return _keep(self._store, key, spec, run)

    def _load(self, key: str, spec: RunSpec) -> FoundRun | None:
        return _load(self._store, key, spec)


class CheckedRuns:
    """Runs of a check in a store: those of 'mcusim profile' with the same tables are the same."""

    def __init__(self, store: ResultStore, room: Room) -> None:
        self._store = store
        self._room = room
        self._keys: dict[RunSpec, str] = {}

    def load(self, spec: RunSpec) -> tuple[Profile, bytes] | None:
        """The profile of a run and what it printed, if they are there."""
        key = run_key(KIND, spec, self._room)
        if key is None:
            return None
        self._keys[spec] = key
        found = _load(self._store, key, spec)
        return None if found is None else (found.profile, found.printed)

    def keep(self, spec: RunSpec, profile: Profile, printed: bytes) -> None:
        """Keep a run that was looked for and not found, unless a file of it changed meanwhile."""
        key = run_key(KIND, spec, self._room)
        if key is not None and self._keys.get(spec) == key:
            _keep(self._store, key, spec, FoundRun(profile, printed, ()))


def _keep(store: ResultStore, key: str, spec: RunSpec, run: FoundRun) -> str | None:
    """Keep a run; why it was not."""
    document = written_run(run, spec)
    if len(document) > MOST_JSON:
        return "its tables are too large"
    store.put([StoredRun(key, KIND, (profile_row(run.profile, spec),), document)])
    return None


def _load(store: ResultStore, key: str, spec: RunSpec) -> FoundRun | None:
    """What a store has of a run; None when it has to run."""
    document = store.get([key]).get(key)
    try:
        found = None if document is None else read_run(document, spec)
    except NO_DOCUMENT:
        return None  # it runs, and is replaced
    if found is None:
        return None
    elf = replace(found.profile.elf, name=PurePath(spec.elf).name)  # what it is called here
    return replace(found, profile=replace(found.profile, elf=elf))
