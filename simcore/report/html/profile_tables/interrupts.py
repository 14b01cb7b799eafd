"""Interrupts and exceptions: cost, latency, and what held them back."""

from __future__ import annotations

from simcore.costs.interrupts import HeldBack, InterruptCosts
from simcore.costs.profile import Profile
from simcore.report.html.profile_tables.beside import Beside
from simcore.report.html.tables import (
    EXACT,
    MODELLED,
    Filled,
    HtmlColumn,
    HtmlTable,
    bar,
    filled,
    number,
    octets,
    text,
)
from simcore.report.profile.interrupt_tables import BY, critical_text, held_where


def interrupts(profile: Profile, beside: Beside) -> HtmlTable:
    """Exceptions that were taken, by number."""
    rows = profile.interrupts or ()
    entry = "with entry and return, without handlers that interrupted it"
    latency = "from pending to the handler's first instruction"
    lost = "it came again while it was still pending"
    columns: list[Filled[InterruptCosts]] = [
        (HtmlColumn("exception", numeric=False), lambda row: text(row.name, row.handler or "")),
        (HtmlColumn("count", EXACT), lambda row: number(row.count)),
        (HtmlColumn("cycles", MODELLED, entry), lambda row: number(row.cycles_self)),
        (HtmlColumn("self", MODELLED), lambda row: beside.share(row.cycles_self)),
        (HtmlColumn("nested too", MODELLED), lambda row: number(row.cycles_total)),
        (HtmlColumn("latency min", MODELLED, latency), lambda row: number(row.latency_min_cycles)),
        (HtmlColumn("median", MODELLED), lambda row: number(row.latency_median_cycles)),
        (HtmlColumn("p99", MODELLED), lambda row: number(row.latency_p99_cycles)),
        (HtmlColumn("max", MODELLED), lambda row: number(row.latency_max_cycles)),
        (
            HtmlColumn("response", MODELLED, "longest from pending to the end of return"),
            lambda row: number(row.response_max_cycles),
        ),
        (HtmlColumn("lost", EXACT, lost), lambda row: number(row.lost)),
        (HtmlColumn("overruns", EXACT, "while its handler ran"), lambda row: number(row.overruns)),
        (HtmlColumn("nesting", EXACT, "deepest"), lambda row: number(row.deepest_nesting)),
        (HtmlColumn("stack", EXACT, "frame and below"), lambda row: octets(row.stack_bytes)),
    ]
    return filled("interrupt-table", "Interrupts and exceptions", rows, columns)


def held_back(profile: Profile) -> HtmlTable:
    """What held interrupts back."""
    rows = [(row, hold) for row in profile.interrupts or () for hold in row.held]
    longest = max((hold.longest_cycles for _, hold in rows), default=0)
    columns: list[Filled[tuple[InterruptCosts, HeldBack]]] = [
        (HtmlColumn("exception", numeric=False), lambda row: text(row[0].name)),
        (HtmlColumn("held back by", numeric=False), lambda row: text(BY[row[1].by])),
        (
            HtmlColumn("longest", MODELLED, "cycles in one piece"),
            lambda row: number(row[1].longest_cycles),
        ),
        (HtmlColumn("bar"), lambda row: bar(row[1].longest_cycles, longest)),
        (HtmlColumn("in all", MODELLED), lambda row: number(row[1].total_cycles)),
        (HtmlColumn("longest in", numeric=False), lambda row: text(held_where(row[1]))),
    ]
    return filled("held-back", "What held interrupts back", rows, columns)


def critical(profile: Profile) -> str:
    """Sections with interrupts masked, in words."""
    sections = profile.critical_sections
    return "" if sections is None else critical_text(sections, profile.cpu.clock_hz)
