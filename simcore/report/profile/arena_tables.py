"""The blocks of a text report on tensor arenas: what they hold, and what its tensors cost."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from simcore.core.arenas import TensorArena
from simcore.costs.profile import Profile
from simcore.costs.tables import ObjectPart
from simcore.report.page.console import Block
from simcore.report.page.table import Column, build_table
from simcore.units import count, size


def arena_blocks(profile: Profile, width: int, top: int | None) -> Iterator[Block]:
    """Heading, note and table of each arena."""
    for arena in profile.arenas or ():
        number = f", subgraph {arena.subgraph}" if arena.subgraph else ""
        yield (
            f"Tensor arena of {arena.model}{number}",
            _note(arena),
            _tensors(profile, arena, width, top),
        )


def _note(arena: TensorArena) -> str:
    name = arena.name or f"{arena.address:#010x}"
    free = arena.size - arena.used_bytes
    return (
        f"{name}, {arena.size:,} bytes: {arena.planned_bytes:,} planned,"
        f" {arena.persistent_bytes:,} persistent, {free:,} never used"
    )


def _tensors(profile: Profile, arena: TensorArena, width: int, top: int | None) -> Table:
    parts = {
        (part.name, part.address): part
        for row in profile.objects
        if row.parts and row.address is not None
        for part in row.parts
    }
    none = ObjectPart("", "tensor", 0, 0, 0, 0, 0, 0, 0, 0)
    rows = [
        (tensor, parts.get((tensor.name, arena.address + tensor.offset), none))
        for tensor in arena.tensors
    ]
    rows = sorted(rows, key=lambda row: (-row[1].stall_cycles, row[0].first, row[0].offset))[:top]
    return build_table(
        [
            Column("tensor", [tensor.name for tensor, _ in rows]),
            Column("offset", [f"{tensor.offset:,}" for tensor, _ in rows], 2),
            Column("bytes", [f"{tensor.size:,}" for tensor, _ in rows]),
            Column("operators", [f"{tensor.first}-{tensor.last}" for tensor, _ in rows]),
            Column("read", [size(part.read_bytes) for _, part in rows], 1),
            Column("written", [size(part.write_bytes) for _, part in rows], 3),
            Column("misses", [count(part.misses) for _, part in rows], 1),
            Column("stall cycles", [count(part.stall_cycles) for _, part in rows]),
        ],
        width,
    )
