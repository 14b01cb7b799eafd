"""What a run costs: cycles by cause, energy by component, operations, functions, ceilings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.costs.tables import FunctionCosts
from simcore.elf.names import also
from simcore.pipeline.ceilings import Ceilings
from simcore.report.html.bars import component_colors
from simcore.report.html.roofline import ceiling_swatches, roofline_regions
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
    number,
    octets,
    parts,
    place,
    plus_minus,
    quantity,
    rate,
    share,
    text,
    words,
)
from simcore.units import si


def causes(profile: Profile) -> HtmlTable:
    """Cycles by cause, those that cost nothing left out."""
    found, whole = profile.totals.cycles_by_cause, profile.totals.cycles
    longest = max(found.values(), default=0)
    columns: list[Filled[tuple[str, int]]] = [
        (HtmlColumn("cause", numeric=False), lambda row: text(words(row[0]), swatch=f"c-{row[0]}")),
        (HtmlColumn("cycles", MODELLED), lambda row: number(row[1])),
        (HtmlColumn("share", MODELLED), lambda row: share(row[1], whole)),
        (HtmlColumn("bar"), lambda row: bar(row[1], longest)),
    ]
    rows = [row for row in found.items() if row[1]]
    foot = (text("all"), number(whole), share(1))
    return filled("causes", "Cycles by cause", rows, columns, foot=foot)


def components(profile: Profile) -> HtmlTable:
    """Energy by component, those without any left out."""
    energies, whole = profile.totals.energy_by_component, profile.totals.energy_j
    longest = max(energies.values(), default=0.0)
    colors = component_colors(profile)
    columns: list[Filled[tuple[str, float]]] = [
        (
            HtmlColumn("component", numeric=False),
            lambda row: text(words(row[0]), swatch=colors[row[0]]),
        ),
        (HtmlColumn("energy", ESTIMATED), lambda row: quantity(row[1], "J")),
        (HtmlColumn("share", ESTIMATED), lambda row: share(row[1], whole)),
        (HtmlColumn("bar"), lambda row: bar(row[1], longest)),
    ]
    rows = [row for row in energies.items() if row[1]]
    foot = (text("all"), quantity(whole, "J"), share(1))
    return filled("components", "Energy by component", rows, columns, foot=foot)


def operations(profile: Profile) -> HtmlTable:
    """Operations, callees included, with bars of throughput and energy."""
    ops, whole = profile.ops, profile.totals.cycles
    fastest = max((op.ops_per_s or 0 for op in ops), default=0)
    dearest = max((op.energy_j for op in ops), default=0)
    macs = "multiply-accumulates, as declared or counted"
    throughput = "operations a second: two a MAC unless declared"
    by_cause = "its cycles by cause, in the colours above"
    longest = max((op.cycles for op in ops), default=0)
    declared = "bytes declared by the firmware"
    columns: list[Filled[OpCosts]] = [
        (HtmlColumn("operation", numeric=False), _operation),
        (HtmlColumn("calls", EXACT), lambda op: number(op.invocations)),
        (HtmlColumn("MACs", EXACT, macs), lambda op: number(op.macs)),
        (HtmlColumn("cycles", MODELLED), lambda op: number(op.cycles)),
        (HtmlColumn("of run", MODELLED), lambda op: share(op.cycles, whole)),
        (
            HtmlColumn("by cause", MODELLED, by_cause),
            lambda op: parts(op.cycles_by_cause or {}, longest),
        ),
        (HtmlColumn("cycles/MAC", MODELLED), lambda op: rate(op.cycles_per_mac)),
        (HtmlColumn("time", MODELLED), lambda op: quantity(op.time_s, "s")),
        (HtmlColumn("throughput", MODELLED, throughput), lambda op: quantity(op.ops_per_s, "op/s")),
        (
            HtmlColumn("bar", hint="throughput, the fastest operation is full length"),
            lambda op: bar(op.ops_per_s, fastest),
        ),
        (HtmlColumn("energy", ESTIMATED, "with half the width of its interval"), _energy),
        (
            HtmlColumn("bar", hint="energy, the dearest operation is full length"),
            lambda op: bar(op.energy_j, dearest),
        ),
        (HtmlColumn("energy/MAC", ESTIMATED), lambda op: quantity(op.j_per_mac, "J")),
        (HtmlColumn("power", ESTIMATED), lambda op: quantity(op.power_w, "W")),
    ]
    columns += _where(ops)
    if any(op.param_bytes for op in ops):
        columns.append(
            (HtmlColumn("parameters", EXACT, declared), lambda op: octets(op.param_bytes))
        )
    if any(op.activation_bytes for op in ops):
        activations = HtmlColumn("activations", EXACT, declared)
        columns.append((activations, lambda op: octets(op.activation_bytes)))
    return filled("operations", "Operations", ops, columns)


def _where(ops: Sequence[OpCosts]) -> Iterator[Filled[OpCosts]]:
    """What operations missed and moved, one invocation beside others, and MACs as counted."""
    if any(op.macs != op.macs_counted for op in ops):
        hint = "from the instructions that ran; what is per MAC takes the declared ones"
        yield HtmlColumn("counted MACs", EXACT, hint), lambda op: number(op.macs_counted)
    if any(op.invocations > 1 for op in ops):
        hint = "of one invocation"
        yield HtmlColumn("least cycles", MODELLED, hint), lambda op: number(op.minimum_cycles)
        yield HtmlColumn("mean cycles", MODELLED, hint), lambda op: rate(op.mean_cycles)
        yield HtmlColumn("most cycles", MODELLED, hint), lambda op: number(op.maximum_cycles)
    yield HtmlColumn("I-cache misses", MODELLED), lambda op: number(op.icache_misses)
    yield (
        HtmlColumn("D-cache misses", MODELLED),
        lambda op: number(op.dcache_read_misses + op.dcache_write_misses),
    )
    yield HtmlColumn("mispredicts", MODELLED), lambda op: number(op.mispredicts)
    yield (
        HtmlColumn("read", EXACT, "by loads, of all regions"),
        lambda op: octets(sum(traffic.read_bytes for traffic in op.traffic.values())),
    )
    yield (
        HtmlColumn("written", EXACT, "by stores, of all regions"),
        lambda op: octets(sum(traffic.write_bytes for traffic in op.traffic.values())),
    )
    yield HtmlColumn("mostly", EXACT, "the data objects that cost most", numeric=False), _objects


def _objects(op: OpCosts) -> Cell:
    return text(", ".join(one.name for one in op.objects[:2]))


def _operation(op: OpCosts) -> Cell:
    return text(op.name, op.kind if op.kind != op.name else "")


def _energy(op: OpCosts) -> Cell:
    return quantity(op.energy_j, "J", plus_minus(op.energy_low_j, op.energy_high_j))


def functions(profile: Profile, listed: Mapping[str, str]) -> HtmlTable:
    """Functions by their own cycles; ``listed`` has the ids of those whose listing is there."""
    totals = profile.totals
    longest = max((row.cycles_self for row in profile.functions), default=0)
    by_cause = "its own cycles by cause, in the colours above"
    energy = "its own, callees left out; half the width of its interval"
    columns: list[Filled[FunctionCosts]] = [
        (
            HtmlColumn("function", numeric=False),
            lambda row: text(row.name, _details(row), listed.get(row.name, "")),
        ),
        (HtmlColumn("calls", EXACT), lambda row: number(row.calls)),
        (HtmlColumn("instructions", EXACT), lambda row: number(row.instructions)),
        (
            HtmlColumn("cycles", MODELLED, "its own, callees left out"),
            lambda row: number(row.cycles_self),
        ),
        (
            HtmlColumn("self", MODELLED, "share of all cycles"),
            lambda row: share(row.cycles_self, totals.cycles),
        ),
        (
            HtmlColumn("by cause", MODELLED, by_cause),
            lambda row: parts(row.cycles_by_cause, longest),
        ),
        (
            HtmlColumn("total", MODELLED, "share with callees"),
            lambda row: share(row.cycles_total, totals.cycles),
        ),
        (HtmlColumn("IPC", MODELLED, "instructions a cycle"), lambda row: rate(_ratio(row))),
        (HtmlColumn("MACs", EXACT), lambda row: number(row.macs)),
        (HtmlColumn("energy", ESTIMATED, energy), _energy_self),
        (HtmlColumn("of run", ESTIMATED), lambda row: share(row.energy_j_self, totals.energy_j)),
    ]
    return filled("functions", "Functions", profile.functions, columns, sorted_by=3)


def _details(row: FunctionCosts) -> str:
    """Where a function is, and what else it is called."""
    return ", ".join(part for part in (place(row.file, row.line), also(row.aliases)) if part)


def _ratio(row: FunctionCosts) -> float | None:
    return row.instructions / row.cycles_self if row.cycles_self else None


def _energy_self(row: FunctionCosts) -> Cell:
    return quantity(row.energy_j_self, "J", plus_minus(row.energy_low_j, row.energy_high_j))


def ceiling_rows(profile: Profile, ceilings: Ceilings) -> HtmlTable:
    """The ceilings of the roofline, at the clock of the run."""
    clock = profile.cpu.clock_hz
    regions = roofline_regions(profile, ceilings)
    swatches = ceiling_swatches(ceilings, regions)
    rows = [("MAC", name, value) for name, value in ceilings.macs_per_cycle.items()]
    rows += [("B", name, ceilings.bytes_per_cycle[name]) for name in regions]
    columns: list[Filled[tuple[str, str, float]]] = [
        (HtmlColumn("ceiling", numeric=False), lambda row: text(row[1], swatch=swatches[row[1]])),
        (HtmlColumn("at most", MODELLED), lambda row: rate(row[2])),
        (HtmlColumn("unit", numeric=False), lambda row: text(f"{row[0]}/cycle")),
        (
            HtmlColumn(f"at {si(clock, 'Hz')}", MODELLED),
            lambda row: quantity(row[2] * clock, f"{row[0]}/s"),
        ),
    ]
    return filled("ceilings", "Ceilings of the part", rows, columns)
