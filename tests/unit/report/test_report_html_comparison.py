"""The HTML page of a comparison: its tables, its differential flame graph, and its escaping."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from simcore.comparison.comparison import compare
from simcore.comparison.summary import summarize
from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.comparison.headline import headline
from simcore.report.comparison.html import render
from simcore.report.comparison.text import render as render_text
from simcore.report.headline import headline_text
from simcore.report.html.flame import differential_data
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_report_html import HOSTILE, Page


def slower(by: int = 100, name: str = "dot") -> Profile:
    """The run with some cycles more in one function, in all its tables and frames."""
    profile = kernel_profile()
    number = next(n for n, row in enumerate(profile.functions) if row.name == name)
    row = profile.functions[number]
    changed = replace(
        row,
        cycles_self=row.cycles_self + by,
        cycles_by_cause={**row.cycles_by_cause, "load": row.cycles_by_cause["load"] + by},
    )
    totals = profile.totals
    causes = {**totals.cycles_by_cause, "load": totals.cycles_by_cause["load"] + by}
    return replace(
        profile,
        totals=replace(totals, cycles=totals.cycles + by, cycles_by_cause=causes),
        functions=(*profile.functions[:number], changed, *profile.functions[number + 1 :]),
        call_tree=tuple(
            replace(node, cycles=node.cycles + by) if node.function == number else node
            for node in profile.call_tree
        ),
    )


def page(before: Profile, after: Profile) -> Page:
    return Page(render(compare(summarize(before), summarize(after)), before, after))


def test_what_changed_stands_with_its_sign_and_share() -> None:
    rows = page(kernel_profile(), slower()).rows
    cycles = next(row for row in rows["metrics"] if row[0] == "cycles")
    assert cycles[1:5] == ["922", "1,022", "+100", "+10.8 %"]
    (function,) = rows["functions"][1:]
    assert function[:5] == ["dot", "600", "700", "+100", "+16.7 %"]
    assert function[-1] == "load +100"
    load = next(row for row in rows["causes"] if row[0] == "load")
    assert load[1:5] == ["130", "230", "+100", "+76.9 %"]


def test_an_improvement_has_a_minus_and_a_bar_to_the_left() -> None:
    shown = page(slower(), kernel_profile())
    assert shown.rows["functions"][1][3:5] == ["-100", "-14.3 %"]
    bars = [attrs["class"] for tag, attrs in shown.elements if tag == "i" and "class" in attrs]
    assert "better" in bars
    assert "worse" not in bars


def test_two_equal_runs_say_that_nothing_changed() -> None:
    shown = page(kernel_profile(), kernel_profile())
    assert "Nothing changed." in shown.source
    assert "functions" not in shown.rows


def test_runs_that_are_not_comparable_say_why() -> None:
    profile = kernel_profile()
    other = replace(profile, cpu=replace(profile.cpu, clock_hz=50_000_000))
    source = page(profile, other).source
    assert "Not comparable: the clock is 100000000 Hz and 50000000 Hz." in source


def test_frames_have_the_costs_of_both_runs() -> None:
    data = differential_data(kernel_profile(), slower())
    frames = {data["names"][node[1]]: node for node in data["nodes"]}
    # parent, name, before: calls, own cycles, own fJ, cycles, fJ; after: the same
    assert frames["dot"][3] == 600
    assert frames["dot"][8] == 700
    assert [frames["all"][5], frames["all"][10]] == [922, 1022]


def test_a_function_of_one_run_only_has_no_cost_in_the_other() -> None:
    after = slower()
    renamed = tuple(
        replace(row, name="dot_simd") if row.name == "dot" else row for row in after.functions
    )
    data: dict[str, Any] = differential_data(kernel_profile(), replace(after, functions=renamed))
    frames = {data["names"][node[1]]: node for node in data["nodes"]}
    assert frames["dot"][8] == 0
    assert frames["dot_simd"][3] == 0


def test_hostile_names_stay_text() -> None:
    def named(profile: Profile) -> Profile:
        functions = tuple(replace(row, name=HOSTILE + row.name) for row in profile.functions)
        return replace(profile, functions=functions, elf=replace(profile.elf, name=HOSTILE))

    shown = page(named(kernel_profile()), named(slower()))
    assert "img" not in {tag for tag, _ in shown.elements}
    assert len(shown.scripts) == 2
    assert HOSTILE + "dot" in json.loads(shown.scripts["flame-data"])["names"]


def test_the_same_profiles_give_the_same_bytes() -> None:
    first, second = page(kernel_profile(), slower()), page(kernel_profile(), slower())
    assert first.source == second.source
    assert len(first.source) < 100_000


def test_the_page_links_what_is_there_after() -> None:
    def links(file: str | None, line: int | None) -> str:
        return f"https://host/{file}#L{line}" if file else ""

    before, after = slower(), kernel_profile()
    dot, *rest = after.functions
    after = replace(after, functions=(replace(dot, file="dot.c", line=3), *rest))
    gone = replace(dot, name="gone", symbol="gone", file="gone.c", line=1)
    before = replace(before, functions=(*before.functions, gone))
    comparison = compare(summarize(before), summarize(after))
    assert "removed" in {row.status for row in comparison.functions}
    shown = Page(render(comparison, before, after, links))
    leads = [
        attrs["href"]
        for tag, attrs in shown.elements
        if tag == "a" and attrs.get("class") == "source"
    ]
    assert leads
    assert set(leads) == {"https://host/dot.c#L3"}


def test_the_page_opens_with_what_changed_most_and_why() -> None:
    before, after = kernel_profile(), slower()
    found = compare(summarize(before), summarize(after))
    sentence = headline_text(headline(found))
    assert sentence == (
        "The run takes 100 cycles more (+10.8 %): dot got slower most, by 100, all of them waiting"
        " for loads, with as many instructions, so by where code and data lie; try mcusim advise,"
        " which finds what to place where."
    )
    text = render_text(found, RenderOptions(width=400))
    assert f"\n{sentence}\n" in text
    shown = page(before, after)
    assert any(attrs.get("class") == "headline" for tag, attrs in shown.elements if tag == "p")
    # Nothing is to be tried against what got better, and what got worse meanwhile is told.
    mixed = compare(summarize(slower()), summarize(slower(30, "fib")))
    assert headline_text(headline(mixed)) == (
        "The run takes 70 cycles fewer (-6.85 %): dot got faster most, by 100, all of them waiting"
        " for loads, with as many instructions, so by where code and data lie; against that, fib"
        " got slower, by 30."
    )
    assert headline(compare(summarize(before), summarize(before))) == ()
    other = replace(after, cpu=replace(after.cpu, clock_hz=1))
    assert headline(compare(summarize(before), summarize(other))) == ()
