"""A check as SARIF 2.1.0: a result for each broken limit, at the line to blame."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from simcore.checking.results import (
    CheckResult,
    MetricValue,
    Reason,
    RunResult,
    failure_text,
    reason_text,
)
from simcore.repository import from_root, is_windows, slashes

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LIMIT, RUN, DOUBT = "limit-exceeded", "run-failed", "doubtful"
RULES = {
    LIMIT: "A program costs more than its baseline or its limit allows",
    RUN: "A program could not be run to its end, or not be compared",
    DOUBT: "A program keeps its limits, and may not do its work any more",
}


def render(result: CheckResult) -> str:
    """What went wrong with the check itself is a notification of its invocation, and so are runs
    that the baseline knows and that did not run."""
    results = [found for run in result.runs for found in _results(run, result.folder)]
    invocation: dict[str, Any] = {"executionSuccessful": result.error is None}
    told = [] if result.error is None else [("error", result.error)]
    if result.not_run:
        told.append(("error" if result.require_all else "warning", result.not_run_text))
    if told:
        invocation["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": text}} for level, text in told
        ]
    driver = {
        "name": result.tool.name,
        "version": result.tool.version,
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, text in RULES.items()],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "results": results,
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _results(run: RunResult, folder: str | None) -> list[dict[str, Any]]:
    elf = from_root(run.elf, folder)
    if run.message is not None:
        return [_result(run, RUN, run.message, "run", elf, None)]
    found = []
    for value in run.failures:
        text = "\n".join([f"{run.name}: {failure_text(value)}", *map(reason_text, run.reasons[:3])])
        found.append(_result(run, LIMIT, text, value.key, elf, _blamed(run, value)))
    if run.doubts and not found:
        text = "\n".join([f"{run.name}: {doubt}" for doubt in run.doubts])
        found.append(_result(run, DOUBT, text, "doubts", elf, run.credited) | {"level": "warning"})
    return found


def _blamed(run: RunResult, value: MetricValue) -> Reason | None:
    if value.kind == "function":
        return next((r for r in run.reasons if r.function == value.row), run.blamed)
    return run.blamed


def _result(
    run: RunResult, rule: str, text: str, what: str, elf: str, reason: Reason | None
) -> dict[str, Any]:
    region = {}
    place = elf
    if reason is not None and reason.file is not None:
        place = reason.file
        region = {"region": {"startLine": max(1, reason.line or 1)}}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(place)}, **region}
    }
    if reason is not None:
        location["logicalLocations"] = [{"name": reason.function, "kind": "function"}]
    return {
        "ruleId": rule,
        "ruleIndex": list(RULES).index(rule),
        "level": "error",
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"mcusim/v1": f"{run.name}/{what}"},
    }


def _uri(path: str) -> str:
    """A path as a URI, relative ones as they are: they are seen from the root of the repository."""
    quoted = quote(slashes(path).encode("utf-8", "surrogateescape"))
    if is_windows(path):
        return f"file:///{quoted}".replace("%3A", ":", 1)
    return f"file://{quoted}" if path.startswith("/") else quoted
