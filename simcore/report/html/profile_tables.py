"""The tables that the HTML report makes of a profile."""

from __future__ import annotations

from collections.abc import Mapping

from simcore.costs.profile import FunctionCosts, ObjectCosts, Profile
from simcore.pipeline.ceilings import Ceilings
from simcore.report.html.bars import component_colors
from simcore.report.html.roofline import ceiling_swatches, roofline_regions
from simcore.report.html.tables import (
    ESTIMATED,
    EXACT,
    MODELLED,
    Cell,
    Column,
    Table,
    bar,
    cut,
    half_width,
    number,
    octets,
    parts,
    place,
    quantity,
    rate,
    share,
    text,
    words,
)
from simcore.units import si


def causes(profile: Profile) -> Table:
    """Cycles by cause, those that cost nothing left out."""
    whole = profile.totals.cycles
    rows = [
        (text(words(name), swatch=f"c-{name}"), number(part), share(part, whole))
        for name, part in profile.totals.cycles_by_cause.items()
        if part
    ]
    columns = (
        Column("cause", numeric=False),
        Column("cycles", MODELLED),
        Column("share", MODELLED),
        Column("bar"),
    )
    longest = max(profile.totals.cycles_by_cause.values(), default=0)
    return Table(
        "causes",
        "Cycles by cause",
        columns,
        [(*row, bar(row[1].sort, longest)) for row in rows],
        foot=(text("all"), number(whole), share(1)),
    )


def components(profile: Profile) -> Table:
    """Energy by component, those without any left out."""
    energies, whole = profile.totals.energy_by_component, profile.totals.energy_j
    longest = max(energies.values(), default=0.0)
    colors = component_colors(profile)
    rows = [
        (
            text(words(name), swatch=colors[name]),
            quantity(part, "J"),
            share(part, whole),
            bar(part, longest),
        )
        for name, part in energies.items()
        if part
    ]
    columns = (
        Column("component", numeric=False),
        Column("energy", ESTIMATED),
        Column("share", ESTIMATED),
        Column("bar"),
    )
    foot = (text("all"), quantity(whole, "J"), share(1))
    return Table("components", "Energy by component", columns, rows, foot=foot)


def operations(profile: Profile) -> Table:
    """Operations, callees included, with bars of throughput and energy."""
    ops = profile.ops
    fastest = max((op.ops_per_s or 0 for op in ops), default=0)
    dearest = max((op.energy_j for op in ops), default=0)
    columns = (
        Column("operation", numeric=False),
        Column("calls", EXACT),
        Column("MACs", EXACT, "multiply-accumulates, as declared or counted"),
        Column("cycles", MODELLED),
        Column("of run", MODELLED),
        Column("cycles/MAC", MODELLED),
        Column("time", MODELLED),
        Column("throughput", MODELLED, "operations a second: two a MAC unless declared"),
        Column("bar", hint="throughput, the fastest operation is full length"),
        Column("energy", ESTIMATED, "with half the width of its interval"),
        Column("bar", hint="energy, the dearest operation is full length"),
        Column("energy/MAC", ESTIMATED),
        Column("power", ESTIMATED),
        Column("parameters", EXACT, "bytes declared by the firmware"),
        Column("activations", EXACT, "bytes declared by the firmware"),
    )
    rows = [
        (
            text(op.name, op.kind if op.kind != op.name else ""),
            number(op.invocations),
            number(op.macs),
            number(op.cycles),
            share(op.cycles, profile.totals.cycles),
            rate(op.cycles_per_mac),
            quantity(op.time_s, "s"),
            quantity(op.ops_per_s, "op/s"),
            bar(op.ops_per_s, fastest),
            quantity(op.energy_j, "J", half_width(op.energy_low_j, op.energy_high_j)),
            bar(op.energy_j, dearest),
            quantity(op.j_per_mac, "J"),
            quantity(op.power_w, "W"),
            octets(op.param_bytes),
            octets(op.activation_bytes),
        )
        for op in ops
    ]
    kept = [
        index
        for index, column in enumerate(columns)
        if column.name not in ("parameters", "activations") or any(row[index].sort for row in rows)
    ]
    return cut(
        Table(
            "operations",
            "Operations",
            [columns[index] for index in kept],
            [[row[index] for index in kept] for row in rows],
        )
    )


