"""A check as JSON for github-action-benchmark, tool customSmallerIsBetter."""

from __future__ import annotations

import json

from simcore.checking.results import CheckResult
from simcore.report.check import measured, unmeasured


def render(result: CheckResult) -> str:
    """A list of {name, unit, value, extra}; a check that could not be made is an empty list.

    The last one counts runs without a value, which rises when one is missing, and names them.
    """
    rows = []
    for run, value in measured(result):
        extra = [f"{value.accuracy}"]
        if run.cpu is not None:
            extra.append(
                f"{run.cpu.name} at {run.cpu.clock_hz} Hz, model {run.cpu.model_sha256[:12]}"
            )
        row = {
            "name": f"{run.name}: {value.key}",
            "unit": value.unit or value.metric,
            "value": value.after,
            "extra": "\n".join(extra),
        }
        rows.append(row | ({"range": value.spread} if value.spread else {}))
    if result.error is None:
        missing = unmeasured(result)
        row = {"name": "mcusim check: not measured", "unit": "runs", "value": len(missing)}
        rows.append({**row, "extra": "\n".join(missing)})
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"
