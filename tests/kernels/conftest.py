"""The device of the kernel tests, started once."""

from __future__ import annotations

import pytest

from tests.kernels.device import Device


@pytest.fixture(scope="session")
def device() -> Device:
    """nn.elf, waiting for calls."""
    return Device()
