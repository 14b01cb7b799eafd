"""A check as workflow commands of GitHub Actions: an annotation at the line to blame.

GitHub shows ten annotations of each kind for a step and drops the others without a word: its
documentation of problem matchers, "Limitations" (repository actions/toolkit).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simcore.checking.results import CheckResult, Reason, RunResult, reason_text, verdict
from simcore.log_text import harmless
from simcore.units import relative_change

MOST = 9  # of their own; one more counts the others


@dataclass(frozen=True, slots=True)
class _Annotation:
    """A command. ``weight`` orders those of one level: what costs most comes first."""

    level: str  # error, warning or notice
    title: str
    text: str
    reason: Reason | None = None
    weight: float = 0


LEVELS = ("error", "warning", "notice")


def render(result: CheckResult) -> str:
    """Errors for what failed, warnings for what is in doubt, notices for what is faster or new."""
    found = sorted(_annotations(result), key=lambda a: (LEVELS.index(a.level), -a.weight))
    shown, left = found[:MOST], found[MOST:]
    if left:
        counts = {level: sum(a.level == level for a in left) for level in LEVELS}
        told = ", ".join(
            f"{many} {level}{'s' * (many > 1)}" for level, many in counts.items() if many
        )
        text = f"{told} not shown here: see the report, or --report github-summary"
        shown.append(_Annotation(left[0].level, f"mcusim: and {len(left)} more", text))
    return "".join(f"{_command(annotation)}\n" for annotation in shown)


def _annotations(result: CheckResult) -> Iterator[_Annotation]:
    if result.error is not None:
        yield _Annotation("error", "mcusim check", result.error, weight=float("inf"))
    if result.not_run:
        level = "error" if result.require_all else "warning"
        yield _Annotation(level, "mcusim check", result.not_run_text, weight=float("inf"))
    for run in result.runs:
        title = f"mcusim: {run.name}"
        if run.status == "failed":
            blamed = run.blamed
            lines = [verdict(run), *map(reason_text, run.reasons[:3])]
            weight = blamed.cycles_difference if blamed is not None else 0
            yield _Annotation("error", title, "\n".join(lines), blamed, weight)
        elif run.message is not None:
            yield _Annotation("error", title, run.message, weight=float("inf"))
        elif run.doubts:
            yield _Annotation("warning", title, "\n".join(run.doubts), run.credited)
        elif run.status == "new":
            yield _Annotation("notice", title, "no baseline to compare with")
        elif cycles := _fewer_cycles(run):
            reason = run.credited
            lines = [f"cycles {cycles}", *([reason_text(reason)] if reason else [])]
            weight = -reason.cycles_difference if reason else 0
            yield _Annotation("notice", title, "\n".join(lines), reason, weight)


def _fewer_cycles(run: RunResult) -> str | None:
    return next(
        (
            relative_change(value.difference, value.before)
            for value in run.improvements
            if value.name == "cycles"
        ),
        None,
    )


def _command(annotation: _Annotation) -> str:
    properties, reason = [], annotation.reason
    if reason is not None and reason.file is not None and reason.line is not None:
        properties += [f"file={_property(reason.file)}", f"line={reason.line}"]
    properties.append(f"title={_property(annotation.title)}")
    return f"::{annotation.level} {','.join(properties)}::{_data(annotation.text)}"


def _data(text: str) -> str:
    """Text with what would end a workflow command escaped, as actions/toolkit does, and what
    another runner would take for a command of its own."""
    return harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
