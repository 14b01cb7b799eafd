"""Estimates of networks: the sum of what their layers cost, which are run when they are not known.

The first layer of each kernel finds its code in no cache; that is one number a kernel, taken from a
small layer with and without. All others are run behind their kernel and one that usually goes
before it, see bench.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, Self

from simcore import __version__
from simcore.cache import Room, open_room
from simcore.costs.origin import Tool
from simcore.cpu_model import is_model_file
from simcore.estimation.bench import LayerCost, LayerJob, Target, run_layers, small_layer
from simcore.estimation.memo import LayerKey, LayerMemo
from simcore.estimation.shapes import LayerShape
from simcore.estimation.sketch import Sketch, SketchLayer, sketch_of
from simcore.network.graph import Subgraph
from simcore.network.layout import rooms_of
from simcore.network.runners import NETWORKS, runner_for
from simcore.parallel import collecting_seldom
from simcore.plain import Amount, Count, Document, Sha256, schema_name
from simcore.workers import Team, Workers

if TYPE_CHECKING:
    from types import TracebackType

    from simcore.core.schedules import Known
    from simcore.estimation.interpolation import Interpolation
    from simcore.store.database import ResultStore

SCHEMA: Final = "mcusim.estimate/1"
#: What ran is written so often, in seconds, while more runs.
KEEP_S: Final = 10.0
#: Of one execution: layers, their multiply-accumulates, and bytes of constants.
MOST_LAYERS, MOST_MACS, MOST_BYTES = 64, 40_000_000, 4 << 20


@dataclass(frozen=True, slots=True)
class EstimatedLayer:
    """A layer of an estimate."""

    name: str
    operator: str
    kernel: str
    macs: Count
    parameters: Count
    cycles: Count
    energy_j: Amount
    interpolated: bool
    """It was not run: its costs lie between those of layers of other widths."""


@dataclass(frozen=True, slots=True)
class Estimate(Document):
    """What a network would cost on a part, as the sum of its layers: estimated, all of it."""

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    network: str
    part: str
    model_sha256: Sha256
    clock_hz: Count
    cycles: Count
    """Sum of the layers' modelled cycles."""
    time_s: Amount
    energy_j: Amount
    energy_low_j: Amount
    """Low end of the interval of the energy model; the sum's own error is beside it."""
    energy_high_j: Amount
    """High end of that interval."""
    flash_bytes: Count
    """Runner, constants and tables."""
    peak_activation_bytes: Count
    """One buffer in which tensors share places over time."""
    scratch_bytes: Count
    """The most that a kernel needs beside it."""
    parameters: Count
    """Values of weights and biases."""
    macs: Count
    interpolated_cycles: Count
    """Of the cycles those of layers that were not run."""
    interpolation_band: Amount | None
    """Largest relative error of the cycles of layers that were run, when left out and interpolated;
    null where nothing was interpolated."""
    layers: tuple[EstimatedLayer, ...]

    @property
    def seconds(self) -> float:
        """The modelled time of an inference, in seconds."""
        return self.time_s


