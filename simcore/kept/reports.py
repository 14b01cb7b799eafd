"""Reports that were written before: read back as text, without the profiles that they show.

The profile of a run is kept beside, in profiles.py, and read back for another report of it. The key
has the runs, what the report is to look like, and the code that writes reports. What is kept is
shown as it is, once it is clear that a terminal does no more with it than show it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from simcore.cache import Room, content_key
from simcore.kept import profiles
from simcore.kept.profiles import FoundFile, are_as_found, run_content
from simcore.plain import RecordError, from_plain, schema_name, to_plain
from simcore.records import dataclass
from simcore.run.spec import RunSpec

if TYPE_CHECKING:
    from simcore.report import RenderOptions

KIND = "reports"
SCHEMA = "mcusim.kept-report/1"
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report, and what else a command that makes it says."""

    schema: Annotated[str, schema_name(SCHEMA)]
    found: tuple[FoundFile, ...]
    printed: str
    """What the programs printed, a character a byte."""
    warnings: tuple[str, ...]
    document: str


class KeptReports:
    """The report of runs in a format; ``options``: how it looks, ``asked``: what else is asked."""

    def __init__(
        self,
        room: Room,
        specs: Sequence[RunSpec],
        format_name: str,
        options: RenderOptions,
        asked: object = None,
    ) -> None:
        self._room, self._specs = room, specs
        self._decides = {"format": format_name, "options": repr(options), "asked": repr(asked)}
        self._key = self._found_key()
        self._before: list[FoundFile] = []

    def _found_key(self) -> str | None:
        """The key; None of a report that is not kept, as --verbose tells how a run went."""
        if not self._room.is_on or any(spec.verbose or spec.is_beyond for spec in self._specs):
            return None
        runs = [run_content(spec) for spec in self._specs]
        if None in runs:
            return None
        return content_key(SCHEMA, {"runs": runs, **self._decides}, room=self._room, shown=True)

    def load(self) -> KeptReport | None:
        """The report, None when it has to be made."""
        key = self._key
        data = None if key is None else self._room.get(KIND, key)
        if key is None or data is None:
            return None
        try:
            report = from_plain(KeptReport, json.loads(data))
            report.printed.encode("latin-1")
            if report.schema != SCHEMA or _moves_cursor(report.document, *report.warnings):
                raise ValueError
        except (ValueError, TypeError, RecursionError, RecordError):
            self._room.drop(KIND, key)
            return None
        return report if are_as_found(report.found) else None

    def watch(self) -> None:
        """Note the files that the runs will come to by themselves."""
        if self._key is not None:
            self._before = self._found()

    def _found(self) -> list[FoundFile]:
        return [file for spec in self._specs for file in profiles.found_files(spec)]

    def keep_watched(self, printed: bytes, warnings: Sequence[str], document: str) -> None:
        """As :meth:`keep`, of runs since :meth:`watch` that are not kept themselves."""
        if self._key is not None and self._found() == self._before:
            self.keep(self._before, printed, warnings, document)

    def keep(
        self,
        found: Sequence[FoundFile],
        printed: bytes,
        warnings: Sequence[str],
        document: str | bytes,
    ) -> None:
        """Keep the report of runs that ended well, and that nothing else decided."""
        if self._key is None or not isinstance(document, str):
            return
        text = printed.decode("latin-1")
        report = KeptReport(SCHEMA, tuple(found), text, tuple(warnings), document)
        data = json.dumps(to_plain(report), separators=(",", ":")).encode()
        if len(data) <= profiles.MOST_JSON and self._found_key() == self._key:
            self._room.put(KIND, self._key, data)  # and no file changed meanwhile


def _moves_cursor(document: str, *warnings: str) -> bool:
    """Whether a text does to a terminal more than colour: no report of mcusim's does."""
    lines = _COLOR.sub("", document).replace("\n", "")
    return any(_CONTROL.search(text) for text in (lines, *warnings))
