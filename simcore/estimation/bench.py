"""Runs layers to learn their costs: many in one execution, each as it would be alone.

A layer is the last of four calls: before it another kernel and its own, small, have run twice, so
that its code lies in the I-cache as far as the other leaves it there. Caches and predictors are as
behind a reset before each four, and constants begin where a way of the caches does, so that what
else runs in the execution does not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from simcore.costs.one_call import RUNNER_INFERENCE
from simcore.elf import ProgramFiles, image_of_files
from simcore.errors import ConfigError, ExitCode, NetworkError
from simcore.estimation.shapes import LayerShape, alone, joined, layer_shape, piece
from simcore.network.activations import ArenaRoom, plan_arena
from simcore.network.compose import Apart, compose_apart
from simcore.network.graph import Subgraph
from simcore.network.layout import enlarged, rooms_of
from simcore.network.runners import NETWORKS, runner_for
from simcore.network.steps import Lowered
from simcore.run.spec import RunSpec
from simcore.study.operators import read_arguments, runner_operator

if TYPE_CHECKING:
    from simcore.core.schedules import Known
    from simcore.cpu_model import CpuModel

GROUP: Final = 4  # calls of a layer's group, the layer last
_LIMIT: Final = 1 << 40  # instructions: layers end by themselves

#: A small layer of each kernel, as a command of the runner.
_SMALL: Final[Mapping[str, str]] = {
    "op_conv2d_s8": "conv2d_s8 h=5 c=8 k=3 filters=8 activation=relu",
    "op_pointwise_conv2d_s8": "pointwise_conv2d_s8 h=3 c=8 filters=8 activation=relu",
    "op_depthwise_conv2d_s8": "depthwise_conv2d_s8 h=5 c=8 k=3 activation=relu",
    "op_fully_connected_s8": "fully_connected_s8 inputs=32 outputs=8",
    "op_max_pool_s8": "max_pool_s8 h=4 c=8 k=2",
    "op_average_pool_s8": "average_pool_s8 h=4 c=8 k=4 pad=valid",
    "op_add_s8": "add_s8 h=4 c=8",
    "op_softmax_s8": "softmax_s8 rows=1 columns=10",
}
#: What runs before a kernel in most networks; before others a convolution.
_BEFORE: Final[Mapping[str, str]] = {
    "op_depthwise_conv2d_s8": "op_pointwise_conv2d_s8",
    "op_pointwise_conv2d_s8": "op_depthwise_conv2d_s8",
    "op_fully_connected_s8": "op_fully_connected_s8",
    "op_softmax_s8": "op_fully_connected_s8",
    "op_average_pool_s8": "op_pointwise_conv2d_s8",
}
_OTHERWISE: Final = "op_conv2d_s8"


class Target(NamedTuple):
    """What layers run on: fields of a RunSpec; ``arena`` is the memory of tensors, one region."""

    cpu: str = "stm32f746"
    clock_hz: int | None = None
    caches: str = "auto"
    voltage_scale: str | None = None
    overrides: tuple[str, ...] = ()
    arena: str | None = None

    def spec(self) -> RunSpec:
        """It as a run is told."""
        return RunSpec(
            elf="layers",
            cpu=self.cpu,
            clock_hz=self.clock_hz,
            caches=self.caches,
            voltage_scale=self.voltage_scale,
            overrides=self.overrides,
            arena=() if self.arena is None else (self.arena,),
            from_=RUNNER_INFERENCE,
            max_instructions=_LIMIT,
        )


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What a layer costs once: modelled cycles, estimated energies."""

    cycles: int
    instructions: int
    energy_j: float
    energy_low_j: float
    energy_high_j: float


class LayerJob(NamedTuple):
    """A layer to run; ``own`` holds the data of one that its data decides.

    ``is_first``: nothing of its kernel ran before it.
    """

    shape: LayerShape
    own: Subgraph | None = None
    is_first: bool = False


