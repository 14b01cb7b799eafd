"""The HTML report in a real browser: Chromium without network, from a file, as a reader has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from simcore.comparison.comparison import compare
from simcore.comparison.summary import summarize
from simcore.elf import load_image
from simcore.report import RenderOptions
from simcore.report.comparison.html import render as render_comparison
from simcore.report.html.details import Details
from simcore.report.profile import render
from simcore.report.trend import render as render_trend
from simcore.study.layers import load_networks, select
from simcore.study.plain import layer_list
from tests.integration.browsing import Meter, Seen, wide
from tests.integration.programs import CHECKOUT, KERNELS
from tests.shared import made_once
from tests.tools import GUARD_S
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_report_html import CEILINGS, hostile_profile
from tests.unit.report.test_report_html_comparison import slower
from tests.unit.report.test_report_trend import steps

LARGEST = 700_000  # bytes
#: A page without anything but a table of 20,000 cells, laid out.
PLAIN_TABLE = """() => {
    const table = document.createElement("table");
    for (let row = 0; row < 2000; row++) {
        const cells = table.insertRow();
        for (let column = 0; column < 10; column++)
            cells.insertCell().textContent = String(row * column);
    }
    document.body.append(table);
    const height = table.offsetHeight;
    table.remove();
    return height;
}"""


def make_report(path: Path, *arguments: str | Path) -> Path:
    """A report made by the command, as a user makes it."""
    command = [sys.executable, "-m", "simcore.cli.main", "profile", *map(str, arguments[:1])]
    subprocess.run(
        [*command, "--format", "html", "-o", str(path), *map(str, arguments[1:])],
        check=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONHASHSEED": "random"},
        timeout=GUARD_S,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return path


@pytest.fixture(scope="session")
def report() -> Path:
    """The report of the kernel with the most code, made by the command."""
    elf = KERNELS / "mixed.elf"

    def make(path: Path) -> None:
        make_report(path, elf)

    return made_once(("report", elf.read_bytes()), make, ".html")


@pytest.fixture
def seen(browser: Browser, report: Path) -> Iterator[Seen]:
    seen = Seen(browser, report)
    yield seen
    assert seen.troubles == []
    seen.context.close()


def column(page: Page, table: str, number: int) -> list[str]:
    """The texts of a column, of rows that are shown."""
    rows = page.locator(f"#{table} tbody tr:not([hidden]) > :nth-child({number})")
    return [" ".join(text.split()) for text in rows.all_text_contents()]


def theme_of(page: Page) -> str:
    color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color


def frame(page: Page, name: str) -> str:
    return f'#frames .frame:text-is("{name}")'


# -- loading -------------------------------------------------------------------------------------


def test_it_loads_from_a_file_without_network_and_without_errors(seen: Seen) -> None:
    page = seen.page
    assert {url.partition(":")[0] for url in seen.requests} == {"file"}
    assert len([url for url in seen.requests if url.startswith("file:")]) == 1
    assert page.locator("#roofline .roof").count() >= 4
    assert page.locator("#roofline .point").count() >= 2
    assert page.locator("#frames .frame").count() >= 5
    assert page.title() == "mixed.elf on stm32f746 - mcusim"


def assert_it_answers_soon(seen: Seen) -> None:
    """A third of a second of CPU time, told against a plain table in the same browser."""
    seen.page.wait_for_function("performance.getEntriesByName('mcusim-interactive').length == 1")
    spent = seen.meter.seconds()
    blank = seen.context.new_page()
    meter, of_tables = Meter(blank), []
    for _ in range(3):
        before = meter.seconds()
        assert blank.evaluate(PLAIN_TABLE) > 2000
        of_tables.append(meter.seconds() - before)
    assert 0 < spent < 2 * min(of_tables)


def test_it_is_small_and_answers_soon(seen: Seen, report: Path) -> None:
    assert report.stat().st_size < LARGEST
    assert_it_answers_soon(seen)


def test_two_runs_give_the_same_bytes(report: Path, tmp_path: Path) -> None:
    again = make_report(tmp_path / "again.html", KERNELS / "mixed.elf")
    assert again.read_bytes() == report.read_bytes()


def test_a_replay_makes_the_same_page(tmp_path: Path) -> None:
    elf, capture, page = KERNELS / "fully_connected_s8.elf", tmp_path / "run.mcu", tmp_path / "r"
    for arguments in (
        ("record", elf, "-o", capture),
        ("replay", capture, "--format", "html", "-o", page),
    ):
        command = [sys.executable, "-m", "simcore.cli.main", *map(str, arguments)]
        subprocess.run(command, check=True, cwd=CHECKOUT, timeout=GUARD_S, stdin=subprocess.DEVNULL)
    assert page.read_bytes() == make_report(tmp_path / "p", elf).read_bytes()


def test_a_whole_network_is_small_and_answers_soon(browser: Browser, tmp_path: Path) -> None:
    """ResNet-8 of the study."""
    (network,) = select(load_networks(), ["resnet-8"])
    layers = layer_list(network, "optimised", load_image(str(KERNELS / "nn.elf")))
    assert layers is not None
    (tmp_path / "list").write_text(layers, encoding="utf-8")
    arguments = (KERNELS / "nn.elf", "--semihost-dir", tmp_path, "--", "network=list")
    path = make_report(tmp_path / "resnet-8.html", *arguments)
    assert path.stat().st_size < LARGEST
    seen = Seen(browser, path)
    assert_it_answers_soon(seen)
    assert seen.page.locator("#operations tbody tr").count() == len(network.lowered.steps)
    assert seen.troubles == []
    seen.context.close()


def test_hostile_names_run_nothing(browser: Browser, tmp_path: Path) -> None:
    """The name of a symbol is `</script><img src=x onerror=alert(1)>` and more."""
    path = tmp_path / "hostile.html"
    details = Details(ceilings=CEILINGS, output="</pre><script>alert(2)</script>")
    path.write_text(
        render(hostile_profile(), "html", RenderOptions(details=details)), encoding="utf-8"
    )
    alerts: list[str] = []
    seen = Seen(browser, path)
    seen.page.on("dialog", lambda dialog: alerts.append(dialog.message))
    page = seen.page
    page.fill("#search", "onerror")
    page.locator("#frames .frame").nth(1).click()
    page.locator("#frames .frame").nth(1).hover()
    assert seen.troubles == []
    assert alerts == []
    assert page.locator("main img").count() == 0
    assert "</script></style><img src=x onerror=alert(1)>" in page.inner_text("#functions")
    assert {url.partition(":")[0] for url in seen.requests} == {"file"}
    seen.context.close()


def test_markup_that_slipped_through_would_not_run(browser: Browser, tmp_path: Path) -> None:
    """The policy holds by itself: here the markup is put into the page on purpose."""
    path = tmp_path / "injected.html"
    source = render(kernel_profile(), "html", RenderOptions(details=Details()))
    bad = "<script>document.title='ran'</script><img src='x' onerror=\"document.title='ran'\">"
    path.write_text(source.replace("<main", f"{bad}<main", 1), encoding="utf-8")
    seen = Seen(browser, path)
    seen.page.wait_for_load_state("load")
    assert seen.page.title() != "ran"
    assert any("Content Security Policy" in trouble for trouble in seen.troubles)
    seen.context.close()


# -- tables --------------------------------------------------------------------------------------


def test_a_column_sorts_by_click_and_says_so(seen: Seen) -> None:
    page = seen.page
    heading = page.locator("#functions thead th", has_text="calls")
    heading.locator("button").click()
    calls = [int(text.replace(",", "")) for text in column(page, "functions", 2)]
    assert calls == sorted(calls, reverse=True)
    assert len(set(calls)) > 2
    assert heading.get_attribute("aria-sort") == "descending"
    assert page.locator("#functions th[aria-sort]").count() == 1
    heading.locator("button").click()
    assert [int(t.replace(",", "")) for t in column(page, "functions", 2)] == sorted(calls)
    assert heading.get_attribute("aria-sort") == "ascending"


def test_quantities_sort_by_size_not_by_digits(seen: Seen) -> None:
    """1.06 mJ stands above 329 nJ."""
    page = seen.page
    page.locator("#functions thead button", has_text="energy").click()
    scale = {"J": 1.0, "mJ": 1e-3, "µJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12}
    texts = [text.split()[:2] for text in column(page, "functions", 10)]
    energies = [float(value) * scale[unit] for value, unit in texts]
    assert energies == sorted(energies, reverse=True)
    assert len({unit for _, unit in texts}) > 1


def test_names_sort_from_a_on_and_the_keyboard_does_it(seen: Seen) -> None:
    page = seen.page
    page.locator("#functions thead button").first.focus()
    page.keyboard.press("Enter")
    names = [text.lower() for text in column(page, "functions", 1)]
    assert names == sorted(names)


def test_the_search_filters_every_table_and_gives_all_back(seen: Seen) -> None:
    page = seen.page
    before = len(column(page, "functions", 1))
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("MEMSET")
    assert len(column(page, "functions", 1)) == 1
    assert column(page, "functions", 1)[0].startswith("memset")
    assert not page.locator("#causes").is_visible()
    assert "rows" in page.inner_text("#found")
    page.keyboard.press("Escape")
    assert len(column(page, "functions", 1)) == before
    assert page.locator("#causes").is_visible()
    # Browsers tell of Enter by a "search" of their own, with nothing in it.
    page.locator("#search").dispatch_event("search")
    page.locator("#frames .frame").nth(1).click()
    page.fill("#search", "no such thing anywhere")
    assert page.locator("text=No row matches the filter.").first.is_visible()


def test_events_of_a_browser_or_of_others_break_nothing(browser: Browser, report: Path) -> None:
    seen = Seen(browser, report)
    page = seen.page
    page.goto(f"{report.as_uri()}#%E0%A4%A")  # no text in UTF-8
    page.reload()
    page.evaluate("""() => {
        const types = ["search", "close", "toggle", "cancel", "invalid", "select", "focusin",
            "keydown", "keyup", "click", "change", "input", "filter", "sort", "copy", "beforeprint",
            "afterprint", "hashchange", "storage", "mouseover", "mouseleave", "scroll", "wheel"];
        const places = [window, document, document.documentElement, document.body,
            ...document.querySelectorAll("figure, svg, table, input, button, summary, #frames")];
        for (const type of types)
            for (const place of places)
                place.dispatchEvent(new CustomEvent(type, { bubbles: true }));
    }""")
    page.fill("#search", "mixed")
    page.fill("#search", "")
    page.locator("#roofline .point").first.dispatch_event("mouseover")
    assert page.inner_text("#roofline-told")
    page.locator("#frames .frame").nth(1).click()
    assert page.inner_text("#told")
    assert seen.troubles == []
    seen.context.close()


def test_the_listing_shows_loops_pairs_and_the_source(seen: Seen) -> None:
    page = seen.page
    listing = page.locator(".listing").first
    text = listing.text_content() or ""
    assert "mixed.c:" in text
    assert "while (" in text  # the source is in this checkout
    assert listing.locator("tr.hot, tr.warm").count() >= 3
    assert "instructions," in (listing.locator("tr.gap").first.text_content() or "")


# -- flame graph ---------------------------------------------------------------------------------


def test_the_flame_graph_zooms_by_click_and_back_by_its_button(seen: Seen) -> None:
    page = seen.page
    before = wide(page, frame(page, "mixed_run"))
    page.locator(frame(page, "mixed_run")).click()
    assert wide(page, frame(page, "mixed_run")) > before
    assert page.locator('#frames .frame[title^="list_sort.part.0: "]').count() == 1
    page.click("#flame-reset")
    assert wide(page, frame(page, "mixed_run")) == pytest.approx(before)
    assert page.locator("#flame-reset").is_disabled()


def test_the_flame_graph_follows_the_keyboard(seen: Seen) -> None:
    page = seen.page
    page.locator("#frames .frame").first.focus()
    for expected in ("Reset_Handler", "main", "mixed", "mixed_run"):
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.textContent") == expected
        assert page.inner_text("#told").startswith(f"{expected}: ")
    page.keyboard.press("Enter")
    assert not page.locator("#flame-reset").is_disabled()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.textContent") == "mixed"
    page.keyboard.press("Escape")
    assert page.locator("#flame-reset").is_disabled()
    assert page.locator("#frames [tabindex='0']").count() == 1


def test_the_flame_graph_switches_to_energy(seen: Seen) -> None:
    page = seen.page
    assert "cycles" in page.inner_text("#told")
    page.check("input[name=metric][value=energy]")
    assert "J, 100.0 % of the run" in page.inner_text("#told")


def test_the_flame_graph_marks_what_the_search_finds(seen: Seen) -> None:
    seen.page.fill("#search", "mixed_run")
    marked = seen.page.locator("#frames .frame.matches").all_inner_texts()
    assert marked == ["mixed_run"]


# -- themes, keyboard, paper ---------------------------------------------------------------------


def test_it_follows_the_system_theme_and_its_button(browser: Browser, report: Path) -> None:
    light, dark = (Seen(browser, report, scheme) for scheme in ("light", "dark"))
    assert theme_of(light.page) == "rgb(255, 255, 255)"
    black = theme_of(dark.page)
    assert black != "rgb(255, 255, 255)"
    light.page.click("#theme")
    assert theme_of(light.page) == black
    assert light.page.inner_text("#theme") == "Light"
    for part, style in ((".grid text", "fill"), (".roof .peak", "stroke")):
        drawn = light.page.locator(f"#roofline {part}").first
        assert drawn.evaluate(f"e => getComputedStyle(e).{style}") == "rgb(228, 231, 235)"
    for seen in (light, dark):
        assert seen.troubles == []
        seen.context.close()


def test_tab_leads_from_the_skip_link_into_the_report(seen: Seen) -> None:
    page = seen.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_nothing_is_wider_than_a_narrow_window(browser: Browser, report: Path) -> None:
    seen = Seen(browser, report, width=400)
    page = seen.page
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert seen.troubles == []
    seen.context.close()


def test_it_prints_with_figures_and_everything_opened(seen: Seen, tmp_path: Path) -> None:
    page = seen.page
    page.emulate_media(media="print", color_scheme="dark")
    assert theme_of(page) == "rgb(255, 255, 255)"
    assert not page.locator(".top").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert wide(page, "#roofline > svg") <= wide(page, "#roof")
    peak = page.locator("#roofline .peak").first
    assert peak.evaluate("e => getComputedStyle(e).stroke") == "rgb(0, 0, 0)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(page.pdf(format="A4")) > 50_000


def test_a_report_without_operations_has_no_roofline(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "small.html"
    bare = replace(kernel_profile(), ops=())
    bare = replace(bare, call_tree=(), totals=replace(bare.totals, macs=0))
    path.write_text(render(bare, "html", RenderOptions()), encoding="utf-8")
    seen = Seen(browser, path)
    assert seen.page.locator("#functions tbody tr").count() == len(bare.functions)
    assert seen.page.locator("#roofline").count() == 0
    assert seen.troubles == []
    seen.context.close()


def test_a_comparison_colours_what_became_dearer(browser: Browser, tmp_path: Path) -> None:
    before, after = kernel_profile(), slower()
    comparison = compare(summarize(before), summarize(after))
    path = tmp_path / "changes.html"
    path.write_text(render_comparison(comparison, before, after), encoding="utf-8")
    seen = Seen(browser, path)
    page = seen.page
    assert page.locator("#frames .frame").count() >= 4
    title = page.locator(frame(page, "dot")).get_attribute("title")
    assert title == (
        "dot: 700 cycles, 68.5 % of the run, 10 calls; +100 cycles (+16.7 %) from 600 cycles"
    )
    red, grey = (
        page.locator(frame(page, name)).first.evaluate("e => getComputedStyle(e).backgroundColor")
        for name in ("dot", "fib")
    )
    assert red != grey
    page.fill("#search", "dot")
    assert column(page, "functions", 1)[0].startswith("dot")
    assert seen.troubles == []
    assert {url.partition(":")[0] for url in seen.requests} == {"file"}
    seen.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_trend_fits_a_desk_and_a_telephone_and_tells_its_points(
    browser: Browser, tmp_path: Path, scheme: str
) -> None:
    path = tmp_path / "trend.html"
    runs = [{"a": 1000 + 10 * (n // 3)} for n in range(12)]
    path.write_text(render_trend(steps(tmp_path, *runs), "html", RenderOptions()))
    for width in (1280, 390):
        seen = Seen(browser, path, scheme, width)
        page = seen.page
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.locator("#trend-cycles .point").first.focus()
        page.keyboard.press("ArrowRight")
        assert "1,000 to 1,010 (+1.00 %)" in page.inner_text("#trend-cycles-told")
        labels = page.locator("#trend-cycles .x:visible").count()
        assert labels == (4 if width == 1280 else 2)
        assert seen.troubles == []
        seen.context.close()
