"""The tables of a profile's page, by what they show: costs, memory, code."""

from __future__ import annotations

from simcore.report.html.profile_tables.beside import Beside
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
    arena,
    caches,
    memory,
    misses,
    object_misses,
    objects,
    placement,
)
from simcore.report.html.profile_tables.tasks import deepest_stacks, tasks

__all__ = [
    "Beside",
    "arena",
    "caches",
    "causes",
    "ceiling_rows",
    "components",
    "critical",
    "deepest_stacks",
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
    "tasks",
]
