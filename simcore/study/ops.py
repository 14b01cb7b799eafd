"""The study of operations: the grid run on parts, side by side, with the spread between types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from simcore import __version__
from simcore.costs.nodes import ratio
from simcore.costs.operations import OPS_PER_MAC
from simcore.costs.origin import Tool
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.plain import Amount, Count, Document, filled, one_of, schema_name
from simcore.run.setup import Move
from simcore.study.grid import VARIANTS, Case, Grid, GridPlacement, SpreadSet
from simcore.study.moves import leaves_room, moves_of
from simcore.study.parts import NetworkPart, PartWithRunner, studied_parts
from simcore.study.pool import run_tasks
from simcore.study.roof import (
    MACS_PER_CYCLE,
    Bandwidth,
    core_bandwidth,
    refill_bandwidths,
)
from simcore.study.store import Store
from simcore.study.tasks import OpRun, Run

if TYPE_CHECKING:
    from simcore.store.database import ResultStore

SCHEMA = "mcusim.study-ops/1"


@dataclass(frozen=True, slots=True)
class StudyPart(NetworkPart):
    """A part of a study and what bounds its kernels, in bytes and MACs a core cycle."""

    peak_macs_per_cycle: Count
    """Multiply-accumulates that the core can do in a cycle."""
    core_bandwidth: Bandwidth
    refill_bandwidths: tuple[Bandwidth, ...]
    """Cache lines read one behind the other, by region."""


@dataclass(frozen=True, slots=True)
class OpsRow:
    """One point of the grid."""

    part: str
    operation: str
    group: str
    kernel: str
    size: str
    """Which of the sizes."""
    shape: str
    """Arguments of the runner."""
    reference: bool
    """The shape of its size that types are compared by."""
    variant: Annotated[str, one_of(*VARIANTS)]
    weights: str | None
    """Where the weights lie; null for an operation without weights."""
    activations: str
    """Where inputs and outputs lie."""
    code: str
    """Where the kernel's code lies."""
    invocations: Count
    macs: Count
    """Over all invocations."""
    ops: Count
    """Operations over all invocations: two a multiply-accumulate, one any other value."""
    instructions: Count
    cycles: Count
    cycles_per_op: Amount
    cycles_per_mac: Amount | None
    time_s: Amount
    ops_per_s: Amount
    energy_j: Amount
    """Estimated, over all invocations."""
    energy_low_j: Amount
    """Low end of the interval."""
    energy_high_j: Amount
    """High end of the interval."""
    j_per_op: Amount
    power_w: Amount
    param_bytes: Count
    """Weights and constants of one invocation."""
    activation_bytes: Count
    """Inputs and outputs of one invocation."""
    scratch_bytes: Count
    """Scratch buffer of one invocation."""
    peak_activation_bytes: Count
    """Inputs, outputs and scratch together."""
    loaded_bytes: Count
    """What the kernel's loads move, over all invocations."""
    stored_bytes: Count
    """What the kernel's stores move, over all invocations."""
    refill_bytes: Count
    """Bytes between the data cache and memory, or past it, over all invocations."""

    @property
    def place(self) -> tuple[str | None, str, str]:
        """Where weights, activations and code lie."""
        return self.weights, self.activations, self.code


@dataclass(frozen=True, slots=True)
class Spread:
    """How far types of operation lie apart at equal operation counts, in the usual placement."""

    part: str
    name: str
    """Set of operations."""
    variant: Annotated[str, one_of(*VARIANTS)]
    size: str
    """Which of the sizes."""
    operations_per_mac: Count
    """How a multiply-accumulate counts: as two, as in the sizes, or as one."""
    operations: Count
    """How many types there are."""
    fastest: str
    slowest: str
    throughput_ratio: Amount
    """Largest over smallest operations per second at equal operation counts."""
    thriftiest: str
    hungriest: str
    energy_ratio: Amount
    """Largest over smallest energy per operation."""


