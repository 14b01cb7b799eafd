"""Profiles that were made before: the same run is read back from the cache, and not run again.

What is kept is a document, read with the checks of documents that come from anybody. The key has
what a run is told and the bytes of the files that it is told of; files that a run comes to by
itself (debug information beside a program, what a part file extends) stand in the entry with what
they held. A run is kept only when nothing else decided it and nothing else comes of it: not one
that opens a host folder to the program, writes or verifies outputs of a network, asked for standard
input or was ended by the host's time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from simcore.cache import NO_ROOM, Room, content_key
from simcore.cpu_model import is_model_file
from simcore.errors import ConfigError, McusimError
from simcore.files import sha256_of
from simcore.plain import from_plain, packed, schema_name
from simcore.records import dataclass
from simcore.run.spec import RunSpec

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.simulation.simulation import Simulation

KIND = "profiles"
SCHEMA = "mcusim.kept-profile/1"
MOST_PRINTED = 1 << 20  # bytes
MOST_JSON = 32 << 20  # bytes; to read more takes longer than most runs
#: So long a run waits for another process that runs the same; then it runs beside it.
MOST_WAIT_S = 120.0
#: How the warning begins that --verbose makes longer: machine/peripherals.py.
_PERIPHERALS = "peripherals are not modelled"
#: What reading raises of something that is no document of a run.
NO_DOCUMENT = (ValueError, LookupError, TypeError, RecursionError, ConfigError)


class OutputSink(Protocol):
    """Where a program prints."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that a run looked for, and what it held."""

    path: str
    sha256: str | None = None
    """None: it was not there."""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What is kept of a run beside its profile."""

    schema: Annotated[str, schema_name(SCHEMA)]
    verbose: bool
    """Whether warnings are as long as --verbose has them."""
    found: tuple[FoundFile, ...]
    printed: str
    """What the program printed, a character a byte."""
    femtojoules: tuple[int, ...] = ()
    """Of each instruction, which no document of a profile holds."""


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A profile, what its program printed, and the files that its run came to by itself."""

    profile: Profile
    printed: bytes
    found: tuple[FoundFile, ...]


