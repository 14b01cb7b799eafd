"""A file that is an ELF to run or a capture to time again: who asks need not care."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from typing import Any, BinaryIO

from simcore.elf import load_image
from simcore.errors import ConfigError
from simcore.run.setup import DEFAULT_CPU
from simcore.run.spec import PartSpec
from simcore.simulation.capture import Capture, is_capture
from simcore.simulation.live import simulate
from simcore.simulation.simulation import Simulation

#: What a capture can be timed under; the part and the place are asked for apart.
_SETUP = {field.name for field in fields(PartSpec)} - {"cpu", "place"}


def simulate_file(
    file: str | os.PathLike[str],
    cpu: str | os.PathLike[str] | None = None,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Simulation:
    """Run an ELF, or time a capture again; ``cpu`` and ``options`` are fields of a RunSpec.

    Of a capture, what is not given is as it was recorded. Raises what :func:`simcore.profile`
    raises, CaptureError, and ConfigError for an option that a capture's run has behind it.
    """
    if not is_capture(file):
        image = load_image(os.fspath(file))
        streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "progress": progress}
        return simulate(image, DEFAULT_CPU if cpu is None else cpu, **streams, **options)
    refuse_run_options(file, options)
    capture = Capture(file)
    (simulation,) = capture.simulate([capture.setup(cpu, **options)], progress)
    return simulation


def refuse_run_options(capture: str | os.PathLike[str], options: dict[str, Any]) -> None:
    """Refuse what a capture cannot be given any more. Raises ConfigError."""
    for name in options:
        if name not in _SETUP:
            raise ConfigError(
                f"{os.fspath(capture)}: a capture repeats its run; it takes no"
                f" {name.replace('_', '-')}"
            )
