"""Intervals of cycles that a check has found before, in the cache by what decides them.

A check in CI asks for the same interval again and again. Timing a run under every answer to what
no source decides takes several times as long as the run, so the interval of each run is kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import Annotated

from simcore.cache import Room, content_key
from simcore.checking.plans import RunPlan
from simcore.comparison.metrics import Metrics
from simcore.costs.uncertainty import CyclesInterval
from simcore.files import MOST_BYTES, read_regular
from simcore.plain import from_plain, json_text, schema_name
from simcore.run.spec import RunSpec
from simcore.run.uarts import input_key

SCHEMA = "mcusim.interval/1"
KIND = "intervals"
#: What of a run does not decide its cycles, or stands in the key by its content.
_NO_RESULT = (
    "elf", "cpu", "memory_from", "semihost_dir", "overrides", "timeout_s", "max_memory",
    "verbose", "ops", "op_calls", "op_rows", "uart", "layout_sweep", "uncertainty", "instructions",
    "lines", "coverage", "timeline", "inlines",
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
        hashes = [
            hashlib.sha256(read_regular(name, MOST_BYTES)).hexdigest()
            for name in (plan.elf, plan.runner_file)
            if name is not None
        ]
    except OSError:
        return None
    model = plan.setup().model
    names = [field.name for field in fields(RunSpec) if field.name not in _NO_RESULT]
    content = {
        "elf": hashes,
        "model": model.sha256,
        "questions": [[one.name, one.title, one.answers] for one in model.undecided],
        "uart": input_key(plan.uart),
        "options": {name: repr(getattr(plan, name)) for name in names},
    }
    return content_key(SCHEMA, content, room=plan.cache)


def load_interval(room: Room, key: str) -> KeptInterval | None:
    """What is kept under a key; None when there is nothing that can be read and trusted."""
    data = room.get(KIND, key)
    if data is None:
        return None
    try:
        found = from_plain(KeptInterval, json.loads(data))
    except (ValueError, RecursionError):  # RecordError is a ValueError
        room.drop(KIND, key)
        return None
    return found


def keep_interval(room: Room, key: str, metrics: Metrics, interval: CyclesInterval) -> None:
    """Keep an interval. A cache that takes none only costs time."""
    room.put(KIND, key, json_text(KeptInterval(SCHEMA, metrics, interval)).encode())
