"""Event counts of programs, run by the model in the setting of a data sheet's row."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from scripts.calibration.settings import FIRMWARE, SETTINGS
from simcore.costs.attribution import Attribution
from simcore.costs.energy import energy_model
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, load_image
from simcore.machine import RunOptions, run

SLEEP_CYCLES = 10**6

_runs: dict[str, dict[str, int]] = {}


def event_counts(
    part: str, setting: str, clock_hz: int, voltage_scale: str | None = None
) -> dict[str, int]:
    """Counts by column of the kernel's own iterations: boot and self-check are left out."""
    how = SETTINGS[setting]
    if not how.elf:
        return {"cycles.sleep": SLEEP_CYCLES}
    model = load_cpu_model(part, how.overrides)
    # Points with equal latencies share a run: the clock itself changes no count.
    timing, regions = model.timing(clock_hz, how.caches, voltage_scale)
    key = json.dumps([part, setting, {**timing, "clock_hz": 0}, regions])
    if key not in _runs:
        path = FIRMWARE / f"{how.elf}.elf"
        _runs[key] = program_counts(path, model, clock_hz, how.caches, voltage_scale)
    return _runs[key]


def program_counts(
    elf: Path, model: CpuModel, clock_hz: int, caches: str, voltage_scale: str | None = None
) -> dict[str, int]:
    """Counts by column of the first operation of a program. Raises RuntimeError when it fails."""
    image = _image(elf)
    options = RunOptions(clock_hz=clock_hz, voltage_scale=voltage_scale, caches=caches)
    result = run(image, model, options)
    if result.exit_reason != "exit" or result.exit_code:
        raise RuntimeError(f"{elf.name} on {model.name}: {result.exit_reason} {result.exit_code}")
    costs = Attribution(result.counters, image.functions, energy_model(model, clock_hz), clock_hz)
    return costs.op_counts()[0]


@functools.cache
def _image(elf: Path) -> Image:
    return load_image(str(elf))
