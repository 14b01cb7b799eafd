"""One task of a study: a command for the runner ELF on one part, and what its operations cost."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simcore.cache import content_key, open_room
from simcore.core.counters import region_column
from simcore.costs.op_tables import Traffic
from simcore.cpu_model import is_model_file
from simcore.cpu_model.tree import model_files
from simcore.errors import ConfigError, ExitCode, NetworkError
from simcore.plain import filled, from_plain, to_plain
from simcore.run.setup import Move

if TYPE_CHECKING:
    from simcore.core.kept_schedules import KeptSchedules
    from simcore.elf import Image, ProgramFiles
    from simcore.run.spec import RunSpec
    from simcore.simulation.simulation import Simulation
    from simcore.study.layers import Network

SCHEMA = "mcusim.study-run/1"
#: The name under which the runner finds a task's layer list.
LIST_NAME = "layers.txt"


@dataclass(frozen=True, slots=True)
class Task:
    """What to run. Equal tasks give equal results, so a task's key names its result."""

    elf: str  # path; the content counts, not the place
    elf_sha256: str
    cpu: str  # a part's name, or the path of a model file
    model_sha256: str
    args: tuple[str, ...]
    layers: str | None = None  # the text of the layer list that args name
    moves: tuple[tuple[Move, ...], ...] = ((),)  # of each placement that the run is timed in
    network: Network | None = None  # what the runner of networks is composed with

    @property
    def key(self) -> str:
        """Hash of all that decides the result: ELF, model, arguments and mcusim itself."""
        content = {
            "elf": self.elf_sha256,
            "model": self.model_sha256,
            "args": self.args,
            "layers": self.layers,
            "moves": [[(m.start, m.size, m.to) for m in moves] for moves in self.moves],
            "network": None if self.network is None else self.network.sha256,
        }
        return content_key(SCHEMA, content, beside="study/tasks.py")

    def files(self) -> list[str]:
        """The files of this machine that it reads."""
        part = list(map(str, model_files(self.cpu))) if is_model_file(self.cpu) else []
        if part:
            part.insert(0, self.cpu)
        return part if self.network is not None else [*part, self.elf]

    @property
    def command(self) -> str:
        """What the runner was asked for, on which part."""
        if self.network is not None:
            return f"{self.network.where} (on {self.cpu})"
        return f"{Path(self.elf).name} -- {' '.join(self.args)} (on {self.cpu})"


@dataclass(frozen=True, slots=True)
class OpRun:
    """One operation of a run over all its invocations; energies in J, the interval as in a profile.

    ``param_bytes``, ``activation_bytes`` (inputs and outputs) and ``scratch_bytes`` are of one
    invocation. ``traffic`` holds bytes between the core and each region. ``refill_bytes`` went
    between the data cache and memory, or past it: lines read and written back, uncached accesses.
    """

    name: str
    kind: str
    invocations: int
    macs: int
    ops: int
    instructions: int
    cycles: int
    time_s: float
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    param_bytes: int
    activation_bytes: int
    scratch_bytes: int
    refill_bytes: int
    traffic: dict[str, Traffic]


@dataclass(frozen=True, slots=True)
class Run:
    """What a task gave, and what it printed.

    ``timings`` holds, for each placement, the operations in the order of the first execution.
    """

    clock_hz: int
    voltage_scale: str
    timings: tuple[tuple[OpRun, ...], ...]
    console: tuple[str, ...]

    @property
    def ops(self) -> tuple[OpRun, ...]:
        """The operations in the first placement."""
        return self.timings[0]

    @property
    def scratch_bytes(self) -> int:
        """The largest scratch buffer that the runner told of."""
        return max((int(fields(line).get("scratch", 0)) for line in self.console), default=0)


def execute(task: Task) -> Run:
    """Run a task. Raises ConfigError when the program refuses the command or does not end well,

    KeyboardInterrupt when it was interrupted, NetworkError for a network without room, and what
    :func:`simcore.simulation.live.simulate_many` raises.
    """
    console = io.BytesIO()
    simulations = _of_command(task, console) if task.network is None else _of_network(task)
    lines = tuple(console.getvalue().decode("ascii", "replace").splitlines())
    first = simulations[0]
    if first.end.status is ExitCode.INTERRUPTED:  # its figures are those of a part
        raise KeyboardInterrupt
    if first.end.status is not ExitCode.OK:
        said = f": {lines[-1]}" if lines else ""
        raise ConfigError(f"{task.command}: {first.end.text}{said}")
    options = first.options
    return Run(
        clock_hz=options.clock_hz,
        voltage_scale=first.model.operating_point(
            options.clock_hz, options.voltage_scale
        ).voltage_scale,
        timings=tuple(_operations(simulation, lines) for simulation in simulations),
        console=lines,
    )


