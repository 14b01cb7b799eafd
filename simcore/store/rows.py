"""A row of results as plain data: what ran on what, how it ended, and what it cost."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from simcore.plain import filled
from simcore.run.spec import RunSpec

if TYPE_CHECKING:
    from simcore.costs.origin import Cpu, Elf, Exit
    from simcore.costs.profile import Profile

AS_LINKED = "as linked"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One configuration of a run. Counts are exact, cycles modelled, energy estimated.

    Times are seconds, energies joules, powers watts. What is not known of a run is None.
    """

    program: str  # name of the file, or of a network
    program_sha256: str
    args: str  # as JSON
    part: str
    model_sha256: str
    clock_hz: int
    voltage_scale: str
    configuration: str
    told: str  # what else the run was told, as JSON
    end: str
    instructions: int
    cycles: int
    active_cycles: int
    time_s: float
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    power_w: float | None = None
    macs: int | None = None
    icache_misses: int | None = None
    dcache_misses: int | None = None
    flash_bytes: int | None = None  # that programming the part writes
    ram_bytes: int | None = None  # writable data, heap and stack sections, what is copied there
    stack_bytes: int | None = None  # deepest use of the main stack
    exit_code: int | None = None
    caches: str | None = None
    compiler: str | None = None


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it is kept; ``document`` is all of its result, as JSON."""

    key: str
    kind: str
    rows: tuple[ResultRow, ...]
    document: bytes


#: Columns that a store adds to those of a row, with what they hold.
ORIGIN = {"key": str, "position": int, "kind": str, "made": str, "host": str, "tool": str}
"""``position`` of the row among those of its run; ``made`` in UTC; ``tool`` is the version of
mcusim with a hash of its code."""


def _types() -> dict[str, tuple[type, bool]]:
    hints = get_type_hints(ResultRow)
    found: dict[str, tuple[type, bool]] = {}
    for field in fields(ResultRow):
        hint = hints[field.name]
        kinds = [one for one in get_args(hint) if one is not type(None)]
        found[field.name] = (kinds[0], True) if isinstance(hint, UnionType) else (hint, False)
    return found


#: Type of each column of a row, and whether it may be None.
ROW_COLUMNS = _types()
#: All columns, in their order.
COLUMNS: dict[str, tuple[type, bool]] = {
    **{name: (kind, False) for name, kind in ORIGIN.items()},
    **ROW_COLUMNS,
}


def profile_row(profile: Profile, spec: RunSpec) -> ResultRow:
    """The row of a profile and of what it was told."""
    return row_of(
        profile.elf,
        profile.cpu,
        profile.exit,
        spec,
        profile.totals,
        icache_misses=profile.caches.icache.misses,
        dcache_misses=profile.caches.dcache.misses,
        stack_bytes=profile.totals.stack_high_water_bytes,
    )


def row_of(
    elf: Elf, cpu: Cpu, end: Exit, spec: RunSpec, costs: object, **figures: Any
) -> ResultRow:
    """The row of a run: ``costs`` has its figures under their names, or they are given."""
    told, ram = told_of(spec), elf.ram_bytes
    if ram is not None:
        ram += getattr(costs, "copied_bytes", 0)
    usual = {
        "configuration": ", ".join((*told.get("place", ()), *told.get("overrides", ())))
        or AS_LINKED,
    }
    return filled(
        ResultRow,
        cpu,
        costs,
        program=elf.name,
        program_sha256=elf.sha256,
        compiler=elf.compiler,
        args=json.dumps(spec.args),
        part=cpu.name,
        told=json.dumps(told),
        end=end.reason,
        exit_code=end.code,
        flash_bytes=elf.load_bytes,
        ram_bytes=ram,
        **(usual | figures),
    )


_OWN_COLUMN = ("elf", "args", "cpu", "clock_hz", "voltage_scale", "caches", "verbose")


def told_of(spec: RunSpec) -> dict[str, Any]:
    """What a run was told that no column of its own holds, without what is as it would be."""
    return {
        field.name: value
        for field in fields(RunSpec)
        if field.name not in _OWN_COLUMN
        and field.default is not MISSING
        and (value := getattr(spec, field.name)) != field.default
    }
