"""The roofline of the HTML report in a real browser: places, names, pointer and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from simcore.report import RenderOptions
from simcore.report.html.details import Details
from simcore.report.profile import render
from tests.integration.browsing import Seen, middle, wide
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_report_html import CEILINGS


@pytest.fixture
def roofline(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Seen]:
    """A page with conv1 and the whole run under round ceilings, as wide as the test asks for."""
    path = tmp_path / "roofline.html"
    path.write_text(
        render(kernel_profile(), "html", RenderOptions(details=Details(ceilings=CEILINGS))),
        encoding="utf-8",
    )
    seen = Seen(browser, path, width=getattr(request, "param", 1280))
    seen.page.locator("#roofline").scroll_into_view_if_needed()
    yield seen
    assert seen.troubles == []
    seen.context.close()


def ticks_of(page: Page, axis: str) -> dict[float, float]:
    """The place in the window of every number at an axis, by its line."""
    script = """(texts, axis) => texts.map((text) => {
      const box = text.previousElementSibling.getBoundingClientRect();
      return [Number(text.textContent), axis === "x" ? box.x : box.y];
    })"""
    numbers = page.locator(f"#roofline .grid line + text.{axis}")
    return dict(numbers.evaluate_all(script, axis))


@pytest.mark.parametrize("roofline", [1280, 390], indirect=True)
def test_points_and_ceilings_stand_where_the_axes_say(roofline: Seen) -> None:
    """Read off the figure with a ruler between two ticks, as a reader would."""
    page = roofline.page
    x, y = ticks_of(page, "x"), ticks_of(page, "y")

    def read(place: float, ticks: dict[float, float]) -> float:
        part = (place - ticks[0.1]) / (ticks[1] - ticks[0.1])
        return float(10 ** (part - 1))

    for title, per_byte, per_cycle in (("conv1", 2000 / 252, 2.5), ("whole", 2000 / 252, 2.17)):
        point = f'#roofline .point:has(title:text("{title}")) .drawn'
        across, up = middle(page, point)
        assert read(across, x) == pytest.approx(per_byte, rel=0.02)
        assert read(up, y) == pytest.approx(per_cycle, rel=0.02)
    for line, (x1, y1), (x2, y2) in (
        ("TCM and cache hits", (0.05, 0.4), (0.25, 2)),
        ("flash", (0.05, 0.1), (1, 2)),
        ("SMLAD", (0.25, 2), (4000 / 252, 2)),
        ("VFMA", (0.125, 1), (4000 / 252, 1)),
    ):
        drawn = f'#roofline .roof:has(title:text("{line}")) line:not(.near)'
        box = page.locator(drawn).evaluate("e => e.getBoundingClientRect().toJSON()")
        assert read(box["left"], x) == pytest.approx(x1, rel=0.02)
        assert read(box["right"], x) == pytest.approx(x2, rel=0.02)
        assert read(box["bottom"], y) == pytest.approx(y1, rel=0.02)
        assert read(box["top"], y) == pytest.approx(y2, rel=0.02)


@pytest.mark.parametrize("roofline", [1280, 390], indirect=True)
def test_points_have_their_names_once_and_inside_the_plot(roofline: Seen) -> None:
    page = roofline.page
    names = page.locator("#roofline .name text:visible")
    assert sorted(names.all_text_contents()) == ["conv1", "whole run"]
    plot = page.locator("#roofline > svg").bounding_box()
    assert plot is not None
    for name in names.all():
        box = name.bounding_box()
        assert box is not None
        assert plot["x"] <= box["x"]
        assert box["x"] + box["width"] <= plot["x"] + plot["width"]


def test_the_pointer_and_the_arrow_keys_tell_points_and_ceilings(roofline: Seen) -> None:
    page = roofline.page
    told = page.locator("#roofline-told")
    assert told.inner_text() == "whole run: 7.94 MAC/B, 2.17 MAC/cycle"
    page.mouse.move(*middle(page, '#roofline .point:has(title:text("conv1")) .drawn'))
    assert told.inner_text() == "conv1: 7.94 MAC/B, 2.50 MAC/cycle"
    page.mouse.move(*middle(page, "#roof h2"))
    assert told.inner_text() == "whole run: 7.94 MAC/B, 2.17 MAC/cycle"
    page.locator("#roofline [tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    assert told.inner_text() == "conv1: 7.94 MAC/B, 2.50 MAC/cycle"
    focused = "e => getComputedStyle(e.querySelector('.near')).stroke"
    accent = "rgb(26, 95, 180)"
    assert page.locator("#roofline .point:focus").evaluate(focused) == accent
    page.keyboard.press("ArrowRight")  # from the last to the first
    assert told.inner_text() == "TCM and cache hits, 8.00 B/cycle"
    page.keyboard.press("ArrowLeft")
    assert told.inner_text() == "conv1: 7.94 MAC/B, 2.50 MAC/cycle"
    assert page.locator("#roofline [tabindex='0']").count() == 1


def test_the_figure_is_there_without_scripts(roofline: Seen, browser: Browser) -> None:
    context = browser.new_context(
        java_script_enabled=False, offline=True, viewport=roofline.page.viewport_size
    )
    page = context.new_page()
    page.goto(roofline.page.url)
    for part in (".point .drawn", ".name .roomy", ".grid text"):
        assert page.locator(f"#roofline {part}").first.is_visible()
    assert wide(page, "#roofline .peak") == wide(roofline.page, "#roofline .peak")
    context.close()
