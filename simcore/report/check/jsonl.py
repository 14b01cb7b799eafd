"""A check as JSON Lines: an object for each run, then one for the whole check."""

from __future__ import annotations

import json
from dataclasses import replace

from simcore.checking.results import CheckResult
from simcore.plain import to_plain


def render(result: CheckResult) -> str:
    """A run's object has all but its comparison with the baseline; "type" tells what a line is."""
    lines = [
        {"type": "run", **to_plain(replace(run, comparison=None)), "exit_code": int(run.exit_code)}
        for run in result.runs
    ]
    lines.append(
        {
            "type": "check",
            "tool": to_plain(result.tool),
            "baseline": result.baseline,
            "saved": result.saved,
            "error": result.error,
            "not_run": list(result.not_run),
            "require_all": result.require_all,
            "notes": list(result.notes),
            "exit_code": int(result.exit_code),
        }
    )
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
