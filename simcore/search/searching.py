"""The search itself: Optuna picks, layers are estimated, a score judges, limits hold.

Networks are asked for in rounds, so that the layers of a round are run side by side; what is picked
hangs on the seed alone, not on how many processes run.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from simcore import __version__
from simcore.costs.origin import Tool
from simcore.errors import ConfigError
from simcore.estimation.estimator import Estimate, Estimator
from simcore.estimation.sketch import sketch_of_list
from simcore.extras import require
from simcore.pareto import pareto_front
from simcore.search.results import SCHEMA, FoundNetwork, SearchLimit, SearchResult
from simcore.search.scores import load_score
from simcore.search.spec import FIGURES, SCORE, SearchSpec
from simcore.units import amount

if TYPE_CHECKING:
    import optuna

ROUND: Final = 20  # networks that are picked before their costs are told


def search(
    spec: SearchSpec,
    seed: int = 1,
    *,
    estimator: Estimator | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SearchResult:
    """Search a space. ``progress`` is called with the networks that were judged and with all.

    Raises ConfigError without Optuna, where no network meets the limits, with the one that is
    nearest, and for a score that raises; ModelError and NetworkError as estimates do.
    """
    require("search", "mcusim search")
    score = load_score(spec.score, Path(spec.file).parent)
    estimator = estimator or Estimator(spec.target, interpolate=spec.interpolate)
    study = _study(spec, seed)
    rows: list[FoundNetwork] = []
    seen: set[str] = set()
    shapes: set[Any] = set()
    one: Estimate | None = None
    for start in range(0, spec.trials, ROUND):
        trials = [study.ask() for _ in range(min(ROUND, spec.trials - start))]
        tables = [_table(spec, trial) for trial in trials]
        sketches = [sketch_of_list(table) for table in tables]
        for sketch in sketches:
            shapes |= {layer.shape for layer in sketch.layers}
        for trial, table, one in zip(trials, tables, estimator.estimates(sketches), strict=True):
            row = _row(spec, trial.number, table, one, score(table, one))
            trial.set_user_attr("excess", row.excess)
            study.tell(trial, [_told_value(row, name) for name in spec.objectives])
            if row.layers not in seen:
                seen.add(row.layers)
                rows.append(row)
        if progress is not None:
            progress(start + len(trials), spec.trials)
    assert one is not None
    feasible = [row for row in rows if row.excess <= 0]
    if not feasible:
        raise ConfigError(_nearest_miss(spec, rows))
    best = pareto_front([[_small(row, name) for name in spec.objectives] for row in feasible])
    front = {feasible[number].network for number in best}
    between = estimator.interpolation
    return SearchResult(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        family=spec.space.family,
        part=one.part,
        model_sha256=one.model_sha256,
        clock_hz=one.clock_hz,
        score=spec.score,
        objectives=spec.objectives,
        sampler=spec.sampler,
        seed=seed,
        limits=tuple(SearchLimit(name, most) for name, most in spec.limits.items()),
        interpolation_band=None if between is None else between.band,
        distinct_layers=len(shapes),
        rows=tuple(_marked(row, row.network in front) for row in rows),
    )


def _study(spec: SearchSpec, seed: int) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def constraints(trial: optuna.trial.FrozenTrial) -> Sequence[float]:
        return [float(trial.user_attrs["excess"])]

    samplers = optuna.samplers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that constraints are experimental
        sampler: optuna.samplers.BaseSampler
        if spec.sampler == "random":
            sampler = samplers.RandomSampler(seed=seed)
        elif spec.sampler == "tpe":
            sampler = samplers.TPESampler(seed=seed, constraints_func=constraints)
        else:
            sampler = samplers.NSGAIISampler(
                seed=seed, population_size=2 * ROUND, constraints_func=constraints
            )
    directions: list[Literal["minimize", "maximize"]] = [
        "maximize" if name == SCORE else "minimize" for name in spec.objectives
    ]
    return optuna.create_study(sampler=sampler, directions=directions)


def _table(spec: SearchSpec, trial: optuna.Trial) -> dict[str, Any]:
    digits = len(str(spec.trials - 1))

    def pick(name: str, options: Sequence[Any]) -> Any:
        steps = {b - a for a, b in pairwise(options) if isinstance(a, int)}
        if len(options) > 2 and len(steps) == 1 and min(steps) > 0:
            return trial.suggest_int(name, options[0], options[-1], step=min(steps))
        return options[trial.suggest_categorical(name, list(range(len(options))))]

    return spec.space.table(f"{spec.space.family}-{trial.number:0{digits}}", pick)


def _row(
    spec: SearchSpec, number: int, table: Mapping[str, Any], one: Estimate, score: float
) -> FoundNetwork:
    layers = {"input": table["input"], "layer": table["layer"]}
    excesses = [_figure(one, name) / most - 1 for name, most in spec.limits.items()]
    return FoundNetwork(
        network=table["name"],
        trial=number,
        score=score,
        on_front=False,
        excess=max(excesses, default=-1.0),
        cycles=one.cycles,
        time_s=one.time_s,
        energy_j=one.energy_j,
        flash_bytes=one.flash_bytes,
        peak_activation_bytes=one.peak_activation_bytes,
        scratch_bytes=one.scratch_bytes,
        parameters=one.parameters,
        macs=one.macs,
        layers=json.dumps(layers, separators=(",", ":")),
    )


def _figure(row: Estimate | FoundNetwork, name: str) -> float:
    return float(getattr(row, FIGURES[name][0]))


def _told_value(row: FoundNetwork, name: str) -> float:
    return row.score if name == SCORE else _figure(row, name)


def _small(row: FoundNetwork, name: str) -> float:
    return -row.score if name == SCORE else _figure(row, name)


def _marked(row: FoundNetwork, on_front: bool) -> FoundNetwork:
    return replace(row, on_front=on_front)


def _nearest_miss(spec: SearchSpec, rows: Sequence[FoundNetwork]) -> str:
    row = min(rows, key=lambda row: (row.excess, row.trial))
    over = [
        f"{name} {amount(_figure(row, name), FIGURES[name][1])} of {amount(most, FIGURES[name][1])}"
        for name, most in spec.limits.items()
        if _figure(row, name) > most
    ]
    return (
        f"{spec.file}: none of {len(rows)} networks meets the limits; the nearest, {row.network},"
        f" has {' and '.join(over)}; raise them, widen [space] or try more --trials"
    )
