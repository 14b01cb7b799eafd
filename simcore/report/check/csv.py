"""A check as CSV (RFC 4180, a header row, LF line ends): a row for each metric of each run."""

from __future__ import annotations

from simcore.checking.results import CheckResult, MetricValue, RunResult
from simcore.report.page.csv import table_text

COLUMNS = (
    "run", "elf", "cpu", "clock_hz", "status", "kind", "row", "metric", "unit", "accuracy",
    "before", "after", "low", "high", "difference", "relative", "limits", "failed", "undecided",
    "within", "message",
)  # fmt: skip


def render(result: CheckResult) -> str:
    """A run without values has one row with its message."""
    rows = []
    for run in result.runs:
        rows += [_row(run, value) for value in run.values] or [_row(run, None)]
    for name in result.not_run:
        rows.append({**dict.fromkeys(COLUMNS), "run": name, "status": "not-run"})
    if result.error is not None:
        rows.append({**dict.fromkeys(COLUMNS), "status": "error", "message": result.error})
    return table_text(rows, COLUMNS)


def _row(run: RunResult, value: MetricValue | None) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(COLUMNS)
    row |= {"run": run.name, "elf": run.elf, "status": run.status, "message": run.message}
    if run.cpu is not None:
        row |= {"cpu": run.cpu.name, "clock_hz": run.cpu.clock_hz}
    if value is not None:
        row |= {name: getattr(value, name) for name in COLUMNS if hasattr(value, name)}
        row["limits"] = " ".join(limit.text for limit in value.limits)
        row["failed"] = int(value.failed)
        row["undecided"] = " ".join(limit.text for limit in value.undecided)
    return row
