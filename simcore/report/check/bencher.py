"""A check in Bencher Metric Format: {benchmark: {measure: {value}}}."""

from __future__ import annotations

import json

from simcore.checking.results import CheckResult
from simcore.report.check import measured, unmeasured


def render(result: CheckResult) -> str:
    """Benchmarks are runs, and functions and operations with a limit; measures are metrics.

    The unit belongs to a measure in Bencher, so it stands in the measure's name: energy-j. The
    format holds numbers only: a benchmark of the check counts the runs without a value.
    """
    benchmarks: dict[str, dict[str, dict[str, float]]] = {}
    for run, value in measured(result):
        assert value.after is not None
        name = f"{run.name}: {value.kind}={value.row}" if value.row else run.name
        measure = value.metric.replace(".", "-").replace("_", "-")
        if value.unit:
            measure += {"B": "-bytes"}.get(value.unit, f"-{value.unit.lower()}")
        measured_as = {"value": value.after}
        if value.low is not None and value.high is not None:
            measured_as |= {"lower_value": value.low, "upper_value": value.high}
        benchmarks.setdefault(name, {})[measure] = measured_as
    if result.error is None:
        missing = {"value": float(len(unmeasured(result)))}
        benchmarks.setdefault("mcusim check", {})["runs-not-measured"] = missing
    return json.dumps(benchmarks, indent=1, allow_nan=False) + "\n"
