"""The blocks of a text report on tensor arenas: what is taken, and what tensors cost."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.costs.profile import Profile
from simcore.report.arenas import arena_note, arena_rows, arena_title
from simcore.report.page.console import Block
from simcore.report.page.names import fitted
from simcore.report.page.table import Column, build_table
from simcore.units import count, size

_NAME = 40  # cells of a tensor's name


def arena_blocks(profile: Profile, width: int, top: int | None) -> Iterator[Block]:
    """Heading, note and table of each arena."""
    for arena in profile.arenas or ():
        rows = arena_rows(profile, arena)[:top]
        columns = [
            Column("tensor", fitted([row.name for row in rows], _NAME)),
            Column("offset", [f"{row.offset:,}" for row in rows], 2),
            Column("bytes", [f"{row.size:,}" for row in rows]),
            Column("operators", [row.operators for row in rows]),
            Column("read", [size(row.costs.read_bytes) for row in rows]),
            Column("written", [size(row.costs.write_bytes) for row in rows], 3),
            Column("misses", [count(row.costs.misses) for row in rows], 1),
            Column("stall cycles", [count(row.costs.stall_cycles) for row in rows]),
        ]
        yield arena_title(arena), arena_note(arena), build_table(columns, width)
