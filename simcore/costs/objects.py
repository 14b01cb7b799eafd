"""Counts per access site and data object to costs per data object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simcore.core.counters import Counters, DataObject
from simcore.costs.tables import ObjectCosts, ObjectPart, ObjectSite
from simcore.plain import filled

if TYPE_CHECKING:
    from simcore.isa import Block

LineAt = Callable[[int], tuple[str, int] | None]
NameAt = Callable[[int], str | None]
RegionAt = Callable[[int], str | None]

SITES = 8  # instructions listed with an object, those that cost most


@dataclass(slots=True)
class _Sum:
    """What one instruction, or all of them, did to an object."""

    reads: int = 0
    writes: int = 0
    read_bytes: int = 0
    write_bytes: int = 0
    misses: int = 0
    stall_cycles: int = 0

    def add(self, is_write: bool, size: int, executions: int, misses: int, stalls: int) -> None:
        if is_write:
            self.writes += executions
            self.write_bytes += executions * size
        else:
            self.reads += executions
            self.read_bytes += executions * size
        self.misses += misses
        self.stall_cycles += stalls

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts the dearest first."""
        return -self.stall_cycles, -(self.read_bytes + self.write_bytes)


@dataclass(slots=True)
class _Object:
    total: _Sum = field(default_factory=_Sum)
    sites: dict[int, _Sum] = field(default_factory=dict)  # by address of the instruction
    parts: dict[int, _Sum] = field(default_factory=dict)  # by index of an object inside it


def object_costs(
    counters: Counters,
    blocks: Sequence[Block],
    name_at: NameAt,
    line_at: LineAt,
    region_at: RegionAt,
) -> tuple[ObjectCosts, ...]:
    """Costs of every data object that was touched, those with most stall cycles first.

    ``blocks`` are the decoded blocks of ``counters.blocks``. ``name_at``, ``line_at`` and
    ``region_at`` give the function, source line and memory region of an address.
    """
    sums: dict[int, _Object] = {}
    for use in counters.uses:
        block = blocks[use.block]
        access = block.accesses[use.access]
        address = block.address_of(access.instruction)
        inside = counters.objects[use.object].inside
        found = sums.setdefault(use.object if inside < 0 else inside, _Object())
        into_all = [found.total, found.sites.setdefault(address, _Sum())]
        if inside >= 0:
            into_all.append(found.parts.setdefault(use.object, _Sum()))
        for into in into_all:
            into.add(access.is_write, access.size, use.executions, use.misses, use.stall_cycles)
    ranked = sorted(
        sums.items(), key=lambda item: (item[1].total.rank, counters.objects[item[0]].name, item[0])
    )
    return tuple(
        _costs(counters.objects, index, found, name_at, line_at, region_at)
        for index, found in ranked
    )


def _costs(
    objects: Sequence[DataObject],
    index: int,
    found: _Object,
    name_at: NameAt,
    line_at: LineAt,
    region_at: RegionAt,
) -> ObjectCosts:
    item = objects[index]
    sites = sorted(found.sites.items(), key=lambda site: (site[1].rank, site[0]))[:SITES]
    total = found.total
    is_region = item.kind == "region"
    return filled(
        ObjectCosts,
        total,
        name=item.name,
        kind=item.kind,
        region=item.name if is_region else region_at(item.address),
        address=None if is_region else item.address,
        size=None if is_region else item.size,
        sites=tuple(_site(address, site, name_at, line_at) for address, site in sites),
        symbol=item.symbol,
        parts=_parts(objects, found.parts) or None,
    )


def _parts(objects: Sequence[DataObject], parts: dict[int, _Sum]) -> tuple[ObjectPart, ...]:
    """What lay inside an object, the dearest first."""
    ranked = sorted(parts.items(), key=lambda one: (one[1].rank, objects[one[0]].name, one[0]))
    return tuple(filled(ObjectPart, total, objects[index]) for index, total in ranked)


def _site(address: int, total: _Sum, name_at: NameAt, line_at: LineAt) -> ObjectSite:
    file, line = line_at(address) or (None, None)
    return filled(
        ObjectSite,
        total,
        address=address,
        function=name_at(address),
        file=file,
        line=line,
    )
