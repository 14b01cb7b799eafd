"""The tables that the HTML report makes of a profile."""

from __future__ import annotations

from collections.abc import Mapping

from simcore.costs.profile import Profile
from simcore.costs.tables import FunctionCosts, ObjectCosts
from simcore.pipeline.ceilings import Ceilings
from simcore.report.html.bars import component_colors
from simcore.report.html.roofline import ceiling_swatches, roofline_regions
from simcore.report.html.tables import (
    ESTIMATED,
    EXACT,
    MODELLED,
    Cell,
    HtmlColumn,
    HtmlTable,
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


def causes(profile: Profile) -> HtmlTable:
    """Cycles by cause, those that cost nothing left out."""
    whole = profile.totals.cycles
    rows = [
        (text(words(name), swatch=f"c-{name}"), number(part), share(part, whole))
        for name, part in profile.totals.cycles_by_cause.items()
        if part
    ]
    columns = (
        HtmlColumn("cause", numeric=False),
        HtmlColumn("cycles", MODELLED),
        HtmlColumn("share", MODELLED),
        HtmlColumn("bar"),
    )
    longest = max(profile.totals.cycles_by_cause.values(), default=0)
    return HtmlTable(
        "causes",
        "Cycles by cause",
        columns,
        [(*row, bar(row[1].sort, longest)) for row in rows],
        foot=(text("all"), number(whole), share(1)),
    )


def components(profile: Profile) -> HtmlTable:
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
        HtmlColumn("component", numeric=False),
        HtmlColumn("energy", ESTIMATED),
        HtmlColumn("share", ESTIMATED),
        HtmlColumn("bar"),
    )
    foot = (text("all"), quantity(whole, "J"), share(1))
    return HtmlTable("components", "Energy by component", columns, rows, foot=foot)


def operations(profile: Profile) -> HtmlTable:
    """Operations, callees included, with bars of throughput and energy."""
    ops = profile.ops
    fastest = max((op.ops_per_s or 0 for op in ops), default=0)
    dearest = max((op.energy_j for op in ops), default=0)
    columns = (
        HtmlColumn("operation", numeric=False),
        HtmlColumn("calls", EXACT),
        HtmlColumn("MACs", EXACT, "multiply-accumulates, as declared or counted"),
        HtmlColumn("cycles", MODELLED),
        HtmlColumn("of run", MODELLED),
        HtmlColumn("cycles/MAC", MODELLED),
        HtmlColumn("time", MODELLED),
        HtmlColumn("throughput", MODELLED, "operations a second: two a MAC unless declared"),
        HtmlColumn("bar", hint="throughput, the fastest operation is full length"),
        HtmlColumn("energy", ESTIMATED, "with half the width of its interval"),
        HtmlColumn("bar", hint="energy, the dearest operation is full length"),
        HtmlColumn("energy/MAC", ESTIMATED),
        HtmlColumn("power", ESTIMATED),
        HtmlColumn("parameters", EXACT, "bytes declared by the firmware"),
        HtmlColumn("activations", EXACT, "bytes declared by the firmware"),
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
        HtmlTable(
            "operations",
            "Operations",
            [columns[index] for index in kept],
            [[row[index] for index in kept] for row in rows],
        )
    )


