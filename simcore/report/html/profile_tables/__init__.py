"""The tables of a profile's page, by what they show: costs, memory, code."""

from __future__ import annotations

from simcore.report.html.profile_tables.code import instructions, layout, lines
from simcore.report.html.profile_tables.costs import (
    causes,
    ceiling_rows,
    components,
    functions,
    operations,
)
from simcore.report.html.profile_tables.interrupts import critical, held_back, interrupts
from simcore.report.html.profile_tables.memory import (
    caches,
    memory,
    misses,
    object_misses,
    objects,
    placement,
)

__all__ = [
    "caches",
    "causes",
    "ceiling_rows",
    "components",
    "critical",
    "functions",
    "held_back",
    "instructions",
    "interrupts",
    "layout",
    "lines",
    "memory",
    "misses",
    "object_misses",
    "objects",
    "operations",
    "placement",
]
