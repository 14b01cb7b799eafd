"""Captures: record a run once, and time it again without an engine and without the ELF."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from simcore import __version__
from simcore.cache import NO_ROOM, Room, open_room
from simcore.core.end import RunEnd, cache_sizes, run_results
from simcore.elf import Image, ProgramFiles, image_of_files
from simcore.elf.names import with_names
from simcore.errors import CaptureError, ConfigError, McusimError
from simcore.files import binary_destination, head_of
from simcore.parallel import collecting_seldom
from simcore.plain import filled, from_plain, to_plain
from simcore.records import dataclass
from simcore.run.options import RunOptions, Streams
from simcore.run.reached import Reached, Watcher
from simcore.run.setup import Move, TimingSetup
from simcore.run.spec import PartSpec, RunSpec, given, run_spec
from simcore.run.written import file_keys
from simcore.simulation.capture_file import (
    ELF,
    END,
    EVENTS,
    HEAD,
    MAGIC,
    MAX_CHUNK_BYTES,
    NETWORK,
    PRINTED,
    SYMBOLS,
    TAIL,
    CaptureReader,
    CaptureWriter,
)
from simcore.simulation.files import program_files
from simcore.simulation.live import at_firmware_clock, simulate_once
from simcore.simulation.recorded_network import RecordedNetwork, read_recorded
from simcore.simulation.simulation import Simulation

if TYPE_CHECKING:
    from simcore.core.core import Core
    from simcore.core.data_objects import ObjectMap
    from simcore.core.kept_schedules import KeptSchedules
    from simcore.core.schedules import Known

Document = TypeVar("Document")
_ELF_PIECE_BYTES = MAX_CHUNK_BYTES // 4
_PLAIN = RunSpec()
#: What a capture's run has behind it.
_BEHIND = (
    "symbols", "debug_file", "debug_dir", "args", "semihost_dir", "svd", "stub", "peripherals",
    "uart", "max_instructions", "timeout_s", "max_memory", "entry", "from_", "until",
    "until_idle", "for_s", "input", "invocations", "arena", "anyway", "verify", "outputs", "runner",
)  # fmt: skip
_AHEAD = 3  # pieces that are decompressed while another one is timed


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a capture was recorded from, and under which configuration the program ran.

    `cpu` is what --cpu said. `caches_bytes_ways` are the sizes that the program could read.
    """

    version: str  # of mcusim
    elf: str
    cpu: str
    clock_hz: int
    caches: str
    overrides: tuple[str, ...]
    args: tuple[str, ...]
    caches_bytes_ways: tuple[int, ...]
    voltage_scale: str | None = None
    memory_from: str | None = None
    max_instructions: int | None = None
    symbols: tuple[str, ...] = ()  # files with names for the program
    symbols_bytes: tuple[int, ...] = ()  # of each of them
    files_warnings: tuple[str, ...] = ()  # what was said of the search for them

    def part(self) -> dict[str, Any]:
        """Fields of a PartSpec: the part, its clock and what was changed of it."""
        names = [field.name for field in fields(PartSpec) if field.name != "place"]
        return {name: getattr(self, name) for name in names}


