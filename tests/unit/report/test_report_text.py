"""The text report: what it says, and that it fits any width, pipe and terminal."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.costs.tables import LayoutBand, PlacedItem
from simcore.report import RenderOptions
from simcore.report.profile import render
from simcore.units import clock, count, decimal, percent, si, size
from tests.unit.handmade import FAULT, kernel_profile

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def text(profile: Profile | None = None, **options: int | bool) -> str:
    return render(profile or kernel_profile(), "text", RenderOptions(**options))  # type: ignore[arg-type]


def line_of(report: str, start: str) -> list[str]:
    """The words of the first line that starts so."""
    return next(line for line in report.splitlines() if line.startswith(start)).split()


def many_functions(number: int, name: str = "f") -> Profile:
    profile = kernel_profile()
    rows = tuple(replace(profile.functions[0], name=f"{name}{i}") for i in range(number))
    return replace(profile, functions=rows)


def test_the_summary_gives_each_number_with_how_far_it_can_be_trusted() -> None:
    report = text()
    assert line_of(report, "instructions ") == ["instructions", "1,184", "exact"]
    assert line_of(report, "cycles ") == ["cycles", "922", "modelled"]
    assert line_of(report, "time ") == ["time", "9.22", "us", "modelled"]
    # 3 fJ x 627 + 1 fJ x 295 + 7 fJ x 240 = 3856 fJ; the hand-made model is 10 % uncertain
    assert line_of(report, "energy ") == ["energy", "3.86", "pJ", "estimated", "+/-10", "%"]


def test_causes_that_cost_nothing_are_left_out_and_shares_are_of_all_cycles() -> None:
    report = text()
    assert line_of(report, "issue ")[:4] == ["issue", "627", "68.0", "%"]
    assert "sleep" not in report


def test_operations_show_cycles_per_mac_and_energy() -> None:
    words = line_of(text(), "conv1 ")
    assert words[:6] == ["conv1", "conv2d", "2", "2,000", "800", "0.40"]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("end", [None, Exit("fault", None, FAULT)])
def test_no_line_is_wider_than_asked(width: int, end: Exit | None) -> None:
    report = text(kernel_profile(end=end), width=width)
    assert max(map(len, report.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 80])
def test_numbers_are_never_cut_only_names_are(width: int) -> None:
    report = text(
        many_functions(3, name="a_very_long_namespace::of_a_very_long_function_name_"), width=width
    )
    # The scope goes first: what a function is called itself stays.
    rows = [line for line in report.splitlines() if "_name_" in line and "::" not in line[3:]]
    assert len(rows) == 3
    assert all("600" in row and "~" in row and "65.1 %" in row for row in rows)


def test_narrow_tables_lose_columns_and_keep_the_most_telling() -> None:
    header = next(line for line in text(width=40).splitlines() if line.startswith("function"))
    assert header.split() == ["function", "cycles", "self", "self", "total"]


def test_a_pipe_gets_plain_ascii_without_escapes() -> None:
    report = text()
    assert report.isascii()
    assert "\x1b" not in report


def test_colour_changes_nothing_but_the_escapes() -> None:
    colored = text(color=True)
    assert "\x1b[1m" in colored
    assert ESCAPE.sub("", colored).replace(" ", "") == text(color=False).replace(" ", "")


def test_a_unicode_terminal_gets_signs_of_equal_width() -> None:
    wide, plain = text(ascii=False, width=40), text(width=40)
    assert "µs" in wide
    assert [len(line) for line in wide.splitlines()] == [len(line) for line in plain.splitlines()]


def test_the_environment_does_not_change_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = text()
    for name, value in (("COLUMNS", "33"), ("FORCE_COLOR", "1"), ("TERM", "dumb"), ("LINES", "5")):
        monkeypatch.setenv(name, value)
    assert text() == plain


def test_long_tables_are_cut_to_the_top_rows_and_say_so() -> None:
    report = text(many_functions(30), top=5)
    assert "top 5 of 30" in report
    assert "f4 " in report
    assert "f5 " not in report
    assert "f29 " in text(many_functions(30), top=0)


def test_what_was_placed_elsewhere_and_what_alignment_makes_are_told() -> None:
    item = PlacedItem("dot", "function", "flash", "itcm", 0x0800_0400, 0x0000_0008, 252)
    band = LayoutBand((0, 4, 8), (900, 950, 920), 900, 920, 950)
    report = text(replace(kernel_profile(), placement=(item,), layout=band))
    row = ["dot", "function", "flash", "itcm", "0x00000008", "252", "B"]
    assert row in [line.split() for line in report.splitlines()]
    assert "all code shifted by 0 to 8 bytes" in report
    assert line_of(report, "minimum") == ["minimum", "900", "-20"]
    assert line_of(report, "maximum") == ["maximum", "950", "+30"]


def test_a_fault_is_told_with_place_and_call_stack() -> None:
    report = text(kernel_profile(end=Exit("fault", None, FAULT)))
    assert "The program stopped with a fault: read of unmapped memory" in report
    assert "address  0x50000000" in report
    assert "at       0x08000310 conv+0x10 (conv.c:12)" in report
    assert report.count("called by") == 1
    assert "called by 0x08000210 main+0x10\n" in report


def test_names_that_look_like_markup_are_printed_as_they_are() -> None:
    profile = replace(kernel_profile(), warnings=("[bold]x[/bold] :smile:",))
    assert "[bold]x[/bold] :smile:" in text(profile)
    report = text(many_functions(1, name="operator[]/[red]"))
    assert "operator[]/[red]0" in report


def test_tables_without_rows_are_left_out() -> None:
    profile = replace(
        kernel_profile(), ops=(), warnings=(), lines=None, instructions=None, memory=()
    )
    report = text(profile)
    for title in ("Operations", "Warnings", "Lines", "Instructions", "Memory"):
        assert title not in report


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 J"),
        (1, "1.00 J"),
        (0.99949, "999 mJ"),
        (0.9996, "1.00 J"),
        (2.3149e-3, "2.31 mJ"),
        (12.345e-6, "12.3 µJ"),
        (123.45e-9, "123 nJ"),
        (3e-15, "3.00 fJ"),
        (3e-18, "0.00300 fJ"),
        (5e15, "5000 TJ"),
        (None, "-"),
    ],
)
def test_si_gives_three_digits_and_a_prefix(value: float | None, expected: str) -> None:
    assert si(value, "J") == expected


def test_other_units_read_as_people_write_them() -> None:
    assert (count(1234567), count(None)) == ("1,234,567", "-")
    assert (clock(216_000_000), clock(216_500_000), clock(32_768)) == (
        "216 MHz",
        "216.5 MHz",
        "0.032768 MHz",
    )
    assert (percent(1, 8), percent(0.05, digits=0), percent(1, 0), percent(None)) == (
        "12.5 %",
        "5 %",
        "-",
        "-",
    )
    assert (decimal(1.256), size(2048)) == ("1.26", "2,048 B")
