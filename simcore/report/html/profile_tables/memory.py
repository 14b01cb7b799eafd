"""Where data lies and what it costs to reach it: regions, objects, misses, caches, placement."""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.costs.tables import (
    DataCache,
    InstructionCache,
    MemoryCosts,
    ObjectCosts,
    ObjectSite,
    PlacedItem,
)
from simcore.report.arenas import ArenaRow, arena_rows, arena_title
from simcore.report.html.profile_tables.beside import Beside
from simcore.report.html.tables import (
    ESTIMATED,
    EXACT,
    MODELLED,
    Cell,
    Filled,
    HtmlColumn,
    HtmlTable,
    bar,
    filled,
    folded,
    number,
    octets,
    place,
    quantity,
    share,
    text,
)

OF_MISSES = " of the misses"


def memory(profile: Profile) -> HtmlTable:
    """Traffic of the memory regions."""
    longest = max((row.stall_cycles for row in profile.memory), default=0)
    instructions = "cache lines brought for instructions"
    data = "cache lines brought for data"
    columns: list[Filled[MemoryCosts]] = [
        (HtmlColumn("region", numeric=False), lambda row: text(row.region)),
        (
            HtmlColumn("fetched", EXACT, "bytes of instructions"),
            lambda row: octets(row.fetch_bytes),
        ),
        (HtmlColumn("read", EXACT, "bytes of loads"), lambda row: octets(row.read_bytes)),
        (HtmlColumn("written", EXACT, "bytes of stores"), lambda row: octets(row.write_bytes)),
        (
            HtmlColumn("I-refills", MODELLED, instructions),
            lambda row: number(row.instruction_refills),
        ),
        (HtmlColumn("D-refills", MODELLED, data), lambda row: number(row.data_refills)),
        (HtmlColumn("write-backs", MODELLED, "cache lines"), lambda row: number(row.write_backs)),
        (HtmlColumn("stall cycles", MODELLED), lambda row: number(row.stall_cycles)),
        (HtmlColumn("bar"), lambda row: bar(row.stall_cycles, longest)),
        (HtmlColumn("energy", ESTIMATED), lambda row: quantity(row.energy_j, "J")),
    ]
    return filled("regions", "Memory regions", profile.memory, columns)


def objects(profile: Profile, beside: Beside) -> HtmlTable:
    """Data objects by the cycles that the program waited for them."""
    longest = max((row.stall_cycles for row in profile.objects), default=0)
    mostly = HtmlColumn("mostly in", MODELLED, "the instruction that costs most", numeric=False)
    columns: list[Filled[ObjectCosts]] = [
        (
            HtmlColumn("object", numeric=False),
            lambda row: text(row.name, row.kind if row.kind == "region" else ""),
        ),
        (HtmlColumn("region", numeric=False), lambda row: text(row.region)),
        (HtmlColumn("size", EXACT), lambda row: octets(row.size)),
        (HtmlColumn("reads", EXACT), lambda row: number(row.reads)),
        (HtmlColumn("writes", EXACT), lambda row: number(row.writes)),
        (HtmlColumn("read", EXACT, "bytes of loads"), lambda row: octets(row.read_bytes)),
        (HtmlColumn("written", EXACT, "bytes of stores"), lambda row: octets(row.write_bytes)),
        (HtmlColumn("stall cycles", MODELLED), lambda row: number(row.stall_cycles)),
        (HtmlColumn("bar"), lambda row: bar(row.stall_cycles, longest)),
        (mostly, lambda row: _main_site(row, beside)),
    ]
    table = filled("objects", "Data objects", profile.objects, columns, sorted_by=7)
    moved = sum(row.read_bytes + row.write_bytes for row in profile.objects) or 1
    weights = [
        max(beside.part(row.stall_cycles), (row.read_bytes + row.write_bytes) / moved)
        for row in profile.objects
    ]
    return folded(table, weights, " of the cycles and of the bytes")


def arena(profile: Profile, index: int) -> HtmlTable:
    """What lies in one of the tensor arenas."""
    found = (profile.arenas or ())[index]
    rows = arena_rows(profile, found)
    longest = max((row.costs.stall_cycles for row in rows), default=0)
    operators = "indices of the operators that need it, first to last"
    columns: list[Filled[ArenaRow]] = [
        (HtmlColumn("tensor", numeric=False), lambda row: text(row.name)),
        (HtmlColumn("offset", EXACT, "bytes"), lambda row: number(row.offset)),
        (HtmlColumn("size", EXACT), lambda row: octets(row.size)),
        (HtmlColumn("operators", EXACT, operators, numeric=False), lambda row: text(row.operators)),
        (HtmlColumn("read", EXACT, "bytes of loads"), lambda row: octets(row.costs.read_bytes)),
        (HtmlColumn("written", EXACT, "of stores"), lambda row: octets(row.costs.write_bytes)),
        (HtmlColumn("misses", MODELLED), lambda row: number(row.costs.misses)),
        (HtmlColumn("stall cycles", MODELLED), lambda row: number(row.costs.stall_cycles)),
        (HtmlColumn("bar"), lambda row: bar(row.costs.stall_cycles, longest)),
    ]
    return filled(f"arena-{index}", arena_title(found), rows, columns, sorted_by=7)


