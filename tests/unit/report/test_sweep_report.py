"""A sweep as text, CSV and a page: what is shown of many points, of failures and of odd names."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

from simcore.costs.origin import Tool
from simcore.pareto import pareto_front
from simcore.report import RenderOptions
from simcore.report.studies.sweep import render
from simcore.report.studies.sweep_page import MOST_DRAWN
from simcore.sweep.results import SCHEMA, SweepResult, SweptAxis, SweptPoint


def made_up(many: int, name: str = "-O2") -> SweepResult:
    """A choice of two, and costs of which the first and the last point are on the front."""
    choices = (name, "=cmd|' /C calc'!A0")
    points = [
        SweptPoint(
            settings={"flags": choices[n % 2], "cpu": "stm32f746"},
            part="stm32f746",
            end="exit",
            on_front=False,
            clock_hz=216_000_000,
            active_cycles=1000 + (n if n < many - 1 else 5000),
            energy_j=1e-6 * (2 if n < many - 1 else 1),
            flash_bytes=1000,
            ram_bytes=100,
        )
        for n in range(many)
    ]
    front = pareto_front([(p.active_cycles or 0, p.energy_j or 0) for p in points])
    assert front == [0, many - 1]
    return SweepResult(
        schema=SCHEMA,
        tool=Tool("mcusim", "0"),
        name="space.toml",
        method="sobol",
        seed=3,
        space=10 * many,
        axes=(SweptAxis("flags", choices), SweptAxis("cpu", ("stm32f746",))),
        objectives=("cycles", "energy"),
        points=tuple(replace(p, on_front=n in front) for n, p in enumerate(points)),
        interrupted=False,
    )


def test_the_text_has_the_front_by_its_first_objective_and_medians_of_choices() -> None:
    text = render(made_up(5), "text", RenderOptions())
    assert text.startswith(
        "space.toml: 5 of 50 points, by a Sobol sequence of seed 3; 2 on the front of cycles,"
    )
    front = text.partition("Front")[2].partition("Choices")[0].splitlines()
    assert [re.findall(r"[\d,.]+ [um]?J|\d,\d{3}", line) for line in front[2:4]] == [
        ["1,000", "2.00 uJ"], ["6,000", "1.00 uJ"],
    ]  # fmt: skip
    assert "flags=-O2" in text
    assert "cpu=" not in text  # one choice is none


def test_failures_are_told_by_their_reason_the_most_frequent_first() -> None:
    sweep = made_up(5)
    bad = [
        replace(p, end="refused", error="no room" if n else "no clock", on_front=False)
        for n, p in enumerate(sweep.points[:3])
    ]
    text = render(replace(sweep, points=(*bad, *sweep.points[3:])), "text", RenderOptions())
    lines = text.splitlines()
    assert lines[1].startswith("2 points, the first flags=")
    assert lines[1].endswith(": no room")
    assert lines[2] == "flags=-O2: no clock"


def test_no_cell_of_the_table_is_a_formula_and_a_column_is_there_for_each_axis() -> None:
    rows = list(csv.DictReader(io.StringIO(render(made_up(4), "csv", RenderOptions()))))
    assert [row["settings.flags"] for row in rows[:2]] == ["'-O2", "'=cmd|' /C calc'!A0"]
    assert [row["on_front"] for row in rows] == ["True", "False", "False", "True"]
    assert rows[0]["error"] == ""


def test_a_page_draws_so_many_points_the_front_above_them_and_escapes_names() -> None:
    sweep = made_up(MOST_DRAWN + 700, name="<script>alert(1)</script>")
    page = render(sweep, "html", RenderOptions())
    lines = re.findall(r'<g class="point( on)?" tabindex="-?\d" role="img" aria-label', page)
    drawn = re.findall(r'<polyline class="drawn"', page)
    assert len(drawn) == MOST_DRAWN
    assert [one for one in lines if one] == [" on", " on"]
    on = [at.start() for at in re.finditer(r'class="point on"', page)]
    off = [at.start() for at in re.finditer(r'class="point" tabindex="-?\d" role="img"', page)]
    coordinates = page.index('id="pairs"')
    assert min(on) > max(at for at in off if at < coordinates)
    assert "700 others are left out." in page
    assert "alert(1)</script>" not in page


def test_a_page_without_a_point_that_ended_well_says_why() -> None:
    sweep = made_up(2)
    bad = tuple(replace(p, error="no room", end="refused", on_front=False) for p in sweep.points)
    page = render(replace(sweep, points=bad), "html", RenderOptions())
    assert "2 points, the first" in page
    assert "<polyline" not in page