def functions(profile: Profile, listed: Mapping[str, str]) -> Table:
    """Functions by their own cycles; ``listed`` has the ids of those whose listing is there."""
    totals = profile.totals
    longest = max((row.cycles_self for row in profile.functions), default=0)
    columns = (
        Column("function", numeric=False),
        Column("calls", EXACT),
        Column("instructions", EXACT),
        Column("cycles", MODELLED, "its own, callees left out"),
        Column("self", MODELLED, "share of all cycles"),
        Column("by cause", MODELLED, "its own cycles by cause, in the colours above"),
        Column("total", MODELLED, "share with callees"),
        Column("IPC", MODELLED, "instructions a cycle"),
        Column("MACs", EXACT),
        Column("energy", ESTIMATED, "its own, callees left out; half the width of its interval"),
        Column("of run", ESTIMATED),
    )
    rows = [
        (
            text(row.name, place(row.file, row.line), listed.get(row.name, "")),
            number(row.calls),
            number(row.instructions),
            number(row.cycles_self),
            share(row.cycles_self, totals.cycles),
            parts(row.cycles_by_cause, longest),
            share(row.cycles_total, totals.cycles),
            rate(_ratio(row)),
            number(row.macs),
            quantity(row.energy_j_self, "J", half_width(row.energy_low_j, row.energy_high_j)),
            share(row.energy_j_self, totals.energy_j),
        )
        for row in profile.functions
    ]
    return cut(Table("functions", "Functions", columns, rows, sorted_by=3))


def _ratio(row: FunctionCosts) -> float | None:
    return row.instructions / row.cycles_self if row.cycles_self else None


def memory(profile: Profile) -> Table:
    """Traffic of the memory regions."""
    regions = profile.memory
    longest = max((row.stall_cycles for row in regions), default=0)
    columns = (
        Column("region", numeric=False),
        Column("fetched", EXACT, "bytes of instructions"),
        Column("read", EXACT, "bytes of loads"),
        Column("written", EXACT, "bytes of stores"),
        Column("I-refills", MODELLED, "cache lines brought for instructions"),
        Column("D-refills", MODELLED, "cache lines brought for data"),
        Column("write-backs", MODELLED, "cache lines"),
        Column("stall cycles", MODELLED),
        Column("bar"),
        Column("energy", ESTIMATED),
    )
    rows = [
        (
            text(row.region),
            octets(row.fetch_bytes),
            octets(row.read_bytes),
            octets(row.write_bytes),
            number(row.instruction_refills),
            number(row.data_refills),
            number(row.write_backs),
            number(row.stall_cycles),
            bar(row.stall_cycles, longest),
            quantity(row.energy_j, "J"),
        )
        for row in regions
    ]
    return Table("regions", "Memory regions", columns, rows)


def objects(profile: Profile) -> Table:
    """Data objects by the cycles that the program waited for them."""
    longest = max((row.stall_cycles for row in profile.objects), default=0)
    columns = (
        Column("object", numeric=False),
        Column("region", numeric=False),
        Column("size", EXACT),
        Column("reads", EXACT),
        Column("writes", EXACT),
        Column("read", EXACT, "bytes of loads"),
        Column("written", EXACT, "bytes of stores"),
        Column("stall cycles", MODELLED),
        Column("bar"),
        Column("mostly in", MODELLED, "the instruction that costs most", numeric=False),
    )
    rows = [
        (
            text(row.name, row.kind if row.kind == "region" else ""),
            text(row.region),
            octets(row.size),
            number(row.reads),
            number(row.writes),
            octets(row.read_bytes),
            octets(row.write_bytes),
            number(row.stall_cycles),
            bar(row.stall_cycles, longest),
            text(*_main_site(row)),
        )
        for row in profile.objects
    ]
    return cut(Table("objects", "Data objects", columns, rows, sorted_by=7))