def _main_site(row: ObjectCosts, beside: Beside) -> Cell:
    if not row.sites:
        return text(None)
    site = row.sites[0]
    url = beside.links(site.file, site.line)
    return text(site.function, place(site.file, site.line), url=url)


def misses(profile: Profile, beside: Beside) -> HtmlTable:
    """Which instruction misses the data cache on which object, most misses first."""
    whole = profile.caches.dcache.misses
    found = [(row, site) for row in profile.objects for site in row.sites if site.misses]
    found.sort(key=lambda item: (-item[1].misses, item[0].name, item[1].address))
    longest = found[0][1].misses if found else 0
    columns: list[Filled[tuple[ObjectCosts, ObjectSite]]] = [
        (HtmlColumn("object", numeric=False), lambda row: text(row[0].name)),
        (
            HtmlColumn("instruction", numeric=False),
            lambda row: text(f"{row[1].address:08x}", row[1].function or ""),
        ),
        (HtmlColumn("source", numeric=False), lambda row: _source(row[1], beside)),
        (HtmlColumn("accesses", EXACT), lambda row: number(row[1].reads + row[1].writes)),
        (HtmlColumn("misses", MODELLED), lambda row: number(row[1].misses)),
        (HtmlColumn("of all misses", MODELLED), lambda row: share(row[1].misses, whole)),
        (HtmlColumn("bar"), lambda row: bar(row[1].misses, longest)),
        (
            HtmlColumn("miss rate", MODELLED),
            lambda row: share(row[1].misses, row[1].reads + row[1].writes),
        ),
        (HtmlColumn("stall cycles", MODELLED), lambda row: number(row[1].stall_cycles)),
    ]
    table = filled("misses", "Data-cache misses by object", found, columns, sorted_by=4)
    return folded(table, [site.misses / max(whole, 1) for _, site in found], OF_MISSES)


def _source(site: ObjectSite, beside: Beside) -> Cell:
    return text(place(site.file, site.line), url=beside.links(site.file, site.line))


def object_misses(profile: Profile) -> HtmlTable:
    """Data-cache misses summed by object."""
    found = sorted(
        (row for row in profile.objects if row.misses), key=lambda row: (-row.misses, row.name)
    )
    whole = profile.caches.dcache.misses
    longest = max((row.misses for row in found), default=0)
    columns: list[Filled[ObjectCosts]] = [
        (HtmlColumn("object", numeric=False), lambda row: text(row.name)),
        (HtmlColumn("region", numeric=False), lambda row: text(row.region)),
        (HtmlColumn("size", EXACT), lambda row: octets(row.size)),
        (HtmlColumn("accesses", EXACT), lambda row: number(row.reads + row.writes)),
        (HtmlColumn("misses", MODELLED), lambda row: number(row.misses)),
        (HtmlColumn("of all misses", MODELLED), lambda row: share(row.misses, whole)),
        (HtmlColumn("bar"), lambda row: bar(row.misses, longest)),
        (HtmlColumn("miss rate", MODELLED), lambda row: share(row.misses, row.reads + row.writes)),
    ]
    table = filled("object-misses", "Data-cache misses by object", found, columns, sorted_by=4)
    return folded(table, [row.misses / max(whole, 1) for row in found], OF_MISSES)


def caches(profile: Profile) -> HtmlTable:
    """Both caches."""
    both: list[InstructionCache | DataCache] = [profile.caches.icache, profile.caches.dcache]
    columns: list[Filled[InstructionCache | DataCache]] = [
        (
            HtmlColumn("cache", numeric=False),
            lambda cache: text("data" if isinstance(cache, DataCache) else "instruction"),
        ),
        (HtmlColumn("accesses", EXACT), lambda cache: number(cache.accesses)),
        (HtmlColumn("misses", MODELLED), lambda cache: number(cache.misses)),
        (HtmlColumn("miss rate", MODELLED), lambda cache: share(cache.miss_rate, digits=2)),
        (HtmlColumn("evictions", MODELLED), lambda cache: number(cache.evictions)),
        (
            HtmlColumn("write-backs", MODELLED),
            lambda cache: (
                number(cache.write_backs) if isinstance(cache, DataCache) else Cell("", -1)
            ),
        ),
        (
            HtmlColumn("streamed stores", MODELLED),
            lambda cache: (
                number(cache.streamed_writes) if isinstance(cache, DataCache) else Cell("", -1)
            ),
        ),
    ]
    return filled("caches", "Caches", both, columns)


def placement(profile: Profile) -> HtmlTable:
    """What was timed elsewhere than it is linked."""
    columns: list[Filled[PlacedItem]] = [
        (HtmlColumn("name", numeric=False), lambda row: text(row.name)),
        (HtmlColumn("kind", numeric=False), lambda row: text(row.kind)),
        (HtmlColumn("linked in", numeric=False), lambda row: text(row.from_region)),
        (HtmlColumn("timed in", numeric=False), lambda row: text(row.region)),
        (
            HtmlColumn("address", numeric=False, hint="at which it was timed"),
            lambda row: text(f"0x{row.to:08x}"),
        ),
        (HtmlColumn("size", EXACT), lambda row: octets(row.size)),
    ]
    return filled("placement-table", "Placement", profile.placement or (), columns)
