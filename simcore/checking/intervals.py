"""Intervals of cycles that a check has found before: kept files, named by what decides them.

A check in CI asks for the same interval again and again. Timing a run under every answer to what
no source decides takes several times as long as the run, so the interval of each run is kept in
``.mcusim/cache``; docs/ci.md says what that folder is.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from simcore.checking.plans import RunPlan
from simcore.comparison.metrics import Metrics
from simcore.costs.uncertainty import CyclesInterval
from simcore.errors import ConfigError
from simcore.files import destination, read_regular
from simcore.plain import RecordError, from_plain, json_text, schema_name
from simcore.run.spec import RunSpec
from simcore.run.uarts import input_key
from simcore.study.tasks import tool_fingerprint

SCHEMA = "mcusim.interval/1"
FOLDER = "cache"
#: Files that a folder keeps, about 2 KB each; those used last stay.
KEPT = 256
PATTERN = "cycles-*.json"
#: What of a run does not decide its cycles, or stands in the key by its content.
_NO_RESULT = (
    "elf", "cpu", "memory_from", "semihost_dir", "overrides", "timeout_s", "verbose", "ops",
    "op_calls", "op_rows",
    "uart", "layout_sweep", "uncertainty", "instructions", "lines", "coverage", "timeline",
    "inlines",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeptInterval:
    """The interval of a run with what the run came to: another run is not taken for it."""

    schema: Annotated[str, schema_name(SCHEMA)]
    metrics: Metrics
    interval: CyclesInterval


def interval_key(plan: RunPlan) -> str | None:
    """Hash of all that decides the interval of a run: ELF, options, part, questions and mcusim.

    None when the ELF cannot be read. Raises ModelError or ConfigError for a part that is none, or
    input that cannot be read.
    """
    try:
        elf = hashlib.sha256(Path(plan.elf).read_bytes()).hexdigest()
    except OSError:
        return None
    model = plan.setup().model
    names = [field.name for field in fields(RunSpec) if field.name not in _NO_RESULT]
    content = {
        "schema": SCHEMA,
        "tool": tool_fingerprint(),
        "elf": elf,
        "model": model.sha256,
        "questions": [[one.name, one.title, one.answers] for one in model.undecided],
        "uart": input_key(plan.uart),
        "options": {name: repr(getattr(plan, name)) for name in names},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_interval(folder: Path, key: str) -> KeptInterval | None:
    """What is kept under a key; None when there is nothing that can be read and trusted."""
    path = _path(folder, key)
    try:
        found = from_plain(KeptInterval, json.loads(read_regular(path)))
        if found.schema != SCHEMA:
            return None
        os.utime(path)  # used last
    except (OSError, ValueError, RecursionError, RecordError):
        return None
    return found


def keep_interval(folder: Path, key: str, metrics: Metrics, interval: CyclesInterval) -> None:
    """Keep an interval, and of all no more than KEPT. A folder that takes none only costs time."""
    with suppress(OSError, ConfigError):
        folder.mkdir(parents=True, exist_ok=True)
        ignored = folder / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="ascii")
        with destination(str(_path(folder, key))) as write:
            write(json_text(KeptInterval(SCHEMA, metrics, interval)))
        files = sorted(folder.glob(PATTERN), key=_used_last)
        for path in files[:-KEPT]:
            path.unlink(missing_ok=True)


def _path(folder: Path, key: str) -> Path:
    return folder / PATTERN.replace("*", key)


def _used_last(path: Path) -> tuple[int, str]:
    """When a file was used; another check may have removed it meanwhile."""
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name
