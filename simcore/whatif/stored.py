"""Outcomes of a what-if study in a store of results: what is there is not run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from simcore.plain import packed, unpacked
from simcore.run.options import NotedInput
from simcore.store.keys import part_content, run_key, spec_content
from simcore.store.rows import ResultRow, StoredRun, row_of
from simcore.whatif.configuration import Configuration
from simcore.whatif.results import Outcome

if TYPE_CHECKING:
    from simcore.store.database import ResultStore

KIND = "whatif"


class StoredOutcomes:
    """The outcomes of one study in a store.

    ``parts`` are a configuration of each part of the study, ``alone`` whether each configuration is
    executed by itself: both decide outcomes. What programs print is not kept.
    """

    def __init__(self, store: ResultStore, parts: Sequence[Configuration], alone: bool) -> None:
        self._store = store
        self._alone = alone
        self._parts = parts
        self._keys: dict[tuple[str, str], str | None] = {}

    def load(
        self, elf: str, configurations: Sequence[Configuration], options: Mapping[str, Any]
    ) -> dict[tuple[str, str], Outcome]:
        """Those outcomes of an execution that are there, by its file and the name of each."""
        first = configurations[0]
        for one in configurations:
            self._keys[elf, one.name] = self._key(elf, one, first, options)
        keys = [key for one in configurations if (key := self._keys[elf, one.name]) is not None]
        documents = self._store.get(keys)
        found = {}
        for one in configurations:
            document = documents.get(self._keys[elf, one.name] or "")
            outcome = None if document is None else unpacked(Outcome, document)
            if outcome is not None:
                named = replace(outcome.elf, name=PurePath(elf).name)
                found[elf, one.name] = replace(outcome, name=one.name, elf=named)
        return found

    def keep(
        self,
        elf: str,
        configurations: Sequence[Configuration],
        options: Mapping[str, Any],
        outcomes: Sequence[Outcome],
        stdin: object = None,
    ) -> None:
        """Keep the outcomes of an execution that nothing else decided."""
        if isinstance(stdin, NotedInput) and stdin.asked:
            return
        first = configurations[0]
        runs = []
        for one, outcome in zip(configurations, outcomes, strict=True):
            key = self._keys[elf, one.name]
            # The same key again: no file changed meanwhile.
            if key is None or self._key(elf, one, first, options) != key:
                continue
            if not outcome.exit.is_by_host:
                row = _row(elf, one, options, outcome)
                runs.append(StoredRun(key, KIND, (row,), written_outcome(outcome)))
        self._store.put(runs)

    def _key(
        self, elf: str, one: Configuration, first: Configuration, options: Mapping[str, Any]
    ) -> str | None:
        # What runs under several configurations takes its times from the first.
        timed_by = None if self._alone else spec_content(first.spec(elf, options))
        parts = [part_content(part) for part in self._parts] if len(self._parts) > 1 else []
        spec = one.spec(elf, options)
        return run_key(KIND, spec, timed_by=timed_by, parts=parts, alone=self._alone)


def _row(elf: str, one: Configuration, options: Mapping[str, Any], outcome: Outcome) -> ResultRow:
    return row_of(
        outcome.elf,
        outcome.cpu,
        outcome.exit,
        one.spec(elf, options),
        outcome,
        configuration=one.name,
        stack_bytes=outcome.stack_high_water_bytes,
    )


def written_outcome(outcome: Outcome) -> bytes:
    """An outcome as a store has it: without the change against another."""
    return packed(replace(outcome, change=None))
