"""Names of a program and what it prints, in every document: text there, and never a command, a tag,
a formula or a control character of a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from simcore.checking.results import CheckResult
from simcore.cli.running import tell_end, tell_warnings
from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.check import FORMATS as CHECK_FORMATS
from simcore.report.check import render as render_check
from simcore.report.html.details import Details, printable
from simcore.report.profile import FORMATS, document
from simcore.run.faults import Fault
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_check_reports import checked, failed, reason, value

#: What the outputs must not take for anything but a name.
NASTY = {
    "terminal": "\x1b[2J\x1b]0;x\x07\rdot\x9b31m",
    "new lines": "a\n::error::b\nfn=(9) c\u2028d",
    "command": "::error file=x::y",
    "azure": "##vso[task.complete]x ##[error]y",
    "tag": "</script><img src=x onerror=alert(1)>{{7*7}}",
    "markdown": "a|b `c` </td> [d](javascript:e) <!-- ![f](g)",
    "xml": "]]>&x;<!DOCTYPE y>\x00\x0b\ufffe",
    "formula": "=cmd|'/C calc'!A0",
    "shell": "$(touch x)`id`;'\"\\",
    "surrogate": "a\udc80b",
}
#: Fields whose text is the choice of whoever wrote the program; others are words of ours.
FREE = (
    "name", "file", "kind", "function", "path", "symbol", "warnings", "message", "output", "row",
)  # fmt: skip
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def spoilt(found: Any, nasty: str, key: str = "") -> Any:
    """The same with each free text replaced."""
    if isinstance(found, str):
        return nasty if key in FREE and found else found
    if isinstance(found, tuple):
        return tuple(spoilt(each, nasty, key) for each in found)
    if not is_dataclass(found) or isinstance(found, type) or type(found).__name__ in OURS:
        return found
    changes = {
        field.name: spoilt(getattr(found, field.name), nasty, field.name)
        for field in fields(found)
        if field.init
    }
    return replace(found, **changes)


#: Whose names are those of parts, models and metrics.
OURS = ("Tool", "Accuracy", "Cpu", "MetricValue")


def profile_with(nasty: str) -> Profile:
    made: Profile = spoilt(kernel_profile(), nasty)
    return replace(made, warnings=(nasty,))


def check_with(nasty: str) -> CheckResult:
    ended = replace(
        failed(nasty), status="program-failed", message=nasty, output=nasty, warnings=(nasty,)
    )
    slower = replace(
        failed(nasty),
        values=(value(kind="function", row=nasty), value()),
        reasons=(replace(reason(10), function=nasty),),
    )
    return replace(checked(ended, slower), not_run=(nasty,), error=nasty)


class Tags(HTMLParser):
    """The tags of a page, and attributes that run something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.handlers: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.handlers |= {name for name, _ in attrs if name.startswith("on")}
        self.handlers |= {
            v for _, v in attrs if v is not None and v.strip().startswith("javascript:")
        }


def is_log(text: str) -> None:
    assert not CONTROL.search(text)
    for line in text.split("\n"):
        assert not re.match(r"\s*::", line), line
        assert not re.search(r"##(vso)?\[", line), line


def is_page(text: str) -> None:
    tags = Tags(text)
    assert "img" not in tags.found
    assert not tags.handlers
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)


def is_table(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1  # no name begins a row or a cell
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "@", "\t", "\r")]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


def is_json(text: str) -> None:
    assert not CONTROL.search(text)
    for line in [text] if text.startswith(("{\n", "[\n")) else text.splitlines():
        json.loads(line)


def is_xml(text: str) -> None:
    assert "<!DOCTYPE" not in text
    ET.fromstring(text)


def is_markdown(text: str) -> None:
    assert not CONTROL.search(text)
    assert "img" not in Tags(re.sub(r"\\.", "", text)).found  # behind a backslash is text
    assert not re.search(r"(?<!\\)\[d\](?!\\)\(", text)


def is_commands(text: str) -> None:
    """Each line is one command of ours, and its text none of another."""
    for line in text.split("\n"):
        assert re.match(r"(::(error|warning|notice) |$|[^:#\s])", line), line
        assert "##" not in line
        assert not CONTROL.search(line)


def is_lines(text: str) -> None:
    assert not CONTROL.search(text.replace("\t", ""))


Judge = Callable[[str], None]
OF_PROFILES: dict[str, Judge] = {
    "text": is_log, "json": is_json, "csv": is_table, "html": is_page, "callgrind": is_lines,
    "speedscope": is_json, "collapsed": is_lines, "mltk": is_table, "tflm": is_table,
}  # fmt: skip
OF_CHECKS: dict[str, Judge] = {
    "text": is_log, "json": is_json, "jsonl": is_json, "csv": is_table, "junit": is_xml,
    "sarif": is_json, "github-summary": is_markdown, "github-annotations": is_commands,
    "benchmark-action": is_json, "bencher": is_json,
}  # fmt: skip


def test_every_form_is_judged() -> None:
    binary_or_of_tables = {"pprof", "trace", "lcov"}
    assert set(OF_PROFILES) | binary_or_of_tables == set(FORMATS)
    assert set(OF_CHECKS) == set(CHECK_FORMATS)


@pytest.mark.parametrize("form", OF_PROFILES)
def test_no_name_is_more_than_text_in_a_report(form: str) -> None:
    for name, nasty in NASTY.items():
        details = (
            Details(ceilings=None, output=printable(nasty.encode("utf-8", "surrogateescape")))
            if form == "html"
            else None
        )
        try:
            made = document(profile_with(nasty), form, RenderOptions(details=details))
        except Exception as error:
            pytest.fail(f"{name}: {error!r}")
        assert isinstance(made, str)
        made.encode("utf-8", "backslashreplace")
        try:
            OF_PROFILES[form](made)
        except (AssertionError, ValueError, ET.ParseError) as error:
            pytest.fail(f"{name}: {error}"[:600])


@pytest.mark.parametrize("form", OF_CHECKS)
def test_no_name_is_more_than_text_in_a_check(form: str) -> None:
    for name, nasty in NASTY.items():
        try:
            OF_CHECKS[form](render_check(check_with(nasty), form))
        except (AssertionError, ValueError, ET.ParseError) as error:
            pytest.fail(f"{name}: {error}"[:600])


def test_no_name_is_more_than_a_line_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    for name, nasty in NASTY.items():
        tell_warnings([nasty, nasty + "x" * 100_000], "json", None)
        fault = Fault("undefined", 0, 0, nasty, 0, nasty, 1, ())
        tell_end(Exit("fault", None, fault, None))
        said = capfd.readouterr().err
        try:
            is_log(said)
        except AssertionError as error:
            pytest.fail(f"{name}: {error}"[:600])
        assert said.count("\n") == 3
        assert max(map(len, said.splitlines())) < 1_500
