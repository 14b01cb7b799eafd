"""What lies in a tensor arena, with what it cost, for all reports."""

from __future__ import annotations

from simcore.core.arenas import TensorArena
from simcore.costs.profile import Profile
from simcore.costs.tables import ObjectPart
from simcore.records import dataclass


@dataclass(frozen=True, slots=True)
class ArenaRow:
    """A tensor, scratch, or what stays; operators is "" for the last two."""

    name: str
    offset: int
    size: int
    operators: str
    costs: ObjectPart


def arena_rows(profile: Profile, arena: TensorArena) -> list[ArenaRow]:
    """Its tensors and the rest, most stall cycles first, then in the order of operators.

    Models that run one after the other may share the bytes: each has what stays, and scratch, on
    its own side of where its persistent part begins.
    """
    end = arena.address + arena.size
    persistent = end - arena.persistent_bytes
    inside = [
        part
        for row in profile.objects
        for part in row.parts or ()
        if arena.address <= part.address < end
    ]
    parts = {(part.name, part.address): part for part in inside if part.kind == "tensor"}
    found = []
    for one in arena.tensors:
        address = arena.address + one.offset
        costs = parts.get((one.name, address)) or _untouched(one.name, address, one.size)
        operators = f"{one.first}" if one.first == one.last else f"{one.first}-{one.last}"
        found.append(ArenaRow(one.name, one.offset, one.size, operators, costs))
    found += [
        ArenaRow(part.name, part.address - arena.address, part.size, "", part)
        for part in inside
        if part.kind != "tensor" and persistent in (part.address, part.address + part.size)
    ]
    return sorted(found, key=lambda row: -row.costs.stall_cycles)


def arena_title(arena: TensorArena) -> str:
    """What heads its table."""
    return f"Tensor arena of {arena.model}" + (
        f", subgraph {arena.subgraph}" if arena.subgraph else ""
    )


def arena_note(arena: TensorArena) -> str:
    """How much of it is taken."""
    name = arena.name or f"{arena.address:#010x}"
    free = arena.size - arena.used_bytes
    return (
        f"{name}, {arena.size:,} bytes: {arena.used_bytes:,} used, {arena.planned_bytes:,} planned"
        f" and {arena.persistent_bytes:,} persistent; {free:,} never"
    )


def _untouched(name: str, address: int, size: int) -> ObjectPart:
    return ObjectPart(name, "tensor", address, size, *(0,) * 6)
