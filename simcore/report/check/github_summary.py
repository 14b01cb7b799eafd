"""A check as Markdown for the job summary of GitHub Actions, and for merge requests anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.checking.results import (
    CheckResult,
    MetricValue,
    RunResult,
    failure_text,
    reason_text,
    verdict,
)
from simcore.units import NOTHING, amount, relative_change

MARKS = {"passed": "✅", "new": "🆕", "failed": "❌"}
SHOWN = ("cycles", "energy", "stack", "load")
#: GitHub refuses a step's summary of more than 1 MiB, all of it.
MOST_BYTES = 1 << 20
_SPARE = 4096  # of them for the line that says what was cut, and for other commands of the step


def render(result: CheckResult) -> str:
    """A table of all runs, the failed ones first, then what broke a limit and why, then what
    improved; cut behind a whole line below 1 MiB."""
    return cut("\n".join([*_blocks(result), ""]))


def cut(text: str, room: int = MOST_BYTES) -> str:
    """As much of a summary as fits ``room`` bytes, whole lines, and a line on what does not."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) < room:
        return text
    kept = data[: max(room - _SPARE, 0)]
    kept = kept[: kept.rfind(b"\n") + 1]
    left = data[len(kept) :].count(b"\n")
    return f"{kept.decode()}\n**{left:,} lines more** do not fit a summary: see --report json.\n"


def _blocks(result: CheckResult) -> Iterator[str]:
    yield "## mcusim check\n"
    if result.error is not None:
        yield f"❌ {_text(result.error)}\n"
    runs = sorted(result.runs, key=lambda run: not run.exit_code)
    if runs:
        yield _runs(runs)
    if result.not_run:
        yield f"{'❌' if result.require_all else '⚠️'} {_text(result.not_run_text)}\n"
    for run in runs:
        if run.status == "failed":
            yield f"### ❌ {_text(run.name)}\n"
            yield "".join(f"- {_text(failure_text(value))}\n" for value in run.failures)
            yield from _reasons(run)
    better = [run for run in result.runs if run.improvements and run.status != "failed"]
    if better:
        yield "### Improved\n"
        for run in better:
            changes = ", ".join(_change(value) for value in run.improvements)
            reason = run.credited
            because = f"; because of {_text(reason_text(reason))}" if reason else ""
            yield f"- {_text(run.name)}: {changes}{because}"
        yield ""
    yield from (f"- {_text(note)}" for note in result.notes)
    if result.notes:
        yield ""
    if result.saved is not None:
        yield f"Baseline written to `{result.saved}`: commit it.\n"


def _runs(runs: Sequence[RunResult]) -> str:
    head = "".join(f" {name} | change |" for name in SHOWN)
    lines = [f"| | program |{head} verdict |", "|---|---|" + "---:|---:|" * len(SHOWN) + "---|"]
    for run in runs:
        by_name = {value.name: value for value in run.values}
        cells = [MARKS.get(run.status, "💥"), _text(run.name)]
        for name in SHOWN:
            value = by_name.get(name)
            cells += [NOTHING, NOTHING] if value is None else _cells(value)
        lines.append("| " + " | ".join([*cells, _text(verdict(run))]) + " |")
    return "\n".join(lines) + "\n"


def _cells(value: MetricValue) -> list[str]:
    change = relative_change(value.difference, value.before)
    if value.before is None:
        change = "N/A"
    elif value.within is not None:
        change += f" ({value.within})"
    now = f"{amount(value.after, value.unit)} {value.spread}".rstrip()
    return [now, f"**{change}**" if value.failed else change]


def _reasons(run: RunResult) -> Iterator[str]:
    if run.reasons:
        yield "Because of:\n"
        yield "".join(f"1. {_text(reason_text(reason))}\n" for reason in run.reasons)


def _change(value: MetricValue) -> str:
    return f"{value.metric} {relative_change(value.difference, value.before)}"


def _text(text: str) -> str:
    """Text that is no Markdown and stays in its cell."""
    for character in "\\`*_|<>[]":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
