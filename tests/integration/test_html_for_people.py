"""The HTML report as people read it, in a browser: folds, filter, sleep, copies, the whole page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.html.details import Details
from simcore.report.profile import render
from tests.integration.browsing import Seen
from tests.unit.handmade import KERNEL, kernel_profile, node, vector
from tests.unit.report.test_report_html import CEILINGS

#: Functions of no cycle beside the four of the kernel; cycles that one below main sleeps.
SMALL, ASLEEP = 20, 4000


def sleeping_profile() -> Profile:
    """The hand-made kernel with one more call of fib by main, which issues 8 cycles and sleeps."""
    counters = replace(
        KERNEL,
        nodes=(*KERNEL.nodes, node(0, 2, vector(instructions=1, cycles__issue=8,
                                                cycles__sleep=ASLEEP))),
    )  # fmt: skip
    return kernel_profile(counters)


def many_functions() -> Profile:
    """The kernel and functions that cost nearly nothing."""
    profile = kernel_profile()
    last = profile.functions[-1]
    small = tuple(
        replace(last, name=f"small_{n}", cycles_self=0, cycles_by_cause={"issue": 0})
        for n in range(SMALL)
    )
    return replace(profile, functions=(*profile.functions, *small))


@pytest.fixture(scope="module")
def pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Seen]]:
    """Each page opened once."""
    folder = tmp_path_factory.mktemp("people")
    found = {}
    for name, profile in (("sleeping", sleeping_profile()), ("many", many_functions())):
        path = folder / f"{name}.html"
        options = RenderOptions(details=Details(ceilings=CEILINGS))
        path.write_text(render(profile, "html", options), encoding="utf-8")
        found[name] = Seen(browser, path, width=390 if name == "many" else 1280)
    yield found
    for seen in found.values():
        assert seen.troubles == []
        seen.context.close()


def shown(page: Page, table: str) -> list[str]:
    """Names of the rows of a table that can be seen."""
    rows = page.locator(f"#{table} tbody tr:visible > :first-child")
    return [" ".join(text.split()) for text in rows.all_inner_texts()]


def test_small_rows_are_folded_with_a_count_and_the_filter_finds_them(
    pages: dict[str, Seen],
) -> None:
    page = pages["many"].page
    assert page.locator("#functions tbody tr").count() == SMALL + 4
    assert len(shown(page, "functions")) == 8
    fold = page.locator("#funcs .fold summary")
    assert fold.inner_text() == "16 rows below 0.1 % of the cycles"
    fold.focus()
    page.keyboard.press("Enter")
    assert len(shown(page, "functions")) == SMALL + 4
    page.keyboard.press("Enter")
    page.fill("#search", "small_19")
    assert shown(page, "functions") == ["small_19"]
    page.fill("#search", "")
    assert len(shown(page, "functions")) == 8


def test_the_filter_hides_rows_of_charts_and_jumps_to_the_first_hit(pages: dict[str, Seen]) -> None:
    page = pages["many"].page
    page.evaluate("document.activeElement.blur(); scrollTo(0, 300)")
    page.keyboard.press("/")
    page.keyboard.type("dot")
    bars = page.locator("#cycles .bars .row:visible .name").all_inner_texts()
    assert bars == ["dot"]
    assert set(page.locator("#frames .frame").all_inner_texts()) == {
        "all",
        "main",
        "conv1",
        "conv",
        "dot",
    }
    assert page.locator("#frames .frame.matches").all_inner_texts() == ["dot"]
    assert page.locator("#roofline .point:visible").count() == 0
    assert not page.locator("#energy h2").is_visible()  # its bars are of operations
    box = page.locator("#cycles .bars .row:visible .name").bounding_box()
    assert box is not None
    assert 0 < box["y"] < 900
    page.fill("#search", "no such thing anywhere")
    assert page.locator("#nothing").is_visible()
    assert not page.locator("#flame-graph h2").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("scrollY") == 300
    assert page.locator("#roofline .point:visible").count() == 2


def test_a_wide_table_scrolls_in_itself_below_a_first_column_that_stays(
    pages: dict[str, Seen],
) -> None:
    page = pages["many"].page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    moved = page.locator("#functions").evaluate(
        """table => { const wrap = table.closest(".wrap"); const cell = table.rows[1].cells[0];
        const before = cell.getBoundingClientRect().x; wrap.scrollLeft = 200;
        return [wrap.scrollLeft, cell.getBoundingClientRect().x - before]; }"""
    )
    assert moved == [200, 0]


def test_the_whole_page_is_drawn_when_it_is_captured(pages: dict[str, Seen]) -> None:
    """Every section has content that is laid out and painted, far below the window, too."""
    page = pages["many"].page
    page.evaluate("scrollTo(0, 0)")
    states = page.locator("main section").evaluate_all(
        """all => all.map(e => [e.id, e.checkVisibility({contentVisibilityAuto: true})
        && [...e.querySelectorAll("h2, table, figure, .frame")].every(c =>
          c.checkVisibility({contentVisibilityAuto: true})
          && c.getBoundingClientRect().height > 0)])"""
    )
    assert {"flame-graph", "funcs", "memory"} <= {name for name, _ in states}
    assert [name for name, drawn in states if not drawn] == []


def test_sleep_is_left_out_of_shares_until_it_is_counted(pages: dict[str, Seen]) -> None:
    """922 + 8 cycles awake, of which 627 + 8 issue; 4,000 asleep in fib, which has 22 + 8 awake."""
    page = pages["sleeping"].page
    assert "sleep" not in shown(page, "causes")
    assert page.locator("#causes tfoot").inner_text().split() == ["awake", "930", "100.0", "%"]
    row = page.locator("#functions tbody tr", has=page.locator('th:text("fib")'))
    assert "30 3.2 %" in " ".join(row.inner_text().split())
    assert page.locator('#frames .frame:text-is("sleep")').count() == 0
    assert (
        page.inner_text("#told") == "all: 930 cycles, 100.0 % of the run awake, 32 % of it stalls"
    )
    page.check("#asleep")
    assert page.locator("#causes tfoot").inner_text().split() == ["all", "4,930", "100.0", "%"]
    assert shown(page, "causes")[-1] == "sleep"
    assert shown(page, "functions")[0].startswith("fib")  # sorted again
    assert "4,030 81.7 %" in " ".join(row.inner_text().split())
    frame = page.locator('#frames .frame:text-is("sleep")')
    assert "4,000 cycles, 81.1 % of the run" in (frame.get_attribute("title") or "")
    color = frame.evaluate("e => getComputedStyle(e).backgroundColor")
    swatch = page.locator("#causes .c-sleep.swatch")
    assert color == swatch.evaluate("e => getComputedStyle(e).backgroundColor")
    page.uncheck("#asleep")
    assert shown(page, "functions")[0].startswith("dot")


def test_words_are_told_where_they_are_pointed_at_and_by_the_keyboard(
    pages: dict[str, Seen],
) -> None:
    page = pages["sleeping"].page
    told = page.locator("#cycles .sheet .told")
    page.mouse.move(0, 0)  # what it points at is told, too: another test left it anywhere
    page.locator("#causes tbody tr").first.focus()
    assert told.inner_text().startswith("issue: an instruction")
    page.keyboard.press("ArrowDown")
    assert told.inner_text().startswith("dependency: an instruction waited")
    part = page.locator("#cycles .track .c-load").first
    part.hover()
    assert "\nload: a load waited for memory" in (part.get_attribute("title") or "")


def test_a_row_is_copied_by_button_and_by_key(pages: dict[str, Seen]) -> None:
    page = pages["sleeping"].page
    page.evaluate(
        """() => { window.copied = []; const set = DataTransfer.prototype.setData;
        DataTransfer.prototype.setData = function (type, text) {
          copied.push(text); set.call(this, type, text); }; }"""
    )
    page.locator("#causes tbody tr").first.focus()
    page.keyboard.press("c")
    page.locator("#functions tbody tr").first.hover()
    page.locator("#functions .copy").click()
    causes, functions = page.evaluate("copied")
    assert causes == "cause\tcycles\tshare\nissue\t635\t68.3 %\n"
    headings, values = (line.split("\t") for line in functions.splitlines())
    assert headings[:4] == ["function", "calls", "instructions", "cycles"]
    assert values[:4] == ["dot", "10", "1,000", "600"]
    assert page.inner_text("#found") == "row copied"


def test_a_word_has_one_color_in_every_chart(pages: dict[str, Seen]) -> None:
    """As the browser paints it; causes and components share words, and no others share a colour."""
    page = pages["sleeping"].page
    painted: dict[str, set[str]] = {}
    found = page.locator(".swatch, .stack i, .track i").evaluate_all(
        "all => all.map(e => [e.classList[e.classList.contains('swatch') ? 1 : 0],"
        " getComputedStyle(e).backgroundColor + getComputedStyle(e).backgroundImage])"
    )
    for name, color in found:
        painted.setdefault(color, set()).add(name)
    assert all(len(names) == 1 for names in painted.values()), painted
    assert {f"c-{word}" for word in ("issue", "load", "core", "fetched")} <= set.union(
        *painted.values()
    )