@dataclass(frozen=True, slots=True)
class OpsStudy(Document):
    """Types of operations on parts, as 'mcusim study ops' writes them.

    Counts are exact, cycles are modelled, energy is estimated.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    sizes: dict[str, int]
    """Target operation counts of the sizes that ran, by name."""
    parts: tuple[StudyPart, ...]
    rows: tuple[OpsRow, ...]
    """In the order of the grid, part after part."""
    spreads: tuple[Spread, ...]
    """How far types lie apart at equal operation counts, in the usual placement."""

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
    scheduler: str | None = None,
    shelf: ResultStore | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> OpsStudy:
    """Run the cases on every part and put the results side by side.

    ``progress`` is called with the number of finished runs and of all. Results that the store
    holds, or ``shelf``, a store of results, are taken from there. Raises ModelError or ConfigError
    for a part that cannot be studied, and what :func:`simcore.study.pool.run_tasks` raises.
    """
    studied = studied_parts(cpus)
    points = [
        _point(name, case, part.runner, part.model)
        for name, part in studied.items()
        for case in cases
    ]
    tasks = [
        studied[point.part].task(point.case.args, moves=tuple(moves for _, moves in point.placed))
        for point in points
    ]
    runs = run_tasks(
        tasks,
        store,
        jobs=jobs,
        scheduler=scheduler,
        shelf=shelf,
        progress=None if progress is None else lambda done: progress(done, len(tasks)),
    )
    rows = [
        _row(point, placement, timing, run)
        for point, run in zip(points, runs, strict=True)
        for (placement, moves), timing in zip(point.placed, run.timings, strict=True)
        if leaves_room(studied[point.part].runner, moves, timing[0].scratch_bytes)
    ]
    first = zip(studied.values(), runs[:: len(cases)], strict=True)
    sizes = {size: count for size, count in grid.sizes.items() if any(r.size == size for r in rows)}
    study = OpsStudy(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        sizes=sizes,
        parts=tuple(_part(part, run) for part, run in first),
        rows=tuple(rows),
        spreads=(),
    )
    return replace(study, spreads=tuple(_spreads(study, grid, cases)))


@dataclass(frozen=True, slots=True)
class _Point:
    """One execution: a case on a part, with the placements that the part has room for."""

    part: str
    case: Case
    placed: tuple[tuple[GridPlacement, tuple[Move, ...]], ...]


def _point(part: str, case: Case, image: Image, model: CpuModel) -> _Point:
    placed = tuple(
        (placement, moves)
        for placement in case.placements
        if (moves := moves_of(image, model, case, placement)) is not None
    )
    return _Point(part, case, placed)


def _part(part: PartWithRunner, run: Run) -> StudyPart:
    regions = tuple(sorted({region for op in run.ops for region in op.traffic}))
    bandwidths = refill_bandwidths(part.model, run.clock_hz, run.voltage_scale, regions)
    return part.described(
        StudyPart,
        run,
        peak_macs_per_cycle=MACS_PER_CYCLE,
        core_bandwidth=core_bandwidth(part.model),
        refill_bandwidths=bandwidths,
    )


def _row(point: _Point, placement: GridPlacement, timing: Sequence[OpRun], run: Run) -> OpsRow:
    (op,) = timing
    case, traffic = point.case, op.traffic.values()
    return filled(
        OpsRow,
        op,
        case,
        placement,
        part=point.part,
        operation=case.operation.name,
        group=case.operation.group,
        kernel=case.operation.kernel,
        cycles_per_op=op.cycles / op.ops,
        cycles_per_mac=ratio(op.cycles, op.macs),
        ops_per_s=op.ops * run.clock_hz / op.cycles,
        j_per_op=op.energy_j / op.ops,
        power_w=op.energy_j / op.time_s,
        peak_activation_bytes=op.activation_bytes + op.scratch_bytes,
        loaded_bytes=sum(moved.read_bytes for moved in traffic),
        stored_bytes=sum(moved.write_bytes for moved in traffic),
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