class _Recording:
    """Writes a capture while the program runs: a machine.Recorder."""

    def __init__(self, writer: CaptureWriter, printed: bytearray) -> None:
        self._writer = writer
        self._printed = printed

    def events(self, piece: bytes) -> None:
        self._writer.add(EVENTS, piece)

    def end(self, end: RunEnd) -> None:
        self._writer.add(TAIL, _json(end))
        self._writer.add(PRINTED, bytes(self._printed[: MAX_CHUNK_BYTES // 2]))
        self._writer.add(END, b"")


def record_run(
    elf: str | os.PathLike[str] | RunSpec,
    file: BinaryIO,
    cpu: str | os.PathLike[str] | None = None,
    *,
    printed: bytearray | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Watcher | None = None,
    cache: bool = True,
    **options: Any,
) -> Simulation:
    """Run an ELF as :func:`simcore.profile` does and write its capture to a file.

    ``file`` is open for writing; memory stays flat. ``printed`` is where ``stdout`` keeps the
    beginning of what the program prints, for reports that show it. ``cache`` is that of
    :func:`simcore.simulation.program.open_program`. ``options`` are fields of a RunSpec.
    Raises what :func:`simcore.profile` raises, and OSError.
    """
    spec = run_spec(elf, cpu, options)
    files, spec, network = program_files(spec)
    image = image_of_files(files, spec.demangle)
    from simcore.core.kept_schedules import KeptSchedules  # only now the core

    schedules = KeptSchedules(open_room(cache), image.path)
    recorded = None if network is None else network.recorded()
    run = _Run(image, files, spec, recorded, schedules.known)
    kept = bytearray() if printed is None else printed
    streams = Streams(stdin, stdout)
    setup = spec.setup(image=image)
    simulation = run.record(setup, file, kept, streams, progress)
    again = at_firmware_clock([setup], spec, simulation.result.clocks)
    if again is not None and file.seekable():
        streams.again()
        file.seek(0)
        file.truncate()
        simulation = run.record(again[0], file, kept, streams, progress)
    schedules.keep()
    return simulation


@dataclass(frozen=True, slots=True)
class _Run:
    """A program that is to be recorded: its bytes, and those of files with names for it."""

    image: Image
    files: ProgramFiles
    spec: RunSpec
    network: RecordedNetwork | None
    known: Known  # what runs before made of it

    def record(
        self,
        setup: TimingSetup,
        file: BinaryIO,
        printed: bytearray,
        streams: Streams,
        progress: Watcher | None,
    ) -> Simulation:
        """One run of it, under one configuration."""
        image, spec, names = self.image, self.spec, self.files.names
        recorded = filled(
            Recorded,
            spec,
            version=__version__,
            elf=PurePath(image.path).name,
            clock_hz=setup.core_clock_hz,
            caches_bytes_ways=cache_sizes(setup),
            memory_from=None if spec.memory_from is None else PurePath(spec.memory_from).name,
            symbols=tuple(PurePath(file).name for file, _ in names),
            symbols_bytes=tuple(len(content) for _, content in names),
            files_warnings=self.files.warnings,
        )
        writer = CaptureWriter(file)
        writer.add(HEAD, _json(recorded))
        if self.network is not None and len(content := _json(self.network)) <= MAX_CHUNK_BYTES:
            writer.add(NETWORK, content)
        for start in range(0, len(self.files.data), _ELF_PIECE_BYTES):
            writer.add(ELF, self.files.data[start : start + _ELF_PIECE_BYTES])
        symbols = b"".join(content for _, content in names)
        for start in range(0, len(symbols), _ELF_PIECE_BYTES):
            writer.add(SYMBOLS, symbols[start : start + _ELF_PIECE_BYTES])
        recorder = _Recording(writer, printed)
        (simulation,) = simulate_once(image, [setup], spec, streams, progress, recorder, self.known)
        return simulation


#: Of record_run(), beside fields of a spec.
_STREAMS = ("printed", "stdin", "stdout", "progress", "cache")


def record(
    elf: str | os.PathLike[str] | RunSpec,
    path: str | os.PathLike[str],
    cpu: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Simulation:
    """Run an ELF and write its capture to ``path``, which appears when it is whole.

    The other arguments are those of :func:`record_run`. Raises what it raises.
    """
    streams = {name: options.pop(name) for name in _STREAMS if name in options}
    spec = run_spec(elf, cpu, options)
    with binary_destination(os.fspath(path), spec.files) as file:
        return record_run(spec, file, **streams)


def is_capture(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a capture does; False when it cannot be read."""
    try:
        return head_of(path, len(MAGIC)) == MAGIC
    except (OSError, ValueError):  # ValueError: a path with NUL
        return False


class Capture:
    """A capture that was read and checked. Raises CaptureError, one line with the path."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._reader = CaptureReader(path)
        self.path = self._reader.name
        self.recorded = self._document(HEAD, Recorded)
        self.end = self._document(TAIL, RunEnd)
        self.network: RecordedNetwork | None = None  # of a network's file that ran
        if (content := self._reader.maybe(NETWORK)) is not None:
            try:
                self.network = read_recorded(content)
            except (ValueError, RecursionError) as error:
                raise self._reader.damaged(f"{NETWORK.decode()}: {error}") from None
        self.printed = self._reader.one(PRINTED)
        self._schedules: KeptSchedules | None = None  # of passes before
        self._demangled = True
        try:
            files = ProgramFiles(
                self.recorded.elf,
                b"".join(self._reader.chunks(ELF)),
                tuple(self._symbols()),
                self.recorded.files_warnings,
            )
            self.image: Image = image_of_files(files)
        except McusimError as error:
            raise self._reader.damaged(f"its program: {error}") from None

    def call_things(self, demangle: bool) -> None:
        """Names of the program as their authors wrote them, or as the symbol table has them."""
        if demangle is not self._demangled:
            self.image, self._demangled = with_names(self.image, demangle), demangle

    def _symbols(self) -> Iterator[tuple[str, bytes]]:
        """The files with names, one behind the other in the capture."""
        content = b"".join(self._reader.chunks(SYMBOLS))
        names, sizes = self.recorded.symbols, self.recorded.symbols_bytes
        if len(content) != sum(sizes) or len(names) != len(sizes):
            raise self._reader.damaged("the files with names are not whole")
        for name, size in zip(names, sizes, strict=True):
            yield name, content[:size]
            content = content[size:]

    def spec(self, cpu: str | os.PathLike[str] | None = None, **options: Any) -> RunSpec:
        """What the run is timed under: what is not given, or None, is as it was recorded.

        With ``cpu``, what is not given is as :func:`simcore.profile` has it. ``overrides`` add to
        those that were recorded. ``options`` are fields of a RunSpec: raises TypeError for another
        name, ConfigError for what the run has behind it.
        """
        was = self.recorded
        told = {name: value for name, value in options.items() if value is not None}
        if cpu is not None:
            told["cpu"] = cpu
        else:
            if was.memory_from is not None and "memory_from" not in told:
                raise ConfigError(
                    f"{self._reader.name}: was recorded with --memory-from {was.memory_from};"
                    " give that again"
                )
            recorded = was.part()
            if told.keys() & {"clock_hz", "voltage_scale"}:  # one of them makes the other
                del recorded["clock_hz"], recorded["voltage_scale"]
            overrides = (*was.overrides, *told.get("overrides", ()))
            told = recorded | told | {"overrides": overrides}
        spec = given(RunSpec, told)
        for name in _BEHIND:
            if getattr(spec, name) != getattr(_PLAIN, name):
                option = next(k for k, key in file_keys(RunSpec).items() if key.field == name)
                raise ConfigError(
                    f"{self._reader.name}: a capture repeats its run; it takes no {option}"
                )
        network = None if self.network is None else self.network.network
        return replace(
            spec,
            args=was.args,
            max_instructions=was.max_instructions,
            invocations=None if network is None else network.inferences,
        )

    def setup(
        self,
        cpu: str | os.PathLike[str] | None = None,
        *,
        moves: Iterable[Move] = (),
        **options: Any,
    ) -> TimingSetup:
        """The checked configuration of :meth:`spec`. Raises ModelError or ConfigError too."""
        return self.spec(cpu, **options).setup(moves, self.image)

    @property
    def pieces(self) -> int:
        """In how many pieces the events of its run are."""
        return self._reader.count(EVENTS)

    @collecting_seldom()
    def simulate(
        self,
        setups: Sequence[TimingSetup],
        progress: Watcher | None = None,
        *,
        objects: ObjectMap | None = None,
        room: Room = NO_ROOM,
    ) -> list[Simulation]:
        """Time the recorded run under each setup, in their order, in one pass over the capture.

        ``progress`` is called with each piece of the capture; ``objects`` are other ones than
        the run's, with as many tables; ``room`` has schedules of runs before. Raises ConfigError
        when a setup cannot be or lacks memory that the program has, CaptureError,
        UnknownInstructionError or CoreError.
        """
        from simcore.core.core import Core, add_setups
        from simcore.core.kept_schedules import KeptSchedules

        for setup in setups:
            setup.check()
            setup.check_program(self.image)
        if self._schedules is None:
            self._schedules = KeptSchedules(room, self.image.path)
        core = Core(self.image.function_at, self._schedules.known)
        try:
            add_setups(core, setups)
            core.watch_stack(self.end.stack_top, self.end.stack_floor)
            core.watch_objects(objects or self.end.objects(self.image))
            if setups[0].counted is not None:
                core.count_only(setups[0].counted)
            self._replay(core, setups[0].core_clock_hz, progress)
            core.settle()
            sizes = self.recorded.caches_bytes_ways
            results = run_results(core.timings, setups, self.end, sizes)
        except McusimError as error:
            if isinstance(error, ConfigError | CaptureError):
                raise
            raise self._reader.damaged(str(error)) from None
        except OverflowError as error:  # of a number on its way into C
            raise self._reader.damaged(f"a number of it cannot be ({error})") from None
        except (LookupError, ValueError, TypeError, AssertionError) as error:
            # Who makes a checksum fit can make any code run: no bytes that were recorded get here.
            raise self._reader.damaged(f"its code cannot be decoded ({error})") from None
        finally:
            core.close()
        self._schedules.keep()
        return [self._simulation(*pair) for pair in zip(setups, results, strict=True)]

    def _simulation(self, setup: TimingSetup, result: Any) -> Simulation:
        was = self.recorded
        options = RunOptions.of(
            RunSpec(args=was.args, max_instructions=was.max_instructions), setup
        )
        return Simulation(
            self.image, setup.model, options, result, setup.changed, setup.moves, setup.one_call
        )

    def _replay(self, core: Core, clock_hz: int, progress: Watcher | None) -> None:
        pieces = self.pieces
        for number, piece in enumerate(_ahead(self._reader.chunks(EVENTS)), 1):
            try:
                stop = core.replay(piece)
            except CaptureError as error:
                raise self._reader.damaged(str(error)) from None
            if stop:
                break
            if progress is not None:
                progress(Reached(0, core.modelled() / clock_hz, number / pieces))

    def _document(self, kind: bytes, cls: type[Document]) -> Document:
        try:
            return from_plain(cls, json.loads(self._reader.one(kind)))
        except (ValueError, RecursionError) as error:  # RecordError is a ValueError
            raise self._reader.damaged(f"{kind.decode().strip()}: {error}") from None


def _ahead(pieces: Iterator[bytes]) -> Iterable[bytes]:
    """The same pieces; some are made on another thread while one is in use."""
    from concurrent.futures import ThreadPoolExecutor  # where a capture is read, not in each run

    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(next, pieces, None) for _ in range(_AHEAD)]
        while (piece := waiting.pop(0).result()) is not None:
            waiting.append(pool.submit(next, pieces, None))
            yield piece


def _json(document: Any) -> bytes:
    return json.dumps(to_plain(document), separators=(",", ":")).encode()
