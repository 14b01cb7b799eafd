"""The figure of a network in a real browser: the switch, the keyboard, narrow windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from simcore.report.profile import render
from tests.integration.browsing import Seen, wide
from tests.unit.report.test_report_network import network_profile


@pytest.mark.parametrize("width", [1280, 390])
def test_widths_follow_the_switch_and_the_keys_tell(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "network.html"
    path.write_text(render(network_profile(), "html"), encoding="utf-8")
    seen = Seen(browser, path, width=width)
    page = seen.page
    strip = wide(page, "#network-figure .strip")
    first = "#network-figure .strip .box"
    for chosen, share in (("cycles", 0.75), ("energy", 0.25), ("layers", 0.5)):
        page.locator(f'input[name="network-width"][value="{chosen}"]').check()
        assert wide(page, first) == pytest.approx(share * strip, abs=1)
    page.locator(first).first.focus()
    page.keyboard.press("ArrowRight")
    assert "#1 ADD" in page.locator("#network-figure-told").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert seen.troubles == []
    seen.context.close()
