"""A check as JUnit XML: a suite for each run, a test case for the run and for each limited metric.

The time of a run is that of the program on the part: host time would make reports differ. A case is
named by what was measured, as a limit names it, so that no two are one; its file is the one to
look at, from the root of the repository.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from simcore.checking.results import (
    CheckResult,
    MetricValue,
    RunResult,
    failure_text,
    reason_text,
    undecided_text,
)
from simcore.repository import from_root
from simcore.units import amount, relative_change


def render(result: CheckResult) -> str:
    """A check that could not be made is one test case with an error."""
    root = Element("testsuites", name="mcusim check")
    for run in result.runs:
        suite = SubElement(root, "testsuite", name=clean(run.name))
        _run_case(suite, run, result.folder)
        for value in run.values:
            if value.limits:
                _value_case(suite, run, value, result.folder)
        _count(suite)
    if result.not_run:
        suite = SubElement(root, "testsuite", name="not run")
        for name in result.not_run:
            at = {"classname": "not run", "name": clean(name), "time": _seconds(0)}
            case = SubElement(suite, "testcase", at)
            what = "the baseline has it, and this check did not run it"
            if result.require_all:
                SubElement(case, "error", type="not-run", message=what)
            else:
                SubElement(case, "skipped", message=what)
        _count(suite)
    if result.error is not None:
        suite = SubElement(root, "testsuite", name="mcusim check")
        case = SubElement(
            suite, "testcase", classname="mcusim", name="configuration", time=_seconds(0)
        )
        SubElement(case, "error", type="configuration", message=clean(result.error))
        _count(suite)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, "unicode") + "\n"


def clean(text: str) -> str:
    """A text with what XML cannot hold replaced."""
    return "".join(
        c if c in "\t\n" or _is_xml(ord(c)) else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _is_xml(code: int) -> bool:
    return 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _run_case(suite: Element, run: RunResult, folder: str | None) -> None:
    ran = next((value.after for value in run.values if value.key == "time"), None)
    case = _case(suite, run, "run", from_root(run.elf, folder), None, ran or 0)
    if run.message is not None:
        SubElement(case, "error", type=run.status, message=clean(run.message))
    lines = [*(f"warning: {warning}" for warning in run.warnings), run.output or ""]
    if text := "\n".join(line for line in lines if line):
        SubElement(case, "system-out").text = clean(text)


def _case(
    suite: Element, run: RunResult, name: str, file: str, line: int | None, seconds: float
) -> Element:
    at = {"classname": clean(run.name), "name": clean(name), "file": clean(file)}
    if line is not None:
        at["line"] = str(line)
    return SubElement(suite, "testcase", {**at, "time": _seconds(seconds)})


def _seconds(value: float) -> str:
    """A time as a decimal, to the nanosecond: readers know no exponents."""
    return f"{value:.9f}"


def _value_case(suite: Element, run: RunResult, value: MetricValue, folder: str | None) -> None:
    reason = run.blamed if value.failed else None
    file, line = from_root(run.elf, folder), None
    if reason is not None and reason.file is not None:
        file, line = reason.file, reason.line
    case = _case(suite, run, value.key, file, line, 0)
    if value.failed:
        failure = SubElement(case, "failure", type="limit", message=clean(failure_text(value)))
        failure.text = clean("\n".join(map(reason_text, run.reasons)))
        return
    change = "no baseline"
    if value.before is not None:
        change = f"{amount(value.before, value.unit)} before"
        change += f", {relative_change(value.difference, value.before)}"
    text = f"{amount(value.after, value.unit)} ({change})"
    if value.undecided:
        text += f"; {undecided_text(value)}"
    SubElement(case, "system-out").text = clean(text)


def _count(suite: Element) -> None:
    suite.set("tests", str(len(suite.findall(".//testcase"))))
    suite.set("failures", str(len(suite.findall(".//failure"))))
    suite.set("errors", str(len(suite.findall(".//error"))))
    if skipped := suite.findall(".//skipped"):
        suite.set("skipped", str(len(skipped)))
    times = [float(case.get("time", "0")) for case in suite.iter("testcase")]
    suite.set("time", _seconds(sum(times)))