def functions(profile: Profile, listed: Mapping[str, str]) -> HtmlTable:
    """Functions by their own cycles; ``listed`` has the ids of those whose listing is there."""
    totals = profile.totals
    longest = max((row.cycles_self for row in profile.functions), default=0)
    columns = (
        HtmlColumn("function", numeric=False),
        HtmlColumn("calls", EXACT),
        HtmlColumn("instructions", EXACT),
        HtmlColumn("cycles", MODELLED, "its own, callees left out"),
        HtmlColumn("self", MODELLED, "share of all cycles"),
        HtmlColumn("by cause", MODELLED, "its own cycles by cause, in the colours above"),
        HtmlColumn("total", MODELLED, "share with callees"),
        HtmlColumn("IPC", MODELLED, "instructions a cycle"),
        HtmlColumn("MACs", EXACT),
        HtmlColumn(
            "energy", ESTIMATED, "its own, callees left out; half the width of its interval"
        ),
        HtmlColumn("of run", ESTIMATED),
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
    return cut(HtmlTable("functions", "Functions", columns, rows, sorted_by=3))


def _ratio(row: FunctionCosts) -> float | None:
    return row.instructions / row.cycles_self if row.cycles_self else None


def memory(profile: Profile) -> HtmlTable:
    """Traffic of the memory regions."""
    regions = profile.memory
    longest = max((row.stall_cycles for row in regions), default=0)
    columns = (
        HtmlColumn("region", numeric=False),
        HtmlColumn("fetched", EXACT, "bytes of instructions"),
        HtmlColumn("read", EXACT, "bytes of loads"),
        HtmlColumn("written", EXACT, "bytes of stores"),
        HtmlColumn("I-refills", MODELLED, "cache lines brought for instructions"),
        HtmlColumn("D-refills", MODELLED, "cache lines brought for data"),
        HtmlColumn("write-backs", MODELLED, "cache lines"),
        HtmlColumn("stall cycles", MODELLED),
        HtmlColumn("bar"),
        HtmlColumn("energy", ESTIMATED),
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
    return HtmlTable("regions", "Memory regions", columns, rows)


def objects(profile: Profile) -> HtmlTable:
    """Data objects by the cycles that the program waited for them."""
    longest = max((row.stall_cycles for row in profile.objects), default=0)
    columns = (
        HtmlColumn("object", numeric=False),
        HtmlColumn("region", numeric=False),
        HtmlColumn("size", EXACT),
        HtmlColumn("reads", EXACT),
        HtmlColumn("writes", EXACT),
        HtmlColumn("read", EXACT, "bytes of loads"),
        HtmlColumn("written", EXACT, "bytes of stores"),
        HtmlColumn("stall cycles", MODELLED),
        HtmlColumn("bar"),
        HtmlColumn("mostly in", MODELLED, "the instruction that costs most", numeric=False),
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
    return cut(HtmlTable("objects", "Data objects", columns, rows, sorted_by=7))


def _main_site(row: ObjectCosts) -> tuple[str | None, str]:
    if not row.sites:
        return None, ""
    site = row.sites[0]
    return site.function, place(site.file, site.line)


def misses(profile: Profile) -> HtmlTable:
    """Which instruction misses the data cache on which object, most misses first."""
    whole = profile.caches.dcache.misses
    found = [
        (site.misses, row, site) for row in profile.objects for site in row.sites if site.misses
    ]
    found.sort(key=lambda item: (-item[0], item[1].name, item[2].address))
    longest = found[0][0] if found else 0
    columns = (
        HtmlColumn("object", numeric=False),
        HtmlColumn("instruction", numeric=False),
        HtmlColumn("source", numeric=False),
        HtmlColumn("accesses", EXACT),
        HtmlColumn("misses", MODELLED),
        HtmlColumn("of all misses", MODELLED),
        HtmlColumn("bar"),
        HtmlColumn("miss rate", MODELLED),
        HtmlColumn("stall cycles", MODELLED),
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
    return cut(HtmlTable("misses", "Data-cache misses by object", columns, rows, sorted_by=4))


def object_misses(profile: Profile) -> HtmlTable:
    """Data-cache misses summed by object."""
    found = sorted(
        (row for row in profile.objects if row.misses), key=lambda row: (-row.misses, row.name)
    )
    whole = profile.caches.dcache.misses
    longest = max((row.misses for row in found), default=0)
    columns = (
        HtmlColumn("object", numeric=False),
        HtmlColumn("region", numeric=False),
        HtmlColumn("size", EXACT),
        HtmlColumn("accesses", EXACT),
        HtmlColumn("misses", MODELLED),
        HtmlColumn("of all misses", MODELLED),
        HtmlColumn("bar"),
        HtmlColumn("miss rate", MODELLED),
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
    return cut(
        HtmlTable("object-misses", "Data-cache misses by object", columns, rows, sorted_by=4)
    )


def caches(profile: Profile) -> HtmlTable:
    """Both caches."""
    icache, dcache = profile.caches.icache, profile.caches.dcache
    columns = (
        HtmlColumn("cache", numeric=False),
        HtmlColumn("accesses", EXACT),
        HtmlColumn("misses", MODELLED),
        HtmlColumn("miss rate", MODELLED),
        HtmlColumn("evictions", MODELLED),
        HtmlColumn("write-backs", MODELLED),
    )
    rows = [
        (
            text(name),
            number(cache.accesses),
            number(cache.misses),
            share(cache.miss_rate, digits=2),
            number(cache.evictions),
            write_backs,
        )
        for name, cache, write_backs in (
            ("instruction", icache, Cell("", -1)),
            ("data", dcache, number(dcache.write_backs)),
        )
    ]
    return HtmlTable("caches", "Caches", columns, rows)


def ceiling_rows(profile: Profile, ceilings: Ceilings) -> HtmlTable:
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
        HtmlColumn("ceiling", numeric=False),
        HtmlColumn("at most", MODELLED),
        HtmlColumn("unit", numeric=False),
        HtmlColumn(f"at {si(clock, 'Hz')}", MODELLED),
    )
    return HtmlTable("ceilings", "Ceilings of the part", columns, rows)


def lines(profile: Profile) -> HtmlTable:
    """Source lines by cycles."""
    found = sorted(profile.lines or (), key=lambda row: (-row.cycles, row.file, row.line))
    whole = profile.totals.cycles
    longest = found[0].cycles if found else 0
    columns = (
        HtmlColumn("line", numeric=False),
        HtmlColumn("executions", EXACT),
        HtmlColumn("instructions", EXACT),
        HtmlColumn("cycles", MODELLED),
        HtmlColumn("share", MODELLED),
        HtmlColumn("by cause", MODELLED),
        HtmlColumn("misses", MODELLED, "of the data cache"),
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
    return cut(HtmlTable("lines", "Source lines", columns, rows, sorted_by=3))


def instructions(profile: Profile) -> HtmlTable:
    """Instructions by cycles."""
    found = sorted(profile.instructions or (), key=lambda row: (-row.cycles, row.address))
    whole = profile.totals.cycles
    longest = found[0].cycles if found else 0
    columns = (
        HtmlColumn("address", numeric=False),
        HtmlColumn("instruction", numeric=False),
        HtmlColumn("function", numeric=False),
        HtmlColumn("executions", EXACT),
        HtmlColumn("cycles", MODELLED),
        HtmlColumn("share", MODELLED),
        HtmlColumn("by cause", MODELLED),
        HtmlColumn("misses", MODELLED, "of the data cache"),
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
    return cut(HtmlTable("instructions", "Instructions", columns, rows, sorted_by=4))


def placement(profile: Profile) -> HtmlTable:
    """What was timed elsewhere than it is linked."""
    columns = (
        HtmlColumn("name", numeric=False),
        HtmlColumn("kind", numeric=False),
        HtmlColumn("linked in", numeric=False),
        HtmlColumn("timed in", numeric=False),
        HtmlColumn("address", numeric=False, hint="at which it was timed"),
        HtmlColumn("size", EXACT),
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
    return cut(HtmlTable("placement-table", "Placement", columns, rows))


def layout(profile: Profile) -> HtmlTable:
    """Cycles with all code shifted by some bytes."""
    band = profile.layout
    shifts = [] if band is None else list(zip(band.offsets_bytes, band.cycles, strict=True))
    middle = 0 if band is None else band.median_cycles
    columns = (
        HtmlColumn("shift", EXACT),
        HtmlColumn("cycles", MODELLED),
        HtmlColumn("from the median", MODELLED),
    )
    rows = [
        (
            Cell(f"{offset} B", offset),
            number(cycles),
            Cell(f"{cycles - middle:+,}" if cycles != middle else "0", cycles - middle),
        )
        for offset, cycles in shifts
    ]
    return HtmlTable("layout-table", "Layout", columns, rows)
