"""Advice in a store of results: what is there is not found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from simcore.advisor.results import Advice
from simcore.files import sha256_of
from simcore.plain import packed, unpacked
from simcore.store.keys import run_key
from simcore.store.rows import StoredRun, profile_row

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.simulation.program import Program
    from simcore.store.database import ResultStore

KIND = "advise"


class StoredAdvice:
    """The advice of one command in a store.

    ``how`` is what is asked, as plain values, ``build`` the files that tell how the program was
    linked: both decide it beside the run. What the program prints is not kept.
    """

    def __init__(
        self,
        store: ResultStore,
        program: Program,
        path: str,
        how: Mapping[str, Any],
        build: Sequence[str],
    ) -> None:
        self._store = store
        self._spec = replace(program.spec, elf=path)
        self._how, self._build = dict(how), build
        self._key = self._found_key()

    def load(self) -> Advice | None:
        """The advice, if it is there."""
        document = None if self._key is None else self._store.get([self._key]).get(self._key)
        advice = None if document is None else unpacked(Advice, document)
        if advice is None:
            return None  # of a damaged store, too: it is found again, and replaced
        return replace(advice, elf=replace(advice.elf, name=PurePath(self._spec.elf).name))

    def forget(self) -> None:
        """Keep nothing: something else decided it."""
        self._key = None

    def keep(self, advice: Advice, linked: Profile, placed: Profile | None) -> None:
        """Keep advice with rows of the program as it is linked and under the advised placement,
        unless the host's time decided it or a file changed meanwhile."""
        key = self._key
        if key is None or advice.exit.is_by_host or self._found_key() != key:
            return
        rows = [profile_row(linked, self._spec)]
        if placed is not None:
            moves = tuple(f"{one.name}={one.region}" for one in advice.placement)
            rows.append(profile_row(placed, replace(self._spec, place=moves)))
        self._store.put([StoredRun(key, KIND, tuple(rows), packed(advice))])

    def _found_key(self) -> str | None:
        try:
            build = [sha256_of(name) for name in self._build]
        except OSError:
            return None
        return run_key(KIND, self._spec, how=self._how, build=build)
