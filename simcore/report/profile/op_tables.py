"""The tables of operations of the text report: what each costs, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.report.page.console import Block
from simcore.report.page.names import fitted
from simcore.report.page.table import Column, build_table
from simcore.units import count, decimal, half_width, percent, si, size

MANY = 100  # operations that are all shown
BESIDE = 24  # columns for an object beside other things
#: Causes with a column, by its header; issue is what is left.
SHOWN_CAUSES = {
    "dependency": "depend",
    "load_use": "load use",
    "execute": "execute",
    "branch": "branch",
    "fetch": "fetch",
    "load": "load",
    "store": "store",
    "sleep": "sleep",
}


def op_blocks(profile: Profile, width: int, top: int | None) -> Iterator[Block]:
    """Operations by cost, then by cause; of very many the dearest, as they ran."""
    ops = _shown(profile.ops, top)
    if not ops:
        return
    exact, modelled = profile.accuracy.counts, profile.accuracy.cycles
    estimated = profile.accuracy.energy
    of = "" if len(ops) == len(profile.ops) else f"dearest {len(ops)} of {len(profile.ops):,}; "
    given = ""
    if any(op.macs != op.macs_counted for op in ops):
        given = "; MACs as declared"
    if any(op.is_part for op in ops):
        given += "; an operation around what is counted ran in part, its MACs as counted"
    note = f"{of}callees included; counts {exact}, cycles {modelled}, energy {estimated}{given}"
    yield "Operations", note, build_table(_costs(ops), width)
    if any(op.cycles_by_cause for op in ops):
        note = f"{of}shares of their cycles {modelled}, bytes {exact}, misses {modelled}"
        yield "Operations by cause", note, build_table(_causes(ops), width)


def _shown(ops: Sequence[OpCosts], top: int | None) -> Sequence[OpCosts]:
    if top is None or len(ops) <= max(top, MANY):
        return ops
    dearest = sorted(range(len(ops)), key=lambda at: (-ops[at].cycles, at))[:top]
    return [ops[at] for at in sorted(dearest)]


def _costs(ops: Sequence[OpCosts]) -> list[Column]:
    columns = [
        Column("operation", [op.name for op in ops]),
        Column("kind", [op.kind for op in ops], 8),
        Column("calls", [count(op.invocations) for op in ops], 7),
        Column("MACs", [count(op.macs) for op in ops], 4),
        Column("counted", [count(op.macs_counted) for op in ops], 5),
        Column("cycles", [count(op.cycles) for op in ops]),
        Column("least", [_cycles(op.minimum_cycles) for op in ops], 12),
        Column("mean", [_cycles(op.mean_cycles) for op in ops], 7),
        Column("most", [_cycles(op.maximum_cycles) for op in ops], 13),
        Column("cyc/MAC", [decimal(op.cycles_per_mac) for op in ops], 1),
        Column("time", [si(op.time_s, "s") for op in ops], 6),
        Column("rate", [si(op.ops_per_s or None, "op/s") for op in ops], 3),
        Column("energy", [si(op.energy_j, "J") for op in ops], 2),
        Column("J/op", [si(op.j_per_op, "J") for op in ops], 10),
        Column("J/MAC", [si(op.j_per_mac, "J") for op in ops], 9),
        Column("power", [si(op.power_w, "W") for op in ops], 6),
        Column("+/-", [half_width(op.energy_low_j, op.energy_high_j) for op in ops], 4),
    ]
    left_out = set()
    if all(op.macs == op.macs_counted for op in ops):
        left_out.add("counted")
    if all(op.invocations <= 1 for op in ops):
        left_out |= {"least", "mean", "most"}
    return [column for column in columns if column.header not in left_out]


def _causes(ops: Sequence[OpCosts]) -> list[Column]:
    found = {
        header: [(op.cycles_by_cause or {}).get(cause, 0) for op in ops]
        for cause, header in SHOWN_CAUSES.items()
    }
    issue = [(op.cycles_by_cause or {}).get("issue", 0) for op in ops]
    shares = [
        Column(header, [_share(part, op) for part, op in zip(parts, ops, strict=True)])
        for header, parts in {"issue": issue, **found}.items()
        if any(parts)
    ]
    return [
        Column("operation", [op.name for op in ops]),
        *shares,
        Column("I-misses", [count(op.icache_misses) for op in ops], 4),
        Column("D-misses", [count(_misses(op)) for op in ops], 3),
        Column("mispredicts", [count(op.mispredicts) for op in ops], 6),
        Column("read", [size(sum(t.read_bytes for t in op.traffic.values())) for op in ops], 1),
        Column("written", [size(sum(t.write_bytes for t in op.traffic.values())) for op in ops], 2),
        Column("mostly", fitted([_object(op) for op in ops], BESIDE), 5),
    ]


def _share(cycles: int, op: OpCosts) -> str:
    return percent(cycles, op.cycles, digits=0)


def _misses(op: OpCosts) -> int:
    return op.dcache_read_misses + op.dcache_write_misses


def _object(op: OpCosts) -> str:
    """The data object that costs most."""
    return op.objects[0].name if op.objects else ""


def _cycles(cycles: float | None) -> str:
    return "" if cycles is None else count(round(cycles))