class Kept:
    """Runs of one command that are read back or kept.

    ``read_back`` are how many were; ``runs`` those of either kind.
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        self.read_back = 0
        self.runs: list[FoundRun] = []

    def profile(
        self,
        spec: RunSpec,
        *,
        stdout: OutputSink,
        log: Callable[[str], None] | None = None,
        inspect: Callable[[Simulation], None] | None = None,
        **streams: Any,
    ) -> Profile:
        """As :func:`simcore.profile`, of a run that was made before without running it.

        What the program printed then is printed again. A run that is to be inspected runs.
        """
        usable = self.room.is_on and inspect is None and not spec.is_beyond
        key = profile_key(spec, self.room) if usable else None
        if key is not None and (found := self._load(key, spec)) is not None:
            return self._read_back(found, stdout, log)
        from simcore.profiler import profile

        run: Callable[..., Profile] = partial(profile, spec, log=log, room=self.room, **streams)
        if key is None:
            return run(stdout=stdout, inspect=inspect)
        most_s = MOST_WAIT_S if spec.timeout_s is None else min(MOST_WAIT_S, spec.timeout_s)
        with self.room.held(KIND, key, most_s):
            if (found := self._load(key, spec)) is not None:  # another process just ran it
                return self._read_back(found, stdout, log)
            return self._run(key, spec, run, stdout)

    def _read_back(
        self, found: FoundRun, stdout: OutputSink, log: Callable[[str], None] | None
    ) -> Profile:
        self.runs.append(found)
        stdout.write(found.printed)
        stdout.flush()
        self.read_back += 1
        if log is not None:
            log("read from the cache (--no-cache runs it again)")
        return found.profile

    def _run(
        self, key: str, spec: RunSpec, run: Callable[..., Profile], stdout: OutputSink
    ) -> Profile:
        """Run, and keep what nothing else decided."""
        before = found_files(spec)
        asked: list[bool] = []
        console = PrintedOutput(stdout)
        result = run(
            stdout=console,
            inspect=lambda one: asked.append(one.options.streams.stdin_read.asked),
        )
        by_host = result.exit.is_by_host or any(asked)
        if by_host or console.printed is None:
            return result
        if (profile_key(spec, self.room), found_files(spec)) == (
            key,
            before,
        ):  # no file changed meanwhile
            found = FoundRun(result, bytes(console.printed), tuple(before))
            self.runs.append(found)
            self._keep(key, spec, found)
        return result

    def _load(self, key: str, spec: RunSpec) -> FoundRun | None:
        """What is kept under a key; None when it has to run."""
        data = self.room.get(KIND, key)
        if data is None:
            return None
        try:
            found = read_run(data, spec)
        except NO_DOCUMENT:
            self.room.drop(KIND, key)
            return None
        return found if found is not None and are_as_found(found.found) else None

    def _keep(self, key: str, spec: RunSpec, run: FoundRun) -> None:
        data = written_run(run, spec)
        if len(data) <= MOST_JSON:
            self.room.put(KIND, key, data)


def read_run(data: bytes, spec: RunSpec) -> FoundRun | None:
    """A run of its document; None when its warnings are not as long as they are asked for.

    Raises what is in NO_DOCUMENT.
    """
    from simcore.report.saved import read_document, tidy

    plain = json.loads(data)
    if tidy(plain["profile"]) != plain["profile"]:  # a name that would be shown otherwise
        raise ValueError
    kept = from_plain(KeptRun, plain["run"])
    kind, result = read_document(plain["profile"], "cache")
    printed = kept.printed.encode("latin-1")
    if kind.noun != "profile" or kept.schema != SCHEMA:
        raise ValueError
    if result.instructions:
        rows = zip(result.instructions, kept.femtojoules, strict=True)
        with_energy = tuple(replace(row, femtojoules=energy) for row, energy in rows)
        result = replace(result, instructions=with_energy)
    if kept.verbose is not spec.verbose and any(_PERIPHERALS in w for w in result.warnings):
        return None
    return FoundRun(result, printed, kept.found)


def written_run(run: FoundRun, spec: RunSpec) -> bytes:
    """The document of a run."""
    energies = tuple(row.femtojoules for row in run.profile.instructions or ())
    printed = run.printed.decode("latin-1")
    kept = KeptRun(SCHEMA, spec.verbose, run.found, printed, energies)
    return packed({"run": kept, "profile": run.profile})


def profile_key(spec: RunSpec, room: Room = NO_ROOM) -> str | None:
    """Hash of all that a run is told and of mcusim; None as :func:`run_content` says."""
    content = run_content(spec)
    if content is None:
        return None
    return content_key(SCHEMA, content, beside="kept/profiles.py", room=room)


def run_content(spec: RunSpec) -> dict[str, Any] | None:
    """All that a run is told, as plain values: options, and hashes of the files among them.

    None when a file cannot be read, and of a run that is given standard input.
    """
    if spec.is_given_input:
        return None
    options = {
        field.name: repr(getattr(spec, field.name))
        for field in fields(RunSpec)
        if field.name != "verbose"
    }
    hashes = [_sha256(name) for name in spec.files]
    if None in hashes:
        return None
    has_folder = spec.debug_dir is not None and os.path.isdir(spec.debug_dir)  # noqa: PTH112  a text
    return {"options": options, "files": hashes, "debug_dir": has_folder}


def are_as_found(files: Sequence[FoundFile]) -> bool:
    """Whether files hold what they held."""
    return all(_sha256(file.path) == file.sha256 for file in files)


def found_files(spec: RunSpec) -> list[FoundFile]:
    """The files that a run comes to by itself, as far as it gets."""
    from simcore.cpu_model.tree import model_files
    from simcore.elf import debug_places

    names: list[str] = []
    with suppress(McusimError):  # which the run raises, too
        for part in (spec.cpu, spec.linked_for):
            if part and is_model_file(part):
                names += map(str, model_files(part))
        if spec.debug_file is None:
            names += debug_places(spec.runner_file or spec.elf, spec.debug_dir)
    return [FoundFile(name, _sha256(name)) for name in names]


def _sha256(file: str) -> str | None:
    """Hash of what a file holds; None when it cannot be read."""
    try:
        return sha256_of(file)
    except (OSError, ValueError):
        return None


class PrintedOutput:
    """Passes on what a program prints, and has it; ``printed`` is None when it is too much."""

    def __init__(self, console: OutputSink) -> None:
        self._console = console
        self.printed: bytearray | None = bytearray()

    def write(self, data: bytes) -> int:
        if self.printed is not None:
            self.printed += data
            if len(self.printed) > MOST_PRINTED:
                self.printed = None
        return self._console.write(data)

    def flush(self) -> None:
        self._console.flush()
