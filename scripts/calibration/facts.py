"""Sets single facts of a CPU model file and leaves every other line as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

DIGITS = 4  # significant; more would claim more than the tables hold


@dataclass(frozen=True, slots=True)
class Fact:
    """A number to write: `table` and `key` say where, the rest is its provenance."""

    table: str
    key: str
    value: float
    unit: str
    source: str
    status: str
    note: str = ""

    @property
    def line(self) -> str:
        note = f', note = "{self.note}"' if self.note else ""
        return (
            f'{self.key} = {{ value = {number(self.value)}, unit = "{self.unit}",'
            f' source = "{self.source}", status = "{self.status}"{note} }}'
        )


def rounded(value: float) -> float:
    """The value as it is written to a model file."""
    return float(f"{value:.{DIGITS}g}")


def number(value: float) -> str:
    """The shortest text of the rounded value."""
    return f"{rounded(value):.10g}"


def with_facts(text: str, facts: list[Fact]) -> str:
    """The text of a model file with these facts set; a table or key that is missing is added."""
    lines = text.split("\n")
    for fact in facts:
        start = _find(lines, re.escape(f"[{fact.table}]") + r"\s*(#.*)?$", 0, len(lines))
        if start is None:
            lines[-1:] = ["", f"[{fact.table}]", fact.line, ""]
            continue
        end = _find(lines, r"\[", start + 1, len(lines)) or len(lines)
        at = _find(lines, rf"{fact.key}\s*=", start + 1, end)
        if at is not None:
            lines[at] = fact.line
            continue
        last = max(i for i in range(start, end) if lines[i] and not lines[i].startswith("#"))
        lines.insert(last + 1, fact.line)
    return "\n".join(lines)


def _find(lines: list[str], pattern: str, start: int, end: int) -> int | None:
    return next((i for i in range(start, end) if re.match(pattern, lines[i])), None)
