"""What integration tests share: a headless Chromium, small programs, what was decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, load_image
from simcore.isa import decode_block
from tests.integration.assembled import PROLOGUE, Build
from tests.tools import needs

CHROMIUM = "/usr/bin/chromium"
#: Chromium by itself asks its maker for updates and the like; a test must see the page's requests.
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests of this process."""
    needs(CHROMIUM, "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def model() -> CpuModel:
    """The part on which assembled programs run."""
    return load_cpu_model("stm32f746")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The addresses of blocks that were decoded because C was told of them."""
    found: list[int] = []

    def noted(address: int, code: bytes, it_state: int) -> object:
        found.append(address)
        return decode_block(address, code, it_state)

    monkeypatch.setattr("simcore.core.schedules.decode_block", noted)
    return found


@pytest.fixture
def build(arm_gcc: Callable[..., Path], tmp_path: Path) -> Build:
    """Assembles the text behind PROLOGUE, with lines if asked, and links it at 0x08000000."""

    def assemble(text: str, *options: str) -> Image:
        source = tmp_path / "program.S"
        source.write_text(PROLOGUE + text + "\n")
        link = "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x08000100"
        return load_image(arm_gcc(tmp_path / "program.elf", ["-nostdlib", link, *options, source]))

    return assemble
