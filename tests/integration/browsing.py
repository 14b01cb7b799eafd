"""An open page for tests in a browser: what goes wrong in it, and where its parts stand."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.tools import GUARD_S


class Meter:
    """CPU time of a page's thread, as Chromium counts it."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds(self) -> float:
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        (seconds,) = (float(m["value"]) for m in metrics if m["name"] == "TaskDuration")
        return seconds


class Seen:
    """A page that is open, with what went wrong and what it asked of the network."""

    def __init__(self, browser: Browser, path: Path, scheme: str = "light", width: int = 1400):
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 900},
            offline=True,
        )
        self.page = self.context.new_page()
        self.meter = Meter(self.page)
        self.page.set_default_timeout(1000 * GUARD_S)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(message.text)


def wide(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["width"]


def middle(page: Page, selector: str) -> tuple[float, float]:
    """The place of an element's middle in the window, px."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
