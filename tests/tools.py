"""Programs of other people that tests read mcusim's output with."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def run_tool(command: list[str | Path], package: str, **options: Any) -> str:
    """What a program prints on stdout; it has to succeed and to say nothing on stderr.

    Without the program, which a Debian package brings, the test is skipped, or fails if
    MCUSIM_REQUIRE_TOOLCHAIN is set (.ci/run).
    """
    name = str(command[0])
    if shutil.which(name) is None:
        if os.environ.get("MCUSIM_REQUIRE_TOOLCHAIN"):
            pytest.fail(f"{name} is missing: apt-get install {package}")
        pytest.skip(f"needs {name}")
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, **options
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
    text: str = done.stdout
    return text
