"""What a run costs: cycles by cause, energy by component, operations, functions, ceilings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.costs.tables import FunctionCosts
from simcore.elf.names import also
from simcore.pipeline.ceilings import Ceilings
from simcore.report.asleep import asleep_in, awake_energies
from simcore.report.html.colors import word_class
from simcore.report.html.profile_tables.beside import (
    Beside,
    longest_awake,
    scale_asleep,
)
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
    folded,
    number,
    octets,
    parts,
    place,
    plus_minus,
    quantity,
    rate,
    share,
    text,
)
from simcore.report.html.tables import words as spoken
from simcore.report.meanings import CAUSES, COMPONENTS, told
from simcore.units import si

OF_CYCLES = " of the cycles"  # what the share is of that folds a row


def causes(profile: Profile, beside: Beside) -> HtmlTable:
    """Cycles by cause, those that cost nothing left out."""
    found, slept = profile.totals.cycles_by_cause, beside.slept
    longest = max((n for cause, n in found.items() if cause != "sleep"), default=0)
    columns: list[Filled[tuple[str, int]]] = [
        (HtmlColumn("cause", numeric=False), lambda row: _word(row[0])),
        (HtmlColumn("cycles", MODELLED), lambda row: number(row[1])),
        (HtmlColumn("share", MODELLED), lambda row: beside.share(row[1])),
        (HtmlColumn("bar"), lambda row: bar(row[1], longest, word_class(row[0]))),
    ]
    rows = [row for row in found.items() if row[1]]
    whole = profile.totals.cycles
    name = _either(text("awake"), text("all"), beside)
    foot = (name, beside.cycles(whole, slept.cycles), share(1))
    table = filled("causes", "Cycles by cause", rows, columns, foot=foot)
    meanings = [told(CAUSES, cause) for cause, _ in rows]
    scale = longest / max(longest, slept.cycles) if longest else 1.0
    return replace(table, told=meanings, asleep=_rows_asleep(rows), scale=scale)


def components(profile: Profile, beside: Beside) -> HtmlTable:
    """Energy by component, those without any left out."""
    energies, whole = profile.totals.energy_by_component, profile.totals.energy_j
    slept = beside.slept
    awake = awake_energies(energies, slept.cycles, slept)
    longest = max((part for name, part in awake.items() if name != "sleep"), default=0.0)

    def asleep(row: tuple[str, float]) -> float:
        """Of always on, what it took while the core slept."""
        return row[1] - awake[row[0]] if row[0] != "sleep" else 0.0

    columns: list[Filled[tuple[str, float]]] = [
        (HtmlColumn("component", numeric=False), lambda row: _word(row[0])),
        (
            HtmlColumn("energy", ESTIMATED),
            lambda row: _either(quantity(row[1] - asleep(row), "J"), quantity(row[1], "J"), beside),
        ),
        (
            HtmlColumn("share", ESTIMATED),
            lambda row: _either(
                share(row[1] - asleep(row), whole - slept.energy_j), share(row[1], whole), beside
            ),
        ),
        (
            HtmlColumn("bar"),
            lambda row: bar(row[1] - asleep(row), longest, word_class(row[0]), asleep(row)),
        ),
    ]
    rows = [row for row in energies.items() if row[1]]
    total = _either(quantity(whole - slept.energy_j, "J"), quantity(whole, "J"), beside)
    foot = (_either(text("awake"), text("all"), beside), total, share(1))
    table = filled("components", "Energy by component", rows, columns, foot=foot)
    meanings = [told(COMPONENTS, name) for name, _ in rows]
    largest = max(energies.values(), default=0.0)
    scale = longest / largest if largest and slept.cycles else 1.0
    return replace(table, told=meanings, asleep=_rows_asleep(rows), scale=scale)


def _word(name: str) -> Cell:
    return text(spoken(name), swatch=word_class(name))


def _rows_asleep(rows: Sequence[tuple[str, float]]) -> list[int]:
    return [index for index, (name, _) in enumerate(rows) if name == "sleep"]


def _either(awake: Cell, whole: Cell, beside: Beside) -> Cell:
    """A cell without sleep, with what it is with sleep where the run sleeps."""
    if not beside.slept.cycles:
        return whole
    return replace(awake, whole=whole.text, whole_sort=whole.sort)


def operations(profile: Profile, beside: Beside) -> HtmlTable:
    """Operations, callees included, with bars of throughput and energy."""
    ops = profile.ops
    fastest = max((op.ops_per_s or 0 for op in ops), default=0)
    dearest = max((op.energy_j for op in ops), default=0)
    macs = "multiply-accumulates, as declared or counted"
    throughput = "operations a second: two a MAC unless declared"
    by_cause = "its cycles by cause, in the colours above"
    all_causes = [op.cycles_by_cause or {} for op in ops]
    longest = longest_awake(all_causes)
    declared = "bytes declared by the firmware"

    def asleep(op: OpCosts) -> int:
        return asleep_in(op.cycles_by_cause)

    columns: list[Filled[OpCosts]] = [
        (HtmlColumn("operation", numeric=False), _operation),
        (HtmlColumn("calls", EXACT), lambda op: number(op.invocations)),
        (HtmlColumn("MACs", EXACT, macs), lambda op: number(op.macs)),
        (HtmlColumn("cycles", MODELLED), lambda op: beside.cycles(op.cycles, asleep(op))),
        (HtmlColumn("of run", MODELLED), lambda op: beside.share(op.cycles, asleep(op))),
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
        (
            HtmlColumn("energy", ESTIMATED, "with half the width of its interval"),
            lambda op: beside.energy(
                op.energy_j, asleep(op), plus_minus(op.energy_low_j, op.energy_high_j)
            ),
        ),
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
    table = filled("operations", "Operations", ops, columns)
    table = replace(table, scale=scale_asleep(all_causes))
    return folded(table, [beside.part(op.cycles, asleep(op)) for op in ops], OF_CYCLES)


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


def functions(profile: Profile, beside: Beside) -> HtmlTable:
    """Functions by their own cycles awake."""
    totals, below = profile.totals, beside.slept.below

    def asleep(row: FunctionCosts) -> int:
        return asleep_in(row.cycles_by_cause)

    rows = sorted(profile.functions, key=lambda row: asleep(row) - row.cycles_self)
    all_causes = [row.cycles_by_cause for row in rows]
    longest = longest_awake(all_causes)
    by_cause = "its own cycles by cause, in the colours above"
    energy = "its own, callees left out; half the width of its interval"
    columns: list[Filled[FunctionCosts]] = [
        (
            HtmlColumn("function", numeric=False),
            lambda row: text(
                row.name, _details(row), beside.listed.get(row.name, ""),
                url=beside.links(row.file, row.line),
            ),
        ),
        (HtmlColumn("calls", EXACT), lambda row: number(row.calls)),
        (HtmlColumn("instructions", EXACT), lambda row: number(row.instructions)),
        (
            HtmlColumn("cycles", MODELLED, "its own, callees left out"),
            lambda row: beside.cycles(row.cycles_self, asleep(row)),
        ),
        (
            HtmlColumn("self", MODELLED, "share of all cycles"),
            lambda row: beside.share(row.cycles_self, asleep(row)),
        ),
        (
            HtmlColumn("by cause", MODELLED, by_cause),
            lambda row: parts(row.cycles_by_cause, longest),
        ),
        (
            HtmlColumn("total", MODELLED, "share with callees"),
            lambda row: beside.share(row.cycles_total, below.get(row.name, 0)),
        ),
        (HtmlColumn("IPC", MODELLED, "instructions a cycle"), lambda row: rate(_ratio(row))),
        (HtmlColumn("MACs", EXACT), lambda row: number(row.macs)),
        (
            HtmlColumn("energy", ESTIMATED, energy),
            lambda row: beside.energy(
                row.energy_j_self, asleep(row), plus_minus(row.energy_low_j, row.energy_high_j)
            ),
        ),
        (
            HtmlColumn("of run", ESTIMATED),
            lambda row: beside.energy_share(row.energy_j_self, asleep(row), totals.energy_j),
        ),
    ]  # fmt: skip
    table = filled("functions", "Functions", rows, columns, sorted_by=3)
    table = replace(table, scale=scale_asleep(all_causes))
    return folded(table, [beside.part(row.cycles_self, asleep(row)) for row in rows], OF_CYCLES)


def _details(row: FunctionCosts) -> str:
    """Where a function is, and what else it is called."""
    return ", ".join(part for part in (place(row.file, row.line), also(row.aliases)) if part)


def _ratio(row: FunctionCosts) -> float | None:
    awake = row.cycles_self - asleep_in(row.cycles_by_cause)
    return row.instructions / awake if awake else None


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
