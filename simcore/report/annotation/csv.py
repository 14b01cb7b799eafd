"""An Annotation as CSV: a row per instruction, with its main refusal and wait."""

from __future__ import annotations

from typing import Any

from simcore.annotation import AnnotatedFunction, AnnotatedInstruction, Annotation
from simcore.core.counters import CAUSES
from simcore.plain import to_plain
from simcore.report import RenderOptions
from simcore.report.page.csv import table_text

_COLUMNS = (
    "function", "address", "text", "file", "line", "executions", "skipped", "cycles",
    *(f"cycles_by_cause.{cause}" for cause in CAUSES),
    "older", "younger", "folded", "refusal", "refusal_executions", "wait_register", "wait_address",
    "wait_executions", "wait_cycles", "accesses", "misses", "icache_misses", "mispredicts",
)  # fmt: skip


def render(annotation: Annotation, options: RenderOptions) -> str:
    """The instructions of all functions."""
    rows = [
        _csv_row(function, row)
        for function in annotation.functions
        for row in function.instructions
    ]
    return table_text(rows, _COLUMNS)


def _csv_row(function: AnnotatedFunction, row: AnnotatedInstruction) -> dict[str, Any]:
    plain = to_plain(row)
    del plain["refusals"], plain["waits"], plain["accesses"]
    refusal = row.refusals[0] if row.refusals else None
    wait = row.waits[0] if row.waits else None
    plain.update(
        function=function.name,
        refusal=refusal and refusal.rule,
        refusal_executions=refusal and refusal.executions,
        wait_register=wait and wait.register,
        wait_address=wait and wait.address,
        wait_executions=wait and wait.executions,
        wait_cycles=wait and wait.cycles,
        accesses=sum(access.executions for access in row.accesses),
        misses=row.misses,
    )
    order = {name.partition(".")[0]: None for name in _COLUMNS}
    return {name: plain[name] for name in order}
