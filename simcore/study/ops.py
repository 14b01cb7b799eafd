"""The study of operations: the grid run on parts, side by side, with the spread between types."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from simcore import __version__
from simcore.costs.nodes import ratio
from simcore.costs.operations import OPS_PER_MAC
from simcore.costs.profile import Tool
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image
from simcore.plain import to_plain
from simcore.run.setup import Move
from simcore.study.grid import Case, Grid, Placement, SpreadSet
from simcore.study.moves import leaves_room, moves_of
from simcore.study.pool import run_tasks
from simcore.study.roof import (
    MACS_PER_CYCLE,
    Bandwidth,
    core_bandwidth,
    refill_bandwidths,
)
from simcore.study.runners import runner_for
from simcore.study.store import Store
from simcore.study.tasks import OpRun, Run, Task

SCHEMA = "mcusim.study-ops/1"


@dataclass(frozen=True, slots=True)
class StudyPart:
    """A part of a study and what bounds its kernels, in bytes and MACs a core cycle."""

    name: str
    title: str
    model_sha256: str
    clock_hz: int
    voltage_scale: str
    voltage_v: float  # at the supply pin, where the energy is counted
    elf: str  # name of the runner ELF
    elf_sha256: str
    peak_macs_per_cycle: int
    core_bandwidth: Bandwidth
    refill_bandwidths: tuple[Bandwidth, ...]


@dataclass(frozen=True, slots=True)
class OpsRow:
    """One point of the grid. Energies in J; sizes in bytes, of one invocation.

    ``peak_activation_bytes`` is inputs, outputs and scratch together. ``loaded_bytes`` and
    ``stored_bytes`` are what the kernel's loads and stores move over all invocations;
    ``refill_bytes`` is what went between the data cache and memory, or past it.
    """

    part: str
    operation: str
    group: str
    kernel: str
    size: str
    shape: str
    reference: bool  # the shape of its size that types are compared by
    variant: str
    weights: str | None  # where they lie; None for an operation without weights
    activations: str
    code: str
    invocations: int
    macs: int
    ops: int
    instructions: int
    cycles: int
    cycles_per_op: float
    cycles_per_mac: float | None
    time_s: float
    ops_per_s: float
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    j_per_op: float
    power_w: float
    param_bytes: int
    activation_bytes: int
    scratch_bytes: int
    peak_activation_bytes: int
    loaded_bytes: int
    stored_bytes: int
    refill_bytes: int

    @property
    def place(self) -> tuple[str | None, str, str]:
        """Where weights, activations and code lie."""
        return self.weights, self.activations, self.code


@dataclass(frozen=True, slots=True)
class Spread:
    """How far types of operation lie apart at equal operation counts, in the usual placement.

    ``operations_per_mac`` says how a multiply-accumulate counts: as two, as in the sizes, or as
    one, for sets that hold other operations too.
    """

    part: str
    name: str  # of the set of operations
    variant: str
    size: str
    operations_per_mac: int
    operations: int
    fastest: str
    slowest: str
    throughput_ratio: float  # largest over smallest operations/s
    thriftiest: str
    hungriest: str
    energy_ratio: float  # largest over smallest energy per operation


@dataclass(frozen=True, slots=True)
class OpsStudy:
    """All rows in the order of the grid, part after part; ``sizes`` are target counts."""

    schema: str
    tool: Tool
    sizes: dict[str, int]
    parts: tuple[StudyPart, ...]
    rows: tuple[OpsRow, ...]
    spreads: tuple[Spread, ...]

    def to_json(self) -> str:
        """The study as a JSON document; the same study gives the same bytes on every host."""
        return json.dumps(to_plain(self), indent=1, allow_nan=False) + "\n"

    @property
    def compared_size(self) -> str:
        """The largest size that ran: that of the comparison between types."""
        return max(self.sizes, key=lambda size: self.sizes[size])

    def compared(self, part: str, variant: str) -> list[OpsRow]:
        """A row for each type: reference shape of the largest size, usual placement."""
        return [
            row
            for row in self.usual(part, variant)
            if row.reference and row.size == self.compared_size
        ]

    def placed(self, part: str, variant: str) -> list[OpsRow]:
        """The rows that :meth:`compared` gives, in all placements."""
        return [
            row
            for row in self.rows
            if (row.part, row.variant, row.size) == (part, variant, self.compared_size)
            if row.reference
        ]

    def usual(self, part: str, variant: str) -> list[OpsRow]:
        """The rows of a part and variant in the usual placement."""
        rows = [row for row in self.rows if (row.part, row.variant) == (part, variant)]
        first: dict[str, tuple[str | None, str, str]] = {}
        for row in rows:
            first.setdefault(row.operation, row.place)
        return [row for row in rows if row.place == first[row.operation]]


def study_ops(
    cpus: Sequence[str],
    grid: Grid,
    cases: Sequence[Case],
    store: Store,
    *,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> OpsStudy:
    """Run the cases on every part and put the results side by side.

    ``progress`` is called with the number of finished runs and of all. Results that the store holds
    are taken from there. Raises ModelError or ConfigError for a part that cannot be studied, and
    what :func:`simcore.study.pool.run_tasks` raises.
    """
    models = {model.name: (cpu, model) for cpu in cpus for model in [load_cpu_model(cpu)]}
    runners = {name: runner_for(model) for name, (_, model) in models.items()}
    points = [
        _point(name, case, runners[name], model)
        for name, (_, model) in models.items()
        for case in cases
    ]
    tasks = [
        Task(
            runners[point.part].path,
            runners[point.part].sha256,
            models[point.part][0],
            models[point.part][1].sha256,
            point.case.args,
            moves=tuple(moves for _, moves in point.placed),
        )
        for point in points
    ]
    runs = run_tasks(
        tasks,
        store,
        jobs=jobs,
        progress=None if progress is None else lambda done: progress(done, len(tasks)),
    )
    rows = [
        _row(point, placement, timing, run)
        for point, run in zip(points, runs, strict=True)
        for (placement, moves), timing in zip(point.placed, run.timings, strict=True)
        if leaves_room(runners[point.part], moves, timing[0].scratch_bytes)
    ]
    first = dict(zip(models, runs[:: len(cases)], strict=True))
    sizes = {size: count for size, count in grid.sizes.items() if any(r.size == size for r in rows)}
    study = OpsStudy(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        sizes=sizes,
        parts=tuple(
            _part(model, runners[name], first[name]) for name, (_, model) in models.items()
        ),
        rows=tuple(rows),
        spreads=(),
    )
    return replace(study, spreads=tuple(_spreads(study, grid, cases)))


@dataclass(frozen=True, slots=True)
class _Point:
    """One execution: a case on a part, with the placements that the part has room for."""

    part: str
    case: Case
    placed: tuple[tuple[Placement, tuple[Move, ...]], ...]


def _point(part: str, case: Case, image: Image, model: CpuModel) -> _Point:
    placed = tuple(
        (placement, moves)
        for placement in case.placements
        if (moves := moves_of(image, model, case, placement)) is not None
    )
    return _Point(part, case, placed)


def _part(model: CpuModel, image: Image, run: Run) -> StudyPart:
    regions = {region for op in run.ops for region in op.traffic}
    return StudyPart(
        name=model.name,
        title=model.title,
        model_sha256=model.sha256,
        clock_hz=run.clock_hz,
        voltage_scale=run.voltage_scale,
        voltage_v=model.supply_voltage_v,
        elf=PurePath(image.path).name,
        elf_sha256=image.sha256,
        peak_macs_per_cycle=MACS_PER_CYCLE,
        core_bandwidth=core_bandwidth(model),
        refill_bandwidths=refill_bandwidths(
            model, run.clock_hz, run.voltage_scale, tuple(sorted(regions))
        ),
    )


def _row(point: _Point, placement: Placement, timing: Sequence[OpRun], run: Run) -> OpsRow:
    (op,) = timing
    case, traffic = point.case, op.traffic.values()
    return OpsRow(
        part=point.part,
        operation=case.operation.name,
        group=case.operation.group,
        kernel=case.operation.kernel,
        size=case.size,
        shape=case.shape,
        reference=case.reference,
        variant=case.variant,
        weights=placement.weights,
        activations=placement.activations,
        code=placement.code,
        invocations=op.invocations,
        macs=op.macs,
        ops=op.ops,
        instructions=op.instructions,
        cycles=op.cycles,
        cycles_per_op=op.cycles / op.ops,
        cycles_per_mac=ratio(op.cycles, op.macs),
        time_s=op.time_s,
        ops_per_s=op.ops * run.clock_hz / op.cycles,
        energy_j=op.energy_j,
        energy_low_j=op.energy_low_j,
        energy_high_j=op.energy_high_j,
        j_per_op=op.energy_j / op.ops,
        power_w=op.energy_j / op.time_s,
        param_bytes=op.param_bytes,
        activation_bytes=op.activation_bytes,
        scratch_bytes=op.scratch_bytes,
        peak_activation_bytes=op.activation_bytes + op.scratch_bytes,
        loaded_bytes=sum(moved.read_bytes for moved in traffic),
        stored_bytes=sum(moved.write_bytes for moved in traffic),
        refill_bytes=op.refill_bytes,
    )


def _spreads(study: OpsStudy, grid: Grid, cases: Sequence[Case]) -> Iterator[Spread]:
    members = {
        chosen.name: {case.operation.name for case in cases if chosen.holds(case.operation)}
        for chosen in grid.spreads
    }
    for part in study.parts:
        for chosen in grid.spreads:
            for variant in dict.fromkeys(case.variant for case in cases):
                for size in study.sizes:
                    rows = [
                        row
                        for row in study.usual(part.name, variant)
                        if row.reference and row.size == size
                    ]
                    rows = [row for row in rows if row.operation in members[chosen.name]]
                    if len(rows) < 2:
                        continue
                    mixed = len({row.macs > 0 for row in rows}) > 1
                    for per_mac in (OPS_PER_MAC, 1) if mixed else (OPS_PER_MAC,):
                        yield _spread(part.name, chosen, variant, size, per_mac, rows)


def _spread(
    part: str,
    chosen: SpreadSet,
    variant: str,
    size: str,
    per_mac: int,
    rows: Sequence[OpsRow],
) -> Spread:
    def counted(row: OpsRow) -> float:
        """The share of the row's operations that are left when a MAC counts as ``per_mac``."""
        return per_mac / OPS_PER_MAC if row.macs else 1.0

    def rate(row: OpsRow) -> float:
        return row.ops_per_s * counted(row)

    def energy(row: OpsRow) -> float:
        return row.j_per_op / counted(row)

    slowest, *_, fastest = sorted(rows, key=rate)
    thriftiest, *_, hungriest = sorted(rows, key=energy)
    return Spread(
        part=part,
        name=chosen.name,
        variant=variant,
        size=size,
        operations_per_mac=per_mac,
        operations=len(rows),
        fastest=fastest.operation,
        slowest=slowest.operation,
        throughput_ratio=rate(fastest) / rate(slowest),
        thriftiest=thriftiest.operation,
        hungriest=hungriest.operation,
        energy_ratio=energy(hungriest) / energy(thriftiest),
    )
