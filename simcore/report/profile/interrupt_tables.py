"""Interrupts and exceptions as tables of the text report: cost, latency, what held them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.costs.interrupts import CriticalSections, HeldBack, InterruptCosts, SectionEnd
from simcore.costs.profile import Profile
from simcore.report.page.console import Block
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table
from simcore.units import count, percent, place, si, size

#: What held an exception back, in words.
BY = {
    "mask": "masked",
    "priority": "priority",
    "instruction": "instruction",
    "bus": "bus",
}


def interrupt_blocks(profile: Profile, width: int) -> Iterator[Block]:
    """The tables of a run that took interrupts or exceptions, nothing of another."""
    rows = profile.interrupts
    if not rows:
        return
    exact, modelled = profile.accuracy.counts, profile.accuracy.cycles
    note = f"entry and return included; counts {exact}, cycles {modelled}"
    columns = _columns(rows, profile.totals.cycles)
    yield "Interrupts and exceptions", note, build_table(columns, width)
    held = [(row, hold) for row in rows for hold in row.held]
    if held:
        columns = _held_columns(held)
        yield "What held interrupts back", f"cycles {modelled}", build_table(columns, width)
    if (sections := profile.critical_sections) is not None:
        text = critical_text(sections, profile.cpu.clock_hz)
        yield "Critical sections", f"cycles {modelled}", Text(text)


def _columns(rows: Sequence[InterruptCosts], cycles: int) -> list[Column]:
    columns = [
        Column("exception", [row.name for row in rows]),
        Column("count", [count(row.count) for row in rows]),
        Column("cycles self", [count(row.cycles_self) for row in rows], 1),
        Column("self", [percent(row.cycles_self, cycles) for row in rows], 5),
    ]
    if any(row.cycles_total != row.cycles_self for row in rows):
        columns.append(Column("nested too", [count(row.cycles_total) for row in rows], 4))
    columns += [
        Column("latency min", [count(row.latency_min_cycles) for row in rows], 7),
        Column("median", [count(row.latency_median_cycles) for row in rows], 6),
        Column("p99", [count(row.latency_p99_cycles) for row in rows], 3),
        Column("max", [count(row.latency_max_cycles) for row in rows]),
    ]
    if any(row.lost for row in rows):
        columns.append(Column("lost", [count(row.lost) for row in rows]))
    if any(row.overruns for row in rows):
        columns.append(Column("overruns", [count(row.overruns) for row in rows], 2))
    columns.append(Column("nesting", [count(row.deepest_nesting) for row in rows], 9))
    columns.append(Column("stack", [size(row.stack_bytes) for row in rows], 8))
    return columns


def _held_columns(rows: Sequence[tuple[InterruptCosts, HeldBack]]) -> list[Column]:
    return [
        Column("exception", [row.name for row, _ in rows]),
        Column("by", [BY[hold.by] for _, hold in rows]),
        Column("longest", [count(hold.longest_cycles) for _, hold in rows]),
        Column("in all", [count(hold.total_cycles) for _, hold in rows], 2),
        Column("longest in", [held_where(hold) for _, hold in rows]),
    ]


def held_where(hold: HeldBack) -> str:
    """Who held it back longest: a function and line, or an exception."""
    if hold.who is None:
        if hold.address is None:
            return "entry of another"
        return f"0x{hold.address:08x}"
    if hold.file is None or hold.line is None:
        return hold.who
    return f"{hold.who} ({place(hold.file, hold.line)})"


def _end(end: SectionEnd) -> str:
    if end.function is None:
        return f"0x{end.address:08x}"
    if end.file is None or end.line is None:
        return end.function
    return f"{end.function} ({place(end.file, end.line)})"


def _sections(number: int) -> str:
    return f"{count(number)} section{'' if number == 1 else 's'}"


def critical_text(sections: CriticalSections, clock_hz: int) -> str:
    """How often, how long, and the longest with its ends, in two lines."""
    longest = si(sections.longest_cycles / clock_hz, "s")
    ends = f"from {_end(sections.begin)}"
    ends += ", with which the run ended" if sections.end is None else f" to {_end(sections.end)}"
    return (
        f"{_sections(sections.count)} with interrupts masked, {count(sections.cycles)} cycles"
        f" in all\nlongest {count(sections.longest_cycles)} cycles ({longest}),"
        f" {' and '.join(sections.masks)}, {ends}"
    )
