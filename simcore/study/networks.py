"""The study of networks: whole layer lists on parts, with their memory, latency and energy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from simcore import __version__
from simcore.costs.origin import Tool
from simcore.errors import ConfigError
from simcore.network.runners import NETWORKS, OPERATIONS, runner_for
from simcore.plain import Amount, Count, Document, filled, one_of, schema_name
from simcore.study.grid import VARIANTS
from simcore.study.layers import Network
from simcore.study.measured import name_of, rows_of
from simcore.study.parts import NetworkPart, PartWithRunner, studied_parts
from simcore.study.plain import kernel_name, layer_list
from simcore.study.pool import run_tasks
from simcore.study.store import Store
from simcore.study.tasks import LIST_NAME, Run, Task, check_fits

if TYPE_CHECKING:
    from simcore.store.database import ResultStore

SCHEMA = "mcusim.study-networks/1"

#: What networks are ranked by, as names of fields of NetworkRow; the largest comes first.
RANKED_BY = ("ops", "param_bytes", "peak_activation_bytes", "time_s", "energy_j", "cycles_per_mac")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer."""

    name: str
    kernel: str
    macs: Count
    """Multiply-accumulates of one inference."""
    ops: Count
    """Two a multiply-accumulate, one any other value."""
    instructions: Count
    cycles: Count
    time_s: Amount
    energy_j: Amount
    """Estimated."""
    param_bytes: Count
    """Weights, biases, multipliers, shifts and tables."""
    activation_bytes: Count
    """Inputs and output."""


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """One network on one part, sums over its layers."""

    part: str
    network: str
    title: str
    source: str
    variant: Annotated[str, one_of(*VARIANTS)]
    macs: Count
    """Multiply-accumulates of one inference."""
    ops: Count
    """Two a multiply-accumulate, one any other value."""
    parameters: Count
    """Weights and biases."""
    param_bytes: Count
    """Weights, biases, multipliers, shifts and tables."""
    peak_activation_bytes: Count
    """One buffer in which tensors that do not live at the same time share their place."""
    all_activation_bytes: Count
    """Every tensor in a place of its own."""
    scratch_bytes: Count
    """The largest scratch buffer of a layer, on top of the activations."""
    instructions: Count
    cycles: Count
    cycles_per_mac: Amount | None
    """Null of a network without any."""
    time_s: Amount
    energy_j: Amount
    """Estimated."""
    energy_low_j: Amount
    """Low end of the interval."""
    energy_high_j: Amount
    """High end of the interval."""
    j_per_mac: Amount | None
    """Null of a network without any."""
    power_w: Amount
    layers: tuple[LayerRow, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What others measured of a network on a part with their kernels, beside this suite's."""

    part: str
    network: str
    runtime: str
    """Whose kernels, which version."""
    clock_hz: Count
    """Core clock, Hz."""
    time_s: Amount
    cycles_per_mac: Amount
    energy_j: Amount | None
    """At the supply of the microcontroller, null where none was measured."""
    source: str
    time_ratio: Amount
    """Modelled time of this suite over the measured one."""
    energy_ratio: Amount | None
    """Modelled energy of this suite over the measured one; null where none was measured."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Networks from the largest down, by one field of a row."""

    part: str
    variant: Annotated[str, one_of(*VARIANTS)]
    by: Annotated[str, one_of(*RANKED_BY)]
    """Field of a row."""
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkStudy(Document):
    """Networks on parts, as 'mcusim study networks' writes them.

    Counts are exact, cycles are modelled, energy is estimated.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    parts: tuple[NetworkPart, ...]
    rows: tuple[NetworkRow, ...]
    """Part after part, in the order of the list of networks."""
    rankings: tuple[Ranking, ...]
    """Networks from the largest down."""
    measured: tuple[Measured, ...]
    """What others measured with their kernels; nothing is fitted to it."""

    def of(self, part: str, variant: str) -> list[NetworkRow]:
        """The rows of a part and variant."""
        return [row for row in self.rows if (row.part, row.variant) == (part, variant)]


def study_networks(
    cpus: Sequence[str],
    networks: Sequence[Network],
    store: Store,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    shelf: ResultStore | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NetworkStudy:
    """Run the networks, optimised and plain, on every part and put the results side by side.

    ``progress`` is called with the number of finished runs and of all. Results that the store
    holds, or ``shelf``, a store of results, are taken from there. Raises ModelError or ConfigError
    for a part that cannot be studied, and what :func:`simcore.study.pool.run_tasks` raises.
    """
    studied = studied_parts(cpus, NETWORKS)
    points = [
        (name, network, variant, task)
        for name, part in studied.items()
        for network in networks
        for variant in VARIANTS
        if (task := _task(part, network, variant)) is not None
    ]
    runs = run_tasks(
        [task for *_, task in points],
        store,
        jobs=jobs,
        scheduler=scheduler,
        shelf=shelf,
        progress=None if progress is None else lambda done: progress(done, len(points)),
    )
    rows = tuple(_row(*point[:3], run) for point, run in zip(points, runs, strict=True))
    a_run = {point[0]: run for point, run in zip(points, runs, strict=True)}
    parts = tuple(part.described(NetworkPart, a_run[name]) for name, part in studied.items())
    return NetworkStudy(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        parts=parts,
        rows=rows,
        rankings=_rankings(parts, rows),
        measured=tuple(_measured(rows, networks)),
    )


def _task(part: PartWithRunner, network: Network, variant: str) -> Task | None:
    """The run of a network; None of one that has no plain variant.

    Raises NetworkError for a part without room for it.
    """
    if variant == "optimised":
        check_fits(network, part.cpu)
        return part.task((), network=network)
    runner = runner_for(part.model, OPERATIONS)
    layers = layer_list(network, variant, runner)
    if layers is None:
        return None
    return replace(part, runner=runner).task((f"network={LIST_NAME}",), layers=layers)


def _row(part: str, network: Network, variant: str, run: Run) -> NetworkRow:
    steps = network.lowered.steps
    names = [network.layer_name(step) for step in steps]
    expected = network.op_names() if variant == "optimised" else names
    ran = {op.name: op for op in run.ops}
    if not set(ran) <= set(expected) or (variant == "optimised" and len(ran) < len(steps)):
        raise ConfigError(f"{network.where}: the runner ran other layers than those asked for")
    layers = tuple(
        filled(
            LayerRow,
            ran.get(op, _NOTHING),
            name=name,
            kernel=kernel_name(step.call),
            macs=step.call.macs,
            ops=step.call.ops,
            param_bytes=network.param_bytes(step),
            activation_bytes=network.activation_bytes(step),
        )
        for step, name, op in zip(steps, names, expected, strict=True)
    )
    cycles, macs = sum(row.cycles for row in layers), sum(row.macs for row in layers)
    energy_j, time_s = sum(row.energy_j for row in layers), cycles / run.clock_hz
    return filled(
        NetworkRow,
        network,
        run,
        part=part,
        network=network.name,
        variant=variant,
        macs=macs,
        ops=sum(row.ops for row in layers),
        param_bytes=sum(row.param_bytes for row in layers),
        scratch_bytes=network.scratch_bytes if variant == "optimised" else 0,
        instructions=sum(row.instructions for row in layers),
        cycles=cycles,
        cycles_per_mac=cycles / macs if macs else None,
        time_s=time_s,
        energy_j=energy_j,
        energy_low_j=sum(op.energy_low_j for op in run.ops),
        energy_high_j=sum(op.energy_high_j for op in run.ops),
        j_per_mac=energy_j / macs if macs else None,
        power_w=energy_j / time_s,
        layers=layers,
    )


@dataclass(frozen=True, slots=True)
class _Nothing:
    """A layer that no code runs for: a copy in place in plain loops."""

    instructions: int = 0
    cycles: int = 0
    time_s: float = 0.0
    energy_j: float = 0.0


_NOTHING = _Nothing()


def _rankings(parts: Sequence[NetworkPart], rows: Sequence[NetworkRow]) -> tuple[Ranking, ...]:
    rankings = []
    for part in parts:
        for variant in VARIANTS:
            mine = [row for row in rows if (row.part, row.variant) == (part.name, variant)]
            for by in RANKED_BY:
                order = sorted(mine, key=lambda row: -(getattr(row, by) or 0))
                names = tuple(row.network for row in order)
                rankings.append(Ranking(part.name, variant, by, names))
    return tuple(rankings)


def _measured(rows: Sequence[NetworkRow], networks: Sequence[Network]) -> list[Measured]:
    """The measured rows of the networks and parts that ran, beside the optimised kernels.

    A file is known by its bytes, whatever it is called.
    """
    known = {one.name: name_of(one.sha256) if one.is_file else one.name for one in networks}
    return [
        filled(
            Measured,
            row,
            part=ours.part,
            network=ours.network,
            cycles_per_mac=row.time_s * row.clock_hz / ours.macs,
            time_ratio=ours.time_s / row.time_s,
            energy_ratio=None if row.energy_j is None else ours.energy_j / row.energy_j,
        )
        for ours in rows
        if ours.variant == "optimised"
        for row in rows_of(known[ours.network], ours.part)
    ]
