"""The study of rankings: how operations, parameters and the sum of layers order random networks.

Networks are random ones of one space. Each is estimated, as the sum of its layers, and some are run
whole: what these cost is what the rankings are held against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from simcore import __version__
from simcore.costs.origin import Tool
from simcore.errors import ConfigError, NetworkError
from simcore.estimation.estimator import Estimate, Estimator
from simcore.network.runners import NETWORKS
from simcore.plain import Amount, Count, Document, Sha256, one_of, schema_name
from simcore.search.ranks import kendall_tau, swapped_share
from simcore.search.spaces import RANKED, Row, random_tables
from simcore.study.layers import network_of
from simcore.study.parts import PartWithRunner, studied_parts
from simcore.study.pool import run_tasks
from simcore.study.store import Store
from simcore.study.tasks import Task, check_fits

if TYPE_CHECKING:
    from simcore.store.database import ResultStore

SCHEMA: Final = "mcusim.study-ranking/1"
#: What networks are ranked by, as names of fields of RankedNetwork.
PREDICTORS: Final = ("ops", "parameters", "peak_activation_bytes", "estimated_cycles")
COSTS: Final = ("time_s", "energy_j")


@dataclass(frozen=True, slots=True)
class RankedNetwork:
    """A network: what is known of it, what is estimated, and what a whole run cost."""

    network: str
    blocks: Count
    input: tuple[Count, ...]
    ops: Count
    """Two a multiply-accumulate."""
    parameters: Count
    peak_activation_bytes: Count
    flash_bytes: Count
    estimated_cycles: Count
    estimated_energy_j: Amount
    cycles: Count
    """Of the whole run."""
    time_s: Amount
    energy_j: Amount


@dataclass(frozen=True, slots=True)
class RankTau:
    """How well one figure ranks networks by another."""

    by: Annotated[str, one_of(*PREDICTORS)]
    cost: Annotated[str, one_of(*COSTS)]
    tau: float
    """Kendall's tau-b: 1 the same order, 0 none, -1 the opposite one."""
    swapped: Amount
    """Share of the pairs of networks that it orders wrongly."""


@dataclass(frozen=True, slots=True)
class SumError:
    """How far the sum of layers is from whole runs, as shares of these."""

    cost: Annotated[str, one_of(*COSTS)]
    mean: float
    """With its sign: above 0 the sum is too large."""
    least: float
    most: float
    median_size: Amount
    """Median of its size."""
    worst: str
    """The network that it is furthest off for."""


@dataclass(frozen=True, slots=True)
class RankingStudy(Document):
    """How operations, parameters and the sum of layers rank random networks on a part.

    Counts are exact, cycles of whole runs modelled, energy estimated; sums of layers are estimated.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    part: str
    model_sha256: Sha256
    clock_hz: Count
    space: str
    seed: int
    drawn: Count
    """Networks that were drawn, until enough had room on the part."""
    distinct_layers: Count
    """Different layers of those that were run whole."""
    taus: tuple[RankTau, ...]
    errors: tuple[SumError, ...]
    rows: tuple[RankedNetwork, ...]


def study_ranking(
    cpu: str,
    count: int,
    seed: int,
    store: Store,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    shelf: ResultStore | None = None,
    estimator: Estimator | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RankingStudy:
    """Draw ``count`` random networks that fit a part, run them whole and rank them.

    ``progress`` is called with the number of finished runs and of all. Raises ConfigError where
    none fits, ModelError, and what runs raise.
    """
    if count < 2:
        raise ConfigError("a ranking needs two networks at least")
    (part,) = studied_parts([cpu], NETWORKS).values()
    tables, tasks, drawn = _fitting(part, count, seed)
    runs = run_tasks(
        tasks,
        store,
        jobs=jobs,
        scheduler=scheduler,
        shelf=shelf,
        progress=None if progress is None else lambda done: progress(done, len(tasks)),
    )
    estimates = (estimator or Estimator(jobs=jobs)).estimates(tables)
    rows = tuple(
        RankedNetwork(
            network=table["name"],
            blocks=sum(row["kernel"] == "depthwise_conv2d_s8" for row in table["layer"]),
            input=tuple(table["input"]),
            ops=2 * one.macs,
            parameters=one.parameters,
            peak_activation_bytes=one.peak_activation_bytes,
            flash_bytes=one.flash_bytes,
            estimated_cycles=one.cycles,
            estimated_energy_j=one.energy_j,
            cycles=(cycles := sum(op.cycles for op in run.ops)),
            time_s=cycles / run.clock_hz,
            energy_j=sum(op.energy_j for op in run.ops),
        )
        for table, one, run in zip(tables, estimates, runs, strict=True)
    )
    return RankingStudy(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        part=part.model.name,
        model_sha256=part.model.sha256,
        clock_hz=runs[0].clock_hz,
        space=RANKED.family,
        seed=seed,
        drawn=drawn,
        distinct_layers=_distinct(tables),
        taus=tuple(_tau(rows, by, cost) for cost in COSTS for by in PREDICTORS),
        errors=tuple(_error(rows, cost, estimates) for cost in COSTS),
        rows=rows,
    )


def _fitting(part: PartWithRunner, count: int, seed: int) -> tuple[list[Row], list[Task], int]:
    """Networks that have room on a part, their runs, and how many were drawn for them."""
    tables: list[Row] = []
    tasks: list[Task] = []
    most = 10 * count + 20
    for number, table in enumerate(random_tables(RANKED, most, seed)):
        network = network_of(table)
        try:
            check_fits(network, part.cpu)
        except NetworkError:
            continue
        tables.append(table)
        tasks.append(part.task((), network=network))
        if len(tables) == count:
            return tables, tasks, number + 1
    raise ConfigError(
        f"of {most} random networks {len(tables)} have room on {part.model.name}, and {count} are"
        " asked for; choose another --cpu or fewer --networks"
    )


def _distinct(tables: Sequence[Row]) -> int:
    from simcore.estimation.sketch import sketch_of_list

    return len({layer.shape for table in tables for layer in sketch_of_list(table).layers})


def _tau(rows: Sequence[RankedNetwork], by: str, cost: str) -> RankTau:
    if by == "estimated_cycles" and cost == "energy_j":
        first = [row.estimated_energy_j for row in rows]
    else:
        first = [float(getattr(row, by)) for row in rows]
    second = [float(getattr(row, cost)) for row in rows]
    return RankTau(by, cost, kendall_tau(first, second), swapped_share(first, second))


def _error(rows: Sequence[RankedNetwork], cost: str, estimates: Sequence[Estimate]) -> SumError:
    field = "time_s" if cost == "time_s" else "energy_j"
    errors = [
        float(getattr(one, field)) / float(getattr(row, cost)) - 1
        for one, row in zip(estimates, rows, strict=True)
    ]
    worst = max(range(len(rows)), key=lambda at: abs(errors[at]))
    return SumError(
        cost,
        mean=sum(errors) / len(errors),
        least=min(errors),
        most=max(errors),
        median_size=sorted(map(abs, errors))[len(errors) // 2],
        worst=rows[worst].network,
    )