@cache
def small_layer(kernel: str) -> LayerShape | None:
    """A small layer that a kernel runs, None of one that is in no layer list."""
    command = _SMALL.get(kernel)
    if command is None:
        return None
    name, _, arguments = command.partition(" ")
    return layer_shape(runner_operator(name, read_arguments(arguments)))


def before(kernel: str, is_first: bool = False) -> LayerShape:
    """A small layer of what runs before a kernel; ``is_first``: of another kernel at any rate."""
    name = _BEFORE.get(kernel, _OTHERWISE)
    if is_first and name == kernel:
        name = _OTHERWISE if kernel != _OTHERWISE else "op_fully_connected_s8"
    found = small_layer(name)
    assert found is not None
    return found


def _group(job: LayerJob) -> list[Subgraph]:
    own = job.own if job.own is not None else piece(job.shape)
    (step,) = alone(own).steps
    other = _small_piece(before(step.call.kernel, job.is_first))
    small = None if job.is_first else small_layer(step.call.kernel)
    same = other if small is None else _small_piece(small)
    return [other, same, other, own]


@cache
def _small_piece(shape: LayerShape) -> Subgraph:
    return piece(shape)


def run_layers(
    jobs: Sequence[LayerJob], target: Target, known: Known | None = None
) -> list[LayerCost]:
    """What layers cost, in their order, from one execution. Raises NetworkError or ModelError."""
    from simcore.simulation.live import simulate_many

    spec = target.spec()
    model = spec.setup().model
    runner = runner_for(model, NETWORKS)
    rooms = rooms_of(spec.setup(image=runner).model, runner, spec.arena)
    if len(rooms.memories) != 1:
        raise ConfigError("an estimate has its tensors in one memory")
    rooms = replace(rooms, memories=(_last_region(rooms.memories[0], model),))
    groups = []
    for number, job in enumerate(jobs):
        network = joined(_group(job))
        names = [f"{number:05}.{place}" for place in range(GROUP)]
        plan = plan_arena(network, rooms.memories)
        groups.append(Apart(network, plan, names, _inputs(network, job.shape)))
    files, flash_bytes, ram_bytes = compose_apart(
        groups, (runner, _bytes(runner.path)), rooms, _align(model)
    )
    room = enlarged(rooms, flash_bytes, ram_bytes, spec.setup(image=runner).model)
    told = replace(spec, overrides=(*spec.overrides, *room))
    image = image_of_files(ProgramFiles("layers", files))
    setup = replace(told.setup(image=image), apart=GROUP)
    (ran,) = simulate_many(image, [setup], told, known=known)
    if ran.end.status is not ExitCode.OK:
        raise NetworkError(f"layers did not run to their end: {ran.end.text}")
    by_name = {op.name: op for op in ran.costs.op_costs()}
    found = []
    for number in range(len(jobs)):
        op = by_name[f"{number:05}.{GROUP - 1}"]
        energies = op.energy_j, op.energy_low_j, op.energy_high_j
        found.append(LayerCost(op.cycles, op.instructions, *energies))
    return found


def _last_region(room: ArenaRoom, model: CpuModel) -> ArenaRoom:
    """What of a room is in one region, the last: tensors over two have two buses."""
    end = room.start + room.size
    region = next(r for r in model.regions if r.base < end <= r.end)
    start = max(room.start, region.base)
    return ArenaRoom(room.name, start, end - start)


def _inputs(network: Lowered, shape: LayerShape) -> list[bytes]:
    """Random bytes for each input, decided by the layer alone."""
    random, main = Random(f"inputs of {shape}"), network.model.main
    return [random.randbytes(main.tensors[at].size_bytes) for at in main.inputs]


def _align(model: CpuModel) -> int:
    """Bytes of a way of the larger cache, of which addresses are taken modulo; a page at least."""
    ways = [one.size // one.ways for one in (model.core.icache, model.core.dcache) if one.size]
    return max([4096, *ways])


@cache
def _bytes(path: str) -> bytes:
    return Path(path).read_bytes()
