"""The study of networks: whole layer lists on parts, with their memory, latency and energy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated

from simcore import __version__
from simcore.costs.origin import Tool
from simcore.errors import ConfigError
from simcore.plain import Amount, Count, Document, filled, one_of, schema_name
from simcore.study.grid import VARIANTS
from simcore.study.layers import Network, arena, layer_list
from simcore.study.measured import measured_table
from simcore.study.parts import NetworkPart, studied_parts
from simcore.study.pool import run_tasks
from simcore.study.store import Store
from simcore.study.tasks import LIST_NAME, Run

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
    """Weights, biases, multipliers and shifts."""
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
    """Weights, biases, multipliers and shifts."""
    peak_activation_bytes: Count
    """One buffer in which tensors that do not live at the same time share their place."""
    all_activation_bytes: Count
    """Every tensor in a place of its own."""
    scratch_bytes: Count
    """The largest scratch buffer of a layer, on top of the activations."""
    instructions: Count
    cycles: Count
    cycles_per_mac: Amount
    time_s: Amount
    energy_j: Amount
    """Estimated."""
    energy_low_j: Amount
    """Low end of the interval."""
    energy_high_j: Amount
    """High end of the interval."""
    j_per_mac: Amount
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
    progress: Callable[[int, int], None] | None = None,
) -> NetworkStudy:
    """Run the networks, optimised and plain, on every part and put the results side by side.

    ``progress`` is called with the number of finished runs and of all. Results that the store holds
    are taken from there. Raises ModelError or ConfigError for a part that cannot be studied, and
    what :func:`simcore.study.pool.run_tasks` raises.
    """
    studied = studied_parts(cpus)
    points = [
        (name, network, variant) for name in studied for network in networks for variant in VARIANTS
    ]
    tasks = [
        studied[name].task((f"network={LIST_NAME}",), layers=layer_list(network, variant))
        for name, network, variant in points
    ]
    runs = run_tasks(
        tasks,
        store,
        jobs=jobs,
        progress=None if progress is None else lambda done: progress(done, len(tasks)),
    )
    rows = tuple(_row(*point, run) for point, run in zip(points, runs, strict=True))
    per_part = runs[:: len(networks) * len(VARIANTS)]
    parts = tuple(
        part.described(NetworkPart, run)
        for part, run in zip(studied.values(), per_part, strict=True)
    )
    return NetworkStudy(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        parts=parts,
        rows=rows,
        rankings=_rankings(parts, rows),
        measured=tuple(_measured(rows)),
    )


def _row(part: str, network: Network, variant: str, run: Run) -> NetworkRow:
    if [op.name for op in run.ops] != [layer.name for layer in network.layers]:
        raise ConfigError(f"{network.name}: the runner ran other layers than those asked for")
    layers = tuple(
        filled(
            LayerRow,
            op,
            kernel=op.kind,
        )
        for op in run.ops
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
        peak_activation_bytes=arena(network)[1],
        all_activation_bytes=prod(network.input)
        + sum(prod(layer.output) for layer in network.layers),
        instructions=sum(row.instructions for row in layers),
        cycles=cycles,
        cycles_per_mac=cycles / macs,
        time_s=time_s,
        energy_j=energy_j,
        energy_low_j=sum(op.energy_low_j for op in run.ops),
        energy_high_j=sum(op.energy_high_j for op in run.ops),
        j_per_mac=energy_j / macs,
        power_w=energy_j / time_s,
        layers=layers,
    )


def _rankings(parts: Sequence[NetworkPart], rows: Sequence[NetworkRow]) -> tuple[Ranking, ...]:
    rankings = []
    for part in parts:
        for variant in VARIANTS:
            mine = [row for row in rows if (row.part, row.variant) == (part.name, variant)]
            for by in RANKED_BY:
                order = sorted(mine, key=lambda row: -getattr(row, by))
                names = tuple(row.network for row in order)
                rankings.append(Ranking(part.name, variant, by, names))
    return tuple(rankings)


def _measured(rows: Sequence[NetworkRow]) -> list[Measured]:
    """The measured rows of the networks and parts that ran, beside the optimised kernels."""
    table = measured_table()
    found = []
    for ours in rows:
        if ours.variant != "optimised":
            continue
        for row in table["row"]:
            if row["part"] != ours.part or ours.network not in row["latency_ms"]:
                continue
            tag, _, where = row["source"].partition(": ")
            time_s = row["latency_ms"][ours.network] / 1e3
            microjoules = row.get("energy_uj", {}).get(ours.network)
            energy_j = None if microjoules is None else microjoules / 1e6
            clock_hz = round(row["clock_mhz"] * 1e6)
            found.append(
                Measured(
                    part=ours.part,
                    network=ours.network,
                    runtime=row["runtime"],
                    clock_hz=clock_hz,
                    time_s=time_s,
                    cycles_per_mac=time_s * clock_hz / ours.macs,
                    energy_j=energy_j,
                    source=f"{table['sources'][tag]}; {where}",
                    time_ratio=ours.time_s / time_s,
                    energy_ratio=None if energy_j is None else ours.energy_j / energy_j,
                )
            )
    return found