def _main_site(row: ObjectCosts) -> tuple[str | None, str]:
    if not row.sites:
        return None, ""
    site = row.sites[0]
    return site.function, place(site.file, site.line)


def misses(profile: Profile) -> Table:
    """Which instruction misses the data cache on which object, most misses first."""
    whole = profile.caches.dcache.misses
    found = [
        (site.misses, row, site) for row in profile.objects for site in row.sites if site.misses
    ]
    found.sort(key=lambda item: (-item[0], item[1].name, item[2].address))
    longest = found[0][0] if found else 0
    columns = (
        Column("object", numeric=False),
        Column("instruction", numeric=False),
        Column("source", numeric=False),
        Column("accesses", EXACT),
        Column("misses", MODELLED),
        Column("of all misses", MODELLED),
        Column("bar"),
        Column("miss rate", MODELLED),
        Column("stall cycles", MODELLED),
    )
    rows = [
        (
            text(row.name),
            Cell(f"{site.address:08x}", detail=site.function or ""),
            text(place(site.file, site.line)),
            number(site.reads + site.writes),
            number(site.misses),
            share(site.misses, whole),
            bar(site.misses, longest),
            share(site.misses, site.reads + site.writes),
            number(site.stall_cycles),
        )
        for _, row, site in found
    ]
    return cut(Table("misses", "Data-cache misses by object", columns, rows, sorted_by=4))


def object_misses(profile: Profile) -> Table:
    """Data-cache misses summed by object."""
    found = sorted(
        (row for row in profile.objects if row.misses), key=lambda row: (-row.misses, row.name)
    )
    whole = profile.caches.dcache.misses
    longest = max((row.misses for row in found), default=0)
    columns = (
        Column("object", numeric=False),
        Column("region", numeric=False),
        Column("size", EXACT),
        Column("accesses", EXACT),
        Column("misses", MODELLED),
        Column("of all misses", MODELLED),
        Column("bar"),
        Column("miss rate", MODELLED),
    )
    rows = [
        (
            text(row.name),
            text(row.region),
            octets(row.size),
            number(row.reads + row.writes),
            number(row.misses),
            share(row.misses, whole),
            bar(row.misses, longest),
            share(row.misses, row.reads + row.writes),
        )
        for row in found
    ]
    return cut(Table("object-misses", "Data-cache misses by object", columns, rows, sorted_by=4))


def caches(profile: Profile) -> Table:
    """Both caches."""
    icache, dcache = profile.caches.icache, profile.caches.dcache
    columns = (
        Column("cache", numeric=False),
        Column("accesses", EXACT),
        Column("misses", MODELLED),
        Column("miss rate", MODELLED),
        Column("evictions", MODELLED),
        Column("write-backs", MODELLED),
        Column("streamed stores", MODELLED),
    )
    rows = [
        (
            text(name),
            number(cache.accesses),
            number(cache.misses),
            share(cache.miss_rate, digits=2),
            number(cache.evictions),
            *of_stores,
        )
        for name, cache, *of_stores in (
            ("instruction", icache, Cell("", -1), Cell("", -1)),
            ("data", dcache, number(dcache.write_backs), number(dcache.streamed_writes)),
        )
    ]
    return Table("caches", "Caches", columns, rows)


