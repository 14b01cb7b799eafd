"""A check as workflow commands of GitHub Actions: an annotation at the line to blame."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.checking.results import CheckResult, Reason, RunResult, reason_text, verdict
from simcore.units import relative_change


def render(result: CheckResult) -> str:
    """An error for each run that failed, a notice for each that is faster or has no baseline."""
    return "".join(f"{line}\n" for line in _commands(result))


def _commands(result: CheckResult) -> Iterator[str]:
    if result.error is not None:
        yield _command("error", "mcusim check", result.error, None)
    for run in result.runs:
        if run.status == "failed":
            lines = [verdict(run), *map(reason_text, run.reasons[:3])]
            yield _command("error", f"mcusim: {run.name}", "\n".join(lines), run.blamed)
        elif run.message is not None:
            yield _command("error", f"mcusim: {run.name}", run.message, None)
        elif run.status == "new":
            yield _command("notice", f"mcusim: {run.name}", "no baseline to compare with", None)
        elif cycles := _fewer_cycles(run):
            reason = run.reasons[0] if run.reasons else None
            text = f"cycles {cycles}" + (f"\n{reason_text(reason)}" if reason else "")
            yield _command("notice", f"mcusim: {run.name}", text, reason)


def _fewer_cycles(run: RunResult) -> str | None:
    return next(
        (
            relative_change(value.difference, value.before)
            for value in run.improvements
            if value.name == "cycles"
        ),
        None,
    )


def _command(level: str, title: str, text: str, reason: Reason | None) -> str:
    properties = []
    if reason is not None and reason.file is not None and reason.line is not None:
        properties += [f"file={_property(reason.file)}", f"line={reason.line}"]
    properties.append(f"title={_property(title)}")
    return f"::{level} {','.join(properties)}::{_data(text)}"


def _data(text: str) -> str:
    """Text with what would end a workflow command escaped, as actions/toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
