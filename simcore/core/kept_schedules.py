"""Where schedules of runs before are found and kept: an entry of the cache for each pipeline and
name of a program.

The name and no more, so that a program that was built anew, or elsewhere, finds what it has in
common with the one before. No result hangs on what is found.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from simcore.cache import Room, content_key
from simcore.core.kept_facts import DamagedFileError, KeptFacts, file_of
from simcore.core.schedules import Known

if TYPE_CHECKING:
    from simcore.core.schedules import Scheduler
    from simcore.cpu_model import CorePipeline
    from simcore.pipeline import Pipeline

KIND = "schedules"
#: An entry is written when so much of it is new, one row in ...
NEW_ROWS = 50
#: Pipelines of one run with an entry; a study of pipelines has hundreds.
MOST_PIPELINES = 4


class KeptSchedules:
    """Schedules of the runs of one program, whose file has the name."""

    def __init__(self, room: Room, program: str) -> None:
        self._room, self._name = room, os.path.basename(program)  # noqa: PTH119  a text
        self._found: dict[str, KeptFacts | None] = {}
        self._keys: list[tuple[CorePipeline, str]] = []
        self.known = Known(kept=self._open if room.is_on else None)

    def _open(self, params: CorePipeline, pipeline: Pipeline) -> KeptFacts | None:
        if len(self._keys) == MOST_PIPELINES:
            return None
        content = {"pipeline": params.plain(), "program": self._name}
        key = content_key(KIND, content, room=self._room)
        self._keys.append((params, key))
        data = self._room.get(KIND, key)
        if data is None:
            return None
        try:
            self._found[key] = found = KeptFacts(data, pipeline)
        except DamagedFileError:
            self._room.drop(KIND, key)
            return None
        return found

    def keep(self) -> None:
        """Keep what is new, when it is worth it; as often as something may be."""
        schedulers = dict(self._by_key())
        for key, scheduler in schedulers.items():
            found = self._found.get(key)
            rows = sum(1 + len(facts.told) for facts in scheduler.facts.values())
            new = rows - sum(facts.kept for facts in scheduler.facts.values())
            if not new or new * NEW_ROWS < rows:
                continue
            data = file_of(scheduler, found)
            if data is None:
                self._room.drop(KIND, key)
            else:
                self._room.put(KIND, key, data)
            for facts in scheduler.facts.values():
                facts.kept = 1 + len(facts.told)

    def _by_key(self) -> list[tuple[str, Scheduler]]:
        return [
            (key, scheduler)
            for params, key in self._keys
            for other, scheduler in self.known.schedulers
            if other is params
        ]