def ceiling_rows(profile: Profile, ceilings: Ceilings) -> Table:
    """The ceilings of the roofline, at the clock of the run."""
    clock = profile.cpu.clock_hz
    regions = roofline_regions(profile, ceilings)
    swatches = ceiling_swatches(ceilings, regions)
    found = [("MAC", name, value) for name, value in ceilings.macs_per_cycle.items()]
    found += [("B", name, ceilings.bytes_per_cycle[name]) for name in regions]
    rows = [
        (
            Cell(name, swatch=swatches[name]),
            rate(value),
            text(f"{unit}/cycle"),
            quantity(value * clock, f"{unit}/s"),
        )
        for unit, name, value in found
    ]
    columns = (
        Column("ceiling", numeric=False),
        Column("at most", MODELLED),
        Column("unit", numeric=False),
        Column(f"at {si(clock, 'Hz')}", MODELLED),
    )
    return Table("ceilings", "Ceilings of the part", columns, rows)


def lines(profile: Profile) -> Table:
    """Source lines by cycles."""
    found = sorted(profile.lines or (), key=lambda row: (-row.cycles, row.file, row.line))
    whole = profile.totals.cycles
    longest = found[0].cycles if found else 0
    columns = (
        Column("line", numeric=False),
        Column("executions", EXACT),
        Column("instructions", EXACT),
        Column("cycles", MODELLED),
        Column("share", MODELLED),
        Column("by cause", MODELLED),
        Column("misses", MODELLED, "of the data cache"),
    )
    rows = [
        (
            text(f"{row.file}:{row.line}"),
            number(row.executions),
            number(row.instructions),
            number(row.cycles),
            share(row.cycles, whole),
            parts(row.cycles_by_cause, longest),
            number(row.misses),
        )
        for row in found
    ]
    return cut(Table("lines", "Source lines", columns, rows, sorted_by=3))


def instructions(profile: Profile) -> Table:
    """Instructions by cycles."""
    found = sorted(profile.instructions or (), key=lambda row: (-row.cycles, row.address))
    whole = profile.totals.cycles
    longest = found[0].cycles if found else 0
    columns = (
        Column("address", numeric=False),
        Column("instruction", numeric=False),
        Column("function", numeric=False),
        Column("executions", EXACT),
        Column("cycles", MODELLED),
        Column("share", MODELLED),
        Column("by cause", MODELLED),
        Column("misses", MODELLED, "of the data cache"),
    )
    rows = [
        (
            text(f"{row.address:08x}"),
            text(row.text),
            text(row.function, place(row.file, row.line)),
            number(row.executions),
            number(row.cycles),
            share(row.cycles, whole),
            parts(row.cycles_by_cause, longest),
            number(row.misses),
        )
        for row in found
    ]
    return cut(Table("instructions", "Instructions", columns, rows, sorted_by=4))


def placement(profile: Profile) -> Table:
    """What was timed elsewhere than it is linked."""
    columns = (
        Column("name", numeric=False),
        Column("kind", numeric=False),
        Column("linked in", numeric=False),
        Column("timed in", numeric=False),
        Column("address", numeric=False, hint="at which it was timed"),
        Column("size", EXACT),
    )
    rows = [
        (
            text(row.name),
            text(row.kind),
            text(row.from_region),
            text(row.region),
            text(f"0x{row.to:08x}"),
            octets(row.size),
        )
        for row in profile.placement or ()
    ]
    return cut(Table("placement-table", "Placement", columns, rows))


def layout(profile: Profile) -> Table:
    """Cycles with all code shifted by some bytes."""
    band = profile.layout
    shifts = [] if band is None else list(zip(band.offsets_bytes, band.cycles, strict=True))
    middle = 0 if band is None else band.median_cycles
    columns = (
        Column("shift", EXACT),
        Column("cycles", MODELLED),
        Column("from the median", MODELLED),
    )
    rows = [
        (
            Cell(f"{offset} B", offset),
            number(cycles),
            Cell(f"{cycles - middle:+,}" if cycles != middle else "0", cycles - middle),
        )
        for offset, cycles in shifts
    ]
    return Table("layout-table", "Layout", columns, rows)