def _of_command(task: Task, console: io.BytesIO) -> list[Simulation]:
    from simcore.run.setup import load_setup
    from simcore.run.spec import RunSpec
    from simcore.simulation.live import simulate_many

    schedules = _schedules(task.elf, task.elf_sha256)
    with ExitStack() as held:
        folder = None
        if task.layers is not None:  # a worker that is ended leaves it: none without need
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="mcusim-study-"))
            Path(folder, LIST_NAME).write_text(task.layers, encoding="ascii")
        found = simulate_many(
            _image(task.elf, task.elf_sha256),
            [load_setup(task.cpu, moves=moves) for moves in task.moves],
            RunSpec(args=task.args, semihost_dir=folder),
            stdout=console,
            known=schedules.known,
        )
    schedules.keep()
    return found


def _of_network(task: Task) -> list[Simulation]:
    from simcore.elf import image_of_files
    from simcore.simulation.live import simulate_many

    assert task.network is not None
    files, told = _composed(task.network, task.cpu)
    image = image_of_files(files)
    return simulate_many(image, [told.setup(image=image)], told)


def check_fits(network: Network, cpu: str) -> None:
    """Raise NetworkError when a part has no room for a network."""
    _composed(network, cpu)


def _composed(network: Network, cpu: str) -> tuple[ProgramFiles, RunSpec]:
    """The program of a network, and what its run is told."""
    from simcore.network.layout import NoRoomError
    from simcore.run.spec import RunSpec
    from simcore.simulation.networks import composed_program

    try:
        spec = RunSpec(elf=network.where, cpu=cpu)
        return composed_program(spec, network.where, network.lowered)[:2]
    except NoRoomError as error:
        raise NetworkError(
            f"{network.where}: {error.needs}; choose another --cpu, or profile it alone:"
            " 'mcusim profile --anyway' times it with more"
        ) from None
    except NetworkError as error:
        raise NetworkError(f"{network.where}: {error}") from None


@cache
def _image(elf: str, sha256: str) -> Image:
    """A runner's image: tasks share it, and a process has many. The hash tells one from another."""
    from simcore.elf import load_image

    return load_image(elf)


@cache
def _schedules(elf: str, sha256: str) -> KeptSchedules:
    """What runs of a runner say of its code, of this process and before."""
    from simcore.core.kept_schedules import KeptSchedules

    return KeptSchedules(open_room(), elf)


def _operations(simulation: Simulation, console: tuple[str, ...]) -> tuple[OpRun, ...]:
    """The costs of operations with what only the counters and the program's own words hold."""
    costs, counters = simulation.costs, simulation.result.counters
    said = {words["name"]: words for line in console if "name" in (words := fields(line))}
    line_bytes = simulation.model.core.dcache.line_bytes
    return tuple(
        filled(
            OpRun,
            op,
            scratch_bytes=int(said.get(op.name, {}).get("scratch", 0)),
            refill_bytes=_refill_bytes(count, counters.regions, line_bytes),
        )
        for op, count in zip(costs.op_costs(), costs.op_counts(), strict=True)
    )


def _refill_bytes(count: Mapping[str, int], regions: tuple[str, ...], line_bytes: int) -> int:
    """Bytes of lines that moved, and four for each access past the cache."""

    def over_regions(counter: str) -> int:
        return sum(count[region_column(region, counter)] for region in regions)

    lines = over_regions("data_refills") + over_regions("write_backs")
    return line_bytes * lines + 4 * (
        over_regions("uncached_reads") + over_regions("uncached_writes")
    )


def fields(line: str) -> dict[str, str]:
    """The key=value words of a line that the runner printed."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def run_to_plain(run: Run) -> Any:
    """A run as JSON values."""
    return to_plain(run)


def run_from_plain(plain: Any) -> Run:
    """A run read back. Raises RecordError."""
    return from_plain(Run, plain)
