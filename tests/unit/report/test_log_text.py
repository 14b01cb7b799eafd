"""What stands in the log of a CI job: no name and no output of a program commands it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simcore.log_text import harmless, one_line, quoted
from simcore.report import RenderOptions
from simcore.report.check.text import render
from tests.unit.report.test_check_reports import checked, failed, reason, value


def commands(text: str) -> list[str]:
    """Lines that GitHub's runner takes for commands."""
    return [line for line in text.split("\n") if line.strip().startswith("::") or "##[" in line]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error::x", "'::error::x"),
        ("  \t::stop-commands::x", "  \t'::stop-commands::x"),
        ("\x1b[1m::error::x", "\x1b[1m'::error::x"),
        ("std::move", "std::move"),
        ("a ##[error]b", "a #'#[error]b"),
        ("##vso[task.complete]", "#'#vso[task.complete]"),
    ],
)
def test_no_line_is_a_command(line: str, shown: str) -> None:
    assert harmless(line) == shown


def test_control_characters_are_escaped() -> None:
    assert one_line("a\n\x1b[2Jb\r\u2028") == "a\\n\\x1b[2Jb\\r\\u2028"
    assert one_line("conv µ") == "conv µ"


def test_what_a_program_printed_is_quoted() -> None:
    assert quoted("a\r\n::error::x\n\x1b[2J\tb\n\n") == ["| a", "| ::error::x", "| \\x1b[2J    b"]


@pytest.mark.parametrize("width", [20, 60, 200])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_of_the_text_report_is_a_command(width: int, color: bool) -> None:
    bad = "::error::x\n::error::y \x1b[2J"
    long = "word " * 8 + "::error::z " * 8 + "\u4e00" * 30
    ended = replace(
        failed(bad),
        status="program-failed",
        message=bad,
        output=f"{bad}\n{long}\n",
        warnings=(bad,),
    )
    slower = replace(
        failed("::error::k"),
        values=(value(kind="function", row=bad), value()),
        reasons=(replace(reason(10), function=bad), replace(reason(5), function="::error::f")),
    )
    result = replace(checked(ended, slower), not_run=(bad,), error=bad)
    text = render(result, RenderOptions(width=width, color=color))
    assert not commands(text)
    plain = render(result, RenderOptions(width=width))
    assert not commands(plain)
    assert "\x1b" not in plain
    assert "\n| ::error::x\n" in plain
    assert "'::error::k" in plain
