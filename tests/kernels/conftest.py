"""The device of the kernel tests, started once, and the runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernels.device import Device


@pytest.fixture(scope="session")
def device() -> Device:
    """nn.elf, waiting for calls."""
    return Device()


@pytest.fixture(scope="session")
def runner(prebuilt: Path) -> Path:
    """The prebuilt nn.elf."""
    return prebuilt / "nn.elf"
