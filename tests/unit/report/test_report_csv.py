"""The CSV output: one table, read back with Python's csv module."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.report.check import render as render_check
from simcore.report.page.csv import table_text
from simcore.report.profile import BINARY_FORMATS, FORMATS, SECTIONS, Section, document, render
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_check_reports import checked, failed


def rows(section: Section, profile: Profile | None = None) -> list[dict[str, str]]:
    text = render(profile or kernel_profile(), "csv", RenderOptions(section=section))
    return list(csv.DictReader(io.StringIO(text), strict=True))


def test_functions_are_the_table_when_none_is_asked_for() -> None:
    assert render(kernel_profile(), "csv") == render(
        kernel_profile(), "csv", RenderOptions(section="functions")
    )
    first = rows("functions")[0]
    assert (first["name"], first["calls"], first["cycles_self"]) == ("dot", "10", "600")
    assert first["cycles_by_cause.dependency"] == "100"
    assert first["file"] == ""


@pytest.mark.parametrize("section", SECTIONS)
def test_every_table_has_a_row_for_each_record(section: Section) -> None:
    assert len(rows(section)) == len(getattr(kernel_profile(), section) or ())


def test_traffic_of_operations_has_the_same_columns_in_every_row() -> None:
    profile = kernel_profile()
    (op,) = profile.ops
    flash_only = replace(op, name="two", traffic={"flash": op.traffic["flash"]})
    table = rows("ops", replace(profile, ops=(op, flash_only)))
    assert [row["traffic.itcm.fetch_bytes"] for row in table] == ["2000", ""]
    assert [row["traffic.flash.read_bytes"] for row in table] == ["240", "240"]


def test_names_with_commas_quotes_and_line_ends_come_back() -> None:
    name = 'op<int, "x">\n'
    profile = kernel_profile()
    odd = replace(profile, functions=(replace(profile.functions[0], name=name),))
    assert rows("functions", odd)[0]["name"] == name


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=\r=1"])
def test_no_text_is_a_formula_and_numbers_stay(name: str) -> None:
    text = table_text([{"name": name, "table": {"number": -1, "text": name, "none": None}}], ())
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    shown = f"'{name}".replace("\r", "\\r")
    assert row == {
        "name": shown, "table.number": "-1", "table.text": shown, "table.none": "",
    }  # fmt: skip
    run = replace(failed(name), elf=name, message=name)
    for row in csv.DictReader(io.StringIO(render_check(checked(run), "csv"), newline="")):
        assert (row["run"], row["elf"], row["message"]) == (shown,) * 3
        assert row["difference"] == "10.0" or row["metric"] == "time"


def test_an_empty_table_still_has_its_header() -> None:
    text = render(replace(kernel_profile(), ops=()), "csv", RenderOptions(section="ops"))
    assert text.startswith("name,kind,invocations,macs,")
    assert text.count("\n") == 1


def test_a_table_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(ConfigError, match="holds no lines: run it again with --lines"):
        rows("lines", replace(kernel_profile(), lines=None))


def test_every_format_that_is_offered_renders() -> None:
    for name in FORMATS:
        rendered = document(kernel_profile(), name)
        assert rendered
        assert isinstance(rendered, bytes) is (name in BINARY_FORMATS)
