"""What points of a sweep are compared by."""

from __future__ import annotations

from collections.abc import Mapping

#: Names of objectives in a sweep's file, with the field of a point that they are; the first four
#: are meant when none are named.
OBJECTIVES: Mapping[str, str] = {
    "cycles": "active_cycles",
    "energy": "energy_j",
    "flash": "flash_bytes",
    "ram": "ram_bytes",
    "time": "time_s",
    "stack": "stack_bytes",
}
