"""What runs: the ELF of a program, a network's file that becomes one, or a capture that repeats its
run; who asks need not care.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from simcore.cache import NO_ROOM, Room, open_room
from simcore.elf import Image, image_of_files
from simcore.elf.kept_lines import KeptLines, with_kept_lines
from simcore.records import dataclass
from simcore.run.reached import Watcher
from simcore.run.setup import TimingSetup, load_setup
from simcore.run.spec import PartSpec, RunSpec, run_spec
from simcore.simulation.capture import Capture, is_capture
from simcore.simulation.files import program_files
from simcore.simulation.live import run_again, simulate_many
from simcore.simulation.one_call import with_one_call
from simcore.simulation.operations import with_operations
from simcore.simulation.simulation import Simulation

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.simulation.networks import NetworkRun
    from simcore.simulation.runner_run import RunnerRun


@dataclass(frozen=True, slots=True)
class Program:
    """A program with what its run is told, of a capture as it was recorded."""

    image: Image
    spec: RunSpec
    capture: Capture | None = None  # None: an ELF, which the engine runs
    network: NetworkRun | RunnerRun | None = None  # of an ELF with a network's file in it
    room: Room = NO_ROOM  # where its runs find and keep schedules
    lines: KeptLines | None = None  # those of its debug information; None: it has none

    @property
    def printed(self) -> bytes:
        """The beginning of what a capture's run printed; nothing of an ELF, which prints itself."""
        return b"" if self.capture is None else self.capture.printed

    def home(self) -> TimingSetup | None:
        """The part on whose memory it runs, when another times it.

        None, too, where memories are told, which says where all lies. Raises ModelError or
        ConfigError.
        """
        spec, capture = self.spec, self.capture
        if spec.tells_memory:
            return None
        if capture is not None:
            was = PartSpec(**capture.recorded.part())
            same = was.cpu == spec.cpu or was.tells_memory
            return None if same else load_setup(was.cpu, image=self.image)
        if spec.linked_for is None:
            return None
        return load_setup(spec.linked_for, caches=spec.caches, image=self.image)

    def simulate(
        self,
        setups: Sequence[TimingSetup],
        *,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        progress: Watcher | None = None,
    ) -> list[Simulation]:
        """Run it once and time it under each setup, in their order.

        A capture reads and prints nothing. ``progress`` is called now and then. Raises what
        :func:`simcore.profile` raises.
        """
        if self.capture is not None:
            setups = with_operations(setups, self.image, self.spec)
            setups = with_one_call(setups, self.image, self.spec)
            found = self.capture.simulate(setups, progress, room=self.room)
            again = run_again(setups, self.spec, found[0])
            if again is None:
                return found
            return self.capture.simulate(again, progress, room=self.room)
        streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "progress": progress}
        if self.network is not None:
            streams |= self.network.streams(stdout)
        from simcore.core.kept_schedules import KeptSchedules  # only now the core

        kept = KeptSchedules(self.room, self.image.path)
        found = simulate_many(self.image, setups, self.spec, known=kept.known, **streams)
        kept.keep()
        return found

    def keep(self) -> None:
        """Keep what was decoded of the program, for runs to come."""
        if self.lines is not None:
            self.lines.keep()

    def told(self, profile: Profile) -> Profile:
        """The profile of its run with what is said of the network that ran, if one did."""
        if self.network is not None:
            return self.network.told(profile)
        if self.capture is not None and self.capture.network is not None:
            return self.capture.network.told(profile, self.capture.printed)
        return profile

    def run(self, **streams: Any) -> Simulation:
        """Run it as its spec says, nothing placed elsewhere; arguments as in :meth:`simulate`."""
        (simulation,) = self.simulate([self.spec.setup(image=self.image)], **streams)
        return simulation


def load_spec(spec: RunSpec) -> Image:
    """The image of what a spec runs. Raises ElfError, or NetworkError."""
    return image_of_files(program_files(spec)[0], spec.demangle)


def program_of(spec: RunSpec, room: Room = NO_ROOM) -> Program:
    """The program that a spec names; ``room`` has the schedules and lines of runs before.

    Raises ElfError, and NetworkError for a network.
    """
    files, told, network = program_files(spec)
    image, lines = image_of_files(files, spec.demangle), None
    if image.lines is not None and room.is_on:
        image, lines = with_kept_lines(image, [data for _, data in files.names], room)
    return Program(image, told, network=network, room=room, lines=lines)


def open_file(file: str | os.PathLike[str]) -> str | Capture:
    """A capture, read and checked, or the path of what has to be an ELF. Raises CaptureError."""
    return Capture(file) if is_capture(file) else os.fspath(file)


def open_program(
    file: str | os.PathLike[str] | RunSpec | Capture,
    cpu: str | os.PathLike[str] | None = None,
    *,
    cache: bool = True,
    **options: Any,
) -> Program:
    """The program of an ELF, a capture or a RunSpec; ``cpu`` and ``options`` are a RunSpec's.

    Of a capture, what is not given is as it was recorded. With ``cache`` its runs find schedules of
    runs before in the user's cache and keep theirs there, which changes how long they take and no
    figure. Raises ElfError, CaptureError, and ConfigError for an option that a capture's run has
    behind it and for a cache that is told wrongly.
    """
    if isinstance(file, Capture) or (not isinstance(file, RunSpec) and is_capture(file)):
        return open_capture(file, cpu, cache=cache, **options)
    spec = run_spec(file, cpu, options)
    return program_of(spec, open_room(cache))


def open_capture(
    file: str | os.PathLike[str] | Capture,
    cpu: str | os.PathLike[str] | None = None,
    *,
    cache: bool = True,
    **options: Any,
) -> Program:
    """As :func:`open_program`, of a capture and nothing else."""
    capture = file if isinstance(file, Capture) else Capture(file)
    spec = capture.spec(cpu, **options)
    capture.call_things(spec.demangle)
    return Program(capture.image, spec, capture, room=open_room(cache))