class Estimator:
    """Estimates on one target; what it learns of layers stays in the cache.

    ``jobs`` processes run layers, as many as there are cores when None, or the workers of a
    ``scheduler`` of Dask; figures do not hang on them. They stay for what is learned later, until
    :meth:`close`, or the end of a ``with`` block.
    ``interpolate``: of layers whose channels alone differ some are run, and others lie between.
    ``ran`` are the layers that were run so far.
    """

    def __init__(
        self,
        target: Target | None = None,
        *,
        jobs: int | None = None,
        scheduler: str | None = None,
        interpolate: bool = False,
        cache: bool = True,
        room: Room | None = None,
        shelf: ResultStore | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.target = target or Target()
        self._workers = Workers(jobs, scheduler)
        self._team: Team | None = None
        self._open = ExitStack()
        self._room = room if room is not None else open_room(cache)
        self._progress = progress
        self._known: Known | None = None
        self.memo = LayerMemo(self.target, self._room, shelf)
        self.interpolation: Interpolation | None = None
        if interpolate:
            from simcore.estimation.interpolation import Interpolation

            self.interpolation = Interpolation(self.memo)
        self.ran = 0
        self._first: dict[str, LayerCost | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._team = None
        self._open.__exit__(kind, error, traceback)  # with an error workers end at once

    def close(self) -> None:
        """Let the workers go; more layers ask for others."""
        self._team = None
        self._open.close()

    @cached_property
    def _part(self) -> tuple[str, str, int, int]:
        """Name and hash of the part, its clock, and the bytes of the runner's code."""
        spec = self.target.spec()
        setup = spec.setup()
        runner = runner_for(setup.model, NETWORKS)
        rooms = rooms_of(spec.setup(image=runner).model, runner, spec.arena)
        model = setup.model
        return model.name, model.sha256, setup.core_clock_hz, rooms.code_bytes

    def estimate(self, network: Any) -> Estimate:
        """The estimate of one network, see :func:`simcore.estimate`."""
        return self.estimates([network])[0]

    def estimates(self, networks: Iterable[Any]) -> list[Estimate]:
        """Estimates of networks, in their order; layers that are not known are run before.

        Raises NetworkError, ConfigError or ModelError.
        """
        sketches = [sketch_of(network) for network in networks]
        self.learn(sketches)
        return [self.summed(sketch) for sketch in sketches]

    def learn(self, sketches: Sequence[Sketch]) -> int:
        """Run the layers of these networks that are not known; how many there were."""
        own: dict[LayerShape, Subgraph | None] = {}
        keys: dict[LayerKey, int] = {}  # with their multiply-accumulates
        for sketch in sketches:
            for layer in sketch.layers:
                own[layer.shape] = layer.own
                keys[layer.shape, False] = layer.facts.macs
                if (small := small_layer(layer.facts.kernel)) is not None:
                    keys[small, False] = keys[small, True] = 0
        if self.interpolation is not None:
            keys = self.interpolation.anchors(keys)
        missing = self.memo.find(keys)
        jobs = [LayerJob(shape, own.get(shape), is_first) for shape, is_first in missing]
        self._run(jobs, [keys[key] for key in missing])
        return len(jobs)

    def summed(self, sketch: Sketch) -> Estimate:
        """The estimate of a network all of whose layers are known."""
        rows: list[EstimatedLayer] = []
        seen: set[str] = set()
        low = high = energy = 0.0
        cycles = interpolated = 0
        for layer in sketch.layers:
            cost, is_between = self._cost(layer)
            kernel = layer.facts.kernel
            first = None if kernel in seen else self._first_use(kernel)
            seen.add(kernel)
            if first is not None:
                cost = _added(cost, first)
            rows.append(
                EstimatedLayer(
                    layer.name, layer.shape.kind, kernel.removeprefix("op_"), layer.facts.macs,
                    layer.facts.parameters, cost.cycles, cost.energy_j, is_between,
                )
            )  # fmt: skip
            cycles += cost.cycles
            energy, low, high = (
                energy + cost.energy_j, low + cost.energy_low_j, high + cost.energy_high_j
            )  # fmt: skip
            interpolated += cost.cycles if is_between else 0
        name, sha256, clock_hz, code_bytes = self._part
        band = None if self.interpolation is None else self.interpolation.band
        return Estimate(
            schema=SCHEMA,
            tool=Tool("mcusim", __version__),
            network=sketch.name,
            part=name,
            model_sha256=sha256,
            clock_hz=clock_hz,
            cycles=cycles,
            time_s=cycles / clock_hz,
            energy_j=energy,
            energy_low_j=low,
            energy_high_j=high,
            flash_bytes=code_bytes + sketch.constant_bytes,
            peak_activation_bytes=sketch.peak_activation_bytes,
            scratch_bytes=sketch.scratch_bytes,
            parameters=sketch.parameters,
            macs=sketch.macs,
            interpolated_cycles=interpolated,
            interpolation_band=band if interpolated else None,
            layers=tuple(rows),
        )

    def _cost(self, layer: SketchLayer) -> tuple[LayerCost, bool]:
        key = (layer.shape, False)
        if self.interpolation is not None and self.interpolation.covers(layer.shape):
            return self.interpolation.cost(layer.shape)
        cost = self.memo.get(key)
        assert cost is not None, "learn() ran it"
        return cost, False

    def _first_use(self, kernel: str) -> LayerCost | None:
        """What a kernel costs more where nothing of it ran before."""
        if kernel not in self._first:
            small = small_layer(kernel)
            found = None
            if small is not None:
                cold, warm = self.memo.get((small, True)), self.memo.get((small, False))
                assert cold is not None
                assert warm is not None
                found = _added(cold, warm, -1)
            self._first[kernel] = found
        return self._first[kernel]

    def _run(self, jobs: Sequence[LayerJob], macs: Sequence[int]) -> None:
        batches = _batches(jobs, macs, self._workers.count)
        done, next_s = 0, time.monotonic() + KEEP_S
        try:
            for batch, costs in self._ran(batches):
                keys = [(job.shape, job.is_first) for job in batch]
                self.memo.learn(dict(zip(keys, costs, strict=True)))
                done += len(batch)
                self.ran += len(batch)
                if time.monotonic() >= next_s:
                    self.memo.keep()
                    next_s = time.monotonic() + KEEP_S
                if self._progress is not None:
                    self._progress(done, len(jobs))
        finally:
            self.memo.keep()

    def _ran(
        self, batches: Sequence[Sequence[LayerJob]]
    ) -> Iterable[tuple[Sequence[LayerJob], list[LayerCost]]]:
        if self._team is None and self._workers.is_here(len(batches)):
            from simcore.core.schedules import Known

            self._known = self._known or Known()
            with collecting_seldom():
                for batch in batches:
                    yield batch, run_layers(batch, self.target, self._known)
            return
        if self._team is None:
            self._team = self._open.enter_context(self._workers.team())
        work = [LayerBatch(self.target, tuple(batch)) for batch in batches]
        for number, future in self._team.run(LayerBatch.run, work, LayerBatch.files):
            yield batches[number], future.result()


def estimate(network: Any, cpu: str | None = None, **options: Any) -> Estimate:
    """What a network would cost on a part, as the sum of its layers, each run once and remembered.

    ``network`` is the path of a .tflite file or of a list of layers (TOML, JSON), such a list as a
    table, or what :mod:`simcore.network` calls a network. ``cpu``, ``clock_hz``, ``caches``,
    ``voltage_scale``, ``overrides`` and ``arena`` (one region) say on what; ``jobs``,
    ``interpolate`` and ``cache`` are those of :class:`Estimator`, which a search keeps for many.

    Cycles are sums of modelled ones, energy in J, time in s, memory in bytes. Raises NetworkError,
    ConfigError or ModelError.
    """
    told = {name: options.pop(name) for name in Target._fields if name in options}
    target = Target(**told) if cpu is None else Target(cpu=cpu, **told)
    with Estimator(target, **options) as estimator:
        return estimator.estimate(network)


_WORKERS_KNOWN: list[Any] = []


class LayerBatch(NamedTuple):
    """Layers of an execution; goes to another process as it is, where schedules stay for others."""

    target: Target
    jobs: tuple[LayerJob, ...]

    def files(self) -> list[str]:
        """What it reads of this machine."""
        if not is_model_file(self.target.cpu):
            return []
        from simcore.cpu_model.tree import model_files

        return list(map(str, model_files(self.target.cpu)))

    def run(self) -> list[LayerCost]:
        """What the layers cost. Raises as :func:`simcore.estimation.bench.run_layers`."""
        from simcore.core.schedules import Known

        if not _WORKERS_KNOWN:
            _WORKERS_KNOWN.append(Known())
        return run_layers(self.jobs, self.target, _WORKERS_KNOWN[0])


def _batches(
    jobs: Sequence[LayerJob], macs: Sequence[int], workers: int
) -> list[Sequence[LayerJob]]:
    """Layers in executions, the dearest first, so that workers end together."""
    most = min(MOST_LAYERS, max(1, -(-len(jobs) // workers)))
    order = sorted(range(len(jobs)), key=lambda at: (-macs[at], at))
    batches: list[Sequence[LayerJob]] = []
    batch: list[LayerJob] = []
    total = size = 0
    for at in order:
        weights = prod(jobs[at].shape.weights or ())
        full = len(batch) == most or total + macs[at] > MOST_MACS or size + weights > MOST_BYTES
        if batch and full:
            batches.append(batch)
            batch, total, size = [], 0, 0
        batch.append(jobs[at])
        total, size = total + macs[at], size + weights
    return [*batches, batch] if batch else batches


def _added(cost: LayerCost, other: LayerCost, times: int = 1) -> LayerCost:
    return LayerCost(
        cost.cycles + times * other.cycles,
        cost.instructions + times * other.instructions,
        cost.energy_j + times * other.energy_j,
        cost.energy_low_j + times * other.energy_low_j,
        cost.energy_high_j + times * other.energy_high_j,
    )
