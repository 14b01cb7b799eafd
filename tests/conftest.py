"""What all tests share: options, the hypothesis profile, the Arm compiler, the prebuilt kernels."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import examples, shared
from tests.tools import needs

pytest_plugins = ["tests.doors"]

CHECKOUT = Path(__file__).resolve().parent.parent
ARM_GCC = "arm-none-eabi-gcc"
CORTEX_M7 = ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-goldens",
        action="store_true",
        help="write the expected files of tests/golden anew; review them as a diff",
    )


def pytest_configure(config: pytest.Config) -> None:
    examples.load_profile(config.getoption("--door"))
    # What one test keeps no other is to read, or a second run would not show what it is made for.
    # Those of the cache have a folder of their own. Processes of the session inherit this.
    os.environ["MCUSIM_CACHE"] = "off"
    # In CI a check asks for more: tests that mean that set CI themselves.
    os.environ.pop("CI", None)
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="mcusim-tests-")
        config.add_cleanup(folder.cleanup)
        os.environ[shared.FOLDER] = folder.name  # the processes of the session inherit it


@pytest.fixture
def renew_goldens(request: pytest.FixtureRequest) -> bool:
    """True when this run writes the expected files instead of comparing with them."""
    return bool(request.config.getoption("--renew-goldens"))


@pytest.fixture(scope="session")
def prebuilt() -> Path:
    """The folder of the prebuilt kernels."""
    return CHECKOUT / "kernels" / "prebuilt"


@pytest.fixture(scope="session")
def arm_gcc() -> Callable[..., Path]:
    """Compiles and links for a Cortex-M7: arm_gcc(output, arguments) -> output.

    Without the compiler the test is skipped, or fails: see needs().
    """
    needs(ARM_GCC, "gcc-arm-none-eabi")

    def compile_and_link(output: Path, arguments: Sequence[str | Path]) -> Path:
        command = [ARM_GCC, *CORTEX_M7, *map(str, arguments), "-o", str(output)]
        subprocess.run(command, check=True, cwd=output.parent)
        return output

    return compile_and_link
